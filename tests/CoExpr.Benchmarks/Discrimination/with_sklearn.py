"""Discrimination scores by scikit-learn, from effects that the benchmark leaves in a folder: one call of
pairwise_distances per prediction with its target's column taken out (cell-eval up to 0.8.1), and one matrix of all distances
less the column's share (the closed form). Prints name, processor seconds and peak memory; leaves the ranks beside the effects."""
import resource
import sys
import time

import numpy as np
from sklearn.metrics import pairwise_distances

folder = sys.argv[1]
predicted, real = np.load(folder + "/predicted.npy"), np.load(folder + "/real.npy")
rows, genes = predicted.shape
targets = np.arange(rows)
targets[targets >= min(genes, int(0.8 * rows))] = -1


def looped(metric):
    ranks = np.empty(rows, int)
    for row in range(rows):
        kept = np.arange(genes) != targets[row]
        distances = pairwise_distances(real[:, kept], predicted[row : row + 1, kept], metric=metric).ravel()
        ranks[row] = (distances < distances[row]).sum()
    return ranks


def at_once(metric):
    matrix = pairwise_distances(predicted, real, metric=metric)
    with_target = np.flatnonzero(targets >= 0)
    p, r = predicted[with_target, targets[with_target]][:, None], real[:, targets[with_target]].T
    if metric == "l1":
        matrix[with_target] -= np.abs(p - r)
    elif metric == "l2":
        matrix[with_target] = np.sqrt(np.maximum(0, matrix[with_target] ** 2 - (p - r) ** 2))
    else:
        norms = (predicted**2).sum(1)[with_target, None], (real**2).sum(1)[None]
        dots = (1 - matrix[with_target]) * np.sqrt(norms[0] * norms[1]) - p * r
        matrix[with_target] = 1 - dots / np.sqrt((norms[0] - p**2) * (norms[1] - r**2))
    return (matrix < matrix.diagonal()[:, None]).sum(1)


def main():
    for name, way in [("loop", looped), ("one matrix", at_once)]:
        if name in sys.argv[2:]:
            continue
        before, all_ranks = time.process_time(), []
        for metric in ("l1", "l2", "cosine"):
            all_ranks.append(way(metric))
        np.save(f"{folder}/{name.replace(' ', '_')}.npy", np.array(all_ranks).astype(float))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
        print(f"{name}\t{time.process_time() - before:.3f}\t{peak}", flush=True)


main()
