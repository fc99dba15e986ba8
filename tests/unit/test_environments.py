"""Each stage's environment holds what its scripts import, nothing else, at the pins of requirements.txt."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from import_graph import IMPORTED, PLUGINS, SCRIPTS, imports

ROOT = Path(__file__).parents[2]
ENVIRONMENTS = sorted((ROOT / "workflow/envs").glob("*.yaml"))
RULE = re.compile(r'rule (\w+):.*?conda:\s*"\.\./envs/(\w+)\.yaml".*?"\.\./scripts/(\w+)\.py"', re.S)


def rules():
    """(rule, environment, script) of every rule."""
    found = []
    for path in sorted((ROOT / "workflow/rules").glob("*.smk")):
        for block in re.split(r"(?m)^(?=rule )", path.read_text()):
            found += RULE.findall(block)
    return found


def provided(environment):
    """conda names and versions of an environment."""
    content = yaml.safe_load(environment.read_text())
    assert content["channels"] == ["conda-forge", "nodefaults"]
    return dict(package.split("=") for package in content["dependencies"])


def test_every_rule_with_a_script_is_seen():
    scripts = {script for _, _, script in rules()}
    assert scripts == {path.stem for path in SCRIPTS.glob("*.py")}
    assert scripts <= {rule for rule, _, _ in rules()}, "a script is named after its rule"


def test_versions_are_those_of_requirements():
    command = [sys.executable, ROOT / "workflow/pin_environments.py", "--check"]
    run = subprocess.run(command, text=True, capture_output=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


def test_a_new_pin_reaches_every_environment_and_the_one_of_all(tmp_path):
    for name in ("requirements.txt", "environment.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "workflow/envs", tmp_path / "workflow/envs")
    shutil.copy(ROOT / "workflow/pin_environments.py", tmp_path / "workflow")
    requirements = tmp_path / "requirements.txt"
    requirements.write_text(re.sub(r"(?m)^(torch|numpy)==.*", r"\1==99.1", requirements.read_text()))
    before = (tmp_path / "environment.yaml").read_text()
    command = [sys.executable, tmp_path / "workflow/pin_environments.py"]
    assert subprocess.run([*command, "--check"], stdout=subprocess.DEVNULL, check=False).returncode == 1
    assert (tmp_path / "environment.yaml").read_text() == before
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    assert subprocess.run([*command, "--check"], check=False).returncode == 0
    for path in (tmp_path / "workflow/envs/train.yaml", tmp_path / "environment.yaml"):
        assert {"pytorch=99.1", "numpy=99.1", "python=3.12"} <= set(
            yaml.safe_load(path.read_text())["dependencies"]
        )


@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=lambda path: path.stem)
def test_environment_holds_what_its_scripts_import_and_nothing_else(environment):
    needed = set()
    for _, stage, script in rules():
        if stage == environment.stem:
            needed |= imports(SCRIPTS / f"{script}.py")
    assert needed, "no rule uses this environment"
    held = {IMPORTED.get(name, name) for name in provided(environment)} - {"python"}
    assert needed <= held, f"not in {environment.name}: {needed - held}"
    assert held - PLUGINS <= needed, f"not needed in {environment.name}: {held - PLUGINS - needed}"


def test_the_one_environment_holds_those_of_all_stages_and_snakemake():
    held = yaml.safe_load((ROOT / "environment.yaml").read_text())["dependencies"]
    stages = (yaml.safe_load(environment.read_text())["dependencies"] for environment in ENVIRONMENTS)
    more = set(held) - set().union(*stages)
    assert {package.split("=")[0] for package in more} == {"snakemake", "snakemake-executor-plugin-slurm"}


def test_help_names_every_target():
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.search(r"(?m)^\.PHONY: (.*)$", makefile)[1].split())
    assert targets >= {"demo", "test", "pins"}
    told = subprocess.run(
        ["make", "--no-print-directory", "help"], cwd=ROOT, text=True, capture_output=True, check=True
    ).stdout
    assert {line.split()[1] for line in told.splitlines()} == targets
