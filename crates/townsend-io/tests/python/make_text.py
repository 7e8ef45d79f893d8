"""Makes texts as NumPy prints them, and what NumPy reads in them, for `src/text/tests.rs`: python make_text.py FOLDER"""
import gzip
import sys
from pathlib import Path

import numpy as np

folder = Path(sys.argv[1])
random = np.random.default_rng(7)
size = random.choice([1e-300, 1e-30, 1e-8, 1e-3, 1.0, 300.0, 1.7e9, 1e25, 1e300], size=(60, 4))
numbers = random.normal(size=(60, 4)) * size
np.savetxt(folder / "savetxt.txt", numbers, header="x [cm] y [cm] z [cm] t [ns]")
short = np.column_stack([np.repeat(np.arange(12), 5), random.normal(size=(60, 3))])
np.savetxt(folder / "short.csv", short, fmt=["%d", "%.6g", "%.3f", "%g"], delimiter=",", header="event,x,z,t", comments="")
np.savez(folder / "texts.npz", savetxt=np.loadtxt(folder / "savetxt.txt"),
         short=np.loadtxt(folder / "short.csv", delimiter=",", skiprows=1))
with gzip.GzipFile(folder / "short.csv.gz", "wb", mtime=0) as packed:
    packed.write((folder / "short.csv").read_bytes())
