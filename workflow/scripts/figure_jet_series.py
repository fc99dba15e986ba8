"""Draw latitude and speed of the jet over each sector against time, with their seasonal cycle.

At most the last two years, since more would be a band.
"""

from atmodist.core.job import job

with job(snakemake.log[0], "figure_jet_series"):
    import numpy as np
    from matplotlib import pyplot
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
    from matplotlib.ticker import FuncFormatter

    from atmodist.core import netcdf
    from atmodist.figures import plots

    sectors = snakemake.params.sectors
    with plots.style():
        size = (plots.WIDTH, 0.5 + 3.4 * len(sectors))
        figure, axes = pyplot.subplots(2 * len(sectors), 1, figsize=size, sharex="col", squeeze=False)
        for panels, sector, path in zip(axes.reshape(-1, 2), sectors, snakemake.input.indices, strict=True):
            index = netcdf.read(path)
            last = index["time"].values[-1]
            index = index.sel(time=slice(last - np.timedelta64(730, "D"), None))
            for panel, name in zip(panels, ("latitude", "speed"), strict=True):
                daily = index[f"{name}_cycle"] + index[f"{name}_daily"]
                gaps = np.flatnonzero(np.diff(index["time"].values) > np.timedelta64(1, "D")) + 1
                for part in np.split(np.arange(index.sizes["time"]), gaps):
                    here = index.isel(time=part)
                    first = part[0] == 0
                    panel.plot(
                        here["time"],
                        daily.isel(time=part),
                        ".",
                        color="0.75",
                        markersize=2,
                        label="each day" if first else None,
                    )
                    panel.plot(here["time"], here[name], color="black", label="low-pass" if first else None)
                    panel.plot(
                        here["time"],
                        here[f"{name}_cycle"],
                        color=plots.PALETTE[1],
                        linestyle="--",
                        label="seasonal cycle" if first else None,
                    )
            panels[0].set(title=sector, ylabel="latitude of the jet")
            panels[0].yaxis.set_major_formatter(FuncFormatter(plots.degrees_north))
            panels[1].set(ylabel=f"speed of the jet / {plots.unit('m s-1')}")
            locator = AutoDateLocator()
            panels[1].xaxis.set_major_locator(locator)
            panels[1].xaxis.set_major_formatter(ConciseDateFormatter(locator))
        plots.legend(figure, *axes[0, 0].get_legend_handles_labels(), columns=3)
        plots.save(figure, snakemake.output.pdf, snakemake.output.png, snakemake.params.dpi)
