"""Maps of uncertainty against windows cut one by one, and scores against scipy and closed forms."""

import numpy as np
import pytest
import torch
from fields import hours
from scipy.special import softmax
from scipy.stats import entropy
from torch import nn

from atmodist.evaluation import uncertainty

LATITUDE = 90 - np.arange(32) * 180 / 32
PATCH, STRIDE, CLASSES = 8, 4, 6


class Network(nn.Module):
    """A small linear network with the parts of a Siamese one; it counts what it encodes."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.encoded = 0
        self.convolution = nn.Conv2d(2, 4, 8)
        self.tail = nn.Sequential(nn.Flatten(), nn.Linear(8, CLASSES))

    def encoder(self, windows):
        self.encoded += len(windows)
        return self.convolution(windows)


FIELDS = torch.from_numpy(np.random.default_rng(1).standard_normal((12, 2, 32, 64)).astype(np.float32))


def maps(first, lag=2, start="2001-07-01", network=None, **further):
    settings = {"latitude": LATITUDE, "patch": PATCH, "stride": STRIDE, **further}
    times = hours(start, len(FIELDS))
    return uncertainty.uncertainty_maps(
        network or Network(), FIELDS.__getitem__, times, first, lag=lag, **settings
    )


def test_a_window_is_judged_where_it_lies():
    result, network = maps([0, 1, 5]), Network()
    assert list(result["season"].values) == ["whole"]
    assert result["pairs"] == 3
    for latitude in result["latitude"].values[[0, 3]]:
        for longitude in (result["longitude"].values[[0, 7, -1]]).tolist():
            row = round((90 - latitude) * 32 / 180 - (PATCH - 1) / 2)
            column = round(longitude * 64 / 360 - (PATCH - 1) / 2) % 64
            found = []
            for time in (0, 1, 5):
                columns = np.arange(column, column + PATCH) % 64
                pair = [FIELDS[t, :, row : row + PATCH][None, ..., columns] for t in (time, time + 2)]
                with torch.no_grad():
                    found.append(network.tail(torch.cat([network.convolution(each) for each in pair], 1))[0])
            probability = softmax(torch.stack(found).double().numpy(), -1)
            at = result.sel(latitude=latitude, longitude=longitude).isel(season=0)
            assert at["probability"] == pytest.approx(probability[:, 1].mean(), rel=1e-5)
            assert at["entropy"] == pytest.approx(entropy(probability, axis=-1).mean(), rel=1e-5)
            assert at["accuracy"] == pytest.approx((probability.argmax(-1) == 1).mean())
            assert at["within_one_class"] == pytest.approx((abs(probability.argmax(-1) - 1) <= 1).mean())
            neighbourhood = probability[:, :3].sum(-1).mean()
            assert at["neighbourhood_probability"] == pytest.approx(neighbourhood, rel=1e-5)
            ranks = (-probability).argsort(-1).argsort(-1)[:, 1]
            assert at["top3_accuracy"] == pytest.approx((ranks < 3).mean())


def test_windows_cover_all_rows_that_fit():
    """The first window begins at the pole, the last ends with the grid: rows 0, 4, …, 24 of 32."""
    result = maps([0])
    middle = LATITUDE[np.arange(0, 25, STRIDE) + PATCH // 2] + 180 / 32 / 2  # of the two rows in the middle
    np.testing.assert_allclose(result["latitude"], middle)
    np.testing.assert_allclose(np.diff(result["longitude"]), STRIDE * 360 / 64)


def test_no_field_is_encoded_twice_where_times_follow_each_other():
    network = Network()
    windows = maps(range(8), network=network).isel(season=0)["accuracy"].size
    assert network.encoded == 10 * windows


def test_seasons_add_up_to_the_whole():
    result = maps(range(0, 10), start="2001-09-30T12")
    assert result["pairs"].values.tolist() == [10, 4, 6]
    whole, *seasons = (result["entropy"].sel(season=season) for season in result["season"].values)
    np.testing.assert_allclose(whole, (4 * seasons[0] + 6 * seasons[1]) / 10)


def scored(logits, label):
    return dict(zip(uncertainty.MEANINGS, uncertainty.scores(logits, label).tolist(), strict=True))


def test_scores_of_a_sure_and_of_an_undecided_classifier():
    sure, undecided = torch.tensor([0.0, 1000, 0, 0]), torch.zeros(4)
    assert scored(sure, 1) == dict(zip(uncertainty.MEANINGS, [1, 1, 1, 1, 1, 0], strict=True))
    assert scored(undecided, 1)["entropy"] == pytest.approx(np.log(4))
    assert scored(undecided, 1)["neighbourhood_probability"] == pytest.approx(3 / 4)
    assert scored(undecided, 0)["neighbourhood_probability"] == pytest.approx(2 / 4), "one neighbour"
    assert scored(undecided, 3)["neighbourhood_probability"] == pytest.approx(2 / 4)


def test_within_one_class_is_not_among_the_three_most_probable():
    """Class 3 leads, then 0 and 1: label 2 is a neighbour of the prediction and the least probable itself."""
    logits = torch.tensor([2.0, 1, -9, 3])
    assert [scored(logits, label)["within_one_class"] for label in range(4)] == [0, 0, 1, 1]
    assert [scored(logits, label)["top3_accuracy"] for label in range(4)] == [1, 1, 0, 1]


def test_times_cover_the_first_year_evenly():
    times = hours("2000-01-01", 3 * 2920)
    np.testing.assert_array_equal(uncertainty.first_times(times, 16, 2920, seed=1), np.arange(2920))
    some = uncertainty.first_times(times, 16, 10, seed=1)
    assert (some // 292).tolist() == list(range(10))
    np.testing.assert_array_equal(uncertainty.first_times(times[:20], 16, 10, seed=1), np.arange(4))


@pytest.mark.parametrize("count", [200, 365, 366, 730])
def test_times_are_of_all_hours_in_every_season(count):
    """As many parts of 8 times a day: steps of equal length would be whole days."""
    times = hours("2000-01-01", 3 * 2920)
    first = times[uncertainty.first_times(times, 16, count, seed=1)]
    hour = first.astype("datetime64[h]").astype(int) % 24
    for half in np.array_split(hour, 2):
        share = np.bincount(half, minlength=24)[::3] / len(half)
        assert share.sum() == 1
        assert share.min() > 0.5 / 8
        assert share.max() < 2 / 8


def test_no_field_is_encoded_twice_whatever_the_lags():
    network = Network()
    windows = maps([0, 1, 2, 5], network=network, further_lags=[1, 3, 6]).isel(season=0)["accuracy"].size
    assert network.encoded == 10 * windows, "times 0 to 8 and 11, each once"


def test_encodings_are_forgotten_after_their_last_use():
    made = []
    encodings = uncertainty.Encodings(lambda time: made.append(time) or [time], uses=[1, 2, 2, 3])
    assert [encodings[time] for time in (1, 2, 3, 2)] == [[1], [2], [3], [2]]
    assert made == [1, 2, 3]
    assert not encodings.kept


def test_series_are_the_maps_averaged_over_the_sphere():
    result = maps([0, 3, 7], further_lags=[1, 5])
    assert result["lag"].values.tolist() == [1, 2, 5]
    weights = np.cos(np.radians(result["latitude"]))
    for quantity in uncertainty.MEANINGS:
        mean = result[quantity].isel(season=0).weighted(weights).mean(["latitude", "longitude"])
        series = result["series"].sel(quantity=quantity, lag=2)
        assert series.mean("time").item() == pytest.approx(mean.item())
        alone = maps([3], lag=5)["series"].sel(quantity=quantity, lag=5)
        assert result["series"].sel(quantity=quantity, lag=5)[1] == pytest.approx(alone[0].item())


def test_a_pair_that_would_end_after_the_data_is_left_out():
    series = maps([0, 9], further_lags=[5])["series"].sel(lag=5)
    assert np.isfinite(series.isel(time=0)).all()
    assert np.isnan(series.isel(time=1)).all()
