"""What the schema says that a change runs again is what Snakemake would run: a plan with each key changed."""

import copy
import json
import re
import subprocess
import sys

import pytest
import yaml
from snakemake_runs import ROOT, TINY, workspace

from atmodist.configuration import merged

sys.path.insert(0, str(ROOT / "config"))

import reference

pytestmark = pytest.mark.timeout(1800)

ERA5 = {
    "train": {"start": "1979-12-20", "end": "1980-01-05"},
    "eval": {"start": "1981-01-01", "end": "1981-01-08"},
    "validation": {"start": "1982-01-01", "end": "1982-01-06"},
}
# A year for a seasonal cycle, and an evaluation split that is long enough for the probe.
JET = ERA5 | {
    "train": {"start": "1979-01-06", "end": "1980-01-05"},
    "eval": {"start": "1981-01-01", "end": "1981-01-16"},
}
# ERA5 itself has more degrees than the tiny planet.
TINY_ERA5 = {"download": {"request": {"resol": 31}}}
# Plans to change: what is merged over the tiny planet, and other targets than all.
PLANS = {
    "tiny": ({"data": TINY_ERA5}, []),
    "era5": ({"data": {**ERA5, **TINY_ERA5, "source": "era5"}, "figures": {"time": "1981-01-03T12:00"}}, []),
    "jet": ({"data": {**JET, **TINY_ERA5, "source": "era5"}, "figures": {"time": "1981-01-03T12:00"}}, []),
    # Nothing that is evaluated or probed depends on an encoder.
    "bare": (
        {
            "data": {**JET, **TINY_ERA5, "source": "era5"},
            "figures": {"time": "1981-01-03T12:00"},
            "evaluation": {"representation": None},
            "jet": {"probe": {"encoders": []}},
        },
        [],
    ),
    "arco": (
        {
            "data": {
                **ERA5,
                "source": "arco",
                "arco": {"wind": "https://example.org/tiny.zarr"},
                "files": {"pattern": "/data/{year}/{month}.grib"},
            },
            "figures": {"time": "1981-01-03T12:00"},
        },
        ["all", "results/tiny/spot_check.csv"],
    ),
    "files": (
        {
            "data": {
                **ERA5,
                "source": "files",
                "files": {
                    "pattern": "/data/{year}/{month}.grib",
                    "surface_pattern": "/data/{year}/{month}.lnsp.grib",
                },
            },
            "figures": {"time": "1981-01-03T12:00"},
        },
        [],
    ),
}
# Keys that matter to one source, and those that some keep in another place.
PLAN_OF = {
    "seed": "bare",
    "data.train": "jet",
    "data.validation": "jet",
    "data.eval": "jet",
    "data.arco": "arco",
    "data.archive_truncation": "arco",
    "data.spot_check": "arco",
    "data.download": "era5",
    "data.files": "files",
    "jet": "jet",
}
# Values for keys whose type does not suggest one that the tiny planet can take.
VALUES = {
    "name": "other",
    "data.source": "era5",
    "data.truncation": 47,
    "data.variables": ["vorticity", "divergence"],
    "data.step_hours": 2,
    "data.train.start": "1979-02-02",
    "data.train.end": "1980-01-10",
    "data.validation.start": "1981-12-31",
    "data.validation.end": "1982-01-31",
    "data.eval.start": "1980-12-01",
    "data.eval.end": "1981-01-31",
    "data.synthetic.stirring_degrees": [6, 13],
    "data.synthetic.heating_degrees": [6, 30],
    "data.synthetic.steps_per_day": 120,
    "data.archive_truncation": 63,
    "data.bounds": {"vorticity": [1.0e-9, 1]},
    "data.spot_check.against": "files",
    "data.arco.wind": "https://example.org/wind.zarr",
    "data.arco.surface": "https://example.org/surface.zarr",
    "data.download.dataset": "other",
    "data.download.request": {"expver": "5"},
    "data.files.pattern": "/other/{year}/{month}.grib",
    "data.files.surface_pattern": "/other/{year}/{month}.lnsp.grib",
    "grid.chunk": [16, 32],
    "grid.mantissa_bits": 16,
    "windows.latitude": [-30, 30],
    "training.devices": 2,
    "training.nodes": 2,
    "atmodist.defaults.batch_size": 8,
    "srgan.defaults.discriminator.extra_generator_below": 0.5,
    "srgan.defaults.phases": [{"epochs": 2, "learning_rate": 1e-5}],
    "srgan.defaults.evaluate_epoch": 1,
    "evaluation.shard_days": 8,
    "evaluation.block_days": 4,
    "evaluation.representation": {"encoder": "lags-23", "layer": "stage2"},
    "representations.layers": ["stage2"],
    "jet.sectors": {"storm-track": {"latitude": [20, 75], "longitude": [0, 60]}},
    "jet.window_days": 7,
    "jet.probe.encoders": [{"encoder": "lags-23", "layer": "stage3"}],
    "jet.probe.hours": [0],
    "jet.probe.lag_days": [0, 2],
    "jet.probe.split": "eval",
    "uncertainty.lag_hours": 24,
    "uncertainty.stride": 16,
    "uncertainty.series_lag_hours": [6],
    "figures.time": "2001-02-04T12:00",
    "figures.regions": {"Tropics": {"latitude": [-30, 30], "longitude": [0, 60]}},
    "figures.spectrum_views": [[2, 31]],
    "figures.cities": ["Cairo"],
}
# Defaults that all models of the tiny planet override.
OF_MODELS = {
    "atmodist.defaults.classes": {"lags-23": {"classes": 15}},
    "srgan.defaults.content": {"l2": {"content": "amse"}},
    "inpainting.defaults.content": {"l2": {"content": {"encoder": "lags-23", "layer": "stage2"}}},
}
# Keys that the tiny planet cannot change: a grid too small for larger patches, files that must exist.
UNTRIED = {"pairs.patch", "patches.patch", "atmodist.defaults.weights"}
KEYS = {".".join(path): schema for path, schema in reference.keys(reference.SCHEMA)}
RULES = {
    rule
    for file in (ROOT / "workflow/rules").glob("*.smk")
    for rule in re.findall(r"(?m)^rule (\w+):", file.read_text())
}
COMPUTING = {
    re.match(r"rule (\w+)", paragraph)[1]
    for file in (ROOT / "workflow/rules").glob("*.smk")
    for paragraph in re.split(r"(?m)^(?=rule )", file.read_text())[1:]
    if "numerics=" in paragraph
}


def plan_of(key):
    """The plan in which a key matters."""
    return next((plan for start, plan in PLAN_OF.items() if key.startswith(start)), "tiny")


def other(key, schema, value):
    """Another value than the one that a key has."""
    if key in VALUES:
        return VALUES[key]
    if key.endswith(".models"):
        required = reference.resolve(schema["additionalProperties"]).get("required", [])
        return {"other": {"content": "mse"} if required else {}}
    if "enum" in schema:
        return next(choice for choice in schema["enum"] if choice != value)
    match value:
        case bool():
            return not value
        case int():
            return 2 * value if key.endswith("batch_size") else value + 1
        case float():
            return value / 2 if "exclusiveMaximum" in schema else 1.5 * value or 0.1
        case [*before, int() | float() as last]:
            return [*before, 2 * last]
    return 5 if "integer" in schema.get("type", "") else 1.5


def nested(key, value):
    """The value under its key, as a config holds it."""
    for name in reversed(key.split(".")):
        value = {name: value}
    return value


@pytest.fixture(scope="module")
def reruns(tmp_path_factory):
    """Key → what runs again when it changes."""
    folder = workspace(tmp_path_factory.mktemp("plans") / "clone")
    files = [name for name in TINY if name.endswith(".yaml")]
    tiny = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    for name in files:
        tiny = merged(tiny, yaml.safe_load((ROOT / name).read_text()))
    plans, configs = {}, {}
    for plan, (changes, targets) in PLANS.items():
        (folder / f"{plan}.yaml").write_text(yaml.safe_dump(changes))
        plans[plan] = {"files": [*files, f"{plan}.yaml"], "targets": targets}
        configs[plan] = merged(tiny, changes)
    edits = {}
    for key, schema in KEYS.items():
        if key in OF_MODELS:
            edits[key] = (plan_of(key), {key.split(".")[0]: {"models": OF_MODELS[key]}})
        elif key not in UNTRIED:
            value = copy.deepcopy(configs[plan_of(key)])
            for name in key.split("."):
                value = (value or {}).get(name)
            edits[key] = (plan_of(key), nested(key, other(key, schema, value)))
    probe = tiny["jet"]["probe"]
    exchanged = {"components": probe["block_days"], "block_days": probe["components"]}
    edits["two keys exchanged"] = ("jet", {"jet": {"probe": exchanged}})
    edits["a month less"] = ("jet", nested("data.train.start", "1979-02-01"))
    (folder / "plans.json").write_text(json.dumps(plans))
    (folder / "edits.json").write_text(json.dumps(list(edits.values())))
    command = [sys.executable, ROOT / "tests/planning.py", "plans.json", "edits.json"]
    run = subprocess.run(command, cwd=folder, text=True, capture_output=True, check=False)
    assert run.returncode == 0, run.stderr
    return dict(zip(edits, json.loads(run.stdout.splitlines()[-1]), strict=True))


@pytest.mark.parametrize("key", sorted(KEYS.keys() - UNTRIED))
def test_a_change_runs_again_first_what_the_schema_says(reruns, key):
    found, told = reruns[key], KEYS[key].get("x-reruns", "")
    assert "error" not in found, found
    if told.startswith("everything"):
        assert found["running"] == found["all"]
    elif told.startswith("nothing"):
        assert not found["running"]
    else:
        named = {rule for rule in RULES if re.search(rf"\b{rule}\b", told)}
        if told == "every rule that computes with a network":
            named = COMPUTING
        if "all figures" in told:
            named |= {rule for rule in RULES if rule.startswith("figure_")}
        assert found["first"], "nothing runs: the key has no effect, or this value none"
        assert set(found["first"]) <= named, f"{told!r} leaves out what runs first: {found['first']}"
        assert named & set(found["all"]) <= set(found["running"]), f"{told!r} names what does not run"


def test_a_split_without_a_month_that_is_there_is_read_anew(reruns):
    """No period is new, so that nothing is downloaded."""
    first = reruns["a month less"]["first"]
    assert first == ["index_jet", "level_pressure", "virtual_dataset"]
    assert all(rule in KEYS["data.train.start"]["x-reruns"] for rule in first)


def test_values_that_change_places_are_seen(reruns):
    assert reruns["two keys exchanged"]["first"] == ["probe_jet"]


def test_every_value_is_that_of_a_key():
    assert VALUES.keys() | UNTRIED <= KEYS.keys()
