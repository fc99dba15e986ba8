"""The figures of the study: errors of every loss, spectra, and the course of the duels."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from matplotlib import pyplot
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from atmodist.evaluation import study
from atmodist.evaluation.claims import (
    SETTINGS,
    duellists,
    loss_of,
    models,
    not_judged,
    reference_of,
    setting_of,
)
from atmodist.evaluation.study import MEASURES
from atmodist.evaluation.study_seed import Seed
from atmodist.figures import plots

COLOURS = (*plots.PALETTE[:-1], "#882255")
"""A wine red (Paul Tol's) in place of the palette's yellow, in which a thin bar is hardly seen on white."""
LONGER = "-longer"
"""End of the name of a loss whose encoder was trained for longer."""
LEAST_RATIO, LEAST_ENERGY = 0.09, 0.08
"""Where the axes begin at the least: intervals of few seeds, and bilinear energy, reach far below."""


def draw(seeds: Sequence[Seed], folder: Path) -> None:
    """Write ``ratios``, ``spectra`` and ``duels`` as PDF and PNG; nothing without seeds."""
    panels = {
        setting: [model for model in models(seeds) if setting_of(model) == suffix]
        for suffix, setting in SETTINGS.items()
    }
    panels = {setting: members for setting, members in panels.items() if members}
    looks = looks_of(dict.fromkeys(map(loss_of, models(seeds))))
    duels = duellists(seeds)
    for name, draw_panel, drawn in (
        ("ratios", _draw_ratios, panels),
        ("spectra", _draw_spectra, panels),
        ("duels", _draw_duels, {"": duels} if duels else {}),
    ):
        if drawn:
            with plots.style():
                settings = {"figsize": (plots.WIDTH, 3.3), "sharex": True, "sharey": True, "squeeze": False}
                figure, axes = pyplot.subplots(1, len(drawn), **settings)
                shown = {}
                for panel, (setting, members) in zip(axes[0], drawn.items(), strict=True):
                    panel.set_title(setting, fontsize="medium")
                    draw_panel(panel, seeds, members, looks)
                    panel.label_outer()
                    handles, labels = panel.get_legend_handles_labels()
                    shown |= dict(zip(labels, handles, strict=True))
                plots.legend(figure, list(shown.values()), list(shown))
                plots.save(figure, folder / f"{name}.pdf", folder / f"{name}.png", 150)


def looks_of(losses: Iterable[str]) -> dict[str, dict]:
    """How each loss is drawn: that of an encoder trained for longer in the other's colour, dotted."""
    losses = list(losses)
    looks = plots.lines(list(dict.fromkeys(loss.removesuffix(LONGER) for loss in losses)), COLOURS)
    longer = {
        loss: looks[loss.removesuffix(LONGER)] | {"label": loss, "linestyle": ":"}
        for loss in losses
        if loss.endswith(LONGER)
    }
    return {loss: (looks | longer)[loss] for loss in losses}


def _draw_ratios(axes, seeds, members, looks):
    """Errors over those of ℓ2 in the same setting, with intervals, for each measure; arrows where cut off."""
    compared = [model for model in members if model != reference_of(model)]
    for index, model in enumerate(compared):
        found = {
            place: estimate
            for place, name in enumerate(MEASURES)
            if name not in not_judged(seeds, model)
            and (estimate := study.ratio(seeds, model, reference_of(model), name)) is not None
        }
        places = np.array(list(found)) + (index + 0.5) / len(compared) * 0.6 - 0.3
        value, low, high = np.array([[e.value, e.low, e.high] for e in found.values()]).reshape(-1, 3).T
        look = looks[loss_of(model)]
        axes.plot(value, places, ".", color=look["color"])
        axes.hlines(places, low, high, color=look["color"], linestyle=look["linestyle"])
        axes.plot([], [], marker=".", **look)  # what the legend shows, with the stroke of the bars
        if (cut := places[low < LEAST_RATIO]).size:
            edge = np.full(cut.size, LEAST_RATIO)
            axes.plot(edge, cut, "<", markersize=4, color=look["color"], clip_on=False)
    axes.axvline(1, color="0.6", linewidth=0.8)
    axes.set(xscale="log", xlabel="error over that of ℓ2", ylim=(len(MEASURES) - 0.5, -0.5))
    axes.set_xlim(max(LEAST_RATIO, axes.get_xlim()[0]), auto=None)  # the panels share it
    _plain_numbers(axes.xaxis, [1, 3])
    axes.set_yticks(range(len(MEASURES)), [measure.label for measure in MEASURES.values()])


def _plain_numbers(axis, digits):
    """Numbers that begin with one of the digits, without powers of ten, on an axis of logarithms."""
    axis.set_major_locator(LogLocator(subs=digits))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def _draw_spectra(axes, seeds, members, looks):
    """Kinetic energy over the truth's by degree."""
    looks = {**looks, **plots.lines(["bilinear"])}
    for model in ["bilinear", *members]:
        spectrum = study.spectrum(seeds, model)
        axes.plot(spectrum.index, spectrum, **looks[loss_of(model)])
    axes.axhline(1, color="black", linewidth=0.8, label="truth")
    axes.set(yscale="log", xlabel="spherical-harmonic degree", xlim=(1, spectrum.index[-1]))
    axes.set_ylim(LEAST_ENERGY, max(2, axes.get_ylim()[1]), auto=None)  # the panels share it
    _plain_numbers(axes.yaxis, [1, 2, 5])
    axes.set_ylabel("kinetic energy over the truth's")


def _draw_duels(axes, seeds, members, looks):
    """The discriminator's loss against epoch, mean over seeds, and the band in which neither wins."""
    for model in members:
        look = looks[loss_of(model)] | {"label": model}
        if setting_of(model) == "-paper":
            look |= {"linestyle": "--"}
        tables = [seed.tables["duel"] for seed in seeds if model in seed.models()]
        means = [table[table["model"] == model].set_index("epoch")["discriminator"] for table in tables]
        axes.plot(means[0].index, np.mean(means, axis=0), marker=".", **look)
    axes.axhspan(*study.EVEN, color="0.93", zorder=0, label="the paper's band")
    axes.axhline(np.log(2), color="0.6", linewidth=0.8, label="undecided")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(xlabel="epoch", ylabel="discriminator's loss")
