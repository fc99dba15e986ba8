"""Download the fields of one period from ECMWF's archive and accept them if they are whole and right.

Writes the GRIB file as the archive serves it, or truncated, and its SHA-256 in the form of ``sha256sum``.
"""

import os
from functools import partial

from atmodist.core.files import write_checksum
from atmodist.core.job import job
from atmodist.core.retry import RetryPolicy
from atmodist.data.arrival import Request, check, truncate
from atmodist.data.climate_data_store import mars_request, retrieve

params, output, data = snakemake.params, snakemake.output, snakemake.config["data"]

with job(snakemake.log[0], f"{snakemake.rule} {params.period}") as log:
    request = Request.of(params, data)
    question = mars_request(request.times, request.variables, request.level, params.request)
    policy, accept = RetryPolicy(**data["download"]["retry"]), partial(check, request=request)
    as_served = request.truncation == request.archive_truncation
    finish = os.replace if as_served else lambda part, path: truncate(part, request, path)
    retrieve(params.dataset, question, output.grib, accept, policy, finish)
    write_checksum(output.grib, output.checksum)
    log.info("%d fields accepted", len(request.places))
