"""Invalid commands stop with one line before any job."""

import pytest
from workflow import Workplace, alone, with_key


@pytest.mark.parametrize(
    "key, value, words",
    [
        ("epoch", 3, "unknown key runs.sheets.epoch; expected one of title, dataset"),
        ("film.crf", "good", "runs.sheets.film.crf is 'good'; expected an integer"),
        ("training.optimizer.learning_rate", "1e-3", "write 1e-3 as 1.0e-3"),
        ("snapshots.per_epoch", 7, "expected an integer ≤ 6"),
        ("snapshots_per_epoch", 4, "is now runs.sheets.snapshots.per_epoch"),
        ("dataset", "none", "runs.sheets.dataset is 'none'; expected one of few_sheets"),
        ("network.name", "vast", "one of local, tuned, deep, cells"),
        ("figure.width", 641, "a multiple of 2"),
    ],
)
def test_any_invalid_config_stops_with_one_line_before_any_job(tmp_path, key, value, words):
    config = with_key(alone("sheets"), f"runs.sheets.{key}", value)
    assert words in Workplace(tmp_path, config).refusal()


@pytest.mark.parametrize(
    "target, words",
    [
        ("./results//sheets/frames/000020.png", "run 'sheets' ends at snapshot 000012"),
        ("results/none/training.mp4", "there is no run 'none'"),
        ("results/sheets/transitions/000003.png", "run 'sheets' has no transitions"),
        ("results/sheets/projections/000003.parquet", "run 'sheets' has no projections"),
    ],
)
def test_any_target_outside_the_plan_is_refused(world, target, words):
    assert words in world.refusal(target)


@pytest.mark.parametrize("option", ["--forcerun", "--until"])
def test_an_option_that_names_a_snapshot_beyond_the_run_is_refused(world, option):
    refusal = world.refusal(option, "results/sheets/frames/000013.png", "--", "all")
    assert "run 'sheets' ends at snapshot 000012" in refusal
