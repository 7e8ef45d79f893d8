"""Says that an installed wheel works, and how much a single avalanche costs: `python wheel.py`."""

import platform
import sys
import tempfile
import time

import numpy as np

import townsend

model = townsend.load("microscopic_275")
avalanches = model.generate(200)
assert avalanches.x.dtype == np.float32 and avalanches.x.base is avalanches
assert (model.avalanche(7).x == avalanches[7].x).all()
with tempfile.TemporaryDirectory() as folder:
    avalanches.save(f"{folder}/a.root")
    assert townsend.read(f"{folder}/a.root") == avalanches
small = {"model": {"family": "clusters"}, "training": {"sweeps": 10, "electrons": 4000}}
data = townsend.simulate(60, "cgem", seed=5)
check = townsend.check(data, townsend.train(small, data).generate(60), classifiers=False)
assert check.verdict in ("green", "grey", "amber", "red")
try:
    townsend.load("nowhere")
except FileNotFoundError as error:
    assert isinstance(error, townsend.Error)
else:
    sys.exit("no error")
libc = " ".join(platform.libc_ver())
print(f"townsend {townsend.__version__} works with Python {platform.python_version()}, NumPy {np.__version__}, {libc}")

rounds = []
for _ in range(7):
    started = time.perf_counter()
    for index in range(2000):
        model.avalanche(index)
    rounds.append((time.perf_counter() - started) / 2000 * 1e6)
print(f"an avalanche alone: {min(rounds):.1f} us, the best of 7 rounds of 2,000")
