"""Draw the distribution of the jet's latitude over each sector, of all days and by season."""

from atmodist.core.job import job

SEASONS = {"DJF": (12, 1, 2), "MAM": (3, 4, 5), "JJA": (6, 7, 8), "SON": (9, 10, 11)}
"""Months of each season, which is summer or winter by the hemisphere."""
DAYS_OF_A_SEASON = 60
"""Days that there are of each season, at least, where they are told apart."""

with job(snakemake.log[0], "figure_jet_latitudes"):
    import numpy as np
    from matplotlib import pyplot
    from matplotlib.ticker import FuncFormatter

    from atmodist.core import netcdf
    from atmodist.figures import plots

    sectors = snakemake.params.sectors
    with plots.style():
        size = (plots.WIDTH, 0.5 + 2.2 * len(sectors))
        figure, axes = pyplot.subplots(len(sectors), 1, figsize=size, squeeze=False)
        for panel, sector, path in zip(axes[:, 0], sectors, snakemake.input.indices, strict=True):
            index = netcdf.read(path)
            latitude, month = index["latitude"].values, index["time"].dt.month.values
            edges = np.linspace(latitude.min() - 1, latitude.max() + 1, 41)
            parts = {f"all {latitude.size} days": latitude}
            seasons = {season: latitude[np.isin(month, months)] for season, months in SEASONS.items()}
            if all(part.size >= DAYS_OF_A_SEASON for part in seasons.values()):
                parts |= seasons
            for (name, part), look in zip(
                parts.items(), plots.lines(["truth", *list(parts)[1:]]).values(), strict=True
            ):
                panel.stairs(np.histogram(part, edges, density=True)[0], edges, **{**look, "label": name})
            panel.set(
                title=sector,
                ylabel=f"density / {plots.unit('degree-1')}",
                xlabel="latitude of the jet",
                ylim=(0, None),
            )
            panel.xaxis.set_major_formatter(FuncFormatter(plots.degrees_north))
        plots.legend(figure, *axes[0, 0].get_legend_handles_labels(), columns=5)
        plots.save(figure, snakemake.output.pdf, snakemake.output.png, snakemake.params.dpi)
