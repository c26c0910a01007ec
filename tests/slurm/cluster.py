"""A Slurm of two nodes with one pretended GPU each, on this machine and for one test.

Each node is a PID namespace of its own: when it is lost, everything that runs there is gone with
it, and nothing outlives the test.
"""

import os
import re
import shlex
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NODES = ("one", "two")
PARTS = ("slurmctld", "slurmd", "sbatch", "srun", "scontrol", "unshare")

CONFIGURATION = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
SlurmctldPort={ports[0]}
AuthType=auth/none
CredType=cred/none
AuthInfo=cred_expire=5
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
TaskProlog={folder}/prolog
MpiDefault=none
SwitchType=switch/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SchedulerType=sched/backfill
SchedulerParameters=sched_min_interval=100000,bf_interval=1
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
GresTypes=gpu
ReturnToService=2
SlurmdParameters=config_overrides
KillWait=30
NodeName=one NodeHostname=one NodeAddr=127.0.0.1 Port={ports[1]} {node}
NodeName=two NodeHostname=two NodeAddr=127.0.0.1 Port={ports[2]} {node}
PartitionName=gpu Nodes=one,two Default=YES MaxTime=INFINITE State=UP
"""
NODE = "CPUs=8 RealMemory=64000 Gres=gpu:1 State=UNKNOWN"
# Notes which devices Slurm gave to a step, and hides them: no pretended GPU can compute.
PROLOG = """#!/bin/sh
echo "$SLURM_JOB_ID $SLURMD_NODENAME ${{CUDA_VISIBLE_DEVICES:-none}}" >> {folder}/devices
echo export CUDA_VISIBLE_DEVICES=
"""


class Cluster:
    """The daemons, and what asks them; environment: what whoever uses the cluster needs of it."""

    def __init__(self, folder: Path):
        self.folder, self.daemons = folder, {}
        bin_folder = folder / "bin"
        bin_folder.mkdir(parents=True)
        (folder / "state").mkdir()
        ports = [free_port() for _ in range(3)]
        host = socket.gethostname().split(".")[0]
        text = CONFIGURATION.format(folder=folder, host=host, ports=ports, node=NODE)
        (folder / "slurm.conf").write_text(text)
        (folder / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\n")
        (folder / "nvidia0").symlink_to("/dev/null")
        (folder / "gres.conf").write_text(f"NodeName=one,two Name=gpu File={folder}/nvidia0\n")
        # Snakemake takes SLURM_CONF away before it calls srun within a job.
        conf = f"SLURM_CONF={folder}/slurm.conf"
        scripts = {
            "prolog": PROLOG.format(folder=folder),
            "bin/srun": f'#!/bin/sh\n{conf} exec {shutil.which("srun")} "$@"\n',
        }
        for name, script in scripts.items():
            (folder / name).write_text(script)
            (folder / name).chmod(0o755)
        self.environment = {
            "PATH": f"{bin_folder}:{os.environ['PATH']}",
            "SLURM_CONF": f"{folder}/slurm.conf",
        }

    def start(self) -> None:
        """Start all daemons and wait until both nodes are idle."""
        self._daemon("slurmctld", ["slurmctld", "-D", "-i"])
        for node in NODES:
            inside = f"hostname {node}; exec slurmd -D -N {node}"
            unshare = ["unshare", "--pid", "--uts", "--mount-proc", "--fork", "--kill-child"]
            self._daemon(node, [*unshare, "sh", "-c", inside])
        deadline = time.monotonic() + 30
        while (states := self.ask("sinfo --noheader -N -o %T").split()) != ["idle"] * 2:
            assert time.monotonic() < deadline, f"the nodes are {states}: {self.logs()}"
            time.sleep(0.2)

    def ask(self, command: str) -> str:
        """Return what a Slurm command prints."""
        return subprocess.run(
            shlex.split(command), env=self._environment(), capture_output=True, text=True
        ).stdout

    def jobs(self) -> list[dict[str, str]]:
        """Return the jobs that run: number, node, and the name of their group or rule."""
        listed = self.ask("squeue --noheader --states=RUNNING -o '%i %N %k'")
        # Snakemake's comment is "rule_<group>_<rules>" or "rule_<rule>".
        found = re.findall(r"^(\d+) (\w+) rule_([^_\n]+)", listed, re.M)
        return [dict(zip(("number", "node", "name"), job, strict=True)) for job in found]

    def lose(self, node: str) -> None:
        """Let a node vanish with all that runs there."""
        process = self.daemons.pop(node)
        process.kill()
        process.wait()
        self.ask(f"scontrol update nodename={node} state=down reason=lost")

    def stop(self) -> None:
        """Stop all daemons, and with them all jobs."""
        for process in self.daemons.values():
            process.kill()
            process.wait()

    def logs(self) -> str:
        """Return the end of each daemon's log."""
        return "\n".join(
            f"{path.name}: {path.read_text()[-2000:]}" for path in self.folder.glob("*.log")
        )

    def _daemon(self, name: str, command: list[str]) -> None:
        with (self.folder / f"{name}.out.log").open("w") as output:
            self.daemons[name] = subprocess.Popen(
                command, env=self._environment(), stdout=output, stderr=output
            )

    def _environment(self) -> dict[str, str]:
        return {**os.environ, **self.environment}


@contextmanager
def running(folder: Path) -> Iterator[Cluster]:
    """Have a cluster for the time of the context, its files in `folder`."""
    cluster = Cluster(folder)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


def missing() -> str:
    """Return why no cluster can be started here, "" if it can."""
    if absent := [part for part in PARTS if shutil.which(part) is None]:
        return f"not installed: {', '.join(absent)} (apt-get install slurm-wlm)"
    if os.geteuid() != 0:
        return "Slurm's daemons and the nodes' namespaces need root"
    done = subprocess.run(["unshare", "--pid", "--uts", "--mount-proc", "--fork", "true"])
    return "no namespaces may be made here" if done.returncode else ""


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]
