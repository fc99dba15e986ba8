"""States that lie in a known order from a state of the atmosphere, each series weaker to stronger.

A *series* holds windows (S, C, P, P) that move away from an anchor (C, P, P) in S steps. What moves them is
one thing at a time: time, scale, phase, amplitude or place. docs/orderings.md defines them.
"""

from dataclasses import dataclass

import numpy as np

from atmodist.data import spectral
from atmodist.data.sphere import EARTH_RADIUS
from atmodist.evaluation.families import FACTORS, KEPT_DEGREES, MOVES, TURNS, VORTEX_MOVES, VORTEX_RADIUS


@dataclass(frozen=True)
class Window:
    """P×P points of the grid around a latitude: ``row`` and ``column`` are those of the north-western one."""

    row: int
    column: int
    patch: int

    def cut(self, fields: np.ndarray) -> np.ndarray:
        """Global fields (…, H, W) → the window (…, P, P); columns go round the sphere."""
        columns = np.arange(self.column, self.column + self.patch) % fields.shape[-1]
        return fields[..., self.row : self.row + self.patch, :][..., columns]

    def latitudes(self, rows: int) -> np.ndarray:
        """Latitude of each of its rows in radians, on a grid of ``rows`` rows."""
        return np.radians(90 - (self.row + np.arange(self.patch)) * 180 / rows)

    def centre(self, rows: int) -> float:
        """Latitude of its centre in radians."""
        return self.latitudes(rows)[self.patch // 2]


def half_wavelength(rows: int) -> float:
    """πa/T in m, the shortest half wave on a grid of 2(T+1) rows."""
    return np.pi * EARTH_RADIUS / (rows // 2 - 1)


def truncated(cilm: np.ndarray) -> np.ndarray:
    """Coefficients (C, 2, T+1, T+1) → (S, C, 2, T+1, T+1), cut off at ever lower degrees."""
    degree = np.arange(cilm.shape[-2])
    kept = np.array(KEPT_DEGREES)[:, None] * degree[-1] >= degree
    return cilm * kept[:, None, None, :, None]


def turned(cilm: np.ndarray, stream: np.random.Generator) -> np.ndarray:
    """Coefficients with phases turned by ever more, at random: every amplitude stays, and so do all spectra.

    The same turns for all variables, which keeps how these belong together at each scale.
    """
    angle = stream.uniform(-np.pi, np.pi, (len(TURNS), *cilm.shape[-2:])) * np.array(TURNS)[:, None, None]
    return _with_phases(cilm, angle)


def scrambled(cilm: np.ndarray, stream: np.random.Generator, levels: int = 16) -> np.ndarray:
    """Coefficients whose phases turn ever further the same random ways, from 1/40 of them to all of them."""
    share = np.geomspace(1 / 40, 1, levels)
    return _with_phases(cilm, stream.uniform(-np.pi, np.pi, cilm.shape[-2:]) * share[:, None, None])


def _with_phases(cilm, angle):
    """Coefficients (C, 2, T+1, T+1) turned by angles (S, T+1, T+1); those of order 0 are real and stay."""
    angle[..., 0] = 0
    wave = (cilm[:, 0] - 1j * cilm[:, 1]) * np.exp(1j * angle)[:, None]
    return np.stack([wave.real, -wave.imag], axis=2)


def scaled(cilm: np.ndarray, stream: np.random.Generator) -> np.ndarray:
    """Coefficients with amplitudes changed by ever more, at random: every phase stays.

    So does the power of each degree: what changes is how the orders share it.
    """
    noise = stream.standard_normal((len(FACTORS), *cilm.shape[-2:]))
    factor = np.exp(noise * np.array(FACTORS)[:, None, None])
    changed = cilm * factor[:, None, None]
    before, after = spectral.power(cilm), spectral.power(changed)
    ratio = np.divide(before, after, out=np.ones_like(after), where=after > 0)
    return changed * np.sqrt(ratio)[:, :, None, :, None]


def blurred(cilm: np.ndarray, levels: int = 16) -> np.ndarray:
    """Coefficients under Gaussian filters exp(−n²/2k²), k falling from 4 T to T/45 in half octaves."""
    degree = np.arange(cilm.shape[-2])
    width = 4 * degree[-1] * 2.0 ** (-np.arange(levels) / 2)
    return cilm * np.exp(-((degree / width[:, None]) ** 2) / 2)[:, None, None, :, None]


def on_the_grid(cilm: np.ndarray) -> np.ndarray:
    """Coefficients (…, 2, T+1, T+1) → float32 fields (…, H, W)."""
    packed = spectral.from_cilm(cilm)
    fields = [spectral.synthesise_packed(each) for each in packed.reshape(-1, packed.shape[-1])]
    return np.reshape(fields, (*packed.shape[:-1], *fields[0].shape))


def moved(fields: np.ndarray, window: Window) -> np.ndarray:
    """The window of global fields (C, H, W) after these have turned eastwards about the axis: (S, C, P, P).

    By `MOVES` at the latitude of the window's centre; exact between the points of the grid.
    """
    rows, columns = fields.shape[-2:]
    band = np.fft.rfft(fields[:, window.row : window.row + window.patch], axis=-1)
    wavenumber = np.arange(band.shape[-1])
    result = []
    for move in MOVES:
        angle = move * half_wavelength(rows) / (EARTH_RADIUS * np.cos(window.centre(rows)))
        turned = np.fft.irfft(band * np.exp(-1j * wavenumber * angle), columns)
        result.append(Window(0, window.column, window.patch).cut(turned))
    return np.stack(result)


def vortices(rows: int, window: Window, strength: float) -> np.ndarray:
    """Vorticity (1 + S, P, P) of a cyclone in its first place and after each of `VORTEX_MOVES` to the east.

    A Gaussian of `VORTEX_RADIUS` and with ``strength`` at its centre, on the latitude of the window's centre;
    its places lie about the centre.
    """
    length = half_wavelength(rows) / EARTH_RADIUS
    latitude, centre = window.latitudes(rows)[:, None], window.centre(rows)
    longitude = (np.arange(window.patch) - window.patch // 2) * (np.pi / rows)
    sign = -1 if centre < 0 else 1
    result = []
    for move in (0, *VORTEX_MOVES):
        place = (move - VORTEX_MOVES[-1] / 2) * length / np.cos(centre)
        cosine = np.sin(latitude) * np.sin(centre) + np.cos(latitude) * np.cos(centre) * np.cos(
            longitude - place
        )
        distance = np.arccos(np.clip(cosine, -1, 1))
        result.append(sign * strength * np.exp(-((distance / length / VORTEX_RADIUS) ** 2) / 2))
    return np.stack(result)


def as_far_as(target: np.ndarray, anchor: np.ndarray, levels: np.ndarray) -> np.ndarray | None:
    """A degraded anchor whose mean squared difference from ``anchor`` is that of ``target``, (C, P, P).

    A mean of two neighbours of ``levels`` (L, C, P, P), weaker to stronger; None where none of them is as far
    as the target.
    """
    goal = np.mean((target - anchor) ** 2)
    errors = ((levels - anchor) ** 2).mean((1, 2, 3))
    beyond = np.flatnonzero(errors >= goal)
    if not beyond.size:
        return None
    stronger = levels[beyond[0]] - anchor
    weaker = levels[beyond[0] - 1] - anchor if beyond[0] else 0 * anchor
    # |weaker + w (stronger − weaker)|² = goal, the root in 0 … 1
    step = stronger - weaker
    a, b, c = np.mean(step**2), np.mean(weaker * step), np.mean(weaker**2) - goal
    weight = (-b + np.sqrt(max(b**2 - a * c, 0))) / a if a > 0 else 0
    return anchor + weaker + weight * step
