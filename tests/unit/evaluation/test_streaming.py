import numpy as np
import pytest
import torch
import xarray as xr
from fields import hours, write_period

from atmodist.core import netcdf
from atmodist.core.errors import InputError
from atmodist.data import store
from atmodist.data.sphere import area_weights
from atmodist.evaluation import merging, metrics, moments, streaming
from atmodist.learning import saved
from atmodist.learning.networks import Generator
from atmodist.learning.resolution import coarsen
from atmodist.samples.normalise import Moments

CPU = torch.device("cpu")
MOMENTS = Moments(("divergence", "vorticity"), (1e-7, 2e-7), (1e-5, 1e-5), (1e-3, 2e-3), (0.15, 0.16), 0.2)
PLACES = xr.Dataset({"latitude": ("city", [52.5]), "longitude": ("city", [13.4])}, {"city": ["Berlin"]})
STEPS = 24  # six a day, from 3 to 23 UTC, four days


@pytest.fixture(scope="module")
def fields(tmp_path_factory):
    path = tmp_path_factory.mktemp("fields") / "eval.h5"
    write_period(path, hours("2001-07-01T03", STEPS, step=4), rows=16)
    return store.Fields(path)


def run(fields, times, upscale=streaming.bilinear, threads=1):
    def fresh():
        comparison = metrics.of_comparison() if upscale else []
        return [*metrics.of_estimate(MOMENTS.std, 3, PLACES), *comparison]

    pairs = streaming.frames(fields, times, MOMENTS, upscale, CPU)
    return streaming.evaluate(pairs, fresh, fields.time[0], block_days=1, threads=threads)


def test_blocks_of_time_count_their_frames_and_the_last_may_be_short(fields):
    result = run(fields, range(20))
    assert result["frames"].values.tolist() == [6, 6, 6, 2]
    assert result["block"].values.astype("datetime64[D]").astype(str).tolist() == [
        f"2001-07-{day:02d}" for day in (1, 2, 3, 4)
    ]
    assert result["mean_squared_error"].sizes == {"time": 20, "variable": 2}
    assert result["power"].sizes == {"block": 4, "variable": 2, "degree": 8}


@pytest.mark.parametrize("upscale", [None, streaming.bilinear])
def test_shards_combine_to_the_bits_of_the_whole(fields, upscale, tmp_path):
    shards = []
    for number, times in enumerate([range(18, 24), range(6), range(6, 18)]):
        merging.save(tmp_path / f"{number}.nc", run(fields, times, upscale))
        shards.append(netcdf.read(tmp_path / f"{number}.nc"))
    merging.save(tmp_path / "whole.nc", run(fields, range(STEPS), upscale))
    xr.testing.assert_identical(merging.combine(shards), netcdf.read(tmp_path / "whole.nc"))


@pytest.mark.parametrize("threads", [2, 20])
def test_threads_change_no_bit(fields, threads):
    xr.testing.assert_identical(run(fields, range(STEPS), threads=threads), run(fields, range(STEPS)))


def test_what_a_thread_fails_at_is_told(fields, monkeypatch):
    def fail(metric, truth, estimate):
        raise InputError("no spectrum")

    monkeypatch.setattr(metrics.Spectra, "measure", fail)
    with pytest.raises(InputError, match="no spectrum"):
        run(fields, range(STEPS), threads=2)


def test_the_variance_under_the_semivariogram_is_that_of_all_frames(fields):
    """Weighed by the sphere's area and by the blocks' frames, of which the last has fewer."""
    result = run(fields, range(20))
    mean = result[["truth_mean", "truth_mean_square"]].weighted(result["frames"]).mean("block")
    values = np.stack([fields.read(time) for time in range(20)]).astype(float)
    area = area_weights(fields.latitude)[:, None] / values.shape[-1]
    average = (values * area).sum((2, 3)).mean(0)
    expected = ((values - average[:, None, None]) ** 2 * area).sum((2, 3)).mean(0)
    np.testing.assert_allclose(mean["truth_mean_square"] - mean["truth_mean"] ** 2, expected, rtol=1e-6)


def test_the_same_block_in_two_shards_is_refused(fields):
    part = run(fields, range(6))
    with pytest.raises(InputError, match="same block"):
        merging.combine([part, part])


def test_cities_are_kept_apart_and_read_one_by_one(fields, tmp_path):
    rest, cities = merging.without_cities(run(fields, range(6)))
    assert "city" not in rest.dims
    assert list(cities) == ["city_value"]
    merging.save(tmp_path / "cities.nc", cities)
    with netcdf.open_lazily(tmp_path / "cities.nc") as read:
        xr.testing.assert_identical(read.load(), cities)
        assert read["city_value"].encoding["chunksizes"] == (6, 2, 1, 9)


def test_the_truth_is_compared_with_itself_in_physical_units(fields):
    result = run(fields, range(6), upscale=None)
    mean = moments.mean_fields(result)
    values = np.stack([fields.read(time) for time in range(6)]).astype(float)
    np.testing.assert_allclose(mean["mean"], values.mean(0), atol=1e-10)
    assert not mean["rmse"].any()
    assert "mean_squared_error" not in result


def test_units_survive_sums_and_shards(fields):
    whole = merging.combine([run(fields, range(6)), run(fields, range(6, 12))])
    units = {"power": "s-2", "semivariance": "s-2", "mean_squared_error": "s-2", "city_value": "s-1"}
    assert {name: whole[name].units for name in units} == units
    assert {each.units for each in moments.mean_fields(whole).values()} == {"s-1"}


def test_an_upscaling_that_knows_the_answer_is_perfect(fields):
    """Normalisation there and back changes nothing but the last bits."""
    answer = MOMENTS.forward(torch.from_numpy(fields.read(2)[None]), axis=1)

    def oracle(low):
        torch.testing.assert_close(low, coarsen(answer))
        return answer

    ((truth, found),) = streaming.frames(fields, [2], MOMENTS, oracle, CPU)
    np.testing.assert_allclose(found, truth, rtol=1e-4, atol=1e-10)
    assert truth["time"].values == np.datetime64("2001-07-01T11")


def test_a_generator_comes_from_the_epoch_that_is_asked_for(fields, tmp_path):
    settings = {"channels": 4, "blocks": 1}
    generators = [Generator(2, **settings) for _ in range(2)]
    for epoch, generator in enumerate(generators, 1):
        weights = {"generator": generator.state_dict(), "discriminator": {}}
        saved.save(tmp_path / f"epoch-{epoch:03d}.pt", weights)
    upscale = streaming.upscaling("l2", CPU, tmp_path, 2, settings, variables=2)
    low = torch.randn(1, 2, 32, 64)
    with torch.no_grad():
        centre = (..., slice(60, 68), slice(120, 130))
        np.testing.assert_allclose(upscale(low)[centre], generators[1](low)[centre], atol=1e-5)
        assert not torch.allclose(upscale(low)[centre], generators[0](low)[centre], atol=1e-3)
    with pytest.raises(InputError, match=r"epoch-003\.pt"):
        streaming.upscaling("l2", CPU, tmp_path, 3, settings, variables=2)
    with pytest.raises(InputError, match=r"epoch-002\.pt holds weights of another network"):
        streaming.upscaling("l2", CPU, tmp_path, 2, {"channels": 4, "blocks": 2}, variables=2)


def test_fields_that_are_not_finite_are_refused(fields):
    with pytest.raises(InputError, match="not finite"):
        list(streaming.frames(fields, [0], MOMENTS, lambda low: low * torch.nan, CPU))
