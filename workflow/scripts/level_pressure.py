"""Measure the pressure of the configured model level: mean and standard deviation in hPa."""

from itertools import chain

from atmodist.files import write_json
from atmodist.grib import read_fields
from atmodist.job import job, progress
from atmodist.levels import pressure_statistics, read_coefficients

with job(snakemake.log[0], "level_pressure") as log:
    level = snakemake.params.level
    files = progress(snakemake.input.surface, "files")
    fields = chain.from_iterable(map(read_fields, files))
    statistics = pressure_statistics(fields, level, read_coefficients(snakemake.input.coefficients))
    statistics = {name: value / 100 for name, value in statistics.items()}
    write_json(snakemake.output.pressure, {"level": level, "unit": "hPa", **statistics})
    log.info("level %d is at %.1f ± %.1f hPa", level, statistics["mean"], statistics["std"])
