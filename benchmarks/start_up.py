"""What it costs a script to start and to end, its imports above all.

    python benchmarks/start_up.py [--repeats 5]

Seconds of processor time of a Python that imports what a script imports, and of a job of the workflow, which
looks for garbage less often (`atmodist.core.job`); and the one over the other.
"""

import argparse
import os
import subprocess
import sys
import textwrap
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from import_graph import SCRIPTS, import_statements
from shared import seconds

SHOWN = ("grid_fields", "figure_maps", "evaluate_srgan", "train_atmodist")
JOB = f"from atmodist.core.job import job\nwith job({os.devnull!r}, ''):\n"


def run(code):
    """Run code in a Python of its own."""
    subprocess.run([sys.executable, "-c", code], cwd=SCRIPTS, check=True)


def time_of_children():
    """Processor time of all processes that have been waited for."""
    times = os.times()
    return times.children_user + times.children_system


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--repeats", type=int, default=5, help="of which the shortest time counts")
    options = parser.parse_args()
    print(f"{'':24s}{'Python':>10s}{'a job':>10s}{'ratio':>8s}")
    for script in SHOWN:
        plain = import_statements(script)
        times = [
            seconds(lambda code=code: run(code), options.repeats, time_of_children)
            for code in (plain, JOB + textwrap.indent(plain, "    "))
        ]
        print(f"{script:24s}{times[0]:9.2f}s{times[1]:9.2f}s{times[0] / times[1]:8.2f}", flush=True)


if __name__ == "__main__":
    main()
