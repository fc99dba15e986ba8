"""Average the zonal wind over a sector's longitudes at every time of a period."""

from atmodist.core.job import job, progress

params = snakemake.params
with job(snakemake.log[0], f"measure_jet_wind {params.sector} {params.period}") as log:
    import numpy as np
    import xarray as xr

    from atmodist.core import netcdf
    from atmodist.data.diagnostics import group_by_time
    from atmodist.data.grib import read_verified
    from atmodist.evaluation import jet

    sector = jet.Sector(**params.box)
    fields = read_verified([snakemake.input.grib], [snakemake.input.checksum])
    times, winds = [], []
    for time, (divergence, vorticity) in group_by_time(progress(fields, "fields")):
        latitude, wind = jet.sector_wind(vorticity, divergence, sector)
        times.append(time)
        winds.append(wind)
    wind = xr.DataArray(
        np.stack(winds),
        {
            "time": np.array(times, "datetime64[ns]"),
            "latitude": ("latitude", latitude, {"units": "degrees_north"}),
        },
        ("time", "latitude"),
        attrs={"units": "m s-1", "standard_name": "eastward_wind", "long_name": "zonal wind of the sector"},
    )
    netcdf.write(snakemake.output.wind, wind.sortby("time").to_dataset(name="wind"))
    log.info("%d times", len(times))
