"""Run the workflow on a cluster in tests, with the shipped profile."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import psutil
import yaml
from killing import Watched
from workflow import ARTIFACTS, REPOSITORY

from cluster.slurm import Slurm

PROFILE = REPOSITORY / "profiles" / "slurm" / "config.yaml"
OVERLAY = Path(__file__).with_name("overlay.yaml")


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Return `below` updated with the keys of `above`, at any depth."""
    both = dict(below)
    for key, value in above.items():
        inner = isinstance(value, Mapping) and isinstance(both.get(key), Mapping)
        both[key] = merged(both[key], value) if inner else value
    return both


class Clustered(Watched):
    """A watched workplace whose jobs run on `slurm`; `overlay` changes the profile once more."""

    def __init__(
        self,
        folder: Path,
        config: dict,
        expected: dict[str, str],
        slurm: Slurm,
        overlay: Mapping[str, Any] | None = None,
    ):
        self.slurm, self.overlay = slurm, overlay or {}
        super().__init__(folder, config, expected)

    def write_config(self) -> None:
        """Write the current config, and the shipped profile with both overlays."""
        super().write_config()
        profile = yaml.safe_load(PROFILE.read_text())
        for overlay in (yaml.safe_load(OVERLAY.read_text()), self.overlay):
            profile = merged(profile, overlay)
        text = yaml.safe_dump(profile, sort_keys=False)
        (self.folder / "profile" / "config.yaml").write_text(text)

    def command(self, *arguments: str, cores: int = 2) -> list[str]:
        """Return the command line of a start; the number of cores does not apply on a cluster."""
        command = [
            *(sys.executable, "-m", "snakemake", "--snakefile", REPOSITORY / "Snakefile"),
            *("--configfile", self.folder / "config.yaml", "--directory", self.folder),
            *("--workflow-profile", self.folder / "profile", *arguments),
        ]
        return [str(word) for word in command]

    def stop(self) -> None:
        """End what a failed test has left: its Snakemake processes and all jobs."""
        for process in self.jobs():
            process.kill()
        self.slurm.empty()

    def until(
        self, process: subprocess.Popen, holds: Callable[[], Any], seconds: float = 900
    ) -> Any:
        """Return the result of `holds` once it is true; the process must not end earlier."""
        stop = time.monotonic() + seconds
        while not (answer := holds()):
            assert process.poll() is None, self.heard(process)[-3000:]
            assert time.monotonic() < stop, self.heard(process)[-3000:]
            time.sleep(0.05)
        return answer

    def running(self, rule: str) -> Mapping[str, str] | None:
        """Return a running job of the rule, or None."""
        jobs = self.slurm.jobs("RUNNING")
        return next((job for job in jobs if job["what"].startswith(f"rule_{rule}_")), None)

    def works(self, job: Mapping[str, str], rule: str) -> bool:
        """Return whether the script of a rule is running on the node of a job."""
        for process in self.jobs():
            with contextlib.suppress(psutil.NoSuchProcess):
                is_script = f".{rule}.py" in " ".join(process.cmdline())
                if is_script and process.environ().get("SLURMD_NODENAME") == job["node"]:
                    return True
        return False

    def trained(self) -> int:
        """Return the number of snapshots in the stores."""
        return len(list(self.path("").glob("*/store/*/records/[0-9]*.json")))

    def pause_training(self, process: subprocess.Popen) -> tuple[Mapping[str, str], psutil.Process]:
        """Suspend a training that has some snapshots and is not finished.

        Return its job and its process, which `resume` continues.
        """
        self.until(process, lambda: self.trained() >= 2)
        (trainer,) = (job for job in self.jobs() if "train.py" in " ".join(job.cmdline()))
        trainer.suspend()
        assert self.trained() < 10, "the training was over before it could be met"
        return self.until(process, lambda: self.running("train")), trainer

    def ends_well(self, process: subprocess.Popen, seconds: float = 900) -> str:
        """Wait for the successful end, compare the bytes with the local ones; return the output."""
        assert self.watch(process, seconds), self.heard(process)[-3000:]
        said = self.heard(process)
        assert process.returncode == 0, said[-3000:]
        made = self.digests(*ARTIFACTS)
        assert made and made == {name: self.expected[name] for name in made}
        films = {name for name in self.expected if name.endswith("/training.mp4")}
        assert set(made) >= films - {"../training.mp4"}  # published on request alone
        return said
