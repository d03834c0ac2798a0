"""The other sides of the embedding benchmark: for each line on stdin it embeds some batches and prints the seconds.

With the path of an ONNX model as third argument ONNX Runtime runs it, else PyTorch's eager mode the same network.
"""

import sys
import time

import numpy

batches, batch = int(sys.argv[1]), int(sys.argv[2])
faces = numpy.random.default_rng(1).uniform(-1, 1, (batch, 3, 112, 96)).astype(numpy.float32)

if len(sys.argv) > 3:
    import onnxruntime

    # As many threads as it takes by itself: one for each core.
    session = onnxruntime.InferenceSession(sys.argv[3], providers=["CPUExecutionProvider"])
    name = f"ONNX Runtime {onnxruntime.__version__}"

    def embed():
        session.run(None, {session.get_inputs()[0].name: faces})

else:
    import torch
    from network import ir_50

    torch.set_grad_enabled(False)
    torch.manual_seed(1)
    network = ir_50().eval()
    images = torch.from_numpy(faces)
    name = f"PyTorch {torch.__version__} eager, {torch.get_num_threads()} threads"

    def embed():
        network(images).sum().item()


embed()
print(name, flush=True)
for _ in sys.stdin:
    begun = time.perf_counter()
    for _ in range(batches):
        embed()
    print(time.perf_counter() - begun, flush=True)
