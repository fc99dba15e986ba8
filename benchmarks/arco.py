"""How fast fields come from the public cloud copy, from a stand-in on the loopback that has them ready.

    python benchmarks/arco.py [--truncation 639] [--times 96] [--concurrency 16]

A row for each number of times: fields and megabytes a second, from the first request to the file, checks and
packing included; processor time a field, without the stand-in's; peak memory. Then what 26 years cost.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path
from time import perf_counter, process_time

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow/scripts"))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from shared import VARIABLES, called, hours, peak_memory

PAPER = 2 * 8 * (20 * 365 + 5 + 6 * 365 + 2)
"""Fields of the paper: two variables, eight times a day, 1979-1998 and 2000-2005."""
NETWORKS = (20, 100, 1000)


def serve(truncation, count, pipe):
    """A stand-in store whose objects of ``count`` times are in memory before its address is sent."""
    from standin_store import FIRST, WIND, StandInStore

    with StandInStore(truncation=truncation, keep=2 * count) as store:
        size = sum(
            len(store.body(f"{WIND}/{name}/{int((time - FIRST).astype(int))}.119.0"))
            for time in hours(count)
            for name in ("d", "vo")
        )
        pipe.send((store.wind, size / 2 / count))
        pipe.recv()


def fetch(address, truncation, count, concurrency, pipe):
    """Download and send fields a second, seconds of processor time a field, and peak memory in GiB."""
    from atmodist.core.retry import RetryPolicy
    from atmodist.data.arco_download import download
    from atmodist.data.arrival import Request

    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    request = Request(hours(count), VARIABLES, 120, truncation, truncation)
    with tempfile.TemporaryDirectory() as folder:
        began, used = perf_counter(), process_time()
        download(address, request, Path(folder) / "period.grib", concurrency, RetryPolicy())
        seconds, used = perf_counter() - began, process_time() - used
    pipe.send((2 * count / seconds, used / 2 / count, peak_memory()))


def main():
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--truncation", type=int, default=639)
    parser.add_argument("--times", type=int, default=96)
    parser.add_argument("--concurrency", type=int, default=16)
    options = parser.parse_args()
    server, pipe, (address, size) = called(serve, options.truncation, options.times)
    print(f"T{options.truncation}, {size / 1e6:.2f} MB a field, {options.concurrency} objects on their way")
    print(f"{'times':>6}{'fields/s':>10}{'MB/s':>8}{'ms of CPU a field':>20}{'peak GiB':>10}")
    best = 0
    for count in (options.times // 4, options.times // 2, options.times):
        process, _, (rate, used, peak) = called(
            fetch, address, options.truncation, count, options.concurrency
        )
        process.join()
        best = max(best, rate)
        print(f"{count:6}{rate:10.1f}{rate * size / 1e6:8.0f}{1e3 * used:20.1f}{peak:10.2f}", flush=True)
    pipe.send("enough")
    server.join()
    gigabytes = PAPER * size / 1e9
    print(f"\nThe paper's {PAPER} fields, {gigabytes:.0f} GB, by one job with {best:.0f} fields/s")
    for network in NETWORKS:
        seconds = PAPER * max(size / 1e6 / network, 1 / best)
        bound = "the network" if size / 1e6 / network > 1 / best else "decoding and packing"
        print(f"{network:6} MB/s {seconds / 3600:8.1f} h, bounded by {bound}")


if __name__ == "__main__":
    main()
