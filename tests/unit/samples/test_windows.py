from dataclasses import replace

import h5py
import numpy as np
import pytest
from fields import VARIABLES, hours, write_period
from scipy import stats

from atmodist.core.errors import InputError
from atmodist.data.store import Fields, write_virtual
from atmodist.samples.counts import shard_count
from atmodist.samples.normalise import Moments
from atmodist.samples.shards import times_of, write_shard
from atmodist.samples.windows import Sampling, centre_rows, cut, draw_samples, shard_order

BAND = (-60, 60)
TIMES = hours("2001-01-01", 400)
ROWS, PATCH, PER_TIME, MAX_LAG = 64, 8, 5, 6
MOMENTS = Moments(VARIABLES, (1e-7, -2e-7), (1e-5, 1.1e-5), (1e-3, 2e-3), (0.15, 0.16), alpha=0.2)


def latitudes(rows=ROWS):
    return 90 - np.arange(rows) * 180 / rows


SAMPLING = Sampling("pairs", "train", 1, PATCH, PER_TIME, BAND, MAX_LAG)


def draw(order, times=TIMES, **changes):
    rows = centre_rows(latitudes(), BAND, PATCH)
    return draw_samples(replace(SAMPLING, **changes), order, times, rows, 2 * ROWS)


def test_centres_lie_in_the_band():
    rows = centre_rows(latitudes(1280), BAND, patch=160)
    assert latitudes(1280)[[rows[0], rows[-1]]].tolist() == [59.90625, -59.90625]  # colatitudes 30° to 150°
    rows = centre_rows(latitudes(), (-45, 45), PATCH)
    assert latitudes()[[rows[0], rows[-1]]].tolist() == [45, -45], "its edges are within"


def test_windows_that_leave_the_grid_are_refused():
    with pytest.raises(InputError, match=r"windows of 32 rows .* leave the grid of 64 rows"):
        centre_rows(latitudes(), (-60, 60), patch=32)
    with pytest.raises(InputError, match=r"no row of the grid lies between 0.1° and 0.2°"):
        centre_rows(latitudes(), (0.1, 0.2), patch=4)


@pytest.mark.parametrize("name", ["row", "column", "lag"])
def test_draws_are_uniform(name):
    samples = draw(np.arange(394 * PER_TIME), seed=3)
    possible = {
        "row": centre_rows(latitudes(), BAND, PATCH) - PATCH // 2,
        "column": np.arange(2 * ROWS),
        "lag": np.arange(1, MAX_LAG + 1),
    }[name]
    values, counts = np.unique(getattr(samples, name), return_counts=True)
    assert values.tolist() == possible.tolist()
    assert stats.chisquare(counts).pvalue > 0.01


def test_draws_are_independent():
    samples = draw(np.arange(394 * PER_TIME))
    for one, other in [("row", "column"), ("row", "lag"), ("column", "lag")]:
        assert stats.spearmanr(getattr(samples, one), getattr(samples, other)).pvalue > 0.01


def test_a_sample_depends_on_seed_split_date_and_its_number_alone():
    order = np.random.default_rng(0).permutation(394 * PER_TIME)
    everything, some = draw(order), draw(order[700:800])
    for whole, part in zip(everything, some, strict=True):
        assert np.array_equal(whole[700:800], part)
    later = draw(np.arange(10 * PER_TIME), times=TIMES[100:])
    assert np.array_equal(later.row, draw(np.arange(100 * PER_TIME, 110 * PER_TIME)).row)
    for change in ({"seed": 2}, {"split": "eval"}, {"kind": "patches"}):
        assert not np.array_equal(draw(order, **change).row, everything.row)


@pytest.mark.parametrize("max_lag", [0, MAX_LAG])
def test_shards_share_out_all_samples(max_lag):
    count, size = shard_count(40, PER_TIME, max_lag, 64), 64
    orders = [shard_order(replace(SAMPLING, max_lag=max_lag), 40, i, size) for i in range(count)]
    assert [len(order) for order in orders[:-1]] == [size] * (count - 1)
    together = np.concatenate(orders)
    assert sorted(together) == list(range((40 - max_lag) * PER_TIME))
    assert stats.spearmanr(together, np.arange(len(together))).pvalue > 0.01


@pytest.fixture(scope="module")
def split(tmp_path_factory):
    """A split of two periods, 60 times in all, and its fields in memory."""
    folder, times = tmp_path_factory.mktemp("split"), hours("2001-01-01", 60)
    parts = [write_period(folder / f"{i}.h5", times[30 * i : 30 * i + 30], ROWS, seed=i) for i in range(2)]
    write_virtual(folder / "train.h5", [folder / "0.h5", folder / "1.h5"])
    return folder / "train.h5", np.concatenate(parts, axis=1), times


def window(values, time, row, column, patch=PATCH):
    """The window by an independent way: indices modulo the number of columns."""
    columns = np.arange(column, column + patch) % values.shape[3]
    return values[:, time, row : row + patch][..., columns]


def test_partners_are_the_same_window_later(split):
    path, values, times = split
    order = shard_order(SAMPLING, 60, 0, 1000)
    samples = draw(order, times=times)
    assert samples.column.max() + PATCH > values.shape[3]  # some windows wrap around
    assert samples.time.max() == 60 - MAX_LAG - 1
    seen = set()
    for position, first, second in cut(Fields(path), samples, PATCH):
        time, row, column, lag = (part[position] for part in samples)
        assert np.array_equal(first, window(values, time, row, column))
        assert np.array_equal(second, window(values, time + lag, row, column))
        seen.add(position)
    assert seen == set(range(len(order)))


def shard(path, split, index, size=64, max_lag=MAX_LAG, dtype="float16"):
    fields = Fields(split[0])
    order = shard_order(replace(SAMPLING, max_lag=max_lag), 60, index, size)
    samples = draw(order, times=fields.time, max_lag=max_lag)
    write_shard(path, fields, samples, MOMENTS, PATCH, dtype)
    return samples


@pytest.mark.parametrize(("dtype", "tolerance"), [("float16", 2**-11), ("float32", 1e-6)])
def test_a_shard_of_pairs_holds_normalised_windows_and_where_they_are(tmp_path, split, dtype, tolerance):
    samples = shard(tmp_path / "0.h5", split, index=1, dtype=dtype)
    _, values, times = split
    np.testing.assert_array_equal(times_of([tmp_path / "0.h5"]), times[samples.time])
    with h5py.File(tmp_path / "0.h5") as file:
        assert file["first"].shape == file["second"].shape == (64, 2, PATCH, PATCH)
        assert file["first"].dtype == dtype
        for i in range(64):
            when, row, column, lag = (part[i] for part in samples)
            assert file["time"][i].astype("datetime64[h]") == times[when]
            assert (file["row"][i], file["column"][i], file["lag"][i]) == (row, column, lag)
            for name, t in (("first", when), ("second", when + lag)):
                expected = MOMENTS.forward(window(values, t, row, column).astype(np.float64), axis=0)
                np.testing.assert_allclose(file[name][i], expected, rtol=tolerance, atol=1e-6)
        degrees = 180 / ROWS
        assert np.array_equal(file["north"][:], 90 - samples.row * degrees)
        assert np.array_equal(file["south"][:], file["north"][:] - (PATCH - 1) * degrees)
        assert np.array_equal(file["west"][:], samples.column * degrees)
        assert np.array_equal(file["east"][:], (file["west"][:] + (PATCH - 1) * degrees) % 360)


def test_a_shard_of_patches_has_no_partner(tmp_path, split):
    shard(tmp_path / "0.h5", split, index=0, max_lag=0)
    with h5py.File(tmp_path / "0.h5") as file:
        assert set(file) == {"high", "time", "row", "column", "north", "south", "west", "east"}


def test_shards_are_the_same_bytes_in_any_order(tmp_path, split):
    for index in range(3):
        shard(tmp_path / f"{index}.h5", split, index)
    for index in (2, 0, 1):
        shard(tmp_path / f"again-{index}.h5", split, index)
        assert (tmp_path / f"{index}.h5").read_bytes() == (tmp_path / f"again-{index}.h5").read_bytes()


def test_blocks_do_not_change_the_samples(tmp_path, split, monkeypatch):
    shard(tmp_path / "whole.h5", split, 0)
    monkeypatch.setattr("atmodist.samples.shards.BLOCK_BYTES", 10_000)  # 9 pairs
    shard(tmp_path / "blocks.h5", split, 0)
    with h5py.File(tmp_path / "whole.h5") as whole, h5py.File(tmp_path / "blocks.h5") as blocks:
        assert np.array_equal(whole["first"], blocks["first"])
        assert np.array_equal(whole["second"], blocks["second"])


def test_moments_of_other_variables_are_refused(tmp_path, split):
    other = Moments(VARIABLES[::-1], MOMENTS.mean, MOMENTS.std, MOMENTS.log_mean, MOMENTS.log_std, 0.2)
    fields = Fields(split[0])
    with pytest.raises(InputError, match=r"train\.h5 holds divergence, vorticity .* vorticity, divergence"):
        write_shard(tmp_path / "0.h5", fields, draw(np.arange(4), times=fields.time), other, PATCH)
    assert not any(tmp_path.iterdir())
