"""What Snakemake itself makes of strange configs: dry runs, and the last lines of refusals."""

import re

import pytest
from snakemake_runs import ROOT, TINY, planned_jobs, snakemake, workspace

STRANGE = """
name: -a.B_9
data:
  download: {request: {note: "{year} a b;$(touch escaped)", class: 5.0}}
atmodist: {models: {"a.b-c": {}, "1": {classes: 2, batches: 1, pretraining: {epochs: 1, batches: 1}}}}
srgan:
  models: {"l2.nc.x": {content: mse}, l2: null, atmodist: null, "-": {content: {encoder: "1", layer: stage2}}}
figures:
  regions: {"Süd- und Ostsee 2.": {latitude: [0, 60], longitude: [150, 210]}, Northern storm track: null}
"""  # fmt: skip
REFUSED = {
    "name: a\nname: b\n": "mine.yaml, line 2: name is given twice, first in line 1",
    "pairs: {per_time: 8193, shard_size: 99999}": "config key pairs.per_time is 8193; expected at most 8192",
    "pairs: {per_time: 200, shard_size: 1}": "config key pairs.shard_size is 1, which makes 19400",
    "atmodist: {defaults: {classes: 23.0}}": "defaults.classes holds 23.0; expected a whole number",
    "autoencoder: {models: {ae: }}": "config key autoencoder.models.ae is null, and there is none to remove",
    "name: '..'": "config key name holds '..'; expected up to 64 letters",
}


def dry_run(folder, text, *arguments, **environment):
    (folder / "mine.yaml").write_text(text, encoding="utf-8")
    return snakemake(folder, "-n", *TINY, "mine.yaml", *arguments, timeout=100, **environment)


def test_a_strange_config_that_is_accepted_plans_every_job(tmp_path):
    folder = workspace(tmp_path / "a folder, with ü")
    result = dry_run(folder, STRANGE)
    assert result.returncode == 0, result.stdout
    jobs = planned_jobs(result.stdout)
    assert jobs["train_atmodist"] == 3
    assert jobs["train_srgan"] == 2
    assert not list(tmp_path.rglob("escaped"))


def test_the_papers_config_plans_where_text_is_ascii(tmp_path):
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    result = snakemake(workspace(tmp_path), "-n", timeout=100, **ascii_only)
    assert result.returncode == 0, result.stdout
    assert planned_jobs(result.stdout)["download_arco"] == 312


def test_the_short_config_of_the_docs_plans(tmp_path):
    """It is laid over the paper's config."""
    page = (ROOT / "docs/era5.md").read_text(encoding="utf-8")
    folder = workspace(tmp_path)
    (folder / "short.yaml").write_text(re.search(r"```yaml\n(# short\.yaml.*?)```", page, re.S)[1])
    result = snakemake(folder, "-n", "--configfile", "short.yaml", timeout=100)
    assert result.returncode == 0, result.stdout
    assert planned_jobs(result.stdout)["train_atmodist"] == 1


@pytest.mark.parametrize("text", REFUSED)
def test_a_refusal_is_one_sentence(tmp_path, text):
    result = dry_run(workspace(tmp_path), text)
    assert result.returncode == 1
    assert REFUSED[text] in result.stdout
    assert "Traceback" not in result.stdout
    assert len(result.stdout.splitlines()) <= 5


def test_another_working_directory_is_named(tmp_path):
    result = snakemake(workspace(tmp_path), "-n", *TINY, "-d", str(tmp_path / "elsewhere"), timeout=100)
    assert result.returncode == 1
    assert f"there is no config/config.yaml in {tmp_path / 'elsewhere'} to take it from" in result.stdout
