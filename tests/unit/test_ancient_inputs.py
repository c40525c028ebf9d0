"""The patch for inputs marked `ancient`, tested against the installed Snakemake."""

import inspect
import os
import subprocess
import sys

import pytest
import snakemake.api  # noqa: F401
from snakemake.dag import DAG
from snakemake.io import _IOFile
from workflow import REPOSITORY

from epochreel.runtime.patches import ancient_inputs

SNAKEFILE = """\
import sys

if {patched}:
    from epochreel.runtime.patches import ancient_inputs
    ancient_inputs.apply()
sys.addaudithook(lambda event, of: event == "open" and of[0] == "input" and print("read input"))

rule copy:
    input: {input}
    output: "a"
    shell: "touch {{output}}"
"""


def run(folder, patched: bool, input: str) -> subprocess.CompletedProcess:
    """Run a job whose input is dated in the future."""
    (folder / "Snakefile").write_text(SNAKEFILE.format(patched=patched, input=input))
    (folder / "input").write_text("one")
    os.utime(folder / "input", (1_924_992_000, 1_924_992_000))
    return subprocess.run(
        [sys.executable, "-m", "snakemake", "--cores", "1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY / "workflow_scripts")},
    )


@pytest.mark.parametrize(
    ("patched", "input", "succeeds"),
    [
        (False, 'ancient("input")', False),  # The defect.
        (True, 'ancient("input")', True),
        (True, '"input"', False),
    ],
)
def test_an_ancient_input_may_be_dated_in_the_future(tmp_path, patched, input, succeeds):
    done = run(tmp_path, patched, input)
    assert (done.returncode == 0) == succeeds
    assert ("older modification time" in done.stdout) != succeeds
    if patched and succeeds:
        assert "read input" not in done.stdout
        assert "Nothing to be done" in run(tmp_path, patched, input).stdout


def test_the_patched_methods_have_the_expected_signatures():
    parameters = {
        DAG.check_output_mtime: ["self", "job", "expanded_output"],
        _IOFile.checksum: ["self", "threshold", "force", "algorithm"],
    }
    for method, names in parameters.items():
        assert inspect.iscoroutinefunction(method)
        assert [*inspect.signature(method).parameters] == names


def test_the_patch_is_applied_once(monkeypatch):
    monkeypatch.setattr(DAG, "check_output_mtime", DAG.check_output_mtime)
    monkeypatch.setattr(_IOFile, "checksum", _IOFile.checksum)
    ancient_inputs.apply()
    patched = DAG.check_output_mtime, _IOFile.checksum
    ancient_inputs.apply()
    assert patched == (DAG.check_output_mtime, _IOFile.checksum)
