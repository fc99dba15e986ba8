"""How well Siamese networks predict lags, and which epoch of a training run is the best."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
import xarray as xr
from torch import Tensor

from atmodist.core.errors import InputError
from atmodist.learning.devices import Device, to_device
from atmodist.learning.networks import SiameseNetwork


def best_epoch(losses: Sequence[float], pretraining_epochs: int) -> int:
    """Number from 1 of the epoch of the lowest loss, among those after the pre-training, as in the original.

    The loss decides because it is less noisy than the accuracy, which counts a narrow miss like a wide one.
    ``InputError`` if a loss is not finite: no minimum can be found among such.
    """
    if not np.isfinite(losses).all():
        epoch = 1 + int(np.argmin(np.isfinite(losses)))
        raise InputError(
            f"the network of epoch {epoch} has a loss that is not finite: the training diverged; expected "
            "finite losses, for instance with a smaller learning_rate."
        )
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
        """Add a batch of logits B×K and labels B; of equal ones, frequent in bfloat16, the first is ahead."""
        logits, label = logits.float().cpu(), label.cpu()
        losses = F.cross_entropy(logits, label, reduction="none")
        order = logits.argsort(dim=1, descending=True, stable=True)
        rank = (order == label[:, None]).int().argmax(1)
        self.pairs.append((losses.numpy(), rank.to(torch.int16).numpy()))
        self.loss += losses.double().sum().item()
        self.top3 += int((rank < 3).sum())
        np.add.at(self.confusion, (label.numpy(), order[:, 0].numpy()), 1)

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
                "rank": ("pair", rank, {"units": "1", "long_name": "lags ahead of the true one"}),
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
def evaluate(device: Device, networks: list[SiameseNetwork], batches: Iterable, classes: int) -> list[Scores]:
    """Scores of several networks on the same batches of pairs, which are read once."""
    networks = [network.to(device.device, memory_format=torch.channels_last).eval() for network in networks]
    scores = [Scores(classes) for _ in networks]
    for first, second, label in batches:
        first, second = to_device(device, first), to_device(device, second)
        for network, score in zip(networks, scores, strict=True):
            with device.autocast():
                logits = network(first, second)
            score.update(logits, label)
    return scores
