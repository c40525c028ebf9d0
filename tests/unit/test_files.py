"""Files: written atomically, and only under their own names."""

import os
import socket
import subprocess

import pytest

from epochreel.core import files


def names(folder):
    return sorted(os.listdir(folder))


def test_a_file_appears_under_its_name_only_when_complete(tmp_path):
    with files.atomic_write(tmp_path / "deep" / "file") as part:
        part.write_bytes(b"half")
        assert not (tmp_path / "deep" / "file").exists()
    assert (tmp_path / "deep" / "file").read_bytes() == b"half"
    assert names(tmp_path / "deep") == ["file"]


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt, SystemExit])
def test_nothing_is_left_when_writing_fails(tmp_path, error):
    with pytest.raises(error), files.atomic_write(tmp_path / "file") as part:
        part.write_bytes(b"half")
        raise error
    assert names(tmp_path) == []


def test_the_old_file_stays_when_writing_the_new_one_fails(tmp_path):
    files.atomic_write_bytes(tmp_path / "file", b"old")
    with pytest.raises(ValueError), files.atomic_write(tmp_path / "file") as part:
        part.write_bytes(b"new")
        raise ValueError
    assert (tmp_path / "file").read_bytes() == b"old"


def test_a_file_that_was_never_written_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError), files.atomic_write(tmp_path / "file"):
        pass
    assert names(tmp_path) == []


def test_a_full_disk_leaves_no_file(tmp_path, monkeypatch):
    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        files.atomic_write_bytes(tmp_path / "file", b"data")
    assert names(tmp_path) == []


def test_the_file_is_synced_before_its_folder(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", lambda fd: synced.append(os.readlink(f"/proc/self/fd/{fd}")))
    files.atomic_write_bytes(tmp_path / "file", b"data")
    assert [os.path.dirname(synced[0]), synced[1]] == [str(tmp_path), str(tmp_path)]


def test_a_link_is_a_hard_link_to_the_same_file(tmp_path):
    (tmp_path / "one").write_bytes(b"data")
    files.atomic_link(tmp_path / "one", tmp_path / "there" / "two")
    assert os.path.samefile(tmp_path / "one", tmp_path / "there" / "two")


def test_a_copy_is_made_where_hard_links_fail(tmp_path, monkeypatch):
    def refuse(*_names):
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    (tmp_path / "one").write_bytes(b"data")
    files.atomic_link(tmp_path / "one", tmp_path / "two")
    assert (tmp_path / "two").read_bytes() == b"data"
    assert not os.path.samefile(tmp_path / "one", tmp_path / "two")


def test_linking_again_leaves_no_temporary_file(tmp_path):
    (tmp_path / "one").write_bytes(b"data")
    for _ in range(2):
        files.atomic_link(tmp_path / "one", tmp_path / "two")
    assert names(tmp_path) == ["one", "two"]


@pytest.mark.parametrize(
    "write", [files.atomic_write_bytes, lambda path, _: files.atomic_link("b", path)]
)
def test_temporary_files_of_a_killed_process_are_not_written_into(tmp_path, monkeypatch, write):
    """Process numbers are reused: a leftover may be a hard link to an earlier file."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a").write_bytes(b"earlier")
    (tmp_path / "b").write_bytes(b"later")
    os.link("a", f".file@{socket.gethostname()}-{os.getpid()}.part")
    write(tmp_path / "file", b"later")
    assert [(tmp_path / name).read_bytes() for name in ("a", "file")] == [b"earlier", b"later"]


def test_the_digest_is_the_sha256_of_the_bytes(tmp_path):
    (tmp_path / "file").write_bytes(b"abc")
    assert files.sha256(tmp_path / "file").startswith("ba7816bf8f01cfea414140de5dae2223")


def test_only_leftovers_of_dead_processes_of_this_machine_are_removed(tmp_path):
    gone = subprocess.Popen(["true"])
    gone.wait()
    host = socket.gethostname()
    left = [f".a.png@{host}-{gone.pid}.part", f".a.png@{host}-{os.getpid()}.part"]
    left += [f".a.png@another-{gone.pid}.part", f"a.png@{host}-{gone.pid}.part", ".b.part"]
    for name in left:
        (tmp_path / "frames").mkdir(exist_ok=True)
        (tmp_path / "frames" / name).touch()
    files.remove_leftovers(tmp_path)
    assert sorted(path.name for path in (tmp_path / "frames").iterdir()) == sorted(left[1:])


def test_a_leftover_of_a_hidden_process_is_kept(tmp_path, monkeypatch):
    """The system may hide another user's process, but does not permit sending it a signal."""
    leftover = tmp_path / f".a.png@{files._HOST}-{2**22 - 1}.part"
    leftover.touch()

    def deny(pid, signal):
        raise PermissionError

    monkeypatch.setattr(files.os, "kill", deny)
    files.remove_leftovers(tmp_path)
    assert leftover.exists()


def test_a_leftover_that_cannot_be_deleted_ends_nothing(tmp_path):
    (tmp_path / f".a.png@{files._HOST}-{2**22 - 1}.part").mkdir()
    files.remove_leftovers(tmp_path)
