"""Wrong use is an exception of the right type with the library's words; nothing is half-written."""

import os
import pathlib
import pickle
import subprocess
import sys

import numpy as np
import pytest

import townsend
from conftest import SMALL

X = {"x": [1.0], "z": [1.0], "t": [1.0]}


@pytest.mark.parametrize("error", [townsend.UsageError, townsend.KindError, townsend.FileError, townsend.NotFoundError,
                                   townsend.ExistsError, townsend.AccessError, townsend.FolderError,
                                   townsend.OutOfMemoryError, townsend.DefectError,
                                   townsend.MissingPackageError])  # fmt: skip
def test_errors_are_errors_of_townsend(error):
    assert issubclass(error, townsend.Error)
    copy = pickle.loads(pickle.dumps(error("a word")))
    assert type(copy) is error and str(copy) == "a word"


def test_errors_are_what_python_calls_them():
    for ours, pythons in (
        (townsend.UsageError, ValueError),
        (townsend.KindError, AttributeError),
        (townsend.FileError, OSError),
        (townsend.NotFoundError, FileNotFoundError),
        (townsend.ExistsError, FileExistsError),
        (townsend.AccessError, PermissionError),
        (townsend.FolderError, IsADirectoryError),
        (townsend.OutOfMemoryError, MemoryError),
        (townsend.DefectError, RuntimeError),
        (townsend.MissingPackageError, ImportError),
    ):
        assert issubclass(ours, pythons)


def test_files(work, simulated, microscopic):
    with pytest.raises(FileNotFoundError, match="nowhere: is not a run"):
        townsend.load("nowhere")
    with pytest.raises(townsend.NotFoundError, match="none.root"):
        townsend.read("none.root")
    with pytest.raises(townsend.Error, match=r"none_\*.root: no file has such a name"):
        townsend.read("none_*.root")
    simulated.save("a.root")
    before = pathlib.Path("a.root").read_bytes()
    with pytest.raises(FileExistsError, match="force=True overwrites it"):
        simulated[:2].save("a.root")
    assert pathlib.Path("a.root").read_bytes() == before
    simulated[:2].save("a.root", force=True)
    assert len(townsend.read("a.root")) == 2
    with pytest.raises(FileNotFoundError, match="the folder no does not exist"):
        simulated.save("no/a.root")
    os.mkdir("folder.root")
    with pytest.raises(IsADirectoryError, match="is a folder"):
        simulated.save("folder.root", force=True)
    with pytest.raises(ValueError, match='format="root" or format="npz" says which it is'):
        simulated.save("a.xyz")
    with pytest.raises(townsend.UsageError, match="text is read, not written"):
        simulated.save("a.txt")
    with pytest.raises(townsend.UsageError, match="unknown format `xml`"):
        simulated.save("a.root", format="xml")
    simulated[:2].save("b.xyz", format="npz")
    with pytest.raises(townsend.UsageError, match=r"\.townsend"):
        microscopic.export("model.onx")
    with pytest.raises(townsend.UsageError, match="holds no network"):
        microscopic.export("model.safetensors")
    microscopic.export("m.townsend")
    with pytest.raises(FileExistsError, match="force=True overwrites it"):
        microscopic.export("m.townsend")
    assert sorted(os.listdir()) == ["a.root", "b.xyz", "folder.root", "m.townsend"]


def test_options_are_spelled_as_keywords(work):
    np.savetxt("table.txt", [[1, 2, 3, 4]], header="event xe ye te", comments="")
    with pytest.raises(townsend.Error, match=r'hint: columns="x=') as raised:
        townsend.read("table.txt")
    assert "--" not in str(raised.value)
    with pytest.warns(townsend.Warning) as told:
        townsend.read("table.txt", columns="x=xe,z=ye,t=te")
    assert any('to settle it: units="x=mm"' in str(warning.message) for warning in told)
    assert told[0].filename == __file__
    with pytest.raises(townsend.UsageError, match="names no column"):
        townsend.read("table.txt", columns="q=1")
    with pytest.raises(townsend.UsageError, match="no unit"):
        townsend.read("table.txt", units="parsec")
    with pytest.raises(townsend.UsageError, match="no comparison"):
        townsend.read("table.txt", where="status")
    with pytest.raises(townsend.UsageError):
        townsend.read([])


def test_damaged_files(work, simulated, trained):
    simulated.save("whole.npz")
    simulated.save("whole.root")
    trained.export("whole.townsend")
    for name in ("whole.npz", "whole.root", "whole.townsend"):
        whole = pathlib.Path(name).read_bytes()
        for damaged in (whole[: len(whole) // 2], whole[:40], b"", whole[:100] + bytes(200) + whole[300:]):
            path = pathlib.Path("damaged" + pathlib.Path(name).suffix)
            path.write_bytes(damaged)
            with pytest.raises(townsend.Error, match="damaged"):
                townsend.load(path).generate(1) if name.endswith("townsend") else townsend.read(path)
    pathlib.Path("text.root").write_text("Once upon a time")
    with pytest.raises(townsend.Error, match="not a file of avalanches that townsend knows"):
        townsend.read("text.root")


def test_numbers(microscopic):
    for wrong in (-1, 2**64):
        with pytest.raises(ValueError, match="is no number from 0 to"):
            microscopic.generate(wrong)
        with pytest.raises(townsend.UsageError, match="is no number from 0 to"):
            microscopic.avalanche(0, seed=wrong)
    for wrong in ("ten", 1.5, None):
        with pytest.raises(TypeError):
            microscopic.generate(wrong)
    with pytest.raises(townsend.UsageError, match="there is no avalanche number"):
        microscopic.generate(2, first=2**64 - 1)
    assert len(microscopic.generate(np.int16(3), seed=np.uint64(7))) == 3
    with pytest.raises(OverflowError):
        microscopic.generate(1, threads=-1)


def test_settings(microscopic, trained, voltages):
    with pytest.raises(townsend.UsageError, match="voltage_v"):
        voltages.generate(1, voltage=280)
    with pytest.raises(townsend.UsageError, match="voltage_v is high; it must be a number"):
        voltages.generate(1, voltage_v="high")
    with pytest.raises(townsend.UsageError):
        voltages.avalanche(1, voltage_v=[280, 280])
    with pytest.raises(townsend.UsageError, match="does not depend on humidity"):
        microscopic.generate(1, humidity=280)
    with pytest.raises(townsend.UsageError, match="no start"):
        microscopic.generate(1, start="ceiling")
    with pytest.raises(townsend.UsageError, match="track"):
        microscopic.generate(1, start="track")
    with pytest.raises(townsend.UsageError, match="leave out start and conditions"):
        trained.generate(1, voltage_v=280)
    assert len(microscopic.generate(2, start=(10.0, 5.0))) == 2
    assert len(microscopic.avalanche(2, start="drift")) >= 0
    with pytest.raises(townsend.UsageError, match="neither a file nor a detector"):
        townsend.simulate(1, "nothing")
    with pytest.raises(townsend.Error, match="detector"):
        townsend.simulate(1, {"name": "odd"})


def test_training(work, simulated):
    with pytest.raises(FileNotFoundError, match="configurations that ship are .*clusters"):
        townsend.train("nothing", simulated)
    with pytest.raises(townsend.UsageError, match="no such family"):
        townsend.train({"model": {"family": "oracle"}}, simulated)
    with pytest.raises(townsend.UsageError, match="names no model"):
        townsend.train({"training": {"seed": 1}}, simulated)
    with pytest.raises(townsend.UsageError, match="sweps"):
        townsend.train({"model": {"family": "clusters"}, "training": {"sweps": 1}}, simulated)
    with pytest.raises(townsend.UsageError, match="leave out what is None"):
        townsend.train({"model": {"family": None}}, simulated)
    with pytest.raises(townsend.UsageError, match="write numbers, texts"):
        townsend.train({"model": {"family": object()}}, simulated)
    with pytest.raises(townsend.UsageError, match="trained in one go"):
        townsend.train(SMALL, simulated, "run", resume=True)
    with pytest.raises(TypeError, match="is no avalanches"):
        townsend.train(SMALL, 12)
    pathlib.Path("run").mkdir()
    pathlib.Path("run/note.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="is neither empty nor a run"):
        townsend.train(SMALL, simulated, "run", force=True)
    assert os.listdir("run") == ["note.txt"]


def test_checks(work, simulated):
    with pytest.raises(townsend.Error, match="at least 10"):
        townsend.check(simulated, simulated[:5])
    with pytest.raises(townsend.Error, match="60 values for 60|3 values for 60"):
        townsend.check(simulated, simulated, conditions={"v": ([1, 2, 3], [1, 2, 3])})
    with pytest.raises(townsend.UsageError, match="two arrays"):
        townsend.check(simulated, simulated, conditions={"v": [1, 2, 3]})
    with pytest.raises(townsend.Error, match="thresholds"):
        townsend.check(simulated, simulated, thresholds={"light": []})
    check = townsend.check(simulated, simulated, classifiers=False, resamples=20)
    with pytest.raises(townsend.UsageError, match="no metric `kz`"):
        check.exceeds("kz", 0.1)
    check.save("report")
    with pytest.raises(FileExistsError):
        check.save("report")
    with pytest.raises(townsend.UsageError, match="needs a folder"):
        check.save("report/report.json")


def test_kinds(simulated, microscopic):
    counts = simulated.to_counts()
    with pytest.raises(AttributeError, match="these avalanches are counts and have no x"):
        counts.x
    assert not hasattr(counts, "t") and not hasattr(simulated, "cells") and not hasattr(simulated[0], "counts")
    with pytest.raises(ValueError, match="cells"):
        simulated.cells
    with pytest.raises(townsend.UsageError, match="holds counts"):
        townsend.readout(counts)
    with pytest.raises(townsend.Error, match="cannot be given on"):
        simulated.to_counts(2).to_counts(grid={"axes": [{"bins": 7, "low": 0, "high": 1}]})
    with pytest.raises(townsend.Error, match="1, 2 or 3 axes"):
        simulated.to_counts(4)
    with pytest.raises(townsend.UsageError, match="grid"):
        simulated.to_counts(grid={"axes": [{"bins": 0, "low": 0, "high": 1}]})
    with pytest.raises(townsend.Error, match="encoder"):
        microscopic.reconstruct(simulated)
    with pytest.raises(townsend.UsageError, match="was not trained on avalanches"):
        microscopic.held_back(simulated)


@pytest.mark.parametrize(
    "arrays, said",
    [
        ({"offsets": [0, 2], **X}, "offsets must begin with 0 and end with the number of electrons, 1"),
        ({"offsets": [1, 1], **X}, "offsets must begin with 0"),
        ({"offsets": [0, -1, 1], **X}, "offsets holds -1"),
        ({"offsets": [0.0, 1.0], **X}, "whole numbers are wanted"),
        ({"offsets": [[0, 1]], **X}, "offsets has the shape"),
        ({"offsets": [0, 1], **X, "x": ["a"]}, "numbers are wanted"),
        ({"offsets": [0, 1], **X, "x": [1j]}, "numbers are wanted"),
        ({"offsets": [0, 1], **X, "z": [1.0, 2.0]}, "x, z and t hold 1, 2 and 1 values"),
        ({"offsets": [0, 1], **X, "z": [[1.0]]}, "z has the shape"),
        ({"offsets": [0, 1], **X, "t": [np.nan]}, "t of electron 0 is NaN"),
        ({"offsets": [0, 1], **X, "t": [1e300]}, "t of electron 0 is inf"),
        ({"offsets": [0, 1], **X, "units": "cm,parsec"}, "no unit"),
        ({"offsets": [0, 1], "cells": [5], "counts": [0], "grid": {"axes": [{"bins": 4, "low": 0, "high": 1}]}},
         "counts must be at least 1"),
        ({"offsets": [0, 1], "cells": [6], "counts": [1], "grid": {"axes": [{"bins": 4, "low": 0, "high": 1}]}},
         "lie below 6"),
    ],
)  # fmt: skip
def test_arrays(arrays, said):
    with pytest.raises(townsend.UsageError, match=said):
        townsend.Avalanches.from_arrays(**arrays)


def test_arrays_of_one_kind():
    with pytest.raises(TypeError, match="give x, z and t, or cells, counts and grid"):
        townsend.Avalanches.from_arrays([0])


def test_missing_packages_are_named(simulated, monkeypatch):
    import sys

    for name, call in (("hist", simulated.to_hist), ("awkward", simulated.to_awkward)):
        monkeypatch.setitem(sys.modules, name, None)
        with pytest.raises(ImportError, match=f"pip install {name}"):
            call()
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(townsend.MissingPackageError, match="pandas"):
        townsend.observables(simulated, frame=True)


OUTGROWN = """
import resource, townsend

model = townsend.load("microscopic_275")
# Threads, with all that they need for themselves.
model.generate(200)
pages = int(open("/proc/self/statm").read().split()[0])
limit = pages * resource.getpagesize() + 200_000_000
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
try:
    model.generate(10_000_000)
except MemoryError as error:
    print(error)
print(len(model.generate(200)))
"""


def test_avalanches_that_outgrow_the_memory():
    ended = subprocess.run([sys.executable, "-c", OUTGROWN], capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended
    said, hint, again = ended.stdout.splitlines()
    assert said.startswith("out of memory: ") and "the system gives no room for more" in said
    assert hint.startswith("  hint: fewer at a time") and again == "200"
