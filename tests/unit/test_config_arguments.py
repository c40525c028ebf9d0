"""Values of `--config` have the types that YAML gives them, in jobs on a cluster too."""

import shlex
import subprocess
from pathlib import Path

import pytest
from snakemake.cli import parse_config
from snakemake.utils import update_config
from snakemake_interface_executor_plugins.utils import format_cli_arg
from tools import refusal

from epochreel.config.yaml_file import (
    base_folder,
    load_arguments,
    load_file,
    read_config,
    retyped,
)

VALUES = {
    "main_run=tiny": "tiny",
    "snapshots_per_block=10": 10,
    "runs={tiny: {epochs: 2}}": {"tiny": {"epochs": 2}},
    'runs={"tiny":{"epochs":2}}': {"tiny": {"epochs": 2}},
    "runs={'tiny': {'a': None, 'b': True}}": {"tiny": {"a": None, "b": True}},
    "runs={tiny: {a: null, b: true, c: no}}": {"tiny": {"a": None, "b": True, "c": False}},
    "runs={tiny: {title: '123', a: '1e-3'}}": {"tiny": {"title": "123", "a": "1e-3"}},
    'runs={tiny: {title: "a # b, 5 % = {c} é"}}': {"tiny": {"title": "a # b, 5 % = {c} é"}},
    "rates=[1e-3, 1E5, -2.5e4, .5e-1, 1.0e-3]": [1e-3, 1e5, -2.5e4, 0.05, 1e-3],
    "rate=1e-3": 1e-3,
    "words=[1e5x, a-1e3, Nones]": ["1e5x", "a-1e3", "Nones"],
    "nothing=": None,
}


@pytest.mark.parametrize("argument", VALUES)
def test_a_value_has_its_type_in_yaml(argument):
    (found,) = load_arguments([argument])
    assert repr(found) == repr({argument.partition("=")[0]: VALUES[argument]})


@pytest.mark.parametrize("part", ["", "film"], ids=["whole", "part"])
def test_a_module_gets_the_types_of_yaml(part):
    value = "{runs: {a: {epochs: 3, rate: 1e-3, sizes: [4, 8]}}}"
    argument = f"{part}={value}" if part else f"runs={value[7:-1]}"
    read, text = parse_config([argument]), {"epochs": "3", "rate": "1e-3", "sizes": ["4", "8"]}
    config = {"runs": {"a": text | {"title": "3"}, "b": {"epochs": "3"}}}
    found = retyped(config, read, ["other=a$b", argument])["runs"]
    assert found["a"] == {"epochs": 3, "rate": 1e-3, "sizes": [4, 8], "title": "3"}
    assert found["b"] == {"epochs": "3"}


@pytest.mark.parametrize("argument", VALUES)
def test_an_accepted_argument_reaches_jobs_unchanged(argument):
    command = 'printf "%s" ' + format_cli_arg("--config", [argument])
    assert shell(command) == f"--config{argument}"
    # As the Slurm plugin passes a command to sbatch.
    escaped = command.replace('"', '\\"')
    assert shell(f'printf "%s" "{escaped}"') == command


def shell(command: str) -> str:
    return subprocess.run(["sh", "-c", command], capture_output=True, text=True).stdout


@pytest.mark.parametrize("text", ["5 $HOME", "`date`", "a\\b", "a\nb", 'it\'s "so"'])
def test_an_argument_that_a_shell_would_change_is_refused(text):
    said = refusal(load_arguments, [f"runs={{a: {{title: {shlex.quote(text)}}}}}"])
    assert said.endswith("pass both: --configfile config.yaml second.yaml")


@pytest.mark.parametrize("text", ["{a: {epochs: 2}", "{a: 1, a: 2}", "!!python/name:os.getcwd x"])
def test_a_value_that_is_not_yaml_is_refused(text):
    said = refusal(load_arguments, [f"runs={text}"])
    assert said.startswith(f"--config runs={text}: invalid YAML: ")
    assert "such as --config 'runs={name: {epochs: 2}}'" in said


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Two config files in a folder, and `config.yaml` in the working folder."""
    monkeypatch.chdir(tmp_path)
    texts = {"a": "{x: {p: 1, q: 2}, y: [1]}", "b": "{x: {q: {r: 3}}, y: [2]}", "config": "{z: 1}"}
    for name, text in texts.items():
        Path(f"{name}.yaml").write_text(text)
    return ["a.yaml", "b.yaml"]


def test_config_files_are_merged_in_order_and_overridden_by_arguments(files):
    found = read_config(files, ["x={p: 5, s: 6}", "w="])
    assert found == {"x": {"p": 5, "q": {"r": 3}, "s": 6}, "y": [2], "w": None}


def test_config_files_replace_the_default_one(files):
    assert read_config([], []) == {"z": 1}
    assert "z" not in read_config(files, [])
    assert base_folder([]) == base_folder(files) == Path.cwd()


def test_a_file_merges_as_in_snakemake(files):
    merged = {}
    for file in files:
        update_config(merged, load_file(file))
    assert read_config(files, []) == merged


def test_relative_paths_start_from_the_folder_of_the_last_file(tmp_path):
    assert base_folder([tmp_path / "a.yaml", tmp_path / "in/b.yaml"]) == tmp_path / "in"


def test_an_argument_without_a_value_is_refused(files):
    assert refusal(read_config, files, ["sheets"]) == "--config sheets: expected key=value"
