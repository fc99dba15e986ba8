"""Every archive by one call: a few fields of whichever source, for comparing one with another."""

from collections.abc import Mapping
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from atmodist.core.errors import InputError
from atmodist.core.periods import Period, find_files, months
from atmodist.core.retry import RetryPolicy
from atmodist.data.arco_download import download
from atmodist.data.arrival import Request, check
from atmodist.data.climate_data_store import mars_request, retrieve
from atmodist.data.own_files import gather


def fetch(source: str, request: Request, data: Mapping[str, Any], path: Path) -> None:
    """Write what ``request`` asks of ``source`` (arco, era5 or files) to a GRIB file.

    ``data`` is that section of the config. Raises ``InputError`` as the sources do, and if there is no such
    archive.
    """
    match source:
        case "arco":
            settings = data["arco"]
            policy = RetryPolicy(**settings["retry"])
            download(settings["wind"], request, path, settings["concurrency"], policy)
        case "era5":
            settings = data["download"]
            question = mars_request(request.times, request.variables, request.level, settings["request"])
            accept, policy = partial(check, request=request), RetryPolicy(**settings["retry"])
            retrieve(settings["dataset"], question, path, accept, policy)
        case "files":
            days = sorted({time.item().date() for time in request.times})
            found = (find_files(data["files"]["pattern"], _period(day, data), [day]) for day in days)
            gather(list(dict.fromkeys(file for files in found for file in files)), request, path)
        case _:
            raise InputError(f"{source} is no archive; expected arco, era5 or files")


def _period(day: date, data: Mapping[str, Any]) -> Period:
    """The month of a split that holds ``day``; the first and the last may be parts of one."""
    splits = (data[split] for split in ("train", "validation", "eval") if split in data)
    periods = (period for split in splits for period in months(split["start"], split["end"]))
    return next(each for each in periods if each.start <= day <= each.end)
