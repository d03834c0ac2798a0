"""Numbers that Python and Rust make alike, for weights that need no file."""

import numpy as np


def fnv1a(text):
    value = 2166136261
    for byte in text.encode():
        value = (value ^ byte) * 16777619 % 2**32
    return value


def uniform(name, count):
    """Number i of the tensor called n: frac((i * 2654435761 + fnv1a(n)) / 2**32)."""
    return ((np.arange(count, dtype=np.uint64) * 2654435761 + fnv1a(name)) % 2**32).astype(np.float64) / 2**32
