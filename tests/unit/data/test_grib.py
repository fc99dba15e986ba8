import subprocess
import sys
from dataclasses import replace

import eccodes
import numpy as np
import psutil
import pyshtools as pysh
import pytest

from atmodist.core.errors import InputError
from atmodist.core.files import write_checksum
from atmodist.core.periods import Period
from atmodist.data.grib import Field, checked_fields, read_fields, read_verified, write_fields

TIMES = Period.parse("1979-02-28_1979-03-01").times(12)
VARIABLES = ["divergence", "vorticity"]
T = 31


def coefficients(seed=0, truncation=T, size=5e-5):
    """Random coefficients with a falling spectrum and the root mean square ``size``."""
    random = np.random.default_rng(seed)
    degrees = np.concatenate([np.arange(m, truncation + 1) for m in range(truncation + 1)])
    a = (random.normal(size=len(degrees)) + 1j * random.normal(size=len(degrees))) / (1 + degrees)
    a[: truncation + 1].imag = 0
    return a * size / Field("", None, 0, a).root_mean_square


def fields():
    return [
        Field(variable, time, 120, coefficients(seed))
        for seed, (time, variable) in enumerate((time, variable) for time in TIMES for variable in VARIABLES)
    ]


@pytest.fixture
def path(tmp_path):
    write_fields(tmp_path / "period.grib", fields())
    return tmp_path / "period.grib"


def checked(path, **changes):
    arguments = {"times": TIMES, "variables": VARIABLES, "level": 120, "truncation": T} | changes
    for _ in checked_fields(path, **arguments):
        pass


def refused(path, sentence, **changes):
    with pytest.raises(InputError, match=sentence) as error:
        checked(path, **changes)
    assert str(path) in str(error.value)


def test_what_was_written_is_read_within_the_precision_of_16_bits(path):
    for written, found in zip(fields(), read_fields(path), strict=True):
        assert (found.variable, found.time, found.level) == (written.variable, written.time, written.level)
        assert found.time.dtype == "datetime64[h]"
        error = np.linalg.norm(found.coefficients - written.coefficients)
        assert error < 5e-5 * np.linalg.norm(written.coefficients)


def test_the_file_says_what_eras_archive_says(path):
    expected = {
        "edition": 1, "centre": "ecmf", "class": "ea", "stream": "oper", "type": "an", "expver": "0001",
        "levtype": "ml", "typeOfLevel": "hybrid", "level": 120, "table2Version": 128, "shortName": "vo",
        "dataDate": 19790228, "dataTime": 1200, "stepRange": "0", "gridType": "sh", "J": T, "K": T, "M": T,
        "JS": 20, "packingType": "spectral_complex", "bitsPerValue": 16,
    }  # fmt: skip
    with open(path, "rb") as stream:
        message = [eccodes.codes_grib_new_from_file(stream) for _ in range(4)][-1]
    found = {key: eccodes.codes_get(message, key, type(value)) for key, value in expected.items()}
    assert found == expected


def test_root_mean_square_is_that_of_the_field_on_the_sphere():
    """Against a sum over a grid: method of pyshtools, which knows nothing of GRIB."""
    a, m = coefficients(), np.concatenate([np.full(T + 1 - m, m) for m in range(T + 1)])
    n = np.concatenate([np.arange(m, T + 1) for m in range(T + 1)])
    cilm = np.zeros((2, T + 1, T + 1))
    cilm[0, n, m] = np.where(m > 0, np.sqrt(2), 1) * a.real
    cilm[1, n, m] = -np.sqrt(2) * a.imag * (m > 0)
    nodes, weights = pysh.expand.SHGLQ(T)
    grid = pysh.expand.MakeGridGLQ(cilm, zero=nodes)[:, : 2 * T + 1]
    assert Field("", None, 0, a).root_mean_square == pytest.approx(
        np.sqrt(weights @ (grid**2).mean(1) / 2), rel=1e-12
    )


def test_truncation_follows_from_the_number_of_coefficients():
    for truncation in (*range(1, 200), 639, 1279):
        packed = np.empty((truncation + 1) * (truncation + 2) // 2)
        assert Field("", None, 0, packed).truncation == truncation


def test_a_good_file_passes_in_any_order_of_fields(tmp_path):
    write_fields(tmp_path / "x.grib", reversed(fields()))
    checked(tmp_path / "x.grib", bounds={"vorticity": (4e-5, 6e-5), "divergence": (4e-5, 6e-5)})


def test_grib_2_is_read_too(path, tmp_path):
    with open(path, "rb") as stream, open(tmp_path / "2.grib", "wb") as converted:
        while message := eccodes.codes_grib_new_from_file(stream):
            eccodes.codes_set(message, "edition", 2)
            eccodes.codes_write(message, converted)
    checked(tmp_path / "2.grib")


def test_vertical_coordinates_as_era5_carries_them_change_nothing(path, tmp_path):
    """ERA5's model levels come in edition 2, each message with a and b of all 138 half levels."""
    plain, whole = tmp_path / "plain.grib", tmp_path / "with pv.grib"
    with open(path, "rb") as source, open(plain, "wb") as without, open(whole, "wb") as complete:
        while message := eccodes.codes_grib_new_from_file(source):
            eccodes.codes_set(message, "edition", 2)
            eccodes.codes_write(message, without)
            eccodes.codes_set(message, "PVPresent", 1)
            eccodes.codes_set_double_array(message, "pv", np.linspace(0, 1e4, 2 * 138))
            eccodes.codes_write(message, complete)
            eccodes.codes_release(message)
    assert whole.stat().st_size == plain.stat().st_size + 8 * 4 * 2 * 138
    checked(whole)
    for expected, found in zip(read_fields(plain), read_fields(whole), strict=True):
        assert (found.variable, found.time, found.level) == (expected.variable, expected.time, expected.level)
        assert np.array_equal(found.coefficients, expected.coefficients)


def test_every_cut_is_noticed(path, tmp_path):
    whole, part = path.read_bytes(), tmp_path / "cut.grib"
    message = len(whole) // 8
    for size in (0, 1, 3, 9, 40, message - 1, message, message + 1, 5 * message - 4, len(whole) - 1):
        part.write_bytes(whole[:size])
        refused(part, "are missing" if size % message == 0 else "cut|not GRIB")


def test_bytes_that_are_no_grib_are_noticed(path):
    whole = path.read_bytes()
    message = len(whole) // 8
    path.write_bytes(b"<html>" + whole)
    refused(path, "6 bytes before message 1 are not GRIB")
    path.write_bytes(whole[:message] + b"\n" + whole[message:])
    refused(path, "1 bytes before message 2 are not GRIB")
    path.write_bytes(whole + b"\0" * 8)
    refused(path, "the last 8 bytes are not GRIB")
    path.write_bytes(whole[: message - 100] + whole[message:])
    refused(path, "message 1 is cut or damaged")


def test_missing_unexpected_and_repeated_fields_are_counted(path, tmp_path):
    more = Period.parse("1979-02-28_1979-03-03").times(12)
    gap = r"\(divergence at 1979-03-02T00 to 1979-03-03T12, vorticity at .*\)"
    refused(path, f"8 fields are missing {gap}; expected are 16", times=more)
    refused(path, r"4 fields are unexpected \(vorticity at 1979-02-28T00", variables=["divergence"])
    refused(path, r"2 fields are unexpected \(divergence at 1979-03-01T12", times=TIMES[:3])
    write_fields(tmp_path / "twice.grib", [*fields(), *fields()[2:3]])
    refused(tmp_path / "twice.grib", r"1 fields are there more than once \(divergence at 1979-02-28T12\)")


def test_fields_of_other_variables_are_passed_over_where_that_is_asked(path):
    found = list(checked_fields(path, TIMES, ["vorticity"], 120, T, skip_others=True))
    assert [(field.variable, field.time) for field in found] == [("vorticity", time) for time in TIMES]
    refused(path, "4 fields are missing", variables=["log_surface_pressure"], skip_others=True)
    refused(path, "2 fields are unexpected", variables=["vorticity"], times=TIMES[:2], skip_others=True)


def test_a_wrong_level_truncation_or_size_is_told(path):
    refused(path, "divergence at 1979-02-28T00 is on level 120, not on level 119", level=119)
    refused(path, r"has truncation T31, not T639 as data\.archive_truncation or", truncation=639)
    refused(path, "vorticity .* has a root mean square of 5e-05, outside", bounds={"vorticity": (1e-4, 1e-3)})


def rewritten(path, **keys):
    """Set keys of the first message of a file."""
    whole = path.read_bytes()
    size = len(whole) // 8
    message = eccodes.codes_new_from_message(whole[:size])
    for key, value in keys.items():
        eccodes.codes_set(message, key, value)
    path.write_bytes(eccodes.codes_get_message(message) + whole[size:])


def test_an_unknown_parameter_is_named(path):
    rewritten(path, paramId=130)
    refused(path, r"message 1 holds parameter 130 \(Temperature\)")


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        (
            {"typeOfLevel": "isobaricInhPa", "level": 120},
            "has typeOfLevel isobaricInhPa; expected hybrid",
        ),
        ({"type": "fc"}, "has type fc; expected an, an analysis"),
        ({"stream": "enda"}, "has stream enda; expected oper, the deterministic stream"),
        ({"dataTime": 30}, "message 1 is valid at 1979-02-28T00:30; expected full hours"),
        ({"dataTime": 1159}, "valid at 1979-02-28T11:59; expected full hours"),
    ],
)
@pytest.mark.parametrize("edition", [1, 2])
def test_fields_that_are_intact_but_other_than_asked_for_are_refused(path, keys, sentence, edition):
    rewritten(path, edition=edition, **keys)
    refused(path, sentence)


@pytest.mark.parametrize("edition", [1, 2])
def test_a_flipped_bit_in_a_header_changes_nothing_or_is_refused(path, edition):
    """Also where ecCodes left to itself would write beyond its memory and end the process.

    A flip in the values can pass for weather; that is what the SHA-256 is for.
    """
    write_fields(path, fields()[:1])
    message = eccodes.codes_new_from_message(path.read_bytes())
    eccodes.codes_set(message, "edition", edition)
    whole = eccodes.codes_get_message(message)
    section = eccodes.codes_get(message, "offsetSection4" if edition == 1 else "offsetSection7")
    for bit in np.random.default_rng(edition).choice(8 * (section + 15), 400, replace=False):
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        try:
            checked(path, times=TIMES[:1], variables=["divergence"], bounds={"divergence": (4e-5, 6e-5)})
            told = f"{path} is accepted"
        except InputError as error:
            told = str(error)
        assert told.startswith(str(path))
        assert len(told.splitlines()) == 1


def test_files_are_read_only_while_they_have_their_checksum(path):
    checksum = path.with_suffix(".sha256")
    write_checksum(path, checksum)
    assert len(list(read_verified([path], [checksum]))) == 8
    whole = bytearray(path.read_bytes())
    whole[len(whole) // 2] ^= 1
    path.write_bytes(whole)
    with pytest.raises(InputError, match=f"{path} is not the file whose SHA-256 {checksum} holds"):
        next(read_verified([path], [checksum]))
    for text in (b"", b"\xff"):
        checksum.write_bytes(text)
        with pytest.raises(InputError, match=f"{checksum} cannot be read .* expected the SHA-256 of {path}"):
            next(read_verified([path], [checksum]))


def test_fields_on_a_grid_are_refused(tmp_path):
    (tmp_path / "grid.grib").write_bytes(
        eccodes.codes_get_message(eccodes.codes_grib_new_from_samples("reduced_gg_ml_grib1"))
    )
    refused(tmp_path / "grid.grib", "message 1 has gridType reduced_gg; expected sh, spectral")


def test_values_that_are_not_finite_are_refused(path):
    whole = bytearray(path.read_bytes())
    scale = eccodes.codes_get(eccodes.codes_new_from_message(bytes(whole)), "offsetSection4") + 4
    whole[scale : scale + 2] = b"\x7f\xff"  # a binary scale factor of 32767
    path.write_bytes(whole)
    refused(path, "divergence at 1979-02-28T00 holds values that are not finite")


def test_a_failed_write_leaves_the_old_file(path):
    before = path.read_bytes()

    def broken():
        yield fields()[0]
        raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        write_fields(path, broken())
    assert path.read_bytes() == before
    assert [path] == list(path.parent.iterdir())


def test_a_process_holds_few_fields_at_a_time(tmp_path):
    """200 fields of T255 are 105 MB as numbers and 26 MB as messages."""
    field = Field("vorticity", TIMES[0], 120, coefficients(truncation=255))
    memory = psutil.Process().memory_info
    before = memory().rss
    write_fields(tmp_path / "many.grib", (replace(field, time=TIMES[0] + hour) for hour in range(200)))
    assert sum(1 for _ in read_fields(tmp_path / "many.grib")) == 200
    assert memory().rss - before < 15e6


@pytest.mark.parametrize(
    "order", ["eccodes pyshtools matplotlib.pyplot", "pyshtools matplotlib.pyplot eccodes"]
)
def test_a_process_that_reads_grib_and_transforms_ends_cleanly(order):
    """pyproj and ecCodes in one process end in a double free at exit; neither may come in by a back door."""
    code = f"import sys, {order.replace(' ', ', ')}; assert 'pyproj' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_a_file_that_is_gone_is_named(tmp_path):
    with pytest.raises(InputError, match=r"gone\.grib cannot be read \(No such file or directory\)"):
        next(read_fields(tmp_path / "gone.grib"))
