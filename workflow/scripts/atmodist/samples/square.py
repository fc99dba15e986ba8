"""The central square of a patch, which inpainting fills."""


def square_of(patch: int) -> slice:
    """Rows, and columns, of the square in a patch with an edge of so many pixels."""
    edge = patch // 4
    first = (patch - edge) // 2 - 1
    return slice(first, first + edge)
