"""Makes Parquet files as pyarrow and awkward write them, for `src/parquet/tests.rs`: python make_parquet.py FOLDER

The electrons are those of `make_npz.py`: three avalanches of 2, 0 and 3.
"""
import sys
from pathlib import Path

import awkward as ak
import pyarrow as pa
import pyarrow.parquet as pq

folder = Path(sys.argv[1])
x = [[-0.5, 0.25], [], [1.0, -1.5, 2.0]]
z = [[0.0, 0.5], [], [-0.25, 3.0, 0.125]]
t = [[170.0, 171.5], [], [169.0, 180.25, 175.0]]
lists = pa.table({"x": pa.array(x, pa.list_(pa.float32())), "z": pa.array(z, pa.large_list(pa.float64())),
                  "t": pa.array(t, pa.list_(pa.float32())), "event": pa.array([7, 8, 9], pa.int64()), "gas": ["a", "b", "c"]})
pq.write_table(lists, folder / "lists_snappy.parquet", compression="snappy")
pq.write_table(lists, folder / "lists_gzip.parquet", compression="gzip", row_group_size=1, use_dictionary=False, data_page_version="2.0")
flat = pa.table({"event": pa.array([7, 7, 9, 9, 9], pa.int32()), "x [cm]": pa.array(sum(x, []), pa.float64()),
                 "z": pa.array(sum(z, []), pa.float32()), "t": pa.array(sum(t, []), pa.float64()),
                 "hit": [True, False, True, True, False], "small": pa.array([1, 2, 3, 4, 255], pa.uint8())})
pq.write_table(flat, folder / "flat_zstd.parquet", compression="zstd")
pq.write_table(flat, folder / "flat_none.parquet", compression="none", use_byte_stream_split=["t"], use_dictionary=["x [cm]"])
pq.write_table(pa.table({"x": [1.0, None, 2.0], "z": [[1.0], None, [2.0]], "t": [[1.0], [None], []]}), folder / "nulls.parquet")
pq.write_table(flat, folder / "flat_brotli.parquet", compression="brotli")
ak.to_parquet(ak.Array({"x": x, "z": z, "t": t}), str(folder / "awkward.parquet"))
nested = [[[1.0], []], [], [[2.0, 3.0]]]
pq.write_table(pa.table({"nested": nested, "p": [{"x": 1.0}, {"x": 2.0}, {"x": 3.0}]}), folder / "nested.parquet")
