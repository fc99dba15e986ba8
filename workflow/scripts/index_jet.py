"""Find the jet of every day, its seasonal cycle and its anomalies: jet/{sector}/index.nc."""

from atmodist.core.job import job

params = snakemake.params
with job(snakemake.log[0], f"index_jet {snakemake.wildcards.sector}") as log:
    import xarray as xr

    from atmodist.core import netcdf
    from atmodist.evaluation import jet

    parts = [netcdf.read(path)["wind"] for path in snakemake.input.winds]
    wind = xr.concat(parts, "time").sortby("time")
    index = jet.index(wind, params.window_days, params.cutoff_days, params.harmonics)
    netcdf.write(snakemake.output.jet, index)
    latitude, speed = (float(index[name].mean()) for name in ("latitude", "speed"))
    log.info("%d days, the jet at %.1f° with %.1f m/s on average", index.sizes["time"], latitude, speed)
