"""Link the GRIB file that the user has for one period, if it passes the checks that a download must pass.

Writes a symbolic link, and the SHA-256 of the file in the form of ``sha256sum``.
"""

from atmodist.core.files import replacing, write_checksum
from atmodist.core.job import job
from atmodist.core.periods import Period, find_file
from atmodist.data.grib import check
from atmodist.data.variables import plausible

params, output = snakemake.params, snakemake.output

with job(snakemake.log[0], f"{snakemake.rule} {params.period}") as log:
    period = Period.parse(params.period)
    times = period.times(params.step_hours)
    file = find_file(params.pattern, period).resolve()
    bounds = plausible(snakemake.config["data"].get("bounds"))
    check(file, times, params.variables, params.level, params.truncation, bounds)
    with replacing(output.grib) as partial:
        partial.symlink_to(file)
    write_checksum(output.grib, output.checksum)
    log.info("%s: %d fields accepted", file, len(times) * len(params.variables))
