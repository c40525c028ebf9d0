"""Padding: the places after the last snapshot are second names of it."""

import os

from epochreel.artifacts import padding


def test_places_after_the_last_snapshot_are_names_of_it(tmp_path):
    paths = [tmp_path / str(place) for place in range(5)]
    for place in range(3):
        paths[place].write_text(str(place))
    padding.fill(paths, 3)
    assert [path.read_text() for path in paths] == ["0", "1", "2", "2", "2"]
    assert os.path.samefile(paths[4], paths[2])


def test_a_full_block_is_left_as_it_is(tmp_path):
    paths = [tmp_path / "0"]
    paths[0].write_text("0")
    padding.fill(paths, 1)
    assert os.listdir(tmp_path) == ["0"]


def test_padding_of_an_earlier_making_gives_way(tmp_path):
    paths = [tmp_path / "0", tmp_path / "1"]
    for path in paths:
        path.write_text(path.name)
    padding.fill(paths, 1)
    assert paths[1].read_text() == "0"
