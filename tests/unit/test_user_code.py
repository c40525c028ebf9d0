"""Calls into user code: its changes to its arguments and the process state are undone."""

import contextlib
import decimal
import locale
import os
import sys
import warnings
from types import MappingProxyType

import matplotlib
import numpy as np
import PIL.Image
import PIL.ImageFile
import pytest
import torch

from epochreel.experiment_api import user_code

STATE = user_code._STATE
# Another value of each item, by its name.
OTHER = {
    "the working folder": "/",
    "environment variables": {b"LANG": b"tr_TR"},
    "sys.path": ["/nowhere"],
    "the locale": "C.UTF-8",
    "the filters of warnings": [("error", None, Warning, None, 0)],
    "the recursion limit": 1234,
    "torch's default dtype": torch.float64,
    "torch's default device": torch.device("meta"),
    "torch's number of threads": 2,
    "torch's anomaly detection": (True, False),
    "torch's deterministic algorithms": 2,
    "autocast's dtype on cpu": torch.float16,
    "PIL.Image.MAX_IMAGE_PIXELS": None,
}


def guarded(function):
    STATE.take()  # pytest changes the environment and the filters before each test.
    return user_code.guard(function, "model.py: loss")


def other(item: user_code.Item):
    """Return a value of an item that differs from the present one."""
    value = item.get()
    if item.name == "the locale":
        return "C.UTF-8" if "LC_ALL" not in value and value != "C.UTF-8" else "C"
    if item.name.startswith("torch's float32 precision"):
        return ("medium", "bf16", "bf16", "none")
    if item.name == "matplotlib's rcParams":
        return tuple(0.25 if part == 0.5 else part for part in value)
    return not value if isinstance(value, bool) else OTHER[item.name]


STATE.take()


# These two are not set as they are restored: see the next test.
NAMES = [i.name for i in STATE.items if i.name not in ("the umask", "decimal's context")]


@pytest.mark.parametrize("name", NAMES)
def test_each_item_of_the_process_state_is_restored(name, caplog):
    (item,) = (item for item in STATE.items if item.name == name)
    before, value, seen = item.get(), other(item), []

    def loss():
        item.set(value)
        seen.append(item.get())

    STATE._logged.clear()
    with caplog.at_level("INFO", "epochreel"):
        guarded(loss)()
        guarded(loss)()
    assert seen[0] != before and item.get() == before
    assert [record.getMessage() for record in caplog.records] == [
        f"model.py: loss changed {name}: restored"
    ]


@pytest.mark.parametrize(
    ("change", "read"),
    [
        (lambda: os.umask(0o77), lambda: os.umask(0o22)),
        (lambda: np.seterr(all="raise"), np.geterr),
        (lambda: np.set_printoptions(precision=1), np.get_printoptions),
        (lambda: setattr(decimal.getcontext(), "prec", 3), lambda: decimal.getcontext().prec),
        (lambda: warnings.simplefilter("error"), lambda: list(warnings.filters)),
        (lambda: locale.setlocale(locale.LC_ALL, "C.UTF-8"), lambda: locale.setlocale(0)),
        (lambda: matplotlib.rcParams.update({"font.size": 3}), lambda: matplotlib.rcParams.copy()),
        (lambda: torch.set_float32_matmul_precision("medium"), torch.get_float32_matmul_precision),
        (lambda: torch.autocast("cpu").__enter__(), lambda: torch.is_autocast_enabled("cpu")),
        (lambda: torch.set_grad_enabled(False), torch.is_grad_enabled),
    ],
)
def test_changes_made_in_the_usual_ways_are_undone(change, read):
    before = read()
    guarded(change)()
    assert read() == before


def test_the_state_is_restored_after_an_error():
    before = os.getcwd()

    def loss():
        os.chdir("/")
        raise ValueError

    with pytest.raises(ValueError):
        guarded(loss)()
    assert os.getcwd() == before


def test_what_the_library_sets_between_calls_is_kept():
    with torch.no_grad(), torch.autocast("cpu"):
        guarded(lambda: torch.set_grad_enabled(True))()
        assert not torch.is_grad_enabled() and torch.is_autocast_enabled("cpu")


def test_a_generator_keeps_its_own_state_between_its_values():
    before, seen = os.getcwd(), []

    def generate():
        with contextlib.chdir("/"), torch.no_grad(), np.errstate(all="raise"):
            for _ in range(3):
                seen.append((os.getcwd(), torch.is_grad_enabled(), np.geterr()["over"]))
                yield

    for _ in guarded(generate)():
        assert (os.getcwd(), torch.is_grad_enabled()) == (before, True)
        assert np.geterr()["over"] == "warn"
    assert seen == [("/", False, "raise")] * 3 and os.getcwd() == before


def test_a_call_gets_copies_of_its_settings():
    settings = {"name": "a", "sizes": [1, {"b": 2}]}

    def network(given, frozen):
        given["sizes"][1].clear()
        given.pop("name")
        frozen.pop("c")

    guarded(network)(settings, MappingProxyType({"c": 3}))
    assert settings == {"name": "a", "sizes": [1, {"b": 2}]}


def test_a_call_gets_the_tensors_themselves():
    tensor = torch.zeros(2)
    assert guarded(lambda batch: batch["x"])({"x": tensor}) is tensor


def test_an_iterable_network_is_returned_unchanged():
    class Network(torch.nn.Module):
        def __iter__(self):
            yield from ()

    assert isinstance(guarded(Network)(), Network)


def test_importing_a_module_changes_nothing(tmp_path, monkeypatch):
    code = "import os, sys, torch\nos.chdir('/')\nsys.path.insert(0, '/')\n"
    code += "torch.set_default_dtype(torch.float64)\ndef loss(network, batch): os.chdir('/')\n"
    (tmp_path / "user_model.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    before = os.getcwd(), sys.path.copy(), torch.get_default_dtype()
    module = user_code.load("user_model", "model.py")
    assert (os.getcwd(), sys.path, torch.get_default_dtype()) == before
    assert user_code.load("user_model", "model.py") is module
    assert PIL.ImageFile and module.__file__ == str(tmp_path / "user_model.py")
