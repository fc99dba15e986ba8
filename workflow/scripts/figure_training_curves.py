"""Draw loss and accuracy of AtmoDist against epoch, in training and on the split that chooses the epoch."""

from atmodist.core.job import job

SPLITS = {"eval": "evaluation", "validation": "validation"}

with job(snakemake.log[0], "figure_training_curves"):
    import numpy as np
    import pandas as pd
    from matplotlib import pyplot
    from matplotlib.ticker import PercentFormatter

    from atmodist.figures import plots

    # Each quantity's label, and what chance makes of it with so many lags to choose from.
    quantities = {
        "loss": ("cross-entropy", np.log),
        "accuracy": ("accuracy", lambda lags: 1 / lags),
        "top3_accuracy": ("top-3 accuracy", lambda lags: min(3 / lags, 1)),
    }
    params, files = snakemake.params, snakemake.input
    looks = plots.lines(params.models)
    with plots.style():
        figure, axes = pyplot.subplots(1, len(quantities), figsize=(plots.WIDTH, 2.6))
        highest = 0.0
        for look, lags, log, evaluation in zip(
            looks.values(), params.lags, files.logs, files.evaluations, strict=True
        ):
            training, evaluated = pd.read_csv(log), pd.read_csv(evaluation)
            best = evaluated[evaluated["chosen"]]
            highest = max(highest, training["loss"].max(), np.log(lags), best["loss"].max())
            pretraining = (training["phase"] == "pre-training").sum()
            drops = training["epoch"][training["learning_rate"].diff() < 0]
            for panel, (quantity, (_, chance)) in zip(axes, quantities.items(), strict=True):
                panel.plot(training["epoch"], training[quantity], **look)
                panel.plot(evaluated["epoch"], evaluated[quantity], color=look["color"], linestyle="--")
                panel.plot(best["epoch"], best[quantity], "*", color=look["color"], markersize=8)
                panel.axhline(chance(lags), color=look["color"], linewidth=0.8, linestyle="-.")
                panel.axvspan(0.5, pretraining + 0.5, color="0.93", zorder=0)
                for epoch in drops:
                    panel.axvline(epoch - 0.5, color=look["color"], linewidth=0.6, linestyle=":")
        for panel, (label, _) in zip(axes, quantities.values(), strict=True):
            panel.set(xlabel="epoch", ylabel=label)
            panel.xaxis.get_major_locator().set_params(integer=True)
        for panel in axes[1:]:
            panel.yaxis.set_major_formatter(PercentFormatter(1))
            panel.set_ylim(bottom=0)
        axes[0].set_ylim(
            top=1.05 * highest
        )  # the first evaluation, before the norms settle, may be far above
        grey = {"color": "0.3"}
        axes[0].plot([], [], **grey, label="training")
        axes[0].plot([], [], **grey, linestyle="--", label=SPLITS[evaluated["split"].iloc[0]])
        axes[0].plot([], [], "*", **grey, label="chosen epoch")
        axes[0].plot([], [], **grey, linewidth=0.8, linestyle="-.", label="chance")
        plots.legend(figure, *axes[0].get_legend_handles_labels())
        plots.panel_letters(axes)
        plots.save(figure, snakemake.output.pdf, snakemake.output.png, params.dpi)
