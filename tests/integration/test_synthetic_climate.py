"""The model atmosphere is steady, turbulent without piling up, forgetful, divergent, and sees the sun.

Both the demo's model and the study's, whose turbulence reaches nearly to the truncation.
"""

from pathlib import Path

import numpy as np
import pytest
import yaml

from atmodist.data.diagnostics import Diagnostics, effective_degree, slope
from atmodist.data.shallow_water import Parameters, ShallowWater

TRUNCATION, SPIN_UP_DAYS, DAYS, STEP_HOURS = 42, 20, 60, 3


STUDY = Path(__file__).parents[2] / "config/study.yaml"


def climate_of(parameters, spin_up_days, days):
    model = ShallowWater(TRUNCATION, parameters, seed=2021, chain="train")
    state = model.initial_state(np.datetime64("2001-01-01T00"))
    state = model.advance(state, 24 * spin_up_days)
    diagnostics = Diagnostics(TRUNCATION, STEP_HOURS)
    for _ in range(days * 24 // STEP_HOURS):
        diagnostics.update(model.time(state), np.stack([state.divergence, state.vorticity]))
        state = model.advance(state, STEP_HOURS)
    return diagnostics.result()


@pytest.fixture(scope="module")
def climate():
    return climate_of(Parameters(), SPIN_UP_DAYS, DAYS)


@pytest.fixture(scope="module")
def study():
    """The study's model at a third of its truncation, its clouds down to the last degree as there."""
    settings = yaml.safe_load(STUDY.read_text())["data"]["synthetic"]
    del settings["period_days"]
    spin_up_days = settings.pop("spin_up_days")
    settings["heating_degrees"][1] = TRUNCATION
    return climate_of(Parameters(**settings), spin_up_days, 20)


def test_strength_is_steady(climate):
    strength = climate["root_mean_square"].sel(variable="vorticity")
    fifth = strength.size // 5
    assert strength[-fifth:].mean() == pytest.approx(float(strength[:fifth].mean()), rel=0.1)
    assert 1e-5 < strength.mean() < 1e-4


def test_spectrum_falls_like_turbulence(climate):
    energy = climate["kinetic_energy"].sum("component")
    assert -5 < slope(energy, TRUNCATION // 3, 2 * TRUNCATION // 3) < -2.5


@pytest.mark.parametrize("component", ["rotational", "divergent"])
def test_nothing_piles_up_at_the_smallest_scales(climate, component):
    energy = climate["kinetic_energy"].sel(component=component, degree=slice(round(0.9 * TRUNCATION), None))
    assert (energy.diff("degree") < 0).all()


def test_the_flow_forgets_gradually(climate):
    memory = climate["autocorrelation"].sel(variable="vorticity")
    assert memory.sel(lag=3) >= 0.8
    assert memory.sel(lag=69) <= 0.2
    assert (memory.sel(lag=slice(0, 36)).diff("lag") < 0).all()
    assert climate["autocorrelation"].sel(variable="divergence", lag=3) > 0.6


def test_divergence_is_a_fair_part_of_vorticity(climate):
    divergence, vorticity = climate["root_mean_square"].mean("time").values
    assert 0.05 < divergence / vorticity < 0.6


def test_the_sun_is_seen(climate):
    cycle = climate["daily_cycle"] / climate["root_mean_square"].sel(variable="divergence").mean()
    assert (cycle.max() - cycle.min()) / 2 > 0.2
    assert 12 <= cycle.idxmax("local_time") <= 20


def test_the_winds_are_those_of_an_atmosphere(climate):
    speed = np.sqrt(2 * climate["kinetic_energy"].sum())
    assert 10 < speed < 40


def test_the_study_has_turbulence_nearly_to_the_truncation(study):
    """Near the slopes that aircraft found, −3 and −5/3."""
    energy = study["kinetic_energy"].sum("component")
    assert effective_degree(energy) >= 0.85 * TRUNCATION
    assert -3.7 < slope(energy, TRUNCATION // 3, 0.85 * TRUNCATION) < -5 / 3


def test_the_demos_turbulence_ends_earlier(climate):
    assert effective_degree(climate["kinetic_energy"].sum("component")) < 0.7 * TRUNCATION


def test_the_study_has_the_earths_vorticity_and_enough_divergence(study):
    """5.08e-5 s-1 is the standard deviation of ERA5's vorticity in Hoffmann & Lessig (2023)."""
    divergence, vorticity = study["root_mean_square"].mean("time").values
    assert vorticity == pytest.approx(5.08e-5, rel=0.15)
    assert 0.1 < divergence / vorticity < 0.3
