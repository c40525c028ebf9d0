"""Reasons for reruns: what changed, named as in the config.

Snakemake says that params have changed, and only of jobs that follow no other. Here the recorded
params of each job are compared with the new ones: both contain the fingerprint of the stage as JSON
(see `provenance.keys`).
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

_MISSING, _FORCED, _ALWAYS = "missing", "forced", "runs on every request"
_STATES = {_MISSING, _FORCED, _ALWAYS}
_MOST = 3  # changes that are listed for one stage
_DIGEST = re.compile("[0-9a-f]{40,}")
_DATASET = "dataset"  # The section of the dataset while settings are compared.
# The sections in the config of what a stage's settings hold without one.
_SECTIONS = dict.fromkeys(("data", "examples", "dataset"), _DATASET)
_SECTIONS |= dict.fromkeys(("width", "height", "tweens"), "figure")
_SECTIONS |= dict.fromkeys(("steps_per_epoch", "batch_size"), "training")
# Keys that select the others of an object: if one differs, the others are of another kind.
_SELECTORS = {
    (_DATASET,): "experiment",
    ("network",): "name",
    ("projection",): "name",
    ("snapshots",): "schedule",
    ("training", "optimizer"): "name",
    ("training", "schedule"): "name",
}
# Objects that a stage selects keys for. What only one of two has follows from another setting.
_SELECTED = ((), (_DATASET,), ("figure",), ("film",), ("training",))
# What is in a fingerprint, but not in the config.
_NOT_IN_CONFIG = {
    "film.version": "the system's ffmpeg",
    "figure.time_start": "the start of the time axis",
    "snapshot": "last snapshot",
    "sentence_snapshots": "the number of snapshots per sentence",
    "first_sentence_snapshots": "the number of snapshots of the first sentence",
}


@dataclass(frozen=True)
class Whole:
    """The run or split of which a job makes a part: `size` of `total` snapshots or examples.

    `before` is the dataset that the run had before.
    """

    dataset: str = ""
    total: int = 0
    size: int = 0
    before: str = ""


@dataclass(frozen=True)
class Why:
    """Why a job runs: its own `causes`, or the rules that it `follows` because they run."""

    causes: tuple[str, ...] = ()
    follows: tuple[str, ...] = ()

    @classmethod
    def of(cls, rule: str, jobs: Iterable[Why]) -> Why:
        """Combine the reasons of a rule's jobs; an earlier block of the same rule is no reason."""
        jobs = list(jobs)
        causes = dict.fromkeys(chain.from_iterable(job.causes for job in jobs))
        follows = dict.fromkeys(chain.from_iterable(job.follows for job in jobs))
        return cls(tuple(causes), tuple(name for name in follows if name != rule))

    @property
    def changes(self) -> list[str]:
        """Return the changes that were made before this command."""
        return [cause for cause in self.causes if cause not in _STATES]

    def __str__(self) -> str:
        parts = [_listed(self.changes)] if self.changes else []
        parts += [cause for cause in self.causes if cause in _STATES]
        parts += [f"follows {_listed(self.follows)}"] if self.follows else []
        return "; ".join(parts)


def _listed(names: Iterable[str]) -> str:
    names = list(names)
    more = f" and {len(names) - _MOST} more" if len(names) > _MOST else ""
    return ", ".join(names[:_MOST]) + more


def why(dag: Any, job: Any, whole: Whole) -> Why:
    """Return why Snakemake runs a job."""
    reason, persistence = dag.reason(job), dag.workflow.persistence
    before = [each for each in dag.dependencies[job] if dag.needrun(each)]
    running = sorted({each.rule.name for each in before})
    updated = set(map(str, reason.updated_input)) - set(map(str, reason.updated_input_run))
    # The record of a temporary file is deleted with it, so not every output has one.
    recorded = next((file for file in ends(job.output) if persistence.metadata(file)), None)
    own, read = [], []
    if recorded is not None:
        own = _changed_blocks(next(iter(persistence.log(recorded) or ()), ""), job)
        whole = replace(whole, size=0) if own else whole
        changed, read = _changed_params(persistence.params_changed(job, file=recorded), whole)
        own += changed
        # Inputs that are other files than before usually follow from a setting, and their times
        # then say nothing; or they are made by this command.
        inputs, now = set(persistence.input(recorded) or ()), set(map(str, job.input))
        updated &= inputs
        added = now - inputs
        is_followed = added and added <= {str(file) for each in before for file in each.output}
        if not own and not updated and not is_followed:
            own = _changed_inputs(inputs, now, bool(reason.input_changed))
    own += [f"{sorted(updated)[0]} changed"] if updated else []
    own += ["previously interrupted"] if reason._incomplete_output else []
    if reason.forced or reason.nooutput or reason.noio:
        return Why((*own, _FORCED if reason.forced else _ALWAYS))
    if own or reason.missing_output:
        return Why(tuple(own) or (_MISSING,))
    follows = [name for name in read if name in running] or running
    unexplained = [] if follows else [f"reads: {name} changed" for name in read]
    return Why(tuple(unexplained), tuple(follows))


def ends(files: Any) -> list[Any]:
    """Return the first and the last of some files."""
    return [*files[:1], *files[-1:]]


def dataset_before(dag: Any, job: Any) -> str | None:
    """Return the dataset whose shards a job read when its output was made, if any."""
    for file in ends(job.output):
        for path in dag.workflow.persistence.input(file) or ():
            if path.startswith("results/datasets/"):
                return path.split("/")[2]
    return None


def _changed_params(change: Any, whole: Whole) -> tuple[list[str], list[str]]:
    """Return what changed in a job's params, and the stages that it reads whose keys changed."""
    if not change:
        return [], []
    before, after = _fingerprint(change.only_old), _fingerprint(change.only_new)
    if before is None or after is None:
        return [], []  # A digest of what the job reads, or the content of a manifest.
    return changes(before, after, whole)


def _fingerprint(params: Iterable[str]) -> dict[str, Any] | None:
    """Return the fingerprint among params, which Snakemake records as `repr` of their values."""
    for param in sorted(params):
        try:
            found = json.loads(ast.literal_eval(param))
        except (ValueError, SyntaxError, TypeError):
            continue
        if isinstance(found, dict) and "settings" in found and "reads" in found:
            return found
    return None


def changes(
    before: Mapping[str, Any], after: Mapping[str, Any], whole: Whole
) -> tuple[list[str], list[str]]:
    """Compare two fingerprints of a stage.

    Returns what changed in settings, versions, code and the user's files, each in a few words, and
    the names of the stages that it reads whose keys changed.
    """
    both = _as_in_config(before), _as_in_config(after)
    own = [_named(whole, *each) for each in _differences(*both)]
    own += _resized(before, after, whole)
    for path, *values in _differences(before["versions"], after["versions"], selected=()):
        own.append(f"{path[0]} {_shown(values[0])} → {_shown(values[1])}")
    if before["code"] != after["code"]:
        own.append("code changed")
    if before.get("sources") != after.get("sources"):
        own.append("the user's files changed")
    read = [path[0] for path, *_ in _differences(before["reads"], after["reads"], selected=())]
    if not own and not read:
        own = [_named(whole, *each) for each in _differences(*both, selected=())]
    return list(dict.fromkeys(own)), read


def _as_in_config(fingerprint: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a fingerprint in the sections of the config.

    The settings of a shard are all of its dataset. The pages of a run show its settings.
    """
    settings = {name: fingerprint[name] for name in ("snapshots",) if name in fingerprint}
    settings |= fingerprint["settings"]
    if "split" in fingerprint:
        return {_DATASET: settings}
    found: dict[str, Any] = {}
    for name, value in (settings | settings.get("shown", {})).items():
        section = _SECTIONS.get(name, name)
        if isinstance(value, Mapping):
            found[section] = {**found.get(section, {}), **value}
        elif section != name:
            found[section] = {**found.get(section, {}), name: value}
        else:
            found[name] = value
    return {name: value for name, value in found.items() if name != "shown"}


def _differences(
    before: Any,
    after: Any,
    path: tuple[str, ...] = (),
    selected: tuple[tuple[str, ...], ...] = _SELECTED,
) -> list[tuple[tuple[str, ...], Any, Any]]:
    """Return the path of each value that differs, with both values; None where there is none."""
    if not (isinstance(before, Mapping) and isinstance(after, Mapping)):
        return [(path, before, after)] if before != after else []
    names = list({**before, **after})
    if path in selected:
        names = [name for name in names if name in before and name in after]
    selector = _SELECTORS.get(path)
    if selector and before.get(selector) != after.get(selector):
        names = [selector]
    pairs = ((name, before.get(name), after.get(name)) for name in names)
    return [each for name, *two in pairs for each in _differences(*two, (*path, name), selected)]


def _resized(before: Mapping[str, Any], after: Mapping[str, Any], whole: Whole) -> list[str]:
    """Return how the whole has grown or shrunk, if a block, segment or shard of it has."""
    parts = [(each["first"], each["count"]) for each in (before, after) if "first" in each]
    if len(parts) < 2 or parts[0] == parts[1] or not whole.size:
        return []
    (first, count), now = parts[0], sum(parts[1])
    is_other_size = first != parts[1][0] or count > whole.size or first + count > now < whole.total
    if "split" in after and is_other_size:
        return [f"datasets.{whole.dataset}.examples_per_shard changed"]
    # A full one may have been followed by others.
    was = first + count if count < whole.size else "…"
    path = (_DATASET, after["split"]) if "split" in after else ("snapshots",)
    return [_named(whole, path, was, whole.total)]


def _changed_blocks(log: str, job: Any) -> list[str]:
    """Return how the size of blocks has changed: their names have a digit less per power of 10."""
    before, after = Path(log).stem, job.wildcards.get("block", "")
    if not after or not before.isdecimal() or len(before) == len(after):
        return []
    return [_change("snapshots_per_block", *(10 ** (6 - len(name)) for name in (before, after)))]


def _changed_inputs(before: set[str], now: set[str], is_reordered: bool) -> list[str]:
    """Return the first input that was added or removed."""
    for sign, found in (("+", now - before), ("−", before - now)):
        if found:
            return [f"inputs: {sign} {sorted(found)[0]}"]
    return ["inputs: different order"] if is_reordered else []


def _named(whole: Whole, path: tuple[str, ...], before: Any, after: Any) -> str:
    """Name the config key of a path, or what it is if it is not in the config, and the change."""
    if path[0] == _DATASET and whole.before not in ("", whole.dataset):
        return _change("dataset", whole.before, whole.dataset)
    if path == ("snapshots",) and isinstance(after, int):  # In the config it is a schedule.
        return f"{_shown(before)} → {after} snapshots"
    name = ".".join(("datasets", whole.dataset, *path[1:]) if path[0] == _DATASET else path)
    return _change(_NOT_IN_CONFIG.get(name, name), before, after)


def _change(name: str, before: Any, after: Any) -> str:
    if any(isinstance(value, str) and _DIGEST.fullmatch(value) for value in (before, after)):
        return f"{name} changed"
    return f"{name}: {_shown(before)} → {_shown(after)}"


def _shown(value: Any) -> str:
    text = "–" if value is None else value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 40 else f"{text[:39]}…"
