"""Draw how much of the jet's anomalies each source explains by a linear probe, against the days ahead."""

from atmodist.core.job import job

with job(snakemake.log[0], "figure_jet_probe"):
    import numpy as np
    from matplotlib import pyplot
    from matplotlib.ticker import PercentFormatter

    from atmodist.core import netcdf
    from atmodist.evaluation.bootstrap import interval
    from atmodist.figures import plots

    NAMES = {"fields": "principal components of the fields"}
    LEAST = -0.6  # explained variance at which the axis ends
    sectors = snakemake.params.sectors
    with plots.style():
        size = (plots.WIDTH, 0.7 + 2.5 * len(sectors))
        figure, axes = pyplot.subplots(len(sectors), 2, figsize=size, sharey=True, squeeze=False)
        for row, sector, path in zip(axes, sectors, snakemake.input.probes, strict=True):
            skill = netcdf.read(path)["skill"]
            sources = skill["source"].values
            looks = plots.lines(sources)
            looks["persistence"] = {"color": "black", "linestyle": "--", "label": "persistence"}
            width = float(np.diff(skill["lag"]).min()) if skill.sizes["lag"] > 1 else 1.0
            shifts = np.linspace(-0.15, 0.15, len(sources)) * width
            for panel, target in zip(row, ("latitude", "speed"), strict=True):
                for source, shift in zip(sources, shifts, strict=True):
                    samples = skill.sel(source=source, target=target)
                    value = samples.isel(sample=0)
                    look = looks[source] | {"label": NAMES.get(source, source.replace("_stage", " stage"))}
                    panel.plot(skill["lag"] + shift, value, marker="o", markersize=3, **look)
                    ends = [interval(samples.sel(lag=lag)) for lag in skill["lag"].values]
                    panel.vlines(skill["lag"] + shift, *np.transpose(ends), color=look["color"])
                    if (cut := skill["lag"].values[value < LEAST] + shift).size:
                        edge = np.full(cut.size, LEAST)
                        panel.plot(cut, edge, "v", markersize=4, color=look["color"], clip_on=False)
                panel.axhline(0, color="0.8", linewidth=0.6, zorder=0)
                panel.set(title=f"{sector}: {target} of the jet", xlabel="days ahead", ylim=(LEAST, 1.02))
                panel.set_xticks(skill["lag"].values)
                panel.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
            row[0].set_ylabel("explained variance")
        plots.legend(figure, *axes[0, 0].get_legend_handles_labels(), columns=3)
        plots.save(figure, snakemake.output.pdf, snakemake.output.png, snakemake.params.dpi)
