"""Provenance: what counts as a change of the code or settings, and what does not."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from epochreel.core.errors import UserError
from epochreel.provenance import code_digest, keys

LIBRARY = code_digest.LIBRARY
MODEL = '''"""A network."""
from . import helper
from .parts import layer
from .parts.deep import core as heart

def width(x):
    """Twice x."""
    return 2 * x + helper.ONE  # and one
'''
FILES = {
    "model.py": MODEL,
    "helper.py": "ONE = 1\n",
    "data.py": "SIZE = 3\n",
    "parts/__init__.py": "from . import layer\n",
    "parts/layer.py": "from ..common import RATE\n",
    "parts/deep/core.py": "import numpy as np\nfrom ... import far\n",
    "common.py": "RATE = 0.5\n",
    "far.py": "FAR = 1\n",
    "parts/other.py": "OTHER = 1\n",
}


@pytest.fixture
def digest(tmp_path):
    """Return the function that writes a user's folder with changed files and digests model.py."""

    def of(**changes) -> str:
        folder = tmp_path / str(len(list(tmp_path.iterdir()))) / "mine"
        texts = FILES | {name.replace("__in_", "/"): text for name, text in changes.items()}
        for name, text in texts.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        return code_digest.code_digest([folder / "model.py"], folder)

    return lambda name="far.py", text=FILES["far.py"]: of(**{name: text})


# -- What does not count

SAME = {
    "a comment": MODEL.replace("# and one", "# plus one"),
    "another comment": "# Mine.\n" + MODEL,
    "a docstring": MODEL.replace("Twice x.", "Double x."),
    "no docstring": MODEL.replace('    """Twice x."""\n', "").replace('"""A network."""\n', ""),
    "layout": MODEL.replace("2 * x + helper.ONE", "(2*x\n        + helper.ONE)"),
    "blank lines": MODEL.replace("def", "\n\n\ndef"),
    "line ends": MODEL.replace("\n", "\r\n"),
}


@pytest.mark.parametrize("change", SAME)
def test_the_digest_depends_only_on_the_meaning_of_the_code(digest, change):
    assert SAME[change] != MODEL
    assert digest("model.py", SAME[change]) == digest()


def test_touching_a_file_does_not_change_the_digest(digest, tmp_path):
    before = digest()
    model = tmp_path / "0" / "mine" / "model.py"
    model.touch()
    assert code_digest.code_digest([model], model.parent) == before


@pytest.mark.parametrize("name", ["data.py", "parts/other.py", "figure.py"])
def test_a_file_that_is_not_imported_is_not_in_the_digest(digest, name):
    assert digest(name, "SIZE = 4\n") == digest()


def test_the_order_of_the_files_does_not_change_the_digest():
    files = [LIBRARY / "formats/png.py", LIBRARY / "core/files.py", LIBRARY / "core/lock.py"]
    assert code_digest.code_digest(files) == code_digest.code_digest(files[::-1])


# -- What counts


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("2 * x", "3 * x"),
        ("2 * x", "2.0 * x"),
        ("2 * x", "'2' * x"),
        ("2 * x", "x * 2"),
        ("2 * x +", "2 * x -"),
        ("(x):", "(x=None):"),
        ("return 2", "yield 2"),
        ("helper.ONE", "helper.TWO"),
        ('"""Twice x."""', 'x = """Twice x."""'),
        ("def width", "async def width"),
    ],
)
def test_a_change_in_the_code_changes_the_digest(digest, old, new):
    assert digest("model.py", MODEL.replace(old, new)) != digest()


MESSAGES = """
def check(x, log):
    log.info("checking %s", x)
    if x < 0:
        raise ValueError(f"{x} is negative", "expected", 1)
    if x > 9:
        raise errors.OutOfRangeError("too large") from cause("first")
    print("is fine")
    log.append('a')
    return {"name": 1}
"""


@pytest.mark.parametrize("old", ["checking %s", " is negative", "expected", "too large"])
def test_the_wording_of_errors_and_log_messages_is_not_in_the_digest(digest, old):
    reworded = MESSAGES.replace(old, "something else")
    assert digest("model.py", MODEL + reworded) == digest("model.py", MODEL + MESSAGES)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"is fine"', '"is good"'),
        ('"name"', '"other"'),
        ('expected", 1', 'expected", 2'),
        ("{x}", "{-x}"),
        ("x < 0", "x < 1"),
        ("ValueError", "TypeError"),
        ("log.info", "log.error"),
        ("log.info", "out.info"),
        ("first", "second"),
        ("log.append('a')", "log.append('b')"),
    ],
)
def test_any_other_text_or_value_next_to_messages_is_in_the_digest(digest, old, new):
    changed = MESSAGES.replace(old, new)
    assert digest("model.py", MODEL + changed) != digest("model.py", MODEL + MESSAGES)


@pytest.mark.parametrize(
    "name", ["core/errors.py", "core/log.py", "core/lock.py", "runtime/job.py"]
)
def test_modules_that_affect_no_result_are_not_in_the_digest(tmp_path, name):
    library_copy(tmp_path / "epochreel", name, "\nMORE = 1\n")
    scripts = [(folder / "train.py") for folder in (LIBRARY.parent, tmp_path)]
    (tmp_path / "train.py").write_text(scripts[0].read_text())
    before, after = (digests_of(script) for script in scripts)
    assert before == after


@pytest.mark.parametrize(
    "name", ["helper.py", "parts/__init__.py", "parts/layer.py", "common.py", "far.py"]
)
def test_a_helper_is_in_the_digest_however_it_is_imported(digest, name):
    assert digest(name, FILES[name] + "MORE = 1\n") != digest()


def test_a_helper_imported_inside_a_function_is_in_the_digest(digest):
    late = MODEL + "\ndef later():\n    from .data import SIZE\n    return SIZE\n"
    (one, two) = (digest("model.py", late), digest("model.py", late.replace(".data", ".far")))
    assert one != two != digest()


def test_moving_code_to_another_module_changes_the_digest(tmp_path):
    digests = set()
    for place, texts in enumerate([("A = 1\n", ""), ("", "A = 1\n")]):
        folder = tmp_path / str(place)
        folder.mkdir()
        (folder / "model.py").write_text("from . import one, two\n")
        (folder / "one.py").write_text(texts[0])
        (folder / "two.py").write_text(texts[1])
        digests.add(code_digest.code_digest([folder / "model.py"], folder))
    assert len(digests) == 2


def test_a_module_next_to_a_folder_of_the_same_name_is_in_the_digest(tmp_path):
    digests = set()
    for place in "12":
        (tmp_path / place / "helper").mkdir(parents=True)
        (tmp_path / place / "model.py").write_text("from .helper import A\n")
        (tmp_path / place / "helper.py").write_text(f"A = {place}\n")
        files = [tmp_path / place / "model.py"]
        digests.add(code_digest.code_digest(files, tmp_path / place))
    assert len(digests) == 2


def test_files_that_import_each_other_are_read_once(digest):
    assert digest("far.py", "from . import model\n") != digest()


def library_copy(folder: Path, name: str, more: str) -> Path:
    """Copy the library and append `more` to the module `name`."""
    shutil.copytree(LIBRARY, folder, ignore=shutil.ignore_patterns("__pycache__"))
    with open(folder / name, "a") as file:
        file.write(more)
    return folder


DIGESTS = """
import json, pathlib, sys
sys.path.insert(0, sys.argv[1])
from epochreel.provenance.code_digest import code_digest
files = sorted(pathlib.Path(sys.argv[2]).rglob("*.py"))
digests = {f"{f.parent.name}/{f.name}": code_digest([f]) for f in files}
print(json.dumps(digests))
"""


def digests_by(python: str, folder: Path, of: Path | None = None) -> dict[str, str]:
    """Return the digests of all files below `of` (the library), computed by that in `folder`."""
    command = [python, "-S", "-c", DIGESTS, str(folder), str(of or folder / "epochreel")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def digests_of(script: Path) -> str:
    """Return the digest of a script, computed by the library next to it."""
    code = "import pathlib, sys; sys.path.insert(0, sys.argv[1]);"
    code += "from epochreel.provenance.code_digest import code_digest;"
    code += "print(code_digest([pathlib.Path(sys.argv[2])]))"
    command = [sys.executable, "-S", "-c", code, str(script.parent), str(script)]
    return subprocess.check_output(command, text=True)


@pytest.mark.parametrize(
    ("changed", "counts_for"),
    [
        ("formats/png.py", {"png.py", "dataset_shards.py", "block.py"}),
        ("core/lock.py", set()),
        ("artifacts/metrics.py", {"metrics.py"}),
        ("plan/plan.py", {"plan.py"}),
        ("drawing/__init__.py", {"palette.py", "plan.py"}),
    ],
)
def test_a_library_module_is_in_the_digest_of_its_importers(tmp_path, changed, counts_for):
    library_copy(tmp_path / "epochreel", changed, "\nMORE = 1\n")
    before = digests_by(sys.executable, LIBRARY.parent)
    after = digests_by(sys.executable, tmp_path)
    different = {name.split("/")[1] for name in before if before[name] != after[name]}
    names = ("png", "dataset_shards", "block", "lock", "metrics", "plan", "palette")
    assert different & {f"{name}.py" for name in names} == counts_for


def test_a_linked_user_file_finds_its_siblings_next_to_the_link(tmp_path):
    for name in ("mine", "shared"):
        (tmp_path / name).mkdir()
    (tmp_path / "shared/train.py").write_text("from . import helper\n")
    (tmp_path / "mine/model.py").symlink_to("../shared/train.py")
    digests = set()
    for text in ("A = 1\n", "A = 2\n"):
        (tmp_path / "mine/helper.py").write_text(text)
        code_digest._read_module.cache_clear()
        files = [LIBRARY.parent / "train.py", tmp_path / "mine/model.py"]
        found = code_digest.modules(files, tmp_path / "mine")
        assert {"train", "experiment.model", "experiment.helper"} <= found.keys()
        digests.add(code_digest.code_digest(files, tmp_path / "mine"))
    assert len(digests) == 2


def test_the_digest_does_not_depend_on_where_the_library_is(tmp_path):
    library_copy(tmp_path / "elsewhere" / "epochreel", "formats/png.py", "# a comment\n")
    there = digests_by(sys.executable, tmp_path / "elsewhere")
    assert there == digests_by(sys.executable, LIBRARY.parent)


def other_pythons() -> list[str]:
    """Return working interpreters of other Python versions on this machine."""
    here = f"python{sys.version_info.major}.{sys.version_info.minor}"
    names = [name for minor in range(11, 16) if (name := f"python3.{minor}") != here]
    # A name may be a shim that starts nothing, so check what it runs.
    shims = [path for name in names if (path := shutil.which(name))]
    kept = Path.home() / ".pyenv" / "versions"
    found = [*shims, *(str(path) for path in sorted(kept.glob("3.*/bin/python3.1[1-9]")))]
    tell = "import sys; print('%d.%d' % sys.version_info[:2])"
    versions = {}
    for path in found:
        done = subprocess.run([path, "-S", "-c", tell], capture_output=True, text=True)
        if done.returncode == 0 and f"python{done.stdout.strip()}" != here:
            versions.setdefault(done.stdout.strip(), path)
    return list(versions.values())


TRICKY = r"""
import os.path as p, re
x: int = (y := 3)
a = f"{x!r:>{y + 1}} {x=} {x:} {{}}" "and" f"{'in'}side"
def f(a, /, b=1, *c, d: "int" = 2, **e) -> None: return
def g(): return None
async def h():
    async with a as b, c: [z async for z in b if z]
    await b
@f
class K(list, metaclass=type):
    "words"
    def m(self): "words"
l = lambda *a: {**a, 1: 2, "é\u00e9": -1e-300, 10**3: ...}
match x:
    case {"a": [1, *rest], **more} | K(b=2) if more: pass
    case None | -1 | "s" | _: pass
try: pass
except* OSError as e: raise e from None
for i in (1, 2.0, 3j, True, 0xff): del i
else: print(*l[1:2, ...], sep="\n" 'joined')
"""


def test_the_digest_is_the_same_under_other_versions_of_python(tmp_path):
    pythons = other_pythons()
    if not pythons:
        pytest.skip("no other Python from 3.11 on is installed here")
    (tmp_path / "tricky.py").write_text(TRICKY)
    for folder in (tmp_path, LIBRARY):
        here, *others = [digests_by(p, LIBRARY.parent, folder) for p in [sys.executable, *pythons]]
        assert others == [here] * len(pythons)


# -- Errors


def test_a_file_that_is_not_python_is_reported_in_one_line(digest):
    with pytest.raises(UserError, match=r"helper\.py cannot be .* \(line 1\)$") as caught:
        digest("helper.py", "def (:\n")
    assert len(str(caught.value).splitlines()) == 1


def test_a_file_with_a_null_byte_is_reported_in_one_line(digest):
    with pytest.raises(UserError, match=r"helper\.py cannot be read as Python"):
        digest("helper.py", "A = 1\0\n")


# -- Canonical form, keys, versions


def test_the_order_of_keys_does_not_change_the_digest():
    assert keys.canonical({"a": {"b": 1, "c": 2}}) == keys.canonical({"a": {"c": 2, "b": 1}})


@pytest.mark.parametrize("other", [{"a": 2, "b": 1}, {"a": 1, "b": 2.5}, {"a": "1", "b": 2}])
def test_other_values_have_another_digest(other):
    assert keys.digest(other) != keys.digest({"a": 1, "b": 2})


def test_nan_has_no_canonical_form():
    with pytest.raises(ValueError):
        keys.canonical({"a": float("nan")})


def test_the_key_of_an_artifact_does_not_name_its_block():
    stage = {"settings": {"a": 1}, "code": "c", "versions": {"numpy": "2"}, "reads": {}}
    assert keys.key(stage | {"first": 10, "count": 3}) == keys.key(stage)
    assert keys.key(stage | {"code": "d"}) != keys.key(stage)


def test_the_build_of_a_package_does_not_change_the_key(monkeypatch):
    monkeypatch.setattr(keys.importlib.metadata, "version", lambda name: "2.13.0+cpu")
    assert keys.versions(["made_up"]) == {"made_up": "2.13.0"}
