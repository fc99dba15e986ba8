"""Networks against the paper's parameter counts and against TensorFlow's padding, written out in numpy."""

import copy

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from models import with_moving_statistics
from scipy import stats

from atmodist.learning import resolution
from atmodist.learning.networks import (
    Convolution,
    ConvolutionToFew,
    Discriminator,
    Encoder,
    Generator,
    SiameseNetwork,
    SubPixel,
    he_normal,
    max_pool,
    same_padding,
)


@pytest.fixture(scope="module")
def paper():
    torch.manual_seed(0)
    return SiameseNetwork(Encoder(), patch=160, classes=23)


def test_parameters_of_the_paper(paper):
    assert with_moving_statistics(paper) == 2_747_856
    assert sum(p.numel() for p in paper.parameters()) == 2_741_552
    assert with_moving_statistics(paper.encoder) == 2_277_712


def test_shapes(paper):
    x = torch.zeros(2, 2, 160, 160)
    assert paper(x, x).shape == (2, 23)
    assert paper.encoder(x).shape == (2, 128, 5, 5)
    assert paper.encoder.features(x, "stage3").shape == (2, 64, 10, 10)
    assert paper.encoder.features(x, "stage1").shape == (2, 16, 40, 40)
    small = SiameseNetwork(Encoder(), patch=32, classes=7)
    assert small(x[..., :32, :32], x[..., :32, :32]).shape == (2, 7)


def test_same_padding_known_values():
    assert same_padding(160, 8, 2) == (3, 3)
    assert same_padding(80, 3, 2) == (0, 1)
    assert same_padding(5, 3, 2) == (1, 1)
    assert same_padding(40, 1, 2) == (0, 0)


def tensorflow_convolution(x, kernel, stride):
    """One-channel convolution as TensorFlow documents `SAME`: outputs ceil(n/s), the odd zero at the end."""
    out, k = [-(-n // stride) for n in x.shape], len(kernel)
    y = np.zeros(out)
    total = [max((o - 1) * stride + k - n, 0) for o, n in zip(out, x.shape, strict=True)]
    for i, j in np.ndindex(*out):
        for a, b in np.ndindex(k, k):
            r, c = i * stride + a - total[0] // 2, j * stride + b - total[1] // 2
            if 0 <= r < x.shape[0] and 0 <= c < x.shape[1]:
                y[i, j] += kernel[a, b] * x[r, c]
    return y


@given(
    height=st.integers(1, 9),
    width=st.integers(1, 9),
    kernel=st.sampled_from([1, 2, 3, 8]),
    stride=st.sampled_from([1, 2, 3]),
)
def test_convolution_aligns_like_tensorflow(height, width, kernel, stride):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(height, width)).astype("f4")
    layer = Convolution(1, 1, kernel, stride, bias=False)
    expected = tensorflow_convolution(x, layer.weight.detach().numpy()[0, 0], stride)
    found = layer(torch.from_numpy(x)[None, None]).detach().numpy()[0, 0]
    np.testing.assert_allclose(found, expected, atol=1e-5)


@given(height=st.integers(1, 9), width=st.integers(1, 9))
def test_pool_aligns_like_tensorflow(height, width):
    x = torch.from_numpy(np.random.default_rng(0).normal(size=(height, width)))[None, None]
    padding = (*same_padding(width, 3, 2), *same_padding(height, 3, 2))
    expected = F.max_pool2d(F.pad(x, padding, value=-np.inf), 3, 2)
    assert torch.equal(max_pool(x), expected)


def test_pool_window_lies_at_the_lower_right():
    x = torch.zeros(1, 1, 4, 4)
    x[0, 0, 2, 2] = 1
    assert max_pool(x)[0, 0].tolist() == [[1, 1], [1, 1]]
    x = torch.zeros(1, 1, 4, 4)
    x[0, 0, 1, 1] = 1
    assert max_pool(x)[0, 0].tolist() == [[1, 0], [0, 0]]  # symmetric padding would spread it over all four


@given(
    height=st.sampled_from([4, 8, 12]),
    width=st.sampled_from([4, 8, 16]),
    kernel=st.sampled_from([1, 3, 8, 9]),
    channels=st.integers(1, 3),
    variables=st.integers(1, 3),
)
def test_convolution_to_few_is_the_plain_one_with_its_gradients(height, width, kernel, channels, variables):
    torch.manual_seed(0)
    layer = ConvolutionToFew(channels, variables, kernel).double()
    x = torch.randn(2, channels, height, width, dtype=torch.double, requires_grad=True)
    padded = F.pad(x, 2 * same_padding(4, kernel, 1))
    found, expected = layer(x), F.conv2d(padded, layer.weight, layer.bias)
    torch.testing.assert_close(found, expected)
    weighting = torch.randn_like(found)
    inputs = [x, layer.weight, layer.bias]
    gradients = (torch.autograd.grad((y * weighting).sum(), inputs) for y in (found, expected))
    torch.testing.assert_close(*gradients)


@given(
    size=st.sampled_from([(1, 1), (1, 2), (2, 1), (2, 2), (3, 1), (1, 4), (3, 5)]),
    kernel=st.sampled_from([1, 2, 3, 8]),
    stride=st.sampled_from([1, 2, 3]),
    bias=st.booleans(),
)
def test_convolution_of_a_small_map_by_one_matrix_is_the_plain_one_with_its_gradients(
    size, kernel, stride, bias
):
    torch.manual_seed(0)
    layer = Convolution(3, 4, kernel, stride, bias=bias).double()
    x = torch.randn(2, 3, *size, dtype=torch.double, requires_grad=True)
    rows, columns = (same_padding(n, kernel, stride) for n in size)
    found = layer.product(x)
    expected = F.conv2d(F.pad(x, (*columns, *rows)), layer.weight, layer.bias, stride)
    torch.testing.assert_close(found, expected)
    weighting = torch.randn_like(found)
    gradients = (
        torch.autograd.grad((y * weighting).sum(), [x, *layer.parameters()]) for y in (found, expected)
    )
    torch.testing.assert_close(*gradients)


def test_he_normal_is_the_truncated_one():
    torch.manual_seed(1)
    weight = torch.empty(64, 32, 3, 3)
    he_normal(weight)
    deviation = np.sqrt(2 / (32 * 9))
    assert weight.std().item() == pytest.approx(deviation, rel=0.01)
    limit = 2 * deviation / stats.truncnorm.std(-2, 2)
    assert weight.abs().max().item() == pytest.approx(limit, rel=0.01)


def test_normalisation_follows_keras(paper):
    norms = [m for m in paper.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert {(n.eps, n.momentum) for n in norms} == {(1.001e-5, 0.01)}
    assert len(norms) == 1 + 4 * 6 * 2 + 2


def test_siamese_network_knows_the_order_of_its_patches(paper):
    """In double precision: one digit of a large logit is more than a small one has."""
    torch.manual_seed(2)
    a, b = torch.randn(2, 3, 2, 160, 160, dtype=torch.float64)
    network = copy.deepcopy(paper).double().eval()
    assert not torch.allclose(network(a, b), network(b, a))
    torch.testing.assert_close(network(a, b)[:1], network(a[:1], b[:1]))


def assert_xavier(*convolutions):
    """Uniform up to √(6 / (fan-in + fan-out)), equation 16 of Glorot & Bengio (2010)."""
    for convolution in convolutions:
        fans = convolution.weight[0].numel() + convolution.weight[:, 0].numel()
        assert convolution.weight.abs().max().item() == pytest.approx(np.sqrt(6 / fans), rel=0.01)


def assert_no_bias(network):
    assert not any(bias.any() for name, bias in network.named_parameters() if name.endswith("bias"))


def test_generator_shape_and_start():
    torch.manual_seed(0)
    generator = Generator(2, channels=8, blocks=2)
    assert generator(torch.randn(2, 2, 24, 24)).shape == (2, 2, 96, 96)
    full = Generator()
    assert_xavier(full.head[0], full.body[3].body[0], full.body[-1], full.tail)
    assert_no_bias(full)
    assert sum(p.numel() for p in full.parameters()) == (
        (81 * 2 * 64 + 64) + 33 * (9 * 64 * 64 + 64) + 2 * (9 * 64 * 256 + 256) + (81 * 64 * 2 + 2)
    )
    assert full.halo == 40


def of_the_gan(build, *arguments, **sizes):
    """A network in 64 bits, its weights by name, and random biases, so that none can be forgotten."""
    torch.manual_seed(0)
    network = build(*arguments, **sizes).double()
    weights = dict(network.named_parameters())
    for name, weight in weights.items():
        if name.endswith("bias"):
            torch.nn.init.normal_(weight, std=0.1)
    return network, weights


def leaky(x):
    return torch.where(x > 0, x, 0.2 * x)


def test_generator_written_out():
    """Residual blocks with a skip around all of them, then twice a convolution and a pixel shuffle."""
    generator, weights = of_the_gan(Generator, 2, channels=8, blocks=2)

    def convolve(x, layer):
        kernel = weights[f"{layer}.weight"]
        return F.conv2d(x, kernel, weights[f"{layer}.bias"], padding=kernel.shape[-1] // 2)

    low = torch.randn(1, 2, 12, 12, dtype=torch.double)
    head = x = leaky(convolve(low, "head.0"))
    for block in ("body.0", "body.1"):
        x = x + convolve(leaky(convolve(x, f"{block}.body.0")), f"{block}.body.2")
    x = head + convolve(x, "body.2")
    for layer in ("up.0.0", "up.1.0"):
        x = leaky(F.pixel_shuffle(convolve(x, layer), 2))
    torch.testing.assert_close(generator(low), convolve(x, "tail"))


def test_sub_pixel_starts_without_checkerboard():
    torch.manual_seed(0)
    up = SubPixel(4)
    up.initialise()
    y = up(torch.randn(1, 4, 6, 6)).detach()
    nearest = y[..., ::2, ::2].repeat_interleave(2, -1).repeat_interleave(2, -2)
    torch.testing.assert_close(y, nearest)
    assert y.std() > 0.1


def test_sub_pixel_starts_with_xavier_of_the_whole_kernel():
    torch.manual_seed(0)
    up = SubPixel(64)
    up.initialise()
    assert up[0].weight.std().item() == pytest.approx(np.sqrt(2 / (9 * 64 + 9 * 256)), rel=0.01)  # 0.026


def test_last_layer_starts_with_he_normal():
    torch.manual_seed(0)
    weight = SiameseNetwork(Encoder(), patch=160, classes=23).tail[-1].weight
    assert weight.std().item() == pytest.approx(np.sqrt(2 / weight.shape[1]), rel=0.02)
    assert weight.abs().max().item() > 2 * weight.std().item()  # a uniform distribution ends at √3


@pytest.mark.parametrize("blocks", [0, 1, 3])
def test_halo_is_the_reach_of_the_generator(blocks):
    generator = Generator(1, channels=2, blocks=blocks)
    for parameter in generator.parameters():
        torch.nn.init.constant_(parameter, 0.1)  # no cancellation: whatever is connected has a gradient
    size = 2 * generator.halo + 5
    reach = 0
    for pixel in range(4):
        low = torch.ones(1, 1, size, size, dtype=torch.float64, requires_grad=True)
        centre = size // 2
        generator.double()(low)[0, 0, 4 * centre + pixel, 4 * centre + pixel].backward()
        touched = low.grad[0, 0].nonzero()
        reach = max(reach, (touched - centre).abs().max().item())
    assert reach == generator.halo


def test_a_globe_super_resolved_with_little_halo_is_that_of_a_whole_one():
    torch.manual_seed(0)
    generator = Generator(2, channels=8, blocks=2).double()
    low = torch.randn(1, 2, 16, 32, dtype=torch.double)
    with torch.no_grad():
        found, whole = generator.super_resolve(low), resolution.super_resolve(generator, low, generator.halo)
    torch.testing.assert_close(found, whole, rtol=0, atol=1e-12)


def test_discriminator_written_out():
    """At stride 2 TensorFlow's padding lies at the end, but on both sides of a single point."""
    discriminator, weights = of_the_gan(Discriminator, 2, 16, channels=2, dense=4)
    patches = x = torch.randn(3, 2, 16, 16, dtype=torch.double)
    for number in range(8):
        stride = 1 + number % 2
        x = F.pad(x, (0, 1, 0, 1) if stride == 2 and x.shape[-1] > 1 else (1, 1, 1, 1))
        layer = f"convolutions.{2 * number}"
        x = leaky(F.conv2d(x, weights[f"{layer}.weight"], weights[f"{layer}.bias"], stride))
    x = leaky(F.linear(x.flatten(1), weights["dense.1.weight"], weights["dense.1.bias"]))
    expected = F.linear(x, weights["dense.3.weight"], weights["dense.3.bias"])
    torch.testing.assert_close(discriminator(patches), expected)


def test_discriminator_of_the_paper():
    torch.manual_seed(0)
    network = Discriminator()
    assert network(torch.zeros(3, 2, 96, 96)).shape == (3, 1)
    outputs = [(m.out_channels, m.stride[0]) for m in network.modules() if isinstance(m, Convolution)]
    assert outputs == [(32, 1), (32, 2), (64, 1), (64, 2), (128, 1), (128, 2), (256, 1), (256, 2)]
    assert_xavier(*network.convolutions[2::2])
    assert_no_bias(network)
    hidden, last = network.dense[1].weight, network.dense[3].weight
    assert (hidden.shape, last.shape) == ((1024, 256 * 6 * 6), (1, 1024))
    for weight, tolerance in ((hidden, 0.01), (last, 0.05)):
        assert weight.std().item() == pytest.approx(0.02 * stats.truncnorm.std(-2, 2), rel=tolerance)
        assert weight.abs().max().item() == pytest.approx(0.04, rel=tolerance)
