"""Every Parquet file of a working folder opens in common readers."""

import ast
import re

import parquet_readers
import pytest
from workflow import REPOSITORY

RESULTS = (REPOSITORY / "docs/results.md").read_text()
EXAMPLES = re.findall(r"^```python\n(.*?)^```", RESULTS, re.M | re.S)


@pytest.mark.parametrize("reader", parquet_readers.READERS)
def test_every_parquet_file_has_the_same_values_in_every_reader(world, reader):
    paths = sorted(world.folder.glob("results/**/*.parquet"))
    kinds = {path.parent.name for path in paths}
    assert kinds > {"evaluations", "metrics", "projections", "train", "training", "test"}
    for path in paths:
        found = parquet_readers.READERS[reader](path)
        assert found == parquet_readers.expected(path), path


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_of_the_document_shows_a_result(world, example, monkeypatch, capsys):
    monkeypatch.chdir(world.folder)
    names = {}
    for statement in ast.parse(example).body:  # as at a prompt, which shows results
        exec(compile(ast.Interactive([statement]), "results.md", "single"), names)
    assert re.search(r"prediction|accuracy", capsys.readouterr().out)
