"""Writes tests/golden/quantiles/: a log with histograms by TensorFlow's rule (buckets that grow), by numpy's (buckets of
one width) and with buckets that nothing is in; and values.json, the quantiles that TensorBoard's distributions find.

Made with Python 3.11, tensorboard 2.20.0, tensorboardX 2.6.5, numpy 1.26.4:
    python3 -m venv venv && venv/bin/pip install tensorboard==2.20.0 tensorboardX==2.6.5 numpy==1.26.4 setuptools
    venv/bin/python tests/golden/make_quantiles.py
"""

import json
import os
import shutil

import numpy
import tensorboardX
from tensorboard.backend.event_processing import event_file_loader
from tensorboard.plugins.distribution import compressor

PERCENTS = [0, 2, 5, 10, 20, 25, 30, 40, 50, 60, 70, 75, 80, 90, 95, 98, 100]

folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "quantiles")
shutil.rmtree(folder, ignore_errors=True)
random = numpy.random.RandomState(7)
with tensorboardX.SummaryWriter(folder) as writer:
    for step in range(3):
        writer.add_histogram("growing", random.lognormal(size=997), step, bins="tensorflow", walltime=1.7e9 + step)
        cosines = numpy.tanh(random.normal(0.2 * step, 0.3, size=997))
        writer.add_histogram("even", cosines, step, bins=64, walltime=1.7e9 + step)
    apart = numpy.concatenate([random.uniform(-1, -0.9, 331), random.uniform(0.8, 1, 666)])
    writer.add_histogram("apart", apart, 3, bins=40, walltime=1.7e9)
(file,) = os.listdir(folder)
path = os.path.join(folder, "events.out.tfevents.1700000000.maker")
os.rename(os.path.join(folder, file), path)

values = {}
# Raw: the usual loader turns old histograms into tensors.
for event in event_file_loader.LegacyEventFileLoader(path).Load():
    for value in event.summary.value:
        found = compressor.compress_histogram_proto(value.histo, [100 * percent for percent in PERCENTS])
        values.setdefault(value.tag, []).append([event.step, [number for _, number in found]])
with open(os.path.join(folder, "values.json"), "w") as file:
    json.dump({"percents": PERCENTS, "histograms": values}, file)
    file.write("\n")
