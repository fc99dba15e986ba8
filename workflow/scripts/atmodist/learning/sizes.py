"""Sizes that the networks fix, for whoever needs them without PyTorch."""

LAYERS = ("stage1", "stage2", "stage3", "stage4")
"""Layers of an encoder whose output is a representation."""

UPSCALING = 4
"""Pixels of a super-resolved field to a pixel of what a generator starts from, in each direction."""


def stride(layer: str) -> int:
    """Pixels of a field to a pixel of what a layer makes of it: 4 at "stage1" … 32 at "stage4"."""
    return 4 * 2 ** LAYERS.index(layer)
