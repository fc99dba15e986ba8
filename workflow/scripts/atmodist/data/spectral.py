"""Spherical harmonics: GRIB coefficients, the Driscoll-Healy grid, degree spectra, kinetic energy, winds.

Two forms of one field's coefficients occur. *Packed* is the form of GRIB: complex a[n, m] for m >= 0 in the
order of `packed`, half the integral of P² over sin(latitude) being 1, without the Condon-Shortley phase.
*cilm* is the form of SHTOOLS: real C[n, m] = cilm[0, n, m] and S[n, m] = cilm[1, n, m], 4π-normalised.
"""

from functools import lru_cache
from importlib import import_module

import ducc0
import numpy as np

from atmodist.core.errors import InputError
from atmodist.data import points
from atmodist.data.packed import degrees_and_orders, truncation_of
from atmodist.data.sphere import EARTH_RADIUS

EARTH_ROTATION = 7.292115e-5
"""Angular velocity of the Earth in rad s-1 (IERS Conventions 2010, table 1.2)."""


def to_cilm(packed: np.ndarray) -> np.ndarray:
    """Complex packed coefficients (…, (T+1)(T+2)/2) → real coefficients (…, 2, T+1, T+1)."""
    truncation = truncation_of(packed.shape[-1])
    n, m = degrees_and_orders(truncation)
    cilm = np.zeros((*packed.shape[:-1], 2, truncation + 1, truncation + 1))
    cilm[..., 0, n, m] = np.where(m, np.sqrt(2), 1) * packed.real
    cilm[..., 1, n, m] = np.where(m, -np.sqrt(2), 0) * packed.imag
    return cilm


def from_cilm(cilm: np.ndarray) -> np.ndarray:
    """Real coefficients (…, 2, T+1, T+1) → complex packed coefficients (…, (T+1)(T+2)/2)."""
    n, m = degrees_and_orders(cilm.shape[-1] - 1)
    return (cilm[..., 0, n, m] - 1j * cilm[..., 1, n, m]) / np.where(m, np.sqrt(2), 1)


def to_ducc(packed: np.ndarray) -> np.ndarray:
    """Packed coefficients as ducc0 wants them: orthonormal, with the Condon-Shortley phase, same order."""
    return packed * ducc_factor(truncation_of(packed.shape[-1]))


def from_ducc(alm: np.ndarray) -> np.ndarray:
    """ducc0's coefficients → packed ones; undoes ``to_ducc``."""
    return alm / ducc_factor(truncation_of(alm.shape[-1]))


@lru_cache
def ducc_factor(truncation: int) -> np.ndarray:
    """What ducc0's coefficients are of packed ones, for each of these."""
    _, m = degrees_and_orders(truncation)
    return np.sqrt(4 * np.pi) * (1 - 2 * (m % 2))


def latitudes(truncation: int) -> np.ndarray:
    """Latitudes in degrees of the 2(T+1) rows of the Driscoll-Healy grid: north pole first, no south pole."""
    return np.array(points.latitudes(2 * (truncation + 1)))


def longitudes(truncation: int) -> np.ndarray:
    """Longitudes in degrees of the 4(T+1) columns of the Driscoll-Healy grid, eastwards from Greenwich."""
    return np.array(points.longitudes(4 * (truncation + 1)))


def synthesise(cilm: np.ndarray) -> np.ndarray:
    """Coefficients (2, T+1, T+1) → values (2(T+1), 4(T+1)) on the Driscoll-Healy grid."""
    return _on_the_grid(to_ducc(from_cilm(cilm))[None])[0]


def synthesise_packed(packed: np.ndarray, grid: int | None = None) -> np.ndarray:
    """Packed coefficients → float32 values on the Driscoll-Healy grid, the fast way from GRIB to the grid.

    ducc0 transforms in single precision, which costs a rounding error of 1e-7 of the largest value: the
    same field as ``synthesise`` in two thirds of its time. ``grid`` is the truncation whose grid is wanted,
    if it is finer.
    """
    return _on_the_grid(to_ducc(packed)[None].astype(np.complex64), grid)[0]


def _on_the_grid(alm, grid=None, geometry="DH"):
    """ducc0's coefficients of a scalar (1, …) or a vector (2, …) → values (1 or 2, rows, columns).

    On the grid of the truncation ``grid``, or of their own. The geometry "CC", of Clenshaw and Curtis, has a
    row at the south pole, too.
    """
    truncation = truncation_of(alm.shape[-1])
    grid = truncation if grid is None else grid
    return ducc0.sht.synthesis_2d(
        alm=alm,
        spin=len(alm) - 1,
        lmax=truncation,
        geometry=geometry,
        ntheta=2 * (grid + 1) + (geometry == "CC"),
        nphi=4 * (grid + 1),
        nthreads=1,
    )


def analyse(values: np.ndarray) -> np.ndarray:
    """Values (2(T+1), 4(T+1)) on the grid → coefficients (2, T+1, T+1); undoes ``synthesise``.

    Exact for fields of degrees up to T (Driscoll & Healy 1994, doi:10.1006/aama.1994.1008).
    """
    truncation = len(values) // 2 - 1
    values = np.asarray(values, dtype=np.float64)[None]
    alm = ducc0.sht.analysis_2d(map=values, spin=0, lmax=truncation, geometry="DH", nthreads=1)
    return to_cilm(from_ducc(alm[0]))


def high_pass(grid: np.ndarray, degree: int) -> np.ndarray:
    """Values (2(T+1), 4(T+1)) on the grid without the harmonics below ``degree``."""
    cilm = analyse(grid)
    cilm[:, :degree] = 0
    return synthesise(cilm)


def power(cilm: np.ndarray) -> np.ndarray:
    """Power per degree Σ_m (C² + S²), (…, 2, T+1, T+1) → (…, T+1); its sum is the field's mean square."""
    return np.einsum("...inm,...inm->...n", cilm, cilm)


def kinetic_energy(
    vorticity_power: np.ndarray, divergence_power: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Rotational and divergent kinetic energy per degree in m² s⁻², from power per degree (…, T+1) in s⁻².

    E_n = a² / (2 n (n+1)) · power_n; their sum over degrees is half the mean square of the wind
    (Koshyk & Hamilton 2001, Journal of the Atmospheric Sciences 58, 329).
    """
    factor = _squared_length(np.arange(vorticity_power.shape[-1])) / 2
    return factor * vorticity_power, factor * divergence_power


def winds(
    vorticity: np.ndarray, divergence: np.ndarray, grid: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Eastward and northward wind in m s⁻¹ on the Driscoll-Healy grid.

    From coefficients (2, T+1, T+1) of vorticity and divergence in s⁻¹: the wind is ∇χ + k×∇ψ with ∇²χ the
    divergence and ∇²ψ the vorticity. Their means, degree 0, have no wind and are ignored. ``grid`` is the
    truncation whose grid is wanted, if it is finer.
    """
    southward, eastward = _on_the_grid(wind_coefficients(from_cilm(vorticity), from_cilm(divergence)), grid)
    return eastward, -southward


def pyspharm_winds(vorticity: np.ndarray, divergence: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same as `winds` by pyspharm (SPHEREPACK), as Hoffmann & Lessig (2023) did, but far slower.

    ``InputError`` if pyspharm is not installed.
    """
    try:
        spharm = import_module("spharm")
    except ImportError:
        raise InputError(
            "evaluation.winds is pyspharm, but pyspharm is not installed; install it from conda-forge, "
            "build it with tests/install_pyspharm.sh (it needs gfortran), or set evaluation.winds to exact."
        ) from None
    # SPHEREPACK's grid has both poles.
    both = to_ducc(from_cilm(np.stack([vorticity, divergence])))
    grids = [_on_the_grid(alm[None], geometry="CC")[0] for alm in both]
    rows, columns = grids[0].shape
    transform = spharm.Spharmt(columns, rows, EARTH_RADIUS, gridtype="regular", legfunc="computed")
    eastward, northward = transform.getuv(
        *(transform.grdtospec(grid, vorticity.shape[-1] - 1) for grid in grids)
    )
    return eastward[:-1], northward[:-1]


def wind_coefficients(vorticity: np.ndarray, divergence: np.ndarray) -> np.ndarray:
    """Packed vorticity and divergence → (2, …) gradient and curl coefficients of ducc0's spin-1 transform.

    That transform gives the southward and the eastward component of the wind.
    """
    n, _ = degrees_and_orders(truncation_of(vorticity.shape[-1]))
    factor = np.sqrt(_squared_length(n))
    return to_ducc(np.stack([-factor * divergence, -factor * vorticity]))


def _squared_length(n: np.ndarray) -> np.ndarray:
    """a² / (n (n+1)) in m², which inverts −∇² at degree n; 0 at degree 0."""
    return np.divide(EARTH_RADIUS**2, n * (n + 1), out=np.zeros(n.shape), where=n > 0)
