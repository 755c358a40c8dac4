"""Reads X of an .h5ad with h5py three times, and prints seconds, peak memory and sums.

    python3 with_h5py.py counts.h5ad
"""

import resource
import sys
import time

import h5py


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


before = peak()
for attempt in range(3):
    start = time.perf_counter()
    with h5py.File(sys.argv[1]) as file:
        data, indices, starts = (file["X"][part][:] for part in ["data", "indices", "indptr"])
    seconds = time.perf_counter() - start
    size = (data.nbytes + indices.nbytes + starts.nbytes) / 2**20
    print(
        f"h5py: {seconds:.2f} s, arrays {size:.0f} MiB, peak {peak() - before:.0f} MiB over {before:.0f}, "
        f"sums {data.sum(dtype='f8'):.0f} {indices.sum(dtype='i8')}"
    )
    del data, indices, starts
