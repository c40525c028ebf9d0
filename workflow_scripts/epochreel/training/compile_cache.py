"""What torch's compiler makes, apart from all that it and others have made before."""

from __future__ import annotations

import contextlib
import os
import tempfile
import warnings
from collections.abc import Iterator

from epochreel.core.errors import UserError, is_want_of_memory, kind_and_words

FOLDER = "epochreel-compiled-"
"""How the names of the folders begin that hold what is made, below the folder for scratch."""


@contextlib.contextmanager
def apart() -> Iterator[None]:
    """Inside, `torch.compile` reads and writes in a new folder of this process alone.

    By itself torch keeps what it makes in a folder of `/tmp` whose name anybody can tell, and
    unpickles, loads and includes what lies there. Here nothing is kept: the folder is removed at
    the end. Raises `UserError` where a network cannot be compiled, as for want of a C++ compiler.
    """
    # Takes seconds, and is needed by a training that is compiled alone.
    from torch._dynamo.exc import TorchDynamoException
    from torch._inductor import config, exc

    # One thread compiles in this process, where more would start others and unpickle what they
    # say. Headers made ready for the compiler lie in the shared folder, whatever the environment.
    alone = config.patch(
        force_disable_caches=True, compile_threads=1, cpp_cache_precompile_headers=False
    )
    with _folder() as folder, _environment(folder), alone, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "dynamo_pgo force disabled")  # That is meant.
        try:
            yield
        except (TorchDynamoException, exc.CppCompileError) as error:
            if is_want_of_memory(error):
                raise
            raise UserError(_told(error)) from error


def _folder() -> tempfile.TemporaryDirectory:
    # Of libraries that are loaded still, some disks keep a name until the process ends.
    return tempfile.TemporaryDirectory(prefix=FOLDER, ignore_cleanup_errors=True)


@contextlib.contextmanager
def _environment(folder: str) -> Iterator[None]:
    """Where torch and Triton keep what they make: in `folder`, which is that for scratch, too.

    Some of torch's parts look below the folder for scratch, whatever its own variable says.
    """
    names = ("TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR", "TMPDIR")
    before = {name: os.environ.get(name) for name in names}
    scratch, tempfile.tempdir = tempfile.tempdir, folder
    os.environ.update(dict.fromkeys(names, folder))
    try:
        yield
    finally:
        tempfile.tempdir = scratch
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


def _told(error: BaseException) -> str:
    from torch._inductor import exc

    inner = getattr(error, "inner_exception", error)
    mend = "set training.compile: false, which tells what is wrong with it if anything is"
    if isinstance(inner, exc.CppCompileError | exc.InvalidCxxCompiler):
        mend = "install a C++ compiler (g++), or set training.compile: false"
    reason = kind_and_words(inner, 150)
    return f"training.compile: torch cannot compile the network ({reason}): {mend}"
