"""A wheel that works with its base dependencies alone; the package imports only what is asked for."""

import importlib.metadata
import re
import shutil
import subprocess
import sys
import tomllib
from itertools import chain
from pathlib import Path

import models
import pytest
from import_graph import IMPORTED, PLUGINS, imports

import atmodist

ROOT = Path(__file__).parents[2]
LIBRARY = ROOT / "workflow/scripts/atmodist"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
BASE = {"numpy", "safetensors", "torch"}
CLIENT = {"ecmwf", "multiurl", "requests", "urllib3"}  # come with cdsapi


def names(requirements):
    """Names of required packages as they are imported."""
    found = [re.match(r"[\w.-]+", requirement)[0] for requirement in requirements]
    return {IMPORTED.get(name, name) for name in found}


EXTRAS = {name: names(each) for name, each in PROJECT["project"]["optional-dependencies"].items()}


def in_python(python, code):
    """What a fresh interpreter prints, away from the repository."""
    command = [str(python), "-I", "-c", code]
    return subprocess.run(command, cwd="/", text=True, capture_output=True, check=True).stdout.split()


def test_the_version_is_written_once():
    assert PROJECT["project"]["dynamic"] == ["version"]
    assert PROJECT["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "atmodist.__version__"}
    assert re.fullmatch(r"\d+\.\d+\.\d+", atmodist.__version__)


def test_every_room_is_packaged():
    rooms = {f"atmodist.{path.parent.name}" for path in LIBRARY.glob("*/__init__.py")}
    assert set(PROJECT["tool"]["setuptools"]["packages"]) == {"atmodist", "atmodist.resources"} | rooms


def test_the_base_needs_three_packages():
    assert names(PROJECT["project"]["dependencies"]) == BASE


@pytest.mark.parametrize(
    ("module", "extra"),
    [
        ("distance", None),
        ("model_folder", None),
        ("learning/networks", None),
        ("metrics", "train"),
        ("learning/training", "train"),
        ("learning/srgan_training", "train"),
        ("data/grib", "data"),
        ("data/levels", "data"),
        ("data/climate_data_store", "data"),
        ("samples/shards", "data"),
        ("samples/normalise", "data"),
        ("figures/plots", "plot"),
    ],
)
def test_an_extra_brings_what_its_modules_import(module, extra):
    needed = imports(LIBRARY / f"{module}.py", everywhere=False)
    assert needed - CLIENT <= BASE | EXTRAS.get(extra, set())


def test_the_extras_hold_what_the_library_imports_and_nothing_else():
    needed = set().union(*(imports(path) for path in LIBRARY.rglob("*.py")))
    held = BASE.union(*EXTRAS.values())
    beside = {"jsonschema", "yaml", "spharm"}  # Snakemake brings the first two, the other is an option
    assert needed - CLIENT - beside <= held
    assert held - PLUGINS <= needed


def test_extras_ask_for_no_more_than_what_is_tested():
    pins = dict(line.split("==") for line in (ROOT / "requirements.txt").read_text().split())
    project = PROJECT["project"]
    for requirement in chain(project["dependencies"], *project["optional-dependencies"].values()):
        name, lowest = re.match(r"([\w.-]+)(?:\[.*\])?>=([\d.]+)", requirement).groups()
        lowest, tested = (
            [int(part) for part in text.split(".")[:3] if part.isdigit()] for text in (lowest, pins[name])
        )
        assert lowest <= tested, requirement


def test_importing_the_package_imports_nothing_else():
    code = (
        f"import sys; sys.path.insert(0, {str(LIBRARY.parent)!r}); import atmodist; dir(atmodist); "
        "print(*{name.split('.')[0] for name in sys.modules} & {'torch', 'numpy', 'atmodist', 'xarray'})"
    )
    assert in_python(sys.executable, code) == ["atmodist"]


def test_the_distance_imports_no_other_room_than_it_needs():
    code = (
        f"import sys; sys.path.insert(0, {str(LIBRARY.parent)!r}); import atmodist; atmodist.AtmoDist; "
        "print(*sorted({name.split('.')[0] for name in sys.modules}))"
    )
    loaded = set(in_python(sys.executable, code))
    assert {"torch", "safetensors"} <= loaded
    assert not loaded & {"xarray", "h5py", "lightning_fabric", "pandas", "torchmetrics", "matplotlib"}


def test_what_is_offered_is_listed_and_nothing_else_is_there():
    assert set(atmodist.__all__) <= set(dir(atmodist))
    with pytest.raises(AttributeError, match="no attribute 'Atmodist'; it offers AtmoDist"):
        atmodist.Atmodist  # noqa: B018


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """A wheel, built from a copy of what belongs to the package."""
    source, wheels = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheels")
    for part in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / part, source)
    shutil.copytree(ROOT / "resources", source / "resources")
    skip = shutil.ignore_patterns("__pycache__", "*.egg-info")
    shutil.copytree(LIBRARY, source / "workflow/scripts/atmodist", ignore=skip)
    pip("wheel", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", wheels, source)
    (found,) = wheels.glob("*.whl")
    return found


def pip(*arguments):
    command = [sys.executable, "-m", "pip", *map(str, arguments)]
    found = subprocess.run(command, text=True, capture_output=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr


def distributions(*names):
    """Installed packages and, without their extras, all that they require here."""
    left, found = list(names), {}
    while left:
        name = left.pop()
        if name in found:
            continue
        try:
            found[name] = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # for another platform
        required = [each for each in found[name].requires or [] if "extra ==" not in each]
        left += [re.match(r"[\w.-]+", each)[0] for each in required]
    return found


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The Python of an environment that holds the wheel, its base dependencies and nothing else."""
    environment = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    python = environment / "bin/python"
    pip("--python", python, "install", "--no-deps", "--no-index", wheel)
    (packages,) = environment.glob("lib/python*/site-packages")
    for distribution in distributions(*BASE).values():
        for top in {
            file.parts[0] for file in distribution.files if file.parts[0] not in ("..", "__pycache__")
        }:
            (packages / top).symlink_to(distribution.locate_file(top))
    return python


def test_the_wheel_carries_version_metadata_and_data_files(installed):
    code = (
        "import importlib.metadata as m, atmodist; from atmodist.core.resources import resource; "
        "print(m.version('atmodist'), atmodist.__version__, resource('coastlines/land-110m.json').exists(), "
        "atmodist.__file__, *m.metadata('atmodist').get_all('Provides-Extra'))"
    )
    version, same, there, file, *extras = in_python(installed, code)
    assert version == same == atmodist.__version__
    assert there == "True"
    assert "site-packages" in file
    assert sorted(extras) == ["data", "plot", "train"]


def test_the_repository_has_its_data_files_too():
    from atmodist.core.resources import resource

    assert resource("coastlines/land-110m.json") == ROOT / "resources/coastlines/land-110m.json"


def test_an_installed_model_measures_with_the_base_dependencies_alone(installed, tmp_path):
    network, about = models.write(tmp_path / "model")
    code = (
        f"import atmodist, torch; model = atmodist.AtmoDist.from_pretrained({str(tmp_path / 'model')!r}); x ="
        " torch.zeros(1, 2, 32, 32); y = x + 1e-5; print(model(x, y).item(), *model.lag_logits(x, y).shape)"
    )
    distance, *shape = in_python(installed, code)
    import torch

    x = torch.zeros(1, 2, 32, 32)
    expected = atmodist.AtmoDist(network, about)(x, x + 1e-5).item()
    assert float(distance) == pytest.approx(expected, rel=1e-5)
    assert shape == ["1", "5"]


def test_what_an_extra_is_missing_for_is_named(installed):
    code = "import atmodist\ntry:\n    atmodist.metrics\nexcept ImportError as error:\n    print(error)"
    assert "torchmetrics" in " ".join(in_python(installed, code))
    assert "atmodist[train]" in " ".join(in_python(installed, code))


def test_what_is_missing_is_not_looked_for_by_help(installed):
    """It asks for every name that a module says it has."""
    names = in_python(
        installed, "import atmodist, inspect; inspect.getmembers(atmodist); print(*dir(atmodist))"
    )
    assert {"AtmoDist", "InputError"} <= set(names) <= {"AtmoDist", "InputError", "__version__"}
