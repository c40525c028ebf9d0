"""Themes, and the user's palette file."""

import dataclasses

import numpy as np
import pytest
from tools import refusal

from epochreel.drawing.palette import DARK, LIGHT, THEMES, Palette, contrast, from_hex
from epochreel.film import render
from epochreel.plan import palette_file
from epochreel.plan.plan import Plan
from epochreel.provenance.keys import canonical

FEW = "[" + ", ".join(["'#000000'"] * 9) + "]"


@pytest.mark.parametrize("name", THEMES)
def test_marks_of_a_theme_are_visible_on_their_grounds(name):
    assert list(THEMES[name].palette.low_contrasts()) == []


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_right_wrong_and_classes_differ(palette):
    for colours in ((palette.right, palette.wrong), palette.classes):
        apart = np.array(colours, int)[:, None] - np.array(colours, int)
        assert (np.abs(apart).sum(-1) + 999 * np.eye(len(colours)) > 60).all()


def test_the_contrast_of_black_and_white_is_21():
    assert contrast((0, 0, 0), (255, 255, 255)) == contrast((255,) * 3, (0,) * 3) == 21
    assert contrast((119, 119, 119), (255, 255, 255)) == pytest.approx(4.48, abs=0.01)


@pytest.fixture
def write(tmp_path):
    """Write a palette file; return its path."""

    def write(text: str, name: str = "colours.yaml"):
        (tmp_path / name).write_text(text)
        return tmp_path / name

    return write


def test_colours_of_the_file_replace_those_of_the_theme(write):
    colours = palette_file.read(write("paper: '#FFEEDD'\nink: '#000000'"), "light")
    palette = THEMES["light"].with_colours(colours).palette
    assert (palette.paper, palette.ink) == ((255, 238, 221), (0, 0, 0))
    kept = {field.name for field in dataclasses.fields(Palette)} - {"paper", "ink"}
    assert all(getattr(palette, name) == getattr(LIGHT, name) for name in kept)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ink: #102030", "ink is nothing; expected a colour in quotes, such as '#0064a6'"),
        ("ink: red", "ink is 'red'; expected a colour in quotes"),
        ("ink: '#12345'", "ink is '#12345'; expected a colour"),
        ("ink: '#12345g'", "ink is '#12345g'; expected a colour"),
        ("ink: 102030", "ink is 102030; expected a colour"),
        ("ink: ['#102030']", "ink is ['#102030']; expected a colour"),
        ("inks: '#102030'", "unknown colour 'inks'; expected one of paper, ink, quiet,"),
        ("7: '#102030'", "unknown colour 7; expected one of paper,"),
        (f"classes: {FEW}", "classes has 9 colours; expected a list of at least 10 colours"),
        ("classes: '#102030'", "classes is '#102030'; expected a list"),
        (f"classes: {FEW[:-1]}, red]", "classes.9 is 'red'; expected a colour"),
        (
            "ink: red\nwrong: blue",
            "ink is 'red'; expected a colour in quotes, such as '#0064a6'; w",
        ),
        (
            "ink: '#aaaaaa'",
            "too little contrast: ink on paper 2.3, ink on sl",
        ),
        ("right: '#ffffff'", "contrast: right on paper 1.0; expected at least 3: change one"),
        (f"classes: {FEW[:-1]}, '#ffff00']", "contrast: classes.9 on paper 1.1; expected at"),
        ("", "colours.yaml is empty; expected an object"),
        ("ink: '#000000'\nink: '#000001'", "colours.yaml, line 2: invalid YAML: duplicate key"),
    ],
)
def test_a_palette_with_a_mistake_is_refused(write, text, words):
    assert words in refusal(palette_file.read, write(text), "light")


def test_colours_of_the_theme_count_in_the_contrast(write):
    path = write("paper: '#101010'")
    assert palette_file.read(path, "dark") == {"paper": "#101010"}
    assert "colours that are not in the file" in refusal(palette_file.read, path, "light")


def test_a_missing_palette_is_reported_with_its_key(spirals, tmp_path):
    told = refusal(Plan, spirals(figure={"palette": "none.yaml"}), tmp_path)
    assert told.startswith(f"config: runs.tiny.figure.palette: {tmp_path}/none.yaml cannot be read")


@pytest.fixture
def settings_of(spirals, tmp_path):
    """Return a function that returns the settings of a stage, as text, with a palette file."""

    def settings(stage: str, palette: str | None) -> str:
        config = spirals(figure={"palette": palette})
        return canonical(Plan(config, tmp_path).main.stage_settings(stage))

    return settings


def test_a_changed_colour_changes_the_settings_of_frames_only(settings_of, write):
    stages = ("train", "evaluate", "render", "render_closing", "encode_segment", "timeline")
    write("ink: '#000000'")
    before = {stage: settings_of(stage, "colours.yaml") for stage in stages}
    write("ink: '#000001'")
    after = {stage: settings_of(stage, "colours.yaml") for stage in stages}
    differing = {stage for stage in stages if before[stage] != after[stage]}
    assert {"render", "render_closing"} <= differing
    assert not differing & {"train", "evaluate", "timeline"}


@pytest.mark.parametrize(
    "text", ["# A comment.\nink: '#AA0000'", "paper: '#fdfdfb'\nink: '#aa0000'"]
)
def test_the_same_colours_in_another_file_change_nothing(settings_of, write, text):
    write("ink: '#aa0000'"), write(text, "other.yaml")
    assert settings_of("render", "colours.yaml") == settings_of("render", "other.yaml")


def test_colours_equal_to_the_theme_change_nothing(settings_of, write):
    write(f"paper: '#fdfdfb'\nwrong: '{LIGHT.wrong[0]:#04x}5e00'".replace("0xd5", "#d5"))
    assert settings_of("render", "colours.yaml") == settings_of("render", None)


def test_frames_have_the_colours_of_the_file(spirals, tmp_path, write):
    write("paper: '#ffeedd'")
    plan = Plan(spirals(figure={"palette": "colours.yaml"}), tmp_path)
    info = render.run_info(plan.main.stage_settings("render")["settings"], [])
    assert info.theme.palette.paper == from_hex("#ffeedd")
    assert info.theme.palette.ink == LIGHT.ink
