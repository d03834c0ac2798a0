"""Writes counts.json and expected.json here, with PyTorch: python3 make.py

counts.json: trained parameters of networks that are made of PyTorch's own layers, from the papers' tables and the layout
of L-ResNet-E-IR. expected.json: the embeddings that some of them give of two pictures, with weights by the formula of
../iresnet/make.py, drawn by facetui's names and shapes (a matrix is [in, out] there). Made with torch 2.9.0.
"""

import json
import sys

import numpy as np
import torch
from torch import nn

sys.path.insert(0, "..")
from formula import uniform

torch.set_grad_enabled(False)
SIZES = {"112x112": (112, 112), "112x96": (112, 96)}
EPSILON = 2e-5


def weight_of(name, shape):
    count = int(np.prod(shape))
    u = uniform(name, count)
    role = name.rsplit(".", 1)[1]
    if role == "running_var":
        values = 0.7 + 0.6 * u
    elif role in ("bias", "beta", "running_mean"):
        values = 0.2 * (u - 0.5)
    elif role == "alpha":
        values = 0.1 + 0.2 * u
    elif role == "gamma":
        values = 0.8 + 0.4 * u
    else:
        fan = shape[0] if len(shape) == 2 else count / shape[0]
        values = 2 * (u - 0.5) * np.sqrt(3 / fan)
    return torch.from_numpy(values.astype(np.float32).reshape(shape))


class ConvolutionNorm(nn.Module):
    def __init__(self, before, after, kernel, stride=1, padding=None, groups=1):
        super().__init__()
        padding = kernel // 2 if padding is None else padding
        self.convolution = nn.Conv2d(before, after, kernel, stride, padding, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(after, eps=EPSILON)

    def forward(self, x):
        return self.norm(self.convolution(x))


class Excitation(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.squeeze = nn.Linear(width, width // 16)
        self.expand = nn.Linear(width // 16, width)

    def forward(self, x):
        return x * torch.sigmoid(self.expand(torch.relu(self.squeeze(x.mean((2, 3))))))[:, :, None, None]


class Unit(nn.Module):
    def __init__(self, before, width, stride, project, excite):
        super().__init__()
        self.norm = nn.BatchNorm2d(before, eps=EPSILON)
        self.first = ConvolutionNorm(before, width, 3)
        self.slope = nn.PReLU(width)
        self.second = ConvolutionNorm(width, width, 3, stride)
        self.excitation = Excitation(width) if excite else None
        self.projection = ConvolutionNorm(before, width, 1, stride) if project else None
        self.stride = stride

    def forward(self, x):
        out = self.second(self.slope(self.first(self.norm(x))))
        short = x[:, :, :: self.stride, :: self.stride] if self.projection is None else self.projection(x)
        return out + short if self.excitation is None else torch.relu(self.excitation(out) + short)


class Residual(nn.Module):
    def __init__(self, units, widths, projection, excite, size):
        super().__init__()
        self.stem = nn.ModuleDict(
            {
                "convolution": nn.Conv2d(3, widths[0], 3, 1, 1, bias=False),
                "norm": nn.BatchNorm2d(widths[0], eps=EPSILON),
                "slope": nn.PReLU(widths[0]),
            }
        )
        made, before = [], widths[0]
        for count, width in zip(units, widths):
            for place in range(count):
                project = place == 0 if projection else before != width
                made.append(Unit(before, width, 2 if place == 0 else 1, project, excite))
                before = width
        self.units = nn.ModuleList(made)
        area = -(-size[0] // 16) * -(-size[1] // 16)
        self.output = nn.ModuleDict(
            {
                "features_norm": nn.BatchNorm2d(before, eps=EPSILON),
                "dense": nn.Linear(before * area, 512),
                "norm": nn.BatchNorm1d(512, eps=EPSILON),
            }
        )

    def forward(self, x):
        for part in ("convolution", "norm", "slope"):
            x = self.stem[part](x)
        for unit in self.units:
            x = unit(x)
        x = self.output["features_norm"](x).permute(0, 2, 3, 1).flatten(1)
        return self.output["norm"](self.output["dense"](x))


class Bottleneck(nn.Module):
    def __init__(self, before, inner, after, stride):
        super().__init__()
        self.expand = ConvolutionNorm(before, inner, 1)
        self.expand_slope = nn.PReLU(inner)
        self.depthwise = ConvolutionNorm(inner, inner, 3, stride, groups=inner)
        self.depthwise_slope = nn.PReLU(inner)
        self.project = ConvolutionNorm(inner, after, 1)
        self.residual = stride == 1 and before == after

    def forward(self, x):
        out = self.depthwise_slope(self.depthwise(self.expand_slope(self.expand(x))))
        out = self.project(out)
        return out + x if self.residual else out


class MobileFaceNet(nn.Module):
    """Table 1 of Chen et al. 2018."""

    def __init__(self, embedding, size):
        super().__init__()
        self.stem = ConvolutionNorm(3, 64, 3, 2)
        self.stem_slope = nn.PReLU(64)
        self.depthwise = ConvolutionNorm(64, 64, 3, groups=64)
        self.depthwise_slope = nn.PReLU(64)
        made, before = [], 64
        for t, c, n, s in ((2, 64, 5, 2), (4, 128, 1, 2), (2, 128, 6, 1), (4, 128, 1, 2), (2, 128, 2, 1)):
            for place in range(n):
                made.append(Bottleneck(before, t * before, c, s if place == 0 else 1))
                before = c
        self.units = nn.ModuleList(made)
        self.last = ConvolutionNorm(128, 512, 1)
        self.last_slope = nn.PReLU(512)
        last_map = (-(-size[0] // 16), -(-size[1] // 16))
        self.pool = ConvolutionNorm(512, 512, last_map, padding=0, groups=512)
        self.embedding = ConvolutionNorm(512, embedding, 1)

    def forward(self, x):
        x = self.depthwise_slope(self.depthwise(self.stem_slope(self.stem(x))))
        for unit in self.units:
            x = unit(x)
        return self.embedding(self.pool(self.last_slope(self.last(x)))).flatten(1)


def fill(network):
    for name, module in network.named_modules():
        prefix = ("mobile." if isinstance(network, MobileFaceNet) else "") + name
        if isinstance(module, nn.Conv2d):
            module.weight.copy_(weight_of(f"{prefix}.weight", tuple(module.weight.shape)))
        elif isinstance(module, nn.Linear):
            module.weight.copy_(weight_of(f"{prefix}.weight", tuple(module.weight.shape)[::-1]).t())
            module.bias.copy_(weight_of(f"{prefix}.bias", tuple(module.bias.shape)))
        elif isinstance(module, nn.PReLU):
            module.weight.copy_(weight_of(f"{prefix}.alpha", tuple(module.weight.shape)))
        elif isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
            parts = {"gamma": module.weight, "beta": module.bias}
            parts |= {"running_mean": module.running_mean, "running_var": module.running_var}
            for part, tensor in parts.items():
                tensor.copy_(weight_of(f"{prefix}.{part}", tuple(tensor.shape)))
    return network.eval()


WIDE, NARROW = (64, 128, 256, 512), (16, 32, 64, 128)
counts, expected = {}, {}
for crop, size in SIZES.items():
    networks = {
        "mobile 128": MobileFaceNet(128, size),
        "mobile 512": MobileFaceNet(512, size),
        "se 50": Residual((3, 4, 14, 3), WIDE, False, True, size),
        "se 32": Residual((3, 3, 6, 3), NARROW, True, True, size),
        "32": Residual((3, 3, 6, 3), NARROW, False, False, size),
    }
    x, y = np.meshgrid(np.arange(size[1]), np.arange(size[0]))
    pictures = [
        np.stack([2 * x, 2 * y, 7 * x + 3 * y], 2) % 256,
        np.stack([2 * y, 2 * x, 7 * y + 3 * x], 2) % 256,
    ]
    faces = torch.from_numpy(np.stack(pictures).transpose(0, 3, 1, 2).astype(np.float32))
    for name, network in networks.items():
        counts[f"{name} {crop}"] = sum(parameter.numel() for parameter in network.parameters())
        if name in ("mobile 128", "se 32"):
            embeddings = fill(network)((faces - 127.5) / 128)
            expected[f"{name} {crop}"] = embeddings.tolist()
            print(name, crop, embeddings.norm(dim=1))

for file, content in [("counts.json", counts), ("expected.json", expected)]:
    with open(file, "w") as out:
        json.dump(content, out, indent=1 if file == "counts.json" else None)
        out.write("\n")
print(counts)
