"""Call a function that an experiment offers for planning, and report its errors in one line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from epochreel.core.errors import (
    UserError,
    describe_error,
    describe_experiment_error,
    printable,
)
from epochreel.experiment_api.loader import Experiment


def call(experiment: Experiment, module: str, function: str, settings: Mapping[str, Any]) -> Any:
    """Return what `function` in one of the experiment's files returns for a copy of `settings`.

    Iterables are returned as lists. Raises `UserError` if the function of a user's experiment
    fails.
    """
    try:
        found = getattr(experiment.load(module), function)(settings)
        is_several = isinstance(found, Iterable) and not isinstance(found, str | bytes)
        return list(found) if is_several else found
    except UserError as error:
        raise UserError(printable(str(error))) from error
    except (Exception, SystemExit) as error:
        if experiment.is_builtin:
            raise
        file = experiment.file(module)
        reason = describe_experiment_error(error) or f"{file}: {describe_error(error)}"
        raise UserError(reason) from error
