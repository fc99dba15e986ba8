import numpy as np
import pytest
from scipy import stats
from standin_store import coefficients

from atmodist.core.errors import InputError
from atmodist.core.periods import Period
from atmodist.data.grib import Field
from atmodist.data.shallow_water import Parameters, ShallowWater
from atmodist.data.succession import Succession

TIMES = Period.parse("2008-08-20_2008-09-02").times(3)
DAY = TIMES[TIMES.astype("datetime64[D]") == np.datetime64("2008-08-27")]
YEAR = 365


def succession(replaced=None, times=TIMES, step=3, order=None, truncation=42):
    """The fields of ``times``; ``replaced`` maps a (variable, time) to the one that is there instead."""
    result = Succession(step)
    for number in np.arange(2 * len(times)) if order is None else order:
        variable, time = ("divergence", "vorticity")[number % 2], times[number // 2]
        source = (replaced or {}).get((variable, time), (variable, time))
        result.add(Field(variable, time, 120, coefficients(*source, truncation)))
    return result


def test_a_regular_succession_has_no_fault_and_is_forgotten():
    regular = succession()
    assert regular.faults() == []
    assert len(regular._waiting) == 4


def test_the_order_of_arrival_changes_nothing():
    replaced = {("vorticity", time): ("vorticity", time - np.timedelta64(960, "h")) for time in DAY}
    shuffled = np.random.default_rng(0).permutation(2 * len(TIMES))
    assert succession(replaced, order=shuffled).faults() == succession(replaced).faults()


@pytest.mark.parametrize("variable", ["divergence", "vorticity"])
@pytest.mark.parametrize(
    "times", [DAY, DAY[3:4], TIMES[:8], TIMES[-8:], TIMES[:1], TIMES[-1:]],
    ids=["a day", "an hour", "the first day", "the last day", "the first hour", "the last hour"],
)  # fmt: skip
def test_a_day_or_an_hour_of_another_month_is_found_and_named(variable, times):
    replaced = {(variable, time): (variable, time - np.timedelta64(960, "h")) for time in times}
    (fault,) = succession(replaced).faults()
    assert set(fault.fields) == replaced.keys()
    assert f"{variable} of {times[0]}" in fault.sentence
    assert str(times[-1]) in fault.sentence


def test_a_field_of_another_hour_is_found_wherever_that_hour_is():
    for hours in (3, -3, 48):
        place = ("vorticity", DAY[0])
        source = ("vorticity", DAY[0] + np.timedelta64(hours, "h"))
        fault = succession({place: source}).faults()[0]
        assert set(fault.fields) == {place, source}
        assert "is the same field at" in fault.sentence


def test_a_field_that_is_repeated_with_the_noise_of_packing_is_found():
    noisy = Succession(3)
    for time in TIMES[:3]:
        packed = coefficients("vorticity", TIMES[0] if time == TIMES[2] else time, 42)
        noisy.add(Field("vorticity", time, 120, packed * (1 + 2e-6 * np.sin(np.arange(packed.size)))))
    assert [fault.fields for fault in noisy.faults()] == [(("vorticity", TIMES[0]), ("vorticity", TIMES[2]))]


def test_exchanged_variables_are_found_at_one_hour_and_at_all():
    other = {"divergence": "vorticity", "vorticity": "divergence"}
    once = {(name, DAY[0]): (other[name], DAY[0]) for name in other}
    assert {field for fault in succession(once).faults() for field in fault.fields} == once.keys()
    always = {(name, time): (other[name], time) for name in other for time in TIMES}
    assert "the two are exchanged" in succession(always).faults()[0].sentence


def test_a_field_of_the_wrong_sign_is_found():
    flipped = Succession(3)
    for time in TIMES:
        sign = -1 if time == DAY[2] else 1
        flipped.add(Field("vorticity", time, 120, sign * coefficients("vorticity", time, 42)))
    assert [fault.fields for fault in flipped.faults()] == [(("vorticity", DAY[2]),)]


def test_a_daily_cycle_of_the_changes_is_no_fault():
    """Analyses jump where their windows meet: twice a day, neighbours differ half as much again."""
    jumping, packed = Succession(3), coefficients("vorticity", TIMES[0], 42)
    random = np.random.default_rng(1)
    for number, time in enumerate(TIMES):
        change = 0.1 * (1.5 if number % 4 == 0 else 1) * (1 + 0.05 * random.normal())
        packed = packed + change * np.abs(packed) * random.normal(size=(packed.size, 2)).view(complex)[:, 0]
        jumping.add(Field("vorticity", time, 120, packed))
    assert jumping.faults() == []


def turning(changes):
    """A succession whose fields turn by angles θ, so that neighbours differ by D = 1 − cos θ, as asked."""
    packed, result = coefficients("vorticity", TIMES[0], 42), Succession(3)
    for time, angle in zip(TIMES, [0, *np.cumsum(np.arccos(1 - changes))], strict=True):
        result.add(Field("vorticity", time, 120, packed * np.exp(1j * angle)))
    return result


@pytest.mark.parametrize("rise", [1.5, 2.0])
def test_a_regular_succession_may_change_half_as_much_again_but_not_twice_as_much(rise):
    changes = np.where(TIMES[1:] == DAY[0], rise, 1) * 0.005
    told = [fault.sentence for fault in turning(changes).faults()]
    assert len(told) == (rise > 1.75)
    assert all(f"at {DAY[0]} it has changed 2.0 times as much" in sentence for sentence in told)


@pytest.mark.parametrize("deviations", [7.5, 8.5])
def test_where_changes_fluctuate_a_break_is_more_than_eight_deviations(deviations):
    """Log D is 0.2 below its median every other day and 0.2 above it on the days between."""
    fluctuation = np.where(TIMES[1:].astype("datetime64[D]").astype(int) % 2, -0.2, 0.2)
    deviation = 0.2 / stats.norm.ppf(0.75)  # of a normal distribution whose median absolute deviation is 0.2
    fluctuation[TIMES[1:] == DAY[3]] = deviations * deviation
    assert len(turning(0.002 * np.exp(fluctuation)).faults()) == (deviations > 8)


def test_constant_and_few_fields_are_no_reason_to_complain():
    zero = Succession(3)
    for time in TIMES:
        zero.add(Field("divergence", time, 120, np.zeros(253, complex)))
    assert zero.faults() == []
    few = succession({("vorticity", TIMES[1]): ("vorticity", TIMES[90])}, TIMES[:3])
    assert few.faults() == []


def test_the_sentence_names_the_file_and_counts_the_faults():
    replaced = {(name, time): (name, time - np.timedelta64(960, "h"))
                for name in ("divergence", "vorticity") for time in DAY}  # fmt: skip
    sentence = r"^august.grib: divergence of 2008-08-27T00 to 2008-08-27T21 .* \(and 1 more faults\)$"
    with pytest.raises(InputError, match=sentence):
        succession(replaced).check("august.grib")


@pytest.fixture(scope="module")
def year():
    """A year of the synthetic atmosphere every three hours, and its surface pressure every day."""
    model = ShallowWater(21, Parameters(), 3, "succession")
    state, fields, surface = model.advance(model.initial_state(np.datetime64("2001-01-01T00")), 480), [], []
    for _ in range(8 * YEAR):
        state = model.advance(state, 3)
        fields += [
            Field(name, model.time(state), 120, getattr(state, name)) for name in ("divergence", "vorticity")
        ]
        if model.time(state) == model.time(state).astype("datetime64[D]"):
            surface.append(Field("log_surface_pressure", model.time(state), 1, model.surface_pressure(state)))
    return fields, surface


def months_of(fields, step):
    """A succession for each month of ``fields``."""
    result = {}
    for field in fields:
        result.setdefault(field.time.astype("datetime64[M]"), Succession(step)).add(field)
    return result


@pytest.mark.parametrize("step", [3, 6, 12])
def test_a_year_of_the_synthetic_atmosphere_raises_no_alarm(year, step):
    fields, surface = year
    kept = [field for field in fields if int(field.time.astype(int)) % step == 0]
    for month in [*months_of(kept, step).values(), *months_of(surface, 24).values()]:
        assert month.faults() == []
    whole = Succession(step)
    for field in kept:
        whole.add(field)
    assert whole.faults() == []


def test_every_day_of_another_month_in_it_is_found(year):
    fields, _ = year
    by_time = {(field.variable, field.time): field.coefficients for field in fields}
    random = np.random.default_rng(5)
    for month in np.repeat(np.arange("2001-02", "2001-12", dtype="datetime64[M]"), 3):
        day = random.choice(np.arange(month, month + 1, dtype="datetime64[D]"))
        shift = np.timedelta64(int(random.choice([-31, 31])) * 24, "h")
        planted = Succession(3)
        for field in fields:
            if field.time.astype("datetime64[M]") == month:
                wrong = field.time.astype("datetime64[D]") == day
                time = field.time + shift if wrong else field.time
                planted.add(Field(field.variable, field.time, 120, by_time[field.variable, time]))
        found = {place for fault in planted.faults() for place in fault.fields}
        assert {time.astype("datetime64[D]") for _, time in found} == {day}
        assert {variable for variable, _ in found} == {"divergence", "vorticity"}
