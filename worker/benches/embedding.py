"""PyTorch's side of the embedding benchmark: for each line on stdin it embeds some batches and prints the seconds."""

import sys
import time

import torch
from network import ir_50

batches, batch = int(sys.argv[1]), int(sys.argv[2])
torch.set_grad_enabled(False)
torch.manual_seed(1)


network = ir_50().eval()
faces = torch.rand(batch, 3, 112, 96) * 2 - 1
network(faces)
print(torch.__version__, torch.get_num_threads(), flush=True)
for _ in sys.stdin:
    begun = time.perf_counter()
    for _ in range(batches):
        network(faces).sum().item()
    print(time.perf_counter() - begun, flush=True)
