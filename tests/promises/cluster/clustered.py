"""Running the workflow on a cluster in tests, with the shipped profile."""

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
    """`below` with the keys of `above`, at any depth, in their place."""
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
        """Write the config as it now is, and the shipped profile with both overlays."""
        super().write_config()
        profile = yaml.safe_load(PROFILE.read_text())
        for overlay in (yaml.safe_load(OVERLAY.read_text()), self.overlay):
            profile = merged(profile, overlay)
        text = yaml.safe_dump(profile, sort_keys=False)
        (self.folder / "profile" / "config.yaml").write_text(text)

    def command(self, *arguments: str, cores: int = 2) -> list[str]:
        """The command line of a start; on a cluster nobody says how many cores."""
        command = [
            *(sys.executable, "-m", "snakemake", "--snakefile", REPOSITORY / "Snakefile"),
            *("--configfile", self.folder / "config.yaml", "--directory", self.folder),
            *("--workflow-profile", self.folder / "profile", *arguments),
        ]
        return [str(word) for word in command]

    def stop(self) -> None:
        """End what a test that failed has left: its starts of Snakemake, and all jobs."""
        for process in self.jobs():
            process.kill()
        self.slurm.empty()

    def until(
        self, process: subprocess.Popen, holds: Callable[[], Any], seconds: float = 900
    ) -> Any:
        """What `holds` answers as soon as it is true; the process must not end before."""
        stop = time.monotonic() + seconds
        while not (answer := holds()):
            assert process.poll() is None, self.heard(process)[-3000:]
            assert time.monotonic() < stop, self.heard(process)[-3000:]
            time.sleep(0.05)
        return answer

    def running(self, rule: str) -> Mapping[str, str] | None:
        """A job of the rule that is running now, or None."""
        jobs = self.slurm.jobs("RUNNING")
        return next((job for job in jobs if job["what"].startswith(f"rule_{rule}_")), None)

    def works(self, job: Mapping[str, str], rule: str) -> bool:
        """Whether the script of a rule works on the node of a job."""
        for process in self.jobs():
            with contextlib.suppress(psutil.NoSuchProcess):
                is_script = f".{rule}.py" in " ".join(process.cmdline())
                if is_script and process.environ().get("SLURMD_NODENAME") == job["node"]:
                    return True
        return False

    def trained(self) -> int:
        """How many snapshots the stores hold."""
        return len(list(self.path("").glob("*/store/*/records/[0-9]*.json")))

    def pause_training(self, process: subprocess.Popen) -> tuple[Mapping[str, str], psutil.Process]:
        """Halt a training that has some snapshots behind it, so that it is met in its middle.

        Its job, and its process, which goes on by `resume`.
        """
        self.until(process, lambda: self.trained() >= 2)
        (trainer,) = (job for job in self.jobs() if "train.py" in " ".join(job.cmdline()))
        trainer.suspend()
        assert self.trained() < 10, "the training was over before it could be met"
        return self.until(process, lambda: self.running("train")), trainer

    def ends_well(self, process: subprocess.Popen, seconds: float = 900) -> str:
        """Watch the start to its good end, with the same bytes as elsewhere; what it said."""
        assert self.watch(process, seconds), self.heard(process)[-3000:]
        said = self.heard(process)
        assert process.returncode == 0, said[-3000:]
        made = self.digests(*ARTIFACTS)
        assert made and made == {name: self.expected[name] for name in made}
        films = {name for name in self.expected if name.endswith("/training.mp4")}
        assert set(made) >= films - {"../training.mp4"}  # published on request alone
        return said
