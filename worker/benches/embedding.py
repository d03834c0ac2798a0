"""PyTorch's side of the embedding benchmark: for each line on stdin it embeds some batches and prints the seconds."""

import sys
import time

import torch
from torch import nn

batches, batch = int(sys.argv[1]), int(sys.argv[2])
torch.set_grad_enabled(False)
torch.manual_seed(1)


class Unit(nn.Module):
    def __init__(self, before, width, stride):
        super().__init__()
        self.main = nn.Sequential(
            nn.BatchNorm2d(before),
            nn.Conv2d(before, width, 3, 1, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.PReLU(width),
            nn.Conv2d(width, width, 3, stride, 1, bias=False),
            nn.BatchNorm2d(width),
        )
        self.stride = stride
        self.projection = None
        if before != width:
            self.projection = nn.Sequential(nn.Conv2d(before, width, 1, stride, bias=False), nn.BatchNorm2d(width))

    def forward(self, x):
        shortcut = x[:, :, :: self.stride, :: self.stride] if self.projection is None else self.projection(x)
        return self.main(x) + shortcut


layers = [nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.PReLU(64)]
before = 64
for count, width in zip((3, 4, 14, 3), (64, 128, 256, 512)):
    for unit in range(count):
        layers.append(Unit(before, width, 2 if unit == 0 else 1))
        before = width
layers += [nn.BatchNorm2d(512), nn.Flatten(), nn.Linear(512 * 7 * 6, 512), nn.BatchNorm1d(512)]
network = nn.Sequential(*layers).eval()
faces = torch.rand(batch, 3, 112, 96) * 2 - 1
network(faces)
print(torch.__version__, torch.get_num_threads(), flush=True)
for _ in sys.stdin:
    begun = time.perf_counter()
    for _ in range(batches):
        network(faces).sum().item()
    print(time.perf_counter() - begun, flush=True)
