"""The golden check detects a change of any payload, and of nothing else."""

import json
import shutil

import golden
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import safetensors.numpy
from PIL import Image


@pytest.fixture
def made(tmp_path):
    """A working folder with one small payload of each kind, and a copy of the folder."""
    results = tmp_path / "one" / "results" / "run"
    for kind in ("checkpoints", "evaluations", "frames", "metrics"):
        (results / kind).mkdir(parents=True)
    safetensors.numpy.save_file({"w": np.ones(3)}, results / "checkpoints/000000.safetensors")
    for kind in ("evaluations", "metrics"):
        write(results / kind / "000000.parquet", {"x": [1.0]}, {"accuracy": 0.5})
    Image.new("RGB", (4, 4)).save(results / "frames/000000.png")
    shutil.copytree(tmp_path / "one", tmp_path / "other")
    return tmp_path


def write(path, columns, metrics, key=""):
    metadata = {"epochreel": json.dumps({"metrics": metrics, "key": key})}
    pq.write_table(pa.table(columns).replace_schema_metadata(metadata), path)


def differing(made):
    return golden.differences(made / "one", made / "other")


def test_another_key_compression_or_metadata_is_not_a_difference(made):
    other = made / "other/results/run"
    write(other / "evaluations/000000.parquet", {"x": [1.0]}, {"accuracy": 0.5}, key="another")
    Image.new("RGB", (4, 4)).save(other / "frames/000000.png", compress_level=0)
    assert differing(made) == []


@pytest.mark.parametrize(
    "columns, metrics", [({"x": [1.5]}, {"accuracy": 0.5}), ({"x": [1.0]}, {"accuracy": 0.6})]
)
def test_another_value_or_metric_is_a_difference(made, columns, metrics):
    write(made / "other/results/run/evaluations/000000.parquet", columns, metrics)
    assert differing(made) == ["evaluation run 000000.parquet: different"]


def test_another_weight_or_pixel_is_a_difference(made):
    other = made / "other/results/run"
    tensors = {"w": np.array([1.0, 1.0, 1.0000000000000002])}
    safetensors.numpy.save_file(tensors, other / "checkpoints/000000.safetensors")
    image = Image.new("RGB", (4, 4))
    image.putpixel((3, 3), (0, 0, 1))
    image.save(other / "frames/000000.png")
    assert differing(made) == [
        "checkpoint run 000000.safetensors: different",
        "frame run 000000.png: different",
    ]


def test_a_missing_payload_is_a_difference(made):
    (made / "other/results/run/metrics/000000.parquet").unlink()
    assert differing(made) == ["metrics run 000000.parquet: missing"]
