"""How fast a global frame is judged, on one core: every metric, and the kinetic-energy spectrum's other ways.

    python benchmarks/evaluation.py [--truncation 639] [--repeat 3]

Seconds of the processor's time, so that other programs count little, and beside them the ratio to our
spectra, which take the kinetic energy from the coefficients of vorticity and divergence. The other ways
invert to the wind and expand its two components as scalars. The original's is by pyspharm and by SHTOOLS' own
transforms; it is measured where pyspharm is installed (tests/install_pyspharm.sh).
"""

import argparse
import importlib.util
import os
import sys
from pathlib import Path
from time import process_time

os.environ["OMP_NUM_THREADS"] = "1"
sys.path.insert(0, str(Path(__file__).parents[1] / "workflow/scripts"))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import numpy as np
import shtools
import torch
import xarray as xr
from shared import VARIABLES, seconds

from atmodist.data import spectral, units
from atmodist.evaluation import cities, metrics
from atmodist.learning.resolution import bilinear, coarsen

torch.set_num_threads(1)
STD = np.array([3e-5, 5e-5])
CITIES = Path(__file__).parents[1] / "resources/cities/cities.csv"


def random_frame(truncation, seed):
    """Random fields whose power falls with degree like that of vorticity."""
    stream = np.random.default_rng(seed)
    degree = np.arange(truncation + 1)
    shape = np.tri(truncation + 1) / np.maximum(degree, 1)[:, None]
    values = [
        spectral.synthesise(1e-5 * shape * stream.standard_normal((2, *shape.shape))) for _ in VARIABLES
    ]
    coordinates = {
        "variable": list(VARIABLES),
        units.COORDINATE: ("variable", ["s-1"] * len(VARIABLES)),
        "latitude": spectral.latitudes(truncation),
        "longitude": spectral.longitudes(truncation),
        "time": np.datetime64("2001-01-01", "ns"),
    }
    return xr.DataArray(np.array(values, np.float32), coordinates, ("variable", "latitude", "longitude"))


def scalar_energy(frame, analyse, winds=spectral.winds):
    """Kinetic energy at each degree from the wind's two components, expanded as scalars."""
    divergence, vorticity = (analyse(values) for values in frame.values)
    components = winds(vorticity, divergence)
    return sum(spectral.power(analyse(component)) for component in components) / 2


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--truncation", type=int, default=639)
    parser.add_argument("--repeat", type=int, default=3)
    arguments = parser.parse_args()
    truth, estimate = (random_frame(arguments.truncation, seed) for seed in (0, 1))
    low = coarsen(torch.from_numpy(truth.values))[None]

    every = metrics.of_estimate(STD, 0, cities.read(CITIES)) + metrics.of_comparison()
    work = {
        type(metric).__name__: lambda metric=metric: metric.add(metric.measure(truth, estimate))
        for metric in every
    } | {"bilinear interpolation": lambda: bilinear(low)}
    ways = {
        f"… by ducc0's winds, expanded by {name}": lambda analyse=analyse: scalar_energy(estimate, analyse)
        for name, analyse in {"ducc0": spectral.analyse, "SHTOOLS": shtools.analyse}.items()
    }
    if importlib.util.find_spec("spharm"):
        ways["… the original: pyspharm, SHTOOLS"] = lambda: scalar_energy(
            estimate, shtools.analyse, spectral.pyspharm_winds
        )

    rows, columns = truth.shape[1:]
    print(f"{f'a frame, two fields of {rows} × {columns}':>44} {'s':>10} {'ratio':>7}")
    taken = {}
    for name, function in (work | ways).items():
        taken[name] = seconds(function, arguments.repeat, process_time)
        print(f"{name:>44} {taken[name]:10.4f} {taken[name] / taken['Spectra']:7.1f}")
    total = sum(taken[type(metric).__name__] for metric in every)
    print(f"{'all metrics of a system':>44} {total:10.4f}")
    ours = metrics.Spectra().measure(truth, truth)["kinetic_energy"].sum()
    theirs = scalar_energy(truth, spectral.analyse).sum()
    print(f"total energy of the scalar way over ours: {float(theirs / ours):.4f}")


if __name__ == "__main__":
    main()
