"""The demo on the real Earth: config/earth.yaml over the demo as in `make earth`, from a stand-in store."""

import pandas as pd
import pytest
import yaml
from snakemake_runs import ROOT, planned_jobs, snakemake, workspace
from standin_store import StandInStore

from atmodist.data import grib, store

EARTH = ("--configfile", "config/demo.yaml", "config/earth.yaml")
ARCHIVE = 42


def test_what_is_downloaded_is_at_most_five_gigabytes():
    config = yaml.safe_load((ROOT / "config/earth.yaml").read_text())["data"]
    days = {
        split: (pd.Timestamp(config[split]["end"]) - pd.Timestamp(config[split]["start"])).days + 1
        for split in ("train", "validation", "eval")
    }
    fields = 2 * 8 * sum(days.values()) + days["train"]
    size = 4 * (config["archive_truncation"] + 1) * (config["archive_truncation"] + 2)  # uncompressed
    assert size == 4 * 410240
    assert 4e9 < fields * size < 5e9


def test_make_earth_plans_what_the_config_says():
    make = (ROOT / "Makefile").read_text()
    assert "SNAKEMAKE := $(BIN)/snakemake --configfile config/demo.yaml\n" in make
    assert "$(SNAKEMAKE) config/earth.yaml --cores" in make


@pytest.mark.timeout(1500)
def test_earth_runs_from_the_store_to_the_maps(tmp_path):
    """On days and networks of the tests and with less resolution, and only the figures with coastlines."""
    folder = workspace(tmp_path / "earth")
    days = {
        "train": {"start": "2001-01-24", "end": "2001-02-08"},
        "validation": {"start": "2002-03-12", "end": "2002-03-17"},
        "eval": {"start": "2002-02-11", "end": "2002-02-18"},
    }
    maps = [f"maps_{region}" for region in ("south-east_asia", "europe", "north_america", "pacific")]
    figures = [f"results/earth/figures/{figure}.png" for figure in [*maps, "city_map"]]
    targets = [*figures, "results/earth/summary.csv"]
    with StandInStore(truncation=ARCHIVE, keep=2000) as served:
        arco = {"wind": served.wind, "surface": served.surface}
        changes = {
            "name": "earth",
            "data": days | {"archive_truncation": ARCHIVE, "arco": arco},
            "figures": {"time": "2002-02-15T12:00"},
            # These, and shards of the evaluation, know nothing of where the fields are from.
            "evaluation": {"shard_days": 8},
            "autoencoder": {"models": {"autoencoder": None}},
            "inpainting": {"models": {"l2": None, "autoencoder": None}},
            "jet": {"sectors": {"storm-track": None}},
        }
        (folder / "changes.yaml").write_text(yaml.safe_dump(changes))
        configs = (*EARTH, "tests/tiny.yaml", "changes.yaml")
        run = snakemake(folder, *configs, "--", *targets, timeout=1400)
        assert run.returncode == 0, run.stdout
        assert planned_jobs(run.stdout)["download_arco"] == 4
        assert sum(count for path, count in served.whole.items() if path.endswith(".0")) == 2 * 8 * 30 + 16
    results = folder / "results/earth"
    kept = next(grib.read_fields(results / "spectral/2002-02-11_2002-02-18.grib"))
    assert kept.truncation == 31
    assert store.Fields(results / "grid/train.h5").shape == (2, 128, 64, 128)
    assert all((folder / figure).exists() for figure in figures)
    summary = pd.read_csv(results / "summary.csv")
    assert summary.astype(str).apply(lambda row: row.str.contains("pressure").any(), axis=1).any()
    again = snakemake(folder, *configs, "--", *targets)
    assert "Nothing to be done" in again.stdout
