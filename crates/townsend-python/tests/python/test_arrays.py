"""Arrays: zero copy, dtypes, orders of bytes, lifetimes; Awkward arrays and histograms."""

import gc
import pickle
import weakref

import awkward as ak
import numpy as np
import pytest

import townsend


def test_arrays_show_memory_and_cannot_be_written(simulated):
    for name, dtype in (("offsets", np.int64), ("x", np.float32), ("z", np.float32), ("t", np.float32)):
        array, again = getattr(simulated, name), getattr(simulated, name)
        assert array.dtype == dtype and array.ndim == 1 and array.dtype.isnative
        assert np.shares_memory(array, again), "it is no copy"
        assert array.base is simulated and not array.flags.owndata
        with pytest.raises(ValueError):
            array[0] = 1
        with pytest.raises(ValueError):
            array.flags.writeable = True
    one = simulated[3]
    assert np.shares_memory(one.x, simulated.x) and one.x.base is simulated
    counts = simulated.to_counts()
    assert counts.cells.base is counts and counts[2].counts.base is counts and not counts.cells.flags.writeable


def test_arrays_outlive_their_set():
    def arrays():
        avalanches = townsend.simulate(20)
        return avalanches.x, avalanches.x.copy(), avalanches[4].t, avalanches[4].t.copy()

    x, x_then, t, t_then = arrays()
    gc.collect()
    np.empty(1 << 20).fill(1.0)
    np.testing.assert_array_equal(x, x_then)
    np.testing.assert_array_equal(t, t_then)


def test_a_set_is_freed_with_its_last_array():
    import resource

    def peak():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    big = townsend.Avalanches.from_arrays([0, 1_000_000], *(np.zeros(1_000_000, "f4") for _ in range(3)))
    before = peak()
    for _ in range(100):
        big[[0, 0]].x.sum()  # 24 MB each
    assert peak() - before < 200_000, "kilobytes"


def test_single_avalanches_are_those_of_a_range(microscopic, voltages):
    made = microscopic.generate(30, seed=9, first=100)
    for index in (0, 29, 7):
        one = microscopic.avalanche(100 + index, seed=9)
        for name in ("x", "z", "t"):
            np.testing.assert_array_equal(getattr(one, name), getattr(made[index], name))
    kept = [microscopic.avalanche(k, seed=9) for k in range(100, 110)]
    assert all((one.x == of.x).all() for one, of in zip(kept, made)), "later calls do not change earlier ones"
    for volts in (285, [275, 280, 290.5]):
        one = voltages.avalanche(3, seed=9, voltage_v=volts)
        np.testing.assert_array_equal(one.x, voltages.generate(4, seed=9, voltage_v=volts)[3].x)
    assert repr(one) == f"<Avalanche: {len(one)} electrons>"


def test_sets_are_sequences(simulated):
    assert len(simulated) == 60 and len(list(simulated)) == 60
    assert [len(one) for one in simulated] == list(simulated.electrons)
    assert (simulated[-1].x == simulated[59].x).all()
    assert (simulated[np.int64(3)].x == simulated[3].x).all()
    for wrong in (60, -61, 10**30):
        with pytest.raises(IndexError):
            simulated[wrong]
    for key in (slice(2, 20), slice(None, None, -1), slice(50, 5), [3, 1, 1], np.arange(60) % 2 == 0, np.array([-1])):
        part = simulated[key]
        np.testing.assert_array_equal(part.electrons, simulated.electrons[key])
        np.testing.assert_array_equal(part.x, np.concatenate([[], *(simulated[int(k)].x for k in np.arange(60)[key])]))
    assert simulated[:] == simulated and simulated[1:] != simulated[:-1] and simulated != 3
    with pytest.raises(IndexError):
        simulated[[61]]
    with pytest.raises(TypeError):
        hash(simulated)
    assert "first" not in simulated[5:].provenance and simulated[5:].provenance["seed"] == 5


@pytest.mark.parametrize("dtype", ["<f4", ">f4", "<f8", ">f8", "f2", "i2", ">i8", "u1"])
def test_any_numbers_are_taken(dtype):
    values = np.array([[1, 2], [3, 4], [5, 6]], dtype=dtype)
    for x in (values[:, 0], values[::-1, 1][::-1] - 1, list(values[:, 0])):
        made = townsend.Avalanches.from_arrays(np.array([0, 1, 3], ">u4"), x, x, x)
        np.testing.assert_array_equal(made.x, [1, 3, 5])
        assert made.x.dtype == np.float32 and made.x.flags.c_contiguous
    unaligned = np.frombuffer(b"\0" + np.arange(3, dtype="f4").tobytes(), "u1")[1:].view("f4")
    assert list(townsend.Avalanches.from_arrays([0, 3], unaligned, unaligned, unaligned).x) == [0, 1, 2]


def test_arrays_make_the_same_set(simulated):
    made = townsend.Avalanches.from_arrays(simulated.offsets, simulated.x, simulated.z, simulated.t)
    assert made == simulated and made.digest == simulated.digest and made.provenance["producer"] == ""
    scaled = townsend.Avalanches.from_arrays(
        simulated.offsets, simulated.x / 10, simulated.z * 1000, simulated.t, units={"x": "cm", "z": "um"}
    )
    np.testing.assert_allclose(scaled.x, simulated.x, rtol=1e-6)
    np.testing.assert_allclose(scaled.z, simulated.z, rtol=1e-6)
    counts = simulated.to_counts(2)
    again = townsend.Avalanches.from_arrays(
        counts.offsets, cells=counts.cells, counts=counts.counts, grid=counts.grid
    )
    assert again == counts
    empty = townsend.Avalanches.from_arrays([0], [], [], [])
    assert len(empty) == 0 and empty.x.size == 0 and list(empty) == [] and "0 avalanches" in repr(empty)
    assert empty.dense().shape == (0, 92, 92, 92) and "<table>" in empty._repr_html_()


def test_counts_are_those_of_numpy(simulated):
    edges = [np.linspace(-1.5, 1.5, 91), np.linspace(-1.5, 1.5, 91), np.linspace(130, 220, 91)]
    block = simulated.dense()
    assert block.shape == (60, 92, 92, 92) and block.dtype == np.float32
    np.testing.assert_array_equal(block.sum(axis=(1, 2, 3)), simulated.electrons)
    one = int(simulated.electrons.argmax())
    counted, _ = np.histogramdd(np.column_stack([simulated[one].x, simulated[one].z, simulated[one].t]), edges)
    assert abs(counted - block[one, 1:-1, 1:-1, 1:-1]).sum() <= 4, "but for electrons on an edge, in float32"
    np.testing.assert_array_equal(simulated.dense(flow=False), block[:, 1:-1, 1:-1, 1:-1])
    np.testing.assert_array_equal(simulated.dense(dims=2), block.sum(axis=3))
    np.testing.assert_array_equal(simulated.to_counts().dense(dims=1), block.sum(axis=(2, 3)))
    grid = {"axes": [{"edges": [-1.0, 0.0, 2.0]}]}
    left = simulated.dense(grid=grid)
    np.testing.assert_array_equal(left[:, 1].sum(), ((simulated.x >= -1) & (simulated.x < 0)).sum())
    with pytest.raises(MemoryError):
        townsend.Avalanches.from_arrays(np.zeros(10_000_001, int), [], [], []).dense()


def test_awkward_arrays_share_memory(simulated):
    array = simulated.to_awkward()
    assert array.fields == ["x", "z", "t"] and len(array) == 60
    assert ak.to_list(ak.num(array.x)) == list(simulated.electrons)
    assert np.shares_memory(np.asarray(array.layout.content["x"].data), simulated.x)
    assert townsend.Avalanches.from_awkward(array) == simulated
    pieces = ak.concatenate([array[30:], array[:30]])[np.r_[30:60, 0:30]]
    assert townsend.Avalanches.from_awkward(pieces) == simulated
    lists = ak.zip({name: array[name] for name in ("x", "z", "t")}, depth_limit=1)
    assert townsend.Avalanches.from_awkward(lists) == simulated
    assert townsend.inspect(array)["avalanches"] == 60, "functions take it as it is"
    counts = simulated.to_counts(2).to_awkward()
    assert counts.fields == ["cells", "counts"] and ak.sum(counts.counts) == simulated.x.size
    for wrong, said in (
        (ak.Array({"x": [[1.0]], "z": [[1.0]]}), "the array has no t"),
        (ak.Array({"x": [1.0], "z": [1.0], "t": [1.0]}), "must be lists"),
        (ak.Array({"x": [[1.0]], "z": [[1.0, 2.0]], "t": [[1.0]]}), "other numbers of electrons"),
        (ak.Array({"x": [[None]], "z": [[1.0]], "t": [[1.0]]}), "have no value"),
    ):
        with pytest.raises(townsend.UsageError, match=said):
            townsend.Avalanches.from_awkward(wrong)


def test_other_data_are_taken(simulated, tmp_path):
    path = tmp_path / "a.npz"
    simulated.save(path)
    with np.load(path) as arrays:
        assert townsend.inspect(arrays)["electrons"] == simulated.x.size
    arrays = {name: getattr(simulated, name) for name in ("offsets", "x", "z", "t")}
    assert townsend.inspect(arrays)["electrons"] == simulated.x.size
    assert townsend.inspect(path)["electrons"] == simulated.x.size
    assert townsend.inspect([str(path), path])["electrons"] == 2 * simulated.x.size


def test_histograms(simulated):
    import hist

    histogram = simulated.to_hist()
    assert isinstance(histogram, hist.Hist) and histogram.sum(flow=True) == simulated.x.size
    np.testing.assert_array_equal(histogram.view(flow=True), simulated.dense().sum(axis=0, dtype=float))
    assert [axis.label for axis in histogram.axes] == ["x [mm]", "z [mm]", "t [ns]"]
    grid = {"axes": [{"edges": [-1.0, 0.0, 2.0], "label": "x"}, {"bins": 3, "low": -1, "high": 2}]}
    histogram = simulated.to_hist(grid=grid)
    assert list(histogram.axes[0].edges) == [-1, 0, 2] and histogram.axes["z"].size == 3
    mean = histogram[{"z": sum}].values()
    assert mean.shape == (2,)


def test_sets_and_models_can_be_pickled(simulated, microscopic, trained):
    for of in (simulated, simulated.to_counts(2), simulated[:0]):
        again = pickle.loads(pickle.dumps(of))
        assert again == of and again.provenance == of.provenance
    for model in (microscopic, trained):
        again = pickle.loads(pickle.dumps(model))
        assert again.generate(5) == model.generate(5) and again.family == model.family


def test_what_is_shown(simulated):
    shown = f"<Avalanches: 60 avalanches, {simulated.x.size} electrons in mm, mm, ns>"
    assert repr(simulated) == shown
    assert repr(simulated.to_counts()).endswith("electrons counted in 90 × 90 × 90 bins>")
    odd = townsend.Avalanches.from_arrays([0], [], [], [], source="<script>")
    assert "<script>" not in odd._repr_html_() and "&lt;script&gt;" in odd._repr_html_()
    assert "seed 5" in simulated._repr_html_() and "90 bins from -1.5 to 1.5" in simulated.to_counts()._repr_html_()


def test_nothing_is_kept_alive(simulated):
    class Progress:
        def __call__(self, *_):
            pass

    progress = Progress()
    kept = weakref.ref(progress)
    simulated.save("/dev/null", force=True, format="npz", progress=progress)
    del progress
    gc.collect()
    assert kept() is None
