"""AtmoDist: a learned distance between states of the atmosphere (Hoffmann & Lessig 2023).

The public face of the library; what it offers is imported when it is first asked for:

    model = atmodist.AtmoDist.from_pretrained(folder)      # the distance as a frozen network
    atmodist.metrics.FrechetAtmoDist(model)                # torchmetrics metrics of it
    atmodist.evaluate(forecast, truth, folder)             # xarray fields against the truth
    atmodist.super_resolve(folder, low)                    # a trained generator on coarse fields
"""

from importlib import import_module
from importlib.util import find_spec

__version__ = "0.1.0"

_PLACES = {  # module, extra
    "AtmoDist": ("atmodist.distance", None),
    "InputError": ("atmodist.core.errors", None),
    "evaluate": ("atmodist.fields_evaluation", "data"),
    "low_resolution": ("atmodist.super_resolution", "data"),
    "metrics": ("atmodist.metrics", "train"),
    "super_resolve": ("atmodist.super_resolution", "data"),
}
_MARKS = {"data": "xarray", "train": "torchmetrics"}
"""A package of each extra, from which it is told whether the extra is installed."""
__all__ = sorted(_PLACES)


def __getattr__(name: str):
    """Import what is asked for; PyTorch takes seconds, and the Snakefile needs none of it."""
    if name not in _PLACES:
        raise AttributeError(f"module 'atmodist' has no attribute {name!r}; it offers {', '.join(__all__)}")
    place, extra = _PLACES[name]
    try:
        module = import_module(place)
    except ModuleNotFoundError as error:
        if extra is None:
            raise
        raise ImportError(f"{error}; atmodist.{name} needs it: pip install 'atmodist[{extra}]'") from error
    globals()[name] = value = module if place == f"atmodist.{name}" else getattr(module, name)
    return value


def __dir__() -> list[str]:
    """What can be had here: ``help`` and editors ask for each of these names."""
    here = [name for name, (_, extra) in _PLACES.items() if extra is None or find_spec(_MARKS[extra])]
    return sorted([*here, "__version__"])
