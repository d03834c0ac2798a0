"""Writes the .pt files here and expected.json, with PyTorch: python3 make.py

Made with torch 2.9.0 (pip install torch==2.9.0 numpy). Good files and what is in them come from PyTorch alone; the
bad ones are PyTorch's own files with one thing changed.
"""

import collections
import json
import os
import pickle
import zipfile

import torch

torch.manual_seed(7)


def network():
    module = torch.nn.Sequential(
        torch.nn.Conv2d(2, 3, 2, bias=False),
        torch.nn.BatchNorm2d(3),
        torch.nn.PReLU(3),
        torch.nn.Flatten(),
        torch.nn.Linear(3, 2),
    )
    module(torch.randn(4, 2, 2, 2))
    return module


module = network()
optimiser = torch.optim.SGD(module.parameters(), lr=0.1, momentum=0.9)
module(torch.randn(4, 2, 2, 2)).sum().backward()
optimiser.step()
plain = module.state_dict()

memory = torch.arange(24, dtype=torch.float32).reshape(4, 6)
views = collections.OrderedDict(
    whole=memory,
    transposed=memory.t(),
    part=memory[1:3, 2:5],
    stepped=memory[::2, ::3],
    permuted=torch.arange(24, dtype=torch.float32).reshape(2, 3, 4).permute(2, 0, 1),
    expanded=torch.tensor([5.0]).expand(3, 2),
    tied=memory,
)
numbers = torch.tensor([0.0, 1.0, -2.5, 65504.0, 6e-8, 0.333251953125])
types = {
    "f64": numbers.double(),
    "f32": numbers,
    "f16": numbers.half(),
    "bf16": numbers.bfloat16(),
    "i64": torch.tensor([1, -2, 1 << 40]),
    "i32": torch.tensor([1, -2, 3], dtype=torch.int32),
    "i16": torch.tensor([1, -2, 3], dtype=torch.int16),
    "i8": torch.tensor([1, -2, 3], dtype=torch.int8),
    "u8": torch.tensor([1, 2, 255], dtype=torch.uint8),
    "bool": torch.tensor([True, False]),
    "scalar": torch.tensor(4.5),
    "empty": torch.zeros(0, 3),
}
nested = {"epoch": 3, "best": 0.5, "args": ["a", None], "optimizer": optimiser.state_dict(), "state_dict": plain}
files = {
    "plain.pt": (plain, {}, plain),
    "plain_old.pt": (plain, {"_use_new_zipfile_serialization": False}, plain),
    "plain_protocol4.pt": (plain, {"pickle_protocol": 4}, plain),
    "views.pt": (views, {}, views),
    "views_old.pt": (views, {"_use_new_zipfile_serialization": False}, views),
    "types.pt": (types, {}, types),
    "types_old.pt": (types, {"_use_new_zipfile_serialization": False}, types),
    "nested.pt": (nested, {}, plain),
    "only_model.pt": ({"step": 9, "model": plain}, {}, plain),
    "parameters.pt": (dict(module.named_parameters()), {}, dict(module.named_parameters())),
}
expected = {}
for name, (value, options, state) in files.items():
    torch.save(value, name, **options)
    expected[name] = [
        {
            "name": key,
            "shape": list(tensor.shape),
            "floats": tensor.is_floating_point(),
            "values": tensor.detach().contiguous().flatten().to(
                torch.float64 if tensor.is_floating_point() else torch.int64
            ).tolist(),
        }
        for key, tensor in state.items()
    ]
with open("expected.json", "w") as file:
    json.dump(expected, file, separators=(",", ":"))
    file.write("\n")


class System:
    def __reduce__(self):
        return os.system, ("touch /tmp/was_run",)


def changed(source, target, change, compression=zipfile.ZIP_STORED):
    """A copy of an archive with its pickle changed."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", compression) as new:
        for entry in old.infolist():
            data = old.read(entry)
            new.writestr(entry.filename, change(data) if entry.filename.endswith("data.pkl") else data)


torch.save({"weight": memory, "x": System()}, "bad_system.pt")
torch.save({"weight": memory, "x": System()}, "bad_system_old.pt", _use_new_zipfile_serialization=False)
torch.save(torch.nn.Linear(1, 1), "bad_module.pt")
torch.save({"a": plain, "b": plain}, "bad_two.pt")
torch.save([1, 2], "bad_list.pt")
torch.save({"weight": memory}, "one.pt")
# 24 elements in the storage become 2^31 - 1: K\x18 is the number 24, J\xff\xff\xff\x7f the other.
changed("one.pt", "bad_storage.pt", lambda data: data.replace(b"K\x18tq", b"J\xff\xff\xff\x7ftq", 1))
# The first axis of 4 becomes 2^31 - 1, with and without the stride of 6 that goes with it.
longer = lambda data: data.replace(b"K\x04K\x06\x86", b"J\xff\xff\xff\x7fK\x06\x86", 1)
changed("one.pt", "bad_shape.pt", longer)
repeated = lambda data: longer(data).replace(b"K\x06K\x01\x86", b"K\x00K\x01\x86", 1)
changed("one.pt", "bad_repeated.pt", repeated)
changed("one.pt", "bad_compressed.pt", lambda data: data, zipfile.ZIP_DEFLATED)
os.remove("one.pt")
for name in ["bad_storage.pt", "bad_shape.pt", "bad_repeated.pt"]:
    data = zipfile.ZipFile(name).read([n for n in zipfile.ZipFile(name).namelist() if n.endswith("data.pkl")][0])
    assert b"J\xff\xff\xff\x7f" in data, name
