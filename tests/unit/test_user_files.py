"""The user's files: what is listed, what is ignored, and what is refused."""

import os
import shutil
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from schema_paths import schema_of
from workflow import REPOSITORY, alone

from epochreel.config import schema
from epochreel.core import user_files
from epochreel.core.errors import UserError
from epochreel.core.user_files import IMAGES, Listing, listed
from epochreel.experiment_api import loader, sources
from epochreel.experiments.activations import classes, folders, inputs
from epochreel.plan.plan import Plan
from epochreel.provenance import file_checksums

NFC, NFD = (unicodedata.normalize(form, "bälle") for form in ("NFC", "NFD"))


@pytest.fixture(autouse=True)
def working_folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def files(folder: str | Path, *names: str, count: int = 0) -> Path:
    """Write small files into a folder: `names`, and `count` images."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    for name in (*names, *(f"{number}.png" for number in range(count))):
        Path(folder, name).write_text(name)
    return Path(folder)


def scan(*names: str, folder="pictures") -> Listing:
    """List the images of these classes."""
    listing = Listing()
    folders.pools(Path(folder).absolute(), names, listing)
    return listing


def faults(*names: str, **where) -> str:
    return "; ".join(scan(*names, **where).faults)


# -- What is not read

COMPANIONS = ["._a.png", ".DS_Store", "Thumbs.db", "desktop.ini", ".a.png"]


@pytest.mark.parametrize("name", COMPANIONS)
def test_hidden_and_system_files_are_ignored_and_counted(name):
    found = listed(files("mine", "a.png", name), None, "folder")
    assert [path.name for path in found.files] == ["a.png"]
    assert [path.name for path in found.ignored[user_files.HIDDEN]] == [name]


def test_hidden_folders_are_not_entered():
    files("mine/.thumbnails", "b.png")
    files("mine/__MACOSX", "c.png")
    found = listed(files("mine", "a.png"), IMAGES, "folder")
    assert [path.name for path in found.files] == ["a.png"]
    assert len(found.ignored[user_files.HIDDEN]) == 2


def test_broken_links_pipes_and_folders_are_not_images():
    folder = files("mine", "a.png")
    (folder / "gone.png").symlink_to("nowhere")
    (folder / "loop.png").symlink_to("loop.png")
    (folder / "folder.png").mkdir()
    os.mkfifo(folder / "pipe.png")
    found = listed(folder, IMAGES, "folder")
    assert found.files == [folder / "a.png"] and not found.faults
    assert {kind: len(paths) for kind, paths in found.ignored.items()} == {
        user_files.BROKEN: 2,
        user_files.SPECIAL: 1,
    }


def test_files_with_other_suffixes_are_counted_by_suffix():
    files("pictures/balls", "a.png", "b.HEIC", "c.heic", "d.gif", "README", "e.jfif")
    found = scan("balls")
    assert [path.name for path in found.files] == ["a.png", "e.jfif"]
    counts = {kind: len(paths) for kind, paths in found.ignored.items()}
    assert counts == {"file(s) named .heic": 2, "file(s) named .gif": 1} | {
        "file(s) without a suffix": 1
    }


@pytest.mark.parametrize(
    ("folder", "words"),
    [
        ("pictures/balls/more/deep", "in subfolders of class folders"),
        ("pictures/owls", "in folders that `classes` does not name"),
        ("pictures", "outside the class folders"),
    ],
)
def test_images_in_other_folders_are_counted_with_an_example(folder, words):
    files("pictures/balls", count=2)
    files(folder, "x.png", "y.png", "notes.txt", ".z.png")
    line = user_files.ignored_line(scan("balls").ignored, Path.cwd())
    assert f"2 image(s) {words} (such as {folder}/x.png)" in line


def test_images_in_a_folder_next_to_train_and_test_are_counted():
    for folder in ("train/balls", "test/balls", "val/balls"):
        files(f"pictures/{folder}", count=3)
    (paths,) = scan("balls").ignored.values()
    assert {path.parts[-3] for path in paths} == {"val"} and len(paths) == 3


def test_the_workflows_results_are_never_inputs():
    for folder in ("results/mine/frames", ".snakemake/x", "train/a", "test/a"):
        files(folder, count=2)
    files(".", "training.mp4")
    assert len(listed(Path.cwd(), None, "folder").files) == 4
    assert len(scan("a", folder=".").files) == 4 and not scan("a", folder=".").ignored
    (line,) = listed("results/mine", None, "folder").faults
    assert "contains the workflow's results" in line


# -- What is refused, all at once


def test_all_faults_of_the_classes_are_reported_at_once():
    files("pictures/boxes", count=2)
    files("pictures/owls", "notes.txt")
    Path("pictures/lost").symlink_to("nowhere")
    found = scan("Boxes", "owls", "cats", "lost").faults
    words = "but 'boxes': rename", "owls has no images", "class 'cats' (it has", "broken link"
    assert len(found) == 4
    assert all(word in line for word, line in zip(words, found, strict=True))


def test_a_class_is_found_by_its_name_in_any_normalization():
    files(f"pictures/{NFD}", count=2)
    assert len(scan(NFC).files) == 2 and not scan(NFC).faults
    assert not scan(NFC).ignored


def test_two_classes_with_the_same_folder_are_refused():
    files("pictures/boxes", count=2)
    Path("pictures/boxed").symlink_to("boxes")
    assert "the classes 'boxes' and 'boxed' have the same folder" in faults("boxes", "boxed")
    files(f"pictures/{NFD}", count=2)
    assert "have the same folder" in faults(NFC, NFD)


def test_a_class_folder_may_be_a_link():
    files("elsewhere", count=2)
    Path("pictures").mkdir()
    Path("pictures/balls").symlink_to("../elsewhere")
    assert len(scan("balls").files) == 2


def test_unreadable_files_and_folders_are_faults(monkeypatch):
    """Permissions are simulated, since root may read everything."""
    for name in ("balls", "boxes"):
        files(f"pictures/{name}", count=3)

    def scandir(path, scan=os.scandir):
        if Path(path).name == "boxes":
            raise PermissionError(13, "Permission denied", path)
        return scan(path)

    monkeypatch.setattr(os, "scandir", scandir)
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).name != "1.png")
    first, second = scan("balls", "boxes").faults
    assert "balls/1.png (permission denied): make it readable" in first
    assert "boxes (permission denied): make it readable" in second


def test_an_error_shows_ten_reasons_and_counts_the_others():
    assert user_files.joined([str(n) for n in range(12)]).endswith("; 9; and 2 more")


def test_all_files_that_cannot_be_read_are_named():
    def read(path):
        if path.name != "1.png":
            raise UserError(f"{path} is no image")

    with pytest.raises(UserError, match=r"^2 of 3 files cannot be used: .*0\.png.*; .*2\.png"):
        user_files.check_all(files("mine", count=3).iterdir(), read)


# -- The images of `activations`


def settings(**own):
    return schema.checked(own, schema_of("activations")["data"])


def of_folder(names=("balls", "boxes"), **own):
    where = str(Path("pictures").absolute())
    return inputs.files(settings(source="folder", folder=where, classes=list(names), **own))


def test_the_images_that_each_split_may_have_are_counted():
    for name in ("balls", "boxes"):
        files(f"pictures/{name}", count=30)
    assert of_folder().available == {"train": 36, "validation": 6, "test": 18}
    for split, count in (("train", 10), ("test", 7)):
        for name in ("balls", "boxes"):
            files(f"pictures/{split}/{name}", count=count)
    assert of_folder(validation_share=0.2).available == {"train": 16, "validation": 4, "test": 14}
    files("pictures/validation/balls", count=5)
    files("pictures/validation/boxes", count=1)
    assert of_folder().available == {"train": 20, "validation": 6, "test": 14}


def test_the_digits_that_each_split_may_have_are_counted():
    from sklearn.datasets import load_digits

    counted = {label: list(load_digits().target).count(label) for label in range(10)}
    assert counted == classes.DIGIT_COUNTS
    found = inputs.files(settings(source="digits"))
    assert found.available == {"train": 1079, "validation": 179, "test": 539}


def test_a_class_with_too_few_images_is_reported_once():
    files("pictures/balls", count=30)
    files("pictures/boxes", count=2)
    (line,) = of_folder().faults
    assert line.startswith("class 'boxes' has 2 image(s), too few for the splits test, validation")


def test_fashion_reads_exactly_its_four_files():
    names = [name for part in ("train", "t10k") for name in inputs.fashion_files(part)]
    files("clothes", *names[:3], f"{names[0]}.gz", "README", "other.png")
    found = inputs.files(settings(source="fashion", fashion_files="clothes"))
    assert [path.name for path in found.files] == names[:3]
    assert len(found.faults) == 1 and names[3] in found.faults[0]


@pytest.mark.parametrize("name", ["activations", "sheets", "words"])
def test_listing_loads_no_library_that_computes(name):
    code = (
        f"import sys, epochreel.experiments.{name}.inputs\n"
        "assert not {'numpy', 'torch', 'PIL', 'pyarrow'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY / "workflow_scripts", check=True)


@pytest.mark.parametrize(
    ("name", "own"),
    [
        ("sheets", {"variant": "plain", "fonts": "mine"}),
        ("words", {"background": "none", "backgrounds": "mine"}),
    ],
)
def test_a_folder_that_the_data_are_not_made_from_is_no_input(name, own):
    files("mine", "a.ttf", "a.png")
    data = schema.checked(own, schema_of(name)["data"])
    assert not loader.find(name, Path()).load("inputs").files(data).files


# -- The plan


def planned(tmp_path, **own) -> Plan:
    config = alone("sketches")
    data = {"source": "folder", "folder": "pictures", "classes": ["balls", "boxes"], "size": 8}
    (dataset,) = config["datasets"].values()
    dataset |= {"experiment": "activations", "train": 30, "test": 18, "settings": data} | own
    return Plan(config, tmp_path)


def dataset_of(plan: Plan):
    (found,) = plan.datasets.values()
    return found


def test_the_plan_reports_all_faults_of_a_dataset_in_one_line(tmp_path):
    files("pictures/balls", count=30)
    with pytest.raises(UserError) as caught:
        dataset_of(planned(tmp_path, train=40, validation=5)).files()
    line = str(caught.value)
    assert " has 4 errors: " in line and "class 'boxes'" in line
    for words in ("train is 40; expected at most 18", "validation is 5", "test is 18"):
        assert words in line


def test_the_plan_reports_the_faults_of_all_datasets(tmp_path):
    plan = planned(tmp_path)
    plan.datasets["other"] = dataset_of(planned(tmp_path))
    with pytest.raises(UserError) as caught:
        plan.check_sources(plan.datasets["other"])
    assert str(caught.value).count("does not exist") == 2


def test_paths_in_the_config_may_begin_with_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("balls", "boxes"):
        files(f"home/pictures/{name}", count=30)
    data = {"source": "folder", "folder": "~/pictures", "classes": ["balls", "boxes"]}
    found = dataset_of(planned(tmp_path / "elsewhere", settings=data))
    assert len(found.files()) == 60
    shutil.copytree(REPOSITORY / "examples/spirals", "home/mine")
    assert loader.find("~/mine/", tmp_path).folder == tmp_path / "home/mine"
    resolved = loader.resolve_paths({"a": "~/b", "c": "d"}, ["a", "c"], tmp_path)
    assert resolved == {"a": f"{tmp_path}/home/b", "c": f"{tmp_path}/d"}


# -- Changes


def test_a_file_is_read_again_only_if_it_may_have_changed(monkeypatch):
    monkeypatch.setattr(file_checksums, "_RESOLUTION", -1)
    found = {"a": files("mine", "a") / "a"}
    first = file_checksums.content_digest(found)
    monkeypatch.setattr(file_checksums, "sha256", None)  # It can no longer be read.
    assert file_checksums.content_digest(found) == first


@pytest.mark.parametrize("seconds", [0, -86400, 10**9])
def test_a_changed_file_has_another_digest_at_any_modification_time(monkeypatch, seconds):
    monkeypatch.setattr(file_checksums, "_RESOLUTION", -1)
    path = files("mine", "a") / "a"
    first = file_checksums.content_digest({"a": path})
    times = path.stat().st_atime, path.stat().st_mtime + seconds
    path.write_text("b")
    os.utime(path, times)
    assert file_checksums.content_digest({"a": path}) != first


def test_a_file_that_has_just_changed_is_not_remembered():
    file_checksums.content_digest({"a": files("mine", "a") / "a"})
    assert not file_checksums.REMEMBERED.exists()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"/a": 5}'])
def test_damaged_checksums_are_computed_again(content):
    path = files("mine", "a") / "a"
    first = file_checksums.content_digest({"a": path})
    files(file_checksums.REMEMBERED.parent)
    file_checksums.REMEMBERED.write_bytes(content)
    assert file_checksums.content_digest({"a": path}) == first


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda folder: files(folder / "balls", "new.png"), r"new\.png was added"),
        (lambda folder: (folder / "balls/7.png").unlink(), r"7\.png was removed"),
        (lambda folder: files(folder / "balls").joinpath("3.png").write_text("x"), "made from"),
    ],
)
def test_a_job_refuses_files_that_are_not_those_of_the_plan(tmp_path, change, words):
    for name in ("balls", "boxes"):
        files(f"pictures/{name}", count=30)
    dataset = dataset_of(planned(tmp_path))
    stage = {"folders": dataset.folders(), **dataset.source_settings()}
    paths = dataset.files()
    given = dataset.experiment, dataset.settings["settings"], stage, tmp_path, paths
    sources.check_unchanged(*given)
    change(tmp_path / "pictures")
    with pytest.raises(UserError, match=f"{words}.* while the workflow was running: run the same"):
        sources.check_unchanged(*given)


# -- A user's experiment


@pytest.fixture
def mine(tmp_path) -> loader.Experiment:
    shutil.copytree(REPOSITORY / "examples/spirals", "mine")
    return loader.find("./mine/", tmp_path)


def listed_by(experiment, code: str, tmp_path) -> Listing:
    experiment.file("inputs").write_text(f"def files(settings):\n    {code}\n")
    try:
        return sources.list_files(experiment, {"photos": "there"}, {"photos": None}, tmp_path)
    finally:
        sys.modules.pop(f"{experiment.package}.inputs", None)


def test_a_users_experiment_may_list_its_files(mine, tmp_path):
    files("there", "a.csv", "b.csv")
    found = listed_by(mine, "yield settings['photos'] + '/b.csv'", tmp_path)
    assert found.files == [tmp_path / "there/b.csv"]
    found = listed_by(mine, "return ['there/a.csv', 'there/c.csv', 'there/a.csv']", tmp_path)
    assert found.files == [tmp_path / "there/a.csv", tmp_path / "there/c.csv"]
    assert f"lists {tmp_path}/there/c.csv, which is not a file" in "; ".join(found.faults)


@pytest.mark.parametrize("code", ["return 5", "return 'a'", "return [5]", "return None"])
def test_a_result_that_is_not_a_list_is_refused_in_one_line(mine, tmp_path, code):
    with pytest.raises(UserError, match=r"inputs\.py: files returns .*; expected paths of files"):
        listed_by(mine, code, tmp_path)


def test_an_error_in_a_users_list_is_reported_with_its_line(mine, tmp_path):
    with pytest.raises(UserError, match=r"inputs\.py, line 2: ZeroDivisionError"):
        listed_by(mine, "yield 1 / 0", tmp_path)


def test_without_a_list_all_files_in_the_named_folders_are_inputs(mine, tmp_path):
    files("there/deep", "b.csv", ".hidden")
    files("there", "a.csv")
    found = sources.list_files(mine, {"photos": "there"}, {"photos": [".csv"]}, tmp_path)
    names = sources.by_name(found.files, {"photos": "there"}, {"photos": None}, tmp_path)
    assert list(names) == ["photos: a.csv", "photos: deep/b.csv"]
