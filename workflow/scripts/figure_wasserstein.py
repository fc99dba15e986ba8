"""Draw histograms over the cities of how far local distributions are from the true ones."""

from atmodist.core.job import job

with job(snakemake.log[0], "figure_wasserstein"):
    import numpy as np
    import xarray as xr
    from matplotlib import pyplot

    from atmodist.core import netcdf
    from atmodist.data import units
    from atmodist.figures import plots

    distances = {
        system: netcdf.read(path)["wasserstein"]
        for system, path in zip(snakemake.params.systems, snakemake.input.cities, strict=True)
    }
    everything = xr.concat(distances.values(), "system")
    variables, windows = (everything[name].values for name in ("variable", "window"))
    looks = plots.lines(list(distances))
    with plots.style():
        size = (plots.WIDTH, 0.4 + 2.0 * len(variables))
        figure, axes = pyplot.subplots(
            len(variables), len(windows), figsize=size, sharex="row", sharey="row", squeeze=False
        )
        for row, variable in zip(axes, variables, strict=True):
            bins = np.linspace(0, float(everything.sel(variable=variable).max()), 31)
            for panel, window in zip(row, windows, strict=True):
                for system, look in looks.items():
                    values = distances[system].sel(variable=variable, window=window)
                    panel.hist(values, bins, histtype="step", linewidth=1.2, **look)
                    panel.axvline(values.median(), color=look["color"], linewidth=0.8, linestyle=":")
                plots.label_axis(panel.xaxis, f"distance of {variable}", units.of(everything, variable))
            row[0].set_ylabel("number of cities")
        for panel, window in zip(axes[0], windows, strict=True):
            panel.set_title(f"{window} × {window} pixels")
        handles = [pyplot.Line2D([], [], **look) for look in looks.values()]
        plots.legend(figure, handles)
        plots.save(figure, snakemake.output.pdf, snakemake.output.png, snakemake.params.dpi)
