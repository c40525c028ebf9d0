"""The workflow as a user runs it: complete, tiny, through the command line."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from foreign_files import another_film, another_runs, another_states, other_weights, red
from workflow import ARTIFACTS, REPOSITORY, Workplace, alone, copy_code, with_key

from epochreel.artifacts import manifest
from epochreel.film import encode
from epochreel.formats import png
from epochreel.plan import plan

BUNDLED = {"ffmpeg": "bundled"}
README = (REPOSITORY / "README.md").read_text()


def test_a_snapshot_has_the_same_number_from_checkpoint_to_frame(world):
    numbers = [f"{k:06d}" for k in range(13)]
    for kind in ("checkpoints", "evaluations", "frames"):
        made = sorted(path.stem for path in world.path(f"sheets/{kind}").iterdir())
        assert made[:13] == numbers
    assert (world.folder / "training.mp4").read_bytes() == (
        world.path("sheets/training.mp4").read_bytes()
    )


def test_the_film_shows_every_snapshot_and_no_padding(world):
    film = world.path("sheets/training.mp4")
    assert encode.count_frames(film, BUNDLED) == 13 + 36  # and three times half a second


def test_padding_is_a_hard_link_to_the_last_snapshot(world):
    last, beyond = (world.path(f"sheets/frames/{n:06d}.png") for n in (12, 19))
    assert last.samefile(beyond)


def test_the_untrained_network_guesses_and_metrics_cover_all_snapshots(world):
    summary = pq.read_table(world.path("sheets/metrics/00001.parquet")).to_pydict()
    assert summary["snapshot"] == list(range(13))
    assert 0.05 < summary["accuracy"][0] < 0.2
    assert summary["loss"][-1] < summary["loss"][0]


def test_artifacts_contain_their_cache_key_and_no_time_or_path(world):
    metadata = pq.read_schema(world.path("sheets/evaluations/000003.parquet")).metadata
    about = json.loads(metadata[b"epochreel"])
    assert about["snapshot"] == 3
    assert about["key"]["settings"]["network"]["name"] == "local"
    assert about["key"]["versions"]["torch"].startswith("2.")
    for path in world.digests(*ARTIFACTS):
        assert str(world.folder).encode() not in world.path(path).read_bytes()


def test_only_the_last_weights_stay_if_checkpoints_are_not_kept(world):
    assert not list(world.path("cells/checkpoints").glob("*"))
    assert world.path("cells/network.safetensors").is_file()
    stored = list(world.path("cells/store").glob("*/weights/*"))
    assert len(stored) < 13


def test_the_training_table_has_a_row_for_each_snapshot_of_the_block(world):
    table = pq.read_table(world.path("sheets/training/00001.parquet")).to_pylist()
    assert [row["snapshot"] for row in table] == [10, 11, 12]
    assert table[0]["step"] == 15 and table[0]["loss"] > 0 and table[0]["validation_loss"] > 0
    layer = table[0]["layers"][0]
    assert sum(layer["weight_counts"]) > 0 and sum(layer["gradient_counts"]) > 0


def test_the_system_log_has_a_row_for_each_snapshot_of_the_block(world):
    log = pq.read_table(world.path("sheets/logs/train/00001.system.parquet")).to_pylist()
    assert [row["snapshot"] for row in log] == [10, 11, 12]
    assert all(row["examples_per_second"] > 0 for row in log)


def test_the_layer_table_names_the_layers_of_the_network(world):
    layers = pq.read_table(world.path("cells/layers.parquet")).to_pylist()
    assert {"Conv2d", "Linear"} <= {row["kind"] for row in layers}


@pytest.mark.parametrize("kind, suffix", [("frames", "png"), ("evaluations", "parquet")])
def test_a_lost_file_is_made_again_with_the_same_bytes(copied, kind, suffix):
    before = copied.digests(*ARTIFACTS)
    copied.path(f"sheets/{kind}/000004.{suffix}").unlink()
    copied.make()
    assert copied.digests(*ARTIFACTS) == before


def test_a_lost_checkpoint_is_restored_from_the_store_without_training(copied):
    before = copied.digests(*ARTIFACTS)
    copied.path("sheets/checkpoints/000004.safetensors").unlink()
    copied.make()
    assert copied.digests(*ARTIFACTS) == before
    assert "trained for" not in copied.path("sheets/logs/train/00000.log").read_text()


def test_a_shortened_run_trains_nothing(copied):
    copied.config["runs"]["sheets"]["epochs"] = 2
    copied.write_config()
    copied.make("results/sheets/training.mp4")
    assert "trained for" not in copied.path("sheets/logs/train/00000.log").read_text()
    assert encode.count_frames(copied.path("sheets/training.mp4"), BUNDLED) == 9 + 36


def test_checkpoints_of_other_settings_and_blocks_are_not_reused(copied):
    copied.config["snapshots_per_block"] = 1
    copied.config["runs"]["sheets"]["training"]["optimizer"]["learning_rate"] = 0.02
    copied.write_config()
    assert copied.planned("results/sheets/training.mp4")["train"] == 13


def test_frames_of_a_block_appear_before_the_training_ends(tmp_path):
    place = Workplace(tmp_path, alone("sheets"))
    place.make("results/sheets/frames/000003.png")
    assert png.size(place.path("sheets/frames/000003.png").read_bytes()) == (640, 360)
    assert not place.path("sheets/checkpoints/000010.safetensors").exists()


def test_other_film_formats_are_made_on_request(copied):
    names = ("training.webm", "training.gif", "poster.png", "training.vtt")
    copied.make(*(f"results/cells/{name}" for name in names))
    assert encode.count_frames(copied.path("cells/training.webm"), BUNDLED) == 13 * 3 + 48 + 72
    assert png.size(copied.path("cells/poster.png").read_bytes()) == (640, 360)
    words = copied.path("cells/training.vtt").read_text()
    assert words.startswith("WEBVTT") and "read every digit" in words


def test_verify_accepts_a_finished_run(copied):
    said = copied.make("verify")
    assert (
        "run 'sheets' matches its manifest" in said and "run 'cells' matches its manifest" in said
    )


def test_verify_reports_differences_even_with_unchanged_times(copied):
    frame, shard = copied.path("sheets/frames/000003.png"), copied.path("datasets/few_cells/test")
    times = frame.stat().st_mtime_ns
    data = bytearray(frame.read_bytes())
    data[-40] ^= 1
    frame.write_bytes(data)
    os.utime(frame, ns=(times, times))
    (shard / "00000.parquet").unlink()
    copied.config["runs"]["cells"]["title"] = "Another title"
    copied.write_config()
    done = copied.start("verify")
    assert done.returncode != 0
    assert "results/sheets/frames/000003.png differs from the manifest" in done.stdout
    assert "results/datasets/few_cells/test/00000.parquet is missing" in done.stdout
    assert "results/cells/frames/000012.png was made with other settings" in done.stdout
    assert "results/sheets/frames/000004.png" not in done.stdout.replace("\n", " ")


def test_a_new_manifest_does_not_hide_a_replaced_checkpoint(copied):
    path, other = (copied.path(f"sheets/checkpoints/00000{n}.safetensors") for n in (3, 4))
    times = path.stat().st_mtime_ns
    path.unlink()
    path.write_bytes(other.read_bytes())
    os.utime(path, ns=(times, times))
    copied.path("sheets/manifest.json").unlink()
    done = copied.start()
    told = "results/sheets/checkpoints/000003.safetensors is damaged, or not the checkpoint that "
    assert done.returncode == 1 and f"epochreel: {told}" in done.stdout
    assert not copied.path("sheets/manifest.json").exists()


@pytest.mark.parametrize(
    ("key", "value", "stage"),
    [
        ("seed", 9, "train"),
        ("training.optimizer.learning_rate", 0.02, "train"),
        ("evaluation.threads", 2, "evaluate"),
        ("figure.time_axis", 9, "render"),
        ("film.crf", 30, "encode"),
    ],
)
def test_verify_reports_changed_settings_that_no_artifact_records(world, key, value, stage):
    with contextlib.chdir(world.folder):
        config = with_key(world.config, f"runs.sheets.{key}", value)
        assert run_of(world.config).stages().keys() == run_of(config).stages().keys()
        told = list(
            manifest.differences(
                "results/sheets/manifest.json", kept(config), {}, run_of(config).stages(), {}
            )
        )
    line = f"results/sheets/manifest.json: the output of '{stage}' was made with"
    assert [each for each in told if each.startswith(line)]


def kept(config) -> list[str]:
    return list(run_of(config).files.artifacts())


def run_of(config):
    return plan.Plan(config, Path()).runs["sheets"]


def test_an_invalid_config_stops_with_one_line_before_any_job(tmp_path):
    place = Workplace(tmp_path, alone("sheets", epochs=0))
    words = "config: runs.sheets.epochs is 0; expected an integer ≥ 1"
    assert words in place.refusal()


def test_a_clone_with_braces_in_its_path_is_refused(tmp_path):
    place = Workplace(tmp_path / "place", alone("sheets"), copy_code(tmp_path / "{x}" / "code"))
    assert "{x}/code: Snakemake does not support braces in the path of a" in place.refusal()


def test_a_setting_on_the_command_line_is_one_of_the_config(tmp_path):
    place = Workplace(tmp_path, alone("sheets"))
    longer = with_key(place.config, "runs.sheets.epochs", 6)
    words = "--config", "runs={sheets: {epochs: 6}}", "snapshots_per_block=1", "--"
    planned = place.jobs("all", config=longer | {"snapshots_per_block": 1})
    assert place.jobs(*words, "all") == planned != place.jobs("all")


def test_a_target_beyond_the_plan_is_refused(world):
    words = "run 'sheets' ends at snapshot 000012"
    assert words in world.refusal("results/sheets/frames/000013.png")


def test_too_little_disk_space_is_reported_before_training(tmp_path):
    config = alone("sheets", network={"name": "deep"}, epochs=9999)
    config["snapshots_per_block"] = 1
    done = Workplace(tmp_path, config).start("results/sheets/checkpoints/000000.safetensors")
    assert done.returncode != 0
    assert "run 'sheets' needs about" in done.stdout and "free some space" in done.stdout
    assert "Traceback" not in done.stdout


def test_the_readme_command_for_a_user_experiment_works(tmp_path):
    line = next(line for line in README.splitlines() if "--configfile examples/spirals" in line)
    words = [word for word in line.split() if word != "snakemake"]
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--dry-run", "--directory", tmp_path, *words],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "publish" in done.stdout + done.stderr


def test_a_config_given_on_the_command_line_replaces_the_default(tmp_path):
    place = Workplace(tmp_path, alone("sheets"))
    assert "sheets_tuned" not in place.make("--dry-run", "all")


OTHERS = {
    "sheets/training.mp4": (
        another_film,
        {"publish", "write_manifest", "write_report"},
        "was made with other set",
    ),
    "cells/network.safetensors": (other_weights, {"write_manifest"}, "is damaged, or not the"),
    "words/checkpoint_index/00000.json": (
        another_states,
        {"train", "evaluate"},
        "was made with other sett",
    ),
    "sketches/projections/000009.parquet": (
        another_runs,
        {"project", "render", "render_transitions"},
        "was made with other settings",
    ),
}


def test_every_stage_refuses_valid_files_of_other_runs(copied):
    for name, (change, _, _) in OTHERS.items():
        change(copied.path(name))
    done = copied.start("all", "--keep-going", cores=1)
    assert done.returncode == 1 and "Traceback" not in done.stdout
    failed = re.findall(r"^Error in rule (\w+):", done.stdout, re.MULTILINE)
    assert set(failed) == set().union(*(rules for _, rules, _ in OTHERS.values()))
    for name, (_, _, told) in OTHERS.items():
        assert f"epochreel: results/{name} {told}" in done.stdout


def test_verify_reports_a_foreign_frame_and_a_foreign_published_film(copied):
    red(copied.path("sheets/frames/000004.png"))
    (copied.folder / "training.mp4").write_bytes(b"no film")
    told = copied.start("verify").stdout
    assert "results/sheets/frames/000004.png differs from the manifest" in told
    assert "training.mp4 differs from results/sheets/training.mp4: delete it" in told


def test_verify_checks_again_whatever_snakemake_has_recorded(copied):
    path = copied.path("sheets/frames/000003.png")
    assert "run 'sheets' matches its manifest" in copied.make("verify")
    times, data = path.stat().st_mtime_ns, bytearray(path.read_bytes())
    data[-40] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(times, times))
    for words in (["verify", "--rerun-triggers", "mtime"], ["verify"]):
        done = copied.start(*words)
        assert done.returncode == 1, done.stdout
        assert "results/sheets/frames/000003.png differs from the manifest" in done.stdout
        shutil.rmtree(copied.folder / ".snakemake")


def test_verify_reports_a_film_without_a_manifest(copied):
    copied.path("cells/manifest.json").unlink()
    said = copied.start("verify")
    assert said.returncode == 1
    words = "results/cells/training.mp4 has no manifest: run: snakemake "
    assert f"epochreel: {words}results/cells/manifest.json" in said.stdout


def test_verify_reports_that_a_run_was_shortened(world):
    with contextlib.chdir(world.folder):
        config = with_key(world.config, "runs.sheets.epochs", 2)
        told = list(manifest.differences("results/sheets/manifest.json", kept(config), {}, {}, {}))
    assert any("that the config no longer requests: results/sheets/" in line for line in told)


def test_a_config_is_plain_yaml_and_executes_nothing(tmp_path):
    place = Workplace(tmp_path, alone("sheets"))
    text = (tmp_path / "config.yaml").read_text()
    text += f"__use_yte__: true\ntext: ?open({str(tmp_path / 'run')!r}, 'w')\n"
    (tmp_path / "config.yaml").write_text(text)
    command = [sys.executable, "-m", "snakemake", "--snakefile", REPOSITORY / "Snakefile"]
    command += ["--workflow-profile", "none", "--cores", "1", "--dry-run"]
    done = subprocess.run(command, cwd=place.folder, capture_output=True, text=True)
    assert "unknown key __use_yte__; expected one of" in done.stderr
    assert not (tmp_path / "run").exists()
