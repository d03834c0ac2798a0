"""Writes tests/golden/events/: small event files by tensorboardX and by TensorBoard's own writer and messages,
and values.json, what TensorBoard's reader finds in them (its session-start rule applied).

Made with Python 3.11, tensorboard 2.21.0, tensorboardX 2.6.5:
    python3 -m venv venv && venv/bin/pip install tensorboard tensorboardX
    venv/bin/python tests/golden/make_events.py
"""

import json
import os
import shutil

import numpy
import tensorboardX
from tensorboard.backend.event_processing import plugin_event_accumulator
from tensorboard.compat.proto import event_pb2, summary_pb2, tensor_pb2, tensor_shape_pb2
from tensorboard.util import tensor_util
from tensorboard.summary.writer.event_file_writer import EventFileWriter

folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "events")
shutil.rmtree(folder, ignore_errors=True)


def keep_plain_name(name):
    """One file a folder, without the maker's host and process in its name."""
    (file,) = os.listdir(os.path.join(folder, name))
    os.rename(os.path.join(folder, name, file), os.path.join(folder, name, "events.out.tfevents.1700000000.maker"))


with tensorboardX.SummaryWriter(os.path.join(folder, "tensorboardx")) as writer:
    for step in range(5):
        writer.add_scalar("loss/total", 10 / (step + 1), step, walltime=1.7e9 + step)
    writer.add_scalar("train/accuracy", 0.25, 4, walltime=1.7e9)
    writer.add_text("note", "not a scalar", 2, walltime=1.7e9)
    writer.add_histogram("weights", numpy.arange(10), 3, walltime=1.7e9)
keep_plain_name("tensorboardx")

writer = EventFileWriter(os.path.join(folder, "tensorboard"))


def add(step, **what):
    writer.add_event(event_pb2.Event(wall_time=1.7e9 + step, step=step, **what))


def tensor_scalar(tag, kind, first, **values):
    metadata = summary_pb2.SummaryMetadata(plugin_data={"plugin_name": "scalars"}) if first else None
    tensor = tensor_pb2.TensorProto(dtype=kind, tensor_shape=tensor_shape_pb2.TensorShapeProto(), **values)
    return summary_pb2.Summary.Value(tag=tag, tensor=tensor, metadata=metadata)


add(0, session_log=event_pb2.SessionLog(status=event_pb2.SessionLog.START))
for step in range(6):
    add(step, summary=summary_pb2.Summary(value=[
        summary_pb2.Summary.Value(tag="loss/margin", simple_value=step / 8),
        tensor_scalar("float", 1, step == 0, float_val=[step / 4]),
        tensor_scalar("bytes", 1, step == 0, tensor_content=numpy.float32(step / 16).tobytes()),
        tensor_scalar("double", 2, step == 0, double_val=[step / 2]),
    ]))
add(4, session_log=event_pb2.SessionLog(status=event_pb2.SessionLog.START))
for step in range(4, 8):
    add(step, summary=summary_pb2.Summary(value=[
        summary_pb2.Summary.Value(tag="loss/margin", simple_value=100 + step),
        tensor_scalar("float", 1, False, float_val=[200 + step]),
    ]))
writer.close()
keep_plain_name("tensorboard")

values = {}
for name in ("tensorboardx", "tensorboard"):
    # The reader behind TensorBoard's own pages: it turns every scalar, old style or new, into a tensor.
    accumulator = plugin_event_accumulator.EventAccumulator(os.path.join(folder, name))
    accumulator.Reload()
    values[name] = {
        tag: [[e.step, float(tensor_util.make_ndarray(e.tensor_proto))] for e in accumulator.Tensors(tag)]
        for tag in accumulator.Tags()["tensors"]
        if accumulator.SummaryMetadata(tag).plugin_data.plugin_name == "scalars"
    }
with open(os.path.join(folder, "values.json"), "w") as file:
    json.dump(values, file, indent=1)
    file.write("\n")
