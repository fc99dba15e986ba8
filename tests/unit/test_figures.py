"""Every figure, drawn by its own script from small files: with one model, and with the ablations together."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import fabricated
import matplotlib.image
import pytest
from fabricated import ATMODIST, CITIES, SRGAN, SYSTEMS, VARIABLES

SCRIPTS = Path(__file__).parents[2] / "workflow/scripts"
ESTIMATES = SYSTEMS[1:]
ZOOMS = {"Northern storm track": {"latitude": [35, 55], "longitude": [20, 40]}}


def of_systems(make, systems=SYSTEMS, **params):
    """Input made for each system, and parameters."""
    return [make(system) for system in systems], {"systems": systems, **params}


def of_models(make, models, **params):
    """Input made for each model, and parameters."""
    return [make(model) for model in models], {"models": models, **params}


LOSSES = [fabricated.lag_losses(model) for model in ATMODIST]
TABLES = [fabricated.atmodist_table() for _ in ATMODIST]
VIEWS = [[2, 20], [16, 63]]
# figure: (name of its input, files or file of it and its parameters)
CASES = {
    "energy_spectrum": ("evaluation", *of_systems(fabricated.evaluation, views=VIEWS)),
    "power_spectra": ("evaluation", *of_systems(fabricated.evaluation, views=VIEWS)),
    "semivariogram": ("evaluation", *of_systems(fabricated.evaluation)),
    "moment_maps": ("moments", *of_systems(fabricated.moments, variables=VARIABLES)),
    "error_histograms": ("evaluation", *of_systems(fabricated.evaluation, ESTIMATES)),
    "error_series": ("evaluation", *of_systems(fabricated.evaluation, ESTIMATES)),
    "city_boxes": ("cities", *of_systems(fabricated.cities, cities=CITIES)),
    "city_densities": ("cities", *of_systems(fabricated.cities, cities=CITIES)),
    "city_quantiles": ("cities", *of_systems(fabricated.cities)),
    "wasserstein": ("cities", *of_systems(fabricated.cities, ESTIMATES)),
    "city_map": ("cities", *of_systems(fabricated.cities, SRGAN)),
    "maps": ("maps", *of_systems(fabricated.maps, zooms=ZOOMS)),
    "uncertainty": ("maps", [fabricated.uncertainty(1), fabricated.uncertainty(3)], {}),
    "lag_losses": ("train", *of_models(fabricated.lag_losses, ATMODIST, lag_hours=60, eval=LOSSES)),
    "confusion_matrix": (
        "confusions",
        [fabricated.confusion(classes) for classes in (15, 23, 31)],
        {"models": ATMODIST},
    ),
    "training_curves": ("logs", TABLES, {"models": ATMODIST, "lags": [15, 23, 31], "evaluations": TABLES}),
    "srgan_curves": (
        "logs",
        [fabricated.srgan_table() for _ in SRGAN],
        {"models": SRGAN, "epochs": [3, 3, 3, 2], "pretraining": fabricated.srgan_table()},
    ),
    "data_snapshot": (
        "snapshot",
        fabricated.snapshot(),
        {},
    ),
    "field_distribution": ("histograms", fabricated.histograms(), {}),
    "synthetic_atmosphere": ("diagnostics", fabricated.diagnostics(), {}),
}
PAGES = {"moment_maps": 2, "maps": 1, "uncertainty": 2}
"""Figures of several pages, whose outputs are lists."""


def written(folder, name, content):
    """Paths of files with the content."""
    if isinstance(content, list):
        return [written(folder, f"{name}-{number}", each) for number, each in enumerate(content)]
    if hasattr(content, "to_csv"):
        content.to_csv(folder / f"{name}.csv", index=False)
        return folder / f"{name}.csv"
    content.to_netcdf(folder / f"{name}.nc", engine="h5netcdf")
    return folder / f"{name}.nc"


def draw(folder, figure, source, content, params, dpi=50):
    """Run a figure's script; its PNG files."""
    inputs = {source: content} | {
        key: params[key] for key in params.keys() & {"evaluations", "pretraining", "eval"}
    }
    pages = range(PAGES.get(figure, 0))
    names = [folder / f"{figure}-{page}" for page in pages] or folder / figure
    suffixed = {
        suffix: [f"{name}.{suffix}" for name in names] if pages else f"{names}.{suffix}"
        for suffix in ("pdf", "png")
    }
    fake = SimpleNamespace(
        input=SimpleNamespace(**{name: written(folder, name, each) for name, each in inputs.items()}),
        output=SimpleNamespace(**suffixed),
        params=SimpleNamespace(dpi=dpi, coastlines=True, **params),
        log=[folder / f"{figure}.log"],
    )
    runpy.run_path(str(SCRIPTS / f"figure_{figure}.py"), {"snakemake": fake})
    return sorted(folder.glob(f"{figure}*.png"))


def test_every_figure_has_a_case():
    assert {path.stem.removeprefix("figure_") for path in SCRIPTS.glob("figure_*.py")} == set(CASES)


@pytest.mark.parametrize("figure", CASES)
def test_figure_of_all_ablations(tmp_path, figure):
    pictures = draw(tmp_path, figure, *CASES[figure])
    assert len(pictures) == PAGES.get(figure, 1)
    for path in pictures:
        assert matplotlib.image.imread(path)[..., :3].std() > 0.03, "nothing is drawn"
        assert path.with_suffix(".pdf").read_bytes().startswith(b"%PDF")


def test_unknown_city_is_told(tmp_path, capsys):
    source, content, params = CASES["city_boxes"]
    with pytest.raises(SystemExit):
        draw(tmp_path, "city_boxes", source, content, {**params, "cities": ["Lodnon"]})
    assert "no city is called Lodnon; did you mean London?" in (tmp_path / "city_boxes.log").read_text()
