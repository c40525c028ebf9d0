"""Kills: a worker, the whole group, Snakemake alone; the same command finishes the film.

`tests/promises/test_killed.py` kills more often, at random moments.
"""

from __future__ import annotations

import random

import pytest
from killing import KEPT, Watched, kill, workers


@pytest.fixture(scope="module")
def place(made_alone, tmp_path_factory) -> Watched:
    """A watched workplace. Each kill in this module leaves more of the film in it."""
    whole = made_alone("spirals")
    folder = tmp_path_factory.mktemp("killed") / "place"
    return Watched(folder, whole.config, whole.digests(*KEPT))


def kill_during(place: Watched, rule: str, way: str) -> None:
    """Start, kill while a job of the rule runs, and unlock the folder for the next start."""
    process = place.begin()
    while not workers(process, rule):
        assert not place.watch(process, 0.05)
    assert kill(place, process, way, random.Random(1))
    place.wait_until_idle()
    place.check_nothing_repeated(process)
    if way != "worker":
        place.make_forked("--unlock")


@pytest.mark.parametrize("rule, way", [("train", "worker"), ("evaluate", "group")])
def test_finished_files_are_not_made_again_after_a_kill(place, rule, way):
    kill_during(place, rule, way)
    assert place.finished


def test_after_three_kills_the_film_is_the_same(place):
    kill_during(place, "render", "alone")
    place.watch(process := place.begin())
    place.check_nothing_repeated(process)
    assert process.returncode == 0
    assert place.is_complete()
