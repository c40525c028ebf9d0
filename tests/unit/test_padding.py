"""Padding: slots after the last snapshot are hard links to it."""

import os

from epochreel.artifacts import padding


def test_slots_after_the_last_snapshot_are_hard_links_to_it(tmp_path):
    paths = [tmp_path / str(place) for place in range(5)]
    for place in range(3):
        paths[place].write_text(str(place))
    padding.fill(paths, 3)
    assert [path.read_text() for path in paths] == ["0", "1", "2", "2", "2"]
    assert os.path.samefile(paths[4], paths[2])


def test_a_full_block_is_left_unchanged(tmp_path):
    paths = [tmp_path / "0"]
    paths[0].write_text("0")
    padding.fill(paths, 1)
    assert os.listdir(tmp_path) == ["0"]


def test_padding_of_an_earlier_run_is_replaced(tmp_path):
    paths = [tmp_path / "0", tmp_path / "1"]
    for path in paths:
        path.write_text(path.name)
    padding.fill(paths, 1)
    assert paths[1].read_text() == "0"
