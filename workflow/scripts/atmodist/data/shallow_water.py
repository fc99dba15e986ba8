"""The synthetic atmosphere: a rotating shallow layer with two jets, cyclones, moving clouds and a tide.

Spectral shallow-water equations in the vorticity-divergence form (Hack & Jakob 1992, NCAR/TN-343+STR) on a
dealiased Gaussian grid. Gravity waves are semi-implicit and time is stepped with the leapfrog scheme and
Williams' filter (2009, doi:10.1175/2009MWR2724.1). The layer relaxes towards two westerly jets. Random
stirring of the vorticity feeds cyclones; random clouds, which drift with the wind and heat the layer, and a
heating that follows the sun feed the divergence.
"""

from dataclasses import dataclass, fields
from math import ceil
from pathlib import Path

import ducc0
import numpy as np

from atmodist.core.errors import InputError
from atmodist.core.files import replacing, require_file
from atmodist.core.seeds import random_stream
from atmodist.core.shortage import unreadable
from atmodist.data import spectral
from atmodist.data.spectral import EARTH_ROTATION
from atmodist.data.sphere import EARTH_RADIUS

DAY = 86400.0
VORTICITY, DIVERGENCE, GEOPOTENTIAL, CLOUDS = range(4)


@dataclass(frozen=True)
class Parameters:
    """The physics of the layer; the time step and the diffusion follow the truncation."""

    mean_depth: float = 3000.0
    """Mean depth of the layer in m: gravity waves travel at its square root times that of 9.80665 m s⁻²."""
    jet_speed: float = 40.0
    """Speed of the two jets that the layer relaxes to, in m s⁻¹."""
    jet_latitude: float = 42.0
    """Latitude of their axes, north and south, in degrees."""
    jet_width: float = 12.0
    """Distance from the axis at which their speed has fallen to 1/e, in degrees."""
    relaxation_days: float = 8.0
    """Time of relaxation towards the jets, in days."""
    stirring: float = 1.5e-10
    """Root mean square of the random vorticity source in s⁻²."""
    stirring_degrees: tuple[int, int] = (6, 14)
    """First and last degree of the vorticity source."""
    heating: float = 0.25
    """Root mean square of the random source in m² s⁻³ that clouds relax towards.

    Of its variance, with its memory a, their lifetime b leaves them a/(a + b); the wind that shears them
    leaves less.
    """
    heating_degrees: tuple[int, int] = (6, 63)
    """First and last degree of new clouds."""
    memory_days: float = 0.25
    """Memory of the random sources, in days."""
    cloud_days: float = 0.5
    """Lifetime of a cloud, in days."""
    wave_damping_hours: float = 4.0
    """Time in which divergence is damped, in hours: keeps gravity waves from ringing on."""
    tide: float = 0.2
    """Heating under the sun at noon on the equator in m² s⁻³."""
    diffusion_days: float = 0.1
    """Damping time at the last degree of T63 in days; shorter with smaller scales."""
    diffusion_order: int = 8
    """Power of the degree that damping grows with: 8 is ∇⁸. Higher ones spare all but the last degrees."""
    steps_per_day: float = 96.0
    """Time steps a day at T63; the number grows with the truncation, rounded up to whole steps an hour."""

    def __post_init__(self) -> None:
        for field in fields(self):
            if np.min(getattr(self, field.name)) < 0:
                raise InputError(f"{field.name} is {getattr(self, field.name)}, but must not be negative")


class GaussianGrid:
    """Transforms between packed coefficients up to T and the Gaussian grid that squares them exactly."""

    def __init__(self, truncation: int):
        self.truncation = truncation
        self.rows = (3 * truncation + 2) // 2
        self.columns = ducc0.fft.good_size(3 * truncation + 1, True)
        n, _ = spectral.degrees_and_orders(truncation)
        self._to_divergence = -np.sqrt(n * (n + 1)) / EARTH_RADIUS / spectral.ducc_factor(truncation)
        self._sine = np.polynomial.legendre.leggauss(self.rows)[0][::-1]

    @property
    def latitudes(self) -> np.ndarray:
        """Latitudes of the rows in degrees, from the north."""
        return np.degrees(np.arcsin(self._sine))

    def synthesise(self, packed: np.ndarray) -> np.ndarray:
        """Packed scalar → values (rows, columns)."""
        return self._synthesise(spectral.to_ducc(packed)[None], spin=0)[0]

    def analyse(self, values: np.ndarray) -> np.ndarray:
        """Values (rows, columns) → packed scalar."""
        return spectral.from_ducc(self._analyse(values[None], spin=0)[0])

    def winds(self, vorticity: np.ndarray, divergence: np.ndarray) -> np.ndarray:
        """Packed vorticity and divergence → southward and eastward wind (2, rows, columns)."""
        return self._synthesise(spectral.wind_coefficients(vorticity, divergence), spin=1)

    def divergence_and_curl(self, vector: np.ndarray) -> np.ndarray:
        """Southward and eastward component (2, rows, columns) → packed divergence and curl (2, …)."""
        return self._analyse(vector, spin=1) * self._to_divergence

    def _synthesise(self, alm: np.ndarray, spin: int) -> np.ndarray:
        return ducc0.sht.synthesis_2d(
            alm=alm,
            spin=spin,
            lmax=self.truncation,
            geometry="GL",
            ntheta=self.rows,
            nphi=self.columns,
            nthreads=1,
        )

    def _analyse(self, values: np.ndarray, spin: int) -> np.ndarray:
        return ducc0.sht.analysis_2d(map=values, spin=spin, lmax=self.truncation, geometry="GL", nthreads=1)


@dataclass(frozen=True)
class State:
    """Everything that the next step depends on.

    ``step`` counts time steps since 1970-01-01 00 UTC. ``now`` and ``before`` hold the packed coefficients of
    vorticity (s⁻¹), divergence (s⁻¹), geopotential (m² s⁻², deviation from its mean) and cloud heating
    (m² s⁻³) at two successive steps, (4, (T+1)(T+2)/2). ``noise`` is the memory of the random sources.
    """

    step: int
    now: np.ndarray
    before: np.ndarray
    noise: np.ndarray

    @property
    def vorticity(self) -> np.ndarray:
        """Packed relative vorticity in s⁻¹."""
        return self.now[VORTICITY]

    @property
    def divergence(self) -> np.ndarray:
        """Packed divergence in s⁻¹."""
        return self.now[DIVERGENCE]

    @property
    def geopotential(self) -> np.ndarray:
        """Packed deviation of the geopotential from its mean in m² s⁻²."""
        return self.now[GEOPOTENTIAL]

    def save(self, path: str | Path) -> None:
        """Write the state to a NumPy archive."""
        with replacing(path) as partial:
            np.savez(partial, step=self.step, now=self.now, before=self.before, noise=self.noise)

    @classmethod
    def load(cls, path: str | Path) -> "State":
        """Read a state back, bit for bit; ``InputError`` if the file is damaged (its zip has checksums)."""
        require_file(path)
        try:
            with np.load(path) as archive:
                return cls(int(archive["step"]), *(archive[name] for name in ("now", "before", "noise")))
        except Exception as error:  # whatever a damaged archive leads NumPy to
            raise unreadable(path, error, "is damaged or no state of the atmosphere") from None


class ShallowWater:
    """The model at one truncation; ``seed`` and ``chain`` choose the weather, ``parameters`` the climate."""

    def __init__(
        self,
        truncation: int,
        parameters: Parameters | None = None,
        seed: int = 0,
        chain: str = "train",
    ):
        self.parameters = p = parameters or Parameters()
        self.seed, self.chain = seed, chain
        self.grid = GaussianGrid(truncation)
        self.steps_per_hour = ceil(p.steps_per_day / 24 * truncation / 63)
        self.step_seconds = 3600 / self.steps_per_hour

        n, m = spectral.degrees_and_orders(truncation)
        self._order = m
        self._laplacian = n * (n + 1) / EARTH_RADIUS**2
        self._mean_geopotential = 9.80665 * p.mean_depth
        self._planetary = np.where((n == 1) & (m == 0), 2 * EARTH_ROTATION / np.sqrt(3), 0)
        self._stirring = _amplitudes(n, p.stirring, p.stirring_degrees)
        self._heating = _amplitudes(n, p.heating, p.heating_degrees)
        self._forced = np.flatnonzero(self._stirring + self._heating)
        self._noise_memory = np.exp(-self.step_seconds / (p.memory_days * DAY))
        self._sunshine = np.cos(np.radians(self.grid.latitudes))[:, None] ** 2
        self._equilibrium = self._balanced_jets()
        self._relaxation = DAY * np.array(
            [[p.relaxation_days], [p.wave_damping_hours / 24], [p.relaxation_days], [p.cloud_days]]
        )
        self._tide = self._sun_at_greenwich()

        damping = ((n / truncation) ** p.diffusion_order) * (truncation / 63) / (p.diffusion_days * DAY)
        self._diffusion = 1 / (1 + 2 * self.step_seconds * damping)
        self._gravity_waves = 1 / (1 + self.step_seconds**2 * self._laplacian * self._mean_geopotential)

    def initial_state(self, time: np.datetime64) -> State:
        """The jets at rest with themselves, at ``time``, with the random sources already at work."""
        step = int(time.astype("datetime64[h]").astype(int)) * self.steps_per_hour
        normal = random_stream(self.seed, "initial", self.chain).normal
        return State(step, self._equilibrium, self._equilibrium, self._draw(normal))

    def time(self, state: State) -> np.datetime64:
        """Time of ``state`` in whole seconds, UTC."""
        return np.datetime64(round(state.step * self.step_seconds), "s")

    def advance(self, state: State, hours: int) -> State:
        """The state ``hours`` later; ``InputError`` if the parameters have made the layer unstable."""
        for _ in range(hours * self.steps_per_hour):
            state = self.step(state)
        if not np.isfinite(state.now).all():
            raise InputError(
                f"the synthetic atmosphere is unstable at {self.time(state)}: "
                "choose less stirring or heating, a deeper layer or more steps_per_day"
            )
        return state

    def step(self, state: State) -> State:
        """The state one time step later: leapfrog, semi-implicit gravity waves, Williams' filter."""
        h, before, now = self.step_seconds, state.before, state.now
        new = before + 2 * h * (self._flow(now) + self._forcing(state))

        waves, level = self._laplacian, self._mean_geopotential
        divergence, geopotential = new[DIVERGENCE].copy(), new[GEOPOTENTIAL].copy()
        geopotential -= h * level * before[DIVERGENCE]
        divergence += h * waves * (before[GEOPOTENTIAL] + geopotential)
        new[DIVERGENCE] = divergence * self._gravity_waves
        new[GEOPOTENTIAL] = geopotential - h * level * new[DIVERGENCE]
        new *= self._diffusion

        bend = 0.05 * (before - 2 * now + new)
        return State(state.step + 1, new - 0.47 * bend, now + 0.53 * bend, self._next_noise(state))

    def surface_pressure(self, state: State) -> np.ndarray:
        """Packed logarithm of a surface pressure in Pa, that of a 255 K layer: ln 101325 + Φ′/(R T)."""
        logarithm = state.geopotential / (287.0 * 255.0)
        logarithm[0] += np.log(101325)
        return logarithm

    def _flow(self, now: np.ndarray) -> np.ndarray:
        """Tendencies (4, …) of the flow alone, without the linear part of the gravity waves."""
        grid = self.grid
        vorticity, divergence, geopotential, clouds = now
        wind = grid.winds(vorticity, divergence)
        source, curl = grid.divergence_and_curl(grid.synthesise(vorticity + self._planetary) * wind)
        energy = grid.analyse((wind[0] ** 2 + wind[1] ** 2) / 2)
        mass, _ = grid.divergence_and_curl(grid.synthesise(geopotential) * wind)
        cover = grid.synthesise(clouds)
        drift, _ = grid.divergence_and_curl(cover * wind)
        heating = grid.analyse(cover * self._sunshine)
        return np.stack([-source, curl + self._laplacian * energy, heating - mass, -drift])

    def _forcing(self, state: State) -> np.ndarray:
        """Tendencies (4, …) of relaxation, stirring, clouds and sun."""
        stirring, heating = state.noise
        forcing = (self._equilibrium - state.before) / self._relaxation
        forcing[VORTICITY, self._forced] += self._stirring[self._forced] * stirring
        forcing[CLOUDS, self._forced] += self._heating[self._forced] * heating / self._relaxation[CLOUDS]
        hour = state.step / self.steps_per_hour % 24
        forcing[GEOPOTENTIAL] += self._tide * np.exp(2j * np.pi * hour / 24 * self._order)
        return forcing

    def _next_noise(self, state: State) -> np.ndarray:
        """The random sources' memory, an autoregression fed by the random numbers of this very step."""
        r = self._noise_memory
        fresh = self._draw(random_stream(self.seed, "forcing", self.chain, state.step).normal)
        return r * state.noise + np.sqrt(1 - r**2) * fresh

    def _draw(self, normal) -> np.ndarray:
        """Complex normal numbers (2, forced coefficients), real at order 0, of unit variance."""
        real, imaginary = normal(size=(2, 2, len(self._forced)))
        zonal = self._order[self._forced] == 0
        return np.where(zonal, real, (real + 1j * imaginary) / np.sqrt(2))

    def _balanced_jets(self) -> np.ndarray:
        """Vorticity of the two jets and the geopotential that holds them, (4, …)."""
        p, grid = self.parameters, self.grid
        distance = (np.abs(grid.latitudes) - p.jet_latitude) / p.jet_width
        eastward = p.jet_speed * np.exp(-(distance**2))[:, None] * np.ones(grid.columns)
        jets = np.zeros((4, self._order.size), complex)
        jets[VORTICITY] = grid.divergence_and_curl(np.stack([0 * eastward, eastward]))[1]
        accelerating = self._flow(jets)[DIVERGENCE]
        jets[GEOPOTENTIAL, 1:] = -accelerating[1:] / self._laplacian[1:]
        return jets

    def _sun_at_greenwich(self) -> np.ndarray:
        """Packed heating at 00 UTC, when the sun stands over 180°; without its mean over the day."""
        grid = self.grid
        longitude = np.arange(grid.columns) * (2 * np.pi / grid.columns)
        cosine = np.cos(np.radians(grid.latitudes))[:, None] * np.cos(longitude - np.pi)
        return np.where(self._order > 0, self.parameters.tide * grid.analyse(np.maximum(cosine, 0)), 0)


def _amplitudes(n: np.ndarray, root_mean_square: float, degrees: tuple[int, int]) -> np.ndarray:
    """Standard deviation of each packed coefficient: power per degree falls linearly from first to last."""
    first, last = degrees
    total = np.arange(last - first + 2).sum()
    power = np.where(n >= first, np.maximum(last + 1 - n, 0), 0) / total
    return root_mean_square * np.sqrt(power / (2 * n + 1))
