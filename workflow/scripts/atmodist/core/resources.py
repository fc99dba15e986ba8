"""Data files that come with the library."""

from pathlib import Path


def resource(name: str) -> Path:
    """Path of a bundled file, e.g. ``coastlines/land-110m.json``.

    They lie in the repository's folder ``resources``, and inside the package once it is installed.
    """
    installed = Path(__file__).parents[1] / "resources"
    return (installed if installed.is_dir() else Path(__file__).parents[4] / "resources") / name
