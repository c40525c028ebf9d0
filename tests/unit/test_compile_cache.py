"""A training that is compiled trusts nothing that lay in a folder before, and leaves nothing."""

import getpass
import os
import sys
import tempfile
from pathlib import Path

import pytest
import torch
from spirals import Training
from torch._inductor import config
from torch._inductor.runtime import cache_dir_utils

from epochreel.core.errors import UserError
from epochreel.training import compile_cache

COMPILED = {"training": {"compile": True}}


@pytest.fixture(scope="module")
def shared(tmp_path_factory) -> Path:
    """A folder for scratch where torch's shared folder is a file: whoever looks into it fails."""
    folder = tmp_path_factory.mktemp("scratch")
    (folder / f"torchinductor_{getpass.getuser()}").touch()
    (folder / "named").touch()
    return folder


@pytest.fixture(scope="module")
def audited(tmp_path_factory, shards, shared) -> list[tuple]:
    """What Python told of a small training that was compiled there."""
    seen, is_on = [], True
    sys.addaudithook(lambda event, given: seen.append((event, given)) if is_on else None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(shared))
        for name in ("TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR"):
            patch.setenv(name, str(shared / "named"))
        Training(tmp_path_factory.mktemp("compiled"), shards, run=COMPILED).make((0, 1))
        assert tempfile.tempdir == str(shared)
        assert os.environ["TORCHINDUCTOR_CACHE_DIR"] == str(shared / "named")
    is_on = False
    return seen


def test_inside_torch_has_a_folder_of_its_own_and_outside_none_of_it_is_left(monkeypatch, shared):
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(shared / "named"))
    with compile_cache.apart():
        folder = Path(cache_dir_utils.cache_dir())
        assert folder.name.startswith(compile_cache.FOLDER) and folder.stat().st_mode & 0o77 == 0
        places = cache_dir_utils.default_cache_dir(), cache_dir_utils.triton_cache_dir(0)
        assert all(Path(place).is_relative_to(folder) for place in places)
        assert config.force_disable_caches and not config.cpp_cache_precompile_headers
    assert not folder.exists() and not config.force_disable_caches
    assert os.environ["TORCHINDUCTOR_CACHE_DIR"] == str(shared / "named")


@pytest.mark.long
def test_a_compiling_training_uses_a_folder_of_its_own_and_leaves_nothing(audited, shared):
    assert sorted(path.stat().st_size for path in shared.iterdir()) == [0, 0]
    opened = [str(given[0]) for event, given in audited if event == "open"]
    assert any(f"/{compile_cache.FOLDER}" in path for path in opened)


@pytest.mark.long
def test_it_starts_the_compiler_and_python_alone_and_unpickles_nothing(audited):
    started = [given[1][0] for event, given in audited if event == "subprocess.Popen"]
    assert {Path(name).name for name in started} == {"g++", Path(sys.executable).name}
    others = {"pickle.find_class", "os.system", "os.exec", "os.posix_spawn", "socket.connect"}
    assert not others & {event for event, _ in audited}


def test_without_a_compiler_it_ends_in_one_line(training):
    torch.compiler.reset()  # It remembers what it made for another network of this kind.
    none = config.patch({"cpp.cxx": (None, "no-such-compiler")})
    with none, pytest.raises(UserError, match=r"set training\.compile: false$") as caught:
        training(run=COMPILED).make((0, 1))
    said = str(caught.value)
    assert "install a C++ compiler" in said and "no-such-compiler" in said
    assert len(said.splitlines()) == 1
