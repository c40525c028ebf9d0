"""Whether the functions of an experiment of one's own take what they are called with.

Their text tells; no code is run. What is decorated, imported or otherwise made may take anything.
"""

from __future__ import annotations

from epochreel.core.errors import UserError
from epochreel.experiment_api.interface import CALLS
from epochreel.experiment_api.loader import Experiment

_SAMPLE = 3  # what `evaluate` is called with where a sample of the training set is tried, too


def refuse_others(experiment: Experiment) -> None:
    """Refuse the first function of an experiment that cannot be called as `CALLS` says.

    What no run may ever call is left alone, and what depends on the run: see `refuse_other`.
    Raises `UserError` with file, function and call.
    """
    for module, functions in CALLS.items():
        for name in functions if experiment.file(module).is_file() else ():
            if not _is_of_a_run(experiment, module, name):
                refuse_other(experiment, module, name)


def _is_of_a_run(experiment: Experiment, module: str, name: str) -> bool:
    if name == "evaluate":
        return experiment.takes(module, name, _SAMPLE)
    if name == "sentence":  # Then it is a name like any other.
        return experiment.defines(module, "sentences")
    return name == "draw"  # That is called for streams alone.


def refuse_other(experiment: Experiment, module: str, name: str) -> None:
    """Refuse that function if it is defined and cannot be called as `CALLS` says (`UserError`)."""
    given = CALLS[module][name]
    if experiment.takes(module, name, len(given)) or not experiment.defines(module, name):
        return
    raise UserError(
        f"{experiment.file(module)}: {name} does not take what it is called with: "
        f"define it as {name}({', '.join(given)})"
    )
