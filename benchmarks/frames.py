"""How fast global frames are super-resolved and judged, and what a GPU could take over.

    python benchmarks/frames.py [--device auto] [--threads 2] [--truncation 639] [--frames 4]

The generator of config/config.yaml on one frame after another, in float32 as the evaluation has it and in
the shorter formats that a GPU multiplies, with what their rounding adds to the field. Then a whole evaluation
with every metric, on so many threads of the CPU, as the rule evaluate_srgan makes it. Then spectra by degree
as products with matrices of Legendre functions, one for each order, against ducc0 on one core.
"""

import argparse
import math
import sys
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import perf_counter

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow/scripts"))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import numpy as np
import torch
from data import MOMENTS
from evaluation import CITIES, random_frame
from networks import SRGAN
from shared import VARIABLES, hours
from torch import Tensor
from training import bare_rate
from trainings import CPU

from atmodist.data import spectral, store
from atmodist.evaluation import cities, metrics, streaming
from atmodist.learning.networks import Generator
from atmodist.learning.resolution import coarsen


@torch.inference_mode()
def generators(device, truth):
    """Print how fast one frame is super-resolved, and how far it is from what float64 would give."""
    generator = Generator(2, **SRGAN["generator"]).to(device).eval()
    low = coarsen(MOMENTS.forward(torch.from_numpy(truth.values[None]).to(device), axis=1))
    exact = generator.double().super_resolve(low.double())
    generator.float()
    ways = {"float32": (False, None)}
    if device.type == "cuda":
        ways |= {"TF32": (True, None), "bfloat16": (False, torch.bfloat16), "float16": (False, torch.float16)}
    for name, (tf32, dtype) in ways.items():
        torch.backends.cudnn.allow_tf32 = tf32
        with torch.autocast(device.type, dtype=dtype, enabled=dtype is not None):
            rate = bare_rate(lambda: generator.super_resolve(low), 1, device)
            found = generator.super_resolve(low)
        error = ((found - exact).norm() / exact.norm()).item()
        print(f"{f'generator, {name}':>44} {rate:12.1f} {error:14.1e}", flush=True)
    torch.backends.cudnn.allow_tf32 = False


def evaluation(device, truth, count, threads):
    """Print how fast frames on disk are read, super-resolved and measured."""
    generator = Generator(2, **SRGAN["generator"]).to(device).eval()
    places = cities.read(CITIES)

    def fresh():
        return metrics.of_estimate(np.array(MOMENTS.std), 0, places) + metrics.of_comparison()

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "fields.h5"
        times = hours(count)
        fields = ((name, time, truth.sel(variable=name).values) for time in times for name in VARIABLES)
        grid = truth["latitude"].values, truth["longitude"].values
        store.write_fields(path, VARIABLES, times, *grid, fields)
        opened = store.Fields(path)

        def evaluate(number):
            frames = streaming.frames(opened, range(number), MOMENTS, generator.super_resolve, device)
            streaming.evaluate(frames, fresh, opened.time[0], 10, threads)

        evaluate(1)
        began = perf_counter()
        evaluate(count)
        print(
            f"{f'evaluation, every metric, {threads} threads':>44} {count / (perf_counter() - began):12.1f}"
        )


def legendre(truncation: int, device: torch.device) -> Tensor:
    """P̄[m, n, θ] · w(θ) / N(m) on the rows of the Driscoll-Healy grid, 0 below n = m, float64.

    Its product with the Fourier coefficients of the rows are the 4π-normalised coefficients of the field. The
    functions by their recurrence in n (Holmes & Featherstone 2002, equations 11 to 13), which at T639 loses
    nothing but what float64 cannot hold, near the poles, and which is too small to matter; the weights are
    those of Driscoll & Healy (1994), w(θ) = 4/R sin θ Σ sin((2k + 1) θ) / (2k + 1) for R rows.
    """
    rows = 2 * (truncation + 1)
    theta = torch.arange(rows, device=device, dtype=torch.float64) * (math.pi / rows)
    odd = 2 * torch.arange(rows // 2, device=device, dtype=torch.float64) + 1
    weights = 4 / rows * theta.sin() * ((odd * theta[:, None]).sin() / odd).sum(1)
    functions = torch.zeros(truncation + 1, truncation + 1, rows, device=device, dtype=torch.float64)
    order = torch.arange(truncation + 1, device=device, dtype=torch.float64)
    functions[0, 0] = 1
    for n in range(1, truncation + 1):
        step = math.sqrt((2 * n + 1) / (2 * n)) * (math.sqrt(2) if n == 1 else 1)
        functions[n, n] = step * theta.sin() * functions[n - 1, n - 1]
        m = order[:n, None]
        before = theta.cos() * functions[:n, n - 1]
        if n > 1:
            before -= (((n - 1) ** 2 - m**2).clamp(min=0) / (4 * (n - 1) ** 2 - 1)).sqrt() * functions[
                :n, n - 2
            ]
        functions[:n, n] = ((4 * n**2 - 1) / (n**2 - m**2)).sqrt() * before
    return functions * weights / torch.where(order == 0, 2, 4)[:, None, None]


def powers(fields: Tensor, functions: Tensor) -> Tensor:
    """Power by degree (N, T+1) of fields (N, rows, columns), all orders in one batched product."""
    waves = torch.fft.rfft(fields, norm="forward")[..., : len(functions)]
    waves[..., 1:] *= 2
    both = torch.view_as_real(waves).permute(2, 1, 0, 3).flatten(2)  # order, row, field and part
    return torch.bmm(functions, both).square().unflatten(-1, (-1, 2)).sum((0, 3)).T


def spectra(device, truth):
    """Print how fast power by degree is found, and how far it is from that of ducc0."""

    def by_ducc():
        return np.array([spectral.power(spectral.analyse(values)) for values in truth.values])

    expected = by_ducc()
    print(f"{'spectra of a frame, ducc0, one core':>44} {bare_rate(by_ducc, 1, torch.device('cpu')):12.1f}")
    exact = legendre(len(expected[0]) - 1, device)
    for dtype in (torch.float64, torch.float32):
        functions, fields = exact.to(dtype), torch.from_numpy(truth.values).to(device, dtype)
        rate = bare_rate(partial(powers, fields, functions), 1, device)
        error = (np.abs(powers(fields, functions).double().cpu().numpy() - expected) / expected).max()
        name = f"spectra of a frame, matrices, {str(dtype)[6:]}"
        print(f"{name:>44} {rate:12.1f} {error:14.1e}", flush=True)


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "gpu"])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--truncation", type=int, default=639)
    parser.add_argument("--frames", type=int, default=4, help="in the whole evaluation")
    options = parser.parse_args()
    device = streaming.choose_device(replace(CPU, device=options.device, threads=options.threads))
    truth = random_frame(options.truncation, 0)
    name = torch.cuda.get_device_name() if device.type == "cuda" else "CPU"
    print(f"T{options.truncation} on {name}, {options.threads} threads\n")
    print(f"{'':>44} {'frames/s':>12} {'relative error':>14}")
    generators(device, truth)
    evaluation(device, truth, options.frames, options.threads)
    spectra(device, truth)


if __name__ == "__main__":
    main()
