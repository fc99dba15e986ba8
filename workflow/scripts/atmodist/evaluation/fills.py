"""What a filled square is judged by: its values, gradients and spectrum, and how it meets its surroundings.

All fields are standardised values, NumPy arrays (…, P, P); the square is `samples.square.square_of`.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import scipy.sparse
import scipy.sparse.linalg
import xarray as xr

from atmodist.evaluation.bootstrap import Bootstrap
from atmodist.evaluation.patch_spectra import patch_spectra
from atmodist.samples.square import square_of

SCORES = {
    "squared_error": "mean squared error in the square",
    "gradient_error": "mean squared error of the gradient in the square",
    "gradient": "mean squared gradient in the square",
    "edge_jump": "mean squared jump of the normal gradient across the square's edge",
}


def laplace_fill(fields: np.ndarray) -> np.ndarray:
    """Fields whose square is harmonic: each of its pixels the mean of its four neighbours.

    The membrane over the hole, the simplest fill; exact for a linear field. Nothing is read in the square.
    """
    square = square_of(fields.shape[-1])
    first, last, edge = square.start, square.stop, square.stop - square.start
    ring = [
        fields[..., first - 1, square],
        fields[..., last, square],
        fields[..., square, first - 1],
        fields[..., square, last],
    ]
    filled = np.concatenate(ring, axis=-1) @ _membrane(edge).T
    result = fields.copy()
    result[..., square, square] = filled.reshape(*fields.shape[:-2], edge, edge)
    return result


@lru_cache
def _membrane(edge: int) -> np.ndarray:
    """Matrix (edge², 4·edge) from the pixels above, below, left and right of a square to those in it."""
    second = scipy.sparse.diags_array([-1.0, 2.0, -1.0], offsets=[-1, 0, 1], shape=(edge, edge))
    unit = scipy.sparse.eye_array(edge)
    laplacian = scipy.sparse.kron(second, unit) + scipy.sparse.kron(unit, second)
    pixel = np.arange(edge**2).reshape(edge, edge)
    neighbours = np.zeros((edge**2, 4 * edge))
    for side, pixels in enumerate((pixel[0], pixel[-1], pixel[:, 0], pixel[:, -1])):
        neighbours[pixels, side * edge + np.arange(edge)] = 1
    return scipy.sparse.linalg.spsolve(laplacian.tocsc(), neighbours)


def scores(truth: np.ndarray, found: np.ndarray) -> dict[str, np.ndarray]:
    """The numbers of `SCORES`, each (…), of filled patches (…, P, P) against the true ones.

    Gradients are differences of neighbours, per pixel. The jump is the second difference along the normal of
    the edge, at the last pixel outside and the first one inside: a step of height h there makes it h². For
    ``gradient`` and ``edge_jump`` what matters is how they compare with the truth's.
    """
    square = square_of(truth.shape[-1])
    true, filled = truth[..., square, square], found[..., square, square]
    return {
        "squared_error": np.square(filled - true).mean((-2, -1)),
        "gradient_error": _squared_gradient(filled - true),
        "gradient": _squared_gradient(filled),
        "edge_jump": _squared_jump(found, square),
    }


def _squared_gradient(fields):
    return sum(np.square(np.diff(fields, axis=axis)).mean((-2, -1)) for axis in (-2, -1))


def _squared_jump(fields, square):
    """Mean over the edge's four sides and the two pixels that meet at each of its points."""
    sides = []
    for turned in (fields, np.swapaxes(fields, -1, -2)):
        for start in (square.start, square.stop):
            across = turned[..., start - 2 : start + 2, square]
            sides.append(np.square(np.diff(across, n=2, axis=-2)).mean((-2, -1)))
    return np.mean(sides, axis=0)


def inserted(truth: np.ndarray, found: np.ndarray) -> np.ndarray:
    """True patches (…, P, P) with the square of the found ones."""
    square, result = square_of(truth.shape[-1]), truth.copy()
    result[..., square, square] = found[..., square, square]
    return result


class DailySums:
    """Scores and spectra of filled patches and of the true ones, summed over the patches of each day.

    From these sums intervals follow; beside them the first ``examples`` patches are kept. ``days`` says when
    the patches are, in the order in which they come.
    """

    def __init__(self, variables: Sequence[str], fill: str, days: np.ndarray, examples: int = 3):
        self.day, self.number = np.unique(days.astype("datetime64[D]"), return_inverse=True)
        self.variables, self.systems, self.examples = list(variables), ["truth", fill], examples
        self.count = np.bincount(self.number)
        self.scores = np.zeros((2, len(SCORES), len(variables), len(self.day)))
        self.spectra: np.ndarray | float = 0.0
        self.fields: list[np.ndarray] = []
        self._start = 0

    def update(self, truth: np.ndarray, found: np.ndarray) -> None:
        """Add the next patches (sample, variable, P, P), true and with another square."""
        number = self.number[self._start : self._start + len(truth)]
        missing = self.examples - self._start
        self._start += len(truth)
        if missing > 0:
            self.fields.append(np.stack([truth, found])[:, :missing])
        belongs = (number[:, None] == np.arange(len(self.day))).astype(float)
        square = square_of(truth.shape[-1])
        power = []
        for place, patches in enumerate((truth, found)):
            each = np.stack(list(scores(truth, patches).values()))
            self.scores[place] += np.einsum("psv,sd->pvd", each, belongs)
            power.append(np.einsum("svk,sd->vkd", patch_spectra(patches[..., square, square]), belongs))
        self.spectra = self.spectra + np.stack(power)

    def result(self) -> xr.Dataset:
        """Sums ``scores`` (system, score, variable, day) and ``spectra`` (system, variable, wavenumber, day).

        And ``patches`` (day), their number, and the examples ``field`` (system, example, variable, row,
        column).
        """
        fields = np.concatenate(self.fields, axis=1)
        values = {"units": "1", "long_name": "standardised value"}
        return xr.Dataset(
            {
                "scores": (
                    ("system", "score", "variable", "day"),
                    self.scores,
                    {"units": "1", "long_name": "sum over a day's patches of standardised values"},
                ),
                "spectra": (
                    ("system", "variable", "wavenumber", "day"),
                    self.spectra,
                    {"units": "1", "long_name": "power in the square, summed over a day's patches"},
                ),
                "patches": ("day", self.count, {"long_name": "number of a day's patches"}),
                "field": (("system", "example", "variable", "row", "column"), fields, values),
            },
            {
                "system": self.systems,
                "score": list(SCORES),
                "meaning": ("score", list(SCORES.values())),
                "variable": self.variables,
                "wavenumber": (
                    "wavenumber",
                    np.arange(1, self.spectra.shape[2] + 1),
                    {"units": "1", "long_name": "cycles an edge of the square"},
                ),
                "day": ("day", self.day.astype("datetime64[ns]")),
            },
        )


def relative_scores(sums: xr.Dataset, fill: str, bootstrap: Bootstrap) -> dict[str, xr.DataArray]:
    """Scores of a fill from the sums of `DailySums`, each (sample, variable).

    Mean squared errors of values and gradients, the mean squared gradient and the mean squared jump across
    the edge over the truth's, which should be 1, and the error of the spectrum, mean |log10| of the ratio.
    """
    sums = sums.rename(day="time")
    mean = bootstrap.means_of_sums(sums[["scores", "spectra"]], sums["patches"])
    found, truth = (mean.sel(system=name, drop=True) for name in (fill, "truth"))
    value, true = found["scores"], truth["scores"]
    return {
        "squared_error": value.sel(score="squared_error", drop=True),
        "gradient_error": value.sel(score="gradient_error", drop=True),
        "gradient_over_truth": (value / true).sel(score="gradient", drop=True),
        "edge_jump_over_truth": (value / true).sel(score="edge_jump", drop=True),
        "spectrum_error": abs(np.log10(found["spectra"] / truth["spectra"])).mean("wavenumber"),
    }
