"""Errors by scale, split into lost amplitude and lost correlation: a spectral alternative to squared error.

Subich et al. (2025), arXiv:2501.19374. On the sphere they sum over degrees; a patch has no spherical
harmonics, so here scales are rings of whole wavenumbers |k| of its two-dimensional discrete Fourier
transform, in waves a patch. No window is applied, for Parseval's sake: without one, amplitude and
decorrelation add up to the mean squared error. What the edges of a patch, which do not meet, leak into other
scales falls off faster than the spectra of vorticity and divergence do.
"""

import torch
from torch import Tensor, nn


def rings(patch: int) -> tuple[Tensor, Tensor]:
    """Ring of each coefficient of a real Fourier transform of P×P values, and how often it counts.

    Both P×(P/2+1): the wavenumber |k| rounded to a whole number of waves a patch, and 2 for a coefficient
    that also stands for its complex conjugate, else 1.
    """
    along = torch.fft.fftfreq(patch, 1 / patch)
    across = torch.fft.rfftfreq(patch, 1 / patch)
    number = torch.sqrt(along[:, None] ** 2 + across**2).round().long()
    paired = (across > 0) & (2 * across < patch)
    return number, torch.where(paired, 2.0, 1.0).expand_as(number)


class SpectralLoss(nn.Module):
    """The two parts of the spectral error, and the adjusted mean squared error that they make up.

    Args:
        patch: edge P of the patches in pixels.
    """

    def __init__(self, patch: int):
        super().__init__()
        number, count = rings(patch)
        ring = nn.functional.one_hot(number.flatten()).float() * count.flatten()[:, None]
        self.register_buffer("ring", ring / patch**4, persistent=False)  # means of squares, by Parseval

    def parts(self, truth: Tensor, estimate: Tensor) -> tuple[Tensor, Tensor]:
        """Amplitude and decorrelation error (B, C, ring) of fields B×C×P×P, in squares of their unit.

        With S and Ŝ the powers of truth and estimate in a ring and c their coherence, the amplitude error is
        (√S − √Ŝ)² and the decorrelation error 2 max(S, Ŝ) (1 − c). With √(S Ŝ) in place of the maximum they
        would add up to the mean squared error, which is least at a field too weak where the phase cannot be
        predicted; the maximum takes the reward for weakness away.
        """
        with torch.autocast(truth.device.type, enabled=False):
            x, y = (torch.fft.rfft2(each.float()).flatten(-2) for each in (truth, estimate))
            true, found, shared = (
                torch.view_as_real(a * b.conj())[..., 0] @ self.ring for a, b in ((x, x), (y, y), (x, y))
            )
            # Rings without power have no coherence. A floor far below rounding keeps its gradient finite.
            floor = 1e-10 * (true + true.mean(-1, keepdim=True)) + torch.finfo(true.dtype).tiny
            geometric = torch.sqrt((true + floor) * (found + floor))
            amplitude = (torch.sqrt(true + floor) - torch.sqrt(found + floor)) ** 2
            decorrelation = 2 * torch.maximum(true, found) * (1 - shared / geometric)
        return amplitude, decorrelation

    def forward(self, truth: Tensor, estimate: Tensor) -> Tensor:
        """Adjusted mean squared error of fields B×C×P×P, one value a sample: the mean over the channels."""
        amplitude, decorrelation = self.parts(truth, estimate)
        return (amplitude + decorrelation).sum(-1).mean(-1)
