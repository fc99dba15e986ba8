"""Download the fields of one period from ECMWF's archive and accept them if they are whole and right.

Writes the GRIB file as the archive serves it, or truncated, and its SHA-256 in the form of ``sha256sum``.
"""

from functools import partial

from atmodist.core.files import publish
from atmodist.core.job import job
from atmodist.core.retry import RetryPolicy
from atmodist.data.arrival import Request, check, truncate
from atmodist.data.climate_data_store import mars_request, retrieve

params, output, data = snakemake.params, snakemake.output, snakemake.config["data"]

with job(snakemake.log[0], f"{snakemake.rule} {params.period}") as log:
    request = Request.of(params, data)
    question = mars_request(request.times, request.variables, request.level, params.request)
    policy, accept = RetryPolicy(**data["download"]["retry"]), partial(check, request=request)

    def finish(part, path):
        """Truncate the file if need be, and move it where it is to be once its checksum is there."""
        if request.truncation < request.archive_truncation:
            whole, part = part, part.with_suffix(".truncated")
            truncate(whole, request, part)
        publish(part, path, output.checksum)

    retrieve(params.dataset, question, output.grib, accept, policy, finish)
    log.info("%d fields accepted", len(request.places))
