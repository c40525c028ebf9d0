"""Embedded checksums of films: any changed or lost byte is detected."""

import random

import pytest
import tools

from epochreel.formats import video

MADE = "ab" * 32


@pytest.fixture
def film(tmp_path):
    """A file with an embedded checksum, as films have it."""
    path = tmp_path / "training.mp4"
    path.write_bytes(random.Random(1).randbytes(300))
    video.embed_checksum(path, MADE)
    return path


def refusal(film, made=MADE) -> str:
    return tools.refusal(video.check, film, made)


def test_an_unchanged_film_passes(film):
    video.check(film, MADE)


def test_a_film_longer_than_one_read_gets_a_checksum_too(tmp_path, monkeypatch):
    monkeypatch.setattr(video, "_CHUNK", 7)
    (tmp_path / "film").write_bytes(bytes(1000))
    video.embed_checksum(tmp_path / "film", MADE)
    monkeypatch.undo()
    video.check(tmp_path / "film", MADE)


def test_a_flipped_bit_anywhere_is_detected_and_the_film_reported(film):
    whole, rng = film.read_bytes(), random.Random(1)
    for place in range(len(whole)):
        data = bytearray(whole)
        data[place] ^= 1 << rng.randrange(8)
        film.write_bytes(data)
        assert refusal(film) == f"{film} is damaged: delete it and run the same command again"


def test_a_lost_or_added_byte_is_detected(film):
    whole = film.read_bytes()
    for data in (whole[:-1], whole[1:], whole + b"\0", b"\0" + whole, b"", whole[:300]):
        film.write_bytes(data)
        assert "is damaged" in refusal(film)


def test_a_film_with_another_key_is_reported(film):
    words = f"{film} was made with other settings, code or versions than the config requires"
    assert refusal(film, "cd" * 32).startswith(words)
