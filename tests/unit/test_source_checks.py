"""Check the source of a user's experiment while planning, without running it."""

import pytest
from spirals import SPIRALS

from epochreel.core.errors import UserError
from epochreel.experiment_api import interface, loader, source_checks

SOURCES = {
    "data": "def generate(settings, seed, split, indices): ...\n",
    "model": "class Network(Module):\n    def __init__(self, settings, data): ...\n"
    "def loss(network, batch): ...\n",
    "evaluation": "def evaluate(network, batches): ...\n",
    "figure": "def panels(run_info): ...\n",
    "inference": "def predict(network, image, data): ...\n",
    "projection": "def activations(predictions): ...\n",
    "checks": "def contradictions(asked): ...\n",
    "inputs": "def files(settings): ...\n",
}
FOLDER = {
    "__init__.py": "ROOT = 1\n",  # Never runs.
    "helper.py": "ONE = 1\ndef f(local): inner = 1\nfor each in []: ...\n",
    "made.py": "globals()['NAME'] = 1\n",
    "lazy.py": "def __getattr__(name): ...\n",
    "late.py": "def f():\n    global LATE\n    LATE = 1\n",
    "parts/__init__.py": "from .layer import *\n",
    "parts/layer.py": "from ..helper import ONE\nfrom . import layer\n",
    "spread/deep.py": "TWO = 2\n",
}


@pytest.fixture
def mine(tmp_path):
    """An experiment in `mine/` that fails when run, and modules that it may import."""
    folder = tmp_path / "mine"
    for module, source in SOURCES.items():
        folder.mkdir(exist_ok=True)
        (folder / f"{module}.py").write_text(f"{source}1 / 0\n")
    for name, source in FOLDER.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(source)
    return folder


def validate(folder):
    source_checks.validate_experiment(loader.find(f"{folder}/", folder))


def refusal(folder) -> str:
    """Return the one-line error that refuses an experiment."""
    with pytest.raises(UserError) as caught:
        validate(folder)
    line = str(caught.value)
    assert line.isprintable()
    return line


@pytest.mark.parametrize("name", ["activations", "words", "sheets", f"{SPIRALS}/"])
def test_the_built_in_experiments_are_valid(name, tmp_path):
    experiment = loader.find(name, tmp_path)
    source_checks.validate_experiment(experiment)
    for module, function in (("evaluation", "evaluate"), ("data", "draw")):
        source_checks.check_call(experiment, module, function)


# -- Compiling


@pytest.mark.parametrize("file", ["model", "inference", "helper"])
@pytest.mark.parametrize(
    ("code", "words"),
    [
        (b"\ndef f(:", r"invalid syntax (line 2)"),
        (b"\nreturn", "'return' outside function (line 2)"),
        (b"\ndef f(a, a): ...", "duplicate argument 'a' in function definition (line 2)"),
        (b"x = '\xff'", "'utf-8' codec can't decode byte 0xff"),
        (b"x = 1\0", "source code string cannot contain null bytes"),
        (
            b"x = " + b"-" * 20_000 + b"1",
            "it is nested too deeply: split long expressions",
        ),
        (b"if 1: ...\n" + b"elif 2: ...\n" * 2_000, "it is nested too deeply"),
    ],
    ids=["syntax", "return", "arguments", "encoding", "null", "signs", "elif"],
)
def test_a_file_that_does_not_compile_is_refused_with_its_line(mine, file, code, words):
    (mine / "data.py").write_text(f"from . import helper\n{SOURCES['data']}")
    (mine / f"{file}.py").write_bytes(code)
    line = refusal(mine)
    assert line.startswith(f"{mine}/{file}.py cannot be read as Python: ") and words in line


def test_a_file_that_nothing_imports_may_contain_anything(mine):
    (mine / "notes.py").write_text("def (")
    validate(mine)


def test_python_warnings_are_accepted_silently(mine, recwarn):
    (mine / "helper.py").write_text("odd = 1 is 1, '\\d'\n")
    (mine / "data.py").write_text(f"from . import helper\n{SOURCES['data']}")
    validate(mine)
    assert not recwarn.list


# -- Required names


@pytest.mark.parametrize(
    ("module", "name"), [(m, n) for m, names in interface.NAMES.items() for n in names]
)
def test_a_file_without_a_required_function_is_refused(mine, module, name):
    source = SOURCES[module].replace(f"{name}(", "other(")
    (mine / f"{module}.py").write_text(source)
    assert refusal(mine) == f"'{mine}/{module}.py' does not define {name}"


def test_all_missing_functions_of_a_file_are_listed(mine):
    (mine / "model.py").write_text('"""def loss"""\ndef other():\n    loss = Network = 1\n')
    assert refusal(mine).endswith("does not define Network and loss")


@pytest.mark.parametrize(
    "code",
    [
        "from .lazy import generate",
        "from .lazy import make as generate",
        "from .parts import *",
        "generate = print",
        "generate: object = print",
        "one, generate = 1, 2",
        "generate = lambda a, b, c, d: ()",
        "try:\n    import x\nexcept ImportError:\n    def generate(*given): ...",
        "if True:\n    class generate: ...",
        "for generate in [print]: ...",
        "with open('x') as generate: ...",
        "match 1:\n    case [*generate]: ...",
        "def f():\n    global generate",
        "def __getattr__(name): ...",
        "exec('def generate(): ...')",
        "setattr(sys.modules[__name__], 'generate', print)",
    ],
)
def test_a_function_that_may_be_defined_in_another_way_is_accepted(mine, code):
    (mine / "data.py").write_text(code)
    validate(mine)


# -- Arguments

WRONG = {
    "generate": "def generate(a, b, c): ...",
    "generate with too many": "def generate(a, b, c, d, e): ...",
    "Network": "class Network(Module):\n    def __init__(self, settings): ...",
    "loss": "def loss(batch): ...",
    "loss by keyword": "def loss(network, batch, *, more): ...",
    "penalty": "def penalty(network, batch): ...",
    "panels": "def panels(): ...",
    "nouns": "def nouns(): ...",
    "sentence": "def sentence(): ...",
    "mistakes": "def mistakes(run_info, frame_data): ...",
    "grades": "def grades(predictions): ...",
    "loops": "async def loops(run_info): ...",
    "predict": "def predict(network, image): ...",
    "draw_prediction": "def draw_prediction(network): ...",
    "activations": "def activations(): ...",
    "contradictions": "def contradictions(): ...",
}


@pytest.mark.parametrize(("case", "code"), WRONG.items(), ids=WRONG)
def test_a_function_with_other_arguments_is_refused_with_its_definition(mine, case, code):
    name = case.split()[0]
    ((module, given),) = [(m, c[name]) for m, c in interface.CALLS.items() if name in c]
    source = (
        SOURCES.get(module, "")
        .replace(f"def {name}(", "def other(")
        .replace(f"class {name}(", "class X(")
    )
    (mine / f"{module}.py").write_text(f"{source}{code}\n")
    call = f"({', '.join(given)})"
    assert refusal(mine) == (
        f"{mine}/{module}.py: {name} does not accept {call}; define it as {name}{call}"
    )


@pytest.mark.parametrize(
    ("code", "accepted"),
    [
        ("def evaluate(network, test): ...", False),
        ("def evaluate(network, test, *, sample=None): ...", False),
        ("def evaluate(network, /, test, sample=None): ...", True),
        ("def evaluate(network, *batches): ...", True),
        ("def evaluate(network, test, sample, more=None): ...", True),
        ("def evaluate(network, test, sample, more): ...", False),
        ("def evaluate(network, test, sample, *, more): ...", False),
        ("evaluate = make()", True),
        ("def evaluate(network): ...\nevaluate = make(evaluate)", True),
        ("def evaluate(network): ...\ndef later():\n    global evaluate", True),
        ("class evaluate:\n    def __init__(self, network, test, sample): ...", True),
        ("class evaluate:\n    def __init__(self, network, test): ...", False),
        ("class evaluate:\n    @other\n    def __init__(self): ...", True),
        ("class evaluate(Other): ...", True),
        ("@other\nclass evaluate: ...", True),
        ("@other\ndef evaluate(network, test): ...", True),
        ("from .other import *", True),
        ("if 1:\n    from .other import evaluate\nelse:\n    def evaluate(network): ...", True),
    ],
)
def test_arguments_are_counted_only_where_the_source_is_conclusive(tmp_path, code, accepted):
    (tmp_path / "evaluation.py").write_text(f"{code}\n1 / 0\n")
    assert source_checks.accepts(tmp_path / "evaluation.py", "evaluate", 3) == accepted


# -- Relative imports


@pytest.mark.parametrize(
    "code",
    [
        "from . import nothere",
        "from . import ROOT",
        "from .nothere import x",
        "from .nothere import *",
        "from .helper.deep import x",
        "from .spread import two",
        "from .spread.three import x",
        "from .helper import nothere",
        "from .helper import local",
        "from .helper import inner",
        "from .. import mine",
        "from ..mine import x",
    ],
)
def test_an_import_that_cannot_succeed_is_refused_with_its_line(mine, code):
    (mine / "evaluation.py").write_text(f"{SOURCES['evaluation']}{code}\n")
    line = refusal(mine)
    assert line.startswith(f"{mine}/evaluation.py, line 2: '{code}': no such module or name")


def test_a_helper_whose_import_cannot_succeed_is_refused(mine):
    (mine / "data.py").write_text(f"from .spread.deep import TWO\n{SOURCES['data']}")
    (mine / "spread" / "deep.py").write_text("from . import helper\nTWO = 2\n")
    assert refusal(mine).startswith(f"{mine}/spread/deep.py, line 1: 'from . import helper': no")


@pytest.mark.parametrize(
    "code",
    [
        "from . import helper, parts, spread",
        "from . import *",
        "from .helper import ONE, each, f, __file__",
        "from .helper import *",
        "from .late import LATE",
        "from .lazy import anything",
        "from .made import NAME",
        "from .parts import anything, layer",
        "from .spread import deep",
        "from .spread.deep import TWO as two",
        "from .built import anything",
        "try:\n    from . import fast\nexcept ImportError: ...",
        "with suppress(ImportError):\n    from . import fast",
        "if TYPE_CHECKING:\n    from .types import Other",
    ],
)
def test_an_import_that_succeeds_or_may_fail_is_accepted(mine, code):
    (mine / "built.so").touch()
    (mine / "evaluation.py").write_text(f"{code}\n{SOURCES['evaluation']}")
    validate(mine)
