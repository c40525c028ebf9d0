"""A run whose stages are called as functions, one after the other, without the workflow."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import cast
import describe_network
import draw_loop
import encode
import encode_segment
import evaluate
import fit_projection
import generate_dataset
import predict
import project
import publish
import render
import render_closing
import render_transitions
import save_network
import save_poster
import summarize
import timeline
import train
import write_captions
import write_manifest
import write_report
from epochreel.artifacts import dataset_shards, manifest
from epochreel.formats import checked_json
from epochreel.plan import fingerprints, plan
from epochreel.training import block


class World:
    """A run in blocks of one; its methods call the stages' functions.

    Paths are relative to the working folder, as in the workflow.
    """

    def __init__(self, folder: Path, config: dict):
        self.base = folder
        (run,) = config["runs"].values()
        run["figure"] = run.get("figure", {}) | {"width": 480, "height": 270}
        holds = {"opening_seconds": 0, "hold_seconds": 0}
        run["film"] = run.get("film", {}) | {"preset": "ultrafast", "segment": 10, **holds}
        config = plan.Plan(config, folder).checked
        self.plan = plan.Plan(config | {"snapshots_per_block": 1}, folder)
        self.run = self.plan.main
        self.folder = f"results/{self.run.name}"
        self.names = self.run.blocks()
        self.snapshots = range(self.run.snapshots)
        self.dataset = self.run.dataset
        self.data = {split: list(self.dataset.shards(split)) for split in dataset_shards.SPLITS}

    def path(self, kind: str, suffix: str, number: int) -> str:
        """Return the file of a snapshot or, since blocks have one snapshot, of a block."""
        name = (
            self.names[number]
            if kind in ("checkpoint_index", "metrics", "training")
            else f"{number:06d}"
        )
        return f"{self.folder}/{kind}/{name}.{suffix}"

    def stage(self, name: str, number: int | None = None) -> dict:
        """Return the settings of a stage, or of one block of it."""
        run = self.run
        found = (
            run.stage_settings(name)
            if number is None
            else run.block_settings(name, self.names[number])
        )
        return json.loads(json.dumps(found))

    def generate(self) -> None:
        """Make the shards."""
        for split, paths in self.data.items():
            for path in paths:
                stage = json.loads(
                    json.dumps(fingerprints.of_shard(self.dataset, split, Path(path).stem))
                )
                generate_dataset.generate_dataset(path, stage, self.base)

    def train(self, number: int) -> None:
        """Make a block's checkpoint and checkpoint index."""
        outputs = block.Outputs(
            before=self.path("checkpoint_index", "json", number - 1) if number else None,
            checkpoints=[self.path("checkpoints", "safetensors", number)],
            index=self.path("checkpoint_index", "json", number),
            table=self.path("training", "parquet", number),
            system=str(Path(self.folder, f"logs/{number}.parquet")),
            store=Path(self.folder, "store"),
        )
        run_size = block.RunSize("tiny", len(self.snapshots) - number, True, 20, 1000)
        sources = self.dataset.files() if self.dataset.is_stream else []
        read = self.data["train"], self.data["validation"], sources
        train.train(*read, outputs, self.stage("train", number), self.base, run_size)

    def describe_network(self, _number: int = 0) -> None:
        """Make the layer table."""
        paths = self.run.files.first_train_shard(), f"{self.folder}/layers.parquet"
        describe_network.describe_network(*paths, self.stage("describe_network"), self.base)

    def train_on(self, number: int) -> None:
        """Make a block again after its record was deleted from the store."""
        for path in Path(self.folder).glob(f"store/*/records/{number:06d}.json"):
            path.unlink()
        self.train(number)

    def train_without_store(self, number: int) -> None:
        """Make the first block again, without a store."""
        shutil.rmtree(Path(self.folder, "store"))
        self.train(0)

    def evaluate(self, number: int) -> None:
        """Make a block's evaluations."""
        evaluate.evaluate(
            [self.path("checkpoints", "safetensors", number)],
            self.path("checkpoint_index", "json", number),
            self.data["test"],
            self.run.files.train_sample(),
            [self.path("evaluations", "parquet", number)],
            self.stage("evaluate", number),
            self.base,
        )

    def summarize(self, number: int) -> None:
        """Extend the metrics by a block."""
        summarize.summarize(
            [self.path("evaluations", "parquet", number)],
            self.path("metrics", "parquet", number - 1) if number else None,
            self.path("metrics", "parquet", number),
            self.stage("summarize", number),
            self.base,
        )

    def projections(self, number: int) -> list[str]:
        """Return a block's projections, if the run has any."""
        return [self.path("projections", "parquet", number)] if self.run.projects else []

    def fit_projection(self, _number: int = 0) -> None:
        """Make the fit over all snapshots, if the run has one."""
        for path in self.run.files.of("fit"):
            evaluations, stage = self.run.files.of("evaluations"), "fit_projection"
            fit_projection.fit_projection(evaluations, path, self.stage(stage), self.base)

    def project(self, number: int) -> None:
        """Make a block's projections, if the run has any."""
        if not self.run.projects:
            return
        project.project(
            [self.path("evaluations", "parquet", number)],
            self.run.files.projection_inputs_before(self.names[number]),
            self.run.files.of("fit"),
            self.projections(number),
            self.stage("project", number),
            self.base,
        )

    def render_transitions(self, number: int) -> None:
        """Make the transitions to a block's snapshot, if the run has any."""
        if not self.run.files.of("transitions"):
            return
        before = self.run.files.frame_inputs_before(self.names[number])
        render_transitions.render_transitions(
            [*before[:1], self.path("evaluations", "parquet", number)],
            [*before[1:], *self.projections(number)],
            self.path("metrics", "parquet", number),
            self.path("evaluations", "parquet", 0),
            [],
            self.data["test"],
            [self.path("transitions", "png", number)],
            self.stage("render_transitions", number),
            self.base,
        )

    def render(self, number: int) -> None:
        """Make a block's frames."""
        render.render(
            [self.path("evaluations", "parquet", number)],
            self.projections(number),
            self.path("metrics", "parquet", number),
            self.path("evaluations", "parquet", 0),
            [],
            self.data["test"],
            [self.path("frames", "png", number)],
            self.stage("render", number),
            self.base,
        )

    def timeline(self, _number: int = 0) -> None:
        """Make the timeline."""
        path, stage = f"{self.folder}/timeline.parquet", self.stage("timeline")
        timeline.timeline(self.run.files.pace_metrics(), path, stage, self.base)

    def render_closing(self, number: int = -1) -> None:
        """Make the closing picture after a snapshot."""
        number, stage = self.snapshots[number], self.stage("render_closing")
        stage["settings"]["snapshots"] = number + 1
        render_closing.render_closing(
            self.path("evaluations", "parquet", number),
            self.path("metrics", "parquet", number),
            self.data["test"],
            f"{self.folder}/closing.png",
            stage,
            self.base,
        )

    def encode_segment(self, number: int = 0) -> None:
        """Make the segment of a snapshot."""
        name = f"{number // self.run.settings['film']['segment']:05d}"
        self._encode_segment("encode_segment", name)

    def encode_closing(self, _number: int = 0) -> None:
        """Make the end of the film, if it has one."""
        for _ in self.run.files.of("closing_segment"):
            self._encode_segment("encode_closing", "closing")

    def _encode_segment(self, stage: str, name: str) -> None:
        files, is_end = self.run.files, name == "closing"
        pictures = {
            "frames": files.of_segment("frames", name),
            "transitions": [] if is_end else files.of_segment("transitions", name),
            "closing": next(iter(files.of("closing")), None) if is_end else None,
        }
        times, path = next(iter(files.segment_timeline()), None), f"segments/{name}.mp4"
        about = json.loads(json.dumps(self.run.job_settings(stage, segment=name)))
        target = f"{self.folder}/{path}"
        encode_segment.encode_segment(pictures, times, target, is_end, about)

    def encode(self, _number: int = 0) -> None:
        """Join the film."""
        film, times = f"{self.folder}/training.mp4", f"{self.folder}/timeline.parquet"
        table = self.path("metrics", "parquet", self.snapshots[-1])
        encode.encode(self.run.files.all_segments(), times, table, film, self.stage("encode"))

    def save_poster(self, _number: int = 0) -> None:
        """Make the poster."""
        frames = [self.path("frames", "png", number) for number in self.snapshots]
        poster, stage = f"{self.folder}/poster.png", self.stage("save_poster")
        save_poster.save_poster(frames, poster, stage)

    def write_report(self, _number: int = 0) -> None:
        """Write the pages for the report."""
        names, last = ("film", "metrics", "settings"), self.snapshots[-1]
        pages = {name: Path(self.folder, "report", f"{name}.html") for name in names}
        paths = f"{self.folder}/training.mp4", self.path("metrics", "parquet", last)
        write_report.write_report(*paths, pages, self.stage("write_report"), self.base)

    def captions(self, number: int = -1) -> None:
        """Make the captions from the metrics up to a snapshot."""
        number = self.snapshots[number]
        path = self.path("metrics", "parquet", number)
        stage = self.stage("write_captions")
        stage["settings"]["snapshots"] = number + 1
        times, captions = f"{self.folder}/timeline.parquet", f"{self.folder}/training.vtt"
        write_captions.write_captions(path, times, captions, stage)

    def cast(self, _number: int = 0) -> None:
        """Propose a cast from the evaluation of the last snapshot."""
        evaluation = self.path("evaluations", "parquet", self.snapshots[-1])
        cast.cast(evaluation, f"{self.folder}/cast.txt", self.stage("cast"), self.base)

    def save_network(self, number: int = -1) -> None:
        """Save the network of a snapshot."""
        number = self.snapshots[number]
        save_network.save_network(
            self.path("checkpoints", "safetensors", number),
            self.path("checkpoint_index", "json", number),
            f"{self.folder}/network.safetensors",
            self.run.key_digest("train"),
        )

    def draw_loop(self, _number: int = 0) -> None:
        """Make a loop of the last snapshot."""
        evaluation = self.path("evaluations", "parquet", self.snapshots[-1])
        loop, stage = f"{self.folder}/loops/reading.gif", self.stage("draw_loop")
        draw_loop.draw_loop(evaluation, self.data["test"], loop, stage, self.base)

    def predict(self, _number: int = 0) -> None:
        """Predict from an image."""
        paths = (
            "image.png",
            f"{self.folder}/network.safetensors",
            self.run.files.last("checkpoint_index"),
        )
        predict.predict(
            *paths, f"{self.folder}/predictions/image.csv", self.stage("predict"), self.base
        )

    def publish(self, _number: int = 0) -> None:
        """Publish the film."""
        publish.publish(
            f"{self.folder}/training.mp4", "training.mp4", self.run.key_digest("encode")
        )

    def write_manifest(self, _number: int = 0) -> None:
        """Make the manifest."""
        run = self.run
        paths = (
            run.files.artifacts_by_kind(),
            run.files.last("checkpoint_index"),
            run.files.manifest,
        )
        sources = list(run.dataset.sources().values())
        write_manifest.write_manifest(*paths, run.manifest_settings(), sources)

    def verify(self, _number: int = 0) -> None:
        """Compare all artifacts with the manifest."""
        found = manifest.differences(
            f"{self.folder}/manifest.json", self.run.files.artifacts(), {}, {}, {}
        )
        assert not list(found)

    def make(self) -> None:
        """Make everything."""
        self.generate()
        for number in self.snapshots:
            for stage in (self.train, self.evaluate, self.summarize):
                stage(number)
        self.fit_projection()
        for number in self.snapshots:
            for stage in (self.project, self.render, self.render_transitions):
                stage(number)
        self.render_closing()
        self.timeline()
        for number in self.snapshots[:: self.run.settings["film"]["segment"]]:
            self.encode_segment(number)
        last = (self.encode_closing, self.encode)
        last += (self.save_poster, self.write_report, self.captions, self.save_network)
        for stage in (self.describe_network, *last):
            stage()
        self.write_manifest()


def redeclare(path: Path, **values) -> None:
    """Rewrite a checkpoint index with these values and a valid digest."""
    checked_json.write(path, checked_json.read(path) | values)


def files() -> dict[str, bytes]:
    """Return path → bytes of all files below `results` except logs."""
    found = (path for path in Path("results").rglob("*") if path.is_file())
    return {str(p): p.read_bytes() for p in found if "/logs/" not in str(p)}
