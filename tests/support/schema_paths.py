"""The keys of config.schema.yaml as dotted paths."""

from pathlib import Path

import yaml

from epochreel.experiment_api import loader
from epochreel.plan import schemas

MANUAL = yaml.safe_load(schemas.SCHEMA.read_text())


def paths_of(part, prefix=""):
    """Yield the dotted paths of all keys of the schema, with names for run and dataset."""
    if "$ref" in part:
        part = MANUAL["$defs"][part["$ref"].split("/")[-1]]
    for name, value in part.get("properties", {}).items():
        yield f"{prefix}{name}"
        yield from paths_of(value, f"{prefix}{name}.")
    if isinstance(part.get("additionalProperties"), dict):
        name = {"datasets.": "points", "runs.": "tiny"}[prefix]
        yield f"{prefix}{name}"
        yield from paths_of(part["additionalProperties"], f"{prefix}{name}.")


def put(config: dict, path: str, value) -> dict:
    """Set `value` at the dotted `path` of `config`, with missing keys added; return `config`."""
    *parents, key = path.split(".")
    part = config
    for name in parents:
        part = part.setdefault(name, {})
    part[key] = value
    return config


def schema_of(experiment: str) -> dict:
    """Return the settings schemas of a built-in experiment, by part."""
    return schemas.of_experiment(loader.find(experiment, Path()))
