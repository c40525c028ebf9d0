"""Stability, faithfulness and run time of each projection.

    python benchmarks/projection.py [--data sketches] [--snapshots 61] [--points 2000]
        [--kinds causal umap_each linear] [--epochs 25]
    python benchmarks/projection.py --evaluations results/sketches/evaluations --snapshots 51
        [--hold 0.1 0.5]

Trains the published network on digits, sketches or clothes (--data fashion --folder DIR) with the
published settings, and records the activations of test and training examples at evenly spaced
steps, in half precision as in evaluations; or reads those of a run's first evaluations. Each kind
then projects the same snapshots. CPU time includes the quality measures and the compilation at the
start of each process.

Columns: `jitter` is the median over snapshots, `to each` its ratio to that of umap_each. `behind`
is the difference in trustworthiness to UMAP fitted to the same snapshot, mean and maximum. `mean
displacement` and `90 % displacement` (a quantile) of the same points show what a median can hide.
The last line of a training shows the cost of half precision. `--hold` adds `causal` with other
settings of it.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
sys.path.insert(0, str(Path(__file__).parents[1] / "workflow_scripts"))

import numpy as np
import table
import torch

from epochreel.artifacts import evaluations
from epochreel.config import schema
from epochreel.experiment_api import loader
from epochreel.experiments.activations import data, model
from epochreel.experiments.activations.projection import activations
from epochreel.plan import schemas
from epochreel.projection import embed, quality
from epochreel.projection.neighbor_graph import Points
from epochreel.training import batch_order

SIZES = {"digits": 8, "sketches": 48, "fashion": 28}
SETTINGS = schemas.shared()["$defs"]
BATCH, RATE, SEED = 50, 5e-4, 1


def examples(settings: dict, split: str, count: int) -> dict[str, torch.Tensor]:
    """Return the first examples of a split, stacked."""
    drawn = list(data.generate(settings, SEED, split, range(count)))
    return {name: torch.from_numpy(np.stack([item[name] for item in drawn])) for name in drawn[0]}


def activations_of(network: model.Network, images: torch.Tensor) -> np.ndarray:
    """Return the activations of all images, (N, 100) float32."""
    network.eval()
    with torch.inference_mode():
        parts = [network.activations(part) for part in images.split(100)]
    network.train()
    return torch.cat(parts).numpy()


def train_and_record(args: argparse.Namespace) -> list[np.ndarray]:
    """Train, and return the activations at each snapshot."""
    overrides = {"source": args.data, "size": SIZES[args.data], "fashion_files": args.folder}
    experiment = schemas.of_experiment(loader.find("activations", Path()))
    settings = schema.checked(overrides | {"test_share": 0.4}, experiment["data"])
    test = examples(settings, "test", min(args.points // 2, 700))
    train = examples(settings, "train", args.points - len(test["label"]))
    images = torch.cat([test["image"], train["image"]])
    torch.manual_seed(SEED)
    network = model.Network(
        schema.checked({"name": "published"}, experiment["network"]), settings
    ).to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(network.parameters(), lr=RATE)
    steps = args.epochs * (len(train["label"]) // BATCH)
    snapshot_steps = np.arange(args.snapshots) * steps // (args.snapshots - 1)
    snapshots = []
    for step in range(steps + 1):
        snapshots += [activations_of(network, images)] * int((snapshot_steps == step).sum())
        chosen = torch.from_numpy(batch_order.indices(SEED, step, BATCH, len(train["label"])))
        optimizer.zero_grad()
        model.loss(network, {name: column[chosen] for name, column in train.items()}).backward()
        optimizer.step()
    return snapshots


def read_activations(args: argparse.Namespace) -> list[np.ndarray]:
    """Return the activations in the first evaluations of a run."""
    paths = sorted(Path(args.evaluations).glob("*.parquet"))[: args.snapshots]
    return [activations(evaluations.read(path)) for path in paths]


def settings_of(kind: str, **overrides: float) -> dict:
    """Return the settings of a kind, with the defaults of the schema."""
    return schema.checked({"name": kind} | overrides, schema.by_name(SETTINGS["projections"]))


def measure_projection(
    settings: dict, snapshots: list[np.ndarray]
) -> tuple[dict[str, np.ndarray], float]:
    """Return the measures of a projection, and its CPU seconds."""
    start = time.process_time()
    projections = list(embed.project(snapshots, settings, SEED))
    seconds = time.process_time() - start
    names = ("trustworthiness", "neighbours_kept", "jitter", "still")
    measures = {name: np.array([getattr(item, name) for item in projections]) for name in names}
    return measures | displacement_measures(snapshots, projections), seconds


def displacement_measures(
    snapshots: list[np.ndarray], projections: list[embed.Projection]
) -> dict[str, np.ndarray]:
    """Return the mean and 90 % displacement of points that barely changed, per snapshot."""
    displacements = {"mean displacement": [], "90 % displacement": []}
    for number in range(1, len(projections)):
        if np.isfinite(projections[number].jitter):
            changed = quality.changes(snapshots[number - 1], Points(snapshots[number]))
            layouts = projections[number - 1].layout, projections[number].layout
            moved = quality.displacements(*layouts, changed <= quality.STILL)
            displacements["mean displacement"].append(moved.mean())
            displacements["90 % displacement"].append(np.quantile(moved, 0.9))
    return {name: np.array(values) for name, values in displacements.items()}


def neighbours_kept(snapshots: list[np.ndarray]) -> tuple[float, float]:
    """Return the shares of neighbours kept by rounding to float16, and by a snapshot."""

    def shared(first: np.ndarray, second: np.ndarray) -> float:
        near = [Points(points).nearest(15)[0] for points in (first, second)]
        return np.mean([np.isin(a, b).mean() for a, b in zip(*near, strict=True)])

    last, before = snapshots[-1], snapshots[-2]
    return shared(last, last.astype(np.float16)), shared(last, before)


def main() -> None:
    """Train or read activations, project them, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", choices=SIZES, default="sketches")
    parser.add_argument("--folder", help="folder with Fashion-MNIST's four files")
    parser.add_argument("--evaluations", help="folder of a run's evaluations")
    parser.add_argument("--snapshots", type=int, default=61)
    parser.add_argument("--points", type=int, default=1700)
    parser.add_argument("--epochs", type=int, default=25)
    parser.add_argument("--kinds", nargs="+", default=["causal", "umap_each", "linear"])
    parser.add_argument(
        "--hold", type=float, nargs="+", default=[], help="more values of hold for causal"
    )
    args = parser.parse_args()
    torch.set_num_threads(1)
    full_precision = read_activations(args) if args.evaluations else train_and_record(args)
    snapshots = [activations.astype(np.float16) for activations in full_precision]
    settings_by_name = {kind: settings_of(kind) for kind in args.kinds}
    settings_by_name |= {
        f"causal, hold {hold}": settings_of("causal", hold=hold) for hold in args.hold
    }
    projections = {
        name: measure_projection(settings, snapshots) for name, settings in settings_by_name.items()
    }
    reference = projections.get("umap_each", (None,))[0]
    rows = [
        row(kind, measures, seconds, reference) for kind, (measures, seconds) in projections.items()
    ]
    table.show(COLUMNS, rows)
    if args.evaluations:
        return
    rounded, since_previous = neighbours_kept(full_precision)
    print(
        f"neighbours kept at the last snapshot: {rounded:.1%} after rounding to float16, "
        f"{since_previous:.1%} since the previous snapshot"
    )


COLUMNS = {
    "kind": "",
    "CPU s": ".1f",
    "jitter": ".4f",
    "to each": ".3f",
    "mean displacement": ".4f",
    "90 % displacement": ".4f",
    "trustworthiness": ".4f",
    "at least": ".4f",
    "behind": ".4f",
    "at worst": ".4f",
    "neighbours kept": ".3f",
}


def row(kind: str, measures: dict, seconds: float, reference: dict | None) -> list:
    """Return one row of the table."""
    jitter, trust = np.nanmedian(measures["jitter"]), measures["trustworthiness"]
    ratio, deficits = None, [None, None]
    if reference is not None:
        ratio = jitter / np.nanmedian(reference["jitter"])
        lag = reference["trustworthiness"] - trust
        deficits = [lag.mean(), lag.max()]
    stability = [
        jitter,
        ratio,
        np.median(measures["mean displacement"]),
        np.median(measures["90 % displacement"]),
    ]
    kept_share = measures["neighbours_kept"].mean()
    return [kind, seconds, *stability, trust.mean(), trust.min(), *deficits, kept_share]


if __name__ == "__main__":
    main()
