"""Download the fields of one period from ECMWF's archive and accept them if they are whole and right.

Writes the GRIB file as the archive serves it, and its SHA-256 in the form of ``sha256sum``.
"""

from functools import partial

from atmodist.core.files import write_checksum
from atmodist.core.job import job
from atmodist.core.periods import Period
from atmodist.core.retry import RetryPolicy
from atmodist.data.climate_data_store import mars_request, retrieve
from atmodist.data.grib import check
from atmodist.data.variables import plausible

params, output = snakemake.params, snakemake.output

with job(snakemake.log[0], f"{snakemake.rule} {params.period}") as log:
    times = Period.parse(params.period).times(params.step_hours)
    request = mars_request(times, params.variables, params.level, params.request)
    accept = partial(
        check,
        times=times,
        variables=params.variables,
        level=params.level,
        truncation=params.truncation,
        bounds=plausible(snakemake.config["data"].get("bounds")),
    )
    policy = RetryPolicy(**snakemake.config["data"]["download"]["retry"])
    retrieve(params.dataset, request, output.grib, accept, policy)
    write_checksum(output.grib, output.checksum)
    log.info("%d fields accepted", len(times) * len(params.variables))
