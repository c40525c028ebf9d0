"""Fonts are found, grouped into families, and refused in one line."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from epochreel.core import bundled_fonts
from epochreel.core.errors import UserError
from epochreel.drawing import fonts

DIGITS = "0123456789."


def own(folder: Path, *names: str) -> Path:
    for name in names:
        shutil.copy(bundled_fonts.bundled(name), folder)
    return folder


def test_a_font_that_comes_with_matplotlib_is_found():
    assert bundled_fonts.bundled("DejaVuSans.ttf").read_bytes()[:4] == b"\x00\x01\x00\x00"


def test_a_font_that_matplotlib_lacks_is_reported():
    with pytest.raises(UserError, match=r"NoSuchFont.ttf is missing"):
        bundled_fonts.bundled("NoSuchFont.ttf")


def test_fonts_are_found_without_importing_matplotlib():
    code = (
        "import sys; from epochreel.drawing import fonts; fonts.families('0123');"
        "sys.exit('matplotlib' in sys.modules)"
    )
    folder = Path(fonts.__file__).parents[2]
    assert subprocess.run([sys.executable, "-c", code], cwd=folder).returncode == 0


def test_there_are_seven_bundled_families():
    families = fonts.families(DIGITS)
    assert list(families) == [
        "Computer Modern Roman",
        "Computer Modern Sans",
        "Computer Modern Typewriter",
        "DejaVu Sans",
        "DejaVu Sans Mono",
        "DejaVu Serif",
        "STIXGeneral",
    ]


def test_symbol_and_placeholder_fonts_are_excluded():
    names = {Path(face.path).name for faces in fonts.families(DIGITS).values() for face in faces}
    assert "cmr10.ttf" in names
    assert not names & {"cmsy10.ttf", "cmex10.ttf", "cmmi10.ttf", "LastResortHE-Regular.ttf"}


def test_a_family_contains_its_upright_slanted_and_bold_faces():
    faces = {(face.style, face.weight) for face in fonts.families(DIGITS)["DejaVu Sans"]}
    assert faces == {(s, w) for s in ("upright", "oblique") for w in ("normal", "bold")}


@pytest.mark.parametrize(
    ("family", "style", "weight", "file"),
    [
        ("DejaVu Serif", "italic", "bold", "DejaVuSerif-BoldItalic.ttf"),
        ("DejaVu Sans", "italic", "light", "DejaVuSans-Oblique.ttf"),
        ("Computer Modern Roman", "oblique", "bold", "cmti10.ttf"),
        ("Computer Modern Sans", "oblique", "bold", "cmss10.ttf"),
    ],
)
def test_the_nearest_face_keeps_the_slant_before_the_weight(family, style, weight, file):
    face = fonts.nearest(fonts.families(DIGITS)[family], style, weight)
    assert Path(face.path).name == file


def test_a_user_folder_is_searched_with_its_subfolders(tmp_path):
    (tmp_path / "serif").mkdir()
    own(tmp_path / "serif", "DejaVuSerif.ttf")
    assert list(fonts.families(DIGITS, tmp_path)) == ["DejaVu Serif"]


def test_a_font_without_the_digits_is_excluded(tmp_path):
    own(tmp_path, "DejaVuSans.ttf", "STIXSizOneSymReg.ttf", "LastResortHE-Regular.ttf")
    assert list(fonts.families(DIGITS, tmp_path)) == ["DejaVu Sans"]


def test_a_folder_without_a_usable_font_is_refused_in_one_line(tmp_path):
    own(tmp_path, "STIXSizOneSymReg.ttf")
    with pytest.raises(UserError, match=r"^no font in .* has all characters of [^\n]*$"):
        fonts.families(DIGITS, tmp_path)


def test_an_empty_folder_is_refused_in_one_line(tmp_path):
    with pytest.raises(UserError, match=r"^font folder .* has no [^\n]*$"):
        fonts.families(DIGITS, tmp_path)


def test_a_missing_folder_is_refused_in_one_line(tmp_path):
    with pytest.raises(UserError, match=r"^font folder .*/none does not exist[^\n]*$"):
        fonts.families(DIGITS, tmp_path / "none")


def test_an_invalid_font_file_is_reported(tmp_path):
    (tmp_path / "broken.ttf").write_bytes(b"not a font")
    with pytest.raises(UserError, match=r"broken.ttf cannot be read as a font"):
        fonts.families(DIGITS, tmp_path)
