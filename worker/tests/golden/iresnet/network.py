"""arcface_torch's iresnet, written anew from its layout, with the names of its state dicts."""

import torch
from torch import nn


class Unit(nn.Module):
    """A residual unit with the names that arcface_torch's iresnet gives its layers."""

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
    """arcface_torch's iresnet by its layout and names; `area` is its fc_scale."""

    def __init__(self, units=(3, 4, 14, 3), area=7 * 7, embedding=512):
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
        self.dropout = nn.Dropout(0.0, inplace=True)
        self.fc = nn.Linear(512 * area, embedding)
        self.features = nn.BatchNorm1d(embedding, eps=1e-5)
        nn.init.constant_(self.features.weight, 1.0)
        self.features.weight.requires_grad = False

    def forward(self, x):
        x = self.prelu(self.bn1(self.conv1(x)))
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = stage(x)
        return self.features(self.fc(self.dropout(torch.flatten(self.bn2(x), 1))))
