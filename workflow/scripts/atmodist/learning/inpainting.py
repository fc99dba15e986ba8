"""Inpainting: the central square of a patch is set to zero and to be filled from what surrounds it.

The original's square has a quarter of the patch's edge; of 160 pixels it takes the rows and columns 59 to 98.
"""

from torch import Tensor, nn

from atmodist.learning.losses import ContentLoss
from atmodist.samples.square import square_of

CONTENT_SHARE = 0.9
"""Weight of a content loss beside the mean squared error, which weighs the rest."""


def inside(fields: Tensor) -> Tensor:
    """The square (…, P/4, P/4) of patches (…, P, P)."""
    square = square_of(fields.shape[-1])
    return fields[..., square, square]


def erased(fields: Tensor) -> Tensor:
    """Normalised patches (…, P, P) whose square is 0, the mean of normalised fields."""
    square = square_of(fields.shape[-1])
    result = fields.clone()
    result[..., square, square] = 0
    return result


class InpaintingLoss(nn.Module):
    """Mean squared error in the square or, with a content loss, 0.9 of that and 0.1 of the error.

    ``content`` carries its scale, which brings it to the size of the squared error.
    """

    def __init__(self, content: ContentLoss | None = None):
        super().__init__()
        self.content = content

    def forward(self, truth: Tensor, found: Tensor) -> dict[str, Tensor]:
        """Means over a batch of patches B×C×P×P: ``loss``, ``squared_error`` and perhaps ``content``.

        The content loss sees the square alone, without what surrounds it.
        """
        truth, found = inside(truth).float(), inside(found).float()
        error = (truth - found).square().mean()
        if self.content is None:
            return {"loss": error, "squared_error": error}
        content = self.content(truth, found).mean()
        loss = CONTENT_SHARE * content + (1 - CONTENT_SHARE) * error
        return {"loss": loss, "squared_error": error, "content": content}
