"""Another workflow uses this one as a Snakemake module, from a folder of its own."""

import keras_files
import pytest
import yaml
from snakemake_runs import ROOT, planned_jobs, snakemake, workspace

from atmodist.configuration import merged

HOST = """
configfile: "host.yaml"

module atmodist:
    snakefile: "{root}/workflow/Snakefile"
    config: config["weather"]
{prefix}
use rule * from atmodist as atmodist_*

onstart:
    print("local:", *workflow._localrules)
"""
FIGURE = "results/tiny/figures/synthetic_atmosphere.png"
MAPS = "results/tiny/evaluation/truth/maps.nc"  # whose script reads the config, not only its parameters


def host(folder, prefix=""):
    """A workflow that runs the tiny planet as a part of it."""
    files = ("config/demo.yaml", "tests/tiny.yaml")
    demo, tiny = (yaml.safe_load((ROOT / name).read_text()) for name in files)
    folder.mkdir()
    (folder / "tiny.yaml").write_text(yaml.safe_dump(merged(demo, tiny)))
    (folder / "host.yaml").write_text(yaml.safe_dump({"weather": merged(demo, tiny), "soil": 1}))
    prefix = f'    prefix: "{prefix}"\n' if prefix else ""
    (folder / "Snakefile").write_text(HOST.format(root=ROOT, prefix=prefix))
    return folder


@pytest.mark.parametrize("prefix", ["", "weather"])
def test_host_plans_what_the_workflow_would_plan_itself(tmp_path, prefix):
    folder = host(tmp_path / "host", prefix)
    run = snakemake(folder, "--dry-run", cores=None)
    assert run.returncode == 0, run.stdout
    jobs = planned_jobs(run.stdout)
    alone = snakemake(
        workspace(tmp_path / "alone"), "--dry-run", "--configfile", str(folder / "tiny.yaml"), cores=None
    )
    assert jobs == {f"atmodist_{rule}": count for rule, count in planned_jobs(alone.stdout).items()}


@pytest.mark.parametrize("prefix", ["", "weather/"])
def test_host_makes_a_figure(tmp_path, prefix):
    folder = host(tmp_path / "host", prefix)
    run = snakemake(folder, "--", prefix + FIGURE, prefix + MAPS)
    assert run.returncode == 0, run.stdout
    assert (folder / (prefix + FIGURE)).stat().st_size > 1000
    assert (folder / (prefix + MAPS)).exists()
    made = {path.parts[0] for path in (each.relative_to(folder) for each in folder.rglob("*.*"))}
    assert made <= {"Snakefile", "host.yaml", "tiny.yaml", ".snakemake", (prefix + FIGURE).split("/")[0]}
    local = run.stdout.split("local:")[1].split("\n")[0].split()
    assert {"atmodist_figure_maps", "atmodist_summary", "atmodist_virtual_dataset"} <= set(local)
    assert not {"atmodist_grid_fields", "atmodist_train_srgan"} & set(local)


@pytest.mark.parametrize("prefix", ["", "weather/"])
def test_weights_from_elsewhere_lie_where_the_prefix_says(tmp_path, prefix):
    folder = host(tmp_path / "host", prefix)
    stages = [4, 6, 8, 10]
    content = yaml.safe_load((folder / "host.yaml").read_text())
    content["weather"]["atmodist"]["defaults"]["stages"] = stages
    content["weather"]["atmodist"]["models"] = {"lags-23": {"weights": "mine/weights.hdf5"}}
    (folder / "host.yaml").write_text(yaml.safe_dump(content))
    (folder / f"{prefix}mine").mkdir(parents=True)
    weights = keras_files.tensors(32, 23, stages=stages, blocks=1)
    keras_files.write(folder / f"{prefix}mine/weights.hdf5", weights)
    made = f"{prefix}results/tiny/atmodist/lags-23/weights"
    run = snakemake(folder, "--", made)
    assert run.returncode == 0, run.stdout
    assert [path.name for path in (folder / made).glob("*.pt")] == ["epoch-001.pt"]


def test_without_a_config_a_host_gets_the_papers(tmp_path):
    (tmp_path / "Snakefile").write_text(
        f'module atmodist:\n    snakefile: "{ROOT}/workflow/Snakefile"\n\nuse rule * from atmodist\n'
    )
    run = snakemake(tmp_path, "--dry-run", "--quiet", "rules", cores=None)
    assert run.returncode == 0, run.stdout
    assert planned_jobs(run.stdout)["grid_fields"] == 312


def test_a_mistake_in_a_hosts_config_is_told(tmp_path):
    folder = host(tmp_path / "host")
    content = yaml.safe_load((folder / "host.yaml").read_text())
    content["weather"]["data"]["truncaton"] = 5
    (folder / "host.yaml").write_text(yaml.safe_dump(content))
    run = snakemake(folder, "--dry-run", cores=None)
    assert run.returncode != 0
    assert "config key data.truncaton is unknown; did you mean truncation?" in run.stdout


def test_a_null_of_the_hosts_config_that_removes_nothing_is_refused(tmp_path):
    folder = host(tmp_path / "host")
    (folder / "host.yaml").write_text(yaml.safe_dump({"weather": {"srgan": {"models": {"l3": None}}}}))
    run = snakemake(folder, "--dry-run", cores=None)
    assert run.returncode == 1
    assert "config key srgan.models.l3 is null, and there is none to remove" in run.stdout
