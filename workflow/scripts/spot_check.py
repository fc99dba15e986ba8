"""Compare a few times of the configured source with another archive: spot_check.csv.

A row for each variable and degree: the difference in the variable's unit and in parts of the field's own root
mean square at that degree, at the time when the latter is the largest.
"""

import csv
import shutil
from dataclasses import asdict, fields
from pathlib import Path

from atmodist.core.files import replacing
from atmodist.core.job import job

with job(snakemake.log[0], "spot_check") as log:
    from atmodist.data.archives import fetch
    from atmodist.data.arrival import Request
    from atmodist.data.grib import read_fields
    from atmodist.data.spot_check import Difference, differences, spread_over
    from atmodist.data.variables import plausible

    params, data = snakemake.params, snakemake.config["data"]
    request = Request(
        spread_over(params.days, params.times),
        params.variables,
        params.level,
        params.archive_truncation,
        params.archive_truncation,
        plausible(data.get("bounds")),
        None,
    )
    # What is there of a run that was stopped, a request in the archive's queue above all, is gone on with.
    folder = Path(snakemake.output.table).parent / ".spot_check"
    folder.mkdir(exist_ok=True)
    paths = [folder / f"{source}.grib" for source in (params.source, params.against)]
    for source, path in zip((params.source, params.against), paths, strict=True):
        log.info("%d fields from %s", len(request.places), source)
        fetch(source, request, data, path)
    found = list(differences(*map(read_fields, paths)))
    with replacing(snakemake.output.table) as partial, open(partial, "w", newline="") as stream:
        writer = csv.DictWriter(stream, [column.name for column in fields(Difference)])
        writer.writeheader()
        writer.writerows(map(asdict, found))
    shutil.rmtree(folder)
    worst = max(found, key=lambda each: each.relative)
    log.info(
        "%s and %s differ at most at degree %d of %s at %s, by %.2g of what there is of it",
        *(params.source, params.against, worst.degree, worst.variable, worst.time, worst.relative),
    )
