"""Reads three columns of avalanches with uproot and prints the seconds that it takes, without those for starting."""

import sys
import time

import awkward
import uproot

start = time.perf_counter()
with uproot.open(sys.argv[1]) as root_file:
    table = root_file["avalanches"]
    columns = [table[name].array() for name in ("x", "z", "t")]
    assert sum(awkward.count(column) for column in columns) > 0
print(time.perf_counter() - start)
