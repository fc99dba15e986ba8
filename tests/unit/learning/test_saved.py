"""Networks as files: what is saved comes back, and loading it needs little."""

import os
import subprocess
import sys

import pytest
import torch
from torch import nn
from trainings import ATMODIST, VARIABLES

from atmodist.core.errors import InputError
from atmodist.learning.autoencoder import Autoencoder
from atmodist.learning.saved import (
    build,
    encoder_of,
    file_of_epoch,
    files_of_epochs,
    load_encoder,
    load_network,
    save,
    save_network,
)

HEAVY = ("lightning_fabric", "h5py", "h5netcdf", "xarray", "pandas", "tensorboard", "torchmetrics", "dask")


def test_saved_network_gives_the_same_logits(tmp_path):
    about = {"settings": ATMODIST, "patch": 32, "variables": VARIABLES}
    network = build(**about)
    network.train()(*torch.randn(2, 4, 2, 32, 32))  # the moving statistics are part of a network
    save_network(tmp_path / "best.pt", network, epoch=12, **about)
    again, found = load_network(tmp_path / "best.pt")
    assert found == {"epoch": 12, **about}
    x, y = torch.randn(2, 4, 2, 32, 32)
    assert torch.equal(again(x, y), network.eval()(x, y))


def test_an_encoder_of_any_origin_can_be_loaded(tmp_path):
    about = {"settings": ATMODIST, "patch": 32, "variables": VARIABLES}
    networks = {
        "atmodist": build(**about),
        "autoencoder": Autoencoder(encoder_of(ATMODIST, VARIABLES), 2, ATMODIST["blocks"], 32),
        "untrained": nn.ModuleDict({"encoder": encoder_of(ATMODIST, VARIABLES)}),
    }
    x = torch.randn(4, 2, 32, 32)
    for name, network in networks.items():
        network.encoder(x) if name != "untrained" else network["encoder"](x)
        save_network(tmp_path / f"{name}.pt", network, **about)
        again, found = load_encoder(tmp_path / f"{name}.pt")
        assert found == about
        encoder = network.eval().get_submodule("encoder")
        assert torch.equal(again(x), encoder(x)), name


def test_a_file_without_an_encoder_is_refused(tmp_path):
    about = {"settings": ATMODIST, "patch": 32, "variables": VARIABLES}
    save_network(tmp_path / "best.pt", build(**about).tail, **about)
    with pytest.raises(InputError, match="holds no encoder"):
        load_encoder(tmp_path / "best.pt")


def test_a_file_that_is_no_network_is_refused(tmp_path):
    save(tmp_path / "best.pt", {"settings": {}})
    with pytest.raises(InputError, match="holds no AtmoDist network"):
        load_network(tmp_path / "best.pt")


def test_epochs_are_in_their_order_beyond_a_thousand(tmp_path):
    files = [file_of_epoch(tmp_path, epoch) for epoch in (1, 99, 998, 999, 1000, 1001, 10_000)]
    for path in files:
        path.touch()
    assert files_of_epochs(tmp_path) == files


def test_networks_and_losses_import_neither_lightning_nor_hdf5():
    code = "import sys, atmodist.learning.saved, atmodist.learning.losses; print(*sys.modules)"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True)
    assert not set(HEAVY) & set(run.stdout.decode().split())
