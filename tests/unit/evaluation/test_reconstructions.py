"""Examples and mean spectra of reconstructions, whatever the batches."""

import numpy as np

from atmodist.evaluation.patch_spectra import patch_spectra
from atmodist.evaluation.reconstructions import Reconstructions


def test_examples_are_the_first_and_spectra_are_means():
    truth, found = np.random.default_rng(0).standard_normal((2, 11, 2, 16, 16))
    for size in (11, 3):
        all_of_them = Reconstructions(["divergence", "vorticity"], examples=4)
        for start in range(0, 11, size):
            all_of_them.update(truth[start : start + size], found[start : start + size])
        result = all_of_them.result()
        assert result.attrs["patches"] == 11
        np.testing.assert_array_equal(result["field"].sel(kind="patch"), truth[:4])
        np.testing.assert_array_equal(result["field"].sel(kind="difference"), found[:4] - truth[:4])
        expected = patch_spectra(found[:, 1]).mean(0)
        power = result["power"].sel(kind="reconstruction", variable="vorticity")
        np.testing.assert_allclose(power, expected)
        difference = result["power"].sel(kind="difference", variable="vorticity")
        np.testing.assert_allclose(difference, patch_spectra(found[:, 1] - truth[:, 1]).mean(0))
