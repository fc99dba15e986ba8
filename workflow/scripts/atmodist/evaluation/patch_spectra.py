"""Power spectra of patches, which are no whole sphere: by isotropic wavenumber under a window."""

import numpy as np


def patch_spectra(fields: np.ndarray) -> np.ndarray:
    """Power (…, K) of fields (…, N, N) at the isotropic wavenumbers 1 … N/2 cycles an edge.

    Each field less its mean under a Hann window, without which the jump from one edge to the opposite one
    would be most of the small scales. Power is summed over the ring of the wavenumbers that round to k and
    scaled so that white noise of variance 1 has 1 in all rings together, corners included.
    """
    size = fields.shape[-1]
    window = np.hanning(size + 2)[1:-1]
    window = np.outer(window, window)
    waves = np.fft.fft2((fields - fields.mean((-2, -1), keepdims=True)) * window, norm="ortho")
    power = np.abs(waves) ** 2 / np.square(window).sum()
    frequency = size * np.fft.fftfreq(size)
    ring = np.rint(np.hypot(frequency[:, None], frequency)).astype(int)
    return np.stack([power[..., ring == k].sum(-1) for k in range(1, size // 2 + 1)], axis=-1)
