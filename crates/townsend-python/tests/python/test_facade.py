"""What the module makes is what the facade makes, and so the command line: byte for byte."""

import json
import pathlib

import numpy as np
import pytest

import townsend
from conftest import REPOSITORY, SMALL

EXPECTED = pathlib.Path.cwd()


def same(a, b):
    assert pathlib.Path(a).read_bytes() == (EXPECTED / b).read_bytes()


@pytest.mark.parametrize("name", ["generated.npz", "generated.root"])
def test_generated_files_are_the_same(work, name):
    townsend.load(EXPECTED / "voltages").generate(60, seed=5, voltage_v=[280, 290, 275]).save(name)
    same(name, name)


def test_simulated_files_are_the_same(work, simulated):
    simulated.save("simulated.npz")
    same("simulated.npz", "simulated.npz")
    townsend.simulate(60, seed=5).save("counted.root", dims=2)
    same("counted.root", "counted.root")


def test_training_is_the_same_from_a_file_by_name_and_text(work, simulated):
    data = EXPECTED / "simulated.npz"
    model = townsend.train("clusters", data, "run", set={"training.sweeps": 10, "training.electrons": 4000})
    for file in (EXPECTED / "run").iterdir():
        same(pathlib.Path("run") / file.name, f"run/{file.name}")
    again = townsend.load("run")
    assert again.generate(20) == model.generate(20)
    assert model.training["sentence"] and again.training is None
    text = townsend.config("clusters")
    options = {"set": {"training.sweeps": 10, "training.electrons": 4000}}
    assert townsend.train(text, simulated, **options).generate(20) == model.generate(20)
    shipped = REPOSITORY / "configs/clusters.toml"
    assert townsend.train(shipped, simulated, **options).generate(20) == model.generate(20)
    parts = again.held_back(simulated)
    assert parts["test"].dtype == np.int64
    assert len(set(parts["training"]) & set(parts["test"])) == 0 < len(parts["test"])


def test_numbers_of_a_dict_may_be_those_of_numpy(simulated, trained):
    config = {"model": {"family": "clusters"}, "training": {"sweeps": np.int32(10), "electrons": np.int64(4000)}}
    assert townsend.train(config, simulated).generate(10) == trained.generate(10)
    assert townsend.train(SMALL, simulated, seed=2).generate(10) != trained.generate(10)


def test_hits_are_the_same(simulated):
    hits, summary = townsend.readout(simulated, "cgem", seed=5)
    with np.load(EXPECTED / "hits.npz") as expected:
        for name in ("event", "layer", "sheet", "view", "strip", "charge_fC", "time_ns"):
            np.testing.assert_array_equal(hits[name], expected[name])
    assert summary["hits"] == len(hits["event"]) and summary["x"]["hits"] == (hits["view"] == 0).sum()
    assert {name: str(of.dtype) for name, of in hits.items()} == {
        "event": "int64",
        "layer": "uint8",
        "sheet": "uint8",
        "view": "uint8",
        "strip": "uint32",
        "charge_fC": "float32",
        "time_ns": "float32",
    }


def test_a_check_is_the_same(work, simulated, voltages):
    generated = voltages.generate(60, seed=5, voltage_v=[280, 290, 275])
    check = townsend.check(simulated, generated, seed=5, classifiers=False)
    expected = json.loads((EXPECTED / "report/report.json").read_text())
    found = check.to_dict()
    for report in (expected, found):
        for name in ("real", "generated"):
            del report[name]["file"], report[name]["sha256"]
    assert found == expected
    assert check.verdict == expected["verdict"]["light"] and check.verdict in repr(check)
    assert "rms_x" in str(check) and "verdict" in str(check)
    check.save("report")
    assert sorted(p.name for p in pathlib.Path("report").iterdir()) == sorted(
        p.name for p in (EXPECTED / "report").iterdir()
    )
    page = check._repr_html_()
    assert page.startswith("<iframe srcdoc=") and len(page) > 1e6
    assert check.exceeds("ks", 0.0) and not check.exceeds("ks", 1.0)
    name, value, limit = check.exceeds("w1_over_sigma.rms_x", 0.0)[0]
    assert name == "w1_over_sigma.rms_x" and value > limit == 0.0


def test_a_check_takes_training_conditions_and_thresholds():
    real, generated, training = (townsend.simulate(200, seed=seed) for seed in (5, 6, 7))
    number = np.arange(200)
    limits = "errors = 0.0\n[[light]]\nquestion = 'is it?'\nmetric = 'ks'\ngreen = 0.0\namber = 0.0\n"
    options = {"training": training, "conditions": {"number": (number, number[::-1])}, "thresholds": limits}
    check = townsend.check(real, generated, classifiers=False, resamples=20, halvings=4, **options)
    assert check.verdict == "red"
    report = check.to_dict()
    assert "memorisation" in report and "number" in [of["condition"] for of in report["conditional"]]
    assert not any("are the same" in warning for warning in check.warnings)
    assert any("are the same" in warning for warning in townsend.check(real, real, classifiers=False).warnings)


def test_networks_are_trained_drawn_from_and_exported(work, simulated):
    config = {
        "model": {"family": "vae", "dims": 2},
        "data": {"validation": 0.2, "test": 0.2},
        "training": {"epochs": 1, "batch_size": 8},
    }
    model = townsend.train(config, simulated, "run")
    made = model.generate(12, seed=3)
    assert made.grid["axes"][0]["bins"] == 90 and made.cells.dtype == np.uint32
    one = model.avalanche(5, seed=3)
    np.testing.assert_array_equal(one.cells, made[5].cells)
    np.testing.assert_array_equal(one.dense(), made.dense()[5])
    assert one.dense().sum() == len(one) == made.electrons[5]
    assert model.encoder and len(model.reconstruct(simulated)) == len(simulated)
    assert model.weights().startswith(b"") and model.history()
    assert model.export("weights.safetensors")["tensors"] > 0
    assert townsend.load("weights.safetensors").generate(12, seed=3) == made
    model.export("vae.townsend")
    assert townsend.load("vae.townsend").generate(12, seed=3) == made
    with pytest.raises(townsend.ExistsError):
        townsend.train(config, simulated, "run")
    again = townsend.train(config, simulated, "run", resume=True, set={"training.epochs": 1})
    assert again.generate(12, seed=3) == made


def test_files_are_read_as_the_options_say(work, simulated):
    names = {"xe": simulated.x / 10, "ze": simulated.z / 10, "te": simulated.t}
    number = np.repeat(np.arange(60), np.diff(simulated.offsets))
    table = np.column_stack([number, *names.values()])
    np.savetxt("table.txt", table, header="ev " + " ".join(names), comments="", fmt="%.9g")
    columns = {"x": "xe", "z": "ze", "t": "te", "event": "ev"}
    for options in (
        {"columns": columns, "units": {"x": "cm", "z": "cm"}},
        {"columns": "x=xe,z=ze,t=te,event=ev", "units": "cm,ns"},
    ):
        read = townsend.read("table.txt", **options)
        np.testing.assert_allclose(read.x, simulated.x, rtol=1e-5)
    early = townsend.read(["table.txt"], columns=columns, units="cm,ns", where="te < 180")
    assert early.x.size == (simulated.t < 180).sum()
    simulated[:30].save("part_1.root")
    simulated[30:].save("part_2.root")
    assert townsend.read("part_*.root") == simulated
    assert townsend.read([work / "part_1.root", "part_2.root:avalanches"]) == simulated
    simulated.save("counts.root", dims=[1, 2])
    assert townsend.read("counts.root") == simulated.to_counts(2)
    assert townsend.read("counts.root", dims=1) == simulated.to_counts(1)


def test_what_is_noticed_is_a_warning(work, voltages):
    np.savez("odd.npz", offsets=[0, 1], x=[0.1], z=[0.1], t=[170.0], odd=[1])
    with pytest.warns(townsend.Warning, match="odd"):
        townsend.read("odd.npz", units="mm,ns")
    with pytest.warns(townsend.Warning, match="voltage"):
        voltages.generate(1, voltage_v=320)


def test_what_a_set_holds(simulated):
    about = townsend.inspect(simulated)
    assert about["avalanches"] == 60 and about["electrons"] == simulated.x.size
    observed = townsend.observables(simulated)
    mean = {of["name"]: of["mean"] for of in about["observables"]}
    for name, values in observed.items():
        assert values.shape == (60,) and values.dtype == np.float64
        assert np.nanmean(values) == pytest.approx(mean[name], rel=1e-12, abs=1e-12)
    one = next(k for k, n in enumerate(simulated.electrons) if n > 10)
    assert observed["mean_x"][one] == pytest.approx(simulated[one].x.mean(), rel=1e-4)
    assert np.isnan(observed["mean_x"][simulated.electrons == 0]).all()
    frame = townsend.observables(simulated, frame=True)
    assert list(frame.columns) == list(observed) and len(frame) == 60


def test_names_that_ship_are_told():
    assert townsend.detectors()[0] == "cgem" and "clusters" in townsend.configs()
    text = townsend.detector("cgem")
    assert townsend.simulate(5, text) == townsend.simulate(5, "cgem") == townsend.simulate(5)


def test_a_model_says_what_it_is(microscopic, trained, voltages):
    about = voltages.describe()
    assert about["family"] == "cascade" and about["conditions"][0]["name"] == "voltage_v"
    known = voltages.conditions["voltage_v"]
    assert len(known["values"]) == 3 and known["ranges"] == [[275.0, 300.0]] * 3
    assert repr(voltages).endswith("conditions voltage_v>") and "from 275 to 300" in voltages._repr_html_()
    assert repr(microscopic).startswith("<Model: detector") and "<table>" in microscopic._repr_html_()
    assert trained.family == "clusters" and trained.data["split"] and "<table>" in trained._repr_html_()
