"""Each stage's environment holds what its scripts import, nothing else, at the pins of requirements.txt."""

import ast
import re
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "workflow/scripts"
ENVIRONMENTS = sorted((ROOT / "workflow/envs").glob("*.yaml"))
# conda-forge's name → (name in requirements.txt, imported name)
PACKAGES = {
    "pytorch": ("torch", "torch"),
    "pytorch-lightning": ("pytorch-lightning", "lightning_fabric"),
    "python-eccodes": ("eccodes", "eccodes"),
    "ecmwf-datastores-client": ("ecmwf-datastores-client", "ecmwf"),
    "matplotlib-base": ("matplotlib", "matplotlib"),
    "netcdf4": ("netCDF4", "netCDF4"),
    "google-crc32c": ("google-crc32c", "google_crc32c"),
    "pyyaml": ("PyYAML", "yaml"),
}
# Needed by a package that is imported: xarray opens NetCDF through h5netcdf, pyshtools transforms by ducc0,
# and PyTorch writes for TensorBoard through its package.
PLUGINS = {"h5netcdf", "ducc0", "tensorboard"}
RULE = re.compile(r'rule (\w+):.*?conda:\s*"\.\./envs/(\w+)\.yaml".*?"\.\./scripts/(\w+)\.py"', re.S)


def rules():
    """(rule, environment, script) of every rule."""
    found = []
    for path in sorted((ROOT / "workflow/rules").glob("*.smk")):
        for block in re.split(r"(?m)^(?=rule )", path.read_text()):
            found += RULE.findall(block)
    return found


def imports(path, seen=None):
    """Third-party packages that a file imports, itself or through modules of atmodist."""
    seen = set() if seen is None else seen
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    packages = {name.split(".")[0] for name in names} - {"atmodist"} - sys.stdlib_module_names
    for name in names:
        module = SCRIPTS / (name.replace(".", "/") + ".py")
        if name.startswith("atmodist.") and module not in seen and module.exists():
            seen.add(module)
            packages |= imports(module, seen)
    return packages


def provided(environment):
    """conda names and versions of an environment."""
    content = yaml.safe_load(environment.read_text())
    assert content["channels"] == ["conda-forge", "nodefaults"]
    return dict(package.split("=") for package in content["dependencies"])


def test_every_rule_with_a_script_is_seen():
    scripts = {script for _, _, script in rules()}
    assert scripts == {path.stem for path in SCRIPTS.glob("*.py")}
    assert scripts <= {rule for rule, _, _ in rules()}, "a script is named after its rule"


@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=lambda path: path.stem)
def test_versions_are_those_of_requirements(environment):
    pins = dict(line.split("==") for line in (ROOT / "requirements.txt").read_text().split())
    for name, version in provided(environment).items():
        if name == "eccodes":  # the C library, which pip knows as eccodeslib with one more digit
            assert pins["eccodeslib"].startswith(version + ".")
        elif name != "python":
            assert pins[PACKAGES.get(name, (name,))[0]] == version, name


@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=lambda path: path.stem)
def test_environment_holds_what_its_scripts_import_and_nothing_else(environment):
    needed = set()
    for _, stage, script in rules():
        if stage == environment.stem:
            needed |= imports(SCRIPTS / f"{script}.py")
    assert needed, "no rule uses this environment"
    held = {PACKAGES.get(name, (name, name))[1] for name in provided(environment)} - {"python"}
    assert needed <= held, f"not in {environment.name}: {needed - held}"
    assert held - PLUGINS <= needed, f"not needed in {environment.name}: {held - PLUGINS - needed}"


def test_the_one_environment_holds_those_of_all_stages_and_snakemake():
    held = yaml.safe_load((ROOT / "environment.yaml").read_text())["dependencies"]
    pins = dict(line.split("==") for line in (ROOT / "requirements.txt").read_text().split())
    snakemake = {f"{name}={pins[name]}" for name in ("snakemake", "snakemake-executor-plugin-slurm")}
    stages = (yaml.safe_load(environment.read_text())["dependencies"] for environment in ENVIRONMENTS)
    assert set(held) == snakemake.union(*stages)
