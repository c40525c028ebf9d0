"""The table of reruns: a plan confirms every row, and no key, module or package is missing.

`tests/promises/test_reruns*.py` confirm the rows with dry runs of a finished workflow.
"""

from __future__ import annotations

import ast
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import planned_jobs
import pytest
import rerun_rows
import reruns
import schema_paths
from rerun_packages import ONLY_IMPORTED, WATCHING
from workflow import with_key

from epochreel.film import ffmpeg
from epochreel.provenance import code_digest

CONFIG = reruns.world_config()
# These keys change which files exist, which a plan does not see.
SEEN_IN_FILES = [
    ("main_run", "cells"),
    ("runs.sheets.keep_checkpoints", "last"),
    ("runs.cells.keep_checkpoints", "all"),
    ("runs.cells.evaluation.batch_size", 30),
]


@pytest.fixture(scope="module")
def before(tmp_path_factory) -> planned_jobs.Settings:
    return planned_jobs.settings_of(CONFIG, tmp_path_factory.mktemp("plan"))


@pytest.mark.parametrize("row", reruns.ROWS, ids=lambda row: f"{row.key}={row.value}")
def test_a_key_changes_only_the_rules_in_its_row(before, tmp_path, monkeypatch, row):
    monkeypatch.setattr(ffmpeg, "ffmpeg_version", lambda film: film["ffmpeg"])
    config = with_key(CONFIG, row.key, row.value)
    jobs = planned_jobs.changed(config, before, planned_jobs.settings_of(config, tmp_path))
    expected = reruns.expected(config, row)
    if (row.key, row.value) in SEEN_IN_FILES:
        assert jobs < expected
    else:
        assert jobs == expected


def test_every_key_of_the_schema_has_a_row():
    named = {_general(row.key) for row in reruns.SHARED} | set(rerun_rows.OTHERS)
    keys = {_general(key) for key in schema_paths.paths_of(schema_paths.MANUAL)}
    whole = {key for key in keys if any(other.startswith(f"{key}.") for other in keys)}
    experiments_own = {"datasets.*.settings", "runs.*.figure.settings"}
    assert keys - whole - experiments_own <= named


def _general(key: str) -> str:
    """Return a key without the names of datasets and runs."""
    parts = key.split(".")
    return ".".join([parts[0], "*", *parts[2:]]) if len(parts) > 1 else key


@pytest.mark.parametrize("experiment", reruns.world_experiments())
def test_every_key_of_an_experiment_has_a_row(experiment):
    config, named = reruns.world_config(), set()
    for row in reruns.EXPERIMENT_ROWS[experiment]:
        part, name, kind, *path = row.key.split(".")
        own = part == "runs" and reruns.variant(config, name, kind)
        named.add(("data" if part == "datasets" else kind, own or "", path[-1]))
    assert named == set(_own_keys(experiment))


def _own_keys(experiment: str):
    rules = schema_paths.schema_of(experiment)
    for part in ("data", "figure"):
        keys = rules.get(part, {}).get("properties", {})
        yield from ((part, "", key) for key in keys)
    chosen = {"network": rules["networks"]}
    if (code_digest.LIBRARY / "experiments" / experiment / "projection.py").is_file():
        chosen["projection"] = schema_paths.MANUAL["$defs"]["projections"]
    for kind, choices in chosen.items():
        for name, about in choices.items():
            yield from ((kind, name, key) for key in about.get("properties", {}))


def test_every_built_in_experiment_is_in_the_miniature_config():
    built_in = {path.parent.name for path in code_digest.LIBRARY.glob("experiments/*/model.py")}
    assert set(reruns.world_experiments()) == built_in == set(reruns.EXPERIMENT_ROWS)


MODULES = reruns.modules()
IDLE = {"preview", "publish", "save_network", "verify", "write_manifest"}
PLANNING = {"epochreel.config", "epochreel.plan", "epochreel.runtime"}
IDLE |= {f"epochreel.artifacts.{name}" for name in ("manifest", "verification")}
IDLE |= {f"epochreel.experiment_api.{name}" for name in ("source_checks", "validation")}
IDLE |= {"epochreel.provenance.code_digest", "epochreel.training.system_sampler"}
IDLE |= {"epochreel.film.summary"}
IDLE |= {f"epochreel.core.{name}" for name in ("errors", "lock", "log")}
IDLE |= {f"epochreel.experiments.{name}.checks" for name in ("activations", "words", "sheets")}


def test_every_module_is_run_by_a_stage_or_known_to_affect_no_result():
    planning = {name for name in MODULES if ".".join(name.split(".")[:2]) in PLANNING}
    assert set(reruns.idle()) == IDLE | planning


@pytest.mark.parametrize("projection", reruns._projections())
@pytest.mark.parametrize("experiment", reruns.world_experiments())
def test_a_stage_depends_on_the_version_of_each_package_it_imports(experiment, projection):
    distributions = packages_distributions()
    stages = reruns.stages_of(experiment, projections=[projection])
    for rule, (modules, packages) in stages.items():
        for name in modules:
            imported = {top for top in _imports(MODULES[name]) if top in distributions}
            used = {distributions[top][0].lower() for top in imported} - WATCHING
            assert used <= packages | ONLY_IMPORTED.get(rule, set()), f"{rule}: {name}"


def _imports(path: Path) -> set[str]:
    """Return the top-level names of the third-party packages that a module imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(node.module.partition(".")[0])
    return found - set(sys.stdlib_module_names) - {"epochreel"}
