"""Check that the settings of a run are consistent."""

from __future__ import annotations

from itertools import pairwise

from epochreel.core.errors import UserError
from epochreel.experiment_api import source_checks, validation
from epochreel.film import timing
from epochreel.plan.run_settings import RunSettings


def check_run(run: RunSettings, where: str) -> None:
    """Check the constraints on a run's settings that a schema cannot express.

    `where` is the run's key in the config. Raises `UserError`.
    """
    settings = run.settings
    if run.snapshots > 999_999:
        raise UserError(
            f"config: {where}.epochs is {run.epochs}, which makes {run.snapshots} snapshots; "
            "expected at most 999999"
        )
    check_pace = timing.frames_to_share if run.is_paced_by_change else timing.frames_per_snapshot
    try:
        check_pace(settings["film"])
    except UserError as error:
        raise UserError(f"config: {where}.film: {error}") from None
    _check_schedule(run, f"{where}.snapshots")
    _check_time_axis(run, f"{where}.figure")
    _check_training(run, where)
    _check_sample(run, where)
    _check_calls(run)
    _check_transitions(run, where)
    _check_cast(run, f"{where}.figure.examples")
    _check_with_experiment(run, where)


def _check_schedule(run: RunSettings, where: str) -> None:
    per_epoch, steps = run.schedule.get("per_epoch", 1), run.schedule.get("steps", [])
    if per_epoch > run.steps_per_epoch:
        raise UserError(
            f"config: {where}.per_epoch is {per_epoch}; expected an integer ≤ "
            f"{run.steps_per_epoch} (training.steps_per_epoch)"
        )
    for index, (before, step) in enumerate(pairwise(steps), 1):
        if step <= before:
            raise UserError(
                f"config: {where}.steps.{index} is {step}; expected an integer > {before}, the "
                "step before it"
            )
    end = run.epochs * run.steps_per_epoch
    if steps and steps[-1] > end:
        epochs = -(-steps[-1] // run.steps_per_epoch)  # rounded up
        raise UserError(
            f"config: {where}.steps.{len(steps) - 1} is {steps[-1]}; expected an integer ≤ {end}, "
            f"the steps of {run.epochs} epoch(s): set epochs to at least {epochs}"
        )


def _check_time_axis(run: RunSettings, where: str) -> None:
    axis, start = run.figure["time_axis"], run.time_start
    if axis is None:
        return
    last, unit = run.position(run.snapshots - 1), run.figure["time_unit"]
    if axis < last:
        raise UserError(
            f"config: {where}.time_axis is {axis}; expected a number ≥ {last:.10g}, the run's last "
            f"snapshot in {unit}"
        )
    if run.figure["time_scale"] == "log" and axis <= start:
        raise UserError(
            f"config: {where}.time_axis is {axis}; expected a number > {start:g}, where the "
            "logarithmic axis begins"
        )


def _check_training(run: RunSettings, where: str) -> None:
    optimizer, schedule = run.training["optimizer"], run.training["schedule"]
    # torch rejects this too, but only in the first job, when it creates the optimizer.
    if optimizer.get("nesterov") and (not optimizer["momentum"] or optimizer["dampening"]):
        raise UserError(
            f"config: {where}.training.optimizer.nesterov is true; expected false, or momentum > 0 "
            "and dampening 0"
        )
    warmup = schedule.get("warmup_steps", 0)
    if schedule["name"] == "cosine" and warmup >= schedule["decay_steps"]:
        raise UserError(
            f"config: {where}.training.schedule.warmup_steps is {warmup}; expected an integer "
            f"< {schedule['decay_steps']} (decay_steps)"
        )
    if schedule["name"] == "plateau" and not run.dataset.settings["validation"]:
        raise UserError(
            f"config: {where}.training.schedule.name is 'plateau', which needs a validation set; "
            f"expected datasets.{run.dataset.name}.validation ≥ 1"
        )


def _check_sample(run: RunSettings, where: str) -> None:
    count = run.settings["evaluation"]["train_sample"]
    stored = 0 if run.dataset.is_stream else run.dataset.settings["train"]
    if count > stored:
        raise UserError(
            f"config: {where}.evaluation.train_sample is {count}; expected an integer ≤ {stored} "
            f"(the stored training examples of the dataset '{run.dataset.name}')"
        )
    file = run.experiment.file("evaluation")
    if count and not source_checks.accepts(file, "evaluate", 3):  # The third is the sample.
        raise UserError(
            f"config: {where}.evaluation.train_sample is {count}; expected 0, since evaluate in "
            f"{file} takes no training sample"
        )


def _check_calls(run: RunSettings) -> None:
    """Check the functions that this run calls but other runs of the experiment may not call."""
    if run.experiment.is_builtin:
        return
    if run.dataset.is_stream:
        source_checks.check_call(run.experiment, "data", "draw")
    if not run.settings["evaluation"]["train_sample"]:
        source_checks.check_call(run.experiment, "evaluation", "evaluate")


def _check_transitions(run: RunSettings, where: str) -> None:
    count = run.figure["tweens"]
    if count and not run.projects:
        raise UserError(
            f"config: {where}.figure.tweens is {count}; expected 0, since the experiment "
            f"'{run.dataset.settings['experiment']}' has no projection"
        )


def _check_cast(run: RunSettings, where: str) -> None:
    count = run.dataset.settings["test"]
    for index, number in enumerate(run.figure["examples"] or ()):
        if number >= count:
            raise UserError(
                f"config: {where}.{index} is {number}; expected an integer < {count}, the number "
                f"of test examples in the dataset '{run.dataset.name}'"
            )


def _check_with_experiment(run: RunSettings, where: str) -> None:
    settings = {
        "data": run.dataset.settings["settings"],
        "network": run.network,
        "figure": run.figure["settings"],
        "film": run.settings["film"],
        "examples": run.figure["examples"],
        "test": run.dataset.settings["test"],
        "train_sample": run.settings["evaluation"]["train_sample"],
    }
    for key, words in validation.contradictions(run.experiment, settings):
        raise UserError(f"config: {where}.{key} {words}")
