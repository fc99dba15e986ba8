"""Draw the errors against time, each time faint and their running means over 30 days, or fewer, strong."""

from atmodist.core.job import job

QUANTITIES = {
    "mean_squared_error": "mean squared error",
    "total_variation_difference": "total variation less the truth's",
}

with job(snakemake.log[0], "figure_error_series"):
    from matplotlib import pyplot
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    from atmodist.core import netcdf
    from atmodist.data import units
    from atmodist.figures import plots

    errors = {
        system: netcdf.read(path)[list(QUANTITIES)]
        for system, path in zip(snakemake.params.systems, snakemake.input.evaluation, strict=True)
    }
    first, *_ = errors.values()
    days, steps = plots.running_window(first["time"].values)
    variables = first["variable"].values
    with plots.style():
        size = (plots.WIDTH, 0.5 + 2.1 * len(variables))
        figure, axes = pyplot.subplots(
            len(variables), len(QUANTITIES), figsize=size, sharex=True, squeeze=False
        )
        for row, variable in zip(axes, variables, strict=True):
            for panel, (quantity, title) in zip(row, QUANTITIES.items(), strict=True):
                for system, look in plots.lines(list(errors)).items():
                    series = errors[system][quantity].sel(variable=variable)
                    panel.plot(series["time"], series, color=look["color"], linewidth=0.4, alpha=0.3)
                    mean = series.rolling(time=steps, center=True).mean()
                    panel.plot(mean["time"], mean, **look)
                plots.label_axis(panel.yaxis, variable, units.of(first[quantity], variable))
                panel.set_title(title if variable == variables[0] else "")
        locator = AutoDateLocator(minticks=3, maxticks=7)
        axes[0, 0].xaxis.set_major_locator(locator)
        axes[0, 0].xaxis.set_major_formatter(ConciseDateFormatter(locator))
        handles, labels = axes[0, 0].get_legend_handles_labels()
        length = f"running means over {days:g} {'day' if days == 1 else 'days'}"
        plots.legend(figure, handles, labels, title=length)
        plots.save(figure, snakemake.output.pdf, snakemake.output.png, snakemake.params.dpi)
