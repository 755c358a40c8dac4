"""Says what Python's anndata finds in an .h5ad file, one line per part: `name kind sha256`.

The tests make the same lines of what CoExpr finds, or wrote, and compare. Hashes are of little-endian arrays, so that
equal lines mean equal bits. With --uns, what is unstructured and the pairwise matrices are told too. Of several files,
each begins with a line of its path.
"""

import hashlib
import sys
import warnings

warnings.simplefilter("ignore")

import anndata
import numpy as np
import pandas as pd
import scipy.sparse as sp


def sha(*parts):
    return hashlib.sha256(b"|".join(parts)).hexdigest()[:16]


def texts(values):
    return "\n".join(str(value) for value in values).encode()


def say(name, kind, *parts):
    print(name, kind, sha(*parts))


def of_type(values, dtype):
    return np.ascontiguousarray(np.asarray(values), dtype=dtype).tobytes()


def sparse(name, matrix, dtype):
    matrix = sp.csr_matrix(matrix)
    matrix.sum_duplicates()
    matrix.sort_indices()
    say(
        name,
        f"sparse-{matrix.shape[0]}x{matrix.shape[1]}",
        of_type(matrix.indptr, "<i8"),
        of_type(matrix.indices, "<i4"),
        of_type(matrix.data, dtype),
    )


def dense(name, matrix):
    if sp.issparse(matrix):
        matrix = matrix.toarray()
    if isinstance(matrix, pd.DataFrame):
        matrix = matrix.select_dtypes("number")
    matrix = np.asarray(matrix)
    if matrix.ndim == 1:
        matrix = matrix.reshape(-1, 1)
    say(name, f"dense-{matrix.shape[0]}x{matrix.shape[1]}", of_type(matrix, "<f8"))


def column(name, values):
    if isinstance(values.dtype, pd.CategoricalDtype):
        ordered = b"1" if values.cat.ordered else b"0"
        say(name, "category", texts(values.cat.categories), of_type(values.cat.codes, "<i4"), ordered)
    elif pd.api.types.is_extension_array_dtype(values.dtype):
        kind = "flag" if values.dtype.name == "boolean" else "integer"
        dtype = "u1" if kind == "flag" else "<i8"
        missing = values.isna().to_numpy()
        say(name, kind, of_type(values.fillna(False if kind == "flag" else 0), dtype), of_type(missing, "u1"))
    elif values.dtype.kind == "b":
        say(name, "flag", of_type(values, "u1"), b"")
    elif values.dtype.kind in "iu":
        say(name, "integer", of_type(values, "<i8"), b"")
    elif values.dtype.kind == "f":
        say(name, "float", of_type(values, "<f8"))
    else:
        say(name, "text", texts(values))


def table(name, frame):
    say(f"{name}/_index", "text", texts(frame.index))
    for key in frame.columns:
        column(f"{name}/{key}", frame[key])


def unstructured(name, value):
    if isinstance(value, dict):
        for key in value:
            unstructured(f"{name}/{key}", value[key])
    elif isinstance(value, pd.DataFrame):
        table(name, value)
    elif sp.issparse(value):
        sparse(name, value, "<f8")
    elif isinstance(value, np.ndarray) and value.dtype.names:
        for field in value.dtype.names:
            unstructured(f"{name}[{field}]", value[field])
    elif isinstance(value, np.ndarray) and value.dtype.kind in "OUS":
        say(name, "texts", texts(value))
    elif isinstance(value, np.ndarray):
        say(name, f"array-{value.dtype.name}", value.tobytes())
    elif isinstance(value, str):
        say(name, "string", value.encode())
    elif isinstance(value, (bool, np.bool_)):
        say(name, "scalar-bool", of_type(value, "u1"))
    else:
        value = np.asarray(value)
        say(name, f"scalar-{value.dtype.name}", value.tobytes())


def describe(path, options):
    data = anndata.read_h5ad(path)
    if data.X is not None:
        sparse("X", data.X, "<f4")
    table("obs", data.obs)
    table("var", data.var)
    for key in data.layers:
        sparse(f"layers/{key}", data.layers[key], "<f4")
    for key in data.obsm:
        dense(f"obsm/{key}", data.obsm[key])
    for key in data.varm:
        dense(f"varm/{key}", data.varm[key])
    if data.raw is not None:
        sparse("raw/X", data.raw.X, "<f4")
        table("raw/var", data.raw.var)
    if "--uns" in options:
        for key in data.varp:
            sparse(f"varp/{key}", data.varp[key], "<f8")
        for key in data.obsp:
            sparse(f"obsp/{key}", data.obsp[key], "<f8")
        unstructured("uns", dict(data.uns))


def main(arguments):
    options = [argument for argument in arguments if argument.startswith("--")]
    paths = [argument for argument in arguments if not argument.startswith("--")]
    for path in paths:
        if len(paths) > 1:
            print("file", path)
        describe(path, options)


main(sys.argv[1:])
