"""The submit file, as HTCondor itself reads it."""

import pathlib

import htcondor2

FILE = pathlib.Path(__file__).parent.parent / "production.sub"


def test_processes_are_shards():
    submit = htcondor2.Submit(FILE.read_text())
    submit["model"] = "/data/cascade.townsend"
    submit["shards"] = "3"
    assert submit.getQArgs() == "$(shards)"
    for process in range(3):
        submit["Process"] = submit["ProcId"] = str(process)
        part = f"part-{process + 1}"
        assert submit.expand("arguments") == (
            f"generate --run cascade.townsend --events 1e6 --shard {process + 1}/3 --threads 1 "
            f"--out {part}.root --seed 1"
        )
        assert submit.expand("transfer_input_files") == "/data/cascade.townsend"
        assert submit.expand("transfer_output_files") == f"{part}.root"
        assert [submit.expand(name) for name in ["output", "error"]] == [f"{part}.out", f"{part}.err"]
