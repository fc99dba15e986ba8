"""AtmoDist: learn to predict how far apart in time two patches are (Hoffmann & Lessig 2023, section 3).

First some epochs on a fixed subset, then epochs on everything with a learning rate that falls where the loss
stands still.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import torch
import torch.nn.functional as F
import xarray as xr
from lightning_fabric import Fabric
from torch import Tensor, nn

from atmodist.core.seeds import torch_seed
from atmodist.learning.devices import to_device
from atmodist.learning.losses import kernels, weight_penalty
from atmodist.learning.networks import SiameseNetwork
from atmodist.learning.saved import build
from atmodist.learning.settings import AtmoDistSettings, LearningRateSchedule
from atmodist.learning.training import TrainingJob, TrainingRun
from atmodist.samples.batches import PairBatches


@torch.no_grad()
def clip_each(parameters: Iterable[nn.Parameter], norm: float) -> None:
    """Scale each parameter's gradient to at most this norm, as Keras' ``clipnorm`` does."""
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    factors = (norm / torch.stack(torch._foreach_norm(gradients))).clamp(max=1)
    torch._foreach_mul_(gradients, list(factors.unbind()))


def reduce_on_plateau(
    optimiser: torch.optim.Optimizer, settings: LearningRateSchedule
) -> torch.optim.lr_scheduler.ReduceLROnPlateau:
    """Keras' ``ReduceLROnPlateau``: it acts in the ``patience``-th bad epoch, PyTorch's in the one after."""
    return torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimiser,
        factor=settings.factor,
        patience=settings.patience - 1,
        threshold=settings.threshold,
        threshold_mode="abs",
        min_lr=settings.floor,
    )


def train_atmodist(fabric: Fabric, job: TrainingJob, settings: AtmoDistSettings) -> None:
    """Train a Siamese network on shards of pairs with SGD; write the table and the weights of every epoch.

    As in Keras, the L2 penalty is part of the loss: its gradient is clipped with the rest, and the
    learning-rate schedule watches their sum. ``loss`` in the table is the cross-entropy alone, to be compared
    with the evaluation. The second stage starts at the configured learning rate and keeps the momentum.
    """
    torch.manual_seed(torch_seed(job.seed, "atmodist", "weights", settings.seed_index))
    network = build(asdict(settings), job.samples.patch, job.samples.variables)
    network.to(memory_format=torch.channels_last)
    if job.hardware.compile:
        network.compile()
    parameters = list(network.parameters())
    optimiser = torch.optim.SGD(parameters, settings.learning_rate, settings.momentum, foreach=True)
    schedule = reduce_on_plateau(optimiser, settings.learning_rate_schedule)
    model, stepper = fabric.setup(network, optimiser)
    penalised = kernels(network)

    order = torch_seed(job.seed, "atmodist", "order", settings.seed_index)
    pairs = PairBatches(job.samples, settings.batch_size, settings.batches, classes=settings.classes)
    first = settings.pretraining
    subset = pairs.first(first.batches) if first.epochs and first.batches else pairs

    parts = {"network": network, "optimiser": optimiser, "schedule": schedule}
    training = TrainingRun(fabric, job, parts, unit="pairs")
    for epoch in training.epochs(first.epochs + settings.epochs):
        pretraining = epoch < first.epochs
        model.train()
        for one, other, label in training.batches(subset if pretraining else pairs, order):
            label = label.to(fabric.device, non_blocking=True)
            logits = model(to_device(fabric, one), to_device(fabric, other))
            loss = F.cross_entropy(logits, label)
            penalty = weight_penalty(penalised, settings.weight_penalty)
            stepper.zero_grad()
            fabric.backward(loss + penalty)
            clip_each(parameters, settings.gradient_norm)
            stepper.step()
            training.record(len(label), loss=loss, penalty=penalty, **accuracies(logits, label))
        means = training.means()
        rate = optimiser.param_groups[0]["lr"]
        if not pretraining:
            schedule.step(means["loss"] + means["penalty"])
        phase = "pre-training" if pretraining else "training"
        training.end_epoch({"phase": phase, "learning_rate": rate, **means}, keep=["network"])
    training.publish(weights=job.weights)


def best_epoch(losses: Sequence[float], pretraining_epochs: int) -> int:
    """Number from 1 of the epoch of the lowest loss, among those after the pre-training, as in the original.

    The loss decides because it is less noisy than the accuracy, which counts a narrow miss like a wide one.
    """
    return pretraining_epochs + 1 + int(np.argmin(losses[pretraining_epochs:]))


def accuracies(logits: Tensor, label: Tensor) -> dict[str, Tensor]:
    """Shares of samples whose label is the most probable one, and among the three most probable."""
    best = logits.topk(min(3, logits.shape[1])).indices == label[:, None]
    return {"accuracy": best[:, 0].float().mean(), "top3_accuracy": best.any(1).float().mean()}


@dataclass
class Scores:
    """How well one epoch's network classifies, summed over batches."""

    classes: int
    loss: float = 0.0
    top3: int = 0

    def __post_init__(self):
        self.confusion = np.zeros((self.classes, self.classes), np.int64)
        self.pairs = []

    def update(self, logits: Tensor, label: Tensor) -> None:
        """Add a batch of logits B×K and labels B."""
        logits, label = logits.float().cpu(), label.cpu()
        losses = F.cross_entropy(logits, label, reduction="none")
        rank = (logits > logits.gather(1, label[:, None])).sum(1)
        self.pairs.append((losses.numpy(), rank.to(torch.int16).numpy()))
        self.loss += losses.double().sum().item()
        best = logits.topk(min(3, self.classes)).indices
        self.top3 += int((best == label[:, None]).any(1).sum())
        np.add.at(self.confusion, (label.numpy(), best[:, 0].numpy()), 1)

    def result(self) -> dict[str, float]:
        """Mean cross-entropy, accuracy and top-3 accuracy."""
        samples = self.confusion.sum()
        return {
            "loss": self.loss / samples,
            "accuracy": float(np.trace(self.confusion) / samples),
            "top3_accuracy": self.top3 / samples,
        }

    def predictions(self, time: np.ndarray) -> xr.Dataset:
        """Each pair's cross-entropy and the rank of its true lag, 0 if the most probable, with its time."""
        loss, rank = (np.concatenate(values) for values in zip(*self.pairs, strict=True))
        return xr.Dataset(
            {
                "loss": ("pair", loss, {"units": "1", "long_name": "cross-entropy"}),
                "rank": ("pair", rank, {"units": "1", "long_name": "lags more probable than the true one"}),
            },
            {"time": ("pair", time.astype("datetime64[ns]"), {"long_name": "time of the first patch"})},
        )

    def confusion_matrix(self, step_hours: int) -> xr.Dataset:
        """Number of pairs by true and predicted lag in hours."""
        hours = step_hours * np.arange(1, self.classes + 1)
        return xr.Dataset(
            {"count": (("true_lag", "predicted_lag"), self.confusion, {"long_name": "number of pairs"})},
            coords={
                name: (name, hours, {"units": "hours", "long_name": f"{name.split('_')[0]} lag"})
                for name in ("true_lag", "predicted_lag")
            },
        )


@torch.inference_mode()
def evaluate(fabric: Fabric, networks: list[SiameseNetwork], batches: Iterable, classes: int) -> list[Scores]:
    """Scores of several networks on the same batches of pairs, which are read once."""
    networks = [network.to(fabric.device, memory_format=torch.channels_last).eval() for network in networks]
    scores = [Scores(classes) for _ in networks]
    for first, second, label in batches:
        first, second = to_device(fabric, first), to_device(fabric, second)
        for network, score in zip(networks, scores, strict=True):
            with fabric.autocast():
                logits = network(first, second)
            score.update(logits, label)
    return scores
