"""The workflow, by real Snakemake: on this machine, and on a Slurm of one node."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).parent.parent
sys.path.insert(0, str(HERE.parent / "slurm/tests"))

from conftest import slurm  # noqa: E402, F401


# Snakemake asks Slurm for jobs twice a minute, so this way takes minutes: `cargo xtask soak` goes it too.
PROFILES = ["local", "slurm"] if "TOWNSEND_SOAK" in os.environ else ["local"]


@pytest.fixture
def known_slurm(slurm):  # noqa: F811
    """A Slurm that jobs find without variables: Snakemake takes those of Slurm out of their environment."""
    usual = pathlib.Path("/etc/slurm/slurm.conf")
    usual.symlink_to(slurm.environment["SLURM_CONF"])
    yield slurm
    usual.unlink()


@pytest.mark.parametrize("profile", PROFILES)
def test_data_become_a_checked_production(profile, tmp_path, request):
    environment, more = dict(os.environ), []
    if profile == "slurm":
        environment = dict(request.getfixturevalue("known_slurm").environment)
        # This cluster keeps no accounts.
        more = ["--slurm-no-account", "--slurm-status-command", "squeue"]
        more += ["--slurm-init-seconds-before-status-checks", "1", "--seconds-between-status-checks", "1"]
    data, config = (os.environ["TOWNSEND_DATA"], os.environ["TOWNSEND_CONFIG"])
    command = [sys.executable, "-m", "snakemake", "--snakefile", HERE / "Snakefile", "--profile", HERE / "profiles" / profile]
    settings = [f"data={data}", f"model={config}", "events=100", "shards=3", "set=training.epochs=1"]
    ran = subprocess.run(
        [*command, *more, "--config", *settings], cwd=tmp_path, env=environment, text=True, capture_output=True
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    report = json.loads((tmp_path / "report/report.json").read_text())
    assert report["generated"]["avalanches"] == 100
    whole = ["townsend", "generate", "--run", "run", "--events", "100", "--out", "whole.root"]
    subprocess.run(whole, cwd=tmp_path, check=True)
    assert (tmp_path / "generated.root").read_bytes() == (tmp_path / "whole.root").read_bytes()
