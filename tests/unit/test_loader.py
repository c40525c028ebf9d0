"""Experiments: found by name or path, and loaded as separate packages."""

import sys

import pytest
from spirals import SPIRALS

from epochreel.core.errors import UserError
from epochreel.experiment_api import interface, loader


@pytest.fixture
def mine(tmp_path):
    """A user-defined experiment in `mine/`, whose data.py imports a helper."""
    folder = tmp_path / "mine"
    folder.mkdir()
    for module in interface.FILES:
        names = interface.NAMES[module]
        (folder / f"{module}.py").write_text("".join(f"def {name}(): ...\n" for name in names))
    (folder / "helper.py").write_text("ONE = 1\n")
    with open(folder / "data.py", "a") as data:
        data.write("from . import helper\nTWO = helper.ONE + 1\n")
    return folder


def test_a_built_in_experiment_is_found_by_its_name(tmp_path):
    experiment = loader.find("sheets", tmp_path)
    assert (
        experiment.is_builtin
        and experiment.load("layout").__name__ == "epochreel.experiments.sheets.layout"
    )


def test_a_folder_is_relative_to_the_config(mine):
    experiment = loader.find("./mine", mine.parent)
    assert (experiment.folder, experiment.is_builtin) == (mine, False)


@pytest.mark.parametrize("name", ["mine/", "./mine", "mine/../mine/"])
def test_all_spellings_of_a_path_find_the_same_experiment(mine, name):
    assert loader.find(name, mine.parent) == loader.find(f"{mine}/", mine.parent)


def test_modules_of_a_folder_import_each_other(mine):
    assert loader.find("mine/", mine.parent).load("data").TWO == 2


def test_files_of_the_same_name_in_two_folders_do_not_clash(mine):
    other = mine.parent / "other"
    mine.rename(other)
    spirals = loader.find(f"{SPIRALS}/", mine).load("data")
    assert loader.find("other/", mine.parent).load("data").TWO == 2
    assert not hasattr(spirals, "TWO")


def test_a_folder_is_not_added_to_sys_path(mine):
    before = list(sys.path)
    loader.find("mine/", mine.parent).load("data")
    assert sys.path == before and "helper" not in sys.modules


@pytest.mark.parametrize("module", interface.FILES)
def test_a_folder_that_lacks_a_file_is_refused(mine, module):
    (mine / f"{module}.py").unlink()
    with pytest.raises(UserError, match=f"'mine/': missing {module}.py in .*mine'"):
        loader.find("mine/", mine.parent)


def test_names_from_a_star_import_are_checked_when_the_file_is_loaded(mine):
    (mine / "data.py").write_text("from .helper import *\n")
    with pytest.raises(UserError, match=r"data\.py' does not define generate"):
        loader.find("mine/", mine.parent).load("data")


@pytest.mark.parametrize("name", ["none", "drawing", "..", ".", "x" * 300, "a\nb"])
def test_an_unknown_name_is_refused_with_the_built_in_ones(tmp_path, name):
    with pytest.raises(UserError, match=r"is not built in; expected one of .*sheets") as caught:
        loader.find(name, tmp_path)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("name", ["a\0/b", "x" * 300 + "/", "a\n/b", "/"])
def test_an_impossible_path_is_refused_in_one_line(tmp_path, name):
    with pytest.raises(UserError) as caught:
        loader.find(name, tmp_path)
    assert len(str(caught.value).splitlines()) == 1


def test_an_experiment_loaded_afresh_lacks_what_its_modules_have_kept(mine):
    own = loader.find("mine/", mine.parent)
    vars(own.load("data").helper)["ONE"] = 7
    assert own.afresh().load("data").helper.ONE == 1
    assert own.load("data").helper.ONE == 7


def test_a_module_that_can_be_loaded_only_once_is_used_again(mine):
    with open(mine / "data.py", "a") as data:
        data.write("import sys\nif 'only once' in sys.modules: raise ValueError\n")
        data.write("sys.modules['only once'] = sys\n")
    own = loader.find("mine/", mine.parent)
    assert own.load("data") is own.afresh().load("data")
    del sys.modules["only once"]
