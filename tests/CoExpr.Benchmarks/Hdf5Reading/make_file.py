"""Writes an .h5ad of simulated counts: cells x 30,000 genes, 2,000 entries per cell, gzip chunks as h5py chooses them.

    python3 make_file.py counts.h5ad [entries, default 50000000]
"""

import sys

import h5py
import numpy as np

GENES, PER_CELL = 30_000, 2_000


def indices(rng, cells):
    """Increasing gene numbers, with gaps as independent genes would have."""
    out = np.empty((cells, PER_CELL), np.int32)
    for first in range(0, cells, 500):
        block = out[first : first + 500]
        steps = rng.geometric(0.98 * PER_CELL / GENES, block.shape)
        block[:] = np.minimum(np.cumsum(steps, axis=1) - 1, GENES - PER_CELL + np.arange(PER_CELL))
    return out.ravel()


def table(root, name, rows):
    group = root.create_group(name)
    group.attrs.update({"_index": "_index", "encoding-type": "dataframe", "encoding-version": "0.2.0"})
    group.attrs["column-order"] = np.array([], dtype=float)
    names = np.array([f"{name}{i}" for i in range(rows)], dtype=object)
    group.create_dataset("_index", data=names, dtype=h5py.string_dtype())


def main(path, entries=50_000_000):
    rng = np.random.default_rng(1)
    cells = int(entries) // PER_CELL
    with h5py.File(path, "w") as root:
        root.attrs.update({"encoding-type": "anndata", "encoding-version": "0.1.0"})
        x = root.create_group("X")
        x.attrs.update({"encoding-type": "csr_matrix", "encoding-version": "0.1.0"})
        x.attrs["shape"] = np.array([cells, GENES])
        data = rng.geometric(0.55, cells * PER_CELL).astype(np.float32)
        x.create_dataset("data", data=data, compression="gzip")
        x.create_dataset("indices", data=indices(rng, cells), compression="gzip")
        starts = np.arange(0, cells * PER_CELL + 1, PER_CELL)
        x.create_dataset("indptr", data=starts, compression="gzip")
        table(root, "obs", cells)
        table(root, "var", GENES)


main(*sys.argv[1:])
