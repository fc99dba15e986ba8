"""Losses against automatic differentiation, torch's own cross-entropy and closed forms."""

import pytest
import torch
import torch.nn.functional as F

from atmodist.learning.losses import (
    ContentLoss,
    add_weight_penalty,
    discriminator_loss,
    generator_loss,
    kernels,
)
from atmodist.learning.networks import Encoder, SiameseNetwork


def test_penalty_holds_kernels_only():
    network = SiameseNetwork(Encoder(stages=(2, 3), blocks=1), patch=32, classes=5)
    weights = kernels(network)
    assert {w.dim() for w in weights} == {2, 4}
    assert len(weights) == 1 + 2 * 2 + 1 + 2 + 1  # stem, two blocks, one shortcut, the tail, the dense layer
    for w in weights:
        w.grad = torch.ones_like(w)
    add_weight_penalty(weights, 1e-4)
    for w in weights:
        torch.testing.assert_close(w.grad, 1 + 2e-4 * w.detach())
    assert all(p.grad is None for p in network.parameters() if not any(p is w for w in weights))


def test_penalty_value():
    weights = [torch.nn.Parameter(torch.tensor([3.0, 4.0])), torch.nn.Parameter(torch.tensor([[1.0]]))]
    sum((w**2).sum() for w in weights).mul(0.5).backward()
    expected = [2 * w.grad for w in weights]
    assert add_weight_penalty(weights, 0.5).item() == pytest.approx(13)
    for w, twice in zip(weights, expected, strict=True):
        torch.testing.assert_close(w.grad, twice)


def test_content_loss_is_frozen_and_in_evaluation_mode():
    torch.manual_seed(0)
    encoder = Encoder(stages=(2, 4), blocks=1)
    loss = ContentLoss(encoder, "stage2").train()
    x, y = torch.randn(2, 3, 2, 32, 32).requires_grad_()
    before = {name: b.clone() for name, b in encoder.named_buffers()}
    value = loss(x, y)
    value.sum().backward()
    assert value.shape == (3,)
    expected = (encoder.features(x, "stage2") - encoder.features(y, "stage2")) ** 2
    torch.testing.assert_close(value, expected.mean((1, 2, 3)))
    assert all(p.grad is None for p in encoder.parameters())
    assert all(torch.equal(b, before[name]) for name, b in encoder.named_buffers())
    assert loss(x, x).abs().max() == 0


def test_content_loss_sends_a_gradient_to_the_estimate():
    loss = ContentLoss(Encoder(stages=(2, 4), blocks=1), "stage1")
    truth, estimate = torch.randn(1, 2, 32, 32), torch.randn(1, 2, 32, 32, requires_grad=True)
    loss(truth, estimate).sum().backward()
    assert estimate.grad.abs().sum() > 0


def test_adversarial_losses_are_sigmoid_cross_entropies():
    real, fake = torch.randn(2, 5, 1) * 20
    logits, labels = torch.cat((real, fake)), torch.cat((torch.ones(5, 1), torch.zeros(5, 1)))
    torch.testing.assert_close(
        discriminator_loss(real, fake), F.binary_cross_entropy_with_logits(logits, labels)
    )
    torch.testing.assert_close(
        generator_loss(fake), F.binary_cross_entropy_with_logits(fake, torch.ones(5, 1))
    )
