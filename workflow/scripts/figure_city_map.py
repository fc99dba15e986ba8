"""Map the 30 cities where a system does best and worst beside a reference, by their Wasserstein distances."""

from atmodist.core.job import job

COUNT, WINDOW = 30, 1
KINDS = {
    "best": {"marker": "^", "color": "#0072B2", "markersize": 4, "linestyle": ""},
    "worst": {"marker": "v", "color": "#D55E00", "markersize": 4, "linestyle": ""},
    "others": {"marker": "o", "color": "0.6", "markersize": 2, "linestyle": ""},
}

with job(snakemake.log[0], "figure_city_map"):
    from matplotlib import pyplot

    from atmodist.core import netcdf
    from atmodist.evaluation import cities
    from atmodist.figures import plots

    reference, *systems = snakemake.params.systems
    against, *found = (netcdf.read(path)["wasserstein"].sel(window=WINDOW) for path in snakemake.input.cities)
    variables = against["variable"].values
    with plots.style():
        size = (plots.WIDTH, 0.6 + 2.0 * len(systems))
        figure, axes = pyplot.subplots(
            len(systems),
            len(variables),
            figsize=size,
            sharex=True,
            sharey=True,
            squeeze=False,
            layout="compressed",
        )
        for row, system, distance in zip(axes, systems, found, strict=True):
            for panel, variable in zip(row, variables, strict=True):
                at = {"variable": variable}
                order = (distance / against).sel(at)
                ranked = order.sortby(order)
                best, others, worst = ranked[:COUNT], ranked[COUNT:-COUNT], ranked[-COUNT:]
                plots.frame_map(panel)
                if snakemake.params.coastlines:
                    plots.coastlines(panel)
                for (kind, look), group in zip(KINDS.items(), (best, worst, others), strict=True):
                    panel.plot(group["longitude"], group["latitude"], label=kind, zorder=3, **look)
                verdict = cities.verdict(distance.sel(at), against.sel(at))
                better, equal, worse = (int((verdict == value).sum()) for value in (1, 0, -1))
                panel.set_title(f"{system}, {variable}\n{better} better, {equal} equal, {worse} worse")
        handles, labels = axes[0, 0].get_legend_handles_labels()
        title = f"cities by distance to the truth relative to {reference}"
        plots.legend(figure, handles, labels, columns=3, title=title)
        plots.save(figure, snakemake.output.pdf, snakemake.output.png, snakemake.params.dpi)
