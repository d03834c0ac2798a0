"""Models between facetui and PyTorch, ONNX Runtime and TensorFlow: the same faces, embedded by all of them.

`./x interop` runs this. Weights are drawn at random, the networks are of full size (50 layers). What facetui computes is
read from the embeddings that its evaluation keeps. Each line tells the largest difference between numbers of unit
embeddings, and what is allowed; the exit code is 1 where one is larger.
"""

import glob
import importlib.util
import json
import os
import pathlib
import pickle
import struct
import subprocess
import sys
import tempfile
import time
import zlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
import numpy as np
import onnx
import onnxruntime
import safetensors
import tensorflow as tf
import torch
from torch import nn

PROJECT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT / "worker/tests/golden/iresnet"))
from network import Iresnet

FACETUI = os.environ["FACETUI_PROGRAM"]
UNITS = (3, 4, 14, 3)
WIDTHS = (64, 128, 256, 512)
FACES = 8
failures = []
torch.set_grad_enabled(False)
torch.manual_seed(11)


def randomise(network):
    """Numbers of which none hides a mistake as 0 or 1 would."""
    for module in network.modules():
        if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
            module.weight.uniform_(0.8, 1.2)
            module.bias.uniform_(-0.2, 0.2)
            module.running_mean.uniform_(-0.1, 0.1)
            module.running_var.uniform_(0.7, 1.3)
        elif isinstance(module, nn.PReLU):
            module.weight.uniform_(0.1, 0.3)
    return network.eval()


def unit(embeddings):
    return embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)


def compare(what, found, expected, allowed):
    difference = float(np.abs(unit(found) - unit(expected)).max())
    print(f"  {what:<72} {difference:.1e}  (allowed {allowed:.0e})")
    # Faces that all look alike to a network would agree whatever it did.
    spread = 1 - (unit(expected) @ unit(expected).T).min()
    if not difference <= allowed or (len(expected) > 1 and spread < 1e-3):
        failures.append(what)


def check(what, holds):
    print(f"  {what:<72} {'yes' if holds else 'NO'}")
    if not holds:
        failures.append(what)


def faces():
    """RGB pictures: waves of other lengths and directions."""
    x, y = np.meshgrid(np.arange(112), np.arange(112))
    random = np.random.default_rng(4)
    pictures = []
    for _ in range(FACES):
        planes = []
        for _ in range(3):
            a, b, c = random.uniform(0.02, 0.4, 3)
            planes.append(127 + 60 * np.sin(a * x + b * y) + 60 * np.cos(c * x - a * y))
        pictures.append(np.stack(planes, 2))
    return np.stack(pictures).clip(0, 255).astype(np.uint8)


def png(picture):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    height, width, _ = picture.shape
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = b"".join(b"\0" + row.tobytes() for row in picture)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def facetui(*arguments):
    ran = subprocess.run([FACETUI, *map(str, arguments)], capture_output=True, text=True)
    if ran.returncode != 0:
        raise SystemExit(f"facetui {' '.join(map(str, arguments))}: {ran.stderr.strip()} (exit code {ran.returncode})")
    return ran.stdout


def facetui_embeddings(model):
    """What facetui's own evaluation computes of every face, in their order."""
    before = set(glob.glob("runs/.embeddings/*"))
    facetui("eval", "lfw", "--model", model, "--data", "faces.bin", "--json")
    (path,) = set(glob.glob("runs/.embeddings/*")) - before
    content = pathlib.Path(path).read_bytes()
    (length,) = struct.unpack_from("<Q", content, 16)
    header = json.loads(content[24 : 24 + length])
    values = np.frombuffer(content, np.float32, offset=24 + length).reshape(-1, header["length"])
    return values[:FACES]


def as_input(pictures, channels, columns, mean, divisor):
    if channels == "bgr":
        pictures = pictures[..., ::-1]
    first = (112 - columns) // 2
    return ((pictures[:, :, first : first + columns].astype(np.float32) - mean) / divisor).transpose(0, 3, 1, 2)


def onnx_embeddings(path, faces):
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    options = onnxruntime.SessionOptions()
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    (one,), (batch,) = [session.run(None, {"face": faces[:count]}) for count in (1, len(faces))]
    compare("ONNX Runtime: one face alone and the same in a batch", one, batch[:1], 1e-5)
    kinds = {node.op_type for node in model.graph.node}
    opset = model.opset_import[0].version
    check(f"ONNX: opset {opset}, no BatchNormalization among its nodes", opset >= 13 and "BatchNormalization" not in kinds)
    properties = {entry.key: entry.value for entry in model.metadata_props}
    check("ONNX: its properties say crop, channels and scaling", {"crop", "channels", "scaling", "facetui"} <= set(properties))
    seconds = []
    for _ in range(5):
        begun = time.perf_counter()
        session.run(None, {"face": faces})
        seconds.append(time.perf_counter() - begun)
    print(f"  ONNX Runtime: {len(faces) / min(seconds):.1f} faces a second")
    return batch


def strictly(path, network):
    """The state dict in the module, loaded as arcface_torch's users do; also as PyTorch maps files."""
    network.load_state_dict(torch.load(path, weights_only=True), strict=True)
    mapped = torch.load(path, weights_only=True, mmap=True)
    check("PyTorch: the same tensors mapped as loaded", all(
        torch.equal(mapped[name], tensor) for name, tensor in network.state_dict().items()
    ))
    return network.eval()


def from_tensorflow(pictures):
    print(f"TensorFlow {tf.__version__} -> facetui -> PyTorch, ONNX Runtime: 50 layers, 112x96, subsampling, hwc")
    place = PROJECT / "worker/tests/golden/tensorflow/make.py"
    spec = importlib.util.spec_from_file_location("make", place)
    make = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make)
    make.pictures = lambda: pictures.astype(np.float32)
    expected, _ = make.checkpoint("iter_1000", "resnet_v1_50", 512, 11, UNITS, WIDTHS)
    own = facetui_embeddings("iter_1000")
    compare("facetui against TensorFlow", own, expected, 1e-4)

    faces = as_input(pictures, "bgr", 96, 127.5, 128)
    facetui("model", "export", "iter_1000", "--out", "from_tensorflow.pt")
    network = strictly("from_tensorflow.pt", Iresnet(area=7 * 6))
    found = network(torch.from_numpy(faces.copy())).numpy()
    compare("PyTorch, exported and loaded strictly, against facetui", found, own, 1e-5)
    compare("PyTorch against TensorFlow", found, expected, 1e-4)
    facetui("model", "export", "iter_1000", "--out", "from_tensorflow.onnx")
    found = onnx_embeddings("from_tensorflow.onnx", faces)
    compare("ONNX Runtime against facetui", found, own, 1e-5)
    compare("ONNX Runtime against TensorFlow", found, expected, 1e-4)
    compare("facetui with the ONNX model against facetui", facetui_embeddings("from_tensorflow.onnx"), own, 1e-5)
    facetui("model", "import", "iter_1000", "--out", "imported.safetensors")
    compare("facetui with what it imported", facetui_embeddings("imported.safetensors"), own, 1e-7)


def from_pytorch(pictures):
    print(f"PyTorch {torch.__version__} -> facetui -> PyTorch, ONNX Runtime: iresnet50, 112x112, projections, chw")
    network = randomise(Iresnet())
    torch.save(network.state_dict(), "iresnet50.pth")
    faces = as_input(pictures, "rgb", 112, 127.5, 127.5)
    expected = network(torch.from_numpy(faces.copy())).numpy()
    own = facetui_embeddings("iresnet50.pth")
    compare("facetui against PyTorch", own, expected, 1e-5)
    facetui("model", "export", "iresnet50.pth", "--out", "again.pt")
    again = strictly("again.pt", Iresnet())
    check("PyTorch: every tensor is what it was", all(
        torch.equal(one, other) for one, other in zip(network.state_dict().values(), again.state_dict().values())
    ))
    facetui("model", "export", "iresnet50.pth", "--out", "iresnet50.onnx")
    compare("ONNX Runtime against PyTorch", onnx_embeddings("iresnet50.onnx", faces), expected, 1e-5)
    facetui("model", "export", "iresnet50.pth", "--out", "iresnet50.safetensors")
    with safetensors.safe_open("iresnet50.safetensors", "np") as file:
        description = json.loads(file.metadata()["facetui"])
        check("safetensors: names, shapes and description", len(list(file.keys())) == 396 and description["network"]["depth"] == 50)
        matrix = file.get_tensor("output.dense.weight")
    check("safetensors: the matrix", np.array_equal(matrix.T, network.fc.weight.numpy()))


def main():
    pictures = faces()
    # Forty pairs, so that folds and thresholds can be made; the first four show every face once.
    order = [(pair % 4 * 2, pair % 4 * 2 + 1) for pair in range(40)]
    images = [png(pictures[place]) for pair in order for place in pair]
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        pathlib.Path("faces.bin").write_bytes(pickle.dumps((images, [pair % 2 == 0 for pair in range(40)]), 2))
        from_tensorflow(pictures)
        from_pytorch(pictures)
    if failures:
        print(f"{len(failures)} of these failed: {'; '.join(failures)}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
