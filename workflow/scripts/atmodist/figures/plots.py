"""One look for all figures: style, colours, axes of the sphere, and how a figure is saved.

Lines take the colour-blind safe palette of Okabe & Ito (2008); maps of signed fields take Moreland's (2009)
"coolwarm", whose steps are equal to the eye.
"""

import difflib
import json
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import cycle, product
from pathlib import Path

import matplotlib
import numpy as np
import xarray as xr
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import (
    FuncFormatter,
    LogLocator,
    MaxNLocator,
    MultipleLocator,
    NullFormatter,
    NullLocator,
    ScalarFormatter,
)

from atmodist.core import netcdf
from atmodist.core.errors import InputError
from atmodist.core.files import replacing
from atmodist.core.resources import resource
from atmodist.data.variables import DIVERGING, FIELDS

matplotlib.use("agg")

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#F0E442")
SIGNED = "coolwarm"
POSITIVE = "viridis"
SHARE = 0.99  # of a field's values that its colours tell apart
COASTLINES = resource("coastlines/land-110m.json")
WIDTH = 7.2
"""Width of a figure across a page, inches."""
NARROWEST = 1.1
"""Width of a map, inches: a page with many of them is wider than others."""
LETTER = 0.07
"""Width of a letter of a title, inches, on average."""
STYLE = {
    "figure.constrained_layout.use": True,
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.prop_cycle": matplotlib.cycler(color=PALETTE),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": False,
    "lines.linewidth": 1.2,
    "legend.frameon": False,
    "image.interpolation": "nearest",
    "pdf.fonttype": 42,
    "savefig.facecolor": "white",
}


@contextmanager
def style() -> Iterator[None]:
    """The look of our figures, for as long as the block lasts."""
    with matplotlib.rc_context(STYLE):
        yield
    pyplot.close("all")


def save(figure: Figure, pdf: str | Path, png: str | Path, dpi: int) -> None:
    """Write a figure as PDF and PNG, without the time of day, so that the same figure is the same file."""
    with replacing(pdf) as partial:
        figure.savefig(partial, dpi=dpi, metadata={"CreationDate": None})
    figure.set_layout_engine("none")  # which is slow, and has done its work
    with replacing(png) as partial:
        figure.savefig(partial, dpi=dpi)


def lines(systems: Sequence[str], colours: Sequence[str] = PALETTE) -> dict[str, dict]:
    """How each system's line is drawn: the truth black, the interpolation grey, networks coloured in turn.

    When the colours are used up, they come again dotted, then dash-dotted.
    """
    looks = {"truth": {"color": "black"}, "bilinear": {"color": "0.55", "linestyle": "--"}}
    networks = [system for system in systems if system not in looks]
    strokes = cycle(product(("-", ":", "-."), colours))
    for system, (linestyle, colour) in zip(networks, strokes, strict=False):
        looks[system] = {"color": colour, "linestyle": linestyle}
    return {system: {"label": system, **looks[system]} for system in systems}


def legend(
    figure: Figure, handles: Sequence, labels: Sequence[str] | None = None, columns: int = 6, **settings
) -> None:
    """A legend above the panels, in as many columns up to ``columns`` as are not wider than the figure."""
    labels = labels or [handle.get_label() for handle in handles]
    while True:
        made = figure.legend(handles, labels, loc="outside upper center", ncols=columns, **settings)
        if columns == 1 or made.get_window_extent().width <= figure.bbox.width:
            return
        made.remove()  # Matplotlib lays a legend out once
        columns -= 1


def panel_letters(axes: Sequence[Axes]) -> None:
    """Letter the panels a, b, c … at their upper left corners."""
    for letter, panel in zip("abcdefghijklmnopqrstuvwxyz", axes, strict=False):
        panel.set_title(letter, loc="left", fontweight="bold")


def degrees_east(longitude: float, _=None) -> str:
    """A longitude in words: 200 is 160°W."""
    longitude = (longitude + 180) % 360 - 180
    return f"{abs(longitude):g}°" + ("" if longitude % 180 == 0 else "E" if longitude > 0 else "W")


def degrees_north(latitude: float, _=None) -> str:
    """A latitude in words: -30 is 30°S."""
    return f"{abs(latitude):g}°" + ("" if latitude == 0 else "N" if latitude > 0 else "S")


def draw_map(
    axes: Axes, field: xr.DataArray, limits: float | tuple[float, float], colours: str = SIGNED
) -> matplotlib.collections.QuadMesh:
    """Draw a field (latitude, longitude) with north up; one limit of the colours is that of both signs."""
    lowest, highest = limits if isinstance(limits, tuple) else (-limits, limits)
    north_up = field.sortby("latitude").transpose("latitude", "longitude")
    longitude, latitude = (edges(north_up[name].values) for name in ("longitude", "latitude"))
    latitude = latitude.clip(-90, 90)
    mesh = axes.pcolormesh(
        longitude, latitude, north_up, cmap=colours, vmin=lowest, vmax=highest, rasterized=True
    )
    frame_map(axes, longitude[[0, -1]], latitude[[0, -1]])
    return mesh


def frame_map(axes: Axes, longitude: Sequence[float] = (-180, 180), latitude: Sequence[float] = (-90, 90)):
    """Give a map its limits, a frame and angles in words, as many as have room."""
    axes.set(aspect="equal", xlim=longitude, ylim=latitude)
    inches = axes.get_position().width * axes.figure.get_figwidth()
    ticks = min(6, max(2, int(inches / 0.4)))
    axes.tick_params(labelsize=8 if ticks > 3 else 6)
    for axis, name in ((axes.xaxis, degrees_east), (axes.yaxis, degrees_north)):
        axis.set_major_locator(MaxNLocator(ticks, steps=[1, 1.5, 2, 3, 5, 6, 9, 10]))
        axis.set_major_formatter(FuncFormatter(name))
    for side in ("top", "right"):
        axes.spines[side].set_visible(True)


def edges(centres: np.ndarray) -> np.ndarray:
    """Edges of evenly spaced cells with these centres."""
    step = (centres[-1] - centres[0]) / (len(centres) - 1)
    return np.append(centres, centres[-1] + step) - step / 2


def limit_of(field: xr.DataArray) -> float:
    """A round limit of colours that holds `SHARE` of a field's absolute values."""
    quantile = float(abs(field).quantile(SHARE))
    power = 10.0 ** np.floor(np.log10(quantile))
    return float(np.ceil(2 * quantile / power) * power / 2)


def colours_of(variable: str, fields: xr.DataArray) -> tuple[float | tuple[float, float], str]:
    """Limits and colour map for fields of a variable: about zero where its colours diverge from there."""
    colours = FIELDS[variable].colours if variable in FIELDS else SIGNED
    if colours in DIVERGING:
        return limit_of(fields), colours
    ends = np.quantile(fields, [(1 - SHARE) / 2, (1 + SHARE) / 2])
    step = 10.0 ** np.floor(np.log10(np.ptp(ends))) / 2
    low, high = np.floor(ends[0] / step) * step, np.ceil(ends[1] / step) * step
    return (float(low), float(high)), colours


def colour_bar(figure: Figure, mesh, axes, name: str, units: str, **settings) -> None:
    """A colour bar that says what is shown and in which power of ten of its units."""
    bar = figure.colorbar(mesh, ax=axes, **{"extend": "both", **settings})
    bar.locator = MaxNLocator(5, steps=[1, 2, 5, 10])
    label_axis(bar.ax.xaxis if bar.orientation == "horizontal" else bar.ax.yaxis, name, units)


def label_axis(axis: Axis, name: str, units: str) -> None:
    """Say what an axis shows and in which power of ten of its units its numbers are, if they need one."""
    power = int(np.floor(np.log10(max(abs(axis.get_view_interval())))))
    power = 0 if 0 <= power < 4 else power
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value / 10.0**power:g}".replace("-", "−")))
    axis.set_label_text(f"{name} / " + (f"10{superscript(power)} " if power else "") + unit(units))


def mark_hours(axis: Axis, step: int) -> None:
    """Ticks ``step`` hours apart, or a multiple of them where the axis is too long for that."""
    first, last = axis.get_view_interval()
    axis.set_major_locator(MultipleLocator(step * max(1, np.ceil((last - first) / (9 * step)))))


def unit(units: str) -> str:
    """Units in CF's manner as they are printed: ``m2 s-2`` becomes m² s⁻²."""
    return " ".join(
        part.rstrip("-0123456789") + superscript(part[len(part.rstrip("-0123456789")) :])
        for part in units.split()
    )


def superscript(number: int | str) -> str:
    """A whole number in raised digits."""
    return str(number).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


@cache
def coasts() -> np.ndarray:
    """Longitudes and latitudes (2, N) of the Earth's coastlines, NaN between them."""
    topology = json.loads(COASTLINES.read_text())
    scale, corner = (np.array(topology["transform"][key]) for key in ("scale", "translate"))
    gap = np.full((1, 2), np.nan)
    arcs = [part for arc in topology["arcs"] for part in (np.cumsum(arc, axis=0) * scale + corner, gap)]
    longitude, latitude = np.concatenate(arcs).T
    longitude[abs(longitude) > 179.99] = np.nan  # where polygons are cut, not coasts
    return np.stack([longitude, latitude])


def coastlines(axes: Axes) -> None:
    """Draw the coastlines of the Earth within the limits that the axes have."""
    limits = {"xlim": axes.get_xlim(), "ylim": axes.get_ylim()}
    for turn in (-360, 0, 360):
        axes.plot(coasts()[0] + turn, coasts()[1], color="black", linewidth=0.4)
    axes.set(**limits)


def mean_over_blocks(path: str | Path, *quantities: str) -> xr.Dataset:
    """Quantities of an evaluation, averaged over its blocks of time."""
    with netcdf.open_lazily(path) as evaluation:
        return evaluation[list(quantities)].weighted(evaluation["frames"]).mean("block").load()


def at_cities(path: str | Path, names: Sequence[str], window: int = 1) -> xr.Dataset:
    """Local distributions at the cities ``names`` in windows of one size; ``InputError`` for others."""
    distributions = netcdf.read(path).sel(window=window)
    known = distributions["city"].values
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]}? " if near else ""
            raise InputError(f"no city is called {name}; {hint}expected names of the list of cities.")
    return distributions.sel(city=list(names))


def running_window(times: np.ndarray) -> tuple[float, int]:
    """Length of a running mean in days and in time steps: 30 days, or a sixth of a shorter series."""
    step = (times[-1] - times[0]) / (len(times) - 1) / np.timedelta64(1, "D")
    days = min(30, max(1, int(len(times) * step / 6)))
    return days, max(1, round(days / step))


def draw_spectra(axes: Axes, spectra: dict[str, xr.DataArray], first: int, last: int) -> None:
    """Draw each system's spectrum from the first to the last degree, the wavelength on an axis on top."""
    for system, look in lines(list(spectra)).items():
        spectrum = spectra[system].sel(degree=slice(first, last))
        axes.plot(spectrum["degree"], spectrum, zorder=3 if system == "truth" else 2, **look)
    wide = last > 4 * first
    locator = LogLocator(subs=(1, 2, 5)) if wide else MaxNLocator(4, integer=True)
    axes.set(xlabel="degree", yscale="log", xscale="log" if wide else "linear", xlim=(first, last))
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.xaxis.set_minor_formatter(NullFormatter())
    longest = float(spectra["truth"]["wavelength"].sel(degree=1))
    candidates = locator.tick_values(longest / last, longest / first)
    add_wavelengths(axes, longest, [value for value in candidates if first <= longest / value <= last])


def add_wavelengths(axes: Axes, longest: float, candidates: Sequence[float]) -> None:
    """An axis on top of the wavelength, ``longest`` / degree in km, with those candidates that have room."""
    kept, place = [], np.inf
    for wavelength in candidates:
        to_the_left = axes.transLimits.transform(axes.transScale.transform((longest / wavelength, 1)))[0]
        if place - to_the_left > 0.17:
            place = to_the_left
            kept.append(wavelength)
    top = axes.secondary_xaxis("top")
    top.xaxis.set_minor_locator(NullLocator())
    top.set_xticks([longest / wavelength for wavelength in kept], [f"{value:g}" for value in kept])
    top.set_xlabel("wavelength / km")


def map_grid(field: xr.DataArray, rows: int, columns: int) -> tuple[Figure, np.ndarray]:
    """A page of maps of the shape of ``field``, (rows, columns); those of a row share their axes."""
    width = max((WIDTH - 1.1) / columns, NARROWEST)
    height = width * np.ptp(field["latitude"].values) / np.ptp(field["longitude"].values)
    size = columns * width + 1.1, 0.5 + rows * (height + 0.15)
    settings = {"sharex": "row", "sharey": "row", "squeeze": False, "layout": "compressed"}
    return pyplot.subplots(rows, columns, figsize=size, **settings)


def column_titles(panels: Sequence[Axes], names: Collection[str]) -> None:
    """Title each panel of a row; slanted where they have no room beside each other."""
    room = panels[0].figure.get_size_inches()[0] / len(panels)
    slanted = max(map(len, names)) * LETTER > room
    look = {"rotation": 30, "horizontalalignment": "left"} if slanted else {}
    for panel, name in zip(panels, names, strict=True):
        panel.set_title(name, **look)
