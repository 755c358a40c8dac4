"""Writes one small .h5ad per form of matrix and table that Python's anndata makes, into the folder given."""

import sys
import warnings

warnings.simplefilter("ignore")

import anndata
import h5py
import numpy as np
import pandas as pd
import scipy.sparse as sp

RNG = np.random.default_rng(1)
COUNTS = RNG.poisson(0.5, (40, 25))


def tables():
    obs = pd.DataFrame(
        {
            "few": pd.Categorical(RNG.choice(["b", "a", "ü"], 40)),
            "numbered": pd.Categorical(RNG.choice([3, 1, 2], 40)),
            "flagged": pd.Categorical(RNG.choice([True, False], 40)),
            "gaps": pd.Categorical(RNG.choice(["x", None], 40), categories=["x", "unused"], ordered=True),
            "small": RNG.integers(-5, 5, 40).astype("i1"),
            "unsigned": RNG.integers(0, 5, 40).astype("u4"),
            "single": RNG.normal(size=40).astype("f4"),
            "holes": pd.array([None if i % 3 else i for i in range(40)], dtype="Int64"),
            "maybe": pd.array([None if i % 3 else True for i in range(40)], dtype="boolean"),
            "certain": RNG.normal(size=40) > 0,
        },
        index=[f"cell {i}" for i in range(40)],
    )
    obs["many"] = pd.Categorical([f"level {i}" for i in range(40)], categories=[f"level {i}" for i in range(300)])
    var = pd.DataFrame({"length": RNG.normal(size=25)}, index=[f"gene {i}" for i in range(25)])
    return obs, var


def unsorted(matrix):
    matrix = sp.csr_matrix(matrix)
    for row in range(matrix.shape[0]):
        part = slice(matrix.indptr[row], matrix.indptr[row + 1])
        matrix.indices[part] = matrix.indices[part][::-1].copy()
        matrix.data[part] = matrix.data[part][::-1].copy()
    matrix.has_sorted_indices = False
    return matrix


def wide(matrix):
    matrix = sp.csr_matrix(matrix)
    matrix.indices = matrix.indices.astype("i8")
    matrix.indptr = matrix.indptr.astype("i8")
    return matrix


MATRICES = {
    "csr_float32": sp.csr_matrix(COUNTS.astype("f4")),
    "csr_int64": sp.csr_matrix(COUNTS),
    "csc_float64": sp.csc_matrix(COUNTS.astype("f8")),
    "csc_uint16": sp.csc_matrix(COUNTS.astype("u2")),
    "csr_unsorted": unsorted(COUNTS.astype("f4")),
    "csr_wide": wide(COUNTS.astype("f4")),
    "csr_empty": sp.csr_matrix((40, 25), dtype="f4"),
    "dense_float64": RNG.normal(size=(40, 25)),
    "dense_int32": COUNTS.astype("i4"),
    "dense_fortran": np.asfortranarray(COUNTS.astype("f4")),
}


def main(folder):
    for name, matrix in MATRICES.items():
        obs, var = tables()
        data = anndata.AnnData(matrix, obs=obs, var=var, dtype=matrix.dtype)
        data.layers["twice"] = matrix * 2
        data.obsm["X_pca"] = RNG.normal(size=(40, 3)).astype("f4")
        data.obsm["sparse"] = sp.csc_matrix(RNG.poisson(1, (40, 4)) / 3)
        data.varm["PCs"] = RNG.normal(size=(25, 2))
        for compression in [None, "gzip", "lzf"]:
            data.write(f"{folder}/{name}_{compression}.h5ad", compression=compression)
    # A matrix of truth values, which anndata itself turns into numbers on the way.
    with h5py.File(f"{folder}/csr_int64_None.h5ad", "r+") as file:
        data = file["X/data"][:]
        del file["X/data"]
        file["X/data"] = data > 0


main(sys.argv[1])
