"""The content loss of a config, against the loss that its words describe."""

import pytest
import torch
import trainings

from atmodist.core.errors import InputError
from atmodist.core.files import write_json
from atmodist.learning import saved
from atmodist.learning.content import content_loss
from atmodist.learning.spectral_losses import SpectralLoss

SETTINGS = {"classes": 3, "stages": [4, 8, 8, 8], "blocks": 1}
FIELDS = torch.randn(2, 3, 2, 32, 32, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def files(tmp_path):
    """An encoder and its scale, on disk, and the network."""
    torch.manual_seed(0)
    network = saved.build(SETTINGS, 32, trainings.VARIABLES).eval()
    about = {"settings": SETTINGS, "patch": 32, "variables": trainings.VARIABLES}
    saved.save_network(tmp_path / "best.pt", network, **about)
    write_json(tmp_path / "scale.json", {"scale": 7.0, "layer": "stage2", "pairs": 1})
    return tmp_path / "best.pt", tmp_path / "scale.json", network.encoder


def test_a_layer_of_an_encoder_has_its_scale(files):
    """The scale times the mean squared difference of the layer's activations."""
    encoder, scale, network = files
    loss = content_loss({"encoder": "lags", "layer": "stage2"}, 32, trainings.VARIABLES, encoder, scale)
    with torch.no_grad():
        first, second = (network.features(fields, "stage2") for fields in FIELDS)
        expected = 7 * (first - second).square().mean(dim=(1, 2, 3))
        torch.testing.assert_close(loss(*FIELDS), expected)


def test_the_scale_of_another_layer_is_refused(files):
    encoder, scale, _ = files
    with pytest.raises(InputError, match=r"scale\.json is the scale of stage2; expected that of stage3"):
        content_loss({"encoder": "lags", "layer": "stage3"}, 32, trainings.VARIABLES, encoder, scale)


def test_losses_without_an_encoder():
    """None stands for the mean squared error."""
    assert content_loss("mse", 32, trainings.VARIABLES) is None
    loss = content_loss("amse", 32, trainings.VARIABLES)
    torch.testing.assert_close(loss(*FIELDS), SpectralLoss(32)(*FIELDS))


def test_an_encoder_of_other_variables_is_refused(files):
    """The file and both lists are named."""
    encoder, scale, _ = files
    with pytest.raises(
        InputError, match=r"best\.pt is a network of divergence, vorticity; expected one of u, v"
    ):
        content_loss({"encoder": "lags", "layer": "stage2"}, 32, ["u", "v"], encoder, scale)
