"""Map where the networks tell a lag well: accuracy, top-3 accuracy, probability of the truth, entropy."""

from atmodist.core.job import job

QUANTITIES = {
    "accuracy": "accuracy",
    "top3_accuracy": "top-3 accuracy",
    "probability": "probability\nof the true lag",
    "entropy": "entropy / nat",
}

with job(snakemake.log[0], "figure_uncertainty"):
    import numpy as np
    import xarray as xr
    from matplotlib import pyplot
    from matplotlib.ticker import PercentFormatter

    from atmodist.figures import plots

    output = snakemake.output
    for path, pdf, png in zip(snakemake.input.maps, output.pdf, output.png, strict=True):
        maps = xr.load_dataset(path, engine="h5netcdf")
        seasons = maps["season"].values
        with plots.style():
            width = 2.7 if len(seasons) > 1 else 4.2
            height = 0.4 + 4 * (0.3 + width * np.ptp(maps["latitude"].values) / 360)
            figure, axes = pyplot.subplots(
                len(QUANTITIES),
                len(seasons),
                figsize=(1.3 + width * len(seasons), height),
                sharex=True,
                sharey=True,
                squeeze=False,
                layout="compressed",
            )
            for row, (quantity, label) in zip(axes, QUANTITIES.items(), strict=True):
                lowest, highest = float(maps[quantity].min()), float(maps[quantity].max())
                limits = lowest, max(highest, lowest + 0.01)
                for panel, season in zip(row, seasons, strict=True):
                    mesh = plots.draw_map(panel, maps[quantity].sel(season=season), limits, plots.POSITIVE)
                    if snakemake.params.coastlines:
                        plots.coastlines(panel)
                share = None if quantity == "entropy" else PercentFormatter(1, decimals=0)
                figure.colorbar(mesh, ax=row, label=label, format=share, pad=0.01, aspect=12)
            for panel, season, count in zip(axes[0], seasons, maps["pairs"].values, strict=True):
                panel.set_title(f"{season} ({count} times)" if len(seasons) > 1 else f"{count} times")
            plots.save(figure, pdf, png, snakemake.params.dpi)
