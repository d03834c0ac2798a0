"""PyTorch's side of the training benchmark: for each line on stdin it makes some steps and prints the seconds."""

import sys
import time

import torch
from network import ir_50
from torch import nn
from torch.nn import functional

steps, batch, classes = (int(number) for number in sys.argv[1:4])
precision = {"f32": None, "bf16": torch.bfloat16, "f16": torch.float16}[sys.argv[4]]
torch.manual_seed(1)


network = ir_50(drop=0.6)
centres = nn.Parameter(torch.randn(classes, 512) * 0.01)
parameters = [*network.parameters(), centres]
# Every value is set to PyTorch's fastest: one fused update for all parameters.
optimiser = torch.optim.SGD(parameters, lr=1e-3, momentum=0.9, weight_decay=1e-4, foreach=True)
faces = (torch.arange(batch * 3 * 112 * 96) * 7919 % 256).float().view(batch, 3, 112, 96).sub(127.5).div(128)
labels = torch.arange(batch) % classes
if sys.argv[5] == "channels-last":
    network, faces = network.to(memory_format=torch.channels_last), faces.to(memory_format=torch.channels_last)
scaler = torch.amp.GradScaler("cpu", enabled=precision is torch.float16)
margin, scale, centre_weight = 0.5, 64.0, 0.3


def step():
    optimiser.zero_grad(set_to_none=True)
    with torch.autocast("cpu", precision, enabled=precision is not None):
        embeddings = network(faces)
    embeddings = functional.normalize(embeddings.float())
    cosine = embeddings @ functional.normalize(centres).T
    own = cosine.gather(1, labels[:, None]).clamp(-1 + 1e-7, 1 - 1e-7)
    angle = own.acos()
    target = torch.where(angle > torch.pi - margin, own - margin * torch.sin(torch.tensor(margin)), (angle + margin).cos())
    logits = cosine.scatter(1, labels[:, None], target) * scale
    loss = functional.cross_entropy(logits, labels) + centre_weight * scale * (1 - own.mean())
    scaler.scale(loss).backward()
    scaler.step(optimiser)
    scaler.update()
    return loss.item()


def peak_gigabytes():
    with open("/proc/self/status") as status:
        peak = next(line for line in status if line.startswith("VmHWM:"))
    return int(peak.split()[1]) * 1024 / 1e9


step()
print(torch.__version__, torch.get_num_threads(), flush=True)
for _ in sys.stdin:
    begun = time.perf_counter()
    for _ in range(steps):
        step()
    print(time.perf_counter() - begun, peak_gigabytes(), flush=True)
