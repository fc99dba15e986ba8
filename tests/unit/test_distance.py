"""AtmoDist's distance: the content loss of the training, frozen, differentiable, strict about its input."""

import models
import numpy as np
import pytest
import torch

import atmodist
from atmodist.core.errors import InputError
from atmodist.distance import AtmoDist
from atmodist.learning import sizes
from atmodist.learning.losses import ContentLoss


@pytest.fixture
def folder(tmp_path):
    models.write(tmp_path / "model")
    return tmp_path / "model"


def load(folder, **settings):
    return AtmoDist.from_pretrained(folder, **settings)


def test_it_is_the_content_loss_on_normalised_fields(folder):
    network = models.network(models.config())
    x, y = models.physical(3, 2, 64, 64), models.physical(3, 2, 64, 64, seed=1)
    content = ContentLoss(network.encoder, "stage2", scale=3.0)
    fields = [models.MOMENTS.forward(each, axis=1) for each in (x, y)]
    expected = content(*fields)
    model = load(folder, layers="stage2")
    assert isinstance(model, atmodist.AtmoDist)
    torch.testing.assert_close(model(x, y), expected)
    torch.testing.assert_close(model(*fields, normalize=False), expected)
    assert expected.shape == (3,)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_fields_are_normalised_in_32_bits_at_least(folder, dtype):
    """As of a generator in mixed precision."""
    x, y = (models.physical(3, 2, 64, 64, seed=seed).to(dtype) for seed in (0, 1))
    model = load(folder)
    torch.testing.assert_close(model(x, y), model(x.float(), y.float()), rtol=1e-5, atol=0)


def test_layers_add_up_with_their_weights(folder):
    x, y = models.physical(2, 2, 64, 64), models.physical(2, 2, 64, 64, seed=1)
    one, two = (load(folder, layers=layer)(x, y) for layer in ("stage1", "stage2"))
    both = load(folder, layers={"stage1": 0.25, "stage2": 2.0})
    torch.testing.assert_close(both(x, y), 0.25 * one + 2 * two)
    torch.testing.assert_close(load(folder, layers=["stage2", "stage1"])(x, y), one + two)


def test_the_last_stage_is_the_default_and_unscaled_here(folder):
    x, y = models.physical(2, 2, 32, 32), models.physical(2, 2, 32, 32, seed=1)
    model = load(folder)
    first, second = (model.features(each) for each in (x, y))
    assert first.shape == (2, 10, 1, 1)
    torch.testing.assert_close(model(x, y), (first - second).square().mean((1, 2, 3)))


def test_a_map_has_the_distance_as_its_mean_and_lies_where_the_fields_differ(folder):
    x = models.physical(2, 2, 128, 64)
    y = x.clone()
    y[:, :, 96:, :16] += 1e-4
    model = load(folder, layers={"stage1": 1.0, "stage2": 1.0})
    maps = model(x, y, spatial=True)
    assert maps.shape == (2, 128, 64)
    torch.testing.assert_close(maps.mean((1, 2)), model(x, y))
    assert (maps[:, :48] == 0).all()
    assert (maps[:, 96:, :16].mean((1, 2)) > 4 * maps.mean((1, 2))).all()


def test_a_map_of_an_odd_size_covers_the_fields(folder):
    x, y = models.physical(1, 2, 50, 37), models.physical(1, 2, 50, 37, seed=1)
    assert load(folder)(x, y, spatial=True).shape == (1, 50, 37)


@pytest.mark.parametrize(("layer", "step"), [("stage1", 4), ("stage2", 8), ("stage3", 16), ("stage4", 32)])
def test_features_of_each_layer(folder, layer, step):
    model = load(folder)
    x = models.physical(2, 2, 70, 64)
    features = model.features(x, layer)
    assert sizes.stride(layer) == step
    assert features.shape == (2, model.channels(layer), -(-70 // step), -(-64 // step))
    torch.testing.assert_close(features, model.encoder.features(models.MOMENTS.forward(x, axis=1), layer))


def test_lag_logits_are_the_classifiers(folder):
    network = models.network(models.config())
    x, y = models.physical(3, 2, 32, 32), models.physical(3, 2, 32, 32, seed=1)
    logits = load(folder).lag_logits(x, y)
    assert logits.shape == (3, 5)
    torch.testing.assert_close(logits, network(*(models.MOMENTS.forward(each, axis=1) for each in (x, y))))


def test_gradients_reach_the_inputs_and_no_weight(folder):
    model = load(folder)
    x = models.physical(1, 2, 32, 32).double().requires_grad_()
    y = models.physical(1, 2, 32, 32, seed=1).double()
    model = model.double()
    model(x, y).sum().backward()
    assert all(parameter.grad is None for parameter in model.parameters())
    step = 1e-8 * torch.randn(x.shape, dtype=x.dtype, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        rise = model(x + step, y) - model(x - step, y)
    torch.testing.assert_close((2 * step * x.grad).sum(), rise.sum(), rtol=1e-4, atol=0)


def test_it_never_leaves_evaluation_mode(folder):
    model = load(folder)
    host = torch.nn.Sequential(torch.nn.BatchNorm2d(2), model).train()
    assert host.training
    assert not any(module.training for module in model.modules())
    before = {name: value.clone() for name, value in model.state_dict().items()}
    x, y = models.physical(2, 2, 32, 32), models.physical(2, 2, 32, 32, seed=1)
    together, alone = model(x, y), torch.cat([model(x[:1], y[:1]), model(x[1:], y[1:])])
    torch.testing.assert_close(together, alone)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_fields_at_rest_are_at_no_distance(folder):
    zero = torch.zeros(1, 2, 32, 32)
    assert load(folder)(zero, zero).item() == 0


X = models.physical(1, 2, 32, 32)


@pytest.mark.parametrize(
    ("x", "settings", "said"),
    [
        (1e5 * X, {}, ["divergence", "standard deviations", "expected s-1"]),
        (X / models.MOMENTS.std[0], {}, ["divergence", "is it normalised"]),
        (X, {"normalize": False}, ["divergence", "expected normalised values"]),
        (torch.full_like(X, np.nan), {}, ["divergence", "missing or not finite"]),
        (X[:0], {}, ["shape (0, 2, 32, 32)", "expected"]),
        (X.numpy(), {}, ["ndarray", "expected a tensor of PyTorch"]),
        (X[:, :1], {}, ["1 channels", "takes 2: divergence, vorticity"]),
        (X[0], {}, ["shape (2, 32, 32)", "batch × channel × row × column"]),
    ],
)
def test_input_that_does_not_fit_is_refused_in_one_sentence(folder, x, settings, said):
    with pytest.raises(InputError) as caught:
        load(folder)(x, x, **settings)
    assert all(part in str(caught.value) for part in said), caught.value


@pytest.mark.parametrize("normalize", [True, False])
def test_each_of_two_fields_is_of_the_right_magnitude(folder, normalize):
    """The larger of them says nothing about the other, such as a target that was not normalised."""
    model = load(folder)
    x = X if normalize else model.normalise(X)
    for pair in ((x, 1e-6 * x), (1e-6 * x, x)):
        with pytest.raises(InputError, match="are its units others"):
            model(*pair, normalize=normalize)
    assert model(x, 0 * x, normalize=normalize).shape == (len(x),)


def test_units_pass_unchecked_if_asked(folder):
    x = 1e5 * X
    assert load(folder, check_magnitude=False)(x, x).item() == 0


def test_fields_of_two_shapes_are_refused(folder):
    with pytest.raises(InputError, match="expected equal ones"):
        load(folder)(X, models.physical(2, 2, 32, 32))


def test_patches_of_another_size_have_no_lag(folder):
    x = models.physical(1, 2, 64, 64)
    with pytest.raises(InputError, match="patches of 32 × 32 pixels"):
        load(folder).lag_logits(x, x)


@pytest.mark.parametrize(
    ("layers", "said"),
    [
        ("stage5", "no layer stage5; expected some of stage1"),
        ([], "none given"),
        (["stage1", "stage4"], "no scale of stage4"),
        ({"stage1": -1.0}, "the weight of stage1 is -1.0; expected a finite number, 0 at least"),
        ({"stage1": float("nan")}, "the weight of stage1 is nan"),
        ({"stage1": "a"}, "the weight of stage1 is 'a'"),
    ],
)
def test_layers_that_are_not_there_are_refused(folder, layers, said):
    with pytest.raises(InputError, match=said):
        load(folder, layers=layers)


def test_a_generator_is_no_distance_and_an_encoder_has_no_lags(tmp_path):
    models.write(tmp_path / "generator", "generator")
    with pytest.raises(InputError, match="holds the generator tiny-generator"):
        AtmoDist.from_pretrained(tmp_path / "generator")
    models.write(tmp_path / "encoder", "encoder")
    model = AtmoDist.from_pretrained(tmp_path / "encoder")
    assert model(X, X).item() == 0
    with pytest.raises(InputError, match="without a classifier"):
        model.lag_logits(X, X)


@pytest.mark.parametrize(("spacing", "fits"), [(2.8125, True), (3.375, True), (3.4, False), (0.25, False)])
def test_a_grid_more_than_a_fifth_off_is_refused(spacing, fits):
    config = models.config()
    if fits:
        config.check_spacing(spacing)
    else:
        with pytest.raises(InputError, match=r"expects 2\.8125° within 20 %"):
            config.check_spacing(spacing)


def test_other_variables_or_another_order_are_refused():
    with pytest.raises(InputError, match="takes divergence, vorticity, in this order"):
        models.config().check_variables(["vorticity", "divergence"])
