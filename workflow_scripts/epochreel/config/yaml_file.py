"""Load YAML and JSON, from files and from the command line, as plain values."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from epochreel.core.errors import UserError, first_line, printable, shown

DEFAULT = "config.yaml"
"""The config in the working folder, unless the command names others."""


def read_config(files: Sequence[str | Path], arguments: Iterable[str]) -> dict[str, Any]:
    """Return the config of a command: `files` merged in order, overridden by `arguments`.

    `files` and `arguments` are those of `--configfile` and `--config`. Files replace `DEFAULT`.
    Snakemake's own loader would merge the two, accept duplicate keys, and run Python if a file
    contains `__use_yte__`. Raises `UserError` for anything but plain YAML.
    """
    config: dict[str, Any] = {}
    for values in [*map(load_file, files or [DEFAULT]), *load_arguments(arguments)]:
        config = _merged(config, values)
    return config


def base_folder(files: Sequence[str | Path]) -> Path:
    """Return the folder from which relative paths in the config of `files` start."""
    return Path(files[-1] if files else DEFAULT).resolve().parent


def _merged(value: Any, over: Any) -> Any:
    """Return `over`; if both are objects, add the keys that only `value` has."""
    if not isinstance(over, dict):
        return over
    old = value if isinstance(value, dict) else {}
    return old | {key: _merged(old.get(key), part) for key, part in over.items()}


def load_yaml(text: str) -> Any:
    """Parse YAML into plain values; reject tags that build objects, and duplicate keys."""
    return yaml.load(text, _UniqueKeyLoader)


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Build a JSON object; `ValueError` for duplicate keys.

    The YAML loader then reads the text again and reports the line.
    """
    if len(dict(pairs)) < len(pairs):
        raise ValueError
    return dict(pairs)


class _UniqueKeyLoader(yaml.SafeLoader):
    """A safe YAML loader that rejects duplicate keys, where PyYAML would keep the last one."""

    def compose_mapping_node(self, anchor: str | None) -> yaml.MappingNode:
        node, seen = super().compose_mapping_node(anchor), set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and (key.tag, key.value) in seen:
                problem = f"duplicate key {shown(key.value)}"
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
            seen.add((key.tag, str(key.value)))
        return node


# Snakemake 9.27 passes `repr` of an argument to jobs; its Slurm plugin adds double quotes.
_CHANGED_BY_SHELLS = re.compile(r"[$`\\\x00-\x1f\x7f]")
_IN_A_FILE = "write it to a second config file, and pass both: --configfile config.yaml second.yaml"


class _ArgumentLoader(_UniqueKeyLoader):
    """Loader that also reads Python's None, and numbers such as 1e-3, text in YAML 1.1."""


_ArgumentLoader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)[eE][-+]?\d+$"),
    list("-+.0123456789"),
)
_ArgumentLoader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile("None$"), ["N"])


def load_arguments(arguments: Iterable[str]) -> list[dict[str, Any]]:
    """Parse the arguments of `--config`, `key=value` each, as objects with one key.

    Snakemake's own parser reads the values within lists and objects as text, and drops quotes.
    Raises `UserError` for a value that is not YAML.
    """
    return [_load_argument(argument) for argument in arguments]


def _load_argument(argument: str) -> dict[str, Any]:
    key, sign, text = argument.partition("=")
    if not sign:
        raise UserError(f"--config {printable(argument)}: expected key=value")
    if _CHANGED_BY_SHELLS.search(argument) or {"'", '"'} <= {*argument}:
        raise UserError(
            f"--config {printable(argument)}: Snakemake does not pass $, `, \\, line breaks, or "
            f"both kinds of quotes on to jobs; {_IN_A_FILE}"
        )
    try:
        return {key: yaml.load(text, _ArgumentLoader)}
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        problem = getattr(error, "problem", None) or first_line(error)
        raise UserError(
            f"--config {printable(argument)}: invalid YAML: {problem}; expected a value such as "
            f"--config 'runs={{name: {{epochs: 2}}}}', or {_IN_A_FILE}"
        ) from None


def retyped(
    config: dict[str, Any], read: Mapping[str, Any], arguments: Iterable[str]
) -> dict[str, Any]:
    """Return a module's config with the types of YAML in what came from the command line.

    `read` are the `arguments` as Snakemake read them into the config of the workflow that uses the
    module, of which the module may get a part. Those that are no YAML are not meant for the module.
    """
    for argument in arguments:
        with contextlib.suppress(UserError):
            typed = _load_argument(argument)
            config = _retyped(config, read, typed)
            for key, value in typed.items():
                config = _retyped(config, read.get(key), value)
    return config


def _retyped(value: Any, read: Any, typed: Any) -> Any:
    if isinstance(value, dict) and isinstance(read, Mapping) and isinstance(typed, dict):
        both = read.keys() & typed.keys()
        return {
            key: _retyped(part, read[key], typed[key]) if key in both else part
            for key, part in value.items()
        }
    return typed if value == read else value


def load_file(path: str | Path) -> dict[str, Any]:
    """Load the top-level object of a YAML or JSON file.

    Raises `UserError`, with the line if known, if the file cannot be read or parsed, or if its
    top level is not an object.
    """
    try:
        text = Path(path).read_text("utf-8")
        try:
            value = json.loads(text, object_pairs_hook=_unique_keys)
        except ValueError:
            value = load_yaml(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        hint = " (indent with spaces)" if "'\\t'" in str(error.problem) else ""
        line = f", line {mark.line + 1}" if mark else ""
        problem = error.problem or error.context
        raise UserError(f"{path}{line}: invalid YAML: {problem}{hint}") from None
    except OSError as error:
        raise UserError(f"{path} cannot be read: {first_line(error)}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UserError(f"{path}: invalid YAML: {first_line(error)}") from None
    if not isinstance(value, dict):
        found = "empty" if value is None else shown(value)
        raise UserError(f"{path} is {found}; expected an object")
    return value
