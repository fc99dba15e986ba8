"""What the study's figures draw of made-up seeds."""

import numpy as np
import pytest
from made_up_seeds import MODELS, write_seed

from atmodist.evaluation import study, study_seed
from atmodist.figures import study_figures


@pytest.fixture
def drawn(monkeypatch):
    """Figures by name, as they are saved."""
    figures, save = {}, study_figures.plots.save

    def catch(figure, pdf, *more):
        figures[pdf.stem] = figure
        save(figure, pdf, *more)

    monkeypatch.setattr(study_figures.plots, "save", catch)
    return figures


def test_figures_show_intervals_of_what_is_judged_and_an_undecided_duel(tmp_path, drawn):
    """A discriminator that gives every sample one half has the loss ln 2."""
    for number in (1, 2, 3):
        write_seed(tmp_path, number, {"own": 0.5}, models=MODELS | {"own": ("judge", 0)})
    seeds = study_seed.read(tmp_path)
    study_figures.draw(seeds, tmp_path)
    assert drawn.keys() == {"ratios", "spectra", "duels"}
    assert all((tmp_path / f"{name}.png").exists() for name in drawn)
    alone = drawn["ratios"].axes[0]
    for model, lines in zip(("atmodist", "random", "own"), alone.collections, strict=True):
        judged = [name for name in study.MEASURES if (model, name) != ("own", "frechet")]
        expected = [study.ratio(seeds, model, "l2", name) for name in judged]
        ends = [segment[:, 0].tolist() for segment in lines.get_segments()]
        assert ends == [[each.low, each.high] for each in expected]
    (undecided,) = (line for line in drawn["duels"].axes[0].lines if line.get_label() == "undecided")
    np.testing.assert_allclose(undecided.get_ydata(), -np.log(0.5))


@pytest.mark.filterwarnings("error")
def test_panels_of_a_figure_have_room_for_each_others_curves(tmp_path, drawn):
    """What is greatest or least may be in any of them; a bar that goes on to the left has an arrow."""
    for number in (1, 2, 3):
        write_seed(tmp_path, number, {"atmodist-even": 5.0, "random-even": 0.04, "atmodist-paper": 30.0})
    study_figures.draw(study_seed.read(tmp_path), tmp_path)
    greatest = max(max(line.get_ydata()) for panel in drawn["spectra"].axes for line in panel.lines)
    assert greatest == pytest.approx(30)
    for panel in drawn["spectra"].axes:
        low, high = panel.get_ylim()
        assert low == study_figures.LEAST_ENERGY
        assert high > greatest
    for panel, cut in zip(drawn["ratios"].axes, (0, len(study.MEASURES), 0), strict=True):
        left, right = panel.get_xlim()
        ends = np.concatenate([bars.get_segments() for bars in panel.collections])
        assert right > ends[:, 1, 0].max()
        arrows = [line.get_xydata() for line in panel.lines if line.get_marker() == "<"]
        beyond = ends[ends[:, 0, 0] < left, 0, 1]
        assert [places.tolist() for places in arrows] == [[[left, y] for y in beyond]] * bool(cut)
        assert len(beyond) == cut


def test_losses_are_told_apart(tmp_path, drawn):
    """By colour, but for one of longer training, dotted in the colour of the other; the legend shows it."""
    more = {name: ("another", 0) for name in ("atmodist-2", "atmodist-3", "amse", "autoencoder")}
    models = MODELS | more | {"atmodist-longer": ("lags-23-longer", 0)}
    for number in (1, 2, 3):
        write_seed(tmp_path, number, {}, models=models)
    study_figures.draw(study_seed.read(tmp_path), tmp_path)
    for name in ("ratios", "spectra"):
        (legend,) = drawn[name].legends
        looks = {
            text.get_text(): (line.get_color(), line.get_linestyle())
            for text, line in zip(legend.get_texts(), legend.get_lines(), strict=True)
        }
        assert looks["atmodist-longer"] == (looks["atmodist"][0], ":")
        networks = [loss for loss in looks if loss in models and loss != "atmodist-longer"]
        assert len({looks[loss] for loss in networks}) == len(networks) == (7 if name == "spectra" else 6)
        assert {looks[loss][1] for loss in networks} == {"-"}
        assert study_figures.plots.PALETTE[-1] not in {colour for colour, _ in looks.values()}
