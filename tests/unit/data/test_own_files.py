import eccodes
import numpy as np
import pytest
from standin_store import coefficients

from atmodist.core.errors import InputError
from atmodist.core.periods import Period
from atmodist.data import grib
from atmodist.data.arrival import Request
from atmodist.data.grib import Field
from atmodist.data.own_files import gather

VARIABLES = ["divergence", "vorticity"]
JANUARY = Period.parse("1979-01-01_1979-01-31")
T = 21


def ask(**changes):
    question = {"times": JANUARY.times(6), "variables": VARIABLES, "level": 120, "truncation": T}
    question |= changes
    return Request(**{"archive_truncation": question["truncation"]} | question)


def write(path, times, variables=VARIABLES, levels=(120,), truncation=T):
    """A file with the fields of the stand-in store."""
    fields = (
        Field(variable, time, level, coefficients(variable, time, truncation, level))
        for time in times for level in levels for variable in variables
    )  # fmt: skip
    grib.write_fields(path, fields)
    return path


def messages(path, request):
    """Bytes of the messages of what is asked, in its order."""
    content = path.read_bytes()
    found = {}
    for field, entry in zip(grib.read_fields(path), grib.read_index(path), strict=True):
        assert (field.time, field.level) == (entry.time, entry.level)
        found[field.variable, field.time, field.level] = content[entry.offset : entry.offset + entry.length]
    return [found[variable, time, request.level] for variable, time in request.places]


@pytest.fixture
def output(tmp_path):
    return tmp_path / "spectral" / "period.grib"


def test_the_file_of_a_period_is_linked(tmp_path, output):
    mine = write(tmp_path / "01.grib", JANUARY.times(6))
    assert gather([mine], ask(), output)
    assert output.readlink() == mine


def test_of_a_file_of_a_year_the_period_is_copied_as_it_is(tmp_path, output):
    year = write(tmp_path / "1979.grib", Period.parse("1978-12-20_1979-02-15").times(6))
    assert not gather([year], ask(), output)
    assert output.read_bytes() == b"".join(messages(year, ask()))


def test_files_of_days_and_of_one_variable_each_are_joined_in_the_order_of_time(tmp_path, output):
    files = [
        write(tmp_path / f"{variable}-{day}.grib", JANUARY.times(6)[4 * day : 4 * day + 4], [variable])
        for variable in reversed(VARIABLES) for day in reversed(range(31))
    ]  # fmt: skip
    gather(files, ask(), output)
    found = [(field.variable, field.time) for field in grib.read_fields(output)]
    assert found == ask().places


def test_other_hours_levels_and_variables_are_passed_over(tmp_path, output):
    every = write(
        tmp_path / "all.grib", JANUARY.times(3), [*VARIABLES, "log_surface_pressure"], levels=(119, 120)
    )
    gather([every], ask(variables=["vorticity"]), output)
    assert output.read_bytes() == b"".join(messages(every, ask(variables=["vorticity"])))


def changed(message, **keys):
    """A message with other keys."""
    handle = eccodes.codes_new_from_message(message)
    for key, value in keys.items():
        eccodes.codes_set(handle, key, value)
    return eccodes.codes_get_message(handle)


def on_a_grid():
    handle = eccodes.codes_grib_new_from_samples("reduced_gg_ml_grib1")
    for key, value in {"paramId": 138, "level": 120, "dataDate": 19790101, "dataTime": 0}.items():
        eccodes.codes_set(handle, key, value)
    return eccodes.codes_get_message(handle)


@pytest.mark.parametrize(
    "other",
    [
        lambda message: changed(message, type="fc"),
        lambda message: changed(message, stream="enda"),
        lambda message: changed(message, typeOfLevel="isobaricInhPa", level=120),
        lambda message: changed(message, type="fc", dataTime=30),
        lambda message: changed(message, paramId=130, dataTime=30),
        lambda message: changed(message, level=119, dataTime=30),
        lambda message: on_a_grid(),
    ],
)
def test_fields_of_another_kind_are_passed_over_at_whatever_time(tmp_path, output, other):
    mine = write(tmp_path / "01.grib", JANUARY.times(6))
    right = messages(mine, ask())
    mine.write_bytes(b"".join(map(other, right[:3])) + mine.read_bytes())
    assert not gather([mine], ask(), output)
    assert output.read_bytes() == b"".join(right)


def test_what_is_there_in_place_of_analyses_is_named(tmp_path, output):
    mine = write(tmp_path / "01.grib", JANUARY.times(6))
    mine.write_bytes(b"".join(changed(message, type="fc") for message in messages(mine, ask())))
    with pytest.raises(InputError, match="there is also divergence on level 120 with type fc, vorticity"):
        gather([mine], ask(), output)


def test_of_two_versions_of_a_field_none_is_chosen(tmp_path, output):
    mine = write(tmp_path / "01.grib", JANUARY.times(6))
    mine.write_bytes(mine.read_bytes() + changed(messages(mine, ask())[5], expver="0005"))
    with pytest.raises(InputError, match=r"T12 on level 120 is there more .*, with expver 0001 and 0005$"):
        gather([mine], ask(), output)


def test_a_message_of_several_fields_is_told(tmp_path):
    mine, both = write(tmp_path / "01.grib", JANUARY.times(6)), eccodes.codes_grib_multi_new()
    for message in messages(mine, ask())[:2]:
        field = eccodes.codes_new_from_message(changed(message, edition=2))
        eccodes.codes_grib_multi_append(field, 4, both)
    with open(tmp_path / "multi.grib", "wb") as stream:
        eccodes.codes_grib_multi_write(both, stream)
    for read in (grib.read_fields, grib.read_index):
        with pytest.raises(InputError, match=r"multi\.grib: message 1 holds several fields; expected one"):
            list(read(tmp_path / "multi.grib"))


def test_higher_degrees_are_dropped(tmp_path, output):
    mine = write(tmp_path / "01.grib", JANUARY.times(6), truncation=42)
    assert not gather([mine], ask(archive_truncation=42), output)
    for field in grib.read_fields(output):
        right = coefficients(field.variable, field.time, 42)
        assert np.abs(field.coefficients - right[right_places(42)]).max() < 5e-5 * np.abs(right).max()


def right_places(truncation):
    """Places of the degrees up to T, written out: m-major, n from m on."""
    return [n <= T for m in range(truncation + 1) for n in range(m, truncation + 1)]


def test_surface_pressure_is_taken_from_files_too(tmp_path, output):
    days = JANUARY.times(24)
    mine = write(tmp_path / "lnsp.grib", JANUARY.times(6), ["log_surface_pressure"], levels=(1,))
    gather([mine], ask(times=days, variables=["log_surface_pressure"], level=1), output)
    assert [field.time for field in grib.read_fields(output)] == list(days)


@pytest.mark.parametrize(
    ("lacking", "sentence"),
    [
        (slice(10, 13), "6 of 248 .* .divergence at 1979-01-03T12 to 1979-01-04T00, vorticity at"),
        (slice(120, None), "divergence at 1979-01-31T00 to 1979-01-31T18"),
        (slice(1, None, 2), "1979-01-01T06 and 1979-01-01T18 and 1979-01-02T06 and 59 more gaps"),
    ],
)  # fmt: skip
def test_gaps_within_a_day_are_named(tmp_path, output, lacking, sentence):
    mine = write(tmp_path / "01.grib", np.delete(JANUARY.times(6), lacking))
    with pytest.raises(InputError, match=sentence) as error:
        gather([mine], ask(), output)
    assert "every 6 h from 1979-01-01T00 to 1979-01-31T18" in str(error.value)
    assert str(mine) in str(error.value)
    assert not output.exists()


def test_another_level_is_named(tmp_path, output):
    mine = write(tmp_path / "01.grib", JANUARY.times(6), levels=(119,))
    with pytest.raises(
        InputError, match=r"248 of 248 fields are missing .* there is also divergence on level 119"
    ):
        gather([mine], ask(), output)


def test_a_field_that_is_there_twice_is_refused(tmp_path, output):
    files = [write(tmp_path / f"{name}.grib", JANUARY.times(6)) for name in "ab"]
    with pytest.raises(InputError, match=r"divergence at 1979-01-01T00 on level 120 is there more than once"):
        gather(files, ask(), output)


@pytest.mark.parametrize("linked", [True, False])
def test_a_day_of_another_month_is_refused_however_the_file_is_made(tmp_path, output, linked):
    times = JANUARY.times(6) if linked else Period.parse("1979-01-01_1979-02-02").times(6)

    def displaced(variable, time):
        shift = 960 if time.astype("datetime64[D]") == np.datetime64("1979-01-17") else 0
        return coefficients(variable, time - np.timedelta64(shift, "h"), T)

    fields = (Field(name, time, 120, displaced(name, time)) for time in times for name in VARIABLES)
    grib.write_fields(tmp_path / "mine.grib", fields)
    with pytest.raises(InputError, match="of 1979-01-17T00 to 1979-01-17T18 does not belong where it stands"):
        gather([tmp_path / "mine.grib"], ask(), output)
    assert not output.exists()


def test_a_field_out_of_bounds_is_refused_in_a_file_of_any_span(tmp_path, output):
    year = write(tmp_path / "1979.grib", Period.parse("1979-01-01_1979-02-02").times(6))
    with pytest.raises(InputError, match=r"root mean square of .* outside of"):
        gather([year], ask(bounds={"vorticity": (1e-3, 1)}), output)
