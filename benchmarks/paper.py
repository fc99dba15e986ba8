"""What ERA5 at the paper's size costs: days of T639 data through every stage, projected to all years.

    python benchmarks/paper.py [--days 2] [--cores 32] [--folder /scratch]

The data are random coefficients whose power falls as 1/n with degree n, as that of ERA5's vorticity does; the
stages are the workflow's own scripts with the settings of config/config.yaml, each in a process of its own.
Seconds are those that one core computes: files lie in the page cache, so that a slow disk adds its own time.
The archive's queue is not in the projection.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, process_time

import yaml

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow/scripts"))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from fake_snakemake import run_script

from atmodist import configuration

ROOT = Path(__file__).parents[1]
CONFIG = yaml.safe_load((ROOT / "config/config.yaml").read_text())
TRUNCATION, LEVEL, VARIABLES, STEP = (
    CONFIG["data"][key] for key in ("truncation", "level", "variables", "step_hours")
)
RAW = 4 * 2 * (TRUNCATION + 1) * 4 * (TRUNCATION + 1)  # bytes of a field in float32
PAIRS = PATCHES = 512  # samples of the shards that are measured
MAX_LAG = 8  # longer ones, as the paper has them, cost the same


@dataclass
class Stage:
    """A rule's script and how much of it there is in the paper."""

    script: str
    output: str
    unit: str
    measured: float  # units in the benchmark
    paper: float  # units in the paper
    jobs: int
    threads: int = 1


def stages(times):
    """The stages from coefficients to samples, in order."""
    total = {split: configuration.time_count(CONFIG, split) for split in configuration.splits(CONFIG)}
    periods = sum(len(configuration.periods(CONFIG, split)) for split in configuration.splits(CONFIG))
    fields, both = len(VARIABLES), sum(total.values())
    pairs = sum(count - CONFIG["pairs"]["max_lag"] for count in total.values()) * CONFIG["pairs"]["per_time"]
    pair_shards = sum(configuration.pair_shards(CONFIG, split) for split in total)
    patches = total["train"] * CONFIG["patches"]["per_time"]  # of the training split alone
    patch_shards = configuration.patch_shards(CONFIG, "train")
    return [
        Stage("grid_fields", "fields", "field", fields * times, fields * both, periods),
        Stage("virtual_dataset", "split", "time", times, both, 2),
        Stage("compute_moments", "moments", "field", fields * times, fields * total["train"], 1, threads=4),
        Stage("sample_pairs", "pairs", "pair", PAIRS, pairs, pair_shards),
        Stage("sample_patches", "patches", "patch", PATCHES, patches, patch_shards),
    ]


def handed(stage, folder, period):
    """What Snakemake hands to a stage's script, as `run_script` takes it."""
    times = len(period.times(STEP))
    files = {name: folder / f"{name}.h5" for name in ("fields", "split", "pairs", "patches")}
    files |= {"grib": folder / "fields.grib", "moments": folder / "moments.json"}
    split = {"fields": files["split"], "moments": files["moments"]}
    sampled = {"split": "train", "shard": "00000", "seed": 1, "latitude": CONFIG["windows"]["latitude"]}
    inputs, outputs, params = {
        "grid_fields": (
            {"grib": files["grib"], "checksum": files["grib"].with_suffix(".grib.sha256")},
            {"fields": files["fields"]},
            CONFIG["grid"] | {"step_hours": STEP, "truncation": TRUNCATION, "level": LEVEL},
        ),
        "virtual_dataset": ({"fields": [files["fields"]]}, {"fields": files["split"]}, {}),
        "compute_moments": (split, {"moments": files["moments"]}, CONFIG["normalisation"]),
        "sample_pairs": (
            split,
            {"shard": files["pairs"]},
            CONFIG["pairs"] | sampled | {"max_lag": MAX_LAG, "per_time": PAIRS // (times - MAX_LAG)},
        ),
        "sample_patches": (
            split,
            {"shard": files["patches"]},
            CONFIG["patches"] | sampled | {"per_time": PATCHES // times},
        ),
    }[stage]
    return {
        "inputs": inputs,
        "outputs": outputs,
        "params": {"variables": VARIABLES, **params},
        "wildcards": {"period": period.name, "split": "train", "shard": "00000"},
        "threads": 1,
    }


def run_stage(script, folder, period):
    """In a process of its own: run a script and print its seconds and its peak memory."""
    import resource

    from atmodist.core.periods import Period
    from atmodist.data import grib, spectral, store  # noqa: F401
    from atmodist.samples import normalise, shards, windows  # noqa: F401

    settings = handed(script, folder, Period.parse(period))
    start = process_time()
    began = perf_counter()
    run_script(script, folder / "log", **settings)
    numbers = {
        "start": start,
        "core": process_time() - start,
        "wall": perf_counter() - began,
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
    }
    print(json.dumps(numbers))


def measured(script, folder, period):
    """Seconds and GiB of a stage."""
    command = [sys.executable, __file__, "--stage", script, "--folder", str(folder), "--period", period]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    run = subprocess.run(command, env=environment, text=True, stdout=subprocess.PIPE, check=True)
    return json.loads(run.stdout.splitlines()[-1])


def main():
    """Print what was measured and what follows from it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--days", type=int, default=2)
    parser.add_argument("--cores", type=int, default=32)
    parser.add_argument("--folder", type=Path, help="where to write; some 0.3 GB a day")
    parser.add_argument("--stage", help=argparse.SUPPRESS)
    parser.add_argument("--period", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.stage:
        run_stage(options.stage, options.folder, options.period)
        return
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        table(Path(folder), options.days, options.cores)


def table(folder, days, cores):
    """Measure every stage and print the table."""
    from data import make_grib
    from shared import hours

    from atmodist.core.files import write_checksum
    from atmodist.core.periods import blocks

    times = days * 24 // STEP
    first = hours(1)[0].astype("datetime64[D]").item()
    period = blocks(first, hours(times)[-1].astype("datetime64[D]").item(), days)[0]
    grib_file = folder / "fields.grib"
    make_grib(grib_file, TRUNCATION, times)
    write_checksum(grib_file, grib_file.with_suffix(".grib.sha256"))
    fields = len(VARIABLES) * sum(
        configuration.time_count(CONFIG, split) for split in configuration.splits(CONFIG)
    )
    grib = grib_file.stat().st_size / (len(VARIABLES) * times)

    print(f"T{TRUNCATION}, {days} days measured; {fields} fields projected to {cores} cores\n")
    print("| stage | core-ms each | wall-ms each | peak GiB | MB each | disk TB | core-h | wall h |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    print(f"| GRIB from the archive | | | | {grib / 1e6:.2f}/field | {grib * fields / 1e12:.3f} | | |")
    totals = [grib * fields / 1e12, 0.0, 0.0]
    for stage in stages(times):
        cost = measured(stage.script, folder, period.name)
        output = next(folder.glob(f"{stage.output}.[hj]*"))
        size = output.stat().st_size / stage.measured
        core_hours = (cost["core"] / stage.measured * stage.paper + cost["start"] * stage.jobs) / 3600
        wall = core_hours / min(cores, stage.jobs * stage.threads)
        disk = size * stage.paper / 1e12 if stage.output != "moments" else 0
        totals = [sum(pair) for pair in zip(totals, (disk, core_hours, wall), strict=True)]
        each = f"{1e3 * cost['core'] / stage.measured:.1f}/{stage.unit}"
        print(
            f"| {stage.script} | {each} | {1e3 * cost['wall'] / stage.measured:.1f} | {cost['memory']:.2f} "
            f"| {size / 1e6:.3f}/{stage.unit} | {disk:.3f} | {core_hours:.2f} | {wall:.2f} |",
            flush=True,
        )
        if stage.script == "grid_fields":
            note = f"gridded fields take {size / RAW:.3f} of their size in float32"
        if stage.script == "compute_moments":
            note += (
                f"; moments go through {RAW * stage.measured / cost['core'] / 1e6:.0f} MB/s of it on a core"
            )
    print(f"| **all** | | | | | {totals[0]:.2f} | {totals[1]:.1f} | {totals[2]:.2f} |\n\n{note}")


if __name__ == "__main__":
    main()
