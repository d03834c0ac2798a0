"""Writes tests/golden/torch-events/: a log folder as PyTorch's SummaryWriter and tensorboardX leave it, with folders in
folders, several files in one, a run that was resumed, scalars as tensors, and histograms, texts and pictures between
them; and values.json, what TensorBoard's reader finds in each folder.

Made with Python 3.11, torch 2.9.0, tensorboard 2.21.0, tensorboardX 2.6.5:
    python3 -m venv venv && venv/bin/pip install torch==2.9.0 tensorboard tensorboardX
    venv/bin/python tests/golden/make_torch_events.py
"""

import json
import os
import shutil

import numpy
import tensorboardX
import torch
from tensorboard.backend.event_processing import plugin_event_accumulator
from tensorboard.util import tensor_util
from torch.utils.tensorboard import SummaryWriter

folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "torch-events")
shutil.rmtree(folder, ignore_errors=True)
now = 1.7e9


def plain_names():
    """Files without the maker's host and process in their names, in the order they were made."""
    for place, _, files in os.walk(folder):
        for number, file in enumerate(sorted(file for file in files if "maker" not in file), start=1):
            number += sum("maker" in other for other in files)
            os.rename(os.path.join(place, file), os.path.join(place, f"events.out.tfevents.170000000{number}.maker"))


# A session start at the very beginning: without it TensorBoard's Python reader takes no later one for a restart.
with SummaryWriter(os.path.join(folder, "train"), purge_step=0) as writer:
    for step in range(20):
        writer.add_scalar("Loss/train", 10 / (step + 1), step, walltime=now + step)
        writer.add_scalar("as tensor", step / 8, step, walltime=now + step, new_style=True)
        writer.add_scalar("as double", step / 3, step, walltime=now + step, new_style=True, double_precision=True)
        if step % 5 == 0:
            writer.add_histogram("weights", torch.arange(10.0), step, walltime=now + step)
    writer.add_scalars("both", {"train": 0.5, "test": 0.25}, 3, walltime=now)
    writer.add_text("note", "not a scalar", 2, walltime=now)
    writer.add_image("face", numpy.zeros((3, 8, 8), dtype=numpy.uint8), 2, walltime=now)
    writer.add_scalar("not finite", float("nan"), 0, walltime=now)
    writer.add_scalar("not finite", float("inf"), 1, walltime=now)
    writer.add_hparams({"lr": 0.1}, {"hparam/accuracy": 0.75}, run_name="hparams", global_step=1)
plain_names()
# Resumed at step 15: what was logged from there on is undone.
with SummaryWriter(os.path.join(folder, "train"), purge_step=15) as writer:
    for step in range(15, 25):
        writer.add_scalar("Loss/train", 100 + step, step, walltime=now + step)
plain_names()
with tensorboardX.SummaryWriter(os.path.join(folder, "eval/lfw")) as writer:
    for step in range(0, 20, 10):
        writer.add_scalar("accuracy", 0.9 + step / 1000, step, walltime=now + step)
        writer.add_histogram("distances", numpy.arange(10), step, walltime=now)
plain_names()

values = {}
for place, _, files in sorted(os.walk(folder)):
    if files:
        accumulator = plugin_event_accumulator.EventAccumulator(place, size_guidance={"tensors": 0})
        accumulator.Reload()
        values[os.path.relpath(place, folder)] = {
            tag: [[e.step, str(float(tensor_util.make_ndarray(e.tensor_proto)))] for e in accumulator.Tensors(tag)]
            for tag in accumulator.Tags()["tensors"]
            if accumulator.SummaryMetadata(tag).plugin_data.plugin_name == "scalars"
        }
with open(os.path.join(folder, "values.json"), "w") as file:
    json.dump(values, file, indent=1)
    file.write("\n")
