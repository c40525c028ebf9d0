"""How still and how faithful each projection is, and how long it takes.

    python benchmarks/projection.py [--data sketches] [--snapshots 61] [--points 2000]
        [--kinds causal umap_each linear] [--epochs 25]
    python benchmarks/projection.py --evaluations results/sketches/evaluations --snapshots 51
        [--hold 0.1 0.5]

Trains the published network on digits, sketches or clothes (--data fashion --folder DIR), with the
published recipe, and keeps the activations of test and training examples at evenly spaced moments,
in half precision as evaluations do; or takes those of a run's first evaluations. Each kind then
projects the same snapshots; CPU time is counted, numbers included, and the compilation that each
process begins with. `jitter` is the median over snapshots, `to each` in that of umap_each; `behind`
how far trustworthiness stays below that of UMAP fitted to the same snapshot, on the mean and at
worst. `mean way` and `farthest 10 %` tell of the same points what a median may hide: how far they
are displaced on the mean, and how far the most restless tenth is at least. The last line of a
training tells what half precision costs; `--hold` adds `causal` at other settings of it.
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
    """The first examples of a split, stacked."""
    drawn = list(data.generate(settings, SEED, split, range(count)))
    return {name: torch.from_numpy(np.stack([one[name] for one in drawn])) for name in drawn[0]}


def look(network: model.Network, images: torch.Tensor) -> np.ndarray:
    """The activations of all images, (N, 100) float32."""
    network.eval()
    with torch.inference_mode():
        seen = [network.activations(part) for part in images.split(100)]
    network.train()
    return torch.cat(seen).numpy()


def trained(args: argparse.Namespace) -> list[np.ndarray]:
    """The activations at each snapshot of a training."""
    own = {"source": args.data, "size": SIZES[args.data], "fashion_files": args.folder}
    experiment = SETTINGS["activations"]
    settings = schema.checked(own | {"test_share": 0.4}, experiment["data"])
    test = examples(settings, "test", min(args.points // 2, 700))
    train = examples(settings, "train", args.points - len(test["label"]))
    images = torch.cat([test["image"], train["image"]])
    torch.manual_seed(SEED)
    network = model.Network(
        schema.checked({"name": "published"}, schema.by_name(experiment["networks"])), settings
    ).to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(network.parameters(), lr=RATE)
    steps = args.epochs * (len(train["label"]) // BATCH)
    moments = np.arange(args.snapshots) * steps // (args.snapshots - 1)
    found = []
    for step in range(steps + 1):
        found += [look(network, images)] * int((moments == step).sum())
        chosen = torch.from_numpy(batch_order.indices(SEED, step, BATCH, len(train["label"])))
        optimizer.zero_grad()
        model.loss(network, {name: column[chosen] for name, column in train.items()}).backward()
        optimizer.step()
    return found


def evaluated(args: argparse.Namespace) -> list[np.ndarray]:
    """The activations in the first evaluations of a run."""
    paths = sorted(Path(args.evaluations).glob("*.parquet"))[: args.snapshots]
    return [activations(evaluations.read(path)) for path in paths]


def settings_of(kind: str, **own: float) -> dict:
    """A kind's settings, with the defaults of the schema."""
    return schema.checked({"name": kind} | own, schema.by_name(SETTINGS["projections"]))


def projected(settings: dict, snapshots: list[np.ndarray]) -> tuple[dict[str, np.ndarray], float]:
    """The numbers of a projection, and its CPU seconds."""
    started = time.process_time()
    made = list(embed.project(snapshots, settings, SEED))
    seconds = time.process_time() - started
    names = ("trustworthiness", "neighbours_kept", "jitter", "still")
    numbers = {name: np.array([getattr(one, name) for one in made]) for name in names}
    return numbers | ways(snapshots, made), seconds


def ways(snapshots: list[np.ndarray], made: list[embed.Projection]) -> dict[str, np.ndarray]:
    """How far points that barely moved are displaced: at each snapshot, beyond the median."""
    told = {"mean way": [], "restless": []}
    for number in range(1, len(made)):
        if np.isfinite(made[number].jitter):
            changed = quality.changes(snapshots[number - 1], Points(snapshots[number]))
            layouts = made[number - 1].layout, made[number].layout
            moved = quality.displacements(*layouts, changed <= quality.STILL)
            told["mean way"].append(moved.mean())
            told["restless"].append(np.quantile(moved, 0.9))
    return {name: np.array(values) for name, values in told.items()}


def kept_by_halves(snapshots: list[np.ndarray]) -> tuple[float, float]:
    """Neighbours that stay when activations are rounded to halves, and from snapshot to next."""

    def shared(first: np.ndarray, second: np.ndarray) -> float:
        near = [Points(points).nearest(15)[0] for points in (first, second)]
        return np.mean([np.isin(a, b).mean() for a, b in zip(*near, strict=True)])

    last, before = snapshots[-1], snapshots[-2]
    return shared(last, last.astype(np.float16)), shared(last, before)


def main() -> None:
    """Train, project, compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", choices=SIZES, default="sketches")
    parser.add_argument("--folder", help="with Fashion-MNIST's four files")
    parser.add_argument("--evaluations", help="the folder of a run's evaluations")
    parser.add_argument("--snapshots", type=int, default=61)
    parser.add_argument("--points", type=int, default=1700)
    parser.add_argument("--epochs", type=int, default=25)
    parser.add_argument("--kinds", nargs="+", default=["causal", "umap_each", "linear"])
    parser.add_argument("--hold", type=float, nargs="+", default=[], help="of causal, further ones")
    args = parser.parse_args()
    torch.set_num_threads(1)
    exact = evaluated(args) if args.evaluations else trained(args)
    snapshots = [activations.astype(np.float16) for activations in exact]
    asked = {kind: settings_of(kind) for kind in args.kinds}
    asked |= {f"causal, hold {hold}": settings_of("causal", hold=hold) for hold in args.hold}
    made = {name: projected(settings, snapshots) for name, settings in asked.items()}
    reference = made.get("umap_each", (None,))[0]
    rows = [row(kind, numbers, seconds, reference) for kind, (numbers, seconds) in made.items()]
    table.show(COLUMNS, rows)
    if args.evaluations:
        return
    rounded, trained_on = kept_by_halves(exact)
    print(
        f"neighbours kept at the last snapshot: {rounded:.1%} by rounding to halves, "
        f"{trained_on:.1%} since the snapshot before"
    )


COLUMNS = {
    "kind": "",
    "CPU s": ".1f",
    "jitter": ".4f",
    "to each": ".3f",
    "mean way": ".4f",
    "farthest 10 %": ".4f",
    "trustworthiness": ".4f",
    "at least": ".4f",
    "behind": ".4f",
    "at worst": ".4f",
    "neighbours kept": ".3f",
}


def row(kind: str, numbers: dict, seconds: float, reference: dict | None) -> list:
    """One line of the table."""
    jitter, trust = np.nanmedian(numbers["jitter"]), numbers["trustworthiness"]
    against, behind = None, [None, None]
    if reference is not None:
        against = jitter / np.nanmedian(reference["jitter"])
        lag = reference["trustworthiness"] - trust
        behind = [lag.mean(), lag.max()]
    still = [jitter, against, np.median(numbers["mean way"]), np.median(numbers["restless"])]
    kept = numbers["neighbours_kept"].mean()
    return [kind, seconds, *still, trust.mean(), trust.min(), *behind, kept]


if __name__ == "__main__":
    main()
