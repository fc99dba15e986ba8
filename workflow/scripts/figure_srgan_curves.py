"""Draw the losses of the super-resolution networks against epoch."""

from atmodist.core.job import job

QUANTITIES = {
    "content": "content loss",
    "adversarial": "adversarial loss",
    "discriminator": "discriminator's loss",
}

with job(snakemake.log[0], "figure_srgan_curves"):
    import numpy as np
    import pandas as pd
    from matplotlib import pyplot

    from atmodist.figures import plots

    with plots.style():
        figure, axes = pyplot.subplots(2, 2, figsize=(plots.WIDTH, 4.4))
        axes = axes.ravel()
        pretraining = pd.read_csv(snakemake.input.pretraining)
        axes[0].plot(pretraining["epoch"], pretraining["loss"], color="black", marker=".")
        axes[0].set(ylabel="mean squared error", title="generator alone")
        looks = plots.lines(snakemake.params.models)
        for look, log in zip(looks.values(), snakemake.input.logs, strict=True):
            training = pd.read_csv(log)
            drops = training["epoch"][training["learning_rate"].diff() < 0]
            for panel, (quantity, label) in zip(axes[1:], QUANTITIES.items(), strict=True):
                panel.plot(training["epoch"], training[quantity], marker=".", **look)
                panel.set_ylabel(label)
                for epoch in drops:
                    panel.axvline(epoch - 0.5, color="0.7", linewidth=0.6, linestyle=":")
        axes[3].axhline(np.log(2), color="0.55", linestyle="--", label="undecided discriminator")
        for panel in axes:
            panel.set_xlabel("epoch")
            panel.xaxis.get_major_locator().set_params(integer=True)
        figure.legend(*axes[3].get_legend_handles_labels(), loc="outside upper center", ncols=6)
        plots.panel_letters(axes)
        plots.save(figure, snakemake.output.pdf, snakemake.output.png, snakemake.params.dpi)
