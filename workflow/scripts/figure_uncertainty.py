"""Map where the networks predict a lag well: how often they are right, how sure, how undecided."""

from atmodist.core.job import job

QUANTITIES = {
    "accuracy": "accuracy",
    "within_one_class": "share within\none class",
    "top3_accuracy": "top-3 accuracy",
    "probability": "probability\nof the true lag",
    "neighbourhood_probability": "probability of the\ntrue lag ± 1 class",
    "entropy": "entropy / nat",
}

with job(snakemake.log[0], "figure_uncertainty"):
    import numpy as np
    from matplotlib import pyplot
    from matplotlib.ticker import FuncFormatter

    from atmodist.core import netcdf
    from atmodist.figures import plots

    output = snakemake.output
    for path, pdf, png in zip(snakemake.input.maps, output.pdf, output.png, strict=True):
        maps = netcdf.read(path)
        seasons, times = maps["season"].values, maps["pairs"].values
        # A row for each quantity; without seasons, two quantities side by side.
        several = len(seasons) > 1
        rows, columns = (len(QUANTITIES), len(seasons)) if several else (len(QUANTITIES) // 2, 2)
        height = 0.25 + 2.3 * np.ptp(maps["latitude"].values) / 360
        with plots.style():
            figure, axes = pyplot.subplots(
                rows,
                columns,
                figsize=(1.3 + 2.7 * columns, 0.5 + rows * height),
                sharex=True,
                sharey=True,
                layout="compressed",
            )
            panels = axes.reshape(len(QUANTITIES), len(seasons))
            for row, (quantity, label) in zip(panels, QUANTITIES.items(), strict=True):
                lowest, highest = float(maps[quantity].min()), float(maps[quantity].max())
                limits = lowest, max(highest, lowest + 0.01)
                for panel, season in zip(row, seasons, strict=True):
                    mesh = plots.draw_map(panel, maps[quantity].sel(season=season), limits, plots.POSITIVE)
                    if snakemake.params.coastlines:
                        plots.coastlines(panel)
                share = None if quantity == "entropy" else FuncFormatter(lambda value, _: f"{100 * value:g}%")
                bar = figure.colorbar(mesh, ax=row, format=share, pad=0.01, aspect=12)
                if several:
                    bar.set_label(label)
                else:  # beside a low map a label would be longer than its bar
                    row[0].set_title(label.replace("\n", " "))
            if several:
                for panel, season, count in zip(panels[0], seasons, times, strict=True):
                    panel.set_title(f"{season} ({count} times)")
            lag = f"lag {maps.attrs['lag_hours']} h"
            figure.suptitle(lag if several else f"{lag}, {times[0]} times")
            plots.save(figure, pdf, png, snakemake.params.dpi)
