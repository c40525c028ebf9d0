"""Embedded checksums of films: any changed or lost byte is detected."""

import random
import struct

import pytest
import tools

from epochreel.core.errors import UserError
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


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


@pytest.mark.parametrize(
    "header",
    [struct.pack(">IIIII", 0, 0, 0, 24, 60), struct.pack(">IQQIQ", 1 << 24, 0, 0, 24, 60)],
    ids=["32 bits", "64 bits"],
)
def test_the_duration_is_in_the_movie_header(tmp_path, header):
    path = tmp_path / "film.mp4"
    movie = box(b"moov", box(b"udta", b"?") + box(b"mvhd", header))
    path.write_bytes(box(b"ftyp", b"isom") + movie + box(b"mdat", b"?" * 9))
    assert video.duration(path) == 2.5


@pytest.mark.parametrize(
    "content", [b"", b"no film", box(b"moov", b""), box(b"moov", box(b"mvhd", bytes(20)))]
)
def test_a_file_without_a_movie_header_has_no_duration(tmp_path, content):
    (tmp_path / "film.mp4").write_bytes(content)
    with pytest.raises(UserError, match="is damaged"):
        video.duration(tmp_path / "film.mp4")
