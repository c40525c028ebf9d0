"""Reasons for reruns: what changed, named as in the config.

Snakemake says only that params have changed. This module compares the recorded params with the new
ones: both contain the fingerprint of the stage as JSON (see `provenance.keys`).
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

_MISSING, _FORCED, _ALWAYS = "missing", "forced", "runs on every request"
_MOST = 3  # changes listed for one stage
_DIGEST = re.compile("[0-9a-f]{40,}")
# Keys that select a mapping's other keys: if one differs, comparing the others makes no sense.
_SELECTORS = ("name", "experiment", "schedule")
# Parts of a fingerprint that are compared separately, or follow from `count`.
_OTHERS = {"settings", "code", "versions", "reads", "first", "steps"}
_NAMES = {"count": "snapshots in its block", "sources": "the user's files"}

Names = Callable[[tuple[str, ...]], str]


@dataclass(frozen=True)
class Why:
    """Why a job runs: its own `causes`, or the rules that it `follows` because they run."""

    causes: tuple[str, ...] = ()
    follows: tuple[str, ...] = ()

    @classmethod
    def of(cls, rule: str, jobs: Iterable[Why]) -> Why:
        """Combine the reasons of a rule's jobs; an earlier block of the same rule is no reason."""
        jobs = list(jobs)
        causes, follows = (
            tuple(dict.fromkeys(chain.from_iterable(parts)))
            for parts in ((job.causes for job in jobs), (job.follows for job in jobs))
        )
        return cls(causes) if causes else cls((), tuple(n for n in follows if n != rule))

    @property
    def is_change(self) -> bool:
        """Return whether the reason is a change, made before this command."""
        return bool({*self.causes} - {_MISSING, _FORCED, _ALWAYS})

    def __str__(self) -> str:
        named = [cause for cause in self.causes if cause != _MISSING]
        shown = named or self.causes or self.follows
        more = f" and {len(shown) - _MOST} more" if len(shown) > _MOST else ""
        return ("" if self.causes else "follows ") + ", ".join(shown[:_MOST]) + more


def why(dag: Any, job: Any, names: Names) -> Why:
    """Return why Snakemake runs a job; `names` returns the config key of a path of settings."""
    reason = dag.reason(job)
    if reason.forced or reason.nooutput or reason.noio:
        return Why((_FORCED if reason.forced else _ALWAYS,))
    own, read = _changed_params(reason.params_changed, names)
    if reason.input_changed:
        own += [f"inputs: {_changed_inputs(dag, job)}"]
    if reason._incomplete_output:
        own += ["previously interrupted"]
    if updated := set(reason.updated_input) - set(reason.updated_input_run):
        own += [f"{sorted(map(str, updated))[0]} changed"]
    running = sorted({each.rule.name for each in dag.dependencies[job] if dag.needrun(each)})
    if own or reason.missing_output:
        return Why(tuple(own) or (_MISSING,))
    follows = [name for name in read if name in running] or running
    unexplained = [] if follows else [f"reads: {name} changed" for name in read]
    return Why(tuple(unexplained), tuple(follows))


def _changed_params(change: Any, names: Names) -> tuple[list[str], list[str]]:
    """Return what changed in a job's params, and the stages that it reads whose keys changed."""
    if not change:
        return [], []
    before, after = _fingerprint(change.only_old), _fingerprint(change.only_new)
    if before is None or after is None:
        return [], []  # A digest of what the job reads, or the content of a manifest.
    return changes(before, after, names)


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
    before: Mapping[str, Any], after: Mapping[str, Any], names: Names
) -> tuple[list[str], list[str]]:
    """Compare two fingerprints of a stage.

    Returns what changed in settings, versions, code and the user's files, each in a few words, and
    the names of the stages that it reads whose keys changed.
    """
    own = [
        _change(names(path), *values)
        for path, *values in _differences(before["settings"], after["settings"])
    ]
    for path, *values in _differences(before["versions"], after["versions"]):
        own.append(f"{path[0]} {_shown(values[0])} → {_shown(values[1])}")
    if before["code"] != after["code"]:
        own.append("code changed")
    rest = ({k: v for k, v in each.items() if k not in _OTHERS} for each in (before, after))
    for path, *values in _differences(*rest):
        own.append(_change(_NAMES.get(path[0], ".".join(path)), *values))
    read = [path[0] for path, *_ in _differences(before["reads"], after["reads"])]
    return own, read


def _differences(
    before: Any, after: Any, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Any, Any]]:
    """Yield the path of each value that differs, with both values; None where there is none."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        selected = [n for n in _SELECTORS if before.get(n) != after.get(n)]
        for name in selected or {**before, **after}:
            yield from _differences(before.get(name), after.get(name), (*path, name))
    elif before != after:
        yield path, before, after


def _change(name: str, before: Any, after: Any) -> str:
    if any(isinstance(value, str) and _DIGEST.fullmatch(value) for value in (before, after)):
        return f"{name} changed"
    return f"{name}: {_shown(before)} → {_shown(after)}"


def _shown(value: Any) -> str:
    text = "–" if value is None else value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 40 else f"{text[:39]}…"


def _changed_inputs(dag: Any, job: Any) -> str:
    """Return the first input that was added or removed."""
    now = set(map(str, job.input))
    before = set(dag.workflow.persistence.input(job.output[0]) or ())
    for sign, found in (("+", now - before), ("−", before - now)):
        if found:
            return f"{sign} {sorted(found)[0]}"
    return "different order"


def config_key(path: tuple[str, ...], run: Mapping[str, Any], dataset: str) -> str:
    """Return the config key of a path of a stage's settings, as far as it can be known.

    `run` are the run's settings. A stage has some of their keys without the section, such as
    `width` for `figure.width`, and those of the run's dataset as `data` and `examples`.
    """
    if path[0] in ("data", "examples"):
        return ".".join(["datasets", dataset, *path[1:]])
    sections = [name for name, value in run.items() if isinstance(value, Mapping)]
    for section in () if path[0] in run else sections:
        if path[0] in run[section]:
            return ".".join([section, *path])
    return ".".join(path)
