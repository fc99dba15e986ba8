"""Draw how rightly each distance orders states whose order is known, a panel for each kind of change."""

from atmodist.core.job import job

MARKS = {
    "right": {"marker": "o", "markersize": 3.5, "label": "share ordered rightly"},
    "monotonicity": {
        "marker": "D",
        "markersize": 3,
        "mfc": "white",
        "label": "rank correlation with strength",
    },
}

with job(snakemake.log[0], "figure_orderings"):
    import numpy as np
    import pandas as pd
    from matplotlib import pyplot

    from atmodist.evaluation.families import FAMILIES
    from atmodist.figures import plots

    table = pd.read_csv(snakemake.input.scores)
    distances = list(table["distance"].unique())
    titles = FAMILIES | {"mean": "mean of all"}
    families = [family for family in titles if family in set(table["family"])]
    height = np.arange(len(distances))[::-1]
    with plots.style():
        size = plots.WIDTH, 1.2 + 0.42 * len(distances)
        figure, axes = pyplot.subplots(3, 3, figsize=size, sharex=True, sharey=True)
        for panel, family in zip(axes.flat, families, strict=False):
            scores = table[table["family"] == family].set_index("distance").loc[distances]
            panel.axvline(0.5, color="0.8", linewidth=0.8, zorder=0)
            for (name, mark), colour, shift in zip(MARKS.items(), plots.PALETTE, (0.15, -0.15), strict=False):
                value, low, high = (scores[f"{name}{part}"].to_numpy() for part in ("", "_low", "_high"))
                bars = np.clip(np.nan_to_num([value - low, high - value]), 0, None)
                look = {"linestyle": "", "color": colour, "elinewidth": 0.8, **mark}
                panel.errorbar(value, height + shift, xerr=bars, **look)
            panel.set_title(titles[family])
            panel.grid(axis="y", color="0.93", linewidth=0.6)
            panel.set_axisbelow(True)
        for panel in axes.flat[len(families) :]:
            panel.set_axis_off()
        axes[0, 0].set_yticks(height, distances)
        axes[0, 0].set_ylim(-0.7, len(distances) - 0.3)
        for panel in axes[:, 0]:
            panel.set_ylabel("distance")
        for panel in axes[-1]:
            panel.set_xlabel("score")
        plots.panel_letters(axes.flat[: len(families)])
        plots.legend(figure, *axes[0, 0].get_legend_handles_labels(), columns=2)
        plots.save(figure, snakemake.output.pdf, snakemake.output.png, snakemake.params.dpi)
