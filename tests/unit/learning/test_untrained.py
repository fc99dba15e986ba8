"""Encoders with random weights: seeded, of the right spread, with the statistics of the data."""

import pytest
import torch
from trainings import CPU, VARIABLES

from atmodist.learning.devices import one_device
from atmodist.learning.untrained import measure_statistics, random_encoder

SETTINGS = {"stages": [4, 8, 8, 8], "blocks": 2, "seed_index": 0}


def batches(count=6, size=16):
    torch.manual_seed(5)
    return [(*(3 + 2 * torch.randn(2, size, 2, 32, 32)), torch.zeros(size)) for _ in range(count)]


def test_weights_follow_from_seed_and_index():
    weights = [
        random_encoder(settings, VARIABLES, seed).stem[0].weight
        for settings, seed in (
            (SETTINGS, 1),
            (SETTINGS, 1),
            (SETTINGS | {"seed_index": 1}, 1),
            (SETTINGS, 2),
        )
    ]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])
    assert not torch.equal(weights[0], weights[3])


def test_the_weights_are_those_that_a_training_starts_from():
    encoder = random_encoder(SETTINGS | {"stages": [64, 64, 64, 64]}, VARIABLES, 1)
    kernel = encoder.stages[2][1].convolution1.weight
    assert kernel.std().item() == pytest.approx((2 / (9 * 64)) ** 0.5, rel=0.02), "He et al. (2015)"


def test_every_normalisation_has_the_statistics_of_its_input():
    """In evaluation mode as in training mode, each layer's output has zero mean and unit variance."""
    encoder = random_encoder(SETTINGS, VARIABLES, 1)
    data = batches()
    measure_statistics(one_device(CPU), encoder, data)
    assert not encoder.training
    outputs = {}
    for name, layer in encoder.named_modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.register_forward_hook(lambda _, __, found, name=name: outputs.setdefault(name, found))
    everything = torch.cat([torch.cat(pair[:2]) for pair in data])
    with torch.no_grad():
        encoder(everything)
    assert len(outputs) == 1 + 4 * 2 * 2
    for name, found in outputs.items():
        assert abs(found.mean((0, 2, 3))).max() < 0.1, name
        assert found.var((0, 2, 3)).mean().item() == pytest.approx(1, abs=0.1), name


def test_the_first_statistics_are_exact_means_over_the_batches():
    encoder = random_encoder(SETTINGS, VARIABLES, 1)
    data = batches(3)
    measure_statistics(one_device(CPU), encoder, data)
    with torch.no_grad():
        inputs = [encoder.stem[0](torch.cat(pair[:2])) for pair in data]
    mean = torch.stack([each.mean((0, 2, 3)) for each in inputs]).mean(0)
    torch.testing.assert_close(encoder.stem[1].running_mean, mean, rtol=1e-4, atol=1e-5)
