"""Telemetry: the training table and the system log describe layers and machine."""

import logging
import sys
from types import SimpleNamespace

import psutil
import pyarrow.parquet as pq
import pytest
import torch

from epochreel.artifacts import system_log
from epochreel.training import network_layers, system_sampler, telemetry


def network():
    torch.manual_seed(0)
    layers = torch.nn.Conv2d(1, 2, 3), torch.nn.Dropout(0.5), torch.nn.Flatten()
    return torch.nn.Sequential(*layers, torch.nn.Linear(18, 4))


def trained():
    net = network()
    net(torch.ones(3, 1, 5, 5)).square().sum().backward()
    return net


def test_each_parameter_has_a_histogram_of_all_its_weights():
    net = network()
    rows = telemetry.layer_statistics(net)["layers"]
    assert [row["name"] for row in rows] == ["0.weight", "0.bias", "3.weight", "3.bias"]
    for row, parameter in zip(rows, net.parameters(), strict=True):
        assert sum(row["weight_counts"]) == parameter.numel() and len(row["weight_counts"]) == 64
        assert row["weight_minimum"] == parameter.min() and row["weight_maximum"] == parameter.max()


def test_before_the_first_batch_there_are_no_gradients():
    told = telemetry.layer_statistics(network())
    assert told["gradient_norm"] is None
    assert all(row["gradient_counts"] is None for row in told["layers"])


def test_the_gradient_norm_is_that_of_all_gradients_together():
    net = trained()
    whole = torch.cat([parameter.grad.flatten() for parameter in net.parameters()])
    assert telemetry.layer_statistics(net)["gradient_norm"] == pytest.approx(float(whole.norm()))


def test_equal_weights_have_a_histogram():
    net = torch.nn.Linear(3, 1)
    torch.nn.init.zeros_(net.weight)
    row = telemetry.layer_statistics(net)["layers"][0]
    assert (row["weight_minimum"], row["weight_maximum"], sum(row["weight_counts"])) == (0, 0, 3)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_the_histogram_excludes_non_finite_weights(value):
    net = torch.nn.Linear(3, 1)
    with torch.no_grad():
        net.weight[0, 0] = value
    assert sum(telemetry.layer_statistics(net)["layers"][0]["weight_counts"]) == 2


def test_reading_telemetry_changes_no_layer():
    net = trained()
    before = [tensor.clone() for p in net.parameters() for tensor in (p, p.grad)]
    telemetry.layer_statistics(net)
    after = [tensor for p in net.parameters() for tensor in (p, p.grad)]
    assert all(torch.equal(one, two) for one, two in zip(before, after, strict=True))


def test_the_layer_table_lists_layers_in_the_order_of_execution():
    net = network().train()
    rows = network_layers.layer_rows(net, lambda: net(torch.zeros(1, 1, 5, 5)))
    assert [row["kind"] for row in rows] == ["Conv2d", "Dropout", "Flatten", "Linear"]
    assert [row["output_shape"] for row in rows][::3] == [[2, 3, 3], [4]]
    assert sum(row["parameters"] for row in rows) == sum(p.numel() for p in net.parameters())


def test_the_layer_table_has_no_row_for_containers():
    net = torch.nn.Sequential(torch.nn.Sequential(torch.nn.Linear(2, 3)), torch.nn.ReLU())
    rows = network_layers.layer_rows(net, lambda: net(torch.zeros(1, 2)))
    assert [(row["name"], row["parameters"]) for row in rows] == [("0.0", 9), ("1", 0)]


def test_a_container_with_its_own_weights_has_a_row():
    net = torch.nn.Sequential(torch.nn.Linear(2, 3))
    net.register_parameter("scale", torch.nn.Parameter(torch.ones(1)))
    rows = network_layers.layer_rows(net, lambda: net(torch.zeros(1, 2)))
    assert [(row["name"], row["parameters"]) for row in rows] == [("0", 9), ("", 1)]


def test_the_layer_table_leaves_the_network_unchanged():
    net = network().train()
    network_layers.layer_rows(net, lambda: net(torch.zeros(1, 1, 5, 5)))
    assert net.training and not net[0]._forward_hooks


def test_throughput_is_examples_divided_by_the_time_between_samples(monkeypatch):
    clock = iter([10.0, 12.0, 12.5])
    monkeypatch.setattr(system_sampler.time, "monotonic", lambda: next(clock))
    meter = system_sampler.SystemSampler(torch.device("cpu"))
    assert [meter.sample(8)["examples_per_second"] for _ in range(2)] == [4, 16]


def test_cpu_and_memory_usage_are_those_of_this_process():
    read = system_sampler.SystemSampler(torch.device("cpu")).sample(1)
    assert read["memory_bytes"] > 10_000_000 and read["cpu_percent"] >= 0
    assert (read["device"], read["gpus"]) == ("cpu", [])


# -- Values that the machine does not provide


def fails(*_):
    raise RuntimeError("Not Supported")


@pytest.fixture
def nvml(monkeypatch):
    """An NVML with one GPU; tests replace its functions."""
    made = SimpleNamespace(
        nvmlInit=lambda: None,
        nvmlDeviceGetCount=lambda: 1,
        nvmlDeviceGetHandleByIndex=lambda index: index,
        nvmlDeviceGetName=lambda handle: b"NVIDIA H200",  # bytes in old versions
        nvmlDeviceGetUtilizationRates=lambda handle: SimpleNamespace(gpu=40),
        nvmlDeviceGetMemoryInfo=lambda handle: SimpleNamespace(used=2**30),
    )
    monkeypatch.setitem(sys.modules, "pynvml", made)
    return made


GPU = {"name": "NVIDIA H200", "percent": 40.0, "memory_bytes": 2**30}


@pytest.mark.parametrize(
    ("function", "gpus"),
    [
        (None, [GPU]),
        ("nvmlInit", None),
        ("nvmlDeviceGetCount", None),
        ("nvmlDeviceGetHandleByIndex", [GPU]),  # The readings below do not need the handle.
        ("nvmlDeviceGetName", [GPU | {"name": None}]),
        ("nvmlDeviceGetUtilizationRates", [GPU | {"percent": None}]),
        ("nvmlDeviceGetMemoryInfo", [GPU | {"memory_bytes": None}]),
    ],
)
def test_values_that_the_driver_withholds_are_null(nvml, tmp_path, function, gpus):
    if function:
        setattr(nvml, function, fails)
    read = system_sampler.SystemSampler(torch.device("cuda")).sample(1)
    system_log.write(tmp_path / "system.parquet", [{"snapshot": 0, **read}])
    (row,) = pq.read_table(tmp_path / "system.parquet").to_pylist()
    assert read["gpus"] == row["gpus"] == gpus


def test_a_driver_that_fails_midway_ends_no_training(nvml):
    sampler = system_sampler.SystemSampler(torch.device("cuda"))
    assert sampler.sample(1)["gpus"] == [GPU]
    nvml.nvmlDeviceGetUtilizationRates = nvml.nvmlDeviceGetMemoryInfo = fails
    assert sampler.sample(1)["gpus"] == [GPU | {"percent": None, "memory_bytes": None}]


@pytest.mark.parametrize("library", ["psutil", "pynvml"])
def test_a_missing_library_leaves_nulls(monkeypatch, library):
    monkeypatch.setitem(sys.modules, library, None)
    read = system_sampler.SystemSampler(torch.device("cuda")).sample(1)
    assert read["gpus"] is None and (read["memory_bytes"] is None) == (library == "psutil")


@pytest.mark.parametrize("error", [psutil.AccessDenied(1), psutil.NoSuchProcess(1), OSError()])
def test_an_unavailable_reading_is_logged_once(monkeypatch, caplog, error):
    def fails(self):
        raise error

    monkeypatch.setattr(psutil.Process, "memory_info", fails)
    sampler = system_sampler.SystemSampler(torch.device("cpu"))
    with caplog.at_level(logging.INFO, logger="epochreel"):
        assert [sampler.sample(1)["memory_bytes"] for _ in range(3)] == [None] * 3
    assert caplog.text.count("memory_bytes is not available") == 1


@pytest.mark.parametrize("samples", [[{"snapshot": 0, "time": "now"}], [{"snapshot": 2**70}]])
def test_a_system_log_that_cannot_be_written_is_only_a_warning(tmp_path, caplog, samples):
    system_log.write(tmp_path / "system.parquet", samples)
    (tmp_path / "file").touch()
    system_log.write(tmp_path / "file/system.parquet", [])
    assert caplog.text.count("was not written") == 2 and not (tmp_path / "system.parquet").exists()
