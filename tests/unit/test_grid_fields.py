import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from fake_snakemake import SCRIPTS, run_script
from fields import VARIABLES

from atmodist.core.files import write_checksum
from atmodist.core.periods import Period
from atmodist.data import grib, spectral, store

PERIOD = Period.parse("2001-01-01_2001-01-02")
TESTS = Path(__file__).parents[1]
GRIDDING = """
import re, sys
from fake_snakemake import run_script
folder, period = sys.argv[1:]
params = dict(step_hours=3, truncation=127, level=120, variables=["divergence", "vorticity"])
run_script(
    "grid_fields", f"{folder}/log", wildcards={"period": period},
    inputs={"grib": f"{folder}/period.grib", "checksum": f"{folder}/sum"},
    outputs={"fields": f"{folder}/period.h5"},
    params=params | {"chunk": (160, 320), "mantissa_bits": 12},
)
# Of this process alone: what getrusage says begins with that of the process that started it.
print(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
"""


@pytest.fixture
def planet(tmp_path, request):
    """What Snakemake hands to the script: GRIB of a single harmonic that grows with time, T21 or another."""
    truncation = getattr(request, "param", 21)
    degree, order = spectral.degrees_and_orders(truncation)
    wave = ((degree == 4) & (order == 3)).astype(complex)

    def fields():
        for i, time in enumerate(PERIOD.times(6)):
            for j, variable in enumerate(VARIABLES):
                yield grib.Field(variable, time, 120, (1 + i + 10 * j) * 1e-5 * wave)

    grib.write_fields(tmp_path / "period.grib", fields())
    write_checksum(tmp_path / "period.grib", tmp_path / "period.grib.sha256")
    return {
        "inputs": {"grib": tmp_path / "period.grib", "checksum": tmp_path / "period.grib.sha256"},
        "outputs": {"fields": tmp_path / "period.h5"},
        "wildcards": {"period": PERIOD.name},
        "params": {
            "step_hours": 6,
            "truncation": truncation,
            "level": 120,
            "variables": VARIABLES,
            "chunk": (16, 32),
            "mantissa_bits": 12,
        },
    }


def run(planet):
    run_script("grid_fields", planet["inputs"]["grib"].with_suffix(".log"), **planet)


@pytest.mark.parametrize("planet", [21, 20], indirect=True)
def test_a_harmonic_appears_on_the_grid(planet):
    """An even truncation has the grid of the next one."""
    run(planet)
    fields = store.Fields(planet["outputs"]["fields"])
    assert fields.shape == (2, 8, 44, 88)
    assert np.array_equal(fields.time, PERIOD.times(6))
    sine, cosine = np.sin(np.radians(fields.latitude)), np.cos(np.radians(fields.latitude))
    # P(4, 3) ∝ sin φ cos³ φ, and ½∫P²dμ = 1 makes the factor √(315/16); a real field has a[n, m] twice
    legendre = np.sqrt(315 / 16) * sine * cosine**3
    wave = 2 * legendre[:, None] * np.cos(3 * np.radians(fields.longitude))
    for time in range(8):
        for variable in range(2):
            expected = (1 + time + 10 * variable) * 1e-5 * wave
            np.testing.assert_allclose(fields.read(time)[variable], expected, rtol=2e-4, atol=1e-10)
    bits = np.ascontiguousarray(fields.read(0)).view(np.uint32)
    assert not (bits % 2 ** (23 - 12)).any(), "12 bits of the mantissa's 23"


def test_one_variable_of_a_file_that_holds_two_is_what_both_have_of_it(planet):
    run(planet)
    both = store.Fields(planet["outputs"]["fields"])
    planet["params"]["variables"] = ["vorticity"]
    planet["outputs"]["fields"] = planet["outputs"]["fields"].with_name("vorticity.h5")
    run(planet)
    fields = store.Fields(planet["outputs"]["fields"])
    assert fields.variables == ("vorticity",)
    number = both.variables.index("vorticity")
    for time in range(8):
        assert np.array_equal(fields.read(time)[0], both.read(time)[number])


def test_memory_does_not_grow_with_the_period(tmp_path):
    """240 fields of T127 on the grid are 126 MB; a process that grids them needs no more than for 16."""
    degree, order = spectral.degrees_and_orders(127)
    noise = np.random.default_rng(0).normal(size=(len(degree), 2)).view(complex)[:, 0]
    packed = 1e-5 * np.where(order, noise, noise.real) / np.maximum(degree, 1)
    path = os.environ | {"PYTHONPATH": f"{SCRIPTS}:{TESTS}"}
    peaks = []
    for name in ("2001-01-01_2001-01-01", "2001-01-01_2001-01-15"):
        fields = (
            grib.Field(variable, time, 120, packed)
            for time in Period.parse(name).times(3)
            for variable in VARIABLES
        )
        grib.write_fields(tmp_path / "period.grib", fields)
        write_checksum(tmp_path / "period.grib", tmp_path / "sum")
        run = subprocess.run(
            [sys.executable, "-c", GRIDDING, tmp_path, name], stdout=subprocess.PIPE, env=path
        )
        peaks.append(int(run.stdout))
    assert peaks[1] < peaks[0] + 10_000  # KiB
    assert peaks[1] < 2**20


def test_a_cut_grib_is_refused_and_leaves_nothing(planet, capfd):
    content = planet["inputs"]["grib"].read_bytes()
    planet["inputs"]["grib"].write_bytes(content[: len(content) - 100])
    write_checksum(*planet["inputs"].values())
    with pytest.raises(SystemExit):
        run(planet)
    assert not planet["outputs"]["fields"].exists()
    (sentence,) = capfd.readouterr().err.splitlines()
    assert "period.grib: message 16 is cut" in sentence


def test_bytes_that_flip_after_a_grib_was_accepted_are_not_gridded(planet, capfd):
    path, checksum = planet["inputs"].values()
    content = bytearray(path.read_bytes())
    content[1000:1040] = bytes(255 - byte for byte in content[1000:1040])
    path.write_bytes(content)
    with pytest.raises(SystemExit):
        run(planet)
    assert not planet["outputs"]["fields"].exists()
    (sentence,) = capfd.readouterr().err.splitlines()
    assert f"{path} is not the file whose SHA-256 {checksum} holds" in sentence
