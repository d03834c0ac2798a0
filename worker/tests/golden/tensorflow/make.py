"""Checkpoints as TensorFlow 1's Saver wrote them, and what is in them: run in this folder (TensorFlow from PyPI).

`narrow`: L-ResNet-E-IR 32 (3/3/6/3 units of 16/32/64/128 channels, 64 numbers an embedding, 112x96) with the names of
margin-centre-face's checkpoints, the optimiser's slots and class weights, written anew from the published layout: units
of BatchNorm, 3x3, BatchNorm, PReLU, 3x3 with stride, BatchNorm, plus the shortcut, which takes every second pixel where
the width stays; then BatchNorm, flatten (H, W, C), matrix, BatchNorm; epsilon 2e-5. Convolutions with a stride pad by one
pixel on each side. Weights have few different values, so that the file can be packed. `expected.json` has the embeddings
that TensorFlow gives of the two pictures of ../onnx/make.py, cropped to columns 8..104, BGR, (x - 127.5)/128.

`kinds`: every type of number, in two shards. `many`: so many names that the index has several blocks. `parted`: a
variable in two parts. `object`: what TensorFlow 2 adds. Their contents are in `expected.json` too.
"""

import gzip
import json
import os
import pathlib
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
import numpy as np
import tensorflow as tf

UNITS = (3, 3, 6, 3)
WIDTHS = (16, 32, 64, 128)
EPSILON = 2e-5


class Network:
    """The graph's variables by name, each with a value drawn for it."""

    def __init__(self, scope, embedding, seed=3):
        self.scope = scope
        self.embedding = embedding
        self.random = np.random.default_rng(seed)
        self.variables = []

    def variable(self, name, shape, low, high):
        levels = np.linspace(low, high, 12).astype(np.float32)
        value = self.random.choice(levels, shape)
        variable = tf.compat.v1.get_variable(f"{self.scope}/{name}", initializer=value, use_resource=False)
        self.variables.append(variable)
        return variable

    def norm(self, x, name):
        width = [int(x.shape[-1])]
        beta = self.variable(f"{name}/beta", width, -0.2, 0.2)
        gamma = self.variable(f"{name}/gamma", width, 0.8, 1.2)
        mean = self.variable(f"{name}/moving_mean", width, -0.1, 0.1)
        variance = self.variable(f"{name}/moving_variance", width, 0.7, 1.3)
        return tf.nn.batch_normalization(x, mean, variance, beta, gamma, EPSILON)

    def convolution(self, x, name, kernel, width, stride=1):
        before = int(x.shape[-1])
        size = (3 / (kernel * kernel * before)) ** 0.5
        weights = self.variable(f"{name}/W_conv2d", [kernel, kernel, before, width], -size, size)
        pad = kernel // 2
        x = tf.pad(x, [[0, 0], [pad, pad], [pad, pad], [0, 0]])
        return tf.nn.conv2d(x, weights, strides=stride, padding="VALID")

    def prelu(self, x, name):
        alphas = self.variable(f"{name}/alphas", [int(x.shape[-1])], 0.1, 0.3)
        return tf.nn.relu(x) - alphas * tf.nn.relu(-x)

    def unit(self, x, name, width, stride):
        if int(x.shape[-1]) == width:
            shortcut = x[:, ::stride, ::stride]
        else:
            shortcut = self.convolution(x, f"{name}/shortcut_conv", 1, width, stride)
            shortcut = self.norm(shortcut, f"{name}/shortcut_bn/BatchNorm")
        x = self.convolution(self.norm(x, f"{name}/conv1_bn1"), f"{name}/conv1", 3, width)
        x = self.prelu(self.norm(x, f"{name}/conv1_bn2"), f"{name}/prelu_layer")
        x = self.norm(self.convolution(x, f"{name}/conv2", 3, width, stride), f"{name}/conv2_bn/BatchNorm")
        return x + shortcut

    def embed(self, faces, units=UNITS, widths=WIDTHS):
        x = self.prelu(self.norm(self.convolution(faces, "conv1", 3, widths[0]), "bn0"), "prelu0")
        for stage, (count, width) in enumerate(zip(units, widths), 1):
            for unit in range(1, count + 1):
                name = f"block{stage}/unit_{unit}/bottleneck_v1"
                x = self.unit(x, name, width, 2 if unit == 1 else 1)
        x = self.norm(x, "E_BN1")
        features = int(np.prod(x.shape[1:]))
        x = tf.reshape(x, [-1, features])
        size = (3 / features) ** 0.5
        x = x @ self.variable("E_DenseLayer/W", [features, self.embedding], -size, size)
        x = x + self.variable("E_DenseLayer/b", [self.embedding], -0.1, 0.1)
        return self.norm(x, "E_BN2")


def pictures():
    x, y = np.meshgrid(np.arange(112), np.arange(112))
    rgb = [
        np.stack([2 * x, 2 * y, 7 * x + 3 * y], 2) % 256,
        np.stack([2 * y, 2 * x, 7 * y + 3 * x], 2) % 256,
    ]
    return np.stack(rgb).astype(np.float32)


def checkpoint(path, scope, embedding, classes, units=UNITS, widths=WIDTHS):
    """Saves a network with what training leaves beside it; returns its embeddings of the two pictures."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        network = Network(scope, embedding)
        faces = tf.compat.v1.placeholder(tf.float32, [None, 112, 96, 3])
        output = network.embed(faces, units, widths)
        for variable in list(network.variables):
            if "moving_" not in variable.op.name:
                tf.compat.v1.get_variable(
                    f"{variable.op.name}/Momentum", initializer=np.full(variable.shape, 0.5, np.float32), use_resource=False
                )
        centres = np.random.default_rng(5).choice(np.float32([-0.5, 0.25, 1]), (embedding, classes))
        tf.compat.v1.get_variable("arc_loss/embedding_weights", initializer=centres, use_resource=False)
        tf.compat.v1.get_variable("global_step", initializer=np.int64(516000), use_resource=False)
        session.run(tf.compat.v1.global_variables_initializer())
        bgr = pictures()[:, :, 8:104, ::-1]
        embeddings = session.run(output, {faces: (bgr - 127.5) / 128})
        saver = tf.compat.v1.train.Saver()
        saver.save(session, path, write_meta_graph=False, write_state=False)
    return embeddings, centres


def pack(path):
    data = pathlib.Path(path)
    pathlib.Path(f"{path}.gz").write_bytes(gzip.compress(data.read_bytes(), 9, mtime=0))
    data.unlink()


def save(prefix, tensors):
    names = list(tensors)
    tf.raw_ops.SaveV2(
        prefix=prefix, tensor_names=names, shape_and_slices=[""] * len(names), tensors=[tensors[name] for name in names]
    )


def main():
    embeddings, centres = checkpoint("narrow", "resnet_v1_32", 64, 7)
    pack("narrow.data-00000-of-00001")
    expected = {"tensorflow": tf.__version__, "embeddings": embeddings.tolist(), "class_weights": centres.tolist()}

    first = {
        "empty": tf.zeros([0, 3]),
        "float": tf.constant([[1.5, -2.25, 3e-40], [float("inf"), 0, -0.0]], tf.float32),
        "int64": tf.constant([[-5], [1 << 40]], tf.int64),
        "text": tf.constant(["abc", ""]),
    }
    second = {
        "bfloat16": tf.constant([1.5, -3.0], tf.bfloat16),
        "double": tf.constant(0.125, tf.float64),
        "half": tf.constant([0.5, 65504, 6e-8], tf.float16),
        "int32": tf.constant([7, -8], tf.int32),
        "scope/float": tf.reshape(tf.range(24, dtype=tf.float32), [2, 3, 4]),
    }
    save("part-a", first)
    save("part-b", second)
    tf.raw_ops.MergeV2Checkpoints(checkpoint_prefixes=["part-a", "part-b"], destination_prefix="kinds")
    expected["kinds"] = {
        name: {"shape": list(tensor.shape), "values": np.asarray(tensor).astype(np.float64).ravel().tolist()}
        for name, tensor in sorted({**first, **second}.items())
        if name != "text"
    }
    # JSON has no infinity.
    expected["kinds"]["float"]["values"][3] = None

    names = sorted(f"{place * 2654435761 % (1 << 32):032b}/{'of_a_long_name/' * 6}w" for place in range(3000))
    save("many", {name: tf.constant(float(place)) for place, name in enumerate(names)})
    expected["many"] = {"first": names[0], "last": names[-1], "count": len(names)}
    pack("many.index")
    pack("many.data-00000-of-00001")

    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        tf.compat.v1.get_variable(
            "matrix",
            [4, 2],
            initializer=tf.compat.v1.constant_initializer(0.5),
            partitioner=tf.compat.v1.fixed_size_partitioner(2),
            use_resource=False,
        )
        session.run(tf.compat.v1.global_variables_initializer())
        tf.compat.v1.train.Saver().save(session, "parted", write_meta_graph=False, write_state=False)

    tf.train.Checkpoint(weight=tf.Variable([1.0, 2.0])).write("object")

    with open("expected.json", "w") as file:
        json.dump(expected, file)
        file.write("\n")
    one, other = embeddings
    print(np.linalg.norm(one), one @ other / np.linalg.norm(one) / np.linalg.norm(other))


if __name__ == "__main__":
    sys.exit(main())
