"""How fast a global frame is judged, on one core: every metric, and the kinetic-energy spectrum three ways.

    python benchmarks/evaluation.py [--truncation 639] [--repeat 3]

The second column is the time beside that of our kinetic-energy spectrum, which takes the coefficients of
vorticity and divergence alone. The other ways invert to the wind and expand its two components as scalars.
"""

import argparse
import os
import sys
from pathlib import Path
from time import perf_counter

os.environ["OMP_NUM_THREADS"] = "1"
sys.path.insert(0, str(Path(__file__).parents[1] / "workflow/scripts"))

import numpy as np
import torch
import xarray as xr

from atmodist import metrics, spectral
from atmodist.resolution import bilinear, coarsen

torch.set_num_threads(1)
VARIABLES = ("divergence", "vorticity")
STD = np.array([3e-5, 5e-5])


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
        "latitude": spectral.latitudes(truncation),
        "longitude": spectral.longitudes(truncation),
        "time": np.datetime64("2001-01-01", "ns"),
    }
    return xr.DataArray(np.array(values, np.float32), coordinates, ("variable", "latitude", "longitude"))


def scalar_energy(frame, backend):
    """Kinetic energy at each degree from the wind's two components, expanded as scalars."""
    divergence, vorticity = (spectral.analyse(values, backend) for values in frame.values)
    components = spectral.winds(vorticity, divergence)
    return sum(spectral.power(spectral.analyse(component, backend)) for component in components) / 2


def seconds(work, repeat):
    """Shortest of ``repeat`` wall-clock times of ``work()``."""
    times = []
    for _ in range(repeat):
        began = perf_counter()
        work()
        times.append(perf_counter() - began)
    return min(times)


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--truncation", type=int, default=639)
    parser.add_argument("--repeat", type=int, default=3)
    arguments = parser.parse_args()
    truth, estimate = (random_frame(arguments.truncation, seed) for seed in (0, 1))
    low = coarsen(torch.from_numpy(truth.values))[None]

    work = {"spectra and kinetic energy": lambda: metrics.Spectra().measure(truth, estimate)}
    for backend in ("ducc", "shtools"):
        work[f"… by winds as scalars, {backend}"] = lambda backend=backend: scalar_energy(estimate, backend)
    for metric in (metrics.Semivariogram(STD, seed=0), metrics.Errors(), metrics.Moments(STD)):
        work[type(metric).__name__.lower()] = lambda metric=metric: metric.measure(truth, estimate)
    work["bilinear interpolation"] = lambda: bilinear(low)

    rows, columns = truth.shape[1:]
    print(f"{'two fields of':>34} {rows} × {columns}      s   ratio")
    first = None
    for name, function in work.items():
        taken = seconds(function, arguments.repeat)
        first = first or taken
        print(f"{name:>44} {taken:10.4f} {taken / first:7.1f}")
    ours = metrics.Spectra().measure(truth, truth)["kinetic_energy"].sum()
    theirs = scalar_energy(truth, "ducc").sum()
    print(f"total energy of the scalar way over ours: {float(theirs / ours):.4f}")


if __name__ == "__main__":
    main()
