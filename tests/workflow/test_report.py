"""`snakemake --report` collects the film, the poster, the metrics and the settings of each run."""

import base64
import re

import pytest

PAGES = ("film", "metrics", "settings")


@pytest.fixture(scope="module")
def report(world, tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("report") / "report.html"
    world.make("all", "--report", str(path))
    return path.read_text()


def test_the_report_contains_the_pages_and_the_poster_of_every_run(world, report):
    for run in world.config["runs"]:
        for page in PAGES:
            data = base64.b64encode(world.path(f"{run}/report/{page}.html").read_bytes())
            assert f";base64,{data.decode()}" in report
        poster = base64.b64encode(world.path(f"{run}/poster.png").read_bytes())
        assert f";base64,{poster.decode()}" in report


def test_the_film_of_a_page_is_the_film_of_the_run(world):
    page = world.path("sheets/report/film.html").read_text()
    film = base64.b64decode(re.search('data:video/mp4;base64,([^"]+)"', page)[1])
    assert film == world.path("sheets/training.mp4").read_bytes()


def test_captions_and_titles_are_in_the_report(world, report):
    assert "Every frame shows the network as it was at one moment" in report
    assert f"{world.config['runs']['words']['title']} (words)" in report


def test_the_film_alone_needs_no_page(world, tmp_path):
    place = world.linked_at(tmp_path / "place")
    for page in PAGES:
        place.path(f"sheets/report/{page}.html").unlink()
    assert place.jobs("training.mp4") == set()
    assert place.jobs() == {"write_report sheets"}
