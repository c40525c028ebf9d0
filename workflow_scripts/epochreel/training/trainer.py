"""The training loop: train the network of any experiment from snapshot to snapshot."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch

from epochreel.artifacts import checkpoints
from epochreel.artifacts.dataset_shards import Split
from epochreel.core import device, seeding
from epochreel.core.errors import UserError, raise_wrong_result
from epochreel.training import lr_schedule, optimizers, telemetry, unsaved_state
from epochreel.training.data_source import Columns, Source, in_memory
from epochreel.training.snapshot_store import Store
from epochreel.training.system_sampler import SystemSampler

log = logging.getLogger("epochreel")
# For counters: beyond most bounds, and a multiple of 1 … 16 and 1000, as is the next count of the
# number before it.
_LARGE = 72_072_000


@dataclass(frozen=True)
class TrainingConfig:
    """Settings of a training; `config.schema.yaml` describes them.

    `steps` are the training steps of the snapshots, from snapshot 0 on. `network` and `data` are
    the experiment's settings, `optimizer` and `schedule` objects whose `name` selects the other
    keys.
    """

    seed: int
    steps: Sequence[int]
    network: Mapping[str, Any]
    data: Mapping[str, Any]
    batch_size: int
    steps_per_epoch: int
    optimizer: Mapping[str, Any]
    gradient_clipping: float | None
    schedule: Mapping[str, Any]
    precision: str
    threads: int

    @classmethod
    def of(cls, settings: Mapping[str, Any], steps: Sequence[int]) -> TrainingConfig:
        """Return the config in the settings of the stage `train`, for snapshots at `steps`."""
        return cls(
            seed=settings["seed"],
            steps=steps,
            network=settings["network"],
            data=settings["data"]["settings"],
            **settings["training"],
        )


@dataclass(frozen=True)
class Sample:
    """The rows of a snapshot in the training table and in the system log.

    `training` depends only on the settings; `system` contains times and machine data.
    """

    training: dict[str, Any]
    system: dict[str, Any]


class Trainer:
    """A network in training, at `snapshot`, after `step` steps.

    `source` returns the training set for a device. With `afresh`, the model loaded again, the
    second step is repeated, to find state that no checkpoint holds; see `unsaved_state`.
    """

    def __init__(
        self,
        model: ModuleType,
        config: TrainingConfig,
        source: Callable[[torch.device], Source],
        validation: Split,
        afresh: ModuleType | None = None,
    ):
        self.model, self._afresh, self.config = model, afresh, config
        self.device = device.choose(config.threads)
        self.network = self._initial_network(model)
        self._layers = list(self.network.modules())
        self.optimizer = optimizers.make(config.optimizer, self.network)
        self.rate = lr_schedule.rate_at(config.optimizer["learning_rate"], config.schedule)
        self.plateau = lr_schedule.Plateau.of(config.schedule)
        self.train = source(self.device)
        self.validation = in_memory(validation, self.device)
        self.snapshot = self.step = 0
        # The step of the last validation, and its loss.
        self._validated: tuple[int, float | None] = (-1, None)
        self.sampler = SystemSampler(self.device)
        # The first step after which the network may have unsaved state. A GPU may not reproduce it.
        self._checked_step = self.step + 1 if afresh and self.device.type == "cpu" else None

    def _initial_network(self, model: ModuleType) -> torch.nn.Module:
        """Return an untrained network on the device; its weights depend only on the seed."""
        seeding.seed_all(self.config.seed)
        network = model.Network(self.config.network, self.config.data)
        return device.put(_checked_network(model, network), self.device)

    def resume(self, store: Store, snapshot: int) -> None:
        """Restore the state of a snapshot in the store."""
        checkpoints.load_into(self.network, store.weights(snapshot))
        tensors = self.plateau.load(checkpoints.load(store.optimizer(snapshot)))
        optimizers.load_state_tensors(self.optimizer, tensors)
        self.snapshot, self.step = snapshot, self.config.steps[snapshot]
        self._checked_step = self._checked_step and self.step + 1
        log.info("resuming from snapshot %d, step %d", snapshot, self.step)

    def state_tensors(self) -> dict[str, torch.Tensor]:
        """Return the state needed to resume, except the weights, as tensors with flat names."""
        return optimizers.state_tensors(self.optimizer) | self.plateau.tensors()

    def advance(self) -> Sample:
        """Train up to the next snapshot and return its sample."""
        end = self.config.steps[self.snapshot + 1]
        total = torch.zeros((), device=self.device)  # Stays on the device: no step waits for a GPU.
        seeding.hold(network=self.network)
        while self.step < end:
            total += self._train_step()
        self.snapshot += 1
        return self.sample(float(total))

    def sample(self, total: float | None = None) -> Sample:
        """Return the rows of this snapshot; `total` is the sum of losses since the previous one."""
        done = self.step - self.config.steps[self.snapshot - 1] if self.snapshot else 0
        self._check_finite(total)
        row = {
            "snapshot": self.snapshot,
            "step": self.step,
            "epoch": self.step / self.config.steps_per_epoch,
            "examples": self.step * self.config.batch_size,
            "loss": total / done if done else None,
            "validation_loss": self._validation_loss(),
            "learning_rate": self.optimizer.param_groups[0]["lr"] if self.step else self.rate(0),
            **telemetry.layer_statistics(self.network),
        }
        system = self.sampler.sample(done * self.config.batch_size)
        return Sample(row, {"snapshot": self.snapshot, **system})

    def _check_finite(self, total: float | None) -> None:
        trained = (value for value in self.network.parameters() if value.requires_grad)
        finite = all(bool(value.isfinite().all()) for value in trained)
        if not finite or (total is not None and not np.isfinite(total)):
            what = "the loss is" if finite else "the weights are"
            raise UserError(
                f"{what} not finite at step {self.step}: lower training.optimizer.learning_rate"
            )

    def _train_step(self) -> torch.Tensor:
        """Perform one optimizer step; return the loss of its batch, without the penalty."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate(self.step) * self.plateau.scale
        if not all(layer.training for layer in self._layers):
            self.network.train()  # Validation and user code may leave layers in eval mode.
        batch = self.train.batch(self.step)
        resumed = None
        if self.step == self._checked_step:
            self._check_batch(batch)
            state = copy.deepcopy(self.network.state_dict())
            resumed = self._resumed_step(state)
        self.optimizer.zero_grad(set_to_none=True)
        loss = self._backward(self.model, self.network, batch)
        if resumed is not None:
            self._check_state(state, loss, resumed)
        if self.config.gradient_clipping is not None:
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.config.gradient_clipping)
        self.optimizer.step()
        self.step += 1
        if self.plateau.is_due(self.step):
            self.plateau.update(self._validation_loss())
        return loss.detach()

    def _backward(
        self, model: ModuleType, network: torch.nn.Module, batch: Columns
    ) -> torch.Tensor:
        """Compute the gradients of this step's batch; return its loss, without the penalty."""
        # After the batch, which may draw random numbers too: dropout then depends only on seed and
        # step, even when training resumes.
        seeding.seed_all(seeding.derive_seed(self.config.seed, self.step))
        with device.autocast(self.device, self.config.precision):
            loss = self._checked(model.loss(network, batch))
        if not loss.requires_grad:
            raise_wrong_result(
                self._source("loss"), loss, "a tensor with a gradient, not a detached one"
            )
        # Outside autocast, as torch advises: backward runs in the precision of the forward pass.
        (loss + self._penalty(model, network)).backward()
        _make_gradients_dense(network)
        return loss

    def _source(self, function: str) -> str:
        return f"{self.model.__file__}: {function}"

    def _checked(self, loss: Any) -> torch.Tensor:
        """Check that the model's loss is one number."""
        if not isinstance(loss, torch.Tensor) or loss.dim():
            expected = "one number, the mean loss of the batch, as a tensor"
            raise_wrong_result(self._source("loss"), loss, expected)
        return loss

    def _check_batch(self, batch: Columns) -> None:
        again = self.train.batch(self.step)
        if any(not torch.equal(batch[name], again[name]) for name in batch):
            raise UserError(
                f"{Path(self.model.__file__).with_name('data.py')}: batch {self.step} differs when "
                "it is generated again: make it depend only on the seed, the split and the indices"
            )

    def _resumed_step(
        self, state: Mapping[str, torch.Tensor], names: Sequence[str] = (), number: int = 0
    ) -> unsaved_state.Shown:
        """Return the observable state of this step if training is resumed before it.

        `state` is the network's state dict before the step. The numbers with these names are set to
        `number` first.
        """
        initial = unsaved_state.of_modules(self._afresh)
        network = self._initial_network(self._afresh)
        network.load_state_dict(state)
        unsaved_state.set_numbers(self._afresh, network, names, number)
        seeding.hold(network=network)
        loss = self._backward(self._afresh, network.train(), self.train.batch(self.step))
        seeding.hold(network=self.network)
        shown = unsaved_state.shown_by_step(self._afresh, network, loss)
        # What the step has not changed may be different each time, such as the time of loading.
        return {name: value for name, value in shown.items() if initial.get(name) != value}

    def _check_state(
        self,
        state: Mapping[str, torch.Tensor],
        loss: torch.Tensor,
        resumed: unsaved_state.Shown,
    ) -> None:
        """Raise `UserError` if the observable state of this step differs from that when resumed."""
        live = unsaved_state.shown_by_step(self.model, self.network, loss)
        names = unsaved_state.differences(live, resumed)
        if not names or self._count_only(state, names, resumed):
            return
        raise UserError(
            f"{self._source('loss')}: {names[0]} differs at step {self.step} if training is "
            "resumed there, since checkpoints lack some state: keep this state in a buffer of the "
            "network (register_buffer), or do without it"
        )

    def _count_only(
        self,
        state: Mapping[str, torch.Tensor],
        names: Sequence[str],
        resumed: unsaved_state.Shown,
    ) -> bool:
        """Return whether these are numbers, such as of calls, that the step does not depend on."""
        rest = {name: value for name, value in resumed.items() if name not in names}
        try:
            shown = [self._resumed_step(state, names, number) for number in (_LARGE, _LARGE - 1)]
        except Exception:  # Of user code that cannot do with such numbers.
            return False
        return not any(unsaved_state.differences(rest, part) for part in shown)

    def _penalty(self, model: ModuleType, network: torch.nn.Module) -> torch.Tensor | float:
        """Return the model's penalty, one number to add to the loss; 0 if it defines none."""
        if not hasattr(model, "penalty"):
            return 0.0
        penalty = model.penalty(network)
        is_tensor = isinstance(penalty, torch.Tensor) and not penalty.dim()
        if not is_tensor and not isinstance(penalty, int | float):
            raise_wrong_result(self._source("penalty"), penalty, "one number, as a tensor")
        return penalty

    def _validation_loss(self) -> float | None:
        """Return the validation loss at this step, computed once; None without a validation set."""
        if self._validated[0] != self.step:
            self._validated = (self.step, self._validate())
        return self._validated[1]

    def _validate(self) -> float | None:
        count = len(next(iter(self.validation.values()), ()))
        if not count:
            return None
        self.network.eval()
        # The gradients of the last training step are part of its row, and `loss` may add to them.
        parameters = list(self.network.parameters())
        gradients = [parameter.grad for parameter in parameters]
        total, size = 0.0, self.config.batch_size
        for start in range(0, count, size):
            self.network.zero_grad(set_to_none=True)
            rows = slice(start, start + size)
            part = {n: c[rows].to(self.device, copy=True) for n, c in self.validation.items()}
            total += self._loss_of(part) * len(next(iter(part.values())))  # The last is smaller.
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = gradient
        return total / count

    def _loss_of(self, batch: Mapping[str, torch.Tensor]) -> float:
        """Return the loss of a batch. `loss` may compute gradients; its graph ends here."""
        with device.autocast(self.device, self.config.precision):
            return float(self._checked(self.model.loss(self.network, batch)).detach())


def _make_gradients_dense(network: torch.nn.Module) -> None:
    """Convert sparse gradients, as of `nn.Embedding(sparse=True)`, to dense ones.

    torch supports sparse ones in few optimizers, and neither clips them nor, with momentum, keeps a
    state that could be saved. The weights of a snapshot are dense in any case.
    """
    for parameter in network.parameters():
        if parameter.grad is not None and parameter.grad.layout != torch.strided:
            parameter.grad = parameter.grad.to_dense()


def _checked_network(model: ModuleType, network: Any) -> torch.nn.Module:
    """Check that the model's network has trainable weights and can be saved."""
    weights = network.parameters() if isinstance(network, torch.nn.Module) else ()
    if not any(weight.requires_grad for weight in weights):
        raise UserError(
            f"{model.__file__}: Network returns an object of type {type(network).__name__}; "
            "expected a torch.nn.Module with trainable weights"
        )
    checkpoints.check_tensors(network.state_dict(), f"{model.__file__}: Network")
    return network
