"""Spectral fields in GRIB files: read and written in a stream, and validated on arrival.

The process that imports this must not load pyproj or cartopy afterwards: their wheels and that of ecCodes
end in a double free. None of them is a dependency of this project.
"""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import eccodes
import numpy as np

from atmodist.core.errors import InputError
from atmodist.core.files import replacing, require_file, verify
from atmodist.core.periods import spans
from atmodist.data.packed import truncation_of
from atmodist.data.variables import BY_PARAMETER, VARIABLES

EXPECTED = {"gridType": "sh", "typeOfLevel": "hybrid", "type": "an", "stream": "oper"}
MEANINGS = {
    "sh": "spectral coefficients",
    "hybrid": "a model level",
    "an": "an analysis",
    "oper": "the deterministic stream",
}


@dataclass(frozen=True)
class Field:
    """One field on one model level at one time, as GRIB stores it.

    ``coefficients`` is complex128 of length (T+1)(T+2)/2, m-major (m = 0: n = 0…T; m = 1: n = 1…T; …), in
    ECMWF's normalisation ½∫P²dμ = 1 without Condon–Shortley phase; ``time`` is a ``datetime64[h]``.
    """

    variable: str
    time: np.datetime64
    level: int
    coefficients: np.ndarray

    @property
    def truncation(self) -> int:
        """T of the triangular truncation."""
        return truncation_of(len(self.coefficients))

    @property
    def root_mean_square(self) -> float:
        """Root mean square over the sphere (Parseval), in the units of the variable."""
        power = np.abs(self.coefficients) ** 2
        return float(np.sqrt(2 * power.sum() - power[: self.truncation + 1].sum()))


@dataclass(frozen=True)
class Entry:
    """What the header of a GRIB message says, and where in its file the message lies."""

    parameter: int
    level: int
    kind: str
    """What it has that no spectral analysis on a model level has, e.g. "type fc"; else nothing."""
    version: str
    """ECMWF's version of the experiment, ``expver``, where the message says one."""
    date: int
    clock: int
    offset: int
    length: int
    where: str

    @property
    def time(self) -> np.datetime64:
        """When the field is valid (datetime64[h]); ``InputError`` unless that is a full hour."""
        return _time(self.date, self.clock, self.where)


def read_fields(path: str | Path) -> Iterator[Field]:
    """Yield the fields of a GRIB file (edition 1 or 2) one by one, in the order of the file.

    Raises ``InputError`` at a message that is cut, damaged or of several fields, at bytes between or behind
    messages, at a field that is not spectral with a triangular truncation, at an unknown parameter, at
    anything but analyses of the deterministic stream on model levels, and at a time that is not a full hour.
    """
    for message, where in _messages(path):
        yield _decode(message, where)


def read_index(path: str | Path) -> Iterator[Entry]:
    """Yield what the headers of a GRIB file say, whatever its fields are; the values are passed over.

    Raises ``InputError`` at a message that is cut or of several fields, and at bytes between or behind
    messages.
    """
    for message, where in _messages(path, headers_only=True):
        try:
            yield Entry(
                eccodes.codes_get(message, "paramId"),
                eccodes.codes_get(message, "level"),
                " ".join(_other_kind(message)),
                _said(message, "expver"),
                eccodes.codes_get(message, "validityDate"),
                eccodes.codes_get(message, "validityTime"),
                eccodes.codes_get(message, "offset", int),
                eccodes.codes_get(message, "totalLength"),
                where,
            )
        except eccodes.CodesInternalError as error:
            raise InputError(f"{where} cannot be read ({error})") from None


def _messages(path: str | Path, headers_only: bool = False) -> Iterator[tuple[int, str]]:
    """Each message of a file as ecCodes' handle, and where it is in words."""
    require_file(path)  # it may have been deleted since its checksum was compared
    with open(path, "rb") as stream:
        end, number = 0, 0
        while True:
            number += 1
            try:
                message = eccodes.codes_grib_new_from_file(stream, headers_only)
            except eccodes.CodesInternalError as error:
                raise InputError(f"{path}: message {number} is cut or damaged ({error})") from None
            if message is None:
                break
            try:
                begin = eccodes.codes_get(message, "offset", int)
                if begin < end:
                    raise InputError(
                        f"{path}: message {number - 1} holds several fields; expected one, as in what "
                        "ecCodes' grib_copy makes of the file"
                    )
                if begin != end:
                    raise InputError(f"{path}: {begin - end} bytes before message {number} are not GRIB")
                end = begin + eccodes.codes_get(message, "totalLength")
                yield message, f"{path}: message {number}"
            except eccodes.CodesInternalError as error:
                raise InputError(f"{path}: message {number} cannot be decoded ({error})") from None
            finally:
                eccodes.codes_release(message)
    if size := os.path.getsize(path) - end:
        raise InputError(
            f"{path}: the last {size} bytes are not GRIB; the file is cut or has something appended"
        )


def read_verified(paths: Iterable[str | Path], checksums: Iterable[str | Path]) -> Iterator[Field]:
    """Yield the fields of files that still have the SHA-256 that ``checksums`` hold, else ``InputError``."""
    for path, checksum in zip(paths, checksums, strict=True):
        verify(path, checksum)
        yield from read_fields(path)


def _decode(message: int, where: str) -> Field:
    try:
        if other := _other_kind(message):
            key, found = other
            raise InputError(
                f"{where} has {key} {found}; expected {EXPECTED[key]}, {MEANINGS[EXPECTED[key]]}"
            )
        parameter = eccodes.codes_get(message, "paramId")
        if parameter not in BY_PARAMETER:
            name = eccodes.codes_get(message, "name")
            known = ", ".join(f"{row.parameter} ({row.name})" for row in BY_PARAMETER.values())
            raise InputError(f"{where} holds parameter {parameter} ({name}); expected one of {known}")
        truncations = tuple(eccodes.codes_get(message, key) for key in "JKM")
        if len(set(truncations)) > 1:
            raise InputError(f"{where} has J, K, M = {truncations}, not a triangular truncation")
        _check_packing(message, truncations[0], where)
        values = eccodes.codes_get_values(message)
        return Field(
            BY_PARAMETER[parameter].name,
            _time(*(eccodes.codes_get(message, key) for key in ("validityDate", "validityTime")), where),
            eccodes.codes_get(message, "level"),
            values.view(complex),
        )
    except eccodes.CodesInternalError as error:
        raise InputError(f"{where} cannot be decoded ({error})") from None


def _said(message: int, key: str) -> str:
    """What a message says, nothing where it has no section of ECMWF's own."""
    return eccodes.codes_get(message, key, str) if eccodes.codes_is_defined(message, key) else ""


def _other_kind(message: int) -> tuple[str, str] | tuple[()]:
    """The first key that is other than `EXPECTED`, and what it is."""
    said = ((key, _said(message, key), expected) for key, expected in EXPECTED.items())
    return next(((key, found) for key, found, expected in said if found not in ("", expected)), ())


def _check_packing(message: int, truncation: int, where: str) -> None:
    """Refuse what would make ecCodes read or write beyond its memory, which ends the process."""
    bits = eccodes.codes_get(message, "bitsPerValue")
    if not 1 <= bits <= 32:
        raise InputError(f"{where} has {bits} bits per value; expected at most 32")
    size, found = (truncation + 1) * (truncation + 2), eccodes.codes_get(message, "numberOfValues")
    if found != size:
        raise InputError(f"{where} holds {found} numbers; expected {size} at T{truncation}")


def _time(date: int, time: int, where: str) -> np.datetime64:
    day = f"{date // 10000:04d}-{date // 100 % 100:02d}-{date % 100:02d}"
    try:
        found = np.datetime64(f"{day}T{time // 100:02d}:{time % 100:02d}")
    except ValueError:
        raise InputError(f"{where} is valid on {date} at {time:04d}, which is not a time") from None
    if time % 100:
        raise InputError(f"{where} is valid at {found}; expected full hours")
    return found.astype("datetime64[h]")


def write_fields(path: str | Path, fields: Iterable[Field], bits: int = 16) -> None:
    """Write ``fields`` in a stream, packed and labelled as ERA5 is: spectral, complex packing.

    Degrees up to 20 are kept in 32 bits, the others in ``bits`` bits: relative error 3e-5 at 16 bits. Edition
    1 has no room for the vertical coordinate of 137 levels (``pv``), which ERA5 carries in edition 2. The
    file appears whole or not at all.
    """
    with replacing(path) as partial, open(partial, "wb") as stream:
        stream.writelines(encode(field, bits) for field in fields)


def encode(field: Field, bits: int) -> bytes:
    """The GRIB message that `write_fields` writes for ``field``; all of one truncation are equally long.

    Bits that are no multiple of 8 are refused: ecCodes 2.50 writes beyond its memory with some of them.
    """
    if bits % 8:
        raise InputError(f"{bits} bits per value found; expected a multiple of 8")
    time = field.time.astype("datetime64[h]").item()
    keys = {
        "class": "ea",
        "stream": "oper",
        "type": "an",
        "expver": "0001",
        "paramId": VARIABLES[field.variable].parameter,
        "typeOfLevel": "hybrid",
        "level": field.level,
        "dataDate": int(f"{time:%Y%m%d}"),
        "dataTime": time.hour * 100,
        **dict.fromkeys("JKM", field.truncation),
        **dict.fromkeys(("JS", "KS", "MS"), min(20, field.truncation)),
        "bitsPerValue": bits,
    }
    message = eccodes.codes_grib_new_from_samples("sh_pl_grib1")
    try:
        for key, value in keys.items():
            eccodes.codes_set(message, key, value)
        eccodes.codes_set_values(message, np.ascontiguousarray(field.coefficients, complex).view(float))
        return eccodes.codes_get_message(message)
    finally:
        eccodes.codes_release(message)


def decode(message: bytes, where: str) -> Field:
    """The field of one GRIB message; ``where`` it is from begins the sentence of an ``InputError``."""
    try:
        handle = eccodes.codes_new_from_message(message)
    except eccodes.CodesInternalError as error:
        raise InputError(f"{where} is no GRIB message ({error})") from None
    try:
        return _decode(handle, where)
    finally:
        eccodes.codes_release(handle)


def check_field(
    field: Field,
    where: str,
    level: int,
    truncation: int,
    bounds: Mapping[str, tuple[float, float]],
) -> None:
    """Refuse a field that is on another level or truncation, not finite, or of an implausible size.

    ``bounds`` of a variable are those of its root mean square over the sphere. Raises ``InputError``, a
    sentence that begins with ``where``.
    """
    if field.level != level:
        raise InputError(f"{where} is on level {field.level}, not on level {level}")
    if field.truncation != truncation:
        raise InputError(
            f"{where} has truncation T{field.truncation}, not T{truncation} as data.archive_truncation or, "
            "without it, data.truncation says"
        )
    if not np.isfinite(field.coefficients).all():
        raise InputError(f"{where} holds values that are not finite")
    if field.variable in bounds:
        low, high = bounds[field.variable]
        if not low <= (size := field.root_mean_square) <= high:
            raise InputError(f"{where} has a root mean square of {size:.3g}, outside of {low:g} … {high:g}")


def checked_fields(
    path: str | Path,
    times: np.ndarray,
    variables: Sequence[str],
    level: int,
    truncation: int,
    bounds: Mapping[str, tuple[float, float]] | None = None,
    skip_others: bool = False,
) -> Iterator[Field]:
    """Yield the fields of a file that holds each of ``variables`` exactly once at each of ``times``.

    And nothing else; every field on ``level`` with ``truncation``, finite, and with a root mean square over
    the sphere within ``bounds[variable]``. Anything else raises ``InputError``: a wrong field in its place, a
    field too few or too many after the last. With ``skip_others``, fields of variables that are not asked for
    are passed over: a file that another experiment accepted may hold more of them.
    """
    bounds, seen = bounds or {}, Counter()
    for field in read_fields(path):
        if skip_others and field.variable not in variables:
            continue
        check_field(field, f"{path}: {field.variable} at {field.time}", level, truncation, bounds)
        seen[field.time, field.variable] += 1
        yield field
    expected = {(time, variable) for time in np.asarray(times, "datetime64[h]") for variable in variables}
    faults = {
        "missing": expected - seen.keys(),
        "unexpected": seen.keys() - expected,
        "there more than once": {key for key, count in seen.items() if count > 1},
    }
    for fault, keys in faults.items():
        if keys:
            raise InputError(
                f"{path}: {len(keys)} fields are {fault} ({listed(keys, times)}); expected are "
                f"{len(expected)}, {' and '.join(variables)} at {len(times)} times from {times[0]} "
                f"to {times[-1]}"
            )


def listed(keys: Iterable[tuple[np.datetime64, str]], times: np.ndarray) -> str:
    """(time, variable) of fields in words, neighbours among the regular ``times`` as a span."""
    step = np.diff(times).min() if len(times) > 1 else np.timedelta64(24, "h")
    by_variable = {}
    for time, variable in sorted(keys):
        by_variable.setdefault(variable, []).append(time)
    return ", ".join(f"{variable} at {spans(found, step)}" for variable, found in by_variable.items())
