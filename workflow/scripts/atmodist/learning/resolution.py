"""Between the high and the low resolution of the super-resolution task, on patches and around the sphere.

Tensors end in (rows, columns). A global field is on the Driscoll-Healy grid of `spectral`, or on block means
of it: rows from north to south, columns from 0 to 360 degrees.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from atmodist.learning.sizes import UPSCALING


def coarsen(fields: Tensor) -> Tensor:
    """Mean over blocks of 4 x 4 points: (..., H, W) to (..., H / 4, W / 4)."""
    return fields.unflatten(-2, (-1, UPSCALING)).unflatten(-1, (-1, UPSCALING)).mean((-3, -1))


def pad_sphere(fields: Tensor, halo: int) -> Tensor:
    """Continue global fields by ``halo`` points on every side: (..., H, W) to (..., H + 2 halo, W + 2 halo).

    Columns go round. Rows go over the poles and down the opposite meridian, as far as need be. Both poles are
    taken as half a row beyond the outermost row. The 4 x 4 means of the grid have them 3/8 and 5/8 of a row
    beyond, so there the continued rows are placed 1/4 of a row, one row of the grid, off.
    """
    rows, columns = fields.shape[-2:]
    opposite = fields.flip(-2).roll(columns // 2, -1)
    meridians = torch.cat([fields, opposite], -2)
    row = torch.arange(-halo, rows + halo, device=fields.device) % (2 * rows)
    column = torch.arange(-halo, columns + halo, device=fields.device) % columns
    return meridians.index_select(-2, row).index_select(-1, column)


def bilinear(low: Tensor) -> Tensor:
    """Interpolate global fields bilinearly between the centres of the blocks that `coarsen` averages over.

    (N, C, H, W) to (N, C, 4 H, 4 W); no seam at longitude 0 or at the poles.
    """
    return super_resolve(lambda x: F.interpolate(x, scale_factor=UPSCALING, mode="bilinear"), low, halo=1)


def super_resolve(
    generator: Callable[[Tensor], Tensor], low: Tensor, halo: int, kept: int | None = None
) -> Tensor:
    """Apply a generator of local reach to global fields as if they had no edge.

    Args:
        generator: any map of (N, C, h, w) to (N, C, f h, f w) that commutes with shifts away from the edges.
        low: global fields (N, C, H, W).
        halo: how many low-resolution points an output point may depend on in each direction.
        kept: how many of them the generator's output still has around it; all, if it leaves none out.

    Returns:
        Global fields (N, C, f H, f W): rolling ``low`` by k columns rolls the result by f k columns.
    """
    high = generator(pad_sphere(low, halo))
    kept = halo if kept is None else kept
    factor = high.shape[-1] // (low.shape[-1] + 2 * kept)
    edge = factor * kept
    return high[..., edge : high.shape[-2] - edge, edge : high.shape[-1] - edge]
