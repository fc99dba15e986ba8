"""Find the jet of every day, its seasonal cycle and its anomalies: jet/{sector}/index.nc."""

from atmodist.core.job import job

params = snakemake.params
with job(snakemake.log[0], f"index_jet {snakemake.wildcards.sector}") as log:
    import xarray as xr

    from atmodist.core.files import replacing
    from atmodist.evaluation import jet

    parts = [xr.load_dataset(path, engine="h5netcdf")["wind"] for path in snakemake.input.winds]
    wind = xr.concat(parts, "time").sortby("time")
    index = jet.index(wind, params.window_days, params.cutoff_days, params.harmonics)
    with replacing(snakemake.output.jet) as partial:
        index.to_netcdf(partial, engine="h5netcdf")
    latitude, speed = (float(index[name].mean()) for name in ("latitude", "speed"))
    log.info("%d days, the jet at %.1f° with %.1f m/s on average", index.sizes["time"], latitude, speed)
