"""Run the workflow in tests as a user does: through the `snakemake` command."""

from __future__ import annotations

import copy
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import forked
import yaml

REPOSITORY = Path(__file__).parents[2]
MINIATURE = Path(__file__).parent / "miniature.yaml"


def miniature() -> dict:
    """Return the config of the miniature: every experiment, tiny and complete."""
    return yaml.safe_load(MINIATURE.read_text())


def alone(run: str, **changes) -> dict:
    """Return the miniature with one run alone; `changes` are those of the run's keys."""
    config = miniature()
    chosen = config["runs"][run] | changes
    dataset = chosen["dataset"]
    return config | {
        "main_run": run,
        "datasets": {dataset: config["datasets"][dataset]},
        "runs": {run: chosen},
    }


def with_key(config: Mapping, key: str, value) -> dict:
    """Return a copy of `config` with another value at a dotted key."""
    changed = part = copy.deepcopy(dict(config))
    *path, last = key.split(".")
    for name in path:
        part = part.setdefault(name, {})
    part[last] = value
    return changed


def put(path: Path, document: Mapping) -> None:
    """Replace a YAML file atomically: another worker may be reading it."""
    part = path.with_name(f"{path.name}.{os.getpid()}")
    part.write_text(yaml.safe_dump(dict(document), sort_keys=False))
    part.replace(path)


class Workplace:
    """A folder with its own config, in which the workflow runs."""

    def __init__(self, folder: Path, config: dict | None = None, repository: Path = REPOSITORY):
        self.folder, self.repository = folder, repository
        self.config = config or miniature()
        self.environment: dict[str, str] = {}
        self.write_config()

    def write_config(self) -> None:
        """Write the current config."""
        self.folder.mkdir(parents=True, exist_ok=True)
        put(self.folder / "config.yaml", self.config)
        # The shipped profile, but with Snakemake's own output, which lists every job.
        profile = yaml.safe_load((REPOSITORY / "profiles/default/config.yaml").read_text())
        profile["printshellcmds"] = True
        (self.folder / "profile").mkdir(exist_ok=True)
        put(self.folder / "profile/config.yaml", profile)

    def command(self, *arguments: str, cores: int = 2, config: str = "config.yaml") -> list[str]:
        """Return the command line of a start with these arguments."""
        command = [
            *(sys.executable, "-m", "snakemake", "--snakefile", self.repository / "Snakefile"),
            *("--workflow-profile", self.folder / "profile"),
            *("--directory", self.folder, "--configfile", self.folder / config),
            *("--cores", str(cores), *arguments),
        ]
        return [str(word) for word in command]

    def start(self, *arguments: str, **how) -> subprocess.CompletedProcess:
        """Run `snakemake` with these arguments; the result holds its output as text."""
        return subprocess.run(
            self.command(*arguments, **how),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=self.folder,
            env=os.environ | self.environment,
        )

    def make_forked(self, *arguments: str, **how) -> str:
        """Like `make`, but faster, for commands that start no job; see `forked.snakemake`."""
        command = self.command(*arguments, **how)[3:]  # Without `python -m snakemake`.
        status, said = forked.snakemake(command, self.folder, os.environ | self.environment)
        assert status == 0, said[-3000:]
        return said

    def make(self, *arguments: str, **how) -> str:
        """Run `snakemake`, which must succeed; return its output."""
        done = self.start(*arguments, **how)
        assert done.returncode == 0, done.stdout[-3000:]
        return done.stdout

    def refusal(self, *targets: str) -> str:
        """Return the one-line error with which a dry run stops."""
        done = self.start("--dry-run", *targets)
        assert done.returncode != 0
        assert "Traceback" not in done.stdout
        (line,) = (line for line in done.stdout.splitlines() if line.startswith("epochreel: "))
        return line

    def jobs(
        self, *targets: str, config: Mapping | None = None, is_forked: bool = True, **how
    ) -> set[str]:
        """Return the jobs that a start would run, with wildcards, such as "render sheets 00001".

        Another `config` leaves that of the folder alone, so that plans may be made in parallel.
        """
        name = "config.yaml"
        if config is not None:
            text = yaml.safe_dump(dict(config), sort_keys=False)
            name = f"config-{hashlib.sha256(text.encode()).hexdigest()[:16]}.yaml"
            put(self.folder / name, config)
        plan = self.make_forked if is_forked else self.make
        return set(jobs_in(plan("--dry-run", *targets, config=name, **how)))

    def planned(self, *targets: str) -> dict[str, int]:
        """Return what a start would do: rule → number of jobs."""
        return dict(Counter(job.split()[0] for job in self.jobs(*targets)))

    def linked_at(self, folder: Path) -> Workplace:
        """Return a copy whose files are hard links to these: cheap, and for replacing files, not
        for writing into them.
        """
        shutil.copytree(self.folder, folder, copy_function=os.link)
        place = Workplace(folder, self.config, self.repository)
        place.environment = self.environment
        return place

    def path(self, name: str) -> Path:
        """Return a path below `results/`."""
        return self.folder / "results" / name

    def digests(self, *patterns: str) -> dict[str, str]:
        """Return the SHA-256 of the artifacts below `results/` that match."""
        results = self.folder / "results"
        found = (path for pattern in patterns for path in results.glob(pattern))
        return {
            str(path.relative_to(results)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(found)
        }


def jobs_in(said: str) -> list[str]:
    """Return the jobs in Snakemake's output as rule and wildcards, without target rules."""
    return list(numbered_jobs(said).values())


def numbered_jobs(said: str) -> dict[str, str]:
    """Return the same by Snakemake's job numbers."""
    found = re.findall(
        r"^(?:local)?rule (\w+):\n((?:    .*\n)*)", said.replace("\r", ""), re.MULTILINE
    )
    jobs = {}
    for rule, about in found:
        number = re.search(r"^    jobid: (\d+)$", about, re.MULTILINE)
        wildcards = re.search("^    wildcards: (.*)$", about, re.MULTILINE)
        values = [part.partition("=")[2] for part in wildcards[1].split(", ")] if wildcards else []
        if number and rule not in ("all", "everything"):
            jobs[number[1]] = " ".join([rule, *values])
    return jobs


def copy_code(folder: Path) -> Path:
    """Copy the code into `folder`, for changes."""
    folder.mkdir(parents=True)
    for name in ("Snakefile", "config.schema.yaml"):
        shutil.copy(REPOSITORY / name, folder)
    for name in ("rules", "profiles", "workflow_scripts", "envs"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(REPOSITORY / name, folder / name, ignore=ignored)
    return folder


def release(folder: Path, package: str, version: str) -> dict[str, str]:
    """Return the environment in which another version of a package is installed."""
    about = folder / f"{package.replace('-', '_')}-{version}.dist-info" / "METADATA"
    about.parent.mkdir(parents=True)
    about.write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n")
    return {"PYTHONPATH": str(folder)}


ARTIFACTS = (
    "datasets/*/*/*.parquet",
    "*/checkpoints/*.safetensors",
    "*/evaluations/*.parquet",
    "*/projections/*.parquet",
    "*/transitions/*.png",
    "*/metrics/*.parquet",
    "*/frames/*.png",
    "*/segments/*.mp4",
    "*/training.mp4",
)
