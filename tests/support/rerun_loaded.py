"""The modules that jobs loaded, compared with those that their results depend on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import packages_distributions

import reruns
from witness import Job
from workflow import REPOSITORY

from epochreel.plan.run_settings import FILM_WIDE
from epochreel.plan.stages import STAGES
from epochreel.provenance import code_digest

_LOG = re.compile(r"/results/(datasets/)?([^/]+)/logs/([a-z_]+)(?:/[^/]+)?\.log$")


PROJECTING = {"fit_projection", "project"}
LEARNING = {"train", "describe_network"}
"""The rules that draw examples of an unbounded training set."""


@dataclass(frozen=True)
class Stage:
    """A rule for one experiment, with a stored or an unbounded training set.

    For rules that project, each projection is a separate stage; for others it is empty. The
    experiment is empty for rules that run no experiment's code.
    """

    rule: str
    experiment: str
    is_stream: bool = False
    projection: str = ""

    @property
    def modules(self) -> set[str]:
        """The modules that its results depend on."""
        return self._parts[0]

    @property
    def packages(self) -> set[str]:
        """The packages whose versions its results depend on."""
        return self._parts[1]

    @property
    def _parts(self) -> tuple[set[str], set[str]]:
        experiment = self.experiment or reruns.world_experiments()[0]
        return _stages(experiment, self.is_stream, self.projection)[self.rule]


@cache
def _stages(
    experiment: str, is_stream: bool = False, projection: str = ""
) -> dict[str, tuple[set[str], set[str]]]:
    return reruns.stages_of(experiment, is_stream, [projection] if projection else ())


def stages() -> set[Stage]:
    """Return all stages."""
    return {
        _stage(rule, experiment, is_stream, projection)
        for experiment in reruns.world_experiments()
        for rule in _stages(experiment)
        for is_stream in (False, True)
        for projection in (FILM_WIDE if rule == "fit_projection" else reruns._projections())
    }


def stage_of(job: Job, config: Mapping) -> Stage:
    """Return the stage of a job, by the path of its log."""
    (of_data, name, rule), *_ = (found.groups() for found in map(_LOG.search, job.written) if found)
    if of_data:
        return _stage("generate_dataset", config["datasets"][name]["experiment"])
    dataset = config["datasets"][config["runs"][name]["dataset"]]
    is_stream = dataset["train"] == "unbounded"
    projection = reruns.variant(config, name, "projection")
    return _stage(rule, dataset["experiment"], is_stream, projection)


def _stage(rule: str, experiment: str, is_stream: bool = False, projection: str = "") -> Stage:
    """Return a stage without the fields that do not affect its rule."""
    needs = STAGES[rule].needs if rule in STAGES else None
    is_shared = needs is not None and not (needs.files or needs.optional)
    return Stage(
        rule,
        "" if is_shared else experiment,
        is_stream and rule in LEARNING,
        projection if rule in PROJECTING else "",
    )


def own(modules: Iterable[str]) -> set[str]:
    """Return the loaded modules of Epochreel, without those that cannot change a result."""
    own = {name for name in modules if name.partition(".")[0] == "epochreel"}
    return {name for name in own if not code_digest._is_without_result(name)}


def distributions(modules: Iterable[str]) -> set[str]:
    """Return the packages of requirements.txt that loaded modules belong to."""
    tops = {name.partition(".")[0] for name in modules}
    return {package for top in tops for package in _distributions().get(top, ())}


@cache
def _distributions() -> dict[str, set[str]]:
    """Return top-level module name → the packages of requirements.txt that provide it."""
    lines = (REPOSITORY / "requirements.txt").read_text().splitlines()
    pinned = {normal(line.partition("==")[0]) for line in lines if "==" in line}
    return {
        top: pinned & {normal(name) for name in names}
        for top, names in packages_distributions().items()
    }


def normal(name: str) -> str:
    """Return a package's name as requirements spell it."""
    return re.sub("[-_.]+", "-", name).lower()
