"""Draw the share of right predictions of several lags by month and by hour of the day, with intervals."""

from atmodist.core.job import job

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

params = snakemake.params
with job(snakemake.log[0], "figure_predictability"):
    import numpy as np
    from matplotlib import pyplot
    from matplotlib.ticker import MultipleLocator, PercentFormatter

    from atmodist.core import netcdf
    from atmodist.evaluation.bootstrap import interval, means_of_groups
    from atmodist.figures import plots

    models = params.models
    with plots.style():
        size = plots.WIDTH, 0.5 + 2.3 * len(models)
        figure, axes = pyplot.subplots(
            len(models), 2, figsize=size, sharex="col", sharey="row", squeeze=False
        )
        for row, model, path in zip(axes, models, snakemake.input.maps, strict=True):
            series = netcdf.read(path)["series"].sel(quantity="accuracy")
            looks = plots.lines([f"{hours} h" for hours in series["lag"].values])
            shifts = np.linspace(-0.2, 0.2, len(looks)) if len(looks) > 1 else [0.0]
            for hours, look, shift in zip(series["lag"].values, looks.values(), shifts, strict=True):
                accuracy = series.sel(lag=hours, drop=True).dropna("time")
                groups = accuracy["time"].dt.month.values, accuracy["time"].dt.hour.values
                for panel, group, width in zip(row, groups, (1, 2), strict=True):
                    means = means_of_groups(accuracy, group, params.block_days, params.resamples, params.seed)
                    place = means["group"] + shift * width
                    panel.plot(place, means.isel(sample=0), marker=".", **look)
                    ends = [interval(means.sel(group=value)) for value in means["group"].values]
                    panel.vlines(place, *np.transpose(ends), color=look["color"])
            row[0].set(ylabel=f"accuracy of {model}", ylim=(0, None), xlim=(0.4, 12.6))
            row[0].yaxis.set_major_formatter(PercentFormatter(1))
        labels = "month of the first time", "hour of the first time / UTC"
        for panel, label in zip(axes[-1], labels, strict=True):
            panel.set_xlabel(label)
        axes[-1, 0].set_xticks(range(1, 13), MONTHS)
        axes[-1, 1].xaxis.set_major_locator(MultipleLocator(3))
        plots.legend(figure, *axes[0, 0].get_legend_handles_labels(), columns=6, title="lag")
        plots.save(figure, snakemake.output.pdf, snakemake.output.png, params.dpi)
