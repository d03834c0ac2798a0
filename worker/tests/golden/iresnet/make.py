"""The embeddings that PyTorch gives of two pictures with an iresnet whose weights a formula gives: run in this folder.

The network is InsightFace's iresnet of 18 layers with the names of arcface_torch's state dicts, written anew from its
layout: BatchNorm, 3x3, BatchNorm, PReLU, 3x3 with stride, BatchNorm, plus the shortcut; then BatchNorm, flatten, linear,
BatchNorm; epsilon 1e-5. Readers make the same weights: number i of the tensor called n is u = frac((i * 2654435761 +
fnv1a(n)) / 2**32), from which `weight_of` makes a kernel, a gamma and so on. The pictures are as in ../onnx/make.py.

With a path as argument, the state dict is saved there, for reading the file itself.
"""

import json
import sys

import numpy as np
import torch
from torch import nn

torch.set_grad_enabled(False)


class Unit(nn.Module):
    def __init__(self, before, width, stride):
        super().__init__()
        self.bn1 = nn.BatchNorm2d(before, eps=1e-5)
        self.conv1 = nn.Conv2d(before, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width, eps=1e-5)
        self.prelu = nn.PReLU(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(width, eps=1e-5)
        self.downsample = None
        if stride != 1 or before != width:
            self.downsample = nn.Sequential(
                nn.Conv2d(before, width, 1, stride, bias=False), nn.BatchNorm2d(width, eps=1e-5)
            )

    def forward(self, x):
        out = self.bn3(self.conv2(self.prelu(self.bn2(self.conv1(self.bn1(x))))))
        return out + (x if self.downsample is None else self.downsample(x))


class Iresnet(nn.Module):
    def __init__(self, units):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(64, eps=1e-5)
        self.prelu = nn.PReLU(64)
        before = 64
        for stage, (count, width) in enumerate(zip(units, (64, 128, 256, 512)), 1):
            made = []
            for unit in range(count):
                made.append(Unit(before, width, 2 if unit == 0 else 1))
                before = width
            setattr(self, f"layer{stage}", nn.Sequential(*made))
        self.bn2 = nn.BatchNorm2d(512, eps=1e-5)
        self.dropout = nn.Dropout(0.0)
        self.fc = nn.Linear(512 * 7 * 7, 512)
        self.features = nn.BatchNorm1d(512, eps=1e-5)

    def forward(self, x):
        x = self.prelu(self.bn1(self.conv1(x)))
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = stage(x)
        return self.features(self.fc(torch.flatten(self.dropout(self.bn2(x)), 1)))


def fnv1a(text):
    value = 2166136261
    for byte in text.encode():
        value = (value ^ byte) * 16777619 % 2**32
    return value


def weight_of(name, shape):
    count = int(np.prod(shape))
    u = ((np.arange(count, dtype=np.uint64) * 2654435761 + fnv1a(name)) % 2**32).astype(np.float64) / 2**32
    role = name.rsplit(".", 1)[1]
    if role == "running_var":
        values = 0.7 + 0.6 * u
    elif role in ("bias", "running_mean"):
        values = 0.2 * (u - 0.5)
    elif "prelu" in name:
        values = 0.1 + 0.2 * u
    elif len(shape) == 1:
        values = 0.8 + 0.4 * u
    else:
        fan = count / shape[0]
        values = 2 * (u - 0.5) * np.sqrt(3 / fan)
    return torch.from_numpy(values.astype(np.float32).reshape(shape))


network = Iresnet((2, 2, 2, 2)).eval()
state = network.state_dict()
for name, tensor in state.items():
    if not name.endswith("num_batches_tracked"):
        state[name] = weight_of(name, tuple(tensor.shape))
network.load_state_dict(state)
if len(sys.argv) > 1:
    torch.save(state, sys.argv[1])

x, y = np.meshgrid(np.arange(112), np.arange(112))
pictures = [
    np.stack([2 * x, 2 * y, 7 * x + 3 * y], 2) % 256,
    np.stack([2 * y, 2 * x, 7 * y + 3 * x], 2) % 256,
]
faces = torch.from_numpy(np.stack(pictures).transpose(0, 3, 1, 2).astype(np.float32))
embeddings = network((faces / 255 - 0.5) / 0.5)
with open("expected.json", "w") as file:
    json.dump({"torch": torch.__version__, "embeddings": embeddings.tolist()}, file)
    file.write("\n")
print(embeddings.norm(dim=1), nn.functional.cosine_similarity(embeddings[0], embeddings[1], dim=0))
