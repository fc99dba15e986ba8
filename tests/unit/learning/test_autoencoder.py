"""The autoencoder against its description, parameter by parameter, and the square of the inpainting."""

import numpy as np
import pytest
import torch
from models import with_moving_statistics
from scipy import stats
from torch import nn

from atmodist.learning.autoencoder import Autoencoder, Decoder, SpatialMixing, glorot_normal, up_blocks
from atmodist.learning.networks import Encoder

ENCODER = 2_277_712  # measured on the original, with BatchNorm's moving statistics


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return Autoencoder(Encoder(), 2, blocks=6, patch=160)


def test_parameters_are_those_of_the_description(network):
    def norm(channels):
        return 4 * channels  # scale, shift, moving mean and variance

    def block(inputs, outputs):
        shortcut = inputs * outputs if inputs != outputs else 0
        return 9 * inputs * outputs + norm(outputs) + 9 * outputs * outputs + norm(outputs) + shortcut

    spatial = 25 * 25 + 25 + norm(128)
    channel = 128 * 128 + 128 + norm(128)
    up = block(128, 64) + 6 * block(64, 64)
    up += block(64, 32) + 5 * block(32, 32)
    up += block(32, 16) + 5 * block(16, 16) + block(16, 16)
    tail = 8 * 8 * 16 * 2 + 2
    decoder = spatial + channel + up + tail
    assert decoder == 744_332
    assert with_moving_statistics(network.decoder) == decoder
    assert with_moving_statistics(network) == ENCODER + decoder


def test_the_map_is_doubled_where_the_description_says(network):
    sizes = []
    hooks = [
        layer.register_forward_hook(lambda _, __, out: sizes.append((out.shape[1], out.shape[-1])))
        for layer in network.decoder.up
    ]
    found = network(torch.zeros(1, 2, 160, 160))
    for hook in hooks:
        hook.remove()
    assert found.shape == (1, 2, 160, 160)
    expected = [(128, 10), (64, 10)]  # what each layer returns, the doubling a layer of its own
    for channels, size in ((64, 10), (32, 20), (16, 40)):
        expected += [(channels, size)] * 5 + [(channels, 2 * size)] * 2
    assert sizes == [*expected, (16, 160), (16, 160)]


@pytest.mark.parametrize("patch", [32, 96])
def test_other_patches_have_a_decoder_of_their_own(patch):
    network = Autoencoder(Encoder(1, (4, 4, 8, 8), 1), 1, blocks=1, patch=patch)
    assert network(torch.randn(3, 1, patch, patch)).shape == (3, 1, patch, patch)


def test_spatial_mixing_is_the_same_for_every_channel():
    torch.manual_seed(0)
    mixing, x = SpatialMixing(3), torch.randn(2, 4, 3, 3)
    matrix, bias = mixing.dense.weight.detach().numpy(), mixing.dense.bias.detach().numpy()
    expected = np.einsum("ij,bcj->bci", matrix, x.reshape(2, 4, 9)) + bias
    np.testing.assert_allclose(mixing(x).detach().reshape(2, 4, 9), expected, atol=1e-6)


def test_doubling_is_keras_bilinear_one():
    """Half-pixel centres: outputs lie a quarter between two inputs; the ends repeat."""
    double = up_blocks(1, 1, 1)[0]
    assert double(torch.tensor([[[[0.0, 4], [0, 4]]]]))[0, 0, 0].tolist() == [0, 1, 3, 4]


def test_the_encoding_alone_decides_what_is_decoded(network):
    """No connection skips it."""
    network.eval()
    x = torch.randn(1, 2, 160, 160)
    found = network(x)
    torch.testing.assert_close(found, network.decoder(network.encoder(x)))
    assert isinstance(network.decoder, Decoder)


def test_kernels_start_as_in_keras(network):
    tail = network.decoder.tail
    deviation = np.sqrt(2 / (64 * 16 + 64 * 2))
    assert tail.weight.std().item() == pytest.approx(deviation, rel=0.05)
    assert tail.weight.abs().max().item() <= 2 * deviation / stats.truncnorm.std(-2, 2)
    weight = torch.empty(64, 32, 3, 3)
    glorot_normal(weight)
    assert weight.std().item() == pytest.approx(np.sqrt(2 / (9 * 96)), rel=0.01)
    mixing = network.decoder.spatial[0].dense
    assert mixing.weight.std().item() == pytest.approx(np.sqrt(2 / 25), rel=0.1)
    assert all(not layer.bias.any() for layer in network.modules() if isinstance(layer, nn.Linear))
