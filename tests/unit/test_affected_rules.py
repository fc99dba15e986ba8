"""Edits of a copy of the library, and the rules that its imports say they reach."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from snakemake_runs import snakemake, workspace

ROOT = Path(__file__).parents[2]


def git(folder, *arguments):
    identity = ("-c", "user.name=nobody", "-c", "user.email=nobody@example.org")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, stdout=subprocess.DEVNULL)


@pytest.fixture
def repository(tmp_path):
    """A repository with the workflow and the paper's config, committed, and with the tag v1."""
    (tmp_path / "config").mkdir()
    shutil.copy(ROOT / "config/config.yaml", tmp_path / "config")
    (tmp_path / "resources").symlink_to(ROOT / "resources")
    shutil.copytree(
        ROOT / "workflow", tmp_path / "workflow", ignore=shutil.ignore_patterns("__pycache__", ".snakemake")
    )
    git(tmp_path, "init")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--message", "first")
    git(tmp_path, "tag", "v1")
    return tmp_path


def edit(repository, module):
    with open(repository / f"workflow/scripts/{module}", "a") as stream:
        stream.write("# edited\n")


def affected(repository, *arguments):
    """Rules that the command names, and why."""
    command = [sys.executable, repository / "workflow/affected_rules.py", *arguments]
    run = subprocess.run(command, cwd=repository, text=True, capture_output=True, check=False)
    assert run.returncode == 0, run.stderr
    first, *rules = run.stdout.split() or ["--forcerun"]
    assert first == "--forcerun"
    return set(rules), run.stderr


def test_nothing_changed_prints_nothing(repository):
    assert affected(repository) == (set(), "")


def test_a_module_reaches_the_rules_that_import_it_through_others(repository):
    edit(repository, "atmodist/samples/normalise.py")  # evaluate_srgan has it from streaming, too
    rules, told = affected(repository)
    assert {"compute_moments", "sample_pairs", "evaluate_srgan"} <= rules
    assert not {"grid_fields", "virtual_dataset", "figure_maps", "download_era5"} & rules
    assert "compute_moments: atmodist/samples/normalise.py" in told


def test_the_face_of_a_package_counts(repository):
    edit(repository, "atmodist/core/__init__.py")
    rules, _ = affected(repository)
    assert {"grid_fields", "train_atmodist", "figure_maps"} <= rules


def test_a_script_reaches_its_own_rule_alone(repository):
    edit(repository, "grid_fields.py")
    assert affected(repository)[0] == {"grid_fields"}


def test_a_module_that_git_does_not_know_yet_counts(repository):
    scripts = repository / "workflow/scripts"
    (scripts / "atmodist/data/trick.py").write_text("")
    script = scripts / "virtual_dataset.py"
    script.write_text("from atmodist.data import trick\n" + script.read_text())
    git(repository, "commit", "--all", "--message", "second")
    assert affected(repository)[0] == {"virtual_dataset"}


def test_commits_since_a_tag_count(repository):
    edit(repository, "atmodist/data/levels.py")
    git(repository, "commit", "--all", "--message", "second")
    assert affected(repository) == (set(), "")
    assert affected(repository, "--since", "v1")[0] == {"level_pressure"}


def test_results_that_are_older_than_a_module_count(repository):
    logs = repository / "results/mine/logs"
    for name in ("grid_fields/2001-01-01_2001-01-31.log", "level_pressure.log"):
        (logs / name).parent.mkdir(parents=True, exist_ok=True)
        (logs / name).write_text("")
    folder = logs.parent
    assert affected(repository, "--results", folder)[0] == set()
    os.utime(logs / "level_pressure.log", (1, 1))
    assert affected(repository, "--results", folder)[0] == {"level_pressure"}
    edit(repository, "atmodist/data/packed.py")
    later = (repository / "workflow/scripts/atmodist/data/packed.py").stat().st_mtime + 10
    os.utime(logs / "level_pressure.log", (later, later))
    assert affected(repository, "--results", folder)[0] == {"grid_fields"}


def test_a_module_that_changed_while_a_job_ran_counts(repository):
    """What it wrote last is younger than the module, which it had imported long before."""
    log, benchmark = (
        repository / f"results/mine/{folder}/train_atmodist/lags-23.{suffix}"
        for folder, suffix in (("logs", "log"), ("benchmarks", "tsv"))
    )
    module = repository / "workflow/scripts/atmodist/learning/networks.py"
    edited = module.stat().st_mtime
    for path in (log, benchmark):
        path.parent.mkdir(parents=True)
    log.write_text("")
    for seconds, expected in ((90, {"train_atmodist"}), (30, set())):
        benchmark.write_text(f"s\th:m:s\n{seconds}\t0:00:00\n")
        for path in (log, benchmark):
            os.utime(path, (edited + 60, edited + 60))
        for other in (repository / "workflow/scripts").rglob("*.py"):
            os.utime(other, (edited, edited) if other == module else (1, 1))
        assert affected(repository, "--results", repository / "results/mine")[0] == expected


def test_rules_of_other_sources_are_not_there(repository):
    """Snakemake refuses to force a rule that a config does without."""
    edit(repository, "atmodist/core/files.py")
    own = {
        "arco": {"download_arco", "download_surface_pressure"},
        "era5": {"download_era5", "download_surface_pressure"},
        "files": {"link_files", "link_surface_pressure"},
        "synthetic": {"simulate_atmosphere"},
    }
    mine = repository / "mine.yaml"
    patterns = "{pattern: '{year}-{month}.grib', surface_pattern: '{year}-{month}.lnsp.grib'}"
    for source, rules in own.items():
        mine.write_text(f"data: {{source: {source}, files: {patterns}}}")
        demo = [ROOT / "config/demo.yaml"] if source == "synthetic" else []
        named, _ = affected(repository, "--configfile", *demo, mine)
        assert named & set().union(*own.values()) == rules
        assert ("figure_synthetic_atmosphere" in named) == (source == "synthetic")
        logs = repository / source / "logs"
        for rule in rules | {"grid_fields"}:
            (logs / rule).mkdir(parents=True)
            (logs / rule / "2001-01-01_2001-01-31.log").write_text("")
            os.utime(logs / rule / "2001-01-01_2001-01-31.log", (1, 1))
        assert affected(repository, "--results", logs.parent)[0] == rules | {"grid_fields"}
    edit(repository, "atmodist/data/arco_download.py")
    assert (
        "download_surface_pressure: atmodist/core/files.py, atmodist/data/arco_download.py"
        in (affected(repository)[1])
    )


def test_rules_of_sections_without_entries_are_not_there(repository):
    """Forced, Snakemake would refuse their figures. Nor are rules of what is not made unless asked for."""
    edit(repository, "atmodist/core/files.py")
    of_entries = {"train_autoencoder", "figure_reconstructions", "train_inpainting", "figure_jet_probe"}
    assert not {*of_entries, "spot_check", "collect_study"} & affected(repository)[0]
    mine = repository / "mine.yaml"
    sector = "{latitude: [15, 75], longitude: [0, 60]}"
    mine.write_text(f"autoencoder: {{models: {{a: {{}}}}}}\njet: {{sectors: {{b: {sector}}}}}")
    assert of_entries & affected(repository, "--configfile", mine)[0] == of_entries - {"train_inpainting"}


def test_what_it_names_can_be_forced(repository):
    """Whatever is edited, of the paper's config, the demo, and one with nothing to compare."""
    edit(repository, "atmodist/core/job.py")
    alone = repository / "alone.yaml"
    alone.write_text("srgan: {models: {atmodist: null}}")
    for extra in ([], ["--configfile", ROOT / "config/demo.yaml"], ["--configfile", alone]):
        named, _ = affected(repository, *extra)
        assert ("figure_city_map" in named) == (alone not in extra)
        run = snakemake(
            workspace(repository / "run"), "-n", *map(str, extra), "--forcerun", *named, cores=None
        )
        assert run.returncode == 0, run.stdout


def test_a_benchmark_without_a_row_is_passed_over(repository):
    benchmark = repository / "results/mine/benchmarks/level_pressure.tsv"
    (repository / "results/mine/logs").mkdir(parents=True)
    benchmark.parent.mkdir()
    for content in ("", "s\th:m:s\n"):
        benchmark.write_text(content)
        os.utime(benchmark, (1, 1))
        assert affected(repository, "--results", repository / "results/mine")[0] == {"level_pressure"}


def test_a_revision_that_is_none_is_told_in_a_sentence(repository):
    command = [sys.executable, repository / "workflow/affected_rules.py", "--since", "nowhere"]
    run = subprocess.run(command, text=True, capture_output=True, check=False)
    assert run.returncode == 1
    assert "nowhere" in run.stderr
    assert "Traceback" not in run.stderr


def test_a_config_that_cannot_be_planned_is_told(repository):
    edit(repository, "grid_fields.py")
    mine = repository / "mine.yaml"
    mine.write_text("pairs: {patch: 48}")
    command = [sys.executable, repository / "workflow/affected_rules.py", "--configfile", mine]
    run = subprocess.run(command, cwd=repository, text=True, capture_output=True, check=False)
    assert run.returncode == 1
    assert run.stdout == ""
    assert "config key pairs.patch holds 48; expected a multiple of 32" in run.stderr
