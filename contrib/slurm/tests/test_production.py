"""Productions on a real Slurm of one node. `townsend` is in the PATH."""

import os
import pathlib
import re
import signal
import subprocess
import time

HERE = pathlib.Path(__file__).parent.parent
MODEL = "microscopic_275"


def production(slurm, folder, *arguments):
    said = slurm.says(HERE / "production.sh", *map(str, arguments), cwd=folder)
    return re.fullmatch(r"shards: job (\d+); merging: job (\d+)", said).groups()


def whole(folder, events, *options):
    command = ["townsend", "generate", "--run", MODEL, "--events", str(events), "--out", "whole.npz", *options]
    subprocess.run(command, cwd=folder, check=True)
    return (folder / "whole.npz").read_bytes()


def test_merged_shards_are_the_whole(slurm, tmp_path):
    _, merge = production(slurm, tmp_path, MODEL, 200, 4, "all.npz", "--seed", "7")
    slurm.finished(merge)
    assert (tmp_path / "all.npz").read_bytes() == whole(tmp_path, 200, "--seed", "7")
    assert len(list((tmp_path / "all.npz.parts").iterdir())) == 4


def test_a_killed_task_is_made_again_and_nothing_else(slurm, tmp_path):
    # The last of two shards takes long enough to be killed at work.
    events, shards = 20_000, 2
    array, merge = production(slurm, tmp_path, MODEL, events, shards, "all.npz")
    killed = None
    end = time.monotonic() + 60
    while killed is None:
        assert time.monotonic() < end, slurm.logs()
        for process in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
            try:
                command = process.read_bytes().split(b"\0")
            except OSError:
                continue
            if command[0].endswith(b"townsend") and b"2/2" in command and str(events).encode() in command:
                killed = int(process.parent.name)
        time.sleep(0.02)
    os.kill(killed, signal.SIGKILL)
    slurm.finished(array)
    slurm.finished(merge)
    parts = tmp_path / "all.npz.parts"
    assert not (tmp_path / "all.npz").exists(), "an incomplete production is not merged"
    assert [part.name for part in parts.glob("*.npz")] == ["000001.npz"]
    before = (parts / "000001.npz").stat().st_mtime_ns

    _, merge = production(slurm, tmp_path, MODEL, events, shards, "all.npz")
    slurm.finished(merge)
    assert (parts / "000001.npz").stat().st_mtime_ns == before
    assert (tmp_path / "all.npz").read_bytes() == whole(tmp_path, events)
    assert sorted(p.name for p in parts.iterdir()) == ["000001.npz", "000002.npz"], "no half file is left"


def test_each_line_of_a_sweep_is_a_training(slurm, tmp_path):
    data, config = (os.environ["TOWNSEND_DATA"], os.environ["TOWNSEND_CONFIG"])
    (tmp_path / "settings.txt").write_text("training.seed=1 training.epochs=1\ntraining.seed=2 training.epochs=1\n")
    job = slurm.says(HERE / "sweep.sh", config, data, "runs", "settings.txt", cwd=tmp_path)
    slurm.finished(job)
    for run, seed in [("1", 1), ("2", 2)]:
        assert (tmp_path / "runs" / run / "run.json").exists(), list(tmp_path.iterdir())
        assert f"seed = {seed}" in (tmp_path / "runs" / run / "config.toml").read_text()


def test_wrong_use_says_how_to_use_it():
    for script in ["production.sh", "sweep.sh"]:
        ran = subprocess.run([HERE / script], text=True, capture_output=True)
        assert ran.returncode == 2 and script in ran.stderr
