"""Text that frames cannot show is refused while planning, or at the latest when it is drawn."""

import unicodedata

import numpy as np
import pytest
from PIL import ImageFont
from tools import refusal

from epochreel.config import schema
from epochreel.core import drawable_text
from epochreel.core.drawable_text import FONTS, undrawable
from epochreel.drawing import text
from epochreel.drawing.canvas import Canvas
from epochreel.experiment_api import declared_metrics, loader
from epochreel.plan import schemas

REFUSED = {
    "another script": ("一 cat", "一"),
    "an emoji": ("dog 🐶", "🐶"),
    "an emoji of which the font has an outline": ("😀", "😀"),
    "a variation selector": ("❤\ufe0f", "\ufe0f"),
    "a zero-width joiner": ("a\u200db", "\u200d"),
    "a soft hyphen": ("a\xadb", "\xad"),
    "a line feed": ("a\nb", "\n"),
    "a tab": ("a\tb", "\t"),
    "a line separator": ("a\u2028b", "\u2028"),
    "a mark on a letter that cannot have it": ("q\u0301", "\u0301"),
    "Hebrew": ("כלב", "כ"),
    "Arabic": ("كلب", "ك"),
    "a presentation form of Arabic": ("\ufef5", "\ufef5"),
    "a change of direction": ("\u202ecat", "\u202e"),
    "a private character": ("\uef00", "\uef00"),
    "half a surrogate pair": ("\udc80", "\udc80"),
}
DRAWN = (
    "Katze",
    "Ünïcödé – Привет, α → ≥",
    "Việt Nam",
    "Å\u212b",
    "a\u0301",
    "½ · 3 × 4°",
    "İ",
    "",
)


@pytest.mark.parametrize(("words", "letter"), REFUSED.values(), ids=REFUSED)
def test_a_text_that_cannot_be_drawn_is_refused(words, letter):
    assert f"(U+{ord(letter):04X}" in undrawable(words)
    assert f"(U+{ord(letter):04X}" in refusal(Canvas(480, 270).text, 0, 0, words, 20)
    assert f"(U+{ord(letter):04X}" in refusal(Canvas(480, 270).measure, words, 20, "bold")


@pytest.mark.parametrize("words", DRAWN)
@pytest.mark.parametrize("weight", FONTS)
def test_a_text_of_the_font_is_drawn(words, weight):
    canvas = Canvas(480, 270)
    assert undrawable(words) == ""
    assert (canvas.text(0, 60, words, 60, weight=weight) > 0) == bool(words)


def test_each_missing_character_is_named_once_and_not_too_many():
    found = undrawable("猫猫", "b猫犬")
    assert found.count("(U+") == 2 and "'猫' (U+732B CJK UNIFIED IDEOGRAPH-732B), '犬'" in found
    assert "5 more; expected characters of the font DejaVu Sans" in undrawable(
        "一二三四五六七八九十"
    )


def test_a_letter_and_its_mark_are_drawn_as_one_character():
    frames = []
    for form in ("NFC", "NFD"):
        canvas = Canvas(480, 270)
        canvas.text(10, 60, unicodedata.normalize(form, "Künstliche Äpfel"), 60)
        frames.append(canvas.pixels)
    assert np.array_equal(*frames)


def test_marks_do_not_combine_across_texts():
    assert "(U+0301" in undrawable("caf\xe9e", "\u0301")


def test_common_characters_are_in_normal_form_and_in_all_fonts():
    plain = [chr(code) for code in range(0x3000) if drawable_text._PLAIN.fullmatch(chr(code))]
    for weight in drawable_text.FONTS:
        assert {ord(letter) for letter in plain} <= drawable_text._characters(weight)
    assert len(plain) > 290 and all(unicodedata.is_normalized("NFC", letter) for letter in plain)


def test_no_shaping_library_of_the_system_is_used():
    assert text._font("regular", 20.0).layout_engine == ImageFont.Layout.BASIC


def test_class_names_are_checked_when_planning():
    rules = schemas.of_experiment(loader.find("activations", None))["data"]
    settings = {"source": "folder", "folder": "x", "classes": ["猫", "🐶 dog", "Esel"]}
    said = refusal(schema.checked, settings, rules, "datasets.mine.settings")
    assert said.startswith("config: datasets.mine.settings.classes contains '猫' (U+732B CJK ")
    assert "'🐶' (U+1F436 DOG FACE); expected characters of the font" in said


@pytest.mark.parametrize("value", [["a", ["猫"]], {"猫": 1}, {"a": {"b": "猫"}}, "猫"])
def test_a_user_schema_marks_text_that_is_drawn(value):
    rules = {"properties": {"names": {"text": "drawn"}, "other": {}}}
    said = refusal(schema.checked, {"names": value}, rules, "datasets.mine.settings")
    assert said.startswith("config: datasets.mine.settings.names contains '猫'")
    assert schema.checked({"other": value}, rules) == {"other": value}


@pytest.mark.parametrize("key", ["label", "group", "unit"])
def test_the_texts_of_metrics_are_checked_when_planning(tmp_path, key):
    file = tmp_path / "evaluation.py"
    texts = {"label": "Loss"} | {key: "損失"}
    arguments = ", ".join(f"{name}={words!r}" for name, words in texts.items())
    file.write_text(f"\nMETRICS = {{'loss': Metric({arguments})}}")
    said = refusal(declared_metrics.read, file)
    assert said.startswith(f"{file}, line 2: METRICS['loss']: {key} contains '損' (U+640D")
