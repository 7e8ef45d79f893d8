"""A Slurm of one node on this machine, in a folder, without systemd, for as long as a test lasts."""

import contextlib
import getpass
import os
import pathlib
import secrets
import shutil
import socket
import subprocess
import time

CONFIGURATION = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
CredType=cred/munge
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SwitchType=switch/none
MpiDefault=none
SchedulerParameters=sched_min_interval=0,batch_sched_delay=0,bf_interval=1
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
ReturnToService=2
KillWait=2
MinJobAge=300
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory=8000 State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""

# Where Debian has them, which is in no user's PATH.
PROGRAMS = ["slurmctld", "slurmd", "munged", "sbatch"]


def missing():
    """Programs that this machine lacks."""
    return [name for name in PROGRAMS if not shutil.which(name, path=path())]


def path():
    return os.environ["PATH"] + ":/usr/sbin:/sbin"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Slurm:
    """`with Slurm(folder) as slurm:`; `slurm.environment` is what its commands need."""

    def __init__(self, folder, cpus=2):
        # The socket of munge has a short name at most, so it lies in a folder of its own.
        self.folder = pathlib.Path(folder)
        self.cpus = cpus
        self.environment = {
            **os.environ,
            "PATH": path(),
            "SLURM_CONF": str(self.folder / "slurm.conf"),
        }
        self.processes = contextlib.ExitStack()

    def __enter__(self):
        lacking = missing()
        assert not lacking, (
            f"needs {', '.join(lacking)}: "
            "apt-get install --no-install-recommends slurmctld slurmd slurm-client munge"
        )
        host = socket.gethostname().split(".")[0]
        for name in ["munge", "state", "spool"]:
            (self.folder / name).mkdir(parents=True)
            (self.folder / name).chmod(0o755 if name == "munge" else 0o700)
        key = self.folder / "munge/key"
        key.write_bytes(secrets.token_bytes(1024))
        key.chmod(0o600)
        (self.folder / "slurm.conf").write_text(
            CONFIGURATION.format(
                host=host,
                user=getpass.getuser(),
                folder=self.folder,
                controller_port=free_port(),
                node_port=free_port(),
                cpus=self.cpus,
            )
        )
        munge = [f"--{name}-file={self.folder}/munge/{name}" for name in ["key", "pid", "log", "seed"]]
        self.start("munged", "--foreground", "--force", f"--socket={self.folder}/munge/socket", *munge)
        self.wait(lambda: (self.folder / "munge/socket").exists())
        self.start("slurmctld", "-D", "-c")
        self.start("slurmd", "-D", "-N", host)
        self.wait(lambda: "idle" in self.says("sinfo", "--noheader", "--format=%T", check=False))
        return self

    def __exit__(self, *_):
        self.says("scancel", "--user", getpass.getuser(), check=False)
        self.processes.close()

    def start(self, *command):
        log = self.processes.enter_context(open(self.folder / f"{command[0]}.out", "w"))
        process = subprocess.Popen(command, env=self.environment, stdout=log, stderr=subprocess.STDOUT)

        def stop():
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

        self.processes.callback(stop)

    def says(self, *command, check=True, **options):
        """What a command of Slurm prints."""
        ran = subprocess.run(command, env=self.environment, text=True, capture_output=True, **options)
        assert not check or ran.returncode == 0, f"{command}: {ran.stdout}{ran.stderr}{self.logs()}"
        return ran.stdout.strip()

    def wait(self, ready, seconds=120):
        end = time.monotonic() + seconds
        while not ready():
            assert time.monotonic() < end, f"not ready after {seconds} s\n{self.logs()}"
            time.sleep(0.1)

    def finished(self, job, **wait):
        """Waits until no part of a job is there any more."""
        active = ["squeue", "--noheader", "--jobs", str(job), "--states=PD,R,CG,CF,RQ"]
        self.wait(lambda: not self.says(*active, check=False), **wait)

    def logs(self):
        names = ["munged.out", "slurmctld.log", "slurmd.log"]
        files = [self.folder / name for name in names]
        return "\n".join(f"{f.name}:\n{f.read_text()[-2000:]}" for f in files if f.exists())
