"""Total variation by hand, structural similarity bit by bit (against torchmetrics: test_metrics)."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from atmodist.evaluation import images

SCRIPTS = Path(images.__file__).parents[2]


def test_total_variation_is_the_mean_length_of_the_differences():
    """3 to the next row and 4 to the next column make 5; the last row has no next, columns go around."""
    ramp = 3.0 * np.arange(4)[:, None] + 4.0 * np.arange(6)
    expected = (3 * (5 * 5 + np.hypot(3, 20)) + (5 * 4 + 20)) / 24
    assert images.total_variation(ramp) == pytest.approx(expected)
    assert images.total_variation(np.stack([ramp, -2 * ramp])) == pytest.approx([expected, 2 * expected])


def test_total_variation_of_a_checkerboard_and_of_a_step():
    checkerboard = np.indices((8, 16)).sum(0) % 2
    assert images.total_variation(checkerboard) == pytest.approx((7 * 16 * np.sqrt(2) + 16) / 128)
    step = np.zeros((8, 16))
    step[:, 8:] = 3.0
    assert images.total_variation(step) == pytest.approx(2 * 8 * 3 / 128), "up once, and down across the seam"


def test_total_variation_is_the_originals_formula():
    field = np.random.default_rng(0).standard_normal((2, 12, 24)).astype(np.float32)
    row = np.concatenate([field[:, 1:] - field[:, :-1], np.zeros((2, 1, 24))], 1)
    column = np.roll(field, -1, 2) - field
    np.testing.assert_allclose(images.total_variation(field), np.sqrt(row**2 + column**2).mean((1, 2)), 1e-6)


def test_structural_similarity_has_the_same_bits_on_any_number_of_cores():
    """BLAS rounds differently when it shares a product among threads."""
    code = (
        "import numpy; from atmodist.evaluation import images;"
        "a, b = numpy.random.default_rng(0).random((2, 128, 256), numpy.float32);"
        "print(images.structural_similarity(a, b).hex())"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "OMP_NUM_THREADS": threads, "PYTHONPATH": str(SCRIPTS)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for threads in "12"
    }
    assert len(found) == 1
