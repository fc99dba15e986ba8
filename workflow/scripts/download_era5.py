"""Download the fields of one period from ECMWF's archive and accept them if they are whole and right.

Writes the GRIB file as the archive serves it, and its SHA-256 in the form of ``sha256sum``.
"""

from functools import partial

from atmodist.archive import Patience, mars_request, retrieve
from atmodist.files import write_checksum
from atmodist.grib import check
from atmodist.job import job
from atmodist.periods import Period

params, output = snakemake.params, snakemake.output

start, end, step_hours = params.times.values()
period = Period.between(start, end)

with job(snakemake.log[0], f"download_era5 {period.name}") as log:
    times = period.times(step_hours)
    request = mars_request(times, params.variables, params.level, params.request)
    accept = partial(
        check,
        times=times,
        variables=params.variables,
        level=params.level,
        truncation=params.truncation,
        bounds=params.bounds,
    )
    retrieve(params.dataset, request, output.grib, accept, Patience(**params.patience))
    write_checksum(output.grib, output.checksum)
    log.info("%d fields accepted", len(times) * len(params.variables))
