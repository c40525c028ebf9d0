"""A private Slurm cluster on this machine: munge, a controller and some nodes, on loopback."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import psutil

DAEMONS = ("munged", "slurmctld", "slurmd")
PROGRAMS = (*DAEMONS, "sbatch", "srun", "squeue", "scontrol", "sinfo", "scancel")
CONF = """\
ClusterName={name}
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.sock,cred_expire=5
CredType=cred/munge
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SlurmdParameters=config_overrides
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherParams=OverMemoryKill
JobAcctGatherFrequency=task=1
AccountingStorageType=accounting_storage/none
MailProg=/bin/true
ReturnToService=2
EnforcePartLimits=ALL
JobRequeue=0
MinJobAge=3600
KillWait=2
SlurmdTimeout=10
SchedulerParameters=batch_sched_delay=0,sched_interval=2
PropagateResourceLimits=NONE
DefMemPerCPU=100
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
GresTypes=gpu
{nodes}
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE PriorityTier=1 LLN=YES
PartitionName=urgent Nodes=ALL MaxTime=INFINITE PriorityTier=2 PreemptMode=off
"""
NODE = (
    "NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs={cpus} "
    "RealMemory=64000 Gres=gpu:1 State=UNKNOWN"
)
CGROUP = "CgroupPlugin=cgroup/v1\nConstrainCores=no\nConstrainRAMSpace=no\n"
# The plugin's job steps start `srun` without SLURM_CONF. This does not matter where Slurm has
# its configuration in the default place.
SRUN = '#!/bin/sh\nSLURM_CONF={folder}/slurm.conf exec {srun} "$@"\n'


def missing_reason() -> str | None:
    """Return why no cluster can be started here, or None if one can."""
    gone = [program for program in PROGRAMS if _which(program) is None]
    if gone:
        return f"Slurm is not installed here: there is no {', '.join(gone)}"
    try:
        address = socket.gethostbyname(socket.gethostname())
    except OSError:
        address = "no address"
    if not address.startswith("127."):
        return f"the name of this machine stands for {address}; Slurm's daemons need loopback"
    return None


def _which(program: str) -> str | None:
    return shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")


class Slurm:
    """A cluster of `nodes` nodes with `cpus` processors each; use it as a context manager.

    Its sockets need a short path, so its folder is directly below /tmp.
    """

    def __init__(self, nodes: int = 3, cpus: int = 2):
        self.nodes = [f"n{number}" for number in range(1, nodes + 1)]
        self.cpus = cpus
        self.folder = Path(tempfile.mkdtemp(prefix="slurm", dir="/tmp"))
        self.name = self.folder.name.replace("_", "-")
        self._processes: dict[str, subprocess.Popen] = {}

    def __enter__(self) -> Slurm:
        try:
            self._write()
            self.start("munged", "--force", *self._munge())
            self._until("munge answers", lambda: (self.folder / "munge.sock").exists())
            self.start_controller()
            for node in self.nodes:
                self.start_node(node)
            self._until("all nodes are idle", lambda: set(self.states().values()) == {"idle"})
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            self.empty()
        for name in reversed(list(self._processes)):
            self.stop(name)
        _kill(self._strays())
        if not os.environ.get("KEEP"):
            shutil.rmtree(self.folder, ignore_errors=True)

    def empty(self) -> None:
        """Cancel all jobs."""
        self.call("scancel", "--user", str(os.getuid()), timeout=10)
        self._until("no job is left", lambda: not self.jobs())

    @property
    def environment(self) -> dict[str, str]:
        """The environment in which commands talk to this cluster."""
        path = f"{self.folder}/bin:{os.environ['PATH']}:/usr/sbin"
        return {**os.environ, "SLURM_CONF": str(self.folder / "slurm.conf"), "PATH": path}

    def _write(self) -> None:
        host = socket.gethostname()
        ports = iter(_free_ports(1 + len(self.nodes)))
        first = next(ports)
        lines = [
            NODE.format(name=n, host=host, port=next(ports), cpus=self.cpus) for n in self.nodes
        ]
        conf = CONF.format(
            name=self.name,
            host=host,
            port=first,
            user=psutil.Process().username(),
            folder=self.folder,
            nodes="\n".join(lines),
        )
        for name in ("state", "spool", "bin", *(f"spool/{node}" for node in self.nodes)):
            (self.folder / name).mkdir()
        (self.folder / "slurm.conf").write_text(conf)
        (self.folder / "cgroup.conf").write_text(CGROUP)
        gres = (f"NodeName={node} Name=gpu File=/dev/zero\n" for node in self.nodes)
        (self.folder / "gres.conf").write_text("".join(gres))
        (self.folder / "munge.key").write_bytes(os.urandom(64))
        (self.folder / "munge.key").chmod(0o400)
        srun = self.folder / "bin" / "srun"
        srun.write_text(SRUN.format(folder=self.folder, srun=_which("srun")))
        srun.chmod(0o755)

    def _munge(self) -> list[str]:
        names = {"key-file": "key", "pid-file": "pid", "seed-file": "seed", "log-file": "log"}
        files = [f"--{option}={self.folder}/munge.{name}" for option, name in names.items()]
        return [*files, f"--socket={self.folder}/munge.sock", "--foreground"]

    # -- Daemons

    def start(self, program: str, *arguments: str, name: str | None = None) -> None:
        """Start a daemon in the foreground; its output goes to a log."""
        with open(self.folder / f"{name or program}.said", "ab") as said:
            self._processes[name or program] = subprocess.Popen(
                [_which(program), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                env=self.environment,
                start_new_session=True,
            )

    def stop(self, name: str, signal_: int = signal.SIGTERM) -> None:
        """Stop a daemon by its process number, and with SIGKILL if it does not end."""
        process = self._processes.pop(name)
        process.send_signal(signal_)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def start_controller(self) -> None:
        """Start the controller; a restarted one continues from its saved state."""
        self.start("slurmctld", "-D", "-i", "-f", f"{self.folder}/slurm.conf")

    @contextlib.contextmanager
    def silent_controller(self) -> Iterator[None]:
        """Suspend the controller within the context: it exists but does not answer."""
        controller = self._processes["slurmctld"]
        controller.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            controller.send_signal(signal.SIGCONT)

    def start_node(self, node: str) -> None:
        """Start a node's daemon."""
        self.start("slurmd", "-D", "-N", node, "-f", f"{self.folder}/slurm.conf", name=node)

    def crash_node(self, node: str) -> None:
        """Take a node down like a power loss: kill its daemon and all its jobs."""
        self.stop(node, signal.SIGKILL)
        strays = self._strays(node)
        # Kill the watchers of jobs first, or they would tell the controller.
        watchers = {parent for stray in strays if _watches(parent := stray.parent())}
        _kill([*watchers, *strays])

    def _strays(self, node: str | None = None) -> list[psutil.Process]:
        """Return the processes started by the cluster's jobs, on one node or on all."""
        wanted = {"SLURM_CLUSTER_NAME": self.name} | ({"SLURMD_NODENAME": node} if node else {})
        found = psutil.process_iter()
        return [process for process in found if _environment(process).items() >= wanted.items()]

    # -- Queries

    def call(self, *command: str, timeout: float = 60) -> str:
        """Run one of Slurm's commands, which must succeed; return its output."""
        done = subprocess.run(
            command, capture_output=True, text=True, env=self.environment, timeout=timeout
        )
        if done.returncode:
            raise OSError(f"{' '.join(command)}: {done.stderr.strip()}")
        return done.stdout

    def states(self) -> dict[str, str]:
        """Return the state of each node, such as `idle`."""
        try:
            lines = self.call("sinfo", "-h", "-N", "-o", "%N %t").splitlines()
        except OSError:
            return {}
        return dict(line.split() for line in lines)

    def jobs(self, states: str = "PENDING,RUNNING,COMPLETING") -> list[Mapping[str, str]]:
        """Return the jobs in these states: `id`, `state`, `node` and `what` (a comment) of each."""
        lines = self.call("squeue", "-h", "-t", states, "-o", "%i|%T|%N|%k").splitlines()
        return [
            dict(zip(("id", "state", "node", "what"), x.split("|"), strict=True)) for x in lines
        ]

    def has_saved(self, what: str) -> bool:
        """Return whether the controller has saved such a job, which it does now and then."""
        saved = self.folder / "state" / "job_state"
        return saved.exists() and what.encode() in saved.read_bytes()

    def restarts(self, job: str) -> int:
        """Return how often a job was requeued under its own number."""
        shown = self.call("scontrol", "show", "job", job)
        return int(re.search(r"Restarts=(\d+)", shown)[1])

    def _until(self, what: str, holds: Callable[[], bool], seconds: float = 30) -> None:
        stop = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > stop:
                raise TimeoutError(f"the cluster does not come to this: {what} ({self.folder})")
            time.sleep(0.1)


def _watches(process: psutil.Process | None) -> bool:
    return process is not None and " ".join(process.cmdline()).startswith("slurmstepd:")


def _kill(processes: Iterable[psutil.Process]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def _environment(process: psutil.Process) -> dict[str, str]:
    try:
        return process.environ()
    except psutil.Error:
        return {}


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
