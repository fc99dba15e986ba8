"""Put one period of spectral coefficients on the Driscoll-Healy grid: grid/{period}.h5."""

from time import perf_counter

from atmodist.core.job import job, progress

with job(snakemake.log[0], f"grid_fields {snakemake.wildcards.period}") as log:
    from atmodist.core.files import verify
    from atmodist.core.periods import Period
    from atmodist.data import grib, points, spectral, store

    params = snakemake.params
    verify(snakemake.input.grib, snakemake.input.checksum)
    times = Period.parse(snakemake.wildcards.period).times(params.step_hours)
    grid = points.grid_truncation(params.truncation)
    coefficients = grib.checked_fields(
        snakemake.input.grib,
        times,
        params.variables,
        params.level,
        params.truncation,
        skip_others=True,  # experiments with other variables share coefficients by links
    )
    grids = (
        (field.variable, field.time, spectral.synthesise_packed(field.coefficients, grid))
        for field in coefficients
    )
    began, count = perf_counter(), len(params.variables) * len(times)
    store.write_fields(
        snakemake.output.fields,
        params.variables,
        times,
        spectral.latitudes(grid),
        spectral.longitudes(grid),
        progress(grids, "gridding", count),
        params.chunk,
        params.mantissa_bits,
        {"model_level": params.level},
    )
    log.info("%d fields in %.1f s", count, perf_counter() - began)
