"""Networks for several files of tests. PyTorch takes a second to import: only where one is asked for."""

import pytest


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model folder of a small AtmoDist network."""
    import models

    folder = tmp_path_factory.mktemp("models") / "model"
    models.write(folder)
    return folder


@pytest.fixture(scope="module")
def encoder():
    """A small encoder with random weights."""
    import torch

    from atmodist.learning.networks import Encoder

    torch.manual_seed(0)
    return Encoder(2, (4, 4, 8, 8), blocks=1).eval()
