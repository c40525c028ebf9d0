"""The documents: generated ones are up to date, links resolve, and examples can be planned."""

from __future__ import annotations

import re
from dataclasses import replace

import config_document
import pytest
import rerun_document
import reruns
import yaml
from rerun_files import LOST, LOST_WHERE_PROJECTED
from rerun_rows import NETWORK, SOME
from workflow import REPOSITORY

from epochreel.plan import plan

FOLDERS = [REPOSITORY, *(REPOSITORY / name for name in ("docs", "benchmarks", "tests"))]
DOCUMENTS = [path for folder in FOLDERS for path in sorted(folder.glob("*.md"))]


@pytest.mark.parametrize("document", [rerun_document, config_document], ids=lambda d: d.__name__)
def test_a_generated_document_is_up_to_date(document):
    assert document.DOCUMENT.read_text() == document.document(), f"run {document.__file__}"


# -- Reruns


@pytest.mark.parametrize("row", reruns.ROWS, ids=lambda row: f"{row.key}={row.value}")
def test_the_first_stages_of_a_row_determine_all_that_reruns(row):
    config = reruns.world_config()
    first = rerun_document.first(row.touched)
    # An unbounded training set is not stored, as the document says.
    if "generate_dataset (train)" in first:
        first |= NETWORK
    assert reruns.expected(config, replace(row, touched=first)) == reruns.expected(config, row)


@pytest.mark.parametrize("case", [*LOST, *LOST_WHERE_PROJECTED], ids=lambda case: case.what)
def test_the_first_stages_of_a_lost_file_determine_all_that_reruns(case):
    rules = rerun_document.rules_of(case) - {"write_manifest"}
    first = rerun_document.first(rules)
    following = reruns.following(first, reruns.ONLY_IN_SOME)
    lacking = set() if case in LOST_WHERE_PROJECTED else set(SOME)
    assert following - lacking - set(reruns.FORMS) - {"publish"} == rules - {"publish"}


# -- Links and examples


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_resolves(document):
    for target in re.findall(r"\]\(([^)\s]+)\)", document.read_text()):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        file = (document.parent / name).resolve() if name else document
        assert file.exists(), target
        assert not anchor or anchor in anchors(file.read_text()), target


def anchors(text: str) -> set[str]:
    """The anchors of the headings of a Markdown text, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", heading).lower() for heading in headings)
    return {heading.replace(" ", "-") for heading in plain}


def examples():
    """The YAML blocks of the documents that define datasets and runs."""
    for document in DOCUMENTS:
        for block in re.findall(r"```yaml\n(.*?)```", document.read_text(), re.DOTALL):
            config = yaml.safe_load(block)
            if {"datasets", "runs"} <= config.keys():
                yield pytest.param(config, id=f"{document.stem}-{next(iter(config['runs']))}")


@pytest.mark.parametrize("config", list(examples()))
def test_the_runs_that_the_documents_show_can_be_planned(config, tmp_path):
    for data in config["datasets"].values():
        for key in {"folder", "fashion_files"} & data["settings"].keys():
            data["settings"][key] = str(tmp_path)
    (run,) = config["runs"]
    assert plan.Plan(config | {"main_run": run}, tmp_path).runs[run].snapshots == 51
