"""Draw how the errors of single times are distributed: mean squared error and total-variation difference."""

from atmodist.core.job import job

QUANTITIES = {
    "mean_squared_error": "mean squared error",
    "total_variation_difference": "total variation less the truth's",
}

with job(snakemake.log[0], "figure_error_histograms"):
    import numpy as np
    import xarray as xr
    from matplotlib import pyplot

    from atmodist.core import netcdf
    from atmodist.data import units
    from atmodist.figures import plots

    errors = {
        system: netcdf.read(path)[list(QUANTITIES)]
        for system, path in zip(snakemake.params.systems, snakemake.input.evaluation, strict=True)
    }
    everything = xr.concat(errors.values(), "system")
    variables = everything["variable"].values
    count = min(60, max(10, everything.sizes["time"] // 8))
    with plots.style():
        size = (plots.WIDTH, 0.5 + 2.1 * len(variables))
        figure, axes = pyplot.subplots(len(variables), len(QUANTITIES), figsize=size, squeeze=False)
        for row, variable in zip(axes, variables, strict=True):
            for panel, (quantity, label) in zip(row, QUANTITIES.items(), strict=True):
                values = everything[quantity].sel(variable=variable)
                bins = np.linspace(float(values.min()), float(values.max()), count + 1)
                for system, look in plots.lines(list(errors)).items():
                    series = errors[system][quantity].sel(variable=variable)
                    panel.hist(series, bins, histtype="step", linewidth=1.2, **look)
                plots.label_axis(panel.xaxis, label, units.of(values, variable))
            row[0].set_ylabel(f"{variable}\nnumber of times")
        handles = [pyplot.Line2D([], [], **look) for look in plots.lines(list(errors)).values()]
        plots.legend(figure, handles)
        plots.save(figure, snakemake.output.pdf, snakemake.output.png, snakemake.params.dpi)
