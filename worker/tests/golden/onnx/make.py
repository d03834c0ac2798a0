"""Tiny ONNX models of every kind that is taken or refused, and what ONNX Runtime makes of two pictures: run in this folder.

A model is an average over squares of 28x28 pixels and one matrix: 8 numbers for a face. The pictures are given by a
formula, that their readers repeat: red 2x, green 2y, blue 7x + 3y, each modulo 256, and the same with x and y exchanged.
"""

import json

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

random = np.random.default_rng(7)


def model(name, batch=None, height=112, width=112, planes_last=False, inputs=1, element=TensorProto.FLOAT, after=()):
    shape = [batch or "n", height, width, 3] if planes_last else [batch or "n", 3, height, width]
    features = 3 * (height // 28) * (width // 28)
    matrix = random.normal(0, 1, (features, 8)).astype(np.float32)
    nodes = []
    value = "face"
    if planes_last:
        nodes.append(helper.make_node("Transpose", [value], ["planes"], perm=[0, 3, 1, 2]))
        value = "planes"
    nodes.append(helper.make_node("AveragePool", [value], ["squares"], kernel_shape=[28, 28], strides=[28, 28]))
    nodes.append(helper.make_node("Flatten", ["squares"], ["flat"]))
    nodes.append(helper.make_node("MatMul", ["flat", "matrix"], ["product"]))
    value = "product"
    for number, operation in enumerate(after):
        nodes.append(helper.make_node(operation, [value], [f"after{number}"]))
        value = f"after{number}"
    nodes.append(helper.make_node("Identity", [value], ["embedding"]))
    graph = helper.make_graph(
        nodes,
        name,
        [helper.make_tensor_value_info(["face", "other"][i], element, shape) for i in range(inputs)],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, [batch or "n", 8])],
        [numpy_helper.from_array(matrix, "matrix")],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], producer_name="make_onnx.py")
    made.ir_version = 8
    onnx.save(made, f"{name}.onnx")


for name, options in {
    "any": {},
    "one": {"batch": 1},
    "four": {"batch": 4},
    "narrow": {"width": 96},
    "planes_last": {"planes_last": True},
    "bad_size": {"height": 168, "width": 168},
    "bad_inputs": {"inputs": 2},
    # The logarithm of a negative number is NaN.
    "bad_nan": {"after": ["Log"]},
}.items():
    # The same matrix wherever it fits.
    random = np.random.default_rng(7)
    model(name, **options)

graph = helper.make_graph(
    [helper.make_node("Identity", ["face"], ["map"])],
    "bad_output",
    [helper.make_tensor_value_info("face", TensorProto.FLOAT, ["n", 3, 112, 112])],
    [helper.make_tensor_value_info("map", TensorProto.FLOAT, ["n", 3, 112, 112])],
)
made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], producer_name="make_onnx.py")
made.ir_version = 8
onnx.save(made, "bad_output.onnx")

x, y = np.meshgrid(np.arange(112), np.arange(112))
first = np.stack([2 * x, 2 * y, 7 * x + 3 * y], 2) % 256
second = np.stack([2 * y, 2 * x, 7 * y + 3 * x], 2) % 256
expected = {}
for name, mean, divisor, bgr in [("any", 127.5, 128, True), ("narrow", 127.5, 128, True), ("planes_last", 0, 255, False)]:
    session = onnxruntime.InferenceSession(f"{name}.onnx")
    embeddings = []
    for picture in (first, second):
        face = picture[:, 8:104] if name == "narrow" else picture
        face = face[:, :, ::-1] if bgr else face
        face = ((face - mean) / divisor).astype(np.float32)[None]
        face = face if name == "planes_last" else face.transpose(0, 3, 1, 2)
        embeddings.append(session.run(None, {"face": face})[0][0].tolist())
    expected[name] = embeddings
with open("expected.json", "w") as file:
    json.dump(expected, file, indent=1)
    file.write("\n")
