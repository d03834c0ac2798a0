"""PyTorch's side of `./x bench loading`: a DataLoader over a record file, with OpenCV as its decoder.

    loading.py train.rec train.idx BATCH WORKERS IMAGES BEFORE

Says its versions, then for every line on its input takes IMAGES images in shuffled order and prints the seconds it
took, after BEFORE batches and with as many to come. Records are read by their offset in the .idx; an image is decoded,
cut to columns 8..104 and mirrored at random. Its planes stay in OpenCV's order (blue first), and its values stay bytes,
as in our loader.
"""

import random
import struct
import sys
import time

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

HEAD, HEADER = 8, 24


class Records(Dataset):
    def __init__(self, records, index):
        self.path, self.file = records, None
        with open(index) as lines:
            offsets = [int(line.split()[1]) for line in lines]
        with open(records, "rb") as file:
            self.offsets = [offset for offset in offsets if is_image(file, offset)]

    def __len__(self):
        return len(self.offsets)

    def __getitem__(self, index):
        if self.file is None:  # Each worker process opens its own.
            self.file = open(self.path, "rb")
        self.file.seek(self.offsets[index])
        _, length = struct.unpack("<II", self.file.read(HEAD))
        payload = self.file.read(length & ((1 << 29) - 1))
        (label,) = struct.unpack_from("<f", payload, 4)
        image = cv2.imdecode(np.frombuffer(payload, np.uint8, offset=HEADER), cv2.IMREAD_COLOR)
        image = image[:, 8:104]
        if random.getrandbits(1):
            image = image[:, ::-1]
        return torch.from_numpy(np.ascontiguousarray(image)), int(label)


def is_image(file, offset):
    """Whether the record has one label and an image, not the labels of a range of images."""
    file.seek(offset + HEAD)
    return struct.unpack("<I", file.read(4))[0] == 0


class Shuffled:
    """So many numbers of images: all of them shuffled, then shuffled again."""

    def __init__(self, size, count):
        self.size, self.count = size, count

    def __len__(self):
        return self.count

    def __iter__(self):
        left = self.count
        while left > 0:
            order = torch.randperm(self.size)[:left].tolist()
            left -= len(order)
            yield from order


def main():
    records, index = sys.argv[1:3]
    batch, workers, images, before = map(int, sys.argv[3:7])
    # One thread a worker: more would take the cores of the other.
    cv2.setNumThreads(0)
    data = Records(records, index)
    order = Shuffled(len(data), images + 2 * before * batch)
    loader = DataLoader(data, batch, sampler=order, num_workers=workers, persistent_workers=True)
    print(f"torch {torch.__version__}, OpenCV {cv2.__version__}, {workers} workers", flush=True)
    for _ in sys.stdin:
        begun = ended = None
        for number, (faces, labels) in enumerate(loader, 1):
            assert faces.shape == (batch, 112, 96, 3) and faces.dtype == torch.uint8 and len(labels) == batch
            if number == before:
                begun = time.perf_counter()
            elif number == before + images // batch:
                ended = time.perf_counter()
        print(ended - begun, flush=True)


if __name__ == "__main__":
    main()
