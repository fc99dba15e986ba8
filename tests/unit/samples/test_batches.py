import subprocess
import sys

import h5py
import numpy as np
import pytest
import torch

from atmodist.core.errors import InputError
from atmodist.core.hdf5 import seal
from atmodist.samples.batches import PairBatches, PatchBatches, SampleFiles, loader
from atmodist.samples.shards import CHUNKED

VARIABLES = ["divergence", "vorticity"]
COUNTS = [40, 40, 23]
MAX_LAG = 9


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    """Shards in which the first pixel of a patch is the sample's number through all shards."""
    folder, paths, first = tmp_path_factory.mktemp("shards"), [], 0
    stream = np.random.default_rng(5)
    for index, count in enumerate(COUNTS):
        patches = stream.standard_normal((count, 2, 8, 8)).astype(np.float16)
        patches[:, 0, 0, 0] = np.arange(first, first + count)
        paths.append(folder / f"{index:05d}.h5")
        with h5py.File(paths[-1], "w") as file:
            file.attrs["variables"] = VARIABLES
            for name, values in {"first": patches, "second": -patches, "high": patches}.items():
                file.create_dataset(name, data=values, chunks=(1, 2, 8, 8), fletcher32=True)
            file["lag"] = stream.integers(1, MAX_LAG + 1, count).astype(np.int32)
            seal(file, CHUNKED)
        first += count
    return paths


def pairs(shards, batch_size=8, **settings):
    return PairBatches(SampleFiles(shards, 8, VARIABLES), batch_size, **settings)


def numbers(batch):
    return batch[0][:, 0, 0, 0].int().tolist()


def lags(shards):
    return np.concatenate([h5py.File(path)["lag"][:] for path in shards])


@pytest.mark.parametrize("memory", [0, 2**30])
def test_a_batch_holds_the_samples_asked_for_in_their_order(shards, memory):
    wanted = np.array([77, 3, 102, 41, 40, 39])
    first, second, label = pairs(shards, memory=memory)[wanted]
    assert first[:, 0, 0, 0].tolist() == wanted.tolist()
    assert torch.equal(second, -first)
    assert label.tolist() == (lags(shards)[wanted] - 1).tolist()
    assert first.dtype == torch.float16
    assert label.dtype == torch.int64
    assert torch.equal(PatchBatches(SampleFiles(shards, 8, VARIABLES), 8, memory=memory)[wanted], first)


def test_an_epoch_visits_each_pair_of_few_enough_lags_at_most_once(shards):
    data = pairs(shards, classes=4)
    eligible = set(np.flatnonzero(lags(shards) <= 4))
    visited = [number for batch in loader(data, epoch=1, seed=7) for number in numbers(batch)]
    assert len(visited) == len(set(visited)) == len(data) * 8 == len(eligible) // 8 * 8
    assert set(visited) <= eligible


def test_an_epoch_runs_through_one_shard_after_the_other(shards):
    order = pairs(shards, batch_size=1).order(epoch=0, seed=7).ravel()
    owners = np.searchsorted(np.cumsum(COUNTS), order, side="right")
    assert np.count_nonzero(np.diff(owners)) == len(COUNTS) - 1
    assert (np.diff(order) != 1).mean() > 0.9


def test_shards_come_in_another_order_in_another_epoch(shards):
    data = pairs(shards, batch_size=1)
    epochs = (data.order(epoch, seed=7).ravel() for epoch in range(20))
    starts = {int(np.searchsorted(np.cumsum(COUNTS), order[0], side="right")) for order in epochs}
    assert starts == {0, 1, 2}


def test_epochs_and_seeds_differ_and_repeat(shards):
    data = pairs(shards)
    order = data.order(3, seed=7)
    assert np.array_equal(order, pairs(shards).order(3, seed=7))
    assert not np.array_equal(order, data.order(4, seed=7))
    assert not np.array_equal(order, data.order(3, seed=8))


def test_a_subset_is_the_same_in_every_epoch(shards):
    data = pairs(shards, batches=5)
    first, second = data.order(0, seed=7), data.order(1, seed=7)
    assert len(data) == 5
    assert set(first.ravel()) == set(second.ravel()) == set(range(40))
    assert not np.array_equal(first, second)


def test_processes_that_read_do_not_run_the_script_again(shards, tmp_path):
    """Snakemake's scripts have no main guard, and Python 3.14 forks no longer unless it is told to."""
    script = tmp_path / "script.py"
    script.write_text(
        f"import multiprocessing, sys\nsys.path[:] = {sys.path!r}\n"
        "from atmodist.samples.batches import PatchBatches, SampleFiles, loader\n"
        "print('runs')\nmultiprocessing.set_start_method('forkserver')\n"
        f"samples = SampleFiles({list(map(str, shards))!r}, 8, {VARIABLES!r})\n"
        "print(sum(map(len, loader(PatchBatches(samples, 8, memory=0), workers=2))))\n"
    )
    run = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=60, check=False)
    assert run.stdout.split() == ["runs", str(sum(COUNTS))], run.stderr


@pytest.mark.parametrize("workers", [0, 2])
def test_starting_in_the_middle_gives_the_rest_of_the_epoch(shards, workers):
    data = pairs(shards, memory=0)
    whole = list(loader(data, epoch=2, seed=7))
    rest = list(loader(data, epoch=2, seed=7, start=5, workers=workers))
    assert len(rest) == len(whole) - 5 > 0
    for batch, again in zip(whole[5:], rest, strict=True):
        assert all(map(torch.equal, batch, again))


def test_ranks_share_every_batch(shards):
    data = pairs(shards)
    whole = loader(data, epoch=2, seed=7)
    shares = [loader(data, epoch=2, seed=7, rank=rank, world_size=2) for rank in range(2)]
    for batch, left, right in zip(whole, *shares, strict=True):
        assert len(left[0]) == len(right[0]) == 4
        assert set(numbers(left) + numbers(right)) == set(numbers(batch))
    with pytest.raises(InputError, match="batch_size is 8; expected a multiple of 3"):
        loader(data, epoch=0, world_size=3)


def test_an_evaluation_sees_every_sample_once(shards):
    batches = [numbers(batch) for batch in loader(pairs(shards))]
    assert [number for batch in batches for number in batch] == list(range(sum(COUNTS)))
    assert [len(batch) for batch in batches] == 12 * [8] + [7]


def test_too_few_samples_are_refused(shards):
    with pytest.raises(
        InputError, match=r"00000\.h5 and its 2 neighbours hold 103 samples; .* 13 batches of 8"
    ):
        pairs(shards, batches=13)


def test_shards_of_something_else_are_refused(shards, tmp_path):
    with pytest.raises(InputError, match=r"00000\.h5 holds patches of 8 × 8 .* expected 16 × 16"):
        PairBatches(SampleFiles(shards, 16, VARIABLES), 8)
    with pytest.raises(InputError, match=r"of divergence, vorticity; .* of vorticity, divergence"):
        PairBatches(SampleFiles(shards, 8, VARIABLES[::-1]), 8)
    with h5py.File(tmp_path / "patches.h5", "w") as file:
        file.attrs["variables"] = VARIABLES
        seal(file, CHUNKED)
    with pytest.raises(InputError, match=r"patches\.h5 cannot be read"):
        PairBatches(SampleFiles([tmp_path / "patches.h5"], 8, VARIABLES), 8)


@pytest.mark.parametrize("memory", [0, 2**30])
def test_a_damaged_shard_is_named(shards, tmp_path, memory):
    content = bytearray(shards[1].read_bytes())
    with h5py.File(shards[1]) as file:
        offset = file["first"].id.get_chunk_info(3).byte_offset
    content[offset + 10] ^= 1
    damaged = tmp_path / "damaged.h5"
    damaged.write_bytes(content)
    with pytest.raises(InputError, match=r"damaged\.h5 cannot be read"):
        pairs([damaged], memory=memory)[np.arange(40)]
    damaged.write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match=r"damaged\.h5 cannot be read"):
        pairs([damaged], memory=memory)


def test_a_spread_takes_equal_parts_of_all_shards(shards):
    data = pairs(shards, classes=None)
    part = data.spread(4)
    found = [number for batch in loader(part) for number in numbers(batch)]
    assert len(found) == 4 * 8
    assert found == sorted(set(found))
    of_shards = np.histogram(found, np.cumsum([0, *COUNTS]))[0]
    np.testing.assert_allclose(of_shards, 32 * np.array(COUNTS) / sum(COUNTS), atol=1)
    assert len(data.numbers) == sum(COUNTS), "the whole stays whole"
    for batches in (None, 1000):
        assert data.spread(batches).numbers.tolist() == list(range(sum(COUNTS)))
