"""The schemas of the config: the shared one, which documents all keys, and the experiments'."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from epochreel.config import schema, yaml_file
from epochreel.experiment_api import validation
from epochreel.experiment_api.loader import Experiment
from epochreel.provenance.code_digest import LIBRARY

SCHEMA = LIBRARY.parents[1] / "config.schema.yaml"


@cache
def shared() -> Mapping[str, Any]:
    """Return the content of config.schema.yaml."""
    return yaml_file.load_yaml(SCHEMA.read_text("utf-8"))


@cache
def of_experiment(experiment: Experiment) -> Mapping[str, Any]:
    """Return the schemas of an experiment's settings, by part: data, network, figure."""
    file = experiment.folder / validation.SCHEMA
    parts = validation.parts(file) if file.is_file() else {}
    network = {"network": schema.by_name(parts["networks"])} if "networks" in parts else {}
    return {**parts, **network}
