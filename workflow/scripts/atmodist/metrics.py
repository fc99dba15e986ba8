"""AtmoDist as metrics of torchmetrics: the mean distance, and the Fréchet distance of two sets of fields."""

from itertools import count
from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import rank_zero_warn

from atmodist.core.errors import InputError
from atmodist.distance import AtmoDist
from atmodist.evaluation.frechet import frechet_distance

SAMPLES_PER_DIMENSION = 10
"""Fewer samples than this per dimension bias the Fréchet distance by more than 5 % of the variance."""
NUMBERS = count()


def _tell_apart(metric: Metric) -> None:
    """Give a metric a state that no other has.

    A MetricCollection takes metrics for one if their first sums are equal: those of equal fields, 0, or
    those of two metrics that differ in what they forget.
    """
    metric.add_state("number", torch.tensor(next(NUMBERS)), dist_reduce_fx="max")


class AtmoDistDistance(Metric):
    """Mean AtmoDist distance of estimated fields to the true ones; sums over batches and processes.

    Args:
        model: the distance, e.g. ``AtmoDist.from_pretrained(folder)``.
        normalize: whether the fields come in physical units.
        kwargs: see ``torchmetrics.Metric``.
    """

    is_differentiable = True
    higher_is_better = False
    full_state_update = False

    def __init__(self, model: AtmoDist, normalize: bool = True, **kwargs: Any):
        super().__init__(**kwargs)
        self.model, self.normalize = model, normalize
        self.add_state("total", torch.tensor(0.0, dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("count", torch.tensor(0), dist_reduce_fx="sum")
        _tell_apart(self)

    def update(self, preds: Tensor, target: Tensor) -> None:
        """Add a batch of fields B×C×H×W."""
        distances = self.model(preds, target, normalize=self.normalize)
        self.total = self.total + distances.sum(dtype=self.total.dtype)
        self.count = self.count + len(distances)

    def compute(self) -> Tensor:
        """Mean over all fields so far; ``InputError`` if there are none."""
        if not self.count:
            raise InputError("no fields have been added to the metric; expected one pair at least.")
        return self.total / self.count


class FrechetAtmoDist(Metric):
    """Fréchet distance of two sets of fields in AtmoDist's representation, after Heusel et al. (2017).

    Each field's representation is averaged over space; of these vectors (128 at stage 4 in the paper) the
    Gaussians with the sets' means and covariances are compared, see `evaluation.frechet`.
    The sets need not be paired. Few samples make the distance too large (for equal Gaussians by about
    (D + 1)/2n of the variance in D dimensions), so compare like with like.

    Args:
        model: the distance whose encoder is used.
        layer: "stage1" … "stage4".
        normalize: whether the fields come in physical units.
        reset_real_features: whether ``reset`` forgets the true fields, too.
        kwargs: see ``torchmetrics.Metric``.
    """

    is_differentiable = False
    higher_is_better = False
    full_state_update = False

    def __init__(
        self,
        model: AtmoDist,
        layer: str = "stage4",
        normalize: bool = True,
        reset_real_features: bool = True,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.model, self.layer, self.normalize = model, layer, normalize
        self.reset_real_features = reset_real_features
        self.dimension = model.channels(layer)
        for kind in ("real", "fake"):
            zeros = torch.zeros(self.dimension, dtype=torch.float64)
            self.add_state(f"{kind}_sum", zeros, dist_reduce_fx="sum")
            self.add_state(f"{kind}_products", torch.outer(zeros, zeros), dist_reduce_fx="sum")
            self.add_state(f"{kind}_count", torch.tensor(0), dist_reduce_fx="sum")
        _tell_apart(self)

    @torch.no_grad()
    def update(self, fields: Tensor, real: bool) -> None:
        """Add fields B×C×H×W to the true set, if ``real``, or to the generated one."""
        features = self.model.features(fields, self.layer, self.normalize).double().mean((2, 3))
        kind = "real" if real else "fake"
        added = {"sum": features.sum(0), "products": features.T @ features, "count": len(features)}
        for name, value in added.items():
            setattr(self, f"{kind}_{name}", getattr(self, f"{kind}_{name}") + value)

    def forward(self, fields: Tensor, real: bool) -> None:
        """Add fields as `update` does: a single batch has no distance to return."""
        self.update(fields, real)

    def compute(self) -> Tensor:
        """The distance of the two sets; ``InputError`` if either has fewer than two fields."""
        moments = [self._moments(kind) for kind in ("real", "fake")]
        count = int(min(self.real_count, self.fake_count))
        if count < SAMPLES_PER_DIMENSION * self.dimension:
            rank_zero_warn(
                f"FrechetAtmoDist has {count} samples in {self.dimension} dimensions; with fewer than "
                f"{SAMPLES_PER_DIMENSION} per dimension ({SAMPLES_PER_DIMENSION * self.dimension}) the "
                "distance is biased upwards, so compare only with sets of the same size.",
                UserWarning,
            )
        arrays = (each.cpu().numpy() for pair in moments for each in pair)
        return torch.tensor(frechet_distance(*arrays), dtype=torch.float64, device=self.real_sum.device)

    def reset(self) -> None:
        """Forget the generated fields, and the true ones unless ``reset_real_features`` is false."""
        names = ("real_sum", "real_products", "real_count")
        kept = {} if self.reset_real_features else {name: getattr(self, name) for name in names}
        super().reset()
        for name, value in kept.items():
            setattr(self, name, value)

    def _moments(self, kind: str) -> tuple[Tensor, Tensor]:
        total, products, count = (getattr(self, f"{kind}_{name}") for name in ("sum", "products", "count"))
        if count < 2:
            raise InputError(f"FrechetAtmoDist has {int(count)} {kind} fields; expected two or more.")
        mean = total / count
        return mean, (products - count * torch.outer(mean, mean)) / (count - 1)
