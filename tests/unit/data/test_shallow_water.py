"""The synthetic atmosphere against analytic flows, and its promise to be restartable bit for bit."""

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import yaml

from atmodist.core.errors import InputError
from atmodist.data import spectral
from atmodist.data.shallow_water import (
    CLOUDS,
    DAY,
    DIVERGENCE,
    GEOPOTENTIAL,
    VORTICITY,
    GaussianGrid,
    Parameters,
    ShallowWater,
    State,
)
from atmodist.data.spectral import EARTH_RADIUS, EARTH_ROTATION

SCHEMA = Path(__file__).parents[3] / "workflow/schemas/config.schema.yaml"
TRUNCATION = 21
START = np.datetime64("2001-01-01T00")
UNDISTURBED = {
    "jet_speed": 0,
    "stirring": 0,
    "heating": 0,
    "tide": 0,
    "relaxation_days": np.inf,
    "wave_damping_hours": np.inf,
    "diffusion_days": np.inf,
}


def undisturbed(**parameters):
    return ShallowWater(TRUNCATION, Parameters(**UNDISTURBED | parameters))


def harmonic(n, m, amplitude=1.0):
    degree, order = spectral.degrees_and_orders(TRUNCATION)
    return amplitude * ((degree == n) & (order == m)).astype(complex)


def starting_with(model, **fields):
    state = model.initial_state(START)
    now = state.now.copy()
    for name, packed in fields.items():
        now[{"vorticity": VORTICITY, "geopotential": GEOPOTENTIAL, "clouds": CLOUDS}[name]] = packed
    return State(state.step, now, now, state.noise)


def test_gaussian_grid_undoes_itself():
    grid = GaussianGrid(TRUNCATION)
    packed = np.random.default_rng(0).normal(size=harmonic(0, 0).shape) + 0j
    np.testing.assert_allclose(grid.analyse(grid.synthesise(packed)), packed, atol=1e-12)
    vorticity, divergence = 1e-5 * packed, harmonic(5, 3, 2e-6)
    vorticity[0] = 0
    again = grid.divergence_and_curl(grid.winds(vorticity, divergence))
    np.testing.assert_allclose(again, [divergence, vorticity], atol=1e-17)


def test_gaussian_grid_squares_exactly():
    """The mean of the square is Parseval's sum, and no product of three harmonics is aliased."""
    grid = GaussianGrid(TRUNCATION)
    field = harmonic(TRUNCATION, 3) + 1j * harmonic(TRUNCATION, TRUNCATION)
    square = grid.analyse(grid.synthesise(field) ** 2)
    assert square[0].real == pytest.approx(4, rel=1e-12)
    finer = GaussianGrid(2 * TRUNCATION)
    n, _ = spectral.degrees_and_orders(2 * TRUNCATION)
    kept = n <= TRUNCATION
    padded = np.zeros(n.size, complex)
    padded[kept] = field
    np.testing.assert_allclose(square, finer.analyse(finer.synthesise(padded) ** 2)[kept], atol=1e-12)


def solid_rotation(grid, speed):
    """Packed vorticity of the eastward wind ``speed`` · cos φ."""
    sine = np.sin(np.radians(grid.latitudes))[:, None] * np.ones(grid.columns)
    return grid.analyse(2 * speed / EARTH_RADIUS * sine)


def test_solid_body_rotation_stays():
    """Williamson et al. 1992, case 2: Φ = −(aΩu₀ + u₀²/2) sin²φ holds the wind u₀ cos φ."""
    speed = 40.0
    model = undisturbed()
    sine = np.sin(np.radians(model.grid.latitudes))[:, None] * np.ones(model.grid.columns)
    vorticity = solid_rotation(model.grid, speed)
    geopotential = model.grid.analyse(-(EARTH_RADIUS * EARTH_ROTATION * speed + speed**2 / 2) * sine**2)
    state = starting_with(model, vorticity=vorticity, geopotential=geopotential)
    later = model.advance(state, 5 * 24)
    np.testing.assert_allclose(later.vorticity, vorticity, atol=1e-12)
    np.testing.assert_allclose(later.geopotential, geopotential, atol=1e-3)


def test_jets_are_balanced():
    model = undisturbed(jet_speed=30.0)
    state = model.initial_state(START)
    _, eastward = model.grid.winds(state.vorticity, state.divergence)
    row = np.abs(model.grid.latitudes - 42).argmin()
    assert eastward.max() == pytest.approx(30, abs=2)
    assert eastward[row].mean() == pytest.approx(30, abs=2)
    later = model.advance(state, 24)
    change = np.abs(later.vorticity - state.vorticity).max()
    assert change < 1e-3 * np.abs(state.vorticity).max()


def test_gravity_wave_frequency():
    """Without rotation a bump of degree n swings as cos(√(gH n (n+1)) t / a)."""
    n, depth = 4, 3000.0
    model = undisturbed(mean_depth=depth, steps_per_day=24 * 60)
    model._planetary = 0 * model._planetary
    state = starting_with(model, geopotential=harmonic(n, 2, 1.0))
    hours = 3
    phase = np.sqrt(9.80665 * depth * n * (n + 1)) / EARTH_RADIUS * hours * 3600
    later = model.advance(state, hours).geopotential
    assert later[harmonic(n, 2) != 0].real == pytest.approx(np.cos(phase), abs=0.02)


def test_rossby_wave_drifts_west():
    """In a very deep layer a weak vortex pattern of degree n turns west with 2Ω / (n (n+1))."""
    n, m, hours = 5, 3, 24
    model = undisturbed(mean_depth=1e8)
    state = starting_with(model, vorticity=harmonic(n, m, 1e-9))
    later = model.advance(state, hours).vorticity[harmonic(n, m) != 0]
    angle = m * 2 * EARTH_ROTATION / (n * (n + 1)) * hours * 3600
    np.testing.assert_allclose(later / 1e-9, np.exp(1j * angle), atol=0.02)


def test_solid_rotation_carries_clouds_and_mass():
    """The wind u cos φ turns a pattern of order m with m u / a; of clouds it takes their own part alone."""
    model, speed = undisturbed(), 40.0
    clouds, mass = harmonic(5, 3), harmonic(4, 2)
    moving = starting_with(
        model, vorticity=solid_rotation(model.grid, speed), clouds=clouds, geopotential=mass
    )
    at_rest = starting_with(model, clouds=clouds)
    flow, heating = model._flow(moving.now), model._flow(at_rest.now)[GEOPOTENTIAL]
    rate = -1j * speed / EARTH_RADIUS
    np.testing.assert_allclose(flow[CLOUDS], 3 * rate * clouds, atol=1e-12)
    np.testing.assert_allclose(flow[GEOPOTENTIAL] - heating, 2 * rate * mass, atol=1e-12)


def test_clouds_heat_in_sunlight():
    """Its mean over the day goes with cos² φ here, of which the mean over the sphere is 2/3."""
    model = undisturbed()
    overcast = starting_with(model, clouds=harmonic(0, 0)).now
    assert model._flow(overcast)[GEOPOTENTIAL, 0].real == pytest.approx(2 / 3)


def test_each_quantity_relaxes_in_its_own_time():
    parameters = {"relaxation_days": 6.0, "wave_damping_hours": 3.0, "cloud_days": 2.0}
    model, pattern = undisturbed(**parameters), harmonic(5, 3)
    state = replace(model.initial_state(START), before=np.tile(pattern, (4, 1)))
    tendency = model._forcing(state)[:, pattern != 0][:, 0]
    np.testing.assert_allclose(-1 / tendency / DAY, [6, 3 / 24, 6, 2])


@pytest.mark.parametrize(("degree", "slower"), [(21, 1), (14, 1.5**8)])
def test_diffusion_grows_with_the_eighth_power_of_the_degree(degree, slower):
    """At the last degree of T21, three times coarser than T63, it takes three times as long as there."""
    model = undisturbed(diffusion_days=0.1, mean_depth=1e8, steps_per_day=24 * 60)
    pattern, hours = harmonic(degree, 0, 1e-9), 6
    later = model.advance(starting_with(model, vorticity=pattern), hours).vorticity[pattern != 0]
    expected = np.exp(-hours / 24 / (3 * 0.1 * slower))
    assert later.real / 1e-9 == pytest.approx(expected, rel=0.01)


def test_the_filter_is_williams():
    """His of 2009, of an oscillation from step to step, with ν/2 = 0.05 and α = 0.53.

    Values x, x + e, x have the displacement d = −2e ν/2: α d goes to the middle, (α − 1) d to the last.
    """
    model, x, e = undisturbed(cloud_days=np.inf), harmonic(5, 3), harmonic(2, 0)
    first, middle = (starting_with(model, clouds=clouds).now for clouds in (x, x + e))
    found = model.step(replace(model.initial_state(START), before=first, now=middle))
    np.testing.assert_allclose(found.before[CLOUDS], x + (1 - 0.1 * 0.53) * e, atol=1e-12)
    np.testing.assert_allclose(found.now[CLOUDS], x + 0.1 * 0.47 * e, atol=1e-12)


def test_heating_follows_the_sun():
    model = ShallowWater(TRUNCATION, Parameters(**UNDISTURBED | {"tide": 0.2}))
    for hour in (0, 6, 15):
        state = model.initial_state(START + np.timedelta64(hour, "h"))
        heating = model.grid.synthesise(model._forcing(state)[GEOPOTENTIAL])
        longitude = heating[model.grid.rows // 2].argmax() * 360 / model.grid.columns
        assert longitude == pytest.approx((180 - 15 * hour) % 360, abs=3)
        assert heating.max() == pytest.approx(0.2 * (1 - 1 / np.pi), rel=0.1)
        # Of the rectified cosine its first harmonic is half of it, in each row by the sun's height at noon.
        wave = 2 * np.abs(np.fft.rfft(heating)[:, 1]) / model.grid.columns
        np.testing.assert_allclose(wave, 0.2 / 2 * np.cos(np.radians(model.grid.latitudes)), atol=1e-3)


def test_two_periods_in_one_go_equal_two_runs(tmp_path):
    model = ShallowWater(TRUNCATION, seed=7, chain="train")
    whole = model.advance(model.initial_state(START), 48)
    ShallowWater(TRUNCATION, seed=7).advance(model.initial_state(START), 24).save(tmp_path / "state.npz")
    parts = ShallowWater(TRUNCATION, seed=7).advance(State.load(tmp_path / "state.npz"), 24)
    assert parts.step == whole.step
    assert model.time(parts) == START + np.timedelta64(48, "h")
    for name in ("now", "before", "noise"):
        np.testing.assert_array_equal(getattr(parts, name), getattr(whole, name))


@pytest.mark.parametrize("hours", [0, 24])
def test_chains_and_seeds_have_weather_of_their_own(hours):
    """From the first hour on, and still when the memory of it has gone."""
    models = [
        ShallowWater(TRUNCATION, seed=seed, chain=chain)
        for seed, chain in ((1, "train"), (1, "eval"), (2, "train"))
    ]
    weather = [model.advance(model.initial_state(START), hours).noise for model in models]
    for one, other in ((0, 1), (0, 2), (1, 2)):
        correlation = np.corrcoef(weather[one].real.ravel(), weather[other].real.ravel())[0, 1]
        assert abs(correlation) < 0.2


def test_sources_have_the_strength_and_memory_asked_for():
    model = ShallowWater(42, Parameters(stirring=3e-10, memory_days=0.5))
    states = [model.initial_state(START)]
    for _ in range(round(12 * 3600 / model.step_seconds)):
        state = states[-1]
        noise = model._next_noise(state)
        states.append(State(state.step + 1, state.now, state.before, noise))
    first, last = states[0].noise, states[-1].noise
    overlap = np.vdot(first, last).real / np.linalg.norm(first) / np.linalg.norm(last)
    assert overlap == pytest.approx(np.exp(-1), abs=0.06)
    strength = []
    for state in states[::3]:
        vorticity = np.zeros(model._order.size, complex)
        vorticity[model._forced] = model._stirring[model._forced] * state.noise[0]
        strength.append(spectral.power(spectral.to_cilm(vorticity)).sum())
    assert np.sqrt(np.mean(strength)) == pytest.approx(3e-10, rel=0.15)


def test_sources_have_their_spectra_and_nothing_in_common():
    """Power by degree falls linearly to nothing beyond the last degree; clouds relax towards theirs."""
    model = undisturbed(stirring=3e-10, heating=0.2, heating_degrees=(6, 20), cloud_days=2.0)
    state, rng = model.initial_state(START), np.random.default_rng(0)
    forcing = [model._forcing(replace(state, noise=model._draw(rng.normal))) for _ in range(300)]
    degree, found = np.arange(TRUNCATION + 1), np.stack(forcing, axis=1)
    for quantity, size, last in ((VORTICITY, 3e-10, 14), (CLOUDS, 0.2 / (2 * DAY), 20)):
        share = np.where(degree >= 6, np.maximum(last + 1 - degree, 0), 0)
        power = spectral.power(spectral.to_cilm(found[quantity])).mean(0)
        np.testing.assert_allclose(power, size**2 * share / share.sum(), rtol=0.1)
    both = found[[VORTICITY, CLOUDS]].reshape(2, -1)
    assert abs(np.corrcoef(both)[0, 1]) < 0.05


def test_surface_pressure_rises_with_the_layer():
    model = undisturbed()
    state = starting_with(model, geopotential=harmonic(0, 0, 287 * 255 * 0.01))
    pressure = np.exp(model.grid.synthesise(model.surface_pressure(state)))
    np.testing.assert_allclose(pressure, 101325 * np.exp(0.01), rtol=1e-12)
    assert state.geopotential[0] == 287 * 255 * 0.01


def test_instability_is_told():
    model = ShallowWater(TRUNCATION, Parameters(heating=1e4))
    with pytest.raises(InputError, match="unstable"), np.errstate(all="ignore"):
        model.advance(model.initial_state(START), 10 * 24)


def test_negative_parameter_is_refused():
    with pytest.raises(InputError, match="tide is -1"):
        Parameters(tide=-1)


@pytest.mark.parametrize(("truncation", "steps"), [(21, 2), (42, 3), (63, 4), (106, 7)])
def test_steps_shorten_with_the_truncation(truncation, steps):
    assert ShallowWater(truncation).step_seconds == 3600 / steps


def test_divergence_starts_with_the_layer_at_rest():
    state = ShallowWater(TRUNCATION).initial_state(START)
    np.testing.assert_array_equal(state.now[DIVERGENCE], 0)


def test_the_config_knows_every_parameter():
    """The schema names the fields of Parameters and says their defaults in brackets."""
    data = yaml.safe_load(SCHEMA.read_text())["properties"]["data"]["properties"]
    keys = data["synthetic"]["properties"]
    defaults = {field.name: field.default for field in fields(Parameters)}
    assert keys.keys() - defaults.keys() == {"period_days", "spin_up_days"}
    for name, default in defaults.items():
        said = [float(value) for value in keys[name]["description"].split("(")[1].split(")")[0].split(",")]
        np.testing.assert_array_equal(said, default)
