"""Compares an npz with what it should hold: compare_npz.py FILE.npz EXPECTED META.json

EXPECTED has a line for each array, "name type shape values...", such as "x <f4 3 0.5 1 2"; META.json is what the array
`meta` says.
"""
import json
import sys
import zipfile

import numpy as np

path, expected, meta = sys.argv[1:]
assert zipfile.ZipFile(path).testzip() is None, "a checksum is wrong"
data = np.load(path)
names = ["meta"]
for line in open(expected, encoding="utf-8"):
    name, kind, shape, *values = line.split()
    array = data[name]
    shape = tuple(int(length) for length in shape.split(","))
    assert (array.dtype, array.shape) == (np.dtype(kind), shape), (name, array.dtype, array.shape)
    wanted = np.array([float(value) for value in values]).astype(kind).reshape(shape)
    assert np.array_equal(array, wanted), (name, array, wanted)
    names.append(name)
assert sorted(names) == sorted(data.files), data.files
assert json.loads(str(data["meta"])) == json.load(open(meta, encoding="utf-8")), data["meta"]
