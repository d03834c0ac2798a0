"""Small JPEG files of the ordinary kinds, written and read by OpenCV (libjpeg-turbo): run in this folder.

`jpeg/expected.json` has the size of each and the RGB that libjpeg-turbo's defaults give.
"""

import json

import cv2
import numpy as np

random = np.random.default_rng(3)
expected = {}


def picture(width, height):
    small = random.integers(0, 255, (height // 6 + 2, width // 6 + 2, 3), dtype=np.uint8)
    smooth = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC).astype(int)
    return np.clip(smooth + random.integers(-25, 25, smooth.shape), 0, 255).astype(np.uint8)


samplings = {"whole": 0x111111, "across": 0x211111, "down": 0x121111, "both": 0x221111}
for kind, sampling in samplings.items():
    for number, (width, height, progressive, restart, quality) in enumerate(
        [(37, 21, 0, 0, 90), (16, 48, 1, 0, 75), (2, 5, 0, 0, 60), (41, 17, 0, 2, 100), (19, 33, 1, 3, 30)]
    ):
        options = [
            cv2.IMWRITE_JPEG_QUALITY, quality,
            cv2.IMWRITE_JPEG_PROGRESSIVE, progressive,
            cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling,
            cv2.IMWRITE_JPEG_RST_INTERVAL, restart,
        ]
        name = f"{kind}-{number}.jpg"
        done, data = cv2.imencode(".jpg", picture(width, height), options)
        assert done
        data.tofile(f"jpeg/{name}")
        rgb = cv2.imdecode(data, cv2.IMREAD_COLOR)[:, :, ::-1]
        expected[name] = {"width": width, "height": height, "rgb": rgb.tobytes().hex()}

done, data = cv2.imencode(".jpg", picture(23, 30)[:, :, 0])
data.tofile("jpeg/grey.jpg")
rgb = cv2.imdecode(data, cv2.IMREAD_COLOR)
expected["grey.jpg"] = {"width": 23, "height": 30, "rgb": rgb.tobytes().hex()}

with open("jpeg/expected.json", "w") as file:
    json.dump(expected, file, indent=1)
    file.write("\n")
