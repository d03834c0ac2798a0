"""Small image files of many kinds by Pillow and OpenCV, with the RGB that they are: run in this folder.

Lossless ones are compared exactly; JPEG, where decoders round differently, with a little room. What is transparent is
weighted by its alpha, as over black; 16 bits become 8 by rounding to the nearest.
"""

import json

import cv2
import numpy as np
from PIL import Image

SIZE = 16
rows, columns = np.mgrid[0:SIZE, 0:SIZE]
colour = np.stack([columns * 16, rows * 16, 255 - columns * 8 - rows * 8], 2).astype(np.uint8)
# Four areas of one colour each, whose edges are those of JPEG's blocks.
areas = np.zeros((SIZE, SIZE, 3), np.uint8)
areas[:8, :8], areas[:8, 8:], areas[8:, :8], areas[8:, 8:] = (200, 30, 40), (20, 180, 60), (10, 50, 220), (250, 240, 230)
alpha = (rows * 17).astype(np.uint8)
expected = {}


def keep(name, rgb, room=0):
    rgb = np.asarray(rgb, np.uint8)
    assert rgb.shape == (SIZE, SIZE, 3)
    expected[name] = {"room": room, "rgb": rgb.tobytes().hex()}


def over_black(rgb, alpha):
    return np.rint(rgb.astype(float) * alpha[..., None] / 255).astype(np.uint8)


grey = colour[..., 1]
Image.fromarray(grey).save("images/grey.png")
keep("grey.png", np.repeat(grey[..., None], 3, 2))
Image.fromarray(grey > 100).save("images/one-bit.png")
keep("one-bit.png", np.repeat(np.where(grey > 100, 255, 0)[..., None], 3, 2))
Image.fromarray(np.dstack([grey, alpha]), "LA").save("images/grey-alpha.png")
keep("grey-alpha.png", over_black(np.repeat(grey[..., None], 3, 2), alpha))
Image.fromarray(np.dstack([colour, alpha]), "RGBA").save("images/alpha.png")
keep("alpha.png", over_black(colour, alpha))
Image.fromarray(np.dstack([colour, alpha]), "RGBA").save("images/alpha.webp", lossless=True, exact=True)
keep("alpha.webp", over_black(colour, alpha))
Image.fromarray(colour).save("images/lossless.webp", lossless=True)
keep("lossless.webp", colour)

palette = Image.fromarray(areas).quantize(4)
palette.save("images/palette.png")
keep("palette.png", palette.convert("RGB"))
palette.save("images/palette.bmp")
keep("palette.bmp", palette.convert("RGB"))
palette.save("images/palette-clear.png", transparency=0)
shown = np.asarray(Image.open("images/palette-clear.png").convert("RGBA"))
keep("palette-clear.png", over_black(shown[..., :3], shown[..., 3]))
Image.fromarray(colour).save("images/colour.bmp")
keep("colour.bmp", colour)

deep = colour.astype(np.uint16) * 257 + 100
cv2.imwrite("images/sixteen-bits.png", deep[..., ::-1])
keep("sixteen-bits.png", np.rint(deep / 257).astype(np.uint8))
cv2.imwrite("images/grey-sixteen-bits.png", deep[..., 1])
keep("grey-sixteen-bits.png", np.repeat(np.rint(deep[..., 1] / 257).astype(np.uint8)[..., None], 3, 2))

for name, options in {
    "halved-colours.jpg": {"subsampling": 2},
    "whole-colours.jpg": {"subsampling": 0},
    "progressive.jpg": {"progressive": True, "subsampling": 2},
}.items():
    Image.fromarray(areas).save(f"images/{name}", quality=95, **options)
    keep(name, Image.open(f"images/{name}").convert("RGB"), room=6)
Image.fromarray(grey).save("images/grey.jpg", quality=95)
keep("grey.jpg", Image.open("images/grey.jpg").convert("RGB"), room=3)
Image.fromarray(areas).convert("CMYK").save("images/print.jpg", quality=95)
keep("print.jpg", Image.open("images/print.jpg").convert("RGB"), room=6)

with open("images/expected.json", "w") as file:
    json.dump(expected, file, indent=1)
    file.write("\n")
