"""The boundary between the library and user code: all calls into an experiment pass through it.

An experiment may change the process state, such as the working folder, the locale or torch's
default dtype, or the settings that it receives. Such a change would affect the next example, batch
or snapshot of the same job, but not of another job, so results would depend on the block size.
Therefore each call receives copies of its settings, and the process state is restored after it. An
iterator that user code returns gets its own state back for each `next`, so that a `with` block in a
generator still works.

Libraries are not imported here, since planning does without them: the state of a library counts
only if it is loaded.
"""

from __future__ import annotations

import contextvars
import functools
import importlib
import locale
import logging
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from types import MappingProxyType, ModuleType
from typing import Any, NamedTuple

from epochreel.experiment_api.interface import CALLS

log = logging.getLogger("epochreel")


class Item(NamedTuple):
    """One part of the process state; if `volatile`, the library itself sets it between calls."""

    name: str
    get: Callable[[], Any]
    set: Callable[[Any], object]
    volatile: bool = False


def _attributes(label: str, owner: Any, *names: str, volatile: bool = False) -> list[Item]:
    return [
        Item(f"{label}.{name}", *(partial(f, owner, name) for f in (getattr, setattr)), volatile)
        for name in names
    ]


def _set_environment(values: dict) -> None:
    os.environb.clear()
    os.environb.update(values)
    time.tzset()


def _set_filters(filters: list) -> None:
    warnings.resetwarnings()  # Also invalidates the filters that modules have cached.
    warnings.filters.extend(filters)


def _set_path(folders: list[str]) -> None:
    sys.path[:] = folders


def _of_python(_sys: ModuleType) -> list[Item]:
    umask = os.umask(0o77)
    os.umask(umask)
    everything = partial(locale.setlocale, locale.LC_ALL)
    return [
        Item("the working folder", os.getcwd, os.chdir),
        # `dict(os.environ)` decodes each value, which takes 50 times as long.
        Item("environment variables", os.environ._data.copy, _set_environment),
        Item("sys.path", lambda: sys.path.copy(), _set_path),
        Item("the locale", everything, everything),
        Item("the filters of warnings", lambda: warnings.filters.copy(), _set_filters),
        # Reading the mask means setting it. Writers in other threads must not see another value.
        Item("the umask", lambda: os.umask(umask), lambda _: None),
        Item("the recursion limit", sys.getrecursionlimit, sys.setrecursionlimit),
    ]


def _of_decimal(decimal: ModuleType) -> list[Item]:
    def get() -> tuple:
        *values, _flags, traps = decimal.getcontext().__reduce__()[1]
        return *values, traps

    def restore(values: tuple) -> None:
        *rest, traps = values
        decimal.setcontext(decimal.Context(*rest, [], traps))

    return [Item("decimal's context", get, restore)]


def _of_pillow(image_file: ModuleType) -> list[Item]:
    return [
        *_attributes("PIL.ImageFile", image_file, "LOAD_TRUNCATED_IMAGES"),
        *_attributes("PIL.Image", sys.modules["PIL.Image"], "MAX_IMAGE_PIXELS"),
    ]


def _of_matplotlib(matplotlib: ModuleType) -> list[Item]:
    # As a plain dict: `RcParams` itself validates values, resolves the backend, and is slow.
    names, values = (part(matplotlib.rcParams) for part in (dict.keys, dict.values))

    def restore(found: tuple) -> None:
        dict.update(matplotlib.rcParams, zip(names, found, strict=True))

    return [Item("matplotlib's rcParams", lambda: tuple(values), restore)]


_TINY = sys.float_info.min


def _of_torch(torch: ModuleType) -> list[Item]:
    backends, cuda = torch.backends, torch.cuda.is_available()
    device = torch._GLOBAL_DEVICE_CONTEXT  # `torch.get_default_device` takes 50 times as long.
    items = [
        Item("torch's default dtype", torch.get_default_dtype, torch.set_default_dtype),
        Item(
            "torch's default device",
            lambda: getattr(device.__dict__.get("device_context"), "device", None),
            torch.set_default_device,
        ),
        Item("torch's number of threads", torch.get_num_threads, torch.set_num_threads, True),
        Item("torch's grad mode", torch.is_grad_enabled, torch.set_grad_enabled, True),
        Item(
            "torch's deterministic algorithms",
            torch.get_deterministic_debug_mode,
            torch.set_deterministic_debug_mode,
        ),
        Item(
            "torch's anomaly detection",
            lambda: (torch.is_anomaly_enabled(), torch.is_anomaly_check_nan_enabled()),
            lambda values: torch.set_anomaly_enabled(*values),
        ),
        Item("torch's flushing of denormals", lambda: _TINY / 2 == 0, torch.set_flush_denormal),
        *_attributes("torch.backends.mkldnn", backends.mkldnn, "enabled", "deterministic"),
        _precision(torch, "mkldnn"),
    ]
    for name in ("flash", "mem_efficient", "math", "cudnn"):
        is_enabled = getattr(backends.cuda, f"{name}_sdp_enabled")
        enable = getattr(backends.cuda, f"enable_{name}_sdp")
        items.append(Item(f"torch's {name} attention", is_enabled, enable))
    if cuda:
        items += _attributes("torch.backends.cudnn", backends.cudnn, "enabled", "benchmark")
        items += _attributes("torch.backends.cudnn", backends.cudnn, "deterministic", volatile=True)
        items.append(_precision(torch, "cuda"))
    for name in ("cpu", "cuda")[: 1 + cuda]:
        of_device = torch.is_autocast_enabled, torch.set_autocast_enabled
        items.append(Item(f"autocast on {name}", *(partial(f, name) for f in of_device), True))
        of_device = torch.get_autocast_dtype, torch.set_autocast_dtype
        items.append(Item(f"autocast's dtype on {name}", *(partial(f, name) for f in of_device)))
    return items


def _precision(torch: ModuleType, backend: str) -> Item:
    """Return the precision of float32 arithmetic: torch's older setting, and its newer ones."""
    read, write = torch._C._get_fp32_precision_getter, torch._C._set_fp32_precision_setter
    # The operations inherit from these. Restore them first, since setting them changes the others.
    inherited = [("generic", "all"), (backend, "all")]
    initial = [read(*place) for place in inherited]
    read_older = torch.get_float32_matmul_precision

    def get() -> tuple:
        try:
            older = read_older()
        except RuntimeError:  # Refused while the newer settings differ from it.
            older = None
        return older, read(backend, "matmul"), read(backend, "conv"), read(backend, "rnn")

    def restore(values: tuple) -> None:
        older, *newer = values
        if older is not None:
            torch.set_float32_matmul_precision(older)
        for place, value in zip(inherited, initial, strict=True):
            write(*place, value)
        for operation, value in zip(("matmul", "conv", "rnn"), newer, strict=True):
            write(backend, operation, value)

    return Item(f"torch's float32 precision ({backend})", get, restore, backend == "cuda")


LIBRARIES: dict[str, Callable[[ModuleType], list[Item]]] = {
    "sys": _of_python,
    "decimal": _of_decimal,
    "PIL.ImageFile": _of_pillow,
    "matplotlib": _of_matplotlib,
    "torch": _of_torch,
}
"""The items of each library. NumPy keeps its error state and its print options in contexts."""


class _State:
    """The process state with which each call into user code starts, and its restoration."""

    def __init__(self):
        self._loaded: tuple[str, ...] = ()
        self.items: list[Item] = []
        self._initial: list[Any] = []
        self._logged: set[str] = set()

    def take(self) -> None:
        """Record the present state of all libraries loaded so far as the state before each call."""
        loaded = tuple(name for name in LIBRARIES if name in sys.modules)
        if loaded != self._loaded:
            self._loaded = loaded
            found = [item for name in loaded for item in LIBRARIES[name](sys.modules[name])]
            self.items = found
            self._getters = [item.get for item in found]
            self._volatile = [n for n, item in enumerate(found) if item.volatile]
        self._initial = [get() for get in self._getters]

    def before(self) -> list[Any]:
        """Return the values to restore after a call."""
        values, getters = self._initial.copy(), self._getters
        for number in self._volatile:
            values[number] = getters[number]()
        return values

    def restore(self, values: list[Any], source: str) -> list[tuple[Item, Any]]:
        """Restore the values; return the items that `source` changed, with its own values."""
        found = [get() for get in self._getters]
        if found == values:
            return []
        changed = [
            (item, now, before)
            for item, now, before in zip(self.items, found, values, strict=True)
            if now != before
        ]
        for item, _, before in changed:
            item.set(before)
            if item.name not in self._logged:
                self._logged.add(item.name)
                log.info("%s changed %s: restored", source, item.name)
        return [(item, now) for item, now, _ in changed]


_STATE = _State()


def _call(source: str, function: Callable, arguments: tuple, context: contextvars.Context) -> Any:
    before = _STATE.before()
    try:
        return context.run(function, *arguments)
    finally:
        _STATE.restore(before, source)


class _Guarded(Iterator):
    """An iterator of user code. Each `next` starts with the state that the last one left."""

    def __init__(self, source: str, iterable: Iterable, context: contextvars.Context):
        self._source, self._context = source, context
        self._iterator = _call(source, iter, (iterable,), context)
        self._own: list[tuple[Item, Any]] = []

    def __next__(self) -> Any:
        before = _STATE.before()
        for item, value in self._own:
            item.set(value)
        try:
            return self._context.run(next, self._iterator)
        finally:
            self._own = _STATE.restore(before, self._source)


def guard(function: Callable, source: str) -> Callable:
    """Return a function that calls `function` of user code and restores the process state.

    Dicts, lists and tuples among the arguments are copied; other values in them are not. `source`
    names the file and the function in the log.
    """

    @functools.wraps(function, updated=())
    def guarded(*arguments: Any) -> Any:
        context = contextvars.copy_context()
        returned = _call(source, function, tuple(map(copied, arguments)), context)
        return _Guarded(source, returned, context) if _is_lazy(returned) else returned

    return guarded


def _is_lazy(value: Any) -> bool:
    """Return whether user code runs while a value is iterated; a network may be iterable too."""
    kind = type(value)  # Looking at the type is faster than `isinstance(value, Iterable)`.
    return hasattr(kind, "__iter__") and not hasattr(kind, "__len__") and not callable(value)


def copied(value: Any) -> Any:
    """Copy dicts, lists and tuples, also within each other; keep all other values."""
    kind = type(value)
    if kind is dict or kind is MappingProxyType:
        return {name: copied(part) for name, part in value.items()}
    return kind(map(copied, value)) if kind is list or kind is tuple else value


def load(name: str, source: str) -> ModuleType:
    """Import a module of an experiment; return a view of it whose functions in `CALLS` are guarded.

    The global random generators are seeded first, since a module may draw numbers as it is loaded.
    `source` is its file, for the log.
    """
    seeding = sys.modules.get("epochreel.core.seeding")  # Not in the plan, which has no NumPy.
    _STATE.take()
    if seeding:
        seeding.seed_all(0)
    context = contextvars.copy_context()
    module = _call(source, importlib.import_module, (name,), context)
    _STATE.take()  # The module may have loaded libraries.
    if seeding:
        seeding.hold()
    return _view(module)


@functools.cache
def _view(module: ModuleType) -> ModuleType:
    """Return a copy of a module's names. Its own functions keep calling each other directly."""
    view = ModuleType(module.__name__)
    vars(view).update(vars(module))
    for name in CALLS.get(module.__name__.rpartition(".")[2], ()):
        function = getattr(module, name, None)
        if callable(function):
            setattr(view, name, guard(function, f"{module.__file__}: {name}"))
    return view
