"""The schemas of the config: the shared one, which is its manual, and those of experiments."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from epochreel.config import schema, yaml_file
from epochreel.experiment_api import validation
from epochreel.experiment_api.loader import Experiment
from epochreel.plan.stages import SCRIPTS

SCHEMA = SCRIPTS.parent / "config.schema.yaml"


@cache
def shared() -> Mapping[str, Any]:
    """What config.schema.yaml says."""
    return yaml_file.load_yaml(SCHEMA.read_text("utf-8"))


def of_experiment(experiment: Experiment) -> Mapping[str, Any]:
    """The schemas of an experiment's own settings, by part: data, network, figure."""
    file = experiment.folder / validation.SCHEMA
    parts = {}
    if experiment.is_builtin:
        parts = shared()["$defs"].get(experiment.folder.name, {})
    elif file.is_file():
        parts = validation.parts(file)
    network = {"network": schema.by_name(parts["networks"])} if "networks" in parts else {}
    return {**parts, **network}
