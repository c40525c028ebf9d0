"""What reruns after which change: the data behind docs/reruns.md and its tests."""

from __future__ import annotations

import copy
import sys
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "workflow_scripts"))

from rerun_rows import (
    ADDED,
    DATA,
    EXPERIMENT_ROWS,
    FORMS,
    PALETTE,
    READERS,
    REQUESTED,
    SEGMENTS,
    SHARED,
    SOME,
    WEBM,
    Row,
)
from workflow import REPOSITORY, miniature

SCRIPTS = REPOSITORY / "workflow_scripts"
ROWS = [*SHARED, *(row for rows in EXPERIMENT_ROWS.values() for row in rows)]
TARGETS = ["all"]
TARGETS += [f"results/{run}/{name}" for run in REQUESTED for name in REQUESTED[run].values()]


def world_config() -> dict:
    """Return the miniature config, with the additions for the rows."""
    made = miniature()
    for part, added in copy.deepcopy(ADDED).items():
        made[part] |= added
    return made


def write_palette(folder: Path) -> None:
    """Write the palette file that a row selects."""
    (folder / PALETTE).write_text("ink: '#203040'\n")


ONLY_PACED_BY_CHANGE = frozenset(
    {("summarize", "timeline"), *(("timeline", rule) for rule in SEGMENTS)}
)
"""A rule and its reader, in runs with `film.pace: change` only."""
ONLY_WITH_HISTOGRAM = frozenset({("train", "render"), ("train", "render_transitions")})
"""The same, in runs with a histogram among `figure.panels` only."""
ONLY_IN_SOME = ONLY_PACED_BY_CHANGE | ONLY_WITH_HISTOGRAM


def following(touched: Iterable[str], skipped: Collection[tuple[str, str]] = ()) -> set[str]:
    """Return the rules that rerun with `touched`: these, and all that read their results.

    `skipped` are pairs of a rule and a reader that does not read it.
    """
    found, waiting = set(), list(touched)
    while waiting:
        rule = waiting.pop()
        if rule not in found:
            found.add(rule)
            readers = READERS.get(rule, ())
            waiting.extend(reader for reader in readers if (rule, reader) not in skipped)
    return found


# -- Jobs: "rule run", "generate_dataset dataset split", "publish"


def jobs_of(config: Mapping, run: str, touched: Iterable[str]) -> set[str]:
    """Return the jobs of one run that rerun, without blocks; jobs of its dataset included."""
    dataset = config["datasets"][config["runs"][run]["dataset"]]
    lacking = set(SOME) - _some_of(config, run)
    lacking |= {f"generate_dataset ({split})" for split in _SPLITS if not _stored(dataset, split)}
    # Nothing depends on what a run lacks.
    is_even = config["runs"][run].get("film", {}).get("pace", "even") == "even"
    has_histogram = "histogram" in str(config["runs"][run].get("figure", {}).get("panels"))
    skipped = frozenset() if has_histogram else ONLY_WITH_HISTOGRAM
    skipped |= ONLY_PACED_BY_CHANGE if is_even else frozenset()
    rules = following(set(touched) - lacking, skipped) - lacking
    if run != config["main_run"]:
        rules -= {"publish"}
    requested = set(REQUESTED.get(run, ()))
    requested |= {rule for rule in WEBM if "encode_webm" in requested}
    rules -= set(FORMS) - requested
    # A manifest lists all artifacts, so it is made again whenever one is.
    if rules - set(FORMS) - {"publish"}:
        rules.add("write_manifest")
    return {_job(rule, run, config["runs"][run]["dataset"]) for rule in rules}


def _some_of(config: Mapping, run: str) -> set[str]:
    """Return the optional rules that this run has."""
    from epochreel.experiment_api import loader
    from epochreel.plan.run_settings import FILM_WIDE

    about = config["runs"][run]
    experiment = loader.find(config["datasets"][about["dataset"]]["experiment"], REPOSITORY)
    if not experiment.file("projection").is_file():
        return set()
    found = {"project"}
    if about.get("projection", {}).get("name") in FILM_WIDE:
        found.add("fit_projection")
    return found | ({"render_transitions"} if about.get("figure", {}).get("tweens") else set())


_SPLITS = ("train", "validation", "test")


def _stored(dataset: Mapping, split: str) -> bool:
    return isinstance(dataset.get(split), int) and dataset[split] > 0


def _job(rule: str, run: str, dataset: str) -> str:
    if rule in DATA:
        return f"generate_dataset {dataset} {rule.partition('(')[2].rstrip(')')}"
    return rule if rule == "publish" else f"{rule} {run}"


def expected(config: Mapping, row: Row) -> set[str]:
    """Return the jobs that rerun for a row; `config` already has its value."""
    part, name, *_ = [*row.key.split("."), ""]
    if part == "runs":
        return jobs_of(config, name, row.touched)
    if part == "datasets":
        runs = [run for run, about in config["runs"].items() if about["dataset"] == name]
        return set().union(*(jobs_of(config, run, row.touched) for run in runs))
    return {"publish"} & set(row.touched)


def without_blocks(jobs: Iterable[str]) -> set[str]:
    """Remove blocks from jobs. The rule for runs that keep only the last network counts as `train`."""
    found = set()
    for job in jobs:
        rule, *about = job.replace("train_keeping_last", "train").split()
        found.add(" ".join([rule, *about[: 2 if rule == "generate_dataset" else 1]]))
    return found


# -- Code and packages


def modules() -> dict[str, Path]:
    """Return every module of Epochreel by its dotted name."""
    from epochreel.provenance import code_digest

    roots = {"epochreel": code_digest.LIBRARY}
    return {code_digest._module_name(path, roots): path for path in sorted(SCRIPTS.rglob("*.py"))}


def stages_of(
    experiment: str,
    is_stream: bool = False,
    projections: Iterable[str] = ("causal",),
    figures: Iterable[bool] = (True,),
) -> dict[str, tuple[set[str], set[str]]]:
    """Return rule → the modules that it runs and the packages that it computes with.

    `figures` says whether figure.py arranges the panels, or the config.
    """
    from epochreel.experiment_api import loader
    from epochreel.provenance import code_digest

    found, rules = loader.find(experiment, REPOSITORY), {}
    for stage in declared_stages():
        if _has(found, stage):
            variants = variants_of(stage, is_stream, projections, figures)
            files = {file for variant in variants for file in stage.files_of(found, variant)}
            packages = {name for variant in variants for name in stage.packages_of(variant)}
            rules[stage.rule] = set(code_digest.modules(files)), packages
    return rules


def declared_stages() -> list:
    """Return the stages whose results depend on code: those that only copy are left out."""
    from epochreel.plan.stages import STAGES

    return [stage for stage in STAGES.values() if stage.settings or stage.needs.files]


def variants_of(
    stage, is_stream: bool, projections: Iterable[str], figures: Iterable[bool] = (True,)
) -> list:
    """Return the variants of a stage: one for each of these projections if the stage projects."""
    from epochreel.plan.stages import Variant

    names = projections if "projection" in stage.needs.files else [None]
    return [Variant(is_stream, name, own) for name in names for own in figures]


def _has(experiment, stage) -> bool:
    """Check that an experiment has the files and the function that a stage calls.

    Transitions need a projection.
    """
    from epochreel.experiment_api import source_checks

    needed = stage.needs.files
    names = (*needed, *(["projection"] if stage.rule == "render_transitions" else []))
    files = all(experiment.file(name).is_file() for name in names)
    return files and (
        not stage.function or source_checks.defines(experiment.file(needed[0]), stage.function)
    )


def jobs_where(config: Mapping, name: str, of: int) -> set[str]:
    """Return the jobs that rerun after a change of this module (`of` 0) or package (`of` 1)."""
    found = set()
    for run, about in config["runs"].items():
        dataset = config["datasets"][about["dataset"]]
        projection = variant(config, run, "projection")
        is_stream = dataset["train"] == "unbounded"
        rules = stages_of(dataset["experiment"], is_stream, [projection])
        touched = {rule for rule, parts in rules.items() if name in parts[of]}
        if "generate_dataset" in touched:
            touched = touched - {"generate_dataset"} | DATA
        if "evaluate" in touched and about.get("keep_checkpoints") == "last":
            touched.add("train")  # the checkpoints are gone
        found |= jobs_of(config, run, touched)
    return found


def packages() -> list[str]:
    """Return the packages whose versions count for some stage of the miniature's experiments."""
    rules = [
        stages_of(name, kind, _projections())
        for name in world_experiments()
        for kind in (False, True)
    ]
    return sorted({name for about in rules for _, names in about.values() for name in names})


def world_experiments() -> list[str]:
    """Return the experiments of the miniature."""
    return sorted({dataset["experiment"] for dataset in miniature()["datasets"].values()})


def variant(config: Mapping, run: str, kind: str) -> str:
    """Return the name of the network or projection of a run; an empty string for other keys."""
    defaults = {"network": {}, "projection": {"name": "causal"}}
    return config["runs"][run].get(kind, defaults[kind])["name"] if kind in defaults else ""


def _projections() -> list[str]:
    """Return all projections that a run may name."""
    from epochreel.plan import schemas

    return list(schemas.shared()["$defs"]["projections"])


def idle() -> list[str]:
    """Return the modules that no stage's results depend on."""
    run = set()
    for experiment in world_experiments():
        for kind in (False, True):
            stages = stages_of(experiment, kind, _projections(), (True, False))
            run = run.union(*(parts[0] for parts in stages.values()))
    return sorted(modules().keys() - run)
