"""Draw losses of the super-resolution networks against epoch; the pre-training has the epochs up to 0."""

from atmodist.core.job import job

LABELS = ("content loss", "adversarial loss", "discriminator's loss", "discriminator is right")

with job(snakemake.log[0], "figure_srgan_curves"):
    import numpy as np
    import pandas as pd
    from matplotlib import pyplot
    from matplotlib.ticker import PercentFormatter

    from atmodist.figures import plots

    params = snakemake.params
    with plots.style():
        figure, axes = pyplot.subplots(2, 2, figsize=(plots.WIDTH, 4.4), sharex=True)
        axes = axes.ravel()
        alone = pd.read_csv(snakemake.input.pretraining)
        before = alone["epoch"] - len(alone)
        axes[0].plot(before, alone["loss"], color="black", marker=".", label="generator alone (MSE)")
        looks = plots.lines(params.models)
        for look, log, epoch in zip(looks.values(), snakemake.input.logs, params.epochs, strict=True):
            table = pd.read_csv(log)
            drops = table["epoch"][table["learning_rate"].diff() < 0]
            evaluated, colour = table[table["epoch"] == epoch], {"color": look["color"]}
            drawn = ("content", "adversarial", "discriminator") if "adversarial" in table else ("content",)
            for panel, quantity in zip(axes, drawn, strict=False):
                panel.plot(table["epoch"], table[quantity], marker=".", **look)
                panel.plot(evaluated["epoch"], evaluated[quantity], "*", markersize=9, **colour)
            if "adversarial" in table:
                axes[3].plot(table["epoch"], table["right_on_real"], marker=".", **look)
                axes[3].plot(table["epoch"], table["right_on_generated"], "--", marker=".", **colour)
            for panel in axes:
                for drop in drops:
                    panel.axvline(drop - 0.5, color="0.7", linewidth=0.6, linestyle=":")
        axes[2].axhline(np.log(2), color="0.55", linestyle="-.")
        axes[3].axhline(0.5, color="0.55", linestyle="-.")
        for panel, label in zip(axes, LABELS, strict=True):
            panel.set_ylabel(label)
            panel.axvspan(before.min() - 0.5, 0.5, color="0.93", zorder=0)
            panel.set_xlim(left=before.min() - 0.5)
            panel.xaxis.get_major_locator().set_params(integer=True)
        for panel in axes[2:]:
            panel.set_xlabel("epoch")
        axes[3].yaxis.set_major_formatter(PercentFormatter(1))
        axes[3].set_ylim(0, 1.02)
        grey = {"color": "0.3"}
        axes[0].plot([], [], "*", **grey, label="evaluated epoch")
        axes[0].plot([], [], **grey, label="on real patches")
        axes[0].plot([], [], "--", **grey, label="on generated patches")
        axes[0].plot([], [], "-.", color="0.55", label="undecided discriminator")
        plots.legend(figure, *axes[0].get_legend_handles_labels(), columns=4)
        plots.panel_letters(axes)
        plots.save(figure, snakemake.output.pdf, snakemake.output.png, params.dpi)
