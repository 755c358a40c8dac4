"""Quantile bins by NumPy, as GeneVector makes them: linspace, percentile of single-precision values, searchsorted.

Reads lines of "bins value value ..." from the file named, and prints the level of every value."""

import sys

import numpy as np

with open(sys.argv[1]) as lines:
    for line in lines:
        bins, *values = line.split()
        values = np.array(values, dtype=np.float32)
        levels = np.zeros(len(values), dtype=int)
        expressed = values > 0
        used = min(int(bins), len(np.unique(values[expressed])))
        if used == 1:
            levels[expressed] = 1
        elif used > 1:
            edges = np.percentile(values[expressed], np.linspace(0, 100, used + 1)[1:-1])
            levels[expressed] = 1 + np.searchsorted(edges, values[expressed], side="right")
        print(*levels)
