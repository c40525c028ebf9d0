"""The experiment of examples/spirals, small enough to train in a test."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from workflow import REPOSITORY

from epochreel.plan import plan
from epochreel.training import block as blocks
from epochreel.training.training_data import TrainingData

SPIRALS = REPOSITORY / "examples" / "spirals"
ADAM = {"name": "adam", "learning_rate": 0.01}
COUNTS = {"train": 60, "validation": 10, "test": 20}


def spirals_config(**run) -> dict:
    """Return a config with one run, `tiny`, of the spirals; `run` overrides its keys."""
    training = {"batch_size": 8, "steps_per_epoch": 4, "optimizer": dict(ADAM)}
    tiny = {
        "dataset": "points",
        "epochs": 5,
        "network": {"name": "perceptron", "width": 4},
        "training": training | run.pop("training", {}),
    }
    points = {"experiment": f"{SPIRALS}/", **COUNTS}
    return {"main_run": "tiny", "datasets": {"points": points}, "runs": {"tiny": tiny | run}}


@dataclass
class Training:
    """The training of one run in `folder`, block by block as in the rule `train`."""

    folder: Path
    shards: dict[str, list[str]]
    size: int = 1
    epochs: int = 5
    keep: str = "all"
    run: dict = field(default_factory=dict)

    def checkpoint(self, snapshot: int) -> Path:
        """Return the path of a snapshot's checkpoint."""
        return self.folder / "checkpoints" / f"{snapshot:06d}.safetensors"

    def state(self, number: int) -> Path:
        """Return the path of a block's checkpoint index."""
        return self.folder / "checkpoint_index" / f"{self.size}-{number}.json"

    def block(self, number: int) -> blocks.Block:
        """Return a block of the run."""
        config = spirals_config(epochs=self.epochs, **self.run)
        run = plan.Plan(config | {"snapshots_per_block": self.size}, self.folder).runs["tiny"]
        first = number * self.size
        outputs = blocks.Outputs(
            before=str(self.state(number - 1)) if number else None,
            checkpoints=[str(self.checkpoint(first + slot)) for slot in range(self.size)],
            index=str(self.state(number)),
            table=str(self.folder / "training" / f"{number}.parquet"),
            system=str(self.folder / "logs" / f"{number}.parquet"),
            store=self.folder / "store",
        )
        run_size = blocks.RunSize("tiny", run.snapshots - first, self.keep == "all", 20, 1000)
        stage = json.loads(json.dumps(run.block_settings("train", run.blocks()[number])))
        paths = self.shards["train"], self.shards["validation"], []
        data = TrainingData(run.experiment, stage, self.folder, *paths)
        return blocks.Block(run.experiment, stage, data, outputs, run_size)

    def make(self, numbers=(0,)) -> Training:
        """Make these blocks in order."""
        for number in numbers:
            self.block(number).make()
        return self

    def bytes(self, snapshots=range(6)) -> list[bytes]:
        """Return the checkpoints of these snapshots."""
        return [self.checkpoint(snapshot).read_bytes() for snapshot in snapshots]
