"""JSON files with a digest: any change of their content is detected."""

import math

import pytest

from epochreel.formats import checked_json

CONTENT = {"a": 1.0, "b": [1, None, "x"], "c": {"d": 0.1}}


@pytest.mark.parametrize("indent", [None, 1])
def test_content_is_read_back_as_written(tmp_path, indent):
    checked_json.write(tmp_path / "file", CONTENT, indent)
    assert checked_json.read(tmp_path / "file") == CONTENT


def test_a_non_finite_number_is_preserved(tmp_path):
    checked_json.write(tmp_path / "file", {"x": math.nan})
    assert math.isnan(checked_json.read(tmp_path / "file")["x"])


def test_any_changed_digit_or_letter_is_detected(tmp_path):
    checked_json.write(tmp_path / "file", CONTENT)
    text = (tmp_path / "file").read_text()
    for place, letter in enumerate(text):
        if letter.isalnum():
            other = "7" if letter != "7" else "8"
            (tmp_path / "file").write_text(text[:place] + other + text[place + 1 :])
            with pytest.raises(ValueError):
                checked_json.read(tmp_path / "file")


@pytest.mark.parametrize("text", ["", "[]", "{}", "3", "x", b"\xff"])
def test_other_content_is_refused(tmp_path, text):
    (tmp_path / "file").write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(ValueError, match="not a JSON file with a digest"):
        checked_json.read(tmp_path / "file")
