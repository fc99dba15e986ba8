"""The ordering test: scores by hand, distances that must pass or fail by construction, intervals of days."""

from itertools import pairwise

import numpy as np
import pytest
import torch
import xarray as xr
from scipy.ndimage import gaussian_filter
from scipy.stats import spearmanr

from atmodist.core.errors import InputError
from atmodist.data import spectral
from atmodist.evaluation import degradations, families, orderings
from atmodist.evaluation.bootstrap import Bootstrap, interval
from atmodist.learning.networks import Encoder
from atmodist.samples.normalise import Moments

TRUNCATION, PATCH = 31, 32
ROWS = 2 * (TRUNCATION + 1)
MOMENTS = Moments(("divergence", "vorticity"), (0, 0), (1e-5, 1e-5), (0, 0), (0.15, 0.15), 0.2)
CPU = torch.device("cpu")


class Planet:
    """Waves that drift east by some degrees a step: a `store.Fields` of forty times."""

    def __init__(self, drift=2.0):
        rng = np.random.default_rng(0)
        self.latitude, self.longitude = spectral.latitudes(TRUNCATION), spectral.longitudes(TRUNCATION)
        self.time = np.datetime64("2001-01-01T00", "h") + 3 * np.arange(40)
        degree, order = np.mgrid[: TRUNCATION + 1, : TRUNCATION + 1]
        self.cilm = rng.standard_normal((2, 2, TRUNCATION + 1, TRUNCATION + 1)) * (order <= degree)
        self.cilm /= np.sqrt(1.0 + degree)
        self.order, self.drift = order, drift

    def read(self, time):
        angle = np.radians(self.drift * time) * self.order
        wave = (self.cilm[:, 0] - 1j * self.cilm[:, 1]) * np.exp(-1j * angle)
        cilm = np.stack([wave.real, -wave.imag], axis=1)
        return np.stack([1e-5 * spectral.synthesise(each) for each in cilm]).astype(np.float32)


def evaluated(known, chosen=(0, 9, 17), per_time=3, drift=2.0):
    return orderings.evaluate(Planet(drift), MOMENTS, known, chosen, per_time, PATCH, (-40, 40), 5, CPU)


@pytest.fixture(scope="module")
def usual():
    torch.manual_seed(0)
    encoders = {"random": Encoder(stages=(2, 3, 4, 4), blocks=1)}
    known = orderings.distances(encoders, PATCH, CPU)
    return evaluated(known)


def test_distances_in_closed_form():
    """Wang et al. (2004) for SSIM of constants; AMSE of waves a quarter apart is twice their power of ½."""
    known = orderings.distances({}, PATCH, CPU)
    one, three = (torch.full((1, 2, PATCH, PATCH), value, dtype=torch.double) for value in (0.1, 0.3))
    assert known["l1"](one, three).item() == pytest.approx(0.2)
    assert known["l2"](one, three).item() == pytest.approx(0.04)
    constant = (0.01 * 8) ** 2
    similarity = (2 * 0.1 * 0.3 + constant) / (0.1**2 + 0.3**2 + constant)
    assert known["ssim"](one, three).item() == pytest.approx(1 - similarity)
    part = torch.stack([one[:, 0], three[:, 1]], dim=1)
    for name in ("l1", "l2", "ssim"):
        whole = known[name](one, three).item()
        assert known[name](one, part).item() == pytest.approx(whole / 2), "the mean over variables"
    part[..., : PATCH // 2] = 0.1
    for name in ("l1", "l2"):
        whole = known[name](one, three).item()
        assert known[name](one, part).item() == pytest.approx(whole / 4), "and over points"
    noise = torch.randn(1, 2, PATCH, PATCH, generator=torch.Generator().manual_seed(0))
    stronger_and_weaker = noise * torch.tensor([10, 0.1])[:, None, None]
    assert known["spectrum"](noise, stronger_and_weaker).item() == pytest.approx(2), "decades of power"
    angle = (2 * np.pi * 5 / PATCH * torch.arange(PATCH)).expand(1, 2, PATCH, PATCH)
    assert known["amse"](torch.cos(angle), torch.sin(angle)).item() == pytest.approx(1, rel=1e-4)


def test_the_smoothed_distance_is_that_of_filtered_fields():
    """By scipy's filter of either field, at any size; what is constant is left as it is."""
    for patch in (PATCH, 64):
        distance = orderings.distances({}, patch, CPU)["l2 smoothed"]
        x, y = np.random.default_rng(0).standard_normal((2, 3, 2, patch, patch)) + 0.3
        one, other = (gaussian_filter(each, patch / 20, mode="reflect", axes=(2, 3)) for each in (x, y))
        expected = ((one - other) ** 2).mean((1, 2, 3))
        for kind, digits in ((torch.double, 1e-12), (torch.float, 1e-5)):
            found = distance(torch.tensor(x, dtype=kind), torch.tensor(y, dtype=kind))
            np.testing.assert_allclose(found, expected, rtol=digits)
        constant = torch.full((1, 2, patch, patch), 0.2)
        assert distance(constant, 3 * constant).item() == pytest.approx(0.16)


def test_each_layer_of_an_encoder_has_its_distance():
    torch.manual_seed(0)
    encoder = Encoder(stages=(2, 3, 4, 4), blocks=1)
    known = orderings.distances({"random": encoder}, PATCH, CPU)
    x, y = torch.randn(2, 3, 2, PATCH, PATCH)
    for layer in ("stage1", "stage2", "stage3", "stage4"):
        with torch.no_grad():
            expected = (encoder.features(x, layer) - encoder.features(y, layer)).square().mean((1, 2, 3))
        np.testing.assert_allclose(known[f"random {layer}"](x, y), expected, rtol=1e-5)


def test_share_of_triplets_by_hand():
    found = np.array([[1.0, 2, 3], [3, 2, 1], [1, 3, 2], [2, 2, 2], [1, 1, 2]])
    assert orderings.rightly_ordered(found).tolist() == pytest.approx([1, 0, 2 / 3, 0.5, 5 / 6])


def test_equal_to_rounding_is_a_tie():
    assert orderings.rightly_ordered(np.array([[1.0, 1.000001], [1, 1.01]])).tolist() == [0.5, 1]


def test_monotonicity_is_spearmans():
    rng = np.random.default_rng(1)
    found = rng.integers(0, 4, (20, 5)).astype(float)
    expected = [spearmanr(np.arange(5), each).statistic for each in found]
    np.testing.assert_allclose(orderings.monotonicity(found), np.nan_to_num(expected))
    assert orderings.monotonicity(np.ones((1, 5))) == 0


def test_times_leave_room_for_the_longest_lag():
    chosen = orderings.choose_times(48, 4, seed=1)
    assert (chosen // 6).tolist() == [0, 1, 2, 3]
    assert orderings.choose_times(26, 4, seed=1).tolist() == [0, 1]
    with pytest.raises(InputError, match="holds 24 times; expected more than 24"):
        orderings.choose_times(24, 4, seed=1)


def test_every_family_has_its_series(usual):
    count = usual["series"]
    assert (
        count.sel(family=[name for name in count["family"].values if name not in families.EQUAL]) == 3
    ).all()
    assert (count.sel(family=list(families.EQUAL)).sum("time") > 0).all()
    assert (usual["right"] <= count + 1e-9).all()
    assert list(usual["distance"].values[-4:]) == [f"random stage{n}" for n in (1, 2, 3, 4)]


def test_what_the_usual_distances_must_score(usual):
    """ℓ2 sees any truncation, but by construction not what moved and blurred states differ in."""
    share = usual["right"].sum("time") / usual["series"].sum("time")
    assert share.sel(distance="l2", family="truncation") == 1
    np.testing.assert_allclose(share.sel(distance="l2", family=list(families.EQUAL)), 0.5)
    assert share.sel(distance="spectrum", family="truncation") == 1
    assert share.sel(distance="spectrum", family="blur") > 0.8, "a blur has lost its small scales"
    assert share.sel(distance="amse", family="blur") > 0.8


def test_a_distance_that_has_all_the_wrong_way_round():
    found = evaluated({"opposite": lambda x, y: -(x - y).square().mean((1, 2, 3))}, chosen=[0])
    truncation = found.sel(family="truncation", distance="opposite")
    assert not truncation["right"].any()
    np.testing.assert_allclose(truncation["monotonicity"], -truncation["series"])


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_distance_that_is_not_finite_is_named(value):
    def broken(x, y):
        return torch.where(torch.arange(len(x)) == 1, value, (x - y).abs().mean((1, 2, 3)))

    with pytest.raises(InputError, match=f"distance broken is {value} in family lag; expected finite"):
        evaluated({"broken": broken}, chosen=[0])


def test_a_constant_distance_is_chance():
    found = evaluated({"constant": lambda x, y: torch.ones(len(x))}, chosen=[0])
    np.testing.assert_array_equal(found["right"].sel(distance="constant"), 0.5 * found["series"])


def test_each_time_has_windows_of_its_own():
    """On a planet that stands still, the same windows would have the same scores."""
    found = evaluated({"mean": lambda x, y: y.mean((1, 2, 3))}, chosen=(0, 9), drift=0.0)
    assert not np.allclose(found["monotonicity"].isel(time=0), found["monotonicity"].isel(time=1))


def test_windows_and_noise_are_those_of_the_seed():
    known = {"l1": orderings.distances({}, PATCH, CPU)["l1"]}
    one, other = evaluated(known), evaluated(known)
    xr.testing.assert_identical(one, other)


def test_the_anchors_are_the_truth_and_nothing_is_nearer():
    planet, window = Planet(), degradations.Window(16, 100, PATCH)
    found = dict(
        (family, (anchors, series))
        for family, anchors, series in orderings.series_at(
            planet.read, 3, [window], MOMENTS, np.random.default_rng(0)
        )
    )
    truth = MOMENTS.forward(window.cut(planet.read(3)).astype(float), axis=0)
    for family in ("lag", "truncation", "phase", "amplitude", "displacement"):
        anchors, series = found[family]
        np.testing.assert_allclose(anchors[0], truth)
        errors = ((series[0] - truth) ** 2).mean((1, 2, 3))
        assert (errors > 0).all()
        assert all(a < b for a, b in pairwise(errors[:3])), family
    lagged = MOMENTS.forward(window.cut(planet.read(3 + 4)).astype(float), axis=0)
    np.testing.assert_allclose(found["lag"][1][0][2], lagged)
    anchors, series = found["vortex"]
    np.testing.assert_allclose(series[0][:, 0], anchors[0][0] + 0 * series[0][:, 0])
    vortex = MOMENTS.inverse(anchors[0], axis=0)[1] - window.cut(planet.read(3))[1]
    assert abs(vortex).max() == pytest.approx(4e-5, rel=0.1), "four standard deviations"
    for family in families.EQUAL:
        anchors, series = found[family]
        errors = ((series - anchors[:, None]) ** 2).mean((2, 3, 4))
        np.testing.assert_allclose(errors[:, 0], errors[:, 1], rtol=1e-6)
        moved = found["displacement"][1][0]
        kept = [np.flatnonzero((moved == state).all((1, 2, 3))).item() for state in series[:, 0]]
        assert kept == list(range(len(kept))), "the moved state first, one pair a move"
        assert len(kept) > 1


def test_windows_lie_all_around_the_sphere(monkeypatch):
    """Their first columns in all quarters of it alike, their centres in the band."""
    windows = []
    monkeypatch.setattr(orderings, "series_at", lambda read, time, each, *_: windows.extend(each) or [])
    evaluated({}, chosen=[0], per_time=400)
    quarters = np.bincount([window.column * 4 // (2 * ROWS) for window in windows], minlength=4)
    assert len(quarters) == 4
    assert quarters.min() > 70, "of 400, within four deviations of 100"
    centres = np.degrees([window.centre(ROWS) for window in windows])
    assert -40 <= centres.min() < -35 < 35 < centres.max() <= 40


def test_without_vorticity_there_is_no_vortex():
    planet = Planet()
    moments = Moments(("divergence",), (0,), (1e-5,), (0,), (0.15,), 0.2)
    window = [degradations.Window(16, 100, PATCH)]
    families = [
        family
        for family, *_ in orderings.series_at(
            lambda time: planet.read(time)[:1], 0, window, moments, np.random.default_rng(0)
        )
    ]
    assert "vortex" not in families
    assert {"lag", "blur"} <= set(families)


def test_scores_are_means_over_series_with_intervals_of_days():
    time = np.datetime64("2001-01-01", "ns") + np.arange(8) * np.timedelta64(1, "D")
    right = np.arange(8.0)[None, None] * np.ones((1, 8, 1))
    count = np.full((8, 8), 10)
    count[5] = 0  # no vortex
    sums = xr.Dataset(
        {
            "right": (("distance", "family", "time"), right * (count > 0)),
            "monotonicity": (("distance", "family", "time"), -right * (count > 0)),
            "series": (("family", "time"), count),
        },
        {"distance": ["l1"], "family": list(families.FAMILIES), "time": time},
    )
    table = orderings.scores(sums, Bootstrap(2, 500, 3)).set_index("family")
    assert "vortex" not in table.index
    assert table.loc["lag", "right"] == pytest.approx(0.35)
    assert table.loc["lag", "monotonicity"] == pytest.approx(-0.35)
    assert np.isnan(table.loc["blur", "monotonicity"])
    assert table.loc["mean", "right"] == pytest.approx(0.35)
    assert table["series"].to_dict() == {name: 560 if name == "mean" else 80 for name in table.index}
    ends = table.loc["lag", ["right_low", "right_high"]].tolist()
    assert ends == pytest.approx([0.05, 0.65], abs=0.01), "all four draws of one block"
    alone = orderings.scores(sums, Bootstrap(20, 500, 3))
    assert alone["right_low"].isna().all()


def test_series_weigh_alike_in_a_family_and_families_in_their_mean():
    """In the data and in every draw, with other numbers of series on each day and none on some."""
    rng = np.random.default_rng(4)
    time = np.datetime64("2001-01-01", "ns") + np.arange(6) * np.timedelta64(1, "D")
    count = rng.integers(1, 20, (len(families.FAMILIES), 6))
    count[2, 3] = count[6, :2] = 0
    right = count * rng.random(count.shape)
    sums = xr.Dataset(
        {name: (("distance", "family", "time"), right[None]) for name in ("right", "monotonicity")}
        | {"series": (("family", "time"), count)},
        {"distance": ["l1"], "family": list(families.FAMILIES), "time": time},
    )
    table = orderings.scores(sums, Bootstrap(1, 300, 3)).set_index("family")
    draws = Bootstrap(1, 300, 3).counts(6)
    share = xr.DataArray(draws.values @ right.T / (draws.values @ count.T), dims=("sample", "family"))
    share = xr.concat([share, share.mean("family")], "family").assign_coords(blocks=6)
    assert table.index.tolist() == [*families.FAMILIES, "mean"]
    for name, expected in zip(("", "_low", "_high"), (share[0], *interval(share)), strict=True):
        np.testing.assert_allclose(table[f"right{name}"], expected)
