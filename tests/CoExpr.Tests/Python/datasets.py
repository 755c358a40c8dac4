"""Writes datasets in every form that the reader must cope with. Element i (counted row by row) is 7 i mod 100, for
truth values i mod 3 == 0, and text is "é" and that number; so the tests know what to expect."""

import itertools
import sys

import h5py
import numpy as np


def numbers(shape, dtype):
    count = int(np.prod(shape, dtype=int))
    values = np.arange(count) * 7 % 100
    if dtype == "bool":
        values = np.arange(count) % 3 == 0
    return values.astype(dtype).reshape(shape)


FILTERS = {
    "plain": {},
    "gzip1": {"compression": "gzip", "compression_opts": 1},
    "gzip9": {"compression": "gzip", "compression_opts": 9},
    "shuffled": {"shuffle": True},
    "gzipshuffled": {"compression": "gzip", "shuffle": True},
    "lzf": {"compression": "lzf"},
    "lzfshuffled": {"compression": "lzf", "shuffle": True},
    "checked": {"fletcher32": True},
    "gzipchecked": {"compression": "gzip", "shuffle": True, "fletcher32": True},
}

DTYPES = ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8", "bool", ">i4", ">f8", ">u2"]


def chunked(root):
    shapes = {"1000": [(1000,), (64,), (37,)], "50x21": [(50, 21), (8, 21), (7, 5)], "6x5x4": [(4, 2, 3)]}
    for (shape, chunks), (name, options), dtype in itertools.product(shapes.items(), FILTERS.items(), DTYPES):
        size = tuple(int(n) for n in shape.split("x"))
        for chunk in chunks:
            key = f"{shape}_{'x'.join(map(str, chunk))}_{name}_{dtype.replace('>', 'big')}"
            root.create_dataset(key, data=numbers(size, dtype), chunks=chunk, **options)


def unchunked(root):
    for dtype in DTYPES:
        key = dtype.replace(">", "big")
        root.create_dataset(f"1000_contiguous_{key}", data=numbers((1000,), dtype))
        root.create_dataset(f"50x21_contiguous_{key}", data=numbers((50, 21), dtype))
        root.create_dataset(f"scalar_{key}", data=numbers((), dtype))
        compact(root, f"30_compact_{key}", numbers((30,), dtype))
        root.create_dataset(f"0_empty_{key}", data=numbers((0,), dtype))
        root.create_dataset(f"0x5_empty_{key}", data=numbers((0, 5), dtype))
        root.create_dataset(f"0_resizable_{key}", data=numbers((0,), dtype), maxshape=(None,), compression="gzip")


def compact(root, name, values):
    creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    creation.set_layout(h5py.h5d.COMPACT)
    space = h5py.h5s.create_simple(values.shape)
    kind = h5py.h5t.py_create(values.dtype, logical=True)
    h5py.h5d.create(root.id, name.encode(), kind, space, creation)
    root[name][...] = values


def partly_written(root):
    data = root.create_dataset("fill", shape=(100,), chunks=(10,), dtype="i4", compression="gzip", fillvalue=5)
    data[30:40] = 1
    plain = root.create_dataset("fill_plain", shape=(100,), chunks=(10,), dtype="i4", fillvalue=5)
    plain[30:40] = 1
    root.create_dataset("never", shape=(100,), chunks=(10,), dtype="f4", compression="gzip")
    resized = root.create_dataset("resized", data=numbers((64,), "i4"), chunks=(16,), maxshape=(None,))
    resized.resize((40,))


def texts(root):
    values = [f"é{n}" for n in numbers((300,), "i8")]
    variable = h5py.string_dtype()
    fixed = np.array([value.encode() for value in values])
    root.create_dataset("text_variable", data=values, dtype=variable)
    root.create_dataset("text_gzip", data=values, dtype=variable, compression="gzip", chunks=(7,))
    root.create_dataset("text_lzf", data=values, dtype=variable, compression="lzf", chunks=(7,))
    root.create_dataset("text_fixed", data=fixed)
    root.create_dataset("text_fixed_gzip", data=fixed, compression="gzip", chunks=(11,))
    root.create_dataset("text_scalar", data="é0", dtype=variable)
    root.create_dataset("text_fixed_scalar", data=np.bytes_("é0".encode()))
    root.create_dataset("text_none", data=np.array([], dtype=object), dtype=variable)
    root.create_dataset("text_2d", data=np.array(values, dtype=object).reshape(30, 10), dtype=variable)


def records(root):
    kind = [("name", "S8"), ("n", "<i2"), ("x", ">f8"), ("flag", "?"), ("pair", "<f4", (2,))]
    values = np.zeros(300, dtype=kind)
    values["name"] = [f"é{n}".encode() for n in numbers((300,), "i8")]
    values["n"] = values["x"] = numbers((300,), "i8")
    values["flag"] = numbers((300,), "bool")
    values["pair"] = numbers((300, 2), "f4")
    root.create_dataset("records", data=values)
    root.create_dataset("records_lzf", data=values, compression="lzf", chunks=(64,))


def out_of_range(root):
    for name, value, dtype in [
        ("big_int64", 2**31, "i8"),
        ("big_uint64", 2**63, "u8"),
        ("fraction", 1.5, "f8"),
        ("nan", np.nan, "f8"),
        ("big_float64", 1e300, "f8"),
    ]:
        for suffix, options in [("", {}), ("_gzip", {"compression": "gzip", "chunks": (4,)})]:
            values = np.zeros(10, dtype)
            values[6] = value
            root.create_dataset(name + suffix, data=values, **options)


def main(folder):
    for name, options in [
        ("earliest", {"libver": "earliest"}),
        ("latest", {"libver": "latest"}),
        ("userblock", {"userblock_size": 1024}),
    ]:
        with h5py.File(f"{folder}/{name}.h5", "w", **options) as root:
            for fill in [chunked, unchunked, partly_written, texts, records, out_of_range]:
                fill(root)
            root.attrs["text"] = "é"
            root.attrs["fixed"] = np.bytes_("é".encode())
            root.attrs["texts"] = ["a", "bc", "é"]
            root.attrs["none"] = np.array([], dtype=float)
            root.attrs["nothing"] = h5py.Empty("S1")
            root.attrs["flag"] = True
            root.attrs["number"] = 2.5
            root.attrs["numbers"] = np.array([1, 2, 3], dtype=">i4")
            root.attrs["reference"] = root["fill"].ref


main(sys.argv[1])
