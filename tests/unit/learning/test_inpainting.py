"""The square that is erased, and the loss in it."""

import pytest
import torch

from atmodist.learning.inpainting import InpaintingLoss, erased, inside
from atmodist.learning.losses import ContentLoss
from atmodist.learning.networks import Encoder
from atmodist.samples.square import square_of


def test_the_square_is_that_of_the_original():
    assert square_of(160) == slice(59, 99)
    assert square_of(32) == slice(11, 19)


def test_only_the_square_is_erased():
    x = torch.randn(3, 2, 32, 32)
    found = erased(x)
    assert not inside(found).any()
    assert (found == x).sum() == 3 * 2 * (32**2 - 8**2)
    assert inside(x).any(), "the patches themselves stay as they are"


def test_the_loss_is_of_the_square_alone():
    truth = torch.randn(4, 2, 32, 32)
    found = torch.randn(4, 2, 32, 32)
    found[..., 11:19, 11:19] = truth[..., 11:19, 11:19] + 3
    losses = InpaintingLoss()(truth, found)
    assert losses.keys() == {"loss", "squared_error"}
    assert losses["loss"].item() == pytest.approx(9, rel=1e-5)


def test_content_and_error_weigh_nine_to_one():
    torch.manual_seed(0)
    truth, found = torch.randn(2, 4, 2, 32, 32)
    encoder = Encoder(2, (4, 4, 8, 8), 1)
    losses = InpaintingLoss(ContentLoss(encoder, "stage3", scale=7.0))(truth, found)
    a, b = (encoder.features(x[..., 11:19, 11:19], "stage3") for x in (truth, found))
    content = 7 * (a - b).square().mean()
    error = (truth - found)[..., 11:19, 11:19].square().mean()
    torch.testing.assert_close(losses["content"], content)
    torch.testing.assert_close(losses["loss"], 0.9 * content + 0.1 * error)
