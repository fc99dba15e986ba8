"""Whole files of another config or an older version: refused by what they say of themselves."""

import re
from pathlib import Path

import pytest
import torch
from fields import VARIABLES, hours, write_period
from trainings import ATMODIST, GENERATOR, write_pairs, write_patches

from atmodist.core.errors import InputError
from atmodist.data import store
from atmodist.evaluation.streaming import load_generator
from atmodist.learning import saved
from atmodist.learning.networks import Generator
from atmodist.samples import shards

SCRIPTS = Path(__file__).parents[2] / "workflow/scripts"
OTHER_SIZES = {"stages": [4, 4, 4, 8], "blocks": 2, "classes": 4}


def best(path, **changes):
    """A network's file, of the config or with changes of it."""
    about = {"settings": ATMODIST, "patch": 32, "variables": list(VARIABLES), **changes}
    network = saved.build(**about)
    saved.save_network(path, network, **about)
    return network


@pytest.mark.parametrize("load", [saved.load_network, saved.load_encoder])
@pytest.mark.parametrize("variables", [VARIABLES[::-1], ["temperature", "vorticity"]])
def test_a_network_of_other_variables(tmp_path, load, variables):
    best(tmp_path / "best.pt", variables=list(variables))
    load(tmp_path / "best.pt", variables)
    with pytest.raises(
        InputError, match=rf"best\.pt is a network of {', '.join(variables)}; expected one of"
    ):
        load(tmp_path / "best.pt", VARIABLES)


@pytest.mark.parametrize("key", OTHER_SIZES)
def test_an_epoch_of_another_network(tmp_path, key):
    network = best(tmp_path / "best.pt")
    saved.save(tmp_path / "epoch-001.pt", {"network": network.state_dict()})
    saved.restore(network, tmp_path / "epoch-001.pt")
    other = best(tmp_path / "other.pt", settings=ATMODIST | {key: OTHER_SIZES[key]})
    with pytest.raises(InputError, match=r"epoch-001\.pt holds weights of another network") as error:
        saved.restore(other, tmp_path / "epoch-001.pt")
    assert len(str(error.value).splitlines()) == 1


def test_weights_of_another_kind_of_network(tmp_path):
    generator = Generator(2, **GENERATOR)
    saved.save(tmp_path / "epoch-001.pt", {"generator": generator.state_dict()})
    load_generator(tmp_path, 1, GENERATOR, 2)
    for settings, variables in ((GENERATOR | {"channels": 2 * GENERATOR["channels"]}, 2), (GENERATOR, 3)):
        with pytest.raises(InputError, match=r"epoch-001\.pt holds weights of another network"):
            load_generator(tmp_path, 1, settings, variables)
    with pytest.raises(InputError, match=r"epoch-001\.pt holds weights of another network.*'network'"):
        saved.restore(generator, tmp_path / "epoch-001.pt")
    with pytest.raises(InputError, match=r"epoch-001\.pt holds no encoder"):
        saved.load_encoder(tmp_path / "epoch-001.pt", VARIABLES)


@pytest.mark.parametrize(("write", "names"), [(write_pairs, shards.PAIRS), (write_patches, shards.PATCHES)])
def test_shards_of_another_patch_or_other_variables(tmp_path, write, names):
    write(tmp_path / "00000.h5", 12)
    shards.Shard(tmp_path / "00000.h5", names, 32, VARIABLES)
    for patch, variables in ((64, VARIABLES), (32, VARIABLES[::-1]), (32, VARIABLES[:1])):
        with pytest.raises(InputError, match=rf"00000\.h5 holds patches of .*; expected {patch} × {patch}"):
            shards.Shard(tmp_path / "00000.h5", names, patch, variables)


def test_periods_of_another_grid(tmp_path):
    write_period(tmp_path / "0.h5", hours("2001-01-01", 4))
    write_period(tmp_path / "1.h5", hours("2001-01-01", 8)[4:], rows=32)
    with pytest.raises(InputError, match="differ in latitude; a split needs one grid"):
        store.write_virtual(tmp_path / "train.h5", [tmp_path / "0.h5", tmp_path / "1.h5"])


def test_a_file_that_pytorch_wrote_alone(tmp_path):
    torch.save({"network": best(tmp_path / "best.pt").state_dict()}, tmp_path / "old.pt")
    with pytest.raises(InputError, match=r"old\.pt is damaged or no weights of this workflow"):
        saved.load_network(tmp_path / "old.pt", VARIABLES)


def test_no_script_takes_a_network_without_saying_of_what():
    calls = [
        (path.name, call)
        for path in [*SCRIPTS.glob("*.py"), SCRIPTS / "atmodist/learning/content.py"]
        for call in re.findall(r"load_(?:network|encoder)\(([^()]*)\)", path.read_text(encoding="utf-8"))
    ]
    assert len(calls) >= 9
    assert [name for name, call in calls if ", " not in call] == []
    assert [
        path.name for path in SCRIPTS.glob("*.py") if ".load_state_dict(" in path.read_text("utf-8")
    ] == []
