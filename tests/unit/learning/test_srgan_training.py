"""The duel of generator and discriminator, step by step."""

from dataclasses import replace
from itertools import pairwise

import h5py
import pandas as pd
import pytest
import torch
import torch.nn.functional as F
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments import LightningEnvironment
from trainings import CPU, GENERATOR, SRGAN, training_job, write_patches

from atmodist.core.seeds import torch_seed
from atmodist.learning import launching, saved
from atmodist.learning.launching import fabric_of, launch
from atmodist.learning.losses import ContentLoss
from atmodist.learning.networks import Discriminator, Encoder, Generator
from atmodist.learning.resolution import coarsen
from atmodist.learning.settings import GeneratorSettings, GeneratorTraining, SRGANSettings
from atmodist.learning.spectral_losses import SpectralLoss
from atmodist.learning.srgan_training import Duel, Player, pretrain_generator, train_srgan
from atmodist.learning.training import TrainingRun
from atmodist.samples.batches import PatchBatches, loader


def duel(low, high, content=None, fabric=None, weight=0.5):
    """A duel whose discriminator's band is (low, high), and its networks."""
    torch.manual_seed(0)
    fabric = fabric or fabric_of(CPU)
    networks = Generator(2, **GENERATOR), Discriminator(2, 16, channels=2, dense=4)
    players = [
        Player(*fabric.setup(network, torch.optim.SGD(network.parameters(), 0.01))) for network in networks
    ]
    band = {"extra_generator_below": low, "extra_discriminator_above": high}
    settings = SRGANSettings.of(
        {
            **SRGAN,
            "adversarial_weight": weight,
            "discriminator": {**SRGAN["discriminator"], **band},
        }
    )
    return Duel(fabric, *players, content, settings), *networks


def count_steps(duel):
    """Count the steps of each optimiser from now on."""
    steps = {"generator": 0, "discriminator": 0}

    def counting(name, update):
        def step():
            steps[name] += 1
            update()

        return step

    for name in steps:
        optimiser = getattr(duel.steps, name).optimiser
        optimiser.step = counting(name, optimiser.step)
    return steps


@pytest.mark.parametrize(
    ("low", "high", "generator", "discriminator"),
    [(0.0, 9.0, 1, 1), (9.0, 10.0, 2, 1), (0.0, 0.0, 1, 2), (9.0, 0.0, 2, 2)],
)
def test_extra_steps_follow_the_band(low, high, generator, discriminator):
    match, *_ = duel(low, high)
    steps = count_steps(match)
    found = match.step(torch.randn(4, 2, 16, 16))
    assert steps == {"generator": generator, "discriminator": discriminator}
    assert (found["extra_generator"], found["extra_discriminator"]) == (generator - 1, discriminator - 1)


def test_extra_steps_follow_the_loss_as_it_is_after_each_step():
    """With weights at which steps show: the generator's second one makes the discriminator's loss rise."""
    torch.manual_seed(3)
    high = torch.randn(4, 2, 16, 16)

    def extra(low, up):
        """Extra steps of generator and discriminator in a band, and the loss when they are done."""
        match, generator, discriminator = duel(low, up, weight=100)
        discriminator.dense[1].weight.data *= 40
        discriminator.dense[3].weight.data *= 40
        found = match.step(high)
        with torch.no_grad():
            real, fake = discriminator(high), discriminator(generator(coarsen(high)))
        loss = (F.softplus(-real).mean() + F.softplus(fake).mean()).item() / 2
        return found["extra_generator"], found["extra_discriminator"], loss

    once, again = extra(0.0, 9.0)[-1], extra(9.0, 9.0)[-1]
    margin = (again - once) / 2
    assert margin > 1e-4
    assert extra(once - margin, once + margin)[:2] == (0, 0)
    assert extra(once - margin, once - margin)[:2] == (0, 1)
    assert extra(once + margin, again + margin)[:2] == (1, 0)
    assert extra(once + margin, again - margin)[:2] == (1, 1)


@pytest.mark.parametrize("extra", [False, True])
def test_one_batch_equals_the_textbook(extra):
    """All steps, written out with torch's own losses and gradients."""
    match, generator, discriminator = duel(*((9.0, 0.0) if extra else (0.0, 9.0)))
    torch.manual_seed(0)
    expected = Generator(2, **GENERATOR), Discriminator(2, 16, channels=2, dense=4)
    high = torch.randn(4, 2, 16, 16)
    found = match.step(high)

    def descend(network, loss):
        gradients = torch.autograd.grad(loss, list(network.parameters()))
        with torch.no_grad():
            for parameter, gradient in zip(network.parameters(), gradients, strict=True):
                parameter -= 0.01 * gradient

    def logits():
        return torch.cat((expected[1](high), expected[1](expected[0](coarsen(high)).detach())))

    def loss_of_the_discriminator():
        labels = torch.tensor([1.0] * 4 + [0.0] * 4)[:, None]
        return F.binary_cross_entropy_with_logits(logits(), labels)

    def losses_of_the_generator():
        fake = expected[0](coarsen(high))
        return F.mse_loss(fake, high), F.binary_cross_entropy_with_logits(expected[1](fake), torch.ones(4, 1))

    real, generated = logits().sigmoid().chunk(2)
    right = [(real > 0.5).float().mean(), (generated < 0.5).float().mean()]
    loss = loss_of_the_discriminator()
    descend(expected[1], loss)
    content, adversarial = losses_of_the_generator()
    descend(expected[0], content + 0.5 * adversarial)
    if extra:  # the discriminator descends the loss that it has after the generator's second step
        again = losses_of_the_generator()
        descend(expected[0], again[0] + 0.5 * again[1])
        descend(expected[1], loss_of_the_discriminator())
    torch.testing.assert_close(found["discriminator"], loss)
    torch.testing.assert_close(found["content"], content)
    torch.testing.assert_close(found["adversarial"], adversarial)
    assert [found["right_on_real"], found["right_on_generated"]] == right
    for network, reference in ((generator, expected[0]), (discriminator, expected[1])):
        for parameter, truth in zip(network.parameters(), reference.parameters(), strict=True):
            torch.testing.assert_close(parameter, truth)


def test_a_discriminator_that_says_real_of_everything_is_right_on_half():
    match, _, discriminator = duel(0.0, 9.0)
    torch.nn.init.constant_(discriminator.dense[-1].bias, 100.0)
    found = match.step(torch.randn(4, 2, 16, 16))
    assert (found["right_on_real"], found["right_on_generated"]) == (1, 0)


def test_the_discriminator_learns_again_after_the_generators_step():
    match, _, discriminator = duel(0.0, 9.0)
    match.step(torch.randn(4, 2, 16, 16))
    assert all(parameter.requires_grad for parameter in discriminator.parameters())


def test_content_loss_of_an_encoder_with_its_scale():
    torch.manual_seed(3)
    encoder = Encoder(stages=(2, 2), blocks=1)
    match, generator, _ = duel(0.0, 9.0, ContentLoss(encoder, "stage2", scale=7.0))
    high = torch.randn(4, 2, 16, 16)
    with torch.no_grad():
        distance = encoder(generator(coarsen(high))) - encoder(high)
    assert match.step(high)["content"].item() == pytest.approx(7 * distance.square().mean().item(), rel=1e-5)


def test_content_loss_of_the_spectra():
    spectral = SpectralLoss(16)
    match, generator, _ = duel(0.0, 9.0, spectral)
    high = torch.randn(4, 2, 16, 16)
    with torch.no_grad():
        expected = spectral(high, generator(coarsen(high))).mean().item()
    assert match.step(high)["content"].item() == pytest.approx(expected, rel=1e-5)


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("srgan")
    write_patches(folder / "patches.h5")
    settings = GeneratorTraining(epochs=50, learning_rate=3e-3, batches=None, batch_size=4)
    job = training_job(folder, [folder / "patches.h5"], weights="generator.pt")
    launch(CPU, pretrain_generator, job, GeneratorSettings(**GENERATOR), settings)
    return folder, job.samples.paths, job.weights


def test_pretraining_beats_repeating_the_coarse_pixels(pretrained):
    folder, _, weights = pretrained
    table = pd.read_csv(folder / "training.csv")
    assert table["epoch"].tolist() == list(range(1, 51))
    generator = Generator(2, **GENERATOR)
    generator.load_state_dict(saved.load(weights)["generator"])
    write_patches(folder / "new.h5", seed=9)
    with h5py.File(folder / "new.h5") as file:
        high = torch.from_numpy(file["high"][:]).float()
    low = coarsen(high)
    with torch.no_grad():
        error = F.mse_loss(generator(low), high)
    repeated = low.repeat_interleave(4, -1).repeat_interleave(4, -2)
    assert error < 0.9 * F.mse_loss(repeated, high)


def test_an_epoch_of_pretraining_equals_plain_pytorch(pretrained, tmp_path):
    """The squared error against the 4 × 4 means, with Adam."""
    _, patches, _ = pretrained
    settings = GeneratorTraining(epochs=1, learning_rate=3e-3, batches=3, batch_size=4)
    job = training_job(tmp_path, patches, weights="generator.pt")
    launch(CPU, pretrain_generator, job, GeneratorSettings(**GENERATOR), settings)
    torch.manual_seed(torch_seed(job.seed, "generator", "weights"))
    network = Generator(2, **GENERATOR)
    adam, losses = torch.optim.Adam(network.parameters(), 3e-3), []
    order = torch_seed(job.seed, "generator", "order")
    for high in loader(PatchBatches(job.samples, 4, 3), 0, order):
        loss = F.mse_loss(network(F.avg_pool2d(high.float(), 4)), high.float())
        adam.zero_grad()
        loss.backward()
        adam.step()
        losses.append(loss.item())
    assert pd.read_csv(job.log)["loss"].item() == pytest.approx(sum(losses) / 3, rel=1e-4)
    found = saved.load(job.weights)["generator"]
    for name, expected in network.state_dict().items():
        torch.testing.assert_close(found[name], expected, rtol=1e-3, atol=1e-4)


def test_phases_and_weights_of_every_epoch(pretrained, tmp_path):
    _, patches, start = pretrained
    job = training_job(tmp_path, patches)
    settings = SRGANSettings.of(SRGAN)
    launch(CPU, train_srgan, job, start, None, GeneratorSettings(**GENERATOR), settings)
    table = pd.read_csv(job.log)
    assert table["learning_rate"].tolist() == [1e-3, 1e-3, 1e-4]
    assert table["loss"].to_numpy() == pytest.approx(table["content"] + 0.001 * table["adversarial"])
    weights = [saved.load(path) for path in sorted(job.weights.iterdir())]
    assert [sorted(w) for w in weights] == [["discriminator", "generator"]] * 3
    Discriminator(2, 32, channels=2, dense=8).load_state_dict(weights[0]["discriminator"])
    moves = [
        (b["generator"]["head.0.weight"] - a["generator"]["head.0.weight"]).abs().max()
        for a, b in pairwise(weights)
    ]
    assert moves[1] < moves[0]


def test_a_generator_of_other_sizes_is_refused(pretrained, tmp_path, monkeypatch):
    _, patches, start = pretrained
    told = []
    monkeypatch.setattr(launching.logger, "error", lambda text, *arguments: told.append(text % arguments))
    settings = GeneratorSettings(**GENERATOR | {"channels": 6}), SRGANSettings.of(SRGAN)
    with pytest.raises(SystemExit):
        launch(CPU, train_srgan, training_job(tmp_path, patches), start, None, *settings)
    (sentence,) = told
    assert "generator.pt holds weights of another network than the config's" in sentence


def test_a_duel_starts_from_its_generator_and_seed_indices_differ(pretrained, tmp_path):
    """Without adversarial weight the discriminator stays as it starts and has no part in the training."""
    _, patches, start = pretrained
    settings = {**SRGAN, "adversarial_weight": 0, "phases": [{"epochs": 1, "learning_rate": 1e-5}]}
    weights = []
    for name, seed_index in (("a", 0), ("b", 0), ("c", 1)):
        (tmp_path / name).mkdir()
        job = training_job(tmp_path / name, patches)
        arguments = GeneratorSettings(**GENERATOR), SRGANSettings.of({**settings, "seed_index": seed_index})
        launch(CPU, train_srgan, job, start, None, *arguments)
        weights.append(saved.load(job.weights / "epoch-001.pt"))
    torch.testing.assert_close(weights[0]["generator"], saved.load(start)["generator"], rtol=0, atol=1e-4)
    for network, parameter in (("generator", "head.0.weight"), ("discriminator", "dense.1.weight")):
        one, same, other = (each[network][parameter] for each in weights)
        assert torch.equal(one, same)
        assert not torch.equal(one, other)


def test_seeds_differ_in_the_first_weights_of_a_generator(pretrained, tmp_path):
    _, patches, _ = pretrained
    weights = []
    for seed in (1, 1, 2):
        folder = tmp_path / str(len(weights))
        job = replace(training_job(folder, patches, weights="generator.pt"), seed=seed)
        settings = GeneratorTraining(epochs=1, learning_rate=1e-12, batches=1, batch_size=4)
        launch(CPU, pretrain_generator, job, GeneratorSettings(**GENERATOR), settings)
        weights.append(saved.load(job.weights)["generator"]["head.0.weight"])
    assert torch.equal(weights[0], weights[1])
    assert not torch.allclose(weights[0], weights[2])


def test_adam_starts_afresh_with_every_phase(pretrained, tmp_path, monkeypatch):
    """Its count of steps shows how old its moments are."""
    _, patches, start = pretrained
    steps, end_epoch = [], TrainingRun.end_epoch

    def noting(training, *arguments, **settings):
        optimisers = [training.parts[f"{name}_optimiser"] for name in ("generator", "discriminator")]
        steps.append([next(iter(o.state.values()))["step"].item() for o in optimisers])
        end_epoch(training, *arguments, **settings)

    monkeypatch.setattr(TrainingRun, "end_epoch", noting)
    band = {"extra_generator_below": 0, "extra_discriminator_above": 9}
    settings = {**SRGAN, "discriminator": {**SRGAN["discriminator"], **band}}
    arguments = start, None, GeneratorSettings(**GENERATOR), SRGANSettings.of(settings)
    launch(CPU, train_srgan, training_job(tmp_path, patches), *arguments)
    assert steps == [[6, 6], [12, 12], [6, 6]]


def test_mixed_precision_of_a_gpu():
    """The path of a GPU, on the CPU: bfloat16 inside the networks, losses in 32 bits."""
    content = ContentLoss(Encoder(stages=(2, 2), blocks=1), "stage2")
    high = torch.randn(4, 2, 16, 16)
    found = []
    for fabric in (
        fabric_of(CPU),
        Fabric(accelerator="cpu", plugins=LightningEnvironment(), precision="bf16-mixed"),
    ):
        match, *_ = duel(0.0, 0.0, content, fabric)
        found.append(match.step(high))
    for name in ("loss", "content", "adversarial", "discriminator"):
        assert found[1][name].dtype == torch.float32
        torch.testing.assert_close(found[0][name], found[1][name], rtol=0.05, atol=0)


def test_without_weight_there_is_no_duel():
    """One step of the generator down the content loss, whatever the discriminator would say, and no more."""
    high = torch.randn(4, 2, 16, 16)
    fight, generator, discriminator = duel(100, 100, weight=0)  # a band that asks for an extra step
    twin = Generator(2, **GENERATOR)
    twin.load_state_dict(generator.state_dict())
    before = [parameter.clone() for parameter in discriminator.parameters()]
    steps = count_steps(fight)
    losses = fight.step(high)
    assert steps == {"generator": 1, "discriminator": 0}
    loss = F.mse_loss(twin(coarsen(high)), high)
    loss.backward()
    assert losses["loss"].item() == losses["content"].item() == pytest.approx(loss.item(), rel=1e-6)
    assert set(losses) == {"loss", "content"}
    for mine, theirs in zip(generator.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs - 0.01 * theirs.grad)
    assert all(torch.equal(*pair) for pair in zip(before, discriminator.parameters(), strict=True))
