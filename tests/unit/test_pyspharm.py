"""Our winds and kinetic energy against pyspharm's, which `tests/install_pyspharm.sh` builds."""

import importlib.util
import os
import sys

import numpy as np
import pytest
import xarray as xr

from atmodist.core.errors import InputError
from atmodist.data import spectral, units
from atmodist.evaluation import metrics

TRUNCATION = 63
needs_pyspharm = pytest.mark.skipif(
    importlib.util.find_spec("spharm") is None and os.environ.get("CI") != "true",
    reason="pyspharm is not installed; tests/install_pyspharm.sh builds it",
)


def random_coefficients(seed, without=()):
    """Divergence and vorticity whose spectrum is white up to degree 8 and then falls like n⁻²."""
    rng = np.random.default_rng(seed)
    degree = np.arange(TRUNCATION + 1)
    cilm = rng.standard_normal((2, 2, TRUNCATION + 1, TRUNCATION + 1)) * np.tri(TRUNCATION + 1)
    cilm *= 1e-5 / np.maximum(degree, 8)[:, None]
    cilm[:, 1, :, 0] = cilm[:, :, 0] = 0
    cilm[..., list(without)] = 0
    return cilm


def kinetic_energy(cilm, winds):
    coordinates = {
        "variable": ["divergence", "vorticity"],
        "latitude": spectral.latitudes(TRUNCATION),
        "longitude": spectral.longitudes(TRUNCATION),
    }
    frame = xr.DataArray(np.stack([spectral.synthesise(each) for each in cilm]), coordinates)
    frame = frame.assign_coords({units.COORDINATE: ("variable", ["s-1", "s-1"])})
    return metrics.Spectra(winds).measure(frame, frame)["kinetic_energy"].sum("flow")


@needs_pyspharm
@pytest.mark.parametrize("seed", range(3))
def test_winds_agree(seed):
    divergence, vorticity = random_coefficients(seed)
    ours, theirs = spectral.winds(vorticity, divergence), spectral.pyspharm_winds(vorticity, divergence)
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(other, mine, atol=2e-6 * abs(mine).max())  # pyspharm has single precision


@needs_pyspharm
def test_kinetic_energy_agrees_in_total_and_by_octave():
    """Scalar expansions move energy between neighbouring degrees, and from low to high ones where wind blows
    over the poles, which needs order 1: without it octaves agree."""
    frames = [random_coefficients(seed, without=[1]) for seed in range(6)]
    ours, theirs = (sum(kinetic_energy(each, winds) for each in frames) for winds in ("exact", "pyspharm"))
    assert theirs.sum() == pytest.approx(float(ours.sum()), rel=1e-3)
    for octave in (slice(8, 15), slice(16, 31), slice(32, 60)):
        assert theirs.sel(degree=octave).sum() == pytest.approx(
            float(ours.sel(degree=octave).sum()), rel=0.05
        )


def test_its_absence_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "spharm", None)
    with pytest.raises(InputError, match=r"tests/install_pyspharm\.sh"):
        spectral.pyspharm_winds(*random_coefficients(0))
