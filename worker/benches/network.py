"""IR-50 of PyTorch's own layers, which the benchmarks measure beside: 112x96, subsampling shortcuts."""

from torch import nn


class Unit(nn.Module):
    def __init__(self, before, width, stride):
        super().__init__()
        self.main = nn.Sequential(
            nn.BatchNorm2d(before, eps=2e-5),
            nn.Conv2d(before, width, 3, 1, 1, bias=False),
            nn.BatchNorm2d(width, eps=2e-5),
            nn.PReLU(width),
            nn.Conv2d(width, width, 3, stride, 1, bias=False),
            nn.BatchNorm2d(width, eps=2e-5),
        )
        self.stride = stride
        self.projection = None
        if before != width:
            self.projection = nn.Sequential(
                nn.Conv2d(before, width, 1, stride, bias=False), nn.BatchNorm2d(width, eps=2e-5)
            )

    def forward(self, x):
        shortcut = x[:, :, :: self.stride, :: self.stride] if self.projection is None else self.projection(x)
        return self.main(x) + shortcut


def ir_50(drop=0.0):
    layers = [nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64, eps=2e-5), nn.PReLU(64)]
    before = 64
    for count, width in zip((3, 4, 14, 3), (64, 128, 256, 512)):
        for unit in range(count):
            layers.append(Unit(before, width, 2 if unit == 0 else 1))
            before = width
    layers += [nn.BatchNorm2d(512, eps=2e-5), nn.Dropout(drop), nn.Flatten()]
    layers += [nn.Linear(512 * 7 * 6, 512), nn.BatchNorm1d(512, eps=2e-5)]
    return nn.Sequential(*layers)
