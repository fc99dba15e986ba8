"""A disk that is full is named as such by every writer, and nothing half-written stays."""

import errno
import os
import signal
import subprocess
import sys

import pytest
from snakemake_runs import ROOT

from atmodist.core.shortage import why_full

FULL = "cannot be written: {}; make room, and the same command goes on"
# Each writes some megabytes to a path beside the one that it is to appear at.
WRITERS = {
    "moments.json": "partial.write_text(str(noise.tolist()))",
    "table.csv": "pandas.DataFrame(noise).to_csv(partial)",
    "state.npz": "np.savez_compressed(partial, noise=noise)",
    "figure.png": "pyplot.imsave(partial, noise)",
    "figure.pdf": "pyplot.figure().figimage(noise); pyplot.savefig(partial)",
    "model.safetensors": "safetensors.numpy.save_file({'x': noise}, partial)",
    "folder": "partial.mkdir(); (partial / 'a').write_bytes(noise.tobytes())",
    "copy": "shutil.copy('source', partial)",
}
# What the writers need, imported while files may still be of any size: an import writes compiled modules.
LIBRARIES = """
import shutil, sys
import pandas, safetensors.numpy, xarray
import matplotlib; matplotlib.use('agg')
from matplotlib import pyplot
import matplotlib.backends.backend_pdf, PIL.PngImagePlugin
from atmodist.core import netcdf
"""
BODY = """
import numpy as np
from atmodist.core import hdf5
from atmodist.core.files import replacing
from atmodist.core.job import job
def fill(path, **chunks):
    with hdf5.creating(path) as (file, check_disk):
        file.create_dataset('data', data=noise, **chunks)
def encode(path):
    from atmodist.learning import representations
    times, axis = np.arange(3).astype('datetime64[h]'), np.arange(128.0)
    with representations.writing(path, times, axis[:64], axis, 512, 'stage1') as write:
        for number in range(3):
            write(number, noise.ravel()[: 512 * 16 * 32].reshape(512, 16, 32))
noise = np.random.default_rng(0).random((600, 600))
{before}
with job('job.log', 'rule one'):
    {inside}
"""


def run(folder, before, inside, **settings):
    """Exit code and terminal output of a job in a process of its own."""
    ended = subprocess.run(
        [sys.executable, "-c", BODY.format(before=before, inside=inside)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT / "workflow/scripts")},
        text=True,
        capture_output=True,
        check=False,
        **settings,
    )
    return ended.returncode, ended.stderr


def test_every_writer_names_the_file(tmp_path):
    """In one process, whose files may have 100 000 bytes each: as on a full disk, a write fails half-way."""
    (tmp_path / "source").write_bytes(bytes(10**6))
    whole = {
        "grid.h5": "fill('grid.h5')",
        "chunked.h5": "fill('chunked.h5', fletcher32=True)",
        "result.nc": "netcdf.write('result.nc', xarray.Dataset({'x': (('a', 'b'), noise)}))",
        "encoded.nc": "encode('encoded.nc')",
    }
    code = [
        LIBRARIES,
        "import resource, traceback",
        "from atmodist.core.errors import InputError",
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))",
        "def attempt(action):",
        "    try: action()",
        "    except InputError as error: print(error, file=sys.stderr)",
        "    except BaseException: traceback.print_exc()",
        "def beside(name, writer):",
        "    with replacing(name) as partial: exec(writer, globals() | {'partial': partial})",
        f"for writer in {list(whole.values())!r}: attempt(lambda: exec(writer))",
        f"for name, writer in {WRITERS!r}.items(): attempt(lambda: beside(name, writer))",
    ]
    code, told = run(tmp_path, "\n".join(code), "pass")
    assert code == 0, told
    reason = FULL.format("the file is larger than may be written here")
    assert told.splitlines() == [f"{name} {reason}" for name in (*whole, *WRITERS)]
    assert {path.name for path in tmp_path.iterdir()} == {"source", "job.log"}


@pytest.mark.parametrize("limit", [100, 3000, 50_000, 300_000, 1_500_000])
def test_hdf5_says_what_it_cannot_write_wherever_the_disk_ends(tmp_path, limit):
    """HDF5 by itself ends most of these processes with a segmentation fault."""
    before = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))"
    for fill in ("fill('a.h5')", "fill('a.h5', fletcher32=True, chunks=(30, 30))", "encode('a.h5')"):
        code, told = run(tmp_path, before, fill)
        reason = FULL.format("the file is larger than may be written here")
        assert (code, told) == (1, f"rule one: error: a.h5 {reason}\n")
        assert [path.name for path in tmp_path.iterdir()] == ["job.log"]


def full_disk(folder):
    """Mount a disk of 200 kB, or skip."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", folder]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("only root can mount a small disk")


def test_a_full_disk_is_one_sentence_though_the_log_lies_on_it(tmp_path):
    full_disk(tmp_path)
    try:
        write = "\n    ".join(
            [
                "with replacing('moments.json') as partial:",
                "    partial.write_bytes(bytes(10**6))",
            ]
        )
        told = f"rule one: error: moments.json {FULL.format('no space is left on its disk')}\n"
        assert run(tmp_path, "", write) == (1, told)
        fill = "open('rest', 'wb').write(bytes(10**6))"
        code, told = run(tmp_path, "", fill)
        assert code == 1
        assert told.startswith("rule one: error: [Errno 28] No space left on device")
        assert "Traceback" not in told
        (tmp_path / "job.log").unlink(missing_ok=True)
        assert run(tmp_path, "", "print('words' * 10**5)")[0] == 1
        assert {path.name for path in tmp_path.iterdir()} <= {"rest", "job.log"}
    finally:
        subprocess.run(["umount", "--lazy", tmp_path], check=True)


def test_the_reason_is_found_behind_other_errors():
    error = RuntimeError("cannot close")
    error.__context__ = OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))
    assert why_full(error) == "the quota of its disk is used up"
    assert why_full(ValueError("28")) == ""
    assert why_full(PermissionError(errno.EACCES, "denied")) == ""


def test_ctrl_c_leaves_nothing_and_says_no_traceback(tmp_path):
    sleep = "\n    ".join(
        [
            "import os, time",
            "    with replacing('a.json') as partial:",
            "        partial.write_text('half')",
            f"        os.kill(os.getpid(), {int(signal.SIGINT)})",
            "        time.sleep(60)",
        ]
    ).replace("    with", "with", 1)
    assert run(tmp_path, "", sleep) == (130, "")
    assert [path.name for path in tmp_path.iterdir()] == ["job.log"]
