"""Devices: the log names the device; the settings give the number of threads."""

import logging
import os

import pytest
import torch

from epochreel.core import device

CPU = torch.device("cpu")


@pytest.fixture
def without_gpu(monkeypatch):
    """Hide the GPU, and restore the number of threads afterwards."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("threads", [1, 2])
def test_the_settings_determine_the_number_of_threads(without_gpu, threads):
    assert device.choose(threads) == CPU
    assert torch.get_num_threads() == threads


def test_the_log_names_the_device(without_gpu, caplog):
    with caplog.at_level(logging.INFO, logger="epochreel"):
        device.choose(1)
    assert caplog.messages == ["device: CPU, 1 thread(s)"]


@pytest.mark.parametrize(
    ("precision", "kind"),
    [("float32", torch.float32), ("tf32", torch.float32), ("bfloat16", torch.bfloat16)],
)
def test_a_layer_computes_in_the_precision_of_the_settings(precision, kind):
    layer = torch.nn.Linear(2, 2)
    with device.autocast(CPU, precision):
        assert layer(torch.ones(1, 2)).dtype == kind
    assert layer.weight.dtype == torch.float32


@pytest.mark.parametrize("precision", ["float32", "tf32", "bfloat16"])
def test_tf32_is_on_only_if_the_settings_select_it(precision):
    device.autocast(CPU, precision)
    assert torch.backends.cuda.matmul.allow_tf32 == (precision == "tf32")
    assert torch.backends.cudnn.allow_tf32 == (precision == "tf32")


def test_tf32_stays_on_for_the_backward_pass_until_the_next_precision():
    for precision, on in (("tf32", True), ("float32", False)):
        with device.autocast(CPU, precision):
            pass
        assert torch.backends.cuda.matmul.allow_tf32 == torch.backends.cudnn.allow_tf32 == on


def test_only_cores_that_the_process_may_use_are_counted(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {3, 5, 6}, raising=False)
    assert device.cores() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    assert device.cores() == os.cpu_count()


def test_a_precision_does_not_affect_the_next_one():
    with device.autocast(CPU, "bfloat16"):
        pass
    with device.autocast(CPU, "float32"):
        assert torch.nn.Linear(2, 2)(torch.ones(1, 2)).dtype == torch.float32
