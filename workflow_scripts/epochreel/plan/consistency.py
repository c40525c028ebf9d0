"""Check that the settings of a run go together."""

from __future__ import annotations

import copy

from epochreel.core.bundled_fonts import bundled
from epochreel.core.errors import UserError, shown
from epochreel.experiment_api import source_checks, validation
from epochreel.film import timing
from epochreel.plan.run_settings import RunSettings

_TITLE_FONT = "DejaVuSans-Bold.ttf"


def check_run(run: RunSettings, where: str) -> None:
    """Refuse a run, `where` in the config, with settings that do not go together (`UserError`)."""
    settings, training = run.settings, run.settings["training"]
    batches = training["batches_per_epoch"]
    if settings["snapshots_per_epoch"] > batches:
        raise UserError(
            f"config: '{where}.snapshots_per_epoch' holds {settings['snapshots_per_epoch']}; "
            f"it may hold at most one snapshot a batch, and an epoch has {batches}"
        )
    if run.snapshots > 999_999:
        raise UserError(
            f"config: '{where}.epochs' makes {run.snapshots} snapshots; "
            "six digits name at most 999999"
        )
    try:
        timing.frames_per_snapshot(settings["film"])
    except UserError as error:
        raise UserError(f"config: '{where}.film': {error}") from None
    axis = run.figure["time_axis"]
    if axis is not None and axis < settings["epochs"]:
        raise UserError(
            f"config: '{where}.figure.time_axis' holds {axis}; "
            f"it may hold {settings['epochs']} (the run's epochs) or more"
        )
    if training["plateau_batches"] and not run.dataset.settings["validation"]:
        raise UserError(
            f"config: '{where}.training.plateau_batches' holds {training['plateau_batches']}, "
            f"and the dataset '{run.dataset.name}' has no validation examples to look at"
        )
    _check_sample(run, where)
    _check_calls(run)
    _check_transitions(run, where)
    lacking = "" if settings["title"].isascii() else missing_glyphs(settings["title"])
    if lacking:
        raise UserError(
            f"config: '{where}.title' has the letter {shown(lacking[0])}, which the frames' "
            "font (DejaVu Sans) lacks; it may hold letters of that font"
        )
    _check_with_experiment(run, where)


def _check_sample(run: RunSettings, where: str) -> None:
    asked = run.settings["evaluation"]["train_sample"]
    stored = 0 if run.dataset.is_stream else run.dataset.settings["train"]
    if asked > stored:
        raise UserError(
            f"config: '{where}.evaluation.train_sample' holds {asked}; the dataset "
            f"'{run.dataset.name}' stores {stored} training examples"
        )
    file = run.experiment.file("evaluation")
    if asked and not source_checks.accepts(file, "evaluate", 3):  # The third is the sample.
        raise UserError(
            f"config: '{where}.evaluation.train_sample' holds {asked}; evaluate in "
            f"{file} takes the test set alone: it may hold 0"
        )


def _check_calls(run: RunSettings) -> None:
    """Check the functions that this run calls and another of the experiment might not."""
    if run.experiment.is_builtin:
        return
    if run.dataset.is_stream:
        source_checks.check_call(run.experiment, "data", "draw")
    if not run.settings["evaluation"]["train_sample"]:
        source_checks.check_call(run.experiment, "evaluation", "evaluate")


def _check_transitions(run: RunSettings, where: str) -> None:
    asked, frames = run.figure["transitions"], timing.frames_per_snapshot(run.settings["film"])
    if asked and not run.projects:
        raise UserError(
            f"config: '{where}.figure.transitions' holds {asked}; the experiment "
            f"'{run.dataset.settings['experiment']}' projects no points: it may hold 0"
        )
    if asked >= frames and asked:
        raise UserError(
            f"config: '{where}.figure.transitions' holds {asked}; it may hold at most {frames - 1}, "
            f"since a snapshot is shown for {frames} film frame(s) (film.seconds_per_snapshot)"
        )


def _check_with_experiment(run: RunSettings, where: str) -> None:
    asked = {
        "data": run.dataset.settings["settings"],
        "network": run.network,
        "figure": run.figure["settings"],
        "film": run.settings["film"],
        "test": run.dataset.settings["test"],
        "train_sample": run.settings["evaluation"]["train_sample"],
    }
    # Code of a person's own may change what it is given; the plan keeps what it has checked.
    for key, words in validation.contradictions(run.experiment, copy.deepcopy(asked)):
        raise UserError(f"config: '{where}.{key}' {words}")


def missing_glyphs(title: str) -> str:
    """Return the characters of a title for which the frames' font has no glyph."""
    from fontTools.ttLib import TTFont  # Imported here: most titles are plain ASCII.

    with TTFont(bundled(_TITLE_FONT), lazy=True) as font:
        known = font.getBestCmap()
    return "".join(letter for letter in title if ord(letter) not in known)
