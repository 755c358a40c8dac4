"""Reads X of an .h5ad with h5py three times, and prints seconds, seconds of processor time, peak memory and sums.

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
    start, busy = time.perf_counter(), time.process_time()
    with h5py.File(sys.argv[1]) as file:
        data, indices, starts = (file["X"][part][:] for part in ["data", "indices", "indptr"])
    seconds, busy = time.perf_counter() - start, time.process_time() - busy
    size = (data.nbytes + indices.nbytes + starts.nbytes) / 2**20
    print(
        f"h5py: {seconds:.2f} s ({busy:.2f} busy), arrays {size:.0f} MiB, peak {peak() - before:.0f} MiB over {before:.0f}, "
        f"sums {data.sum(dtype='f8'):.0f} {indices.sum(dtype='i8')}"
    )
    del data, indices, starts
