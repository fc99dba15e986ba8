"""GRIB files that the user has, of any span, as the file of a period."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from atmodist.core.errors import InputError
from atmodist.core.files import replacing
from atmodist.data import arrival
from atmodist.data.grib import Entry, check_field, decode, encode, listed, read_index
from atmodist.data.packed import truncated
from atmodist.data.variables import BY_PARAMETER


def gather(files: Sequence[Path], request: arrival.Request, output: str | Path) -> bool:
    """Make what ``request`` asks for out of ``files``; whether it is a link.

    A file that holds that and nothing else is linked. Otherwise the messages are copied as they are, or
    truncated, in the order of the request's places, and whatever else the files hold is passed over. Raises
    ``InputError`` if a field is missing, there twice, or not as it must be (`arrival`).
    """
    there, others = _places(files, request)
    wanted = {(variable, time) for variable, time in request.places}
    if missing := wanted - there.keys():
        raise InputError(
            f"{_names(files)}: {len(missing)} of {len(wanted)} fields are missing "
            f"({listed(((time, variable) for variable, time in missing), request.times)}); expected are "
            f"{' and '.join(request.variables)} on level {request.level} every {request.step_hours} h from "
            f"{request.times[0]} to {request.times[-1]}{others}"
        )
    if len(files) == 1 and not others and request.truncation == request.archive_truncation:
        arrival.check(files[0], request)
        with replacing(output) as partial:
            partial.symlink_to(files[0].resolve())
        return True
    with replacing(output) as partial, open(partial, "wb") as stream:
        for message in _accepted(there, request):
            stream.write(message)
    return False


def _places(files: Sequence[Path], request: arrival.Request) -> tuple[dict, str]:
    """(variable, time) → file and entry of what is asked; and, in words, what else the files hold."""
    wanted, there, others = set(request.places), {}, set()
    for file in files:
        for entry in read_index(file):
            row = BY_PARAMETER.get(entry.parameter)
            name = row.name if row else f"parameter {entry.parameter}"
            another = entry.kind or entry.level != request.level or name not in request.variables
            if another or (place := (name, entry.time)) not in wanted:
                of_kind = f" with {entry.kind}" if entry.kind else ""
                others.add(f"{name} on level {entry.level}{of_kind}")
            elif place in there:
                other, known = there[place]
                versions = {entry.version, known.version}
                different = f", with expver {' and '.join(sorted(versions))}" if len(versions) > 1 else ""
                raise InputError(
                    f"{name} at {entry.time} on level {entry.level} is there more than once, in {file} and "
                    f"in {other}{different}"
                )
            else:
                there[place] = file, entry
    some = ", ".join(sorted(others)[:4]) + (", …" if len(others) > 4 else "")
    return there, f"; there is also {some}" if others else ""


def _accepted(there: Mapping[tuple, tuple[Path, Entry]], request: arrival.Request) -> Iterator[bytes]:
    """Messages of the request's places, truncated if need be, after the same checks as `arrival.accepted`."""
    succession = request.succession()
    for place in request.places:
        file, entry = there[place]
        where = f"{file}: {place[0]} at {place[1]}"
        with open(file, "rb") as stream:
            stream.seek(entry.offset)
            message = stream.read(entry.length)
        field = decode(message, where)
        check_field(field, where, request.level, request.archive_truncation, request.bounds)
        succession.add(field)
        if request.truncation < request.archive_truncation:
            kept = truncated(field.coefficients, request.truncation)
            message = encode(replace(field, coefficients=kept), arrival.BITS)
        yield message
    succession.check(_names(sorted({file for file, _ in there.values()})))


def _names(files: Sequence[Path]) -> str:
    return str(files[0]) if len(files) == 1 else f"{files[0]} … {files[-1]} ({len(files)} files)"
