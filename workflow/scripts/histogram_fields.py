"""Histograms of each variable, standardised and after the log transform, over times spread over the split."""

from atmodist.core.job import job, progress

TIMES = 256

with job(snakemake.log[0], "histogram_fields"):
    import numpy as np
    import xarray as xr

    from atmodist.core import netcdf
    from atmodist.data import store
    from atmodist.evaluation.sampling import spread
    from atmodist.samples.normalise import Moments

    fields = store.Fields(snakemake.input.fields)
    moments = Moments.load(snakemake.input.moments)
    edges = np.linspace(-12, 12, 481)
    width = edges[1] - edges[0]
    counts = np.zeros((2, len(fields.variables), len(edges) - 1))
    times = spread(len(fields.time), TIMES, snakemake.params.seed, "histogram_fields")
    for time in progress(times, "times"):
        physical = fields.read(time)
        for transform, values in enumerate((moments.standardise(physical, 0), moments.forward(physical, 0))):
            counts[transform] += [np.histogram(field, edges)[0] for field in values]
    density = xr.DataArray(
        counts / (len(times) * physical[0].size * width),
        {
            "transform": ["standardised", "logarithmic"],
            "variable": list(fields.variables),
            "value": (edges[1:] + edges[:-1]) / 2,
        },
        ("transform", "variable", "value"),
        attrs={"units": "1", "long_name": "probability density", "times": len(times)},
    )
    netcdf.write(snakemake.output.histograms, density.to_dataset(name="density"))
