"""The pages of a run for Snakemake's report can be read on their own."""

import base64
import math
import re
from xml.etree import ElementTree

import pytest

from epochreel.experiment_api.declared_metrics import Metrics
from epochreel.experiment_api.interface import Metric
from epochreel.workspace import run_report

DECLARED = Metrics(
    {
        "accuracy": Metric("Test <accuracy>", group="Accuracy", unit="%"),
        "train_accuracy": Metric("Training", group="Accuracy", unit="%"),
    }
)
ROWS = [
    {"snapshot": n, "accuracy": n / 1000, "train_accuracy": math.nan, "loss": 1000 - n}
    for n in range(1001)
]
PAGES = {
    "film": run_report.film("A & B", b"\0mp4"),
    "metrics": run_report.metrics("A & B", ROWS, DECLARED),
    "settings": run_report.settings("A & B", {"film": {"crf": 16}, "network": {"name": "<a>"}}),
}


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_a_page_loads_nothing_and_escapes_its_text(page):
    assert "<h1>A &amp; B</h1>" in page
    assert re.findall(r"https?:|<script|<link|@import", page) == []


def test_the_film_is_inside_its_page():
    data = re.search('src="data:video/mp4;base64,([^"]+)"', PAGES["film"])[1]
    assert base64.b64decode(data) == b"\0mp4"


def test_metrics_of_a_group_share_a_chart_that_omits_undefined_values():
    charts = [ElementTree.fromstring(svg) for svg in re.findall("<svg.*?</svg>", PAGES["metrics"])]
    assert re.findall("<h2>(.*?)</h2>", PAGES["metrics"])[:2] == ["Accuracy", "Loss"]
    curves = [[line.get("points") for line in chart.iter("polyline")] for chart in charts]
    assert [len(lines) for lines in curves] == [2, 1]
    assert curves[0][0].startswith("90.0,230.0 ") and curves[0][0].endswith(" 890.0,15.0")
    assert curves[0][1] == ""


def test_the_table_shows_the_first_and_the_last_snapshot_in_their_units():
    rows = re.findall("<tr>.*?</tr>", PAGES["metrics"])
    numbers = [re.findall('<t[dh] class="number">(.*?)</t', row) for row in rows]
    assert [len(cells) for cells in numbers] == [13] * 4
    assert [(cells[0], cells[-1]) for cells in numbers] == [
        ("0", "1000"),
        ("0.0 %", "100.0 %"),
        ("–", "–"),
        ("1000", "0"),
    ]
    assert "Accuracy: Test &lt;accuracy&gt;" in rows[1]


def test_a_run_with_one_snapshot_has_a_page_of_metrics():
    assert "snapshot 0" in run_report.metrics("A", ROWS[:1], DECLARED)


def test_settings_are_named_as_in_the_config():
    assert "<td>film.crf</td><td>16</td>" in PAGES["settings"]
    assert "<td>network.name</td><td>&lt;a&gt;</td>" in PAGES["settings"]
