"""The same settings give the same bytes, whatever happens around them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from killing import CONFIGS, small
from workflow import ARTIFACTS, Workplace
from worlds import halved

SUMMARIES = "*/metrics/*.parquet"
UNBLOCKED = [*(pattern for pattern in ARTIFACTS if pattern != SUMMARIES), "*/network.safetensors"]


def snapshots(config: dict) -> dict[str, int]:
    """Run → the number of its last snapshot."""
    runs = config["runs"].items()
    return {name: run["epochs"] * run["snapshots"]["per_epoch"] for name, run in runs}


def bytes_of(place: Workplace) -> dict[str, str]:
    """Return artifact → digest for any block size: last metrics of each run, no padding."""
    ends, found = snapshots(place.config), {}
    for path, digest in place.digests(*UNBLOCKED).items():
        number = re.search(r"/(\d{6})\.", path)
        if not number or int(number[1]) <= ends[path.split("/")[0]]:
            found[path] = digest
    for run in ends:
        *_, (_, digest) = sorted(place.digests(f"{run}/metrics/*.parquet").items())
        found[f"{run}, summary"] = digest
    return found


def year_of(log: Path) -> int:
    return int(log.read_text()[:4])


def test_folder_date_cores_and_block_size_do_not_change_a_byte(world, elsewhere):
    logs = [max(place.path("").rglob("logs/encode.log")) for place in (world, elsewhere)]
    assert year_of(logs[1]) > year_of(logs[0])
    assert bytes_of(elsewhere) == bytes_of(world)


def trained(place: Workplace, run: str) -> list[int]:
    """Return the snapshots that the last training job of each block trained, by its log."""
    logs = sorted(place.path(run).glob("logs/train/*.log"))
    words = "".join(path.read_text() for path in logs)
    return [int(number) for number in re.findall(r"snapshot (\d+): epoch", words)]


def test_an_extended_run_equals_one_long_run_and_trains_only_new_snapshots(world, extended):
    assert bytes_of(extended) == bytes_of(world)
    assert extended.digests(SUMMARIES) == world.digests(SUMMARIES)
    before = snapshots(halved(world.config))
    for run, last in snapshots(world.config).items():
        new = before[run] + 1
        if world.config["runs"][run].get("keep_checkpoints") == "last":
            new = max(before[run] // 10 * 10, 1)  # its last block was trained again
        assert trained(extended, run) == list(range(new, last + 1))


def test_blocks_of_one_give_the_bytes_of_blocks_of_ten(made_alone, tmp_path):
    whole = made_alone("spirals")
    config = small(epochs=2) | {"snapshots_per_block": 1}
    place = Workplace(tmp_path, config)
    place.make(*(f"results/spirals/frames/00000{number}.png" for number in range(3)))
    patterns = [f"spirals/{kind}/00000[0-2].*" for kind in ("checkpoints", "evaluations", "frames")]
    assert len(place.digests(*patterns)) == 9
    assert place.digests(*patterns) == whole.digests(*patterns)


@pytest.fixture(scope="module")
def brief(tmp_path_factory):
    """Return the function that makes a run of one epoch with these cores and this block size."""

    def make(run: str, cores: int, size: int) -> dict[str, str]:
        config = CONFIGS[run]()
        config["runs"][run]["epochs"] = 1
        place = Workplace(tmp_path_factory.mktemp(run), config | {"snapshots_per_block": size})
        place.make("all", cores=cores)
        return bytes_of(place)

    return make


@pytest.mark.long
@pytest.mark.parametrize("run", CONFIGS)
def test_neither_cores_nor_block_size_change_a_byte(brief, run):
    expected = brief(run, cores=2, size=10)
    for cores in (1, 2, 4):
        for size in (1, 100) if cores == 2 else (1, 10, 100):
            assert brief(run, cores, size) == expected, (cores, size)
