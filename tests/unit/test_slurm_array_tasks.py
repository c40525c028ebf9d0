"""Arrays: the commands of their tasks, as the plugin for Slurm packs them."""

import base64
import json
import zlib

import pytest

from epochreel.runtime.patches.slurm_array_tasks import own_command

COMMANDS = {"2": "snakemake --target-jobs 'render:block=1'", "3": "snakemake 'render:block=2'"}
PACKED = {task: zlib.compress(command.encode()).hex() for task, command in COMMANDS.items()}
PAYLOAD = base64.b64encode(json.dumps(PACKED).encode()).decode()
FIRST = ["--target-jobs", "render:block=0", "--executor", "slurm-jobstep"]


@pytest.mark.parametrize("task", COMMANDS)
@pytest.mark.parametrize("given", [["{}={}"], ["{}", "{}"]])
def test_a_task_of_an_array_finds_its_own_command(task, given):
    words = " ".join(given).format("--slurm-jobstep-array-execs", PAYLOAD).split()
    assert own_command([*FIRST, *words], task) == COMMANDS[task]


def test_the_first_task_of_an_array_has_its_own_command_already():
    assert own_command([*FIRST, f"--slurm-jobstep-array-execs={PAYLOAD}"], "1") is None


@pytest.mark.parametrize("task", [None, "2"])
def test_a_job_that_is_no_array_goes_on_as_it_is(task):
    assert own_command(FIRST, task) is None
