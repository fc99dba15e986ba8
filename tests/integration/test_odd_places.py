"""A few jobs where a workflow is rarely tried: the results are those of an ordinary place."""

import os
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest
from faults import Disk
from snakemake_runs import PARTS, ROOT

pytestmark = pytest.mark.timeout(1800)
TARGETS = ["results/tiny/figures/field_distribution.png", "results/tiny/moments.json"]
# No home, no folder for temporary files, ASCII only, and the other side of the Earth.
POOR = {
    "LC_ALL": "C",
    "PYTHONUTF8": "0",
    "PYTHONCOERCECLOCALE": "0",
    "TMPDIR": "/nowhere/at/all",
    "TZ": "Pacific/Kiritimati",
}


@contextmanager
def read_only(folder):
    """A folder in which nobody, not even root, can write."""
    bound = ["mount", "--bind", folder, folder]
    if subprocess.run(bound, check=False, capture_output=True).returncode == 0:
        subprocess.run(["mount", "-o", "remount,ro,bind", folder], check=True)
        undo = ["umount", "--lazy", folder]
    else:
        subprocess.run(["chmod", "-R", "a-w", folder], check=True)
        undo = ["chmod", "-R", "u+w", folder]
    try:
        with pytest.raises(OSError, match=r"Read-only|denied"):
            (folder / "trace").touch()
        yield
    finally:
        subprocess.run(undo, check=True)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A clone that cannot be written, and beside it a folder to work in whose results lie on another disk."""
    odd = tmp_path_factory.mktemp("räume") / "a path, with ß and 'quotes'"
    for part in PARTS:
        leave_out = shutil.ignore_patterns("__pycache__", "test_*")
        shutil.copytree(ROOT / part, odd / "clone" / part, ignore=leave_out)
    (odd / "work").mkdir()
    disk = Disk(odd / "work/results")
    with read_only(odd / "clone"):
        yield odd / "work"
    disk.remove()


def start(work, *arguments):
    """Snakemake on the clone, in another folder, with hardly an environment."""
    configs = [f"../clone/{path}" for path in ("config/config.yaml", "config/demo.yaml", "tests/tiny.yaml")]
    command = [sys.executable, "-m", "snakemake", "-s", "../clone/workflow/Snakefile", "--cores", "2"]
    environment = {key: value for key, value in os.environ.items() if key not in ("HOME", "LANG")}
    return subprocess.Popen(
        [*command, "--configfile", *configs, *arguments, "--", *TARGETS],
        cwd=work,
        env=environment | POOR,
        text=True,
        errors="replace",
        umask=0o077,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def made(folder):
    return {path: (folder / path).read_bytes() for path in [*TARGETS, "results/tiny/grid/train.h5"]}


def test_the_results_are_those_of_an_ordinary_place_though_another_snakemake_interferes(finished, place):
    first = start(place)
    while not any((place / ".snakemake/locks").glob("*")):
        assert first.poll() is None, first.stdout.read()
        time.sleep(0.1)
    second = start(place)
    told, _ = second.communicate(timeout=300)
    assert second.returncode != 0
    assert "Directory cannot be locked" in told
    told, _ = first.communicate(timeout=600)
    assert first.returncode == 0, told
    assert made(place) == made(finished)
    assert (place / TARGETS[1]).stat().st_mode & 0o077 == 0


def test_a_clock_that_jumps_back_repeats_work_and_changes_nothing(finished, place):
    """Files of tomorrow are newer than what is made from them today."""
    if not (place / TARGETS[0]).exists():
        pytest.skip("needs what the test before makes")
    tomorrow = time.time() + 86400
    os.utime(place / "results/tiny/moments.json", (tomorrow, tomorrow))
    again = start(place)
    told, _ = again.communicate(timeout=600)
    assert again.returncode == 0, told
    assert made(place) == made(finished)
