"""Mistakes in configs that were once accepted, told late or told by a traceback."""

import copy
import json
import math
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from atmodist import configuration
from atmodist.core.errors import InputError
from atmodist.core.periods import Period, filled

ROOT = Path(__file__).parents[2]
SCHEMA = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text(encoding="utf-8"))
PAPER = configuration.tidy(configuration.read(ROOT / "config/config.yaml"))
DEMO = configuration.tidy(configuration.merged(PAPER, configuration.read(ROOT / "config/demo.yaml")))
BOX = {"latitude": [0, 60], "longitude": [0, 60]}


def changed(config, key, value):
    config = copy.deepcopy(config)
    *path, last = key.split(".")
    section = config
    for name in path:
        section = section[name]
    section[last] = value
    return config


@pytest.mark.parametrize(
    ("config", "key", "value", "told"),
    [
        (PAPER, "normalisation.alpha", math.nan, "normalisation.alpha holds nan; expected a finite number"),
        (PAPER, "normalisation.alpha", math.inf, "normalisation.alpha holds inf; expected a finite number"),
        pytest.param(PAPER, "figures.lag_hours", 10**400, "lag_hours holds 1000", id="huge"),
        (
            PAPER,
            "atmodist.models.lags-23.classes",
            23.0,
            "lags-23.classes holds 23.0; expected a whole number",
        ),
        (PAPER, "training.threads", True, "training.threads holds true; expected a whole number"),
        (
            PAPER,
            "atmodist.models.lags-23",
            {"batches": None, "batch_size": 2**21, "pretraining": {"epochs": 0, "batches": 1}},
            "batch_size is 2097152; expected at most 1818043, the pairs with lags up to 23",
        ),
        (
            PAPER,
            "srgan.models.l2.batch_size",
            2**21,
            "srgan.models.l2.batch_size is 2097152; expected at most",
        ),
        (
            PAPER,
            "pairs.per_time",
            10**9,
            "pairs.per_time is 1000000000; expected at most 3276800, the points",
        ),
        (
            PAPER,
            "patches.per_time",
            10**12,
            "patches.per_time holds 1000000000000; expected at most 1000000000",
        ),
        (PAPER, "pairs.shard_size", 1, "pairs.shard_size is 1, which makes 2453178 files of data.train"),
        (PAPER, "patches.shard_size", 50, "patches.shard_size is 50, which makes 23376 files of data.train"),
        *((PAPER, "name", name, "name holds") for name in (".", "..", "a\n", "a\nb", "x.nc", "x" * 300, "")),
        (PAPER, "atmodist.models", {"..": {}}, "atmodist.models holds '..'; expected up to 64 letters"),
        (PAPER, "srgan.models", {"x.nc": {"content": "mse"}}, "srgan.models holds 'x.nc'; expected up to 64"),
        (
            PAPER,
            "srgan.models",
            {"truth": {"content": "mse"}},
            "srgan.models holds 'truth'; expected another",
        ),
        (PAPER, "atmodist.models", {2001: {}}, "atmodist.models.2001 has 2001 as its name; expected text"),
        (PAPER, "data.train.start", "9999-12-31", "data.train.end is 1998-12-31, before"),
        (PAPER, "data.eval.end", "9999-12-31", "data.eval.end is 9999-12-31; expected a day of the years"),
        (PAPER, "figures.cities", ["Atlantis"], "figures.cities holds 'Atlantis'; expected names of"),
        (
            PAPER,
            "figures.cities",
            ["Cairo", "Cairo"],
            "figures.cities holds ['Cairo', 'Cairo']; expected each",
        ),
        (
            PAPER,
            "figures.regions.Europe.latitude",
            [50, 50.1],
            "figures.regions.Europe.latitude is [50, 50.1]; expected edges at least 1.12° apart",
        ),
        (PAPER, "figures.regions", {"../../../escaped": BOX}, "figures.regions holds '../../../escaped'"),
        (PAPER, "figures.regions", {"Europe": BOX, "EUROPE": BOX}, "holds 'Europe' and 'EUROPE', whose maps"),
        (
            PAPER,
            "figures.regions",
            {"North Sea": BOX, "north_sea": BOX},
            "'North Sea' and 'north_sea', whose",
        ),
        (
            PAPER,
            "figures.regions.Pacific.longitude",
            [150, -150],
            "figures.regions.Pacific.longitude is [150, -150]; expected the western edge first: [150, 210]",
        ),
        (
            PAPER,
            "figures.regions.Europe.latitude",
            [80, 20],
            "Europe.latitude is [80, 20]; expected the southern",
        ),
        (PAPER, "figures.dpi", 10**6, "figures.dpi holds 1000000; expected at most 1200"),
        (
            PAPER,
            "data.bounds",
            {"vorticity": [1e-3, 1e-6]},
            "data.bounds.vorticity is [0.001, 1e-06]; expected",
        ),
        (
            PAPER,
            "data.download.dataset",
            "../jobs",
            "data.download.dataset holds '../jobs'; expected letters",
        ),
        (
            PAPER,
            "data.download.retry.first_wait",
            400,
            "first_wait is 400; expected less than longest_wait",
        ),
        (
            PAPER,
            "data.spot_check.against",
            "files",
            "config key data.files is missing; data.spot_check.against files needs it",
        ),
        (
            DEMO,
            "data.synthetic.heating_degrees",
            [6, 64],
            "data.synthetic.heating_degrees is [6, 64]; expected a first degree up to the last",
        ),
        (DEMO, "data.synthetic.stirring_degrees", [14, 6], "data.synthetic.stirring_degrees is [14, 6]"),
        (
            DEMO,
            "data.synthetic.steps_per_day",
            1,
            "data.synthetic.steps_per_day is 1; expected at least 24, which are one step an hour at T63",
        ),
    ],
)
def test_a_mistake_is_told_in_one_sentence(config, key, value, told):
    with pytest.raises(InputError) as error:
        configuration.check(changed(config, key, value), SCHEMA)
    lines = str(error.value).splitlines()
    assert told in lines[0]
    assert all(line.startswith("config key ") for line in lines)


def test_a_region_may_lie_across_the_date_line():
    configuration.check(changed(PAPER, "figures.regions.Pacific.longitude", [150, 210]), SCHEMA)


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        ("/data/{yaer}.grib", "data.files.pattern is wrong: the file pattern '/data/{yaer}.grib' cannot be"),
        ("/data/{start.nothing}.grib", "data.files.pattern is wrong"),
        ("/data/{", "data.files.pattern is wrong"),
        ("", "data.files.pattern holds ''; expected text that is not empty"),
    ],
)
def test_a_pattern_that_cannot_be_filled_is_told_at_once(pattern, told):
    config = changed(PAPER, "data.files", {"pattern": pattern})
    for key in ("data.source", "data.spot_check.against"):
        with pytest.raises(InputError) as error:
            configuration.check(changed(config, key, "files"), SCHEMA)
        assert told in str(error.value)


def test_a_pattern_takes_pythons_formats():
    month = Period.parse("1979-02-01_1979-02-28")
    assert filled("/data/{year}/{month:02d}_{start:%d}_{end}", month) == "/data/1979/02_01_1979-02-28"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "holds nothing; expected keys"),
        ("- a", "holds a list; expected keys"),
        ("plain words", "holds text; expected keys"),
        ("seed: [1\nname: x\n", "line 2: while parsing a flow sequence: expected ',' or ']', but got ':'"),
        ("data:\n\tname: x\n", "line 2: while scanning for the next token: found character '\\t'"),
        ("name: a\nseed: 1\nname: b\n", "line 3: name is given twice, first in line 1"),
        ("a: {b: 1, b: 2}\n", "line 1: b is given twice, first in line 1"),
        ('{"a": 1, "a": 2}', ": a is given twice"),
        ("data:\n  train: {start: 2001-02-31}\n", "line 2: 2001-02-31 is not a day of the calendar"),
        ("a: !!python/object/apply:os.getcwd []\n", "line 1: could not determine a constructor for the tag"),
        ("a: &a [*a, *b]\n", "line 1: found undefined alias 'b'"),
        ("[" * 5000, ""),
        (b"name: \xe4", "is not text in UTF-8"),
        (b"name: \x00", "is not YAML"),
    ],
)
def test_a_config_file_that_is_none_is_named_with_the_line(tmp_path, text, told):
    path = tmp_path / "mine.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InputError) as error:
        configuration.read(path)
    assert str(error.value).startswith(str(path))
    assert told in str(error.value)
    assert len(str(error.value).splitlines()) == 1


def test_a_config_file_that_is_not_there_is_named(tmp_path):
    for path in (tmp_path / "missing.yaml", tmp_path):
        with pytest.raises(InputError, match="cannot be read"):
            configuration.read(path)


def test_yaml_merges_and_json_are_read(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\n")
    assert configuration.read(path) == {"a": {"x": 1, "y": 2}, "b": {"x": 1, "y": 3}}
    path.write_text(json.dumps(PAPER, indent="\t"))
    assert configuration.read(path) == PAPER


def test_a_key_that_a_missing_default_would_give_is_told_with_it(tmp_path):
    absent = tmp_path / "config/config.yaml"
    with pytest.raises(
        InputError, match=rf"seed is missing; .* \(there is no {absent} in .* to take it from\)"
    ):
        configuration.check({"name": "demo"}, SCHEMA, absent)


@pytest.mark.parametrize(
    ("extra", "code", "told"), [([], 0, "fine"), (["{bad}"], 1, "line 2: name is given")]
)
def test_files_are_checked_without_snakemake(tmp_path, extra, code, told):
    bad = tmp_path / "bad.yaml"
    bad.write_text("name: a\nname: b\n")
    command = [sys.executable, "-m", "atmodist.configuration", "config/config.yaml", "config/demo.yaml"]
    result = subprocess.run(
        [*command, *(each.format(bad=bad) for each in extra)],
        cwd=ROOT,
        env={"PYTHONPATH": "workflow/scripts", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == code
    assert told in result.stdout + result.stderr
    assert "Traceback" not in result.stderr
