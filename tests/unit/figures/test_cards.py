"""The figures of a model card show what they are made of."""

import matplotlib.image
import numpy as np
import xarray as xr

from atmodist.figures import cards, plots


def drawn(path):
    """The axes of the last figure and its picture, which is not blank."""
    picture = matplotlib.image.imread(path)[..., :3]
    assert picture.std() > 0.02
    return picture


def test_rows_of_the_confusion_matrix_add_up_to_one(tmp_path, monkeypatch):
    figures = []
    monkeypatch.setattr(cards, "_save", lambda figure, *_: figures.append(figure))
    hours = [3, 6, 9]
    count = xr.DataArray(
        [[3, 1, 0], [2, 2, 4], [0, 0, 8]],
        {"true_lag": hours, "predicted_lag": hours},
        ("true_lag", "predicted_lag"),
    )
    cards.confusion(tmp_path / "matrix.png", count)
    (mesh,) = figures[0].axes[0].collections
    np.testing.assert_allclose(mesh.get_array(), [[0.75, 0.25, 0], [0.25, 0.25, 0.5], [0, 0, 1]])
    assert figures[0].axes[0].get_xlabel() == "predicted lag / h"


def losses(factor):
    """Distances by lag whose content loss is ``factor`` times the mean squared error."""
    lag = 3 * np.arange(1, 9)
    squared = 2 * (1 - np.exp(-lag / 12))
    return xr.Dataset(
        {
            "mean": (("measure", "lag"), [factor * squared, squared]),
            "scale": ("measure", [1.0, 1 / factor]),
        },
        {"measure": ["content", "mse"], "lag": lag},
    )


def test_scaled_distances_lie_on_the_error_that_they_are_scaled_to(tmp_path, monkeypatch):
    figures = []
    monkeypatch.setattr(cards, "_save", lambda figure, *_: figures.append(figure))
    cards.distances(tmp_path / "distances.png", {"stage1": losses(0.1), "stage2": losses(3.0)})
    curves = [line.get_ydata() for line in figures[0].axes[0].lines]
    for curve in curves:
        np.testing.assert_allclose(curve, curves[0])
    labels = [text.get_text() for text in figures[0].legends[0].get_texts()]
    assert labels == ["stage1", "stage2", "mean squared error"]
    assert set(plots.lines(["stage1", "stage2"])) <= set(labels)


def test_the_files_are_pictures(tmp_path):
    cards.distances(tmp_path / "distances.png", {"stage1": losses(0.1)})
    drawn(tmp_path / "distances.png")
