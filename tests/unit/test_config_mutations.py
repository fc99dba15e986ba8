"""Whatever a key is changed to, the config plans or is refused in sentences, one of which names the key."""

import copy
import inspect
import math
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from atmodist import configuration
from atmodist.configuration import derived
from atmodist.core.errors import InputError

ROOT = Path(__file__).parents[2]
SCHEMA = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text(encoding="utf-8"))


def load(*names):
    """The shipped files, each merged over those before it."""
    config = {}
    for name in names:
        config = configuration.merged(config, yaml.safe_load((ROOT / name).read_text(encoding="utf-8")))
    return config


PAPER = load("config/config.yaml")
LINKED = configuration.merged(
    PAPER,
    {
        "data": {
            "source": "files",
            "archive_truncation": 1279,
            "files": {"pattern": "/data/{year}/{month:02d}.grib", "surface_pattern": "/data/{year}.grib"},
        },
        "atmodist": {"models": {"imported": {"weights": "model_weights.hdf5"}}},
    },
)
DEMO = load("config/config.yaml", "config/demo.yaml")
FULL = configuration.merged(
    DEMO,
    {
        "data": {
            "bounds": {"vorticity": [1e-6, 1e-3]},
            "largest_change": 2,
            "synthetic": {
                "mean_depth": 3000,
                "jet_latitude": 40,
                "jet_width": 12,
                "relaxation_days": 8,
                "stirring": 1.5e-10,
                "stirring_degrees": [6, 14],
                "heating_degrees": [6, 63],
                "diffusion_order": 8,
                "memory_days": 0.25,
                "cloud_days": 0.5,
                "wave_damping_hours": 4,
                "diffusion_days": 0.1,
                "steps_per_day": 96,
            },
        },
        "srgan": {"defaults": {"content": "mse"}},
        "inpainting": {"defaults": {"content": "mse"}},
        "jet": {
            "sectors": {"north-atlantic": {"latitude": [15, 75], "longitude": [-60, 0]}},
            "harmonics": 0,
            "probe": {"split": "train"},
        },
        "figures": {
            "regions": {"Northern storm track": {"zoom": {"latitude": [30, 50], "longitude": [10, 30]}}}
        },
    },
)
TINY = configuration.merged(DEMO, load("tests/tiny.yaml"))
CONFIGS = {"paper": PAPER, "linked": LINKED, "full": FULL, "tiny": TINY}


def paths(value, path=()):
    """The path of every key and of every item of a list."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, child in inner:
        yield (*path, name)
        yield from paths(child, (*path, name))


KINDS = [name for name, section in PAPER.items() if isinstance(section, dict) and "models" in section]
PATHS = {name: sorted(paths(configuration.tidy(config)), key=repr) for name, config in CONFIGS.items()}


def keys_of_schema(schema=SCHEMA, path=()):
    """Path of every key of the schema; ``*`` stands for a name that the user gives."""
    if "$ref" in schema:
        schema = {**SCHEMA["$defs"][schema["$ref"].rsplit("/", 1)[-1]], **schema}
    children = dict(schema.get("properties", {}))
    if schema.get("additionalProperties"):
        children["*"] = schema["additionalProperties"]
    for name, child in children.items():
        yield (*path, name)
        yield from keys_of_schema(child, (*path, name))


def test_the_mutated_configs_hold_every_key_of_the_schema():
    """Else a new key would be left out of the test below."""
    mutated = {path for paths in PATHS.values() for path in paths}
    wild = {("data", "bounds"), ("data", "download", "request"), ("figures", "regions"), ("jet", "sectors")}
    wild |= {(kind, "models") for kind in KINDS}
    seen = {tuple("*" if path[:i] in wild else name for i, name in enumerate(path)) for path in mutated}
    seen |= {(path[0], "models", "*", *path[2:]) for path in seen if path[1:2] == ("defaults",)}
    seen |= {(path[0], "defaults", *path[3:]) for path in seen if path[1:3] == ("models", "*")}
    assert set(keys_of_schema()) - seen == set()


BOX = {"latitude": [0, 60], "longitude": [0, 60]}
NASTY = st.sampled_from(
    [
        None, True, False, 0, 1, -1, 2, 23.0, -3.5, 0.1, 1e-300, 1e300, 10**9, 10**18, 10**400, math.nan,
        math.inf, -math.inf, "", " ", ".", "..", "...", "a/b", "../../../escaped", "/etc", "a\nb", "a\n",
        "x.nc",
        "x" * 300, "{x}", "{year}", "%s", "é", "\udcff", "null", "1979-01-31", "1979-02-31", "0001-01-01",
        "9999-12-31", "2000-1-1", "١٩٧٩-٠١-٣١", "2002-07-15T12:00", "2002-07-15T12:34",
        "2002-07-15T99:99", [],
        [[]], [1], [1, 2], [2, 1], [1, 1], [1, 2, 3], [0, 0], [math.nan, 1], [-180, 180], [150, -150],
        [90, -90],
        [0, 0.1], ["London", "London"], ["Atlantis"], ["vorticity"], ["vorticity", "vorticity"], [None], {},
        {"a": 1}, {1: 2}, {None: {}}, {"zoom": None}, {"epochs": 1}, BOX,
        {"Europe": BOX, "europe": BOX}, {"../../../escaped": BOX}, {"x.nc": {"content": "mse"}},
        {"..": {"content": "mse"}}, {2001: {"content": "mse"}}, {True: {}}, b"bytes", {1, 2}, (1, 2),
    ]
)  # fmt: skip
VALUES = st.one_of(
    NASTY,
    st.integers(-3, 2000),
    st.integers(),
    st.floats(),
    st.text(max_size=12),
    st.lists(st.floats(-200, 400), min_size=2, max_size=2),
    st.lists(st.integers(-1, 700), min_size=2, max_size=2),
    st.dates().map(str),
)
ACTIONS = st.one_of(
    st.tuples(st.just("set"), VALUES),
    st.tuples(st.just("scale"), st.sampled_from([-1, 0, 0.5, 2, 3, 10, 1000, 10**6])),
    st.tuples(st.just("remove"), st.none()),
    st.tuples(st.just("beside"), st.sampled_from(["x", "a b", "..", "", "a\nb", 3, None, True])),
    st.tuples(st.just("reverse"), st.none()),
    st.tuples(
        st.just("rename"), st.sampled_from(["..", "x.nc", "truth", "é", "a/b", "a\n", "y" * 65, 7, "Ok-1"])
    ),
)


def mutate(config, path, action, value):
    """``config`` with the key at ``path`` changed, and the names that a refusal may give."""
    config = copy.deepcopy(configuration.tidy(config))
    *above, last = path
    section = config
    for name in above:
        section = section[name]
    names = [name for name in path if isinstance(name, str)]
    old = section[last]
    if action == "set":
        section[last] = value
    elif action == "scale" and isinstance(old, int | float) and not isinstance(old, bool):
        section[last] = old * value
    elif action == "reverse" and isinstance(old, list):
        old.reverse()
    elif action == "beside" and isinstance(section, dict):
        section[value] = copy.deepcopy(old)
        names = [*names[:-1], str(value)]
    elif action == "rename" and isinstance(section, dict):
        section[value] = section.pop(last)
        names = [*names, str(value)]
    else:
        del section[last]
    return config, names


OF_A_CONFIG = [
    function
    for _, function in inspect.getmembers(derived, inspect.isfunction)
    if list(inspect.signature(function).parameters) == ["config"]
]


def plan(config):
    """All that the rules derive from a config."""
    for split in configuration.splits(config):
        assert 0 < len(configuration.periods(config, split)) <= 10_000
        assert configuration.time_count(config, split) > 0
        assert 0 < configuration.pair_shards(config, split) <= 10_000
        assert 0 < configuration.patch_shards(config, split) <= 10_000
    for function in OF_A_CONFIG:
        function(config)
    for kind in KINDS:
        for name in configuration.models(config, kind):
            assert (ROOT / "results" / config["name"] / name).resolve().parents[2] == ROOT
    configuration.processors(config["training"])
    files = [configuration.file_name(region) for region in config["figures"]["regions"]]
    assert len(set(files)) == len(files)
    assert not any("/" in file or file.startswith(".") for file in files)


def refusal(config):
    """The sentences with which a config is refused; none if it plans."""
    try:
        config = configuration.tidy(config)
        configuration.check(config, SCHEMA)
    except InputError as error:
        return str(error).splitlines()
    plan(config)
    return []


@pytest.mark.parametrize("name", CONFIGS)
def test_the_configs_that_are_mutated_are_accepted(name):
    assert not refusal(CONFIGS[name])


@seed(2021)
@settings(max_examples=1500, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_a_mutated_config_plans_or_is_refused_in_sentences(data):
    name = data.draw(st.sampled_from(sorted(CONFIGS)))
    path = data.draw(st.sampled_from(PATHS[name]))
    action = data.draw(ACTIONS)
    config, names = mutate(CONFIGS[name], path, *action)
    sentences = refusal(config)
    assert len(sentences) <= 5
    assert all(each.startswith("config key ") and len(each) < 1000 for each in sentences)
    told = (names[-1].split("\n")[0][:60], *names[-2:-1])
    assert not sentences or any(name in each for name in told for each in sentences)
