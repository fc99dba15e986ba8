"""Files of a training run: whose they are, and what is left of them."""

import errno
import os
import sys
from contextlib import suppress
from pathlib import Path
from unittest import mock

import pandas as pd
import pytest
import torch
from snakemake_runs import ROOT
from trainings import die_after

from atmodist.core.errors import InputError
from atmodist.learning import checkpoint, saved
from atmodist.learning.checkpoint import KEPT, Checkpoint, identity

sys.path.insert(0, str(ROOT / "workflow"))

import affected_rules

SCRIPTS = affected_rules.SCRIPTS


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
        lambda: first.publish("code", weights=tmp_path / "weights"),
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
    files.publish("code", last=tmp_path / "last.pt")
    assert torch.load(tmp_path / "last.pt")["network"]["w"] == 2
    assert pd.read_csv(tmp_path / "training.csv")["epoch"].tolist() == [1, 2]
    assert files.has_finished()
    assert files.is_of_code("code")
    assert not files.is_of_code("other")


def test_a_discarded_state_takes_its_weights_along(tmp_path):
    files = Checkpoint(tmp_path / "training.csv")
    files.claim()
    files.keep(1, {}, [])
    files.write({})
    files.discard()
    assert files.read() is None
    assert not (files.folder / "weights").exists()


def test_what_is_set_aside_stays_until_the_next_run_has_ended(tmp_path):
    files = Checkpoint(tmp_path / "training.csv")
    files.claim()
    files.keep(1, {"network": {}}, [{"epoch": 1}])
    files.write({"identity": "a"})
    files.publish("code")
    folder = files.set_aside()
    assert sorted(path.name for path in folder.iterdir()) == sorted(KEPT)
    assert files.change_to("a") == (None, None)
    assert not files.has_finished()
    files.keep(1, {"network": {}}, [{"epoch": 1}])
    files.write({"identity": "a"})
    assert folder.exists()
    files.publish("code")
    assert not folder.exists()


@pytest.mark.parametrize("deletions", [0, 1, 2])
def test_a_kill_leaves_no_rejected_state_that_seems_to_be_stopped(tmp_path, monkeypatch, deletions):
    files = Checkpoint(tmp_path / "training.csv")
    files.claim()
    files.keep(1, {"network": {}}, [{"epoch": 1}])
    files.write({"identity": "a"})
    files.publish("code")
    unlink, left = Path.unlink, [deletions]

    def unlink_or_die(path, **options):
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        unlink(path, **options)

    monkeypatch.setattr(Path, "unlink", unlink_or_die)
    with suppress(KeyboardInterrupt):
        files.discard()
    assert files.read() is None or files.has_finished()


def test_weights_that_cannot_be_read_are_not_damaged(tmp_path, monkeypatch):
    files = Checkpoint(tmp_path / "training.csv")
    files.claim()
    for epoch in (1, 2):
        files.keep(epoch, {"network": {}}, [{"epoch": 1}])
    assert files.has_weights_of(2)
    assert not files.has_weights_of(3)

    def fail(*_, **__):
        raise OSError(errno.ESTALE, "Stale file handle")

    with monkeypatch.context() as patch:
        patch.setattr(torch, "load", fail)
        with pytest.raises(InputError, match=r"epoch-001\.pt cannot be read here"):
            files.has_weights_of(2)
    saved.file_of_epoch(files.folder / "weights", 2).write_bytes(b"cut")
    assert not files.has_weights_of(2)


def test_what_trains_is_what_is_behind_the_scripts_that_train():
    """By the imports themselves."""
    hashed = set()
    with mock.patch.object(checkpoint, "sha256", lambda path: hashed.add(path)):
        checkpoint.code()
    scripts = {path for path in hashed if path.parent == SCRIPTS}
    assert scripts == {path for path in SCRIPTS.glob("*.py") if "train_" in path.stem}
    assert set().union(*map(affected_rules.behind, scripts)) - {SCRIPTS / "atmodist/__init__.py"} <= hashed
    assert not any("figures" in path.parts or "evaluation" in path.parts for path in hashed)


@pytest.mark.parametrize("then", ["old", "new", "third"])
@pytest.mark.parametrize("moves", range(8))
def test_a_kill_while_settings_change_loses_nothing(tmp_path, monkeypatch, moves, then):
    """From old settings to new ones and back; a kill strikes after some moves, and others may follow."""
    files = Checkpoint(tmp_path / "training.csv")
    files.claim()
    for name in ("old", "new"):
        files.change_to(name)
        for epoch in range(1, 3 if name == "old" else 4):
            files.keep(epoch, {"network": {"w": torch.tensor(len(name))}}, [{"epoch": epoch}])
        files.write({"identity": name, "step": len(name)})
    die_after(monkeypatch, moves)
    with suppress(KeyboardInterrupt):
        files.change_to("old")
    monkeypatch.undo()
    for name in (then, "old", "new", "old"):
        files.change_to(name)
        if name == "third":
            assert files.read() is None
            assert not (files.folder / "weights").exists()
            continue
        assert files.read() == {"identity": name, "step": 3}
        assert files.has_weights_of(2 if name == "old" else 3)
        assert len(pd.read_csv(files.folder / "training.csv")) == 1


def test_damaged_and_missing_weights_are_seen(tmp_path):
    files = Checkpoint(tmp_path / "training.csv")
    files.claim()
    for epoch in (1, 2):
        files.keep(epoch, {"network": {"w": torch.arange(100.0)}}, [])
    assert files.has_weights_of(2)
    assert not files.has_weights_of(3)
    path = files.folder / "weights/epoch-001.pt"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert not files.has_weights_of(2)


def test_a_script_that_trains_is_part_of_the_code(tmp_path, monkeypatch):
    library = tmp_path / "atmodist/learning"
    library.mkdir(parents=True)
    monkeypatch.setattr(checkpoint, "__file__", str(library / "checkpoint.py"))
    seen = set()
    for path in ("train_srgan.py", "atmodist/learning/losses.py"):
        for text in ("a", "b"):
            (tmp_path / path).write_text(text)
            seen.add(checkpoint.code())
    assert len(seen) == 4
