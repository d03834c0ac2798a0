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
from network import Iresnet
from torch import nn

sys.path.insert(0, "..")
from formula import uniform

torch.set_grad_enabled(False)


def weight_of(name, shape):
    count = int(np.prod(shape))
    u = uniform(name, count)
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
