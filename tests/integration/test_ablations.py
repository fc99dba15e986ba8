"""What a changed config runs again: the jobs that depend on the key, what depends on those, and no other."""

import re
import subprocess
from collections import defaultdict

import pytest
import yaml
from snakemake_runs import ROOT, TINY, planned_jobs, snakemake, workspace

from atmodist import configuration

pytestmark = pytest.mark.timeout(1800)
EXAMPLES = sorted((ROOT / "config/examples").glob("*.yaml"))

# Edit of the config → the jobs that it makes necessary at first, as they begin in the graph of jobs. What
# each key alone runs again, test_reruns.py asserts.
EDITS = {
    "nothing": ({}, []),
    "hardware": (
        {"training": {"device": "auto", "checkpoint_minutes": 5, "compile": True}},
        [],
    ),
    "more GPUs": (
        {"training": {"devices": 2}},
        ["train_atmodist", "train_autoencoder", "train_inpainting", "pretrain_generator"],
    ),
    "the pairs of the calibration": ({"calibration": {"batches": 30}}, ["measure_lag_losses"]),
    "a plot's resolution": ({"figures": {"dpi": 61}}, ["figure_"]),
    "the part enlarged": (
        {
            "figures": {
                "regions": {"Northern storm track": {"zoom": {"latitude": [30, 45], "longitude": [5, 20]}}}
            }
        },
        ["figure_maps"],
    ),
    "the times of the orderings": ({"orderings": {"times": 5}}, ["measure_orderings"]),
    "a region more": (
        {"figures": {"regions": {"Tropics": {"latitude": [-30, 30], "longitude": [0, 60]}}}},
        ["map_regions"],
    ),
    "the evaluated epoch of a model": (
        {"srgan": {"models": {"l2": {"evaluate_epoch": 1}}}},
        [r"evaluate_srgan.*system: l2", r"map_regions.*system: l2", "figure_srgan_curves"],
    ),
    "the learning rates of a model": (
        {"srgan": {"models": {"l2": {"phases": [{"epochs": 2, "learning_rate": 1e-5}]}}}},
        [r"train_srgan.*model: l2"],
    ),
    "a model with another content loss": (
        {"srgan": {"models": {"stage3": {"content": {"encoder": "lags-23", "layer": "stage3"}}}}},
        [r"train_srgan.*model: stage3", "figure_lag_losses"],
    ),
    "a content loss of an encoder without training": (
        {"srgan": {"models": {"chance": {"content": {"encoder": "random", "layer": "stage1"}}}}},
        [r"train_srgan.*model: chance"],  # its folder has the scale already
    ),
    "another encoder without training": (
        {"untrained": {"models": {"random-second": {"seed_index": 1}}}},
        ["initialise_encoder.*encoder: random-second"],
    ),
    "another autoencoder": (
        {"autoencoder": {"models": {"deeper": {"blocks": 2}}}},
        [r"train_autoencoder.*model: deeper"],
    ),
    "the autoencoder's learning rate": (
        {"autoencoder": {"defaults": {"learning_rate": 0.05}}},
        ["train_autoencoder"],
    ),
    "the content loss of an inpainting": (
        {"inpainting": {"models": {"autoencoder": {"content": {"encoder": "lags-23", "layer": "stage1"}}}}},
        [r"train_inpainting.*model: autoencoder"],
    ),
    "an inpainting without an encoder more": (
        {"inpainting": {"models": {"l2-second": {"content": "mse", "seed_index": 1}}}},
        [r"train_inpainting.*model: l2-second"],
    ),
    "the jet's low-pass": ({"jet": {"cutoff_days": 4}}, ["index_jet"]),
    "another sector of the jet": (
        {"jet": {"sectors": {"south": {"latitude": [-75, -15], "longitude": [0, 60]}}}},
        [
            "measure_jet_wind.*sector: south",
            "average_sector.*sector: south",
            "figure_jet",
        ],
    ),
    "another probe of the jet": ({"jet": {"probe": {"components": 3}}}, ["probe_jet"]),
    "another encoder probed": (
        {"jet": {"probe": {"encoders": [{"encoder": "random", "layer": "stage2"}]}}},
        ["average_sector.*random_stage2", "probe_jet"],
    ),
    "a model less": (
        {"srgan": {"models": {"l2": None}}},
        ["summary", "figure_(srgan|energy|power|zonal|semi|moment|error|city|wasserstein|maps|high)"],
    ),
    "a network with other lags": (
        {"atmodist": {"models": {"hours-45": {"classes": 15}}}},
        [r"train_atmodist.*hours-45"],
    ),
    "the generator": (
        {"srgan": {"generator": {"channels": 12}}},
        ["pretrain_generator", "evaluate_srgan.*system: (l2|atmodist)", "map_regions.*system: (l2|atmodist)"],
    ),
    "the band of latitude": ({"windows": {"latitude": [-30, 30]}}, ["sample_pairs", "sample_patches"]),
    "another seed": ({"seed": 7}, ["simulate_atmosphere"]),
    "another validation split": (
        {"data": {"validation": {"end": "2001-02-18"}}},
        ["simulate_atmosphere.*2001-02-12", r"virtual_dataset.*split: validation"],
    ),
    "no validation split": (
        {"data": {"validation": None}},
        ["evaluate_atmodist", "evaluate_autoencoder", "index_jet"],
    ),
    "one period more": (
        {"data": {"train": {"end": "2001-01-24"}}},
        ["simulate_atmosphere.*2001-01-17", r"virtual_dataset.*split: train"],
    ),
}


def planned(folder, changes, *arguments):
    """Labels of all jobs, labels of those that would run, and the jobs that each job feeds."""
    edit = folder / "edit.yaml"
    edit.write_text(yaml.safe_dump(changes))
    run = snakemake(folder, *TINY, str(edit), "--dag", *arguments)
    assert run.returncode == 0, run.stdout
    nodes = re.findall(r'(\d+)\[label = "(.+?)".*style="(.+?)"', run.stdout)
    labels = {number: label.replace("\\n", " ") for number, label, _ in nodes}
    fed = defaultdict(set)
    for source, target in re.findall(r"(\d+) -> (\d+)", run.stdout):
        fed[source].add(target)
    return labels, {number for number, _, style in nodes if "dashed" not in style}, fed


def after(first, fed):
    """Jobs and all that depends on them."""
    found, new = set(), set(first)
    while new:
        found |= new
        new = set().union(*(fed[number] for number in new)) - found
    return found


@pytest.mark.parametrize("edit", EDITS)
def test_edit_runs_again_what_depends_on_it_and_nothing_else(finished, edit):
    changes, first = EDITS[edit]
    labels, running, fed = planned(finished, changes)
    starts = {pattern: {n for n in running if re.match(pattern, labels[n])} for pattern in first}
    assert all(starts.values()), f"no such job: {starts}"
    expected = after(set().union(*starts.values()), fed)
    assert {labels[n] for n in running} == {labels[n] for n in expected}


def test_one_period_more_simulates_and_grids_that_period_only(finished):
    labels, running, _ = planned(finished, EDITS["one period more"][0])
    rules = [labels[number].split()[0] for number in running]
    assert rules.count("simulate_atmosphere") == rules.count("grid_fields") == 1


def backwards(config):
    """The same settings in another order; models, regions and sectors are in that of figures."""
    if isinstance(config, list):
        return [backwards(each) for each in config]
    if not isinstance(config, dict):
        return config
    return {
        key: {name: backwards(each) for name, each in value.items()}
        if key in ("models", "regions", "sectors")
        else backwards(value)
        for key, value in reversed(config.items())
    }


def test_settings_given_again_run_nothing(finished):
    """Also those that were not given before, in whatever order: an own file often begins as a copy."""
    files = ("config/config.yaml", "config/demo.yaml", "tests/tiny.yaml")
    whole = configuration.stacked(*(yaml.safe_load((ROOT / path).read_text()) for path in files))
    _, running, _ = planned(finished, backwards(configuration.tidy(whole)))
    assert not running


def test_plot_setting_only_plots(finished):
    labels, running, _ = planned(finished, EDITS["a plot's resolution"][0])
    plots = ("figure_", "figures", "export_generator", "models", "all")  # a model card shows a figure
    assert all(labels[number].startswith(plots) for number in running)


def test_experiment_that_links_its_fields_does_not_make_them_again(finished, tmp_path):
    folder = workspace(tmp_path / "linked")
    (folder / "results/band").mkdir(parents=True)
    for part in ("spectral", "grid"):
        (folder / "results/band" / part).symlink_to(finished / "results/tiny" / part)
    labels, running, _ = planned(folder, {"name": "band", "windows": {"latitude": [-30, 30]}})
    rules = {labels[number].split()[0] for number in running}
    assert "sample_pairs" in rules
    assert not {"simulate_atmosphere", "grid_fields"} & rules


@pytest.fixture(scope="module")
def downloaded(tmp_path_factory):
    """A folder that looks as if the paper's fields had come from the archive and been put on the grid."""
    folder = workspace(tmp_path_factory.mktemp("paper") / "clone")
    paper = configuration.tidy(yaml.safe_load((ROOT / "config/config.yaml").read_text()))
    months = [
        period for split in configuration.splits(paper) for period in configuration.periods(paper, split)
    ]
    made = [f"spectral/{period.name}.grib" for period in months]
    made += [f"surface/{period.name}.grib" for period in configuration.periods(paper, "train")]
    made += [f"{name}.sha256" for name in made]
    made += [f"grid/{period.name}.h5" for period in months]
    made += [f"grid/{split}.h5" for split in configuration.splits(paper)]
    for name in made:  # in the order of time
        (folder / "results/era5" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "results/era5" / name).write_text("as if")
    return folder


@pytest.mark.parametrize("example", ["patch-size", "tropics", "vorticity"])
def test_example_linked_as_its_page_says_neither_downloads_nor_grids_again(downloaded, example):
    page = (ROOT / "config/examples/README.md").read_text()
    lines = re.search(r"    name=(era5-\w+)\n    (mkdir .*)\n", page)
    config = downloaded / f"config/examples/{example}.yaml"
    name, commands = yaml.safe_load(config.read_text())["name"], lines[2]
    if example == "vorticity":
        commands = commands.replace("../era5/grid ", "")
    subprocess.run(["bash", "-c", f"name={name}; {commands}"], cwd=downloaded, check=True)
    run = snakemake(downloaded, "--dry-run", "--quiet", "rules", "--configfile", str(config), cores=None)
    assert run.returncode == 0, run.stdout
    jobs = planned_jobs(run.stdout)
    assert {"sample_pairs", "compute_moments", "level_pressure"} <= jobs.keys()
    assert not {"download_arco", "download_surface_pressure"} & jobs.keys()
    assert jobs.get("grid_fields", 0) == (312 if example == "vorticity" else 0)
    assert ("virtual_dataset" in jobs) == (example == "vorticity")


def test_the_number_of_hours_is_compared_on_the_samples_that_there_are(downloaded):
    paper = configuration.tidy(yaml.safe_load((ROOT / "config/config.yaml").read_text()))
    results = downloaded / "results/era5"
    made = [results / "moments.json"]
    made += [
        results / kind / split / f"{shard:05d}.h5"
        for kind, count in (("pairs", configuration.pair_shards), ("patches", configuration.patch_shards))
        for split in configuration.splits(paper)
        for shard in range(count(paper, split))
    ]
    for path in made:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("as if")
    example = ("--configfile", "config/examples/lags.yaml")
    run = snakemake(downloaded, "--dry-run", "--quiet", "rules", *example, cores=None)
    for path in made:
        path.unlink()
    assert run.returncode == 0, run.stdout
    jobs = planned_jobs(run.stdout)
    assert jobs["train_atmodist"] == 4
    assert not {"sample_pairs", "sample_patches", "compute_moments"} & jobs.keys()


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_example_fits_the_papers_config(example):
    paper = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    schema = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())
    changes = yaml.safe_load(example.read_text())
    merged = configuration.tidy(configuration.merged(paper, changes))
    configuration.check(merged, schema)
    assert merged != configuration.tidy(paper)
