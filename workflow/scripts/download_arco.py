"""Download the fields of one period from the public cloud copy of ERA5 and accept them if they are right.

Writes them as GRIB, and its SHA-256 in the form of ``sha256sum``.
"""

from functools import partial

from atmodist.core.files import publish
from atmodist.core.job import job
from atmodist.core.retry import RetryPolicy
from atmodist.data.arco_download import download
from atmodist.data.arrival import Request

params, output, data = snakemake.params, snakemake.output, snakemake.config["data"]

with job(snakemake.log[0], f"{snakemake.rule} {params.period}") as log:
    request, settings = Request.of(params, data), data["arco"]
    policy = RetryPolicy(**settings["retry"])
    move = partial(publish, checksum=output.checksum)
    download(params.address, request, output.grib, settings["concurrency"], policy, move)
    log.info("%d fields accepted", len(request.places))
