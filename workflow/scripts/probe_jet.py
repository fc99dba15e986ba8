"""Predict the jet's anomalies from features by a linear probe, some days ahead: jet/{sector}/probe.nc."""

from pathlib import Path

from atmodist.core.job import job

params = snakemake.params
with job(snakemake.log[0], f"probe_jet {snakemake.wildcards.sector}") as log:
    from atmodist.core import netcdf
    from atmodist.evaluation import jet_probe
    from atmodist.evaluation.bootstrap import Bootstrap

    index = netcdf.read(snakemake.input.jet)
    sources = {Path(path).stem: netcdf.read(path)["features"] for path in snakemake.input.features}
    result = jet_probe.skills(
        index,
        sources,
        params.lag_days,
        params.folds,
        params.gap_days,
        {"fields": params.components},
        Bootstrap(params.block_days, params.resamples, params.seed),
    )
    netcdf.write(snakemake.output.probe, result)
    best = result["skill"].isel(sample=0, lag=0).sel(target="latitude")
    numbers = ", ".join(
        f"{name} {float(each):.2f}" for name, each in zip(best["source"].values, best, strict=True)
    )
    log.info("explained variance of the latitude %d days ahead: %s", result["lag"][0], numbers)
