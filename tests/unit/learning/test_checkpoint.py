"""Files of a training run: whose they are, and what is left of them."""

import os

import pandas as pd
import pytest
import torch

from atmodist.core.errors import InputError
from atmodist.learning.checkpoint import Checkpoint, identity


def test_identity_follows_settings_and_files(tmp_path):
    path = tmp_path / "shard.h5"
    path.write_text("a")
    first = identity([str(path)], {"rate": 0.1, "patch": 32})
    assert identity([str(path)], {"patch": 32, "rate": 0.1}) == first
    assert identity([str(path)], {"patch": 32, "rate": 0.2}) != first
    os.utime(path, (0, 0))
    assert identity([str(path)], {"patch": 32, "rate": 0.1}) != first


def test_files_belong_to_the_last_owner(tmp_path):
    first, second = Checkpoint(tmp_path / "training.csv"), Checkpoint(tmp_path / "training.csv")
    first.claim()
    first.write({"step": torch.tensor(1)})
    second.claim()
    assert second.read() == {"step": torch.tensor(1)}
    for touch in (
        lambda: first.write({"step": torch.tensor(2)}),
        lambda: first.keep(1, {}, []),
        lambda: first.publish(weights=tmp_path / "weights"),
    ):
        with pytest.raises(InputError, match="belongs to a training run that was started later"):
            touch()
    assert second.read() == {"step": torch.tensor(1)}


def test_what_is_published(tmp_path):
    files = Checkpoint(tmp_path / "training.csv")
    files.claim()
    for epoch in (1, 2):
        files.write({})
        files.keep(epoch, {"network": {"w": torch.tensor(epoch)}}, [{"epoch": n + 1} for n in range(epoch)])
    files.publish(last=tmp_path / "last.pt")
    assert torch.load(tmp_path / "last.pt")["network"]["w"] == 2
    assert pd.read_csv(tmp_path / "training.csv")["epoch"].tolist() == [1, 2]
    assert files.has_finished()
    assert files.is_of_this_code()


def test_a_discarded_state_takes_its_weights_along(tmp_path):
    files = Checkpoint(tmp_path / "training.csv")
    files.claim()
    files.keep(1, {}, [])
    files.write({})
    files.discard()
    assert files.read() is None
    assert not (files.folder / "weights").exists()


@pytest.mark.parametrize("moves", [0, 1, 2])
def test_a_kill_while_a_state_is_set_aside_or_taken_back_loses_nothing(tmp_path, monkeypatch, moves):
    files = Checkpoint(tmp_path / "training.csv")
    files.claim()
    files.keep(1, {"network": {"w": torch.tensor(3)}}, [{"epoch": 1}])
    files.write({"step": 5})
    move, done = os.replace, []

    def killed(source, target):
        if len(done) == moves:
            raise KeyboardInterrupt
        done.append(move(source, target))

    for step, gone in ((files.set_aside, True), (files.take_back, False)):
        done.clear()
        monkeypatch.setattr(os, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            step("a" * 64)
        monkeypatch.setattr(os, "replace", move)
        step("a" * 64)
        assert (files.read() is None) == gone
    assert files.read() == {"step": 5}
    assert torch.load(files.folder / "weights/epoch-001.pt")["network"]["w"] == 3
    assert pd.read_csv(files.folder / "training.csv")["epoch"].tolist() == [1]
