"""Link the GRIB file that the user has for one period, if it passes the checks that a download must pass.

Where there are files of another span, or coefficients are to be truncated, write the period's own file.
Writes the SHA-256 in the form of ``sha256sum``, too.
"""

from atmodist.core.files import write_checksum
from atmodist.core.job import job
from atmodist.core.periods import Period, find_files
from atmodist.data.arrival import Request
from atmodist.data.own_files import gather

params, output = snakemake.params, snakemake.output

with job(snakemake.log[0], f"{snakemake.rule} {params.period}") as log:
    request = Request.of(params, snakemake.config["data"])
    files = find_files(params.pattern, Period.parse(params.period))
    linked = gather(files, request, output.grib)
    write_checksum(output.grib, output.checksum)
    done = "linked" if linked else "copied from"
    log.info("%d fields accepted, %s %s", len(request.places), done, ", ".join(map(str, files[:3])))
