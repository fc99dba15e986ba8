"""Measure the pressure of the configured model level, in hPa.

Writes level_pressure.nc, its mean and mean square over the sphere at each time, and level_pressure.json, its
mean and standard deviation over the times, too.
"""

from atmodist.core.files import write_json
from atmodist.core.job import job, progress
from atmodist.data.grib import read_verified
from atmodist.data.levels import pressure_series, pressure_statistics, read_coefficients

with job(snakemake.log[0], "level_pressure") as log:
    from atmodist.core import netcdf

    level = snakemake.params.level
    files = progress(snakemake.input.surface, "files")
    fields = read_verified(files, snakemake.input.checksums)
    series = pressure_series(fields, level, read_coefficients(snakemake.input.coefficients))
    netcdf.write(snakemake.output.series, series)
    statistics = pressure_statistics(series)
    write_json(snakemake.output.pressure, {"level": level, "unit": "hPa", **statistics})
    log.info("level %d is at %.1f ± %.1f hPa", level, statistics["mean"], statistics["std"])
