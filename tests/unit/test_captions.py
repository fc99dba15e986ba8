"""The captions of the report, rendered as Snakemake renders them, with the paper's and the demo's config."""

import re
from pathlib import Path
from types import SimpleNamespace

import jinja2
import pytest
import yaml
from docutils.core import publish_parts
from fake_snakemake import SCRIPTS

from atmodist import configuration

ROOT = Path(__file__).parents[2]
CAPTIONS = ROOT / "workflow/report"
PAPER = yaml.safe_load((ROOT / "config/config.yaml").read_text())
DEMO = configuration.merged(PAPER, yaml.safe_load((ROOT / "config/demo.yaml").read_text()))
ENVIRONMENT = jinja2.Environment(trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined)
RULES = "\n".join(path.read_text() for path in sorted((ROOT / "workflow/rules").glob("*.smk")))


def rendered(name, config=PAPER):
    """A caption as text and as HTML."""
    text = ENVIRONMENT.from_string((CAPTIONS / f"{name}.rst").read_text()).render(
        snakemake=SimpleNamespace(config=configuration.tidy(config))
    )
    return " ".join(text.split()), publish_parts(text, writer="html")["body"]


NAMES = sorted(path.stem for path in CAPTIONS.glob("*.rst"))


@pytest.mark.parametrize("config", [PAPER, DEMO], ids=["paper", "demo"])
@pytest.mark.parametrize("name", NAMES)
def test_a_caption_is_filled_in_and_well_formed(name, config):
    text, html = rendered(name, config)
    assert not re.search(r"{[{%]|[}%]}", text)
    assert "system-message" not in html


def test_every_caption_is_that_of_an_output_and_every_figure_has_its_own():
    used = re.findall(r'caption="\.\./report/(\w+)\.rst"|\*\*picture\("(\w+)"', RULES)
    assert {"".join(names) for names in used} == set(NAMES) - {"workflow"}
    figures = {path.stem.removeprefix("figure_") for path in SCRIPTS.glob("figure_*.py")}
    assert figures == set(NAMES) - {"workflow", "summary"}
    assert len({rendered(name)[0] for name in NAMES}) == len(NAMES)


def test_the_days_stand_on_the_front_page_alone():
    front = rendered("workflow", DEMO)[0]
    for split in ("train", "validation", "eval"):
        days = DEMO["data"][split]
        assert f"{days['start']} to {days['end']}" in front
    for name in set(NAMES) - {"workflow"}:
        text = rendered(name, DEMO)[0]
        assert "the paper has" not in text.lower()
        assert not any(days["start"] in text for days in (DEMO["data"]["train"], DEMO["data"]["eval"]))


def test_only_the_front_page_of_a_synthetic_planet_says_that_it_has_no_coasts():
    assert "maps have no coasts" in rendered("workflow", DEMO)[0]
    assert "maps have no coasts" not in rendered("workflow", PAPER)[0]


def test_numbers_in_captions_are_those_of_the_scripts_and_the_config():
    script = (SCRIPTS / "figure_city_map.py").read_text()
    count, window = re.search(r"COUNT, WINDOW = (\d+), (\d+)", script).groups()
    assert window == "1", "the nearest pixel"
    assert f"The {count} cities where a system is best, and the {count} where" in rendered("city_map")[0]
    with (ROOT / "resources/cities/cities.csv").open() as file:
        cities = sum(1 for _ in file) - 1
    for name in ("city_quantiles", "wasserstein"):
        assert f"{cities} cities" in rendered(name)[0]
    assert "a lag of 48 h in windows that slide by 8 pixels" in rendered("uncertainty", DEMO)[0]
    assert "2001-08-15T12:00 UTC" in rendered("maps", DEMO)[0]


def test_the_snapshot_names_the_variables_of_the_data():
    assert "Divergence, vorticity of the evaluation split" in rendered("data_snapshot")[0]
    other = configuration.merged(PAPER, {"data": {"variables": ["temperature"]}})
    text = rendered("data_snapshot", other)[0]
    assert "Temperature of the evaluation split" in text
    assert "vorticity" not in text
