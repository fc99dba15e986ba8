"""Draw the share of right predictions of several lags by month and by hour of the day, with intervals."""

from atmodist.core.job import job

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

params = snakemake.params
with job(snakemake.log[0], "figure_predictability"):
    import numpy as np
    from matplotlib import pyplot
    from matplotlib.ticker import MultipleLocator, PercentFormatter

    from atmodist.core import netcdf
    from atmodist.evaluation.bootstrap import Bootstrap, interval
    from atmodist.figures import plots

    models = params.models
    bootstrap = Bootstrap(params.block_days, params.resamples, params.seed)
    every = [netcdf.read(path)["series"].sel(quantity="accuracy") for path in snakemake.input.maps]
    lags = sorted({hours for series in every for hours in series["lag"].values})
    looks = dict(zip(lags, plots.lines([f"{hours} h" for hours in lags]).values(), strict=True))
    shifts = dict(zip(lags, np.linspace(-0.2, 0.2, len(lags)) if len(lags) > 1 else [0.0], strict=True))
    with plots.style():
        size = plots.WIDTH, 0.5 + 2.3 * len(models)
        figure, axes = pyplot.subplots(
            len(models), 2, figsize=size, sharex="col", sharey="row", squeeze=False
        )
        shown = {}
        for row, model, series in zip(axes, models, every, strict=True):
            for hours in series["lag"].values:
                accuracy = series.sel(lag=hours, drop=True).dropna("time")
                if not accuracy.size:  # none of the times has a partner so much later
                    continue
                groups = accuracy["time"].dt.month.values, accuracy["time"].dt.hour.values
                for panel, group, width in zip(row, groups, (1, 2), strict=True):
                    means = bootstrap.means_of_groups(accuracy, group)
                    place = means["group"] + shifts[hours] * width
                    (shown[hours],) = panel.plot(place, means.isel(sample=0), marker=".", **looks[hours])
                    ends = [interval(means.sel(group=value)) for value in means["group"].values]
                    panel.vlines(place, *np.transpose(ends), color=looks[hours]["color"])
            row[0].set(ylabel=f"accuracy of {model}", ylim=(0, None), xlim=(0.4, 12.6))
            row[0].yaxis.set_major_formatter(PercentFormatter(1))
        labels = "month of the first time", "hour of the first time / UTC"
        for panel, label in zip(axes[-1], labels, strict=True):
            panel.set_xlabel(label)
        axes[-1, 0].set_xticks(range(1, 13), MONTHS)
        axes[-1, 1].xaxis.set_major_locator(MultipleLocator(3))
        plots.legend(figure, [shown[hours] for hours in lags if hours in shown], title="lag")
        plots.save(figure, snakemake.output.pdf, snakemake.output.png, params.dpi)
