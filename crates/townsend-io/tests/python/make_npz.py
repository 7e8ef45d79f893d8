"""Makes npz files as others write them, for `src/npz/tests.rs`: python make_npz.py FOLDER

The electrons are the same in all of them: three avalanches of 2, 0 and 3.
"""
import sys
import zipfile
from pathlib import Path

import numpy as np

folder = Path(sys.argv[1])
offsets = np.array([0, 2, 2, 5])
event = np.array([7, 7, 9, 9, 9], dtype=np.uint16)
x = np.array([-0.5, 0.25, 1.0, -1.5, 2.0])
z = np.array([0.0, 0.5, -0.25, 3.0, 0.125])
t = np.array([170.0, 171.5, 169.0, 180.25, 175.0])
rows = {"offsets": offsets, "x": x, "z": z, "t": t}

np.savez(folder / "big_endian.npz", **{name: a.astype(a.dtype.newbyteorder(">")) for name, a in rows.items()})
np.savez(folder / "integers.npz", offsets=offsets.astype(np.int32), x=np.array([-1, 0, 1, -2, 2], dtype=np.int8),
         z=z.astype(np.float16), t=np.array([170, 171, 169, 180, 175], dtype=np.uint16))
np.savez(folder / "other_names.npz", xe=x, ze=z, te=1.7e9 + t, ev=event, positions=np.asfortranarray(np.stack([x, z], axis=1)),
         gain=np.array([2.0, 3.0]), gas=np.array("ArCO2"), pressure=np.float64(760), hit=x > 0)
np.savez(folder / "records.npz", electrons=np.rec.fromarrays([x, z, t], names="x,z,t"))
np.savez(folder / "float128.npz", **{**rows, "x": x.astype(np.longdouble)})
ragged = np.array([x[:2], x[2:2], x[2:]], dtype=object)
np.savez(folder / "objects.npz", allow_pickle=True, **{**rows, "x": ragged})
with zipfile.ZipFile(folder / "bzip2.npz", "w", zipfile.ZIP_BZIP2) as archive:
    for name, array in rows.items():
        with archive.open(f"{name}.npy", "w") as member:
            np.lib.format.write_array(member, array)
