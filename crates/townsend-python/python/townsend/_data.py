"""Between the arrays of Python's packages and those of townsend."""

import json
import os
from collections.abc import Mapping, Sequence

import numpy as np

from townsend._errors import MissingPackageError, UsageError


def package(name):
    """The package of this name, or an error that says how to get it."""
    try:
        return __import__(name)
    except ImportError as error:
        message = f"this needs the package {name}, which is not installed\n  hint: pip install {name}"
        raise MissingPackageError(message) from error


def to_json(value, what):
    """A value as JSON; NumPy's numbers and arrays too."""

    def plain(value):
        if isinstance(value, (np.generic, np.ndarray)):
            return value.tolist()
        if isinstance(value, os.PathLike):
            return os.fspath(value)
        raise UsageError(f"{what}: {value!r} is a {type(value).__name__}; write numbers, texts, lists and dicts")

    return json.dumps(value, default=plain)


def flat(values, name, dtype):
    """One array in memory, of one dimension and in this machine's order of bytes."""
    array = np.asarray(values)
    if array.size == 0 and array.dtype.kind == "f":
        array = array.astype(dtype)
    kinds = "iu" if dtype == "uint64" else "fiu"
    if array.dtype.kind not in kinds:
        wanted = "whole numbers" if dtype == "uint64" else "numbers"
        raise UsageError(f"{name} holds {array.dtype}; {wanted} are wanted")
    if array.ndim != 1:
        raise UsageError(f"{name} has the shape {array.shape}; one dimension is wanted")
    if dtype == "uint64" and array.size and array.min() < 0:
        raise UsageError(f"{name} holds {array.min()}; numbers from 0 on are wanted")
    with np.errstate(over="ignore"):  # a value too large becomes infinite, which is refused with its place
        return np.require(array, dtype, ["C_CONTIGUOUS", "ALIGNED"])


def are_files(data):
    """True for the name of a file, or several of them."""
    if isinstance(data, (str, os.PathLike)):
        return True
    several = isinstance(data, Sequence) and len(data) > 0
    return several and all(isinstance(one, (str, os.PathLike)) for one in data)


def avalanches(data):
    """What functions take as avalanches, as ``Avalanches``."""
    from townsend import _townsend

    if are_files(data):
        return _townsend.read(data)
    if hasattr(data, "fields") and hasattr(data, "layout"):
        return from_awkward(data)
    if isinstance(data, Mapping):
        names = ["offsets", "x", "z", "t"]
        if all(name in data for name in names):
            return _townsend.Avalanches.from_arrays(*(data[name] for name in names))
    raise TypeError(
        f"a {type(data).__name__} is no avalanches; give townsend.Avalanches, names of files, an Awkward array of"
        " records with x, z and t, or a dict with offsets, x, z and t"
    )


def from_awkward(array, units=None, source=""):
    """Lists of records, or a record of lists."""
    from townsend import _townsend

    ak = package("awkward")
    missing = [name for name in ("x", "z", "t") if name not in array.fields]
    if missing:
        raise UsageError(f"the array has no {', '.join(missing)}; it has {', '.join(array.fields) or 'no fields'}")
    x, z, t = array["x"], array["z"], array["t"]
    if any(of.ndim != 2 for of in (x, z, t)):
        raise UsageError("x, z and t must be lists of electrons, one an avalanche")
    numbers = ak.to_numpy(ak.num(x, axis=1))
    for name, of in (("z", z), ("t", t)):
        if not np.array_equal(numbers, ak.to_numpy(ak.num(of, axis=1))):
            raise UsageError(f"{name} has other numbers of electrons than x")
    offsets = np.concatenate([[0], np.cumsum(numbers, dtype=np.int64)])
    columns = [ak.to_numpy(ak.flatten(of, axis=1)) for of in (x, z, t)]
    if any(np.ma.isMaskedArray(column) for column in columns):
        raise UsageError("some electrons have no value")
    return _townsend.Avalanches.from_arrays(offsets, *columns, units=units, source=source)


def to_awkward(avalanches):
    """An Awkward array over the same memory."""
    ak = package("awkward")
    names = ["x", "z", "t"] if avalanches.grid is None else ["cells", "counts"]
    columns = [ak.contents.NumpyArray(getattr(avalanches, name)) for name in names]
    offsets = ak.index.Index64(avalanches.offsets)
    return ak.Array(ak.contents.ListOffsetArray(offsets, ak.contents.RecordArray(columns, names)))


def to_hist(total, grid):
    """A histogram of these contents, flow bins included."""
    hist = package("hist")
    axes = []
    for name, axis in zip("xzt", grid["axes"]):
        label = axis["label"] or name
        if "edges" in axis:
            axes.append(hist.axis.Variable(axis["edges"], name=name, label=label))
        else:
            axes.append(hist.axis.Regular(axis["bins"], axis["low"], axis["high"], name=name, label=label))
    histogram = hist.Hist(*axes, storage=hist.storage.Double())
    histogram.view(flow=True)[...] = total
    return histogram


def frame(columns):
    """A DataFrame of these columns."""
    return package("pandas").DataFrame(columns)
