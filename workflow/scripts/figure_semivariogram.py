"""Draw the semivariogram of every system, and below what it is of the truth's."""

from atmodist.core.job import job

with job(snakemake.log[0], "figure_semivariogram"):
    import numpy as np
    from matplotlib import pyplot
    from matplotlib.ticker import NullFormatter, PercentFormatter, ScalarFormatter

    from atmodist.data.sphere import EARTH_RADIUS
    from atmodist.figures import plots

    curves = {}
    for system, path in zip(snakemake.params.systems, snakemake.input.evaluation, strict=True):
        mean = plots.mean_over_blocks(path, "semivariance", "truth_mean", "truth_mean_square")
        curves[system] = mean["semivariance"] / (mean["truth_mean_square"] - mean["truth_mean"] ** 2)
    truth = curves["truth"]
    shortest = float(truth["distance"].min())
    spacing = np.radians(snakemake.params.grid_spacing) * EARTH_RADIUS / 1000
    variables = truth["variable"].values
    with plots.style():
        size, heights = (plots.WIDTH, 4.2), {"height_ratios": [2, 1]}
        figure, axes = pyplot.subplots(
            2, len(variables), figsize=size, sharex=True, sharey="row", squeeze=False, gridspec_kw=heights
        )
        for column, variable in zip(axes.T, variables, strict=True):
            for system, look in plots.lines(list(curves)).items():
                curve = curves[system].sel(variable=variable)
                for panel, values in zip(column, (curve, curve / truth.sel(variable=variable)), strict=True):
                    panel.plot(curve["distance"], values, marker=".", **look)
            if shortest < spacing:
                for panel in column:
                    panel.axvspan(0.9 * shortest, spacing, color="0.93", label="below the grid's spacing")
                    panel.margins(x=0)
            column[0].set(title=variable, xscale="log", yscale="log")
            column[1].set_xlabel("distance / km")
            column[1].set_xticks(truth["distance"].values)
            column[1].xaxis.set_major_formatter(ScalarFormatter())
            column[1].xaxis.set_minor_formatter(NullFormatter())
            column[1].tick_params(axis="x", which="minor", length=0)
        axes[0, 0].set_ylabel("semivariance / variance of the truth")
        axes[1, 0].set(ylabel="share of the truth's", ylim=(0, None))
        axes[1, 0].yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        plots.legend(figure, *axes[0, 0].get_legend_handles_labels())
        plots.save(figure, snakemake.output.pdf, snakemake.output.png, snakemake.params.dpi)
