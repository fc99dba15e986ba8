import numpy as np
import pytest
import torch
from torch import nn

from atmodist.learning.resolution import bilinear, coarsen, pad_sphere, super_resolve


def sphere(rows, offset):
    """Cartesian coordinates (3, rows, 2 rows) of points whose colatitudes are (i + offset) pi / rows."""
    colatitude = (np.arange(rows) + offset)[:, None] * np.pi / rows
    longitude = np.arange(2 * rows)[None] * np.pi / rows
    return torch.from_numpy(
        np.stack(
            [
                np.sin(colatitude) * np.cos(longitude),
                np.sin(colatitude) * np.sin(longitude),
                np.cos(colatitude) * np.ones_like(longitude),
            ]
        )
    )


def test_coarsen_is_the_mean_of_each_block():
    x = torch.randn(2, 3, 8, 12, generator=torch.Generator().manual_seed(0))
    low = coarsen(x)
    assert low.shape == (2, 3, 2, 3)
    for i, j in np.ndindex(2, 3):
        assert torch.allclose(low[..., i, j], x[..., 4 * i : 4 * i + 4, 4 * j : 4 * j + 4].mean((-2, -1)))


@pytest.mark.parametrize("halo", [1, 5, 40])
def test_the_halo_continues_the_sphere_over_the_poles_and_around(halo):
    """With the poles half a row beyond the outermost rows, continued coordinates are exact at any reach."""
    rows = 16
    colatitude = (np.arange(-halo, rows + halo) + 0.5)[:, None] * np.pi / rows
    longitude = np.arange(-halo, 2 * rows + halo)[None] * np.pi / rows
    expected = np.sin(colatitude) * np.cos(longitude)
    padded = pad_sphere(sphere(rows, 0.5), halo)
    np.testing.assert_allclose(padded[0], expected, atol=1e-12)
    np.testing.assert_allclose(padded[2], np.cos(colatitude) * np.ones_like(longitude), atol=1e-12)


def test_the_halo_of_block_means_is_a_quarter_of_a_row_off():
    rows = 64
    padded = pad_sphere(sphere(rows, 3 / 8), 1).numpy()
    colatitude_north, colatitude_south = -5 / 8 * np.pi / rows, (rows + 3 / 8) * np.pi / rows
    quarter = np.pi / rows / 4
    error_north = abs(padded[0, 0, 1:-1] - np.sin(colatitude_north) * np.cos(np.arange(128) * np.pi / rows))
    error_south = abs(padded[0, -1, 1:-1] - np.sin(colatitude_south) * np.cos(np.arange(128) * np.pi / rows))
    assert error_north.max() == pytest.approx(quarter, rel=1e-3)
    assert error_south.max() == pytest.approx(quarter, rel=1e-3)


def test_bilinear_inverts_coarsen_on_a_field_linear_in_both_directions():
    row, column = torch.arange(32.0)[:, None], torch.arange(64.0)[None]
    x = (3 + 2 * row + 0.5 * column)[None, None]
    inner = (..., slice(4, -4), slice(4, -4))
    assert torch.allclose(bilinear(coarsen(x))[inner], x[inner], atol=1e-4)


def test_bilinear_has_no_seam():
    """A wave around the equator is interpolated as well across longitude 0 as elsewhere."""
    x = sphere(64, 0)[None]
    error = (bilinear(coarsen(x)) - x)[0, 1].abs()
    assert max(error[:, :4].max(), error[:, -4:].max()) <= error[:, 4:-4].max() + 1e-12
    assert error.max() < 0.02
    assert torch.equal(bilinear(coarsen(x).roll(3, -1)), bilinear(coarsen(x)).roll(12, -1))


def test_super_resolution_has_no_seam():
    """Rolled input, rolled output, for a network whose zero padding would leave edges."""
    torch.manual_seed(0)
    generator = nn.Sequential(
        nn.Conv2d(2, 8, 9, padding=4),
        nn.LeakyReLU(0.2),
        nn.Conv2d(8, 2 * 16, 3, padding=1),
        nn.PixelShuffle(4),
        nn.Conv2d(2, 2, 5, padding=2),
    ).double()
    low = torch.randn(1, 2, 8, 16, dtype=torch.double)
    with torch.no_grad():
        high = super_resolve(generator, low, halo=6)
        rolled = super_resolve(generator, low.roll(5, -1), halo=6)
        seam = super_resolve(generator, low, halo=4)
    assert high.shape == (1, 2, 32, 64)
    assert torch.allclose(rolled, high.roll(20, -1), atol=1e-12)
    assert not torch.allclose(seam, high, atol=1e-12), "a halo short of the reach must be seen"


def test_super_resolution_sees_across_the_pole():
    """A value in the outermost row, half way round, reaches the opposite meridian."""
    generator = nn.Sequential(nn.Upsample(scale_factor=4), nn.Conv2d(1, 1, 9, padding=4, bias=False))
    nn.init.ones_(generator[1].weight)
    low = torch.zeros(1, 1, 8, 16)
    low[..., 0, 8:9] = 1
    with torch.no_grad():
        high = super_resolve(generator, low, halo=2)
    assert high[0, 0, 0, 0] > 0
    assert high[0, 0, 0, 16] == 0
