"""Telemetry: the training table and the system log describe layers and machine."""

import pytest
import torch

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
