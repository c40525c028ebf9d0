"""The training loop: from one snapshot to the next, whatever the experiment."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
import torch

from epochreel.artifacts import checkpoints
from epochreel.artifacts.dataset_shards import Split
from epochreel.core import device, seeding
from epochreel.core.errors import UserError, raise_wrong_result
from epochreel.training import lr_schedule, optimizers, telemetry
from epochreel.training.data_source import Source, in_memory
from epochreel.training.snapshot_store import Store
from epochreel.training.system_sampler import SystemSampler

log = logging.getLogger("epochreel")


@dataclass(frozen=True)
class TrainingConfig:
    """All that defines a training, but for its data and code."""

    seed: int
    snapshots_per_epoch: int
    network: Mapping[str, Any]
    data: Mapping[str, Any]
    training: Mapping[str, Any]

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> TrainingConfig:
        """The recipe in the settings of the stage `train`."""
        return cls(
            seed=settings["seed"],
            snapshots_per_epoch=settings["snapshots_per_epoch"],
            network=settings["network"],
            data=settings["data"]["settings"],
            training=settings["training"],
        )

    def step(self, snapshot: int) -> int:
        """The number of batches that snapshot `snapshot` has seen."""
        return snapshot * self.training["batches_per_epoch"] // self.snapshots_per_epoch

    def epoch(self, snapshot: int) -> float:
        """The time of a snapshot in epochs."""
        return snapshot / self.snapshots_per_epoch


@dataclass(frozen=True)
class Sample:
    """The rows of a snapshot: one in the training table, one in the system log.

    `training` depends on the settings alone; `system` describes the clock and the machine.
    """

    training: dict[str, Any]
    system: dict[str, Any]


class Trainer:
    """A network on its way: at `snapshot`, after `step` batches.

    `source` makes the training set, on the device that it is given.
    """

    def __init__(
        self,
        model: ModuleType,
        config: TrainingConfig,
        source: Callable[[torch.device], Source],
        validation: Split,
    ):
        self.model, self.config, self.settings = model, config, config.training
        self.device = device.choose(self.settings["threads"])
        # Untrained weights follow from the seed alone.
        seeding.seed_all(config.seed)
        network = _checked_network(model, model.Network(config.network, config.data))
        self.network = device.put(network, self.device)
        self.optimizer = optimizers.make(self.settings, self.network)
        self.rate = lr_schedule.rate_at(self.settings)
        self.plateau = lr_schedule.Plateau.of(self.settings)
        self.train = source(self.device)
        self.validation = in_memory(validation, self.device)
        self.snapshot = self.step = 0
        # The last validation loss and the step at which it was taken.
        self._validated: tuple[int, float | None] = (-1, None)
        self.sampler = SystemSampler(self.device)

    def resume(self, store: Store, snapshot: int) -> None:
        """Go on from a snapshot of the store."""
        checkpoints.load_into(self.network, store.weights(snapshot))
        tensors = self.plateau.load(checkpoints.load(store.optimizer(snapshot)))
        optimizers.load_state_tensors(self.optimizer, tensors)
        self.snapshot, self.step = snapshot, self.config.step(snapshot)
        log.info("going on from snapshot %d, batch %d", snapshot, self.step)

    def state_tensors(self) -> dict[str, torch.Tensor]:
        """What the training goes on from, beside the weights: by flat names."""
        return optimizers.state_tensors(self.optimizer) | self.plateau.tensors()

    def advance(self) -> Sample:
        """Train up to the next snapshot and take its sample."""
        end = self.config.step(self.snapshot + 1)
        total = torch.zeros((), device=self.device)  # on the device: no batch waits for a GPU
        self.network.train()
        while self.step < end:
            total += self._batch()
        self.snapshot += 1
        return self.sample(float(total))

    def sample(self, total: float | None = None) -> Sample:
        """Return the rows of this snapshot; `total` is the loss of the steps since the last one."""
        done = self.step - self.config.step(self.snapshot - 1) if self.snapshot else 0
        self._check_finite(total)
        row = {
            "snapshot": self.snapshot,
            "step": self.step,
            "epoch": self.config.epoch(self.snapshot),
            "examples": self.step * self.settings["batch"],
            "loss": total / done if done else None,
            "validation_loss": self._validation_loss(),
            "rate": self.optimizer.param_groups[0]["lr"] if self.step else self.rate(0),
            **telemetry.layer_statistics(self.network),
        }
        system = self.sampler.sample(done * self.settings["batch"])
        return Sample(row, {"snapshot": self.snapshot, **system})

    def _check_finite(self, total: float | None) -> None:
        finite = all(bool(value.isfinite().all()) for value in self.network.parameters())
        if not finite or (total is not None and not np.isfinite(total)):
            what = "the loss is" if finite else "the weights are"
            raise UserError(
                f"{what} no longer a finite number at batch {self.step}: lower training.rate"
            )

    def _batch(self) -> torch.Tensor:
        """One step of the optimiser; returns the batch's loss, without its penalty."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate(self.step) * self.plateau.scale
        batch = self.train.batch(self.step)
        # After the batch, which may draw too: what the step itself draws, such as dropout, follows
        # from seed and step, also in a training that resumes here.
        seeding.seed_all(seeding.derive_seed(self.config.seed, self.step))
        self.optimizer.zero_grad(set_to_none=True)
        with device.autocast(self.device, self.settings["precision"]):
            loss = self._checked(self.model.loss(self.network, batch))
        if not loss.requires_grad:
            raise_wrong_result(
                self._source("loss"), loss, "what weights can be learnt from, not detached"
            )
        # Outside autocast, as torch advises: backward runs in the precision of the forward pass.
        (loss + self._penalty()).backward()
        self.optimizer.step()
        self.step += 1
        if self.plateau.is_due(self.step):
            self.plateau.note(self._validation_loss())
            self.network.train()  # validation leaves it in eval mode
        return loss.detach()

    def _source(self, function: str) -> str:
        return f"{self.model.__file__}: {function}"

    def _checked(self, loss: Any) -> torch.Tensor:
        """The loss as the model gives it, which is one number."""
        if not isinstance(loss, torch.Tensor) or loss.dim():
            wanted = "one number, the batch's mean loss, as a tensor"
            raise_wrong_result(self._source("loss"), loss, wanted)
        return loss

    def _penalty(self) -> torch.Tensor | float:
        """What the model adds to the loss to be learnt from, which is one number."""
        if not hasattr(self.model, "penalty"):
            return 0.0
        penalty = self.model.penalty(self.network)
        is_tensor = isinstance(penalty, torch.Tensor) and not penalty.dim()
        if not is_tensor and not isinstance(penalty, int | float):
            raise_wrong_result(self._source("penalty"), penalty, "one number, as a tensor")
        return penalty

    def _validation_loss(self) -> float | None:
        """The loss on the validation set as it is now, taken once a batch; None without such."""
        if self._validated[0] != self.step:
            self._validated = (self.step, self._validate())
        return self._validated[1]

    @torch.no_grad()
    def _validate(self) -> float | None:
        count = len(next(iter(self.validation.values()), ()))
        if not count:
            return None
        self.network.eval()
        total, size = 0.0, self.settings["batch"]
        for start in range(0, count, size):
            part = {n: c[start : start + size].to(self.device) for n, c in self.validation.items()}
            with device.autocast(self.device, self.settings["precision"]):
                loss = self._checked(self.model.loss(self.network, part))
            total += float(loss) * len(next(iter(part.values())))  # the last batch may be smaller
        return total / count


def _checked_network(model: ModuleType, network: Any) -> torch.nn.Module:
    """What the model calls its network, which is a module that can learn and be kept."""
    weights = network.parameters() if isinstance(network, torch.nn.Module) else ()
    if not any(weight.requires_grad for weight in weights):
        raise UserError(
            f"{model.__file__}: Network makes an object of type {type(network).__name__}; "
            "it makes a torch.nn.Module that has weights to learn"
        )
    checkpoints.check_tensors(network.state_dict(), f"{model.__file__}: Network")
    return network
