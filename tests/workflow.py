"""Running the workflow in tests, as a person would: through the `snakemake` command."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import yaml

REPOSITORY = Path(__file__).parent.parent
MINIATURE = Path(__file__).parent / "miniature.yaml"


class Workplace:
    """A folder with a config of its own, where the workflow runs."""

    def __init__(self, folder: Path, config: dict | None = None, repository: Path = REPOSITORY):
        self.folder, self.repository = folder, repository
        self.config = config or yaml.safe_load(MINIATURE.read_text())
        self.write_config()

    def write_config(self) -> None:
        """Write the config as it now is."""
        self.folder.mkdir(parents=True, exist_ok=True)
        text = yaml.safe_dump(self.config, sort_keys=False)
        (self.folder / "config.yaml").write_text(text)
        # The shipped profile, but for the progress display: tests read the plain words.
        profile = yaml.safe_load((self.repository / "profiles/default/config.yaml").read_text())
        profile.pop("logger", None)
        (self.folder / "profile").mkdir(exist_ok=True)
        (self.folder / "profile/config.yaml").write_text(yaml.safe_dump(profile))

    def command(self, *arguments: str, cores: int = 2) -> list[str]:
        """The command line of a start with these arguments."""
        command = [
            *(sys.executable, "-m", "snakemake", "--snakefile", self.repository / "Snakefile"),
            *("--workflow-profile", self.folder / "profile"),
            *("--directory", self.folder, "--configfile", self.folder / "config.yaml"),
            *("--cores", str(cores), *arguments),
        ]
        return [str(word) for word in command]

    def start(self, *arguments: str, cores: int = 2) -> subprocess.CompletedProcess:
        """Run `snakemake` with these arguments; the answer holds all it said, as text."""
        return subprocess.run(
            self.command(*arguments, cores=cores),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=self.folder,
        )

    def make(self, *arguments: str, cores: int = 2) -> str:
        """Run `snakemake`, which must succeed; returns all it said."""
        done = self.start(*arguments, cores=cores)
        assert done.returncode == 0, done.stdout[-3000:]
        return done.stdout

    def planned(self, *targets: str) -> dict[str, int]:
        """What a start would do: rule → number of jobs; target rules are left out."""
        said = self.make("--dry-run", *targets)
        jobs: dict[str, int] = {}
        for line in said.splitlines():
            if line.startswith(("rule ", "localrule ")):
                name = line.split()[1].rstrip(":")
                jobs[name] = jobs.get(name, 0) + 1
        return {name: n for name, n in jobs.items() if name not in ("all", "everything")}

    def path(self, name: str) -> Path:
        """A path below `results/`."""
        return self.folder / "results" / name

    def digests(self, *patterns: str) -> dict[str, str]:
        """SHA-256 of the artifacts below `results/` that match."""
        results = self.folder / "results"
        found = (path for pattern in patterns for path in results.glob(pattern))
        return {
            str(path.relative_to(results)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(found)
        }


ARTIFACTS = (
    "datasets/*/*/*.parquet",
    "*/checkpoints/*.safetensors",
    "*/evaluations/*.parquet",
    "*/summaries/*.parquet",
    "*/frames/*.png",
    "*/training.mp4",
)
