"""Where on the sphere a lag is hard to predict: the classifier on windows that slide over whole fields.

Hoffmann & Lessig (2023), section 4. What the original calls top-3 accuracy is the share of times whose
predicted lag is within one class of the true one.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import torch
import torch.nn.functional as F
import xarray as xr
from torch import Tensor

from atmodist.core.job import progress
from atmodist.evaluation.sampling import spread
from atmodist.learning.networks import SiameseNetwork

MEANINGS = {
    "accuracy": "share of times whose most probable lag is the true one",
    "within_one_class": "share of times whose most probable lag is at most one class from the true one",
    "top3_accuracy": "share of times whose true lag is among the three most probable ones",
    "probability": "mean probability of the true lag",
    "neighbourhood_probability": "mean probability of the true lag and its neighbours together",
    "entropy": "mean entropy of the predicted distribution of lags",
}
SEASONS = {"April to September": range(4, 10), "October to March": (10, 11, 12, 1, 2, 3)}


def first_times(times: np.ndarray, lag: int, count: int, seed: int) -> np.ndarray:
    """Indices of ``count`` times of the first year by `spread`, all of them where there are fewer.

    Each has a partner ``lag`` steps later.
    """
    partnered = times[: len(times) - lag]
    year = int((partnered < times[0] + np.timedelta64(365, "D")).sum())
    return spread(year, count, seed, "uncertainty")


def sliding_windows(field: Tensor, row: int, patch: int, stride: int) -> Tensor:
    """Windows K×C×P×P whose first row is ``row``, every ``stride`` columns around the sphere, of C×H×W."""
    band = field[:, row : row + patch]
    around = torch.cat([band, band[..., :patch]], -1)
    count = len(range(0, field.shape[-1], stride))
    return around.unfold(-1, patch, stride)[:, :, :count].permute(2, 0, 1, 3)


def scores(logits: Tensor, label: int) -> Tensor:
    """The quantities of `MEANINGS` along a first axis, from logits (…, K) of pairs that all have this label.

    The first and the last class have one neighbour.
    """
    log_probability = F.log_softmax(logits.double(), -1)
    probability = log_probability.exp()
    best = logits.topk(min(3, logits.shape[-1]), -1).indices
    quantities = {
        "accuracy": best[..., 0] == label,
        "within_one_class": (best[..., 0] - label).abs() <= 1,
        "top3_accuracy": (best == label).any(-1),
        "probability": probability[..., label],
        "neighbourhood_probability": probability[..., max(label - 1, 0) : label + 2].sum(-1),
        "entropy": -(probability * log_probability).sum(-1),
    }
    return torch.stack([quantities[name] for name in MEANINGS])


@torch.inference_mode()
def uncertainty_maps(
    network: SiameseNetwork,
    read: Callable[[int], Tensor],
    times: np.ndarray,
    first: Sequence[int],
    lag: int,
    latitude: np.ndarray,
    patch: int,
    stride: int,
    further_lags: Sequence[int] = (),
) -> xr.Dataset:
    """Maps of uncertainty at one lag: means over the times with the indices ``first``, and by season.

    And, of this lag and of further ones, means over the sphere at each of these times. A field is encoded
    once, however many pairs it is part of.

    Args:
        network: trained, on the device and in evaluation mode.
        read: normalised field C×H×W on the device of an index of time.
        times: datetime64 of all indices.
        first: indices of the pairs' first times, rising.
        lag: steps from the first to the second time, from 1 to the network's classes.
        latitude: of the grid's rows, from north to south; every row that a window can begin at counts.
        patch: edge of a window in pixels.
        stride: pixels between windows, in rows and in columns.
        further_lags: steps of the other lags; a pair whose second time is after the last is left out.

    Returns:
        The quantities of `MEANINGS` (season, latitude, longitude) at the windows' centres and the number of
        ``pairs`` of a season: "whole", and each of `SEASONS` if both have any. ``series`` (quantity, lag,
        time): their means over the windows, weighted by area, at each lag in steps; NaN without a pair.
    """
    rows = np.arange(0, len(latitude) - patch + 1, stride)
    columns = np.arange(0, 2 * len(latitude), stride)
    centres = (latitude[rows] + latitude[rows + patch - 1]) / 2
    weights = np.cos(np.radians(centres)) / np.cos(np.radians(centres)).sum() / len(columns)
    lags = sorted({lag, *further_lags})
    encodings = Encodings(
        lambda time: [network.encoder(sliding_windows(read(time), row, patch, stride)) for row in rows],
        uses=(time + each for time in first for each in (0, *lags) if time + each < len(times)),
    )

    sums = {season: np.zeros((len(MEANINGS), len(rows), len(columns))) for season in SEASONS}
    pairs = dict.fromkeys(SEASONS, 0)
    series = np.full((len(MEANINGS), len(lags), len(first)), np.nan)
    for position, time in enumerate(progress(first, "times")):
        one = encodings[time]
        month = times[time].astype("datetime64[M]").astype(int) % 12 + 1
        season = next(name for name, months in SEASONS.items() if month in months)
        for number, steps in enumerate(lags):
            if time + steps >= len(times):
                continue
            both = zip(one, encodings[time + steps], strict=True)
            logits = torch.stack([network.tail(torch.cat(pair, 1)) for pair in both])
            found = scores(logits, steps - 1).cpu().numpy()
            series[:, number, position] = (found.sum(-1) * weights).sum(-1)
            if steps == lag:
                sums[season] += found
                pairs[season] += 1
    total = {"whole": (sum(sums.values()), sum(pairs.values()))}
    parts = {season: (sums[season], pairs[season]) for season in SEASONS}
    seasons = total | (parts if all(pairs.values()) else {})
    means = np.stack([added / count for added, count in seasons.values()], 1)
    step = 180 / len(latitude)
    return xr.Dataset(
        {
            name: (("season", "latitude", "longitude"), values, {"units": "1", "long_name": meaning})
            for (name, meaning), values in zip(MEANINGS.items(), means, strict=True)
        }
        | {
            "pairs": ("season", [count for _, count in seasons.values()], {"long_name": "number of times"}),
            "series": (
                ("quantity", "lag", "time"),
                series,
                {"units": "1", "long_name": "mean over the windows, weighted by area"},
            ),
        },
        {
            "season": list(seasons),
            "latitude": ("latitude", centres, {"units": "degrees_north"}),
            "longitude": ("longitude", (columns + (patch - 1) / 2) * step % 360, {"units": "degrees_east"}),
            "quantity": list(MEANINGS),
            "lag": lags,
            "time": times[first].astype("datetime64[ns]"),
        },
    ).sortby("longitude")


class Encodings:
    """What ``encode`` makes of each time, made when it is first asked for, forgotten after its last use.

    ``uses`` are the times, one for each time that they are asked for.
    """

    def __init__(self, encode: Callable[[int], list[Tensor]], uses: Iterable[int]):
        self.encode, self.uses = encode, Counter(uses)
        self.kept: dict[int, list[Tensor]] = {}

    def __getitem__(self, time: int) -> list[Tensor]:
        """The encoding of a time."""
        found = self.kept.pop(time) if time in self.kept else self.encode(time)
        self.uses[time] -= 1
        if self.uses[time] > 0:
            self.kept[time] = found
        return found
