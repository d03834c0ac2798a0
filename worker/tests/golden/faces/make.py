"""Draws scenes of synthetic faces and writes what others find in them: python3 make.py FACES [PICTURE...]

FACES is the folder of `facetui data synth --out FACES --identities 6 --lfw-pairs 20 --ytf-pairs 20`. Boxes, scores and
landmarks are by facenet-pytorch 2.6.0 (MTCNN, keep_all) on torch 2.9.0, transforms and faces by scikit-image
(SimilarityTransform and warp, bilinear). PICTUREs are further pictures, which are not copied: what is found in them
goes to pictures.json.

pip install torch==2.9.0 torchvision==0.24.0 scikit-image pillow requests tqdm
pip install --no-deps facenet-pytorch==2.6.0
"""

import glob
import json
import os
import random
import sys

import numpy
import skimage.transform
import torch
from facenet_pytorch.models.mtcnn import MTCNN
from PIL import Image, ImageDraw

TARGET = numpy.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]
)
detectors = {size: MTCNN(keep_all=True, select_largest=False, min_face_size=size, device="cpu") for size in (20, 40)}


def found(picture, size):
    boxes, scores, landmarks = detectors[size].detect(picture, landmarks=True)
    if boxes is None:
        return []
    return [
        {"box": numpy.round(box.astype(float), 3).tolist(), "score": round(float(score), 5),
         "landmarks": numpy.round(points.astype(float), 3).tolist()}
        for box, score, points in zip(boxes, scores, landmarks)
    ]


def scene(size, places, faces, colour):
    picture = Image.new("RGB", size, colour)
    draw = ImageDraw.Draw(picture)
    draw.rectangle([0, size[1] * 2 // 3, size[0], size[1]], fill=(90, 70, 60))
    draw.line([10, 10, size[0] - 20, size[1] // 2], fill=(200, 190, 120), width=5)
    for (x, y, side, angle), face in zip(places, faces):
        face = Image.open(face).convert("RGB").resize((side, side), Image.BICUBIC)
        mask = Image.new("L", face.size, 255).rotate(angle)
        picture.paste(face.rotate(angle, Image.BICUBIC), (x, y), mask)
    return picture


random.seed(3)
faces = sorted(glob.glob(sys.argv[1] + "/synthetic-ytf/*/0/*.1.jpg"))[:8]
scenes = {
    "two.png": scene((220, 150), [(10, 20, 100, 0), (120, 40, 70, 12)], faces[:2], (150, 160, 170)),
    "small.png": scene((160, 120), [(20, 10, 45, 0), (90, 40, 56, -8)], faces[2:4], (60, 110, 90)),
    "edge.png": scene((130, 110), [(-18, 5, 90, 0), (85, 40, 80, 20)], faces[4:6], (190, 180, 160)),
    "none.png": scene((100, 80), [], [], (120, 130, 140)),
}
expected = {"scenes": {}, "transforms": []}
for name, picture in scenes.items():
    picture.save(name, optimize=True)
    expected["scenes"][name] = {str(size): found(picture, size) for size in detectors}
for name in ["two.png", "edge.png"]:
    picture = numpy.array(scenes[name])
    for number, face in enumerate(expected["scenes"][name]["20"]):
        points = numpy.array(face["landmarks"])
        transform = skimage.transform.SimilarityTransform()
        transform.estimate(points, TARGET)
        crop = skimage.transform.warp(
            picture, transform.inverse, output_shape=(112, 112), order=1, cval=0, preserve_range=True
        )
        file = f"face_{name[:-4]}_{number}.png"
        Image.fromarray(numpy.round(crop).astype(numpy.uint8)).save(file, optimize=True)
        expected["transforms"].append(
            {"scene": name, "landmarks": face["landmarks"], "matrix": transform.params[:2].tolist(), "face": file}
        )
with open("expected.json", "w") as file:
    json.dump(expected, file, separators=(",", ":"))
    file.write("\n")
if len(sys.argv) > 2:
    pictures = {os.path.basename(path): found(Image.open(path).convert("RGB"), 20) for path in sys.argv[2:]}
    with open("pictures.json", "w") as file:
        json.dump(pictures, file, separators=(",", ":"))
        file.write("\n")
