"""Writes tests/golden/sets/: small record files by MXNet's own writer, pickles by CPython and NumPy, and expected.json,
what MXNet and CPython find in them.

Made with Python 3.11, mxnet 1.9.1, numpy 1.23.5, pillow 13.0.0:
    python3 -m venv venv && venv/bin/pip install "numpy<1.24" pillow requests
    venv/bin/pip install --no-deps mxnet==1.9.1 graphviz==0.8.4
    venv/bin/python tests/golden/make_sets.py
"""

import io
import json
import os
import pickle
import shutil
import struct

import numpy
from mxnet import recordio
from PIL import Image

folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "sets")
shutil.rmtree(folder, ignore_errors=True)
os.makedirs(folder)
expected = {"records": {}, "pickles": {}}


def pixels(number):
    rows, columns, planes = numpy.indices((8, 6, 3))
    return ((rows * 11 + columns * 17 + planes * 40 + number * 29) % 256).astype(numpy.uint8)


def png(number):
    file = io.BytesIO()
    Image.fromarray(pixels(number)).save(file, "PNG", optimize=True)
    return file.getvalue()


def records(name, entries):
    """Entries are (key, label, bytes), written in this order; expected is what MXNet reads again, by key."""
    os.makedirs(os.path.join(folder, name))
    paths = [os.path.join(folder, name, "train" + ending) for ending in (".idx", ".rec")]
    writer = recordio.MXIndexedRecordIO(*paths, "w")
    for key, label, data in entries:
        writer.write_idx(key, recordio.pack(recordio.IRHeader(0, label, key, 0), data))
    writer.close()
    reader = recordio.MXIndexedRecordIO(*paths, "r")
    found = []
    for key in sorted(reader.keys):
        header, data = recordio.unpack(reader.read_idx(key))
        labels = [float(label) for label in numpy.atleast_1d(header.label)]
        found.append({"key": key, "labels": labels, "hex": data.hex()})
    expected["records"][name] = found


def people(first_key, counts, zero_last=False, array_labels=False):
    """InsightFace's layout: images, identity records, record 0."""
    entries, ranges, key = [], [], first_key
    for person, count in enumerate(counts):
        start = key
        for _ in range(count):
            label = [float(person), 5.0] if array_labels and key % 2 else float(person)
            entries.append((key, label, png(key % 100)))
            key += 1
        ranges.append((start, key))
    first_identity = key
    for start, end in ranges:
        entries.append((key, [float(start), float(end)], b""))
        key += 1
    zero = (0, [float(first_identity), float(key)], b"")
    return entries + [zero] if zero_last else [zero] + entries


magic = struct.pack("<I", 0xCED7230A)
records("insightface", people(1, [3, 1, 2]))
records("zero_last", people(1, [2, 4], zero_last=True, array_labels=True))
# f32 can't hold these keys: MXNet itself rounds them in the identity records.
records("beyond_2_24", people(2**24 - 3, [2, 3, 1, 1, 4, 2], zero_last=True))
records(
    "plain",
    [(3, 7.0, png(1)), (9, 2.0, png(2)), (10, [7.0, 1.5, 2.5], png(3)), (40, 2.0, png(4))],
)
payloads = [b"", magic, magic * 3, b"abcd" + magic, b"ab" + magic, magic + b"xyz", b"1234" + magic + magic + b"5", b"q" * 33]
records("awkward", [(key, float(key), data) for key, data in enumerate(payloads)])


def dump(name, value, protocol):
    with open(os.path.join(folder, name), "wb") as file:
        pickle.dump(value, file, protocol=protocol)


same = [True, False, True]
files = [png(number) for number in (1, 2, 3, 1, 4, 4)]
for protocol in (2, 3, 4, 5):
    name = f"bytes_{protocol}.bin"
    dump(name, (files, same), protocol)
    expected["pickles"][name] = {"dialect": "bin-bytes", "same": same, "hex": [file.hex() for file in files]}
    name = f"arrays_{protocol}.bin"
    arrays = [numpy.frombuffer(file, dtype=numpy.uint8).reshape(-1, 1) for file in files]
    dump(name, (arrays, numpy.array(same)), protocol)
    expected["pickles"][name] = {"dialect": "bin-arrays", "same": same, "hex": [file.hex() for file in files]}
    name = f"pixels_{protocol}.np"
    pairs = ([[pixels(1), pixels(2)], [pixels(3), pixels(1)]], [[pixels(4), pixels(5)]])
    dump(name, pairs, protocol)
    raw = [pixels(number).tobytes() for number in (1, 2, 3, 1, 4, 5)]
    expected["pickles"][name] = {
        "dialect": "pixel-arrays",
        "same": [True, True, False],
        "hex": [data.hex() for data in raw],
    }

with open(os.path.join(folder, "expected.json"), "w") as file:
    json.dump(expected, file)
    file.write("\n")
