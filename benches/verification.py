"""The NumPy side of benches/verification.rs: told `rules` or `pool` on stdin, it answers with seconds and a check.

`rules` is InsightFace's evaluation as it is widely copied: ten folds, and on each the accuracy at every threshold of
the grid. `pool` brings every frame to unit length, takes means within the videos, brings them to unit length and
measures the pairs: video by video, which is faster than all at once since each video fits the processor's cache.
"""

import sys
import time

import numpy

folder, videos, frames, length = sys.argv[1], *map(int, sys.argv[2:5])
distance = numpy.fromfile(f"{folder}/distances", dtype="<f8")
same = numpy.fromfile(f"{folder}/same", dtype="u1").astype(bool)
embeddings = numpy.fromfile(f"{folder}/embeddings", dtype="<f4").reshape(videos, frames, length)
pairs = numpy.fromfile(f"{folder}/pairs", dtype="<u4").reshape(-1, 2)


def rules():
    grid = numpy.arange(0, 4, 0.01)
    sizes = numpy.full(10, len(distance) // 10)
    sizes[: len(distance) % 10] += 1
    fold = numpy.repeat(numpy.arange(10), sizes)
    accuracies = []
    for test in range(10):
        train, tested = fold != test, fold == test
        distance_train, same_train = distance[train], same[train]
        accuracy = [numpy.mean((distance_train < threshold) == same_train) for threshold in grid]
        best = grid[numpy.argmax(accuracy)]
        accuracies.append(numpy.mean((distance[tested] < best) == same[tested]))
    return numpy.mean(accuracies)


def pool():
    templates = numpy.empty((videos, length), dtype="f4")
    for video in range(videos):
        of_video = embeddings[video]
        norms = numpy.sqrt(numpy.einsum("ij,ij->i", of_video, of_video))
        templates[video] = (of_video / norms[:, None]).mean(axis=0)
    templates /= numpy.linalg.norm(templates, axis=1, keepdims=True)
    return (1 - numpy.einsum("ij,ij->i", templates[pairs[:, 0]], templates[pairs[:, 1]])).mean()


print("ready", flush=True)
for line in sys.stdin:
    work = {"rules": rules, "pool": pool}[line.strip()]
    begun = time.perf_counter()
    check = work()
    print(time.perf_counter() - begun, check, flush=True)
