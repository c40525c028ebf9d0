"""The plan: numbers and names of artifacts, and which settings each stage sees."""

import copy
import json
import os
import re
import shutil
import subprocess
import sys

import pytest
import schema_paths
from spirals import SPIRALS
from tools import refusal

from epochreel.core.errors import UserError
from epochreel.film import ffmpeg
from epochreel.plan import dataset as datasets
from epochreel.plan import fingerprints, plan, stages
from epochreel.provenance import keys as cache_keys

STAGES = sorted(name for name, stage in stages.STAGES.items() if stage.settings)


@pytest.fixture
def planned(spirals, tmp_path):
    """Return the function that plans the spirals; `changes` maps dotted paths to values."""
    shutil.copytree(SPIRALS, tmp_path / "spirals")
    (tmp_path / "spirals" / "inference.py").write_text(
        "def predict(*given): ...\ndef draw_prediction(*given): ...\n"
    )
    (tmp_path / "spirals" / "projection.py").write_text("def activations(predictions): ...\n")
    with open(tmp_path / "spirals" / "figure.py", "a") as figure:
        figure.write("\ndef loops(*given): ...\n")
    with open(tmp_path / "spirals" / "evaluation.py", "a") as evaluation:
        evaluation.write("\ndef evaluate(network, test, sample): ...\n")

    def of(changes=(), **run) -> plan.Plan:
        config = spirals(**run)
        config["datasets"]["points"]["experiment"] = "spirals/"
        for path, value in dict(changes).items():
            schema_paths.put(config, path, copy.deepcopy(value))
        return plan.Plan(config, tmp_path)

    return of


def settings_of(planned: plan.Plan) -> dict[str, str]:
    """Return what Snakemake compares for each stage: one block, and each split's first shard."""
    run, dataset = planned.runs["tiny"], planned.datasets["points"]
    stages = {stage: run.stage_settings(stage) for stage in STAGES}
    shards = {
        f"generate_dataset {s}": fingerprints.of_shard(dataset, s, "00000")
        for s in ("train", "test")
    }
    return {name: cache_keys.canonical(value) for name, value in {**stages, **shards}.items()}


# -- Snapshots, blocks, slots


@pytest.mark.parametrize(
    ("size", "places", "first", "last"),
    [
        (1, [""], "000000", "000120"),
        (10, [str(digit) for digit in range(10)], "00000", "00012"),
        (100, [f"{place:02d}" for place in range(100)], "0000", "0001"),
    ],
)
def test_a_block_and_a_slot_make_a_number_of_six_digits(planned, size, places, first, last):
    of_size = planned({"snapshots_per_block": size}, epochs=40, snapshots={"per_epoch": 3})
    blocks = of_size.runs["tiny"].blocks()
    assert (of_size.slots, blocks[0], blocks[-1]) == (places, first, last)
    assert {len(block + place) for block in blocks for place in of_size.slots} == {6}


@pytest.mark.parametrize("size", [1, 10, 100])
@pytest.mark.parametrize("epochs", [1, 8, 9, 10, 99, 100, 250])
def test_blocks_contain_each_snapshot_once(planned, size, epochs):
    of_size = planned({"snapshots_per_block": size}, epochs=epochs)
    run = of_size.runs["tiny"]
    numbers = [
        block + place
        for block in run.blocks()
        for place in of_size.slots[: run.snapshot_count(block)]
    ]
    assert numbers == run.numbers() and len(numbers) == epochs + 1 == run.snapshots


def test_the_snapshots_are_the_untrained_network_and_those_per_epoch(planned):
    run = planned(epochs=5, snapshots={"per_epoch": 4}).runs["tiny"]
    assert (run.snapshots, run.last) == (21, "000020")


LOG, LIST = {"schedule": "log", "per_decade": 3}, {"schedule": "list", "steps": [1, 7, 8]}


@pytest.mark.parametrize(
    ("schedule", "steps"),
    [
        ({}, [0, 4, 8, 12]),
        ({"per_epoch": 2}, [0, 2, 4, 6, 8, 10, 12]),
        (LOG, [0, 1, 2, 5, 10]),
        (LIST, [0, 1, 7, 8]),
    ],
)
def test_a_run_ends_at_its_last_scheduled_step(planned, schedule, steps):
    run = planned(epochs=3, snapshots=schedule).runs["tiny"]
    assert (run.snapshots, list(run.steps)) == (len(steps), steps)
    assert [run.step(k) for k in range(run.snapshots)] == steps


@pytest.mark.parametrize("stage", ["train", "evaluate", "summarize", "project", "render"])
def test_the_settings_of_a_block_contain_the_steps_of_its_snapshots_only(planned, stage):
    run = planned({"snapshots_per_block": 10}, epochs=12).runs["tiny"]
    assert run.block_settings(stage, "00001")["steps"] == [40, 44, 48]
    assert "steps" not in run.stage_settings(stage)


def test_appended_steps_change_no_key_of_training_and_frames(planned):
    longer = LIST | {"steps": [*LIST["steps"], 20]}
    one, other = (planned(snapshots=schedule).runs["tiny"] for schedule in (LIST, longer))
    for stage in ("train", "evaluate", "summarize", "render"):
        assert one.key_digest(stage) == other.key_digest(stage)


@pytest.mark.parametrize("schedule", [LOG, LIST, {"per_epoch": 2}, LOG | {"per_decade": 4}])
def test_another_schedule_is_another_training(planned, schedule):
    other = [{}, LOG, LIST]
    digests = [planned(snapshots=s).runs["tiny"].key_digest("train") for s in other]
    mine = planned(snapshots=schedule).runs["tiny"].key_digest("train")
    assert digests.count(mine) == (schedule in other) and len(set(digests)) == 3


@pytest.mark.parametrize(("epochs", "real"), [(9, 10), (10, 1), (14, 5), (19, 10)])
def test_the_last_block_has_only_the_remaining_snapshots(planned, epochs, real):
    run = planned({"snapshots_per_block": 10}, epochs=epochs).runs["tiny"]
    assert run.block_settings("train", run.blocks()[-1])["count"] == real


def test_a_block_beyond_the_run_is_refused(planned):
    run = planned({"snapshots_per_block": 10}).runs["tiny"]
    with pytest.raises(UserError, match="ends at snapshot 000005"):
        run.snapshot_count("00001")


@pytest.mark.parametrize("kind", ["frames/000006.png", "checkpoints/000099.safetensors"])
def test_a_file_of_a_snapshot_beyond_the_run_is_refused(planned, kind):
    with pytest.raises(UserError, match="ends at snapshot 000005"):
        planned().check_targets(["all", f"results/tiny/{kind}"])


@pytest.mark.parametrize(
    "target", ["frames/000005.png", "checkpoint_index/000000.json", "training.mp4"]
)
def test_a_file_within_the_run_is_accepted(planned, target):
    planned().check_targets([f"results/tiny/{target}", "results/other/frames/000099.png"])


@pytest.mark.parametrize("kind", ["closing.png", "transitions/000000.png"])
def test_an_artifact_that_the_run_lacks_is_refused(planned, kind):
    run = planned({"runs.tiny.film": {"closing_seconds": 0}})
    with pytest.raises(UserError, match=rf"{kind}: run 'tiny' has no (closing|transitions)$"):
        run.check_targets([f"results/tiny/{kind}"])


def test_a_film_with_zero_closing_seconds_has_no_closing_picture(planned):
    run = planned({"runs.tiny.film": {"closing_seconds": 0}}).runs["tiny"]
    assert run.files.of("closing") == [] and "render_closing" not in run.stages()


def test_all_artifacts_are_listed_once(planned):
    kept = list(planned({"snapshots_per_block": 10}, epochs=12).runs["tiny"].files.artifacts())
    assert len(kept) == len(set(kept)) == 2 + 4 * 13 + 2 * 3 + 8
    assert (
        "results/tiny/frames/000012.png" in kept
        and "results/tiny/checkpoint_index/00001.json" in kept
    )


def test_deleted_checkpoints_are_not_listed(planned):
    kept = " ".join(planned(keep_checkpoints="last").runs["tiny"].files.artifacts())
    assert "checkpoints" not in kept and "results/tiny/network.safetensors" in kept


def test_the_pattern_of_no_runs_matches_nothing(planned):
    runs = planned().runs
    assert re.fullmatch(plan.Plan.pattern_of(runs.values()), "tiny")
    assert not re.fullmatch(plan.Plan.pattern_of([]), "")


# -- Shards


def test_shards_contain_each_example_once(planned):
    dataset = planned({"datasets.points.examples_per_shard": 25}).datasets["points"]
    names = [path.split("/")[-1].split(".")[0] for path in dataset.shards("train")]
    parts = [fingerprints.of_shard(dataset, "train", name) for name in names]
    assert [(part["first"], part["count"]) for part in parts] == [(0, 25), (25, 25), (50, 10)]


def test_a_split_without_examples_has_no_shards(planned):
    dataset = planned({"datasets.points.validation": 0}).datasets["points"]
    assert dataset.shards("validation") == []


def test_a_shard_beyond_its_split_is_refused(planned):
    with pytest.raises(UserError, match="no shard 00001"):
        fingerprints.of_shard(planned().datasets["points"], "train", "00001")


def with_fonts(folder: str) -> dict:
    settings = {"variant": "perturbed", "fonts": folder}
    return {"experiment": "sheets", "train": 1, "test": 1, "settings": settings}


def test_fonts_in_a_folder_named_by_the_settings_are_inputs(planned, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine" / "deep").mkdir(parents=True)
    for name in ("a.ttf", "README.txt"):
        (tmp_path / "mine" / "deep" / name).touch()
    config = with_fonts("mine")
    dataset = planned({"datasets.pages": config}).datasets["pages"]
    assert dataset.files() == ["mine/deep/a.ttf"]


def test_files_below_linked_folders_are_inputs_even_with_circular_links(
    planned, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    for name in ("mine", "elsewhere/deep"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "elsewhere/deep/a.ttf").touch()
    (tmp_path / "mine/linked").symlink_to("../elsewhere")
    (tmp_path / "elsewhere/deep/again").symlink_to("../../mine")
    config = with_fonts("mine")
    dataset = planned({"datasets.pages": config}).datasets["pages"]
    assert dataset.files() == ["mine/linked/deep/a.ttf"]
    assert list(dataset.sources()) == ["datasets.pages.settings.fonts: linked/deep/a.ttf"]


@pytest.mark.parametrize("name", ["none", "spirals/data.py", "a\0b", "x" * 300])
def test_a_path_that_is_not_a_folder_is_reported(planned, name):
    config = with_fonts(name)
    words = r"datasets\.pages: font folder .* (does not exist|is not a folder)"
    with pytest.raises(UserError, match=words):
        planned({"datasets.pages": config}).datasets["pages"].files()


@pytest.mark.parametrize("name", ["{x}.png", "a}.png", os.fsdecode(b"\xff.png"), "{x}/a.png"])
def test_a_file_name_that_snakemake_cannot_handle_is_reported(planned, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine" / name).parent.mkdir(parents=True)
    (tmp_path / "mine" / name).touch()
    own = {"data": {"properties": {"photos": {"type": "string", "format": "folder"}}}}
    (tmp_path / "spirals" / "settings.schema.yaml").write_text(json.dumps(own))
    dataset = planned({"datasets.points.settings": {"photos": "mine"}}).datasets["points"]
    with pytest.raises(UserError, match=r"invalid UTF-8: rename") as caught:
        dataset.files()
    assert repr(f"mine/{name}") in str(caught.value) and str(caught.value).isprintable()


def test_more_shards_than_five_digits_can_number_are_refused(planned):
    most = {"datasets.points.train": 100_000, "datasets.points.examples_per_shard": 1}
    assert len(planned(most).datasets["points"].shards("train")) == datasets.MAX_SHARDS
    words = "datasets.points.examples_per_shard is 1, which makes 100001 shards of the split"
    assert words in refusal(planned, most | {"datasets.points.train": 100_001})


# -- What each stage sees

DATA = {"train", "describe_network", "evaluate", "summarize", "render", "predict", "cast"}
GENERATE = {"generate_dataset train", "generate_dataset test"}
MP4, WEBM = ({f"encode_{name}segment", f"encode_{name}closing"} for name in ("", "webm_"))
SEGMENTS = MP4 | WEBM
CLOSING = {"encode_closing", "encode_webm_closing"}
JOINED = {"encode", "encode_webm"}
FILMS = SEGMENTS | JOINED | {"encode_gif"}
LENGTH = {"timeline", "render_closing", "write_captions", "predict", "cast"} | JOINED
RUN, POINTS = "runs.tiny", "datasets.points"
KNOBS = {
    "main_run": ("other", set()),
    "snapshots_per_block": (10, set()),
    f"{POINTS}.seed": (2, GENERATE),
    f"{POINTS}.train": (61, {"generate_dataset train", "train"}),
    f"{POINTS}.validation": (11, {"train"}),
    f"{POINTS}.test": (21, {"generate_dataset test", "evaluate", "render", "cast"}),
    f"{POINTS}.examples_per_shard": (40, {"generate_dataset train"}),
    f"{POINTS}.settings": ({"noise": 0.03}, GENERATE | DATA),
    f"{RUN}.title": ("Another", {"render"} | JOINED),
    f"{RUN}.seed": (2, {"train", "describe_network", "project", "fit_projection"}),
    f"{RUN}.epochs": (6, LENGTH),
    f"{RUN}.snapshots": (
        {"per_epoch": 2},
        {"train"} | LENGTH,
    ),
    f"{RUN}.snapshots.schedule": ("uniform", set()),
    f"{RUN}.needs": ("gpu", set()),
    f"{RUN}.keep_checkpoints": ("last", set()),
    f"{RUN}.network": ({"name": "perceptron", "width": 5}, DATA - {"summarize", "cast"}),
    f"{RUN}.training.batch_size": (9, {"train", "summarize", "render"}),
    f"{RUN}.training.steps_per_epoch": (5, {"train", "summarize", "render"}),
    f"{RUN}.training.optimizer": ({"name": "adam", "learning_rate": 0.02}, {"train"}),
    f"{RUN}.training.optimizer.name": ("sgd", {"train"}),
    f"{RUN}.training.gradient_clipping": (1.0, {"train"}),
    f"{RUN}.training.schedule": ({"name": "decay", "decay_steps": 1}, {"train"}),
    f"{RUN}.training.precision": ("bfloat16", {"train"}),
    f"{RUN}.training.threads": (2, {"train"}),
    f"{RUN}.evaluation.batch_size": (9, {"evaluate"}),
    f"{RUN}.evaluation.train_sample": (2, {"evaluate"}),
    f"{RUN}.evaluation.precision": ("bfloat16", {"evaluate"}),
    f"{RUN}.evaluation.threads": (2, {"evaluate"}),
    f"{RUN}.figure.width": (640, {"render", "write_captions", "save_poster"} | FILMS),
    f"{RUN}.figure.height": (360, {"render", "write_captions", "save_poster"} | FILMS),
    f"{RUN}.figure.time_axis": (9, {"render"}),
    f"{RUN}.figure.time_unit": ("steps", {"render"}),
    f"{RUN}.figure.time_scale": ("log", {"render"}),
    f"{RUN}.figure.theme": ("dark", {"render", "write_captions"}),
    f"{RUN}.figure.examples": ([3, 1], {"summarize", "render"}),
    f"{RUN}.figure.tweens": (0, set()),
    f"{RUN}.projection": ({"name": "linear"}, {"project", "fit_projection"}),
    f"{RUN}.figure.settings": ({"anything": 1}, {"render"}),
    f"{RUN}.film.pace": ("change", {"summarize", "timeline"} | SEGMENTS),
    f"{RUN}.film.seconds_per_snapshot": (0.5, {"summarize", "timeline"} | SEGMENTS),
    f"{RUN}.film.seconds": (9, set()),
    f"{RUN}.film.max_seconds_per_snapshot": (0.5, set()),
    f"{RUN}.film.opening_seconds": (1.0, {"summarize", "timeline"} | SEGMENTS),
    f"{RUN}.film.hold_seconds": (1.0, {"timeline"} | CLOSING),
    f"{RUN}.film.closing_seconds": (1.0, {"timeline"} | CLOSING),
    f"{RUN}.film.crf": (30, MP4),
    f"{RUN}.film.preset": ("fast", MP4),
    f"{RUN}.film.segment": (10, SEGMENTS - CLOSING | JOINED),
    f"{RUN}.film.keyframe_seconds": (2, SEGMENTS),
    f"{RUN}.film.threads": (2, SEGMENTS),
    f"{RUN}.film.ffmpeg": ("system", FILMS),
    f"{RUN}.film.webm_codec": ("vp9", WEBM),
    f"{RUN}.film.gif_width": (320, {"encode_gif"}),
    f"{RUN}.film.gif_frames_per_second": (6, {"encode_gif"}),
    f"{RUN}.film.poster": (0.5, {"save_poster"}),
}
# The page of settings shows all others.
NOT_SHOWN = {"main_run", "snapshots_per_block", f"{POINTS}.examples_per_shard"}
NOT_SHOWN |= {f"{RUN}.{name}" for name in ("needs", "keep_checkpoints", "snapshots.schedule")}
NOT_SHOWN |= {f"{RUN}.film.{name}" for name in ("webm_codec", "gif_width", "poster")}
NOT_SHOWN |= {f"{RUN}.film.gif_frames_per_second", f"{RUN}.figure.tweens"}
# They affect only films that are paced by change.
NOT_SHOWN |= {f"{RUN}.film.seconds", f"{RUN}.film.max_seconds_per_snapshot"}
# Stages that depend on the same settings as another.
DRAWN = {"render", "render_transitions", "render_closing", "draw_loop"}
SAME_CODE = {
    "render": DRAWN - {"render"},
    "predict": {"draw_prediction"},
}
COUNTS = {f"{POINTS}.seed", f"{POINTS}.train", f"{POINTS}.test"}
# These name what there is, or are made of the keys below them.
NO_KNOBS = (
    {"datasets", "runs", POINTS, RUN, f"{POINTS}.experiment", f"{RUN}.dataset"}
    | {
        f"{RUN}.{part}"
        for part in ("training", "evaluation", "figure", "film", "network.name", "projection.name")
    }
    | {
        # There is one schedule of the learning rate without other keys.
        f"{RUN}.training.schedule.name",
        # Names a file of the user's.
        f"{RUN}.figure.palette",
        # Not all stages that draw depend on it: see test_panel_list.py.
        f"{RUN}.figure.panels",
    }
)


@pytest.mark.parametrize("knob", KNOBS)
def test_a_setting_reaches_the_stages_that_use_it_and_no_other(planned, monkeypatch, knob):
    monkeypatch.setattr(ffmpeg, "ffmpeg_version", lambda film: "7.0")
    value, reached = KNOBS[knob]
    reached = reached | (set() if knob in NOT_SHOWN else {"write_report"})
    reached = reached.union(*(SAME_CODE[stage] for stage in reached & set(SAME_CODE)))
    other = {"runs.other": {"dataset": "points", "epochs": 1, "network": {"name": "perceptron"}}}
    before, after = settings_of(planned(other)), settings_of(planned({**other, knob: value}))
    alone = [
        {stage: without_reads(settings[stage]) for stage in settings}
        for settings in (before, after)
    ]
    assert differing(*alone) == reached
    # All stages that read the changed artifacts depend on them.
    assert differing(before, after) == reached | readers(after, reached)


def differing(before: dict, after: dict) -> set[str]:
    return {stage for stage in before if before[stage] != after[stage]}


def without_reads(settings: str) -> dict:
    """Return what a stage depends on, without what it reads."""
    return {name: value for name, value in json.loads(settings).items() if name != "reads"}


def readers(settings: dict[str, str], changed: set[str]) -> set[str]:
    """Return the stages that read artifacts of changed stages, directly or not."""
    found = changed | ({"generate_dataset"} if changed >= GENERATE else set())
    for _ in settings:
        found = found | {
            name for name in settings if json.loads(settings[name])["reads"].keys() & found
        }
    return found - {"generate_dataset"}


def test_a_stage_knows_the_keys_of_the_artifacts_that_it_reads(planned):
    stages = {name: json.loads(settings) for name, settings in settings_of(planned()).items()}
    stages["generate_dataset"] = stages["generate_dataset test"]
    for about in stages.values():
        for name, made in about["reads"].items():
            assert made == cache_keys.key_digest(stages[name])
    assert stages["encode"]["reads"] and not stages["generate_dataset"]["reads"]


def test_each_stage_of_a_run_is_fingerprinted_once_for_all_blocks(planned, monkeypatch):
    names, compute = [], fingerprints.Fingerprints._compute
    monkeypatch.setattr(
        fingerprints.Fingerprints,
        "_compute",
        lambda run, name: names.append(name) or compute(run, name),
    )
    run = planned({"snapshots_per_block": 1}).runs["tiny"]
    for block in run.blocks():
        run.block_settings("render", block)
    assert sorted(names) == sorted({"train", "evaluate", "summarize", "project", "render"})


@pytest.mark.parametrize("axis", [None, 9])
def test_a_film_depends_on_the_number_of_snapshots(planned, axis):
    of = [{f"{RUN}.figure.time_axis": axis, f"{RUN}.epochs": epochs} for epochs in (5, 6)]
    for stage in ("encode", "encode_webm"):
        one, other = (planned(changes).runs["tiny"].key_digest(stage) for changes in of)
        assert one != other


def test_a_training_without_shards_does_not_depend_on_how_they_are_made(planned):
    stream = {f"{POINTS}.train": "unbounded"}
    for validation, reads in ((0, set()), (9, {"generate_dataset"})):
        run = planned(stream | {f"{POINTS}.validation": validation}).runs["tiny"]
        assert run.stage_settings("train")["reads"].keys() == reads


@pytest.mark.parametrize("kind, knows", [("linear", True), ("causal", False)])
def test_only_a_joint_projection_depends_on_the_number_of_snapshots(planned, kind, knows):
    runs = (
        planned({f"{RUN}.projection": {"name": kind}, f"{RUN}.epochs": n}).runs["tiny"]
        for n in (5, 6)
    )
    one, other = (run.stage_settings("project") for run in runs)
    assert (one != other) == knows == ("fit_projection" in one["reads"])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("snapshots_per_epoch", "snapshots.per_epoch"),
        ("training.batch", "training.batch_size"),
        ("training.rate", "training.optimizer.learning_rate"),
        ("training.beta2", "training.optimizer.betas"),
        ("training.plateau_batches", "training.schedule.plateau_steps"),
        ("evaluation.batch", "evaluation.batch_size"),
        ("figure.transitions", "figure.tweens"),
    ],
)
def test_a_renamed_key_is_refused_with_its_new_name(planned, old, new):
    assert refusal(planned, {f"{RUN}.{old}": 1}) == f"config: {RUN}.{old} is now {RUN}.{new}"


@pytest.mark.parametrize("kind", ["optimizer", "schedule"])
def test_a_training_depends_on_all_arguments_of_its_optimizer_and_schedule(planned, kind):
    named = {"optimizer": {"name": "rprop"}, "schedule": {"name": "cosine", "decay_steps": 9}}
    settings = planned({f"{RUN}.training.{kind}": named[kind]}).runs["tiny"].stage_settings("train")
    schemas_of_kind = schema_paths.MANUAL["$defs"][f"{kind}s"]
    arguments = schemas_of_kind[named[kind]["name"]]["properties"]
    assert set(settings["settings"]["training"][kind]) == {"name", *arguments}


def test_every_key_of_the_schema_is_in_the_table_of_settings():
    keys = set(schema_paths.paths_of(schema_paths.MANUAL))
    assert keys == set(KNOBS) | NO_KNOBS


def test_a_longer_run_does_not_change_full_blocks(planned):
    size = {"snapshots_per_block": 10}
    short, long = (planned(size, epochs=epochs).runs["tiny"] for epochs in (15, 30))
    for stage in ("train", "evaluate", "summarize", "render"):
        assert short.block_settings(stage, "00000") == long.block_settings(stage, "00000")
        assert short.block_settings(stage, "00001") != long.block_settings(stage, "00001")


@pytest.mark.parametrize("stage", ["train", "evaluate", "summarize", "render"])
def test_no_block_depends_on_the_number_of_epochs(planned, stage):
    runs = [planned(epochs=epochs).runs["tiny"] for epochs in (200, 300)]
    one, other = (cache_keys.canonical(run.block_settings(stage, "0000")) for run in runs)
    assert one == other


def test_the_order_of_keys_changes_nothing(planned):
    one = planned({f"{RUN}.training": {"batch_size": 2, "threads": 1}})
    other = planned({f"{RUN}.training": {"threads": 1, "batch_size": 2}})
    assert settings_of(one) == settings_of(other)


def test_an_explicit_default_changes_nothing(planned):
    assert settings_of(planned({f"{RUN}.training.optimizer.eps": 1e-8})) == settings_of(planned())


def test_swapping_two_numbers_gives_another_training(planned):
    one = planned({f"{RUN}.training.batch_size": 2, f"{RUN}.training.steps_per_epoch": 3})
    other = planned({f"{RUN}.training.batch_size": 3, f"{RUN}.training.steps_per_epoch": 2})
    assert settings_of(one)["train"] != settings_of(other)["train"]


def test_blocks_of_one_stage_differ_in_their_settings(planned):
    run = planned({"snapshots_per_block": 1}).runs["tiny"]
    forms = {cache_keys.canonical(run.block_settings("train", b)) for b in run.blocks()}
    assert len(forms) == run.snapshots


@pytest.mark.parametrize(
    ("file", "reached"),
    [
        ("data.py", GENERATE),
        ("model.py", {"train", "describe_network", "evaluate", "predict", "draw_prediction"}),
        ("evaluation.py", {"evaluate"}),
        ("figure.py", DRAWN),
        ("narration.py", {"summarize", "cast", *DRAWN}),
        ("inference.py", {"predict", "draw_prediction"}),
    ],
)
def test_a_file_of_an_experiment_affects_only_the_stages_that_run_it(
    planned, tmp_path, file, reached
):
    before = settings_of(planned())
    shutil.copytree(tmp_path / "spirals", tmp_path / "changed")
    with open(tmp_path / "changed" / file, "a") as text:
        text.write("\nMORE = 1\n")
    run = planned({f"{POINTS}.experiment": "changed/"})
    after = settings_of(run)
    codes = {s: [stage[s].split('"code":')[1][:66] for stage in (before, after)] for s in before}
    assert {stage for stage, (one, other) in codes.items() if one != other} == reached


@pytest.mark.parametrize("kind", stages.PROJECTIONS)
def test_a_layout_depends_on_umap_only_if_its_projection_uses_it(planned, kind):
    run = planned({f"{RUN}.projection": {"name": kind}}).runs["tiny"]
    for stage in ("project", "fit_projection"):
        versions = run.stage_settings(stage)["versions"]
        assert ("umap-learn" in versions) == ("umap" in kind) and "numba" in versions


# -- Unbounded training sets


def test_an_unbounded_training_set_has_no_shards_and_tracks_its_data_code(planned):
    run = planned({f"{POINTS}.train": "unbounded"}).runs["tiny"]
    stored, drawn = (one.stage_settings("train") for one in (planned().runs["tiny"], run))
    assert run.dataset.shards("train") == [] != run.dataset.shards("test")
    assert drawn["code"] != stored["code"] and "matplotlib" in drawn["versions"]
    assert drawn["settings"]["data"]["seed"] == 1


@pytest.mark.parametrize("knob, value", [("seed", 2), ("settings", {"noise": 0.03})])
def test_other_generated_examples_give_another_training(planned, knob, value):
    changes = {f"{POINTS}.train": "unbounded"}
    plans = (planned(changes | more) for more in ({}, {f"{POINTS}.{knob}": value}))
    one, other = (made.runs["tiny"].stage_settings("train")["settings"] for made in plans)
    assert one != other


def test_a_shard_of_an_unbounded_set_is_refused(planned):
    dataset = planned({f"{POINTS}.train": "unbounded"}).datasets["points"]
    with pytest.raises(UserError, match="no shards of the split train: it is unbounded"):
        fingerprints.of_shard(dataset, "train", "00000")


# -- Contradictions


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"main_run": "none"}, "main_run is 'none'; expected one of tiny"),
        ({f"{RUN}.dataset": "none"}, f"{RUN}.dataset is 'none'; expected one of points"),
        ({f"{RUN}.snapshots.per_epoch": 5}, "is 5; expected an integer ≤ 4"),
        (
            {
                f"{RUN}.training.schedule": {"name": "plateau", "plateau_steps": 9},
                f"{POINTS}.validation": 0,
            },
            "needs a validation set; expected datasets.points.validation ≥ 1",
        ),
        (
            {
                f"{RUN}.training.schedule": {
                    "name": "cosine",
                    "decay_steps": 5,
                    "warmup_steps": 5,
                }
            },
            "training.schedule.warmup_steps is 5; expected an integer < 5 (decay_steps)",
        ),
        (
            {f"{RUN}.training.optimizer": {"name": "sgd", "nesterov": True}},
            "training.optimizer.nesterov is true; expected false, or momentum > 0",
        ),
        ({f"{RUN}.evaluation.train_sample": 999}, "is 999; expected an integer ≤ 60"),
        ({f"{RUN}.snapshots": {"schedule": "log"}}, "snapshots.per_decade is missing"),
        ({f"{RUN}.snapshots": {"schedule": "list"}}, "snapshots.steps is missing"),
        (
            {f"{RUN}.snapshots": {**LOG, "per_epoch": 2}},
            "unknown key runs.tiny.snapshots.per_epoch; expected one of schedule, per_decade",
        ),
        (
            {f"{RUN}.snapshots": {"schedule": "list", "steps": [0, 1]}},
            "snapshots.steps.0 is 0; expected an integer ≥ 1",
        ),
        (
            {f"{RUN}.snapshots": {"schedule": "list", "steps": []}},
            "snapshots.steps is []; expected a list, at least 1 entry",
        ),
        *(
            (
                {f"{RUN}.snapshots": {"schedule": "list", "steps": steps}},
                "snapshots.steps.1 is 3; expected an integer > ",
            )
            for steps in ([3, 3], [7, 3, 9])
        ),
        (
            {f"{RUN}.snapshots": {"schedule": "list", "steps": [3, 20, 41]}},
            "snapshots.steps.2 is 41; expected an integer ≤ 20, the steps of 5 epoch(s): set "
            "epochs to at least 11",
        ),
        ({f"{RUN}.epochs": 999_999}, "makes 1000000 snapshots; expected at most 999999"),
        ({f"{RUN}.figure.time_axis": 4.5}, "is 4.5; expected a number ≥ 5, the run's last"),
        (
            {f"{RUN}.figure": {"time_axis": 19, "time_unit": "steps"}},
            "is 19; expected a number ≥ 20, the run's last snapshot in steps",
        ),
        (
            {f"{RUN}.figure": {"time_axis": 159, "time_unit": "examples"}},
            "is 159; expected a number ≥ 160, the run's last snapshot in examples",
        ),
        (
            {
                f"{RUN}.figure": {"time_axis": 1, "time_unit": "steps", "time_scale": "log"},
                f"{RUN}.snapshots": {"schedule": "list", "steps": [1]},
            },
            "is 1; expected a number > 1, where the logarithmic axis begins",
        ),
        (
            {f"{RUN}.figure": {"examples": [3, 20]}},
            "runs.tiny.figure.examples.1 is 20; expected an integer < 20, the number of",
        ),
        ({f"{RUN}.figure": {"examples": [3, 3]}}, "runs.tiny.figure.examples "),
        ({f"{RUN}.figure": {"examples": [-1]}}, "runs.tiny.figure.examples.0 is -1"),
        (
            {f"{RUN}.title": "Zahlen 数 lesen"},
            "runs.tiny.title contains '数' (U+6570 CJK UNIFIED IDEOGRAPH-6570); expected",
        ),
        ({f"{RUN}.network.name": "none"}, "one of perceptron"),
        (
            {f"{RUN}.network.depth": 2},
            "unknown key runs.tiny.network.depth; expected one of name, width",
        ),
        ({f"{POINTS}.settings.noise": 2}, "datasets.points.settings.noise is 2"),
        ({f"{POINTS}.experiment": "none"}, "experiment 'none' is not built in; expected one of "),
        ({f"{POINTS}.experiment": "./"}, "missing data.py, model.py, evaluation.py in "),
    ],
)
def test_a_contradiction_is_refused_in_one_line(planned, changes, words):
    assert words in refusal(planned, changes)


def test_a_training_sample_that_evaluate_cannot_take_is_refused_early(planned):
    said = refusal(planned, SHEETS | {"runs.pages.evaluation": {"train_sample": 1}})
    assert said.startswith("config: runs.pages.evaluation.train_sample is 1; expected 0, since ")
    assert said.endswith("sheets/evaluation.py takes no training sample")


def test_a_stage_whose_file_is_missing_is_refused(planned, tmp_path):
    (tmp_path / "spirals" / "inference.py").unlink()
    with pytest.raises(UserError, match=r"inference\.py' is missing: 'predict' requires it"):
        planned().runs["tiny"].stage_settings("predict")


def test_a_stage_whose_function_is_missing_is_refused(planned, tmp_path):
    (tmp_path / "spirals" / "inference.py").write_text("def predict(*given): ...\n")
    with pytest.raises(
        UserError, match=r"inference\.py' does not define draw_prediction: 'draw_prediction'"
    ):
        planned().runs["tiny"].stage_settings("draw_prediction")


def test_missing_settings_of_an_experiment_get_its_defaults(planned):
    by_default = planned({f"{RUN}.network": {"name": "perceptron"}})
    assert by_default.runs["tiny"].network["width"] == 32
    assert by_default.datasets["points"].settings["settings"] == {"noise": 0.02}


SHEETS = {
    "datasets.pages": {"experiment": "sheets", "train": 1, "test": 2},
    "runs.pages": {"dataset": "pages", "epochs": 1, "network": {"name": "local"}},
}


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        (
            "network",
            {"name": "cells"},
            "runs.pages.network.name is 'cells'; expected local, tuned or deep",
        ),
        (
            "network.channels",
            [4] * 4,
            "runs.pages.network.channels has 4 convolutions; expected at most ",
        ),
        ("network.dense", [4], "unknown key runs.pages.network.dense"),
    ],
)
def test_contradictory_settings_of_sheets_are_refused(planned, key, value, words):
    assert words in refusal(planned, SHEETS | {f"runs.pages.{key}": value})


def test_the_checks_of_an_experiment_run_before_any_job(planned, tmp_path):
    (tmp_path / "spirals" / "checks.py").write_text(
        "def contradictions(asked):\n"
        "    given = asked['network']['width'], asked['test'], asked['train_sample']\n"
        "    yield 'network.width', f'holds {given}'\n"
    )
    words = "config: runs.tiny.network.width holds (4, 20, 3)"
    assert refusal(planned, {f"{RUN}.evaluation.train_sample": 3}) == words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("def contradictions(asked): ...", "contradictions returns nothing; expected pairs of"),
        (
            "def contradictions(asked): return ['a']",
            "contradictions returns 'a'; expected pairs",
        ),
        ("def contradictions(asked): return ['ab']", "contradictions returns 'ab'; expected"),
        ("def contradictions(asked): yield 'a', 3", "contradictions returns ('a', 3); expected"),
        ("def contradictions(data, test): return []", "define it as contradictions(settings)"),
        ("def contradictions(asked): exit()", "line 1: SystemExit"),
        ("def contradictions(asked:", "cannot be read as Python"),
        ("return\ndef contradictions(asked): ...", "Python: 'return' outside function (line 1)"),
        ("def contradictions(asked): yield 'a', 'one\\ntwo'", "config: runs.tiny.a one two"),
    ],
)
def test_invalid_checks_are_reported_in_one_line(planned, tmp_path, text, words):
    file = tmp_path / "spirals" / "checks.py"
    file.write_text(text)
    said = refusal(planned)
    assert words in said and said.startswith(("config: ", str(file)))


def test_more_points_than_can_be_projected_are_refused_before_any_job(planned):
    drawings = {"experiment": "activations", "train": 300, "test": 9_800}
    run = {"dataset": "drawn", "epochs": 1, "network": {"name": "published"}}
    changes = {"datasets.drawn": drawings, "runs.drawn": run}
    changes["runs.drawn.film"] = {"seconds_per_snapshot": 0.5}
    planned(changes | {"runs.drawn.evaluation": {"train_sample": 200}})
    said = refusal(planned, changes | {"runs.drawn.evaluation": {"train_sample": 201}})
    assert said.startswith("config: runs.drawn.evaluation.train_sample is 201; expected at most")


def test_a_title_may_contain_any_characters_of_the_font(planned):
    assert planned(title="Ünïcödé – αβγ – Привет").runs["tiny"].settings["title"]


def test_an_unknown_part_of_an_experiments_schema_is_refused(planned, tmp_path):
    (tmp_path / "spirals" / "settings.schema.yaml").write_text("network: {}")
    assert "unknown part 'network'; expected one of data, networks, figure" in refusal(planned)


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ({"format": "folder"}, "photos': format: folder requires type: string"),
        ({"format": "folder", "type": ["string", "array"]}, "requires type: string"),
        ({"suffixes": 5}, "photos.suffixes' is 5; expected a list such as [.png, .jpg]"),
        ({"suffixes": ["png"]}, "photos.suffixes' is ['png']; expected a list"),
        ({"suffixes": [".PNG"]}, "photos.suffixes' is ['.PNG']; expected a list"),
    ],
)
def test_an_invalid_experiment_schema_is_refused(planned, tmp_path, rules, words):
    file = tmp_path / "spirals" / "settings.schema.yaml"
    loop = {"properties": {"photos": rules}} if "$ref" not in rules else rules
    file.write_text(json.dumps({"data": loop}))
    said = refusal(planned)
    assert said.startswith(f"{file}: 'data") and words in said


def test_a_plan_is_made_even_if_the_default_encoding_is_ascii(spirals, tmp_path):
    code = f"from epochreel.plan.plan import Plan; Plan({spirals()!r}, Path())"
    ascii = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    command = [sys.executable, "-c", f"from pathlib import Path; {code}"]
    ascii["PYTHONPATH"] = str(stages.SCRIPTS)
    subprocess.run(command, env=os.environ | ascii, check=True)


def test_an_experiment_without_a_schema_accepts_any_settings(planned, tmp_path):
    (tmp_path / "spirals" / "settings.schema.yaml").unlink()
    assert planned({f"{RUN}.network.depth": 2}).runs["tiny"].network["depth"] == 2
