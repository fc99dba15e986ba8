"""What the library and the scripts of the rules import that is not of this project."""

import ast
import sys
from pathlib import Path

SCRIPTS = Path(__file__).parents[1] / "workflow/scripts"
# A package's name on PyPI or conda-forge → its imported name, where the two differ.
IMPORTED = {
    "pytorch": "torch",
    "pytorch-lightning": "lightning_fabric",
    "python-eccodes": "eccodes",
    "ecmwf-datastores-client": "ecmwf",
    "matplotlib-base": "matplotlib",
    "netcdf4": "netCDF4",
    "google-crc32c": "google_crc32c",
    "pyyaml": "yaml",
}
# Needed by a package that is imported: xarray opens NetCDF through h5netcdf, and PyTorch writes for
# TensorBoard through its package.
PLUGINS = {"h5netcdf", "tensorboard"}


def import_statements(script):
    """Code that imports what a rule's script imports, wherever in it."""
    nodes = ast.walk(ast.parse((SCRIPTS / f"{script}.py").read_text(encoding="utf-8")))
    return "\n".join(ast.unparse(node) for node in nodes if isinstance(node, ast.Import | ast.ImportFrom))


def imports(path, everywhere=True, seen=None):
    """Packages that a file imports, itself or through modules of atmodist.

    At its top or, if ``everywhere``, in its functions, too.
    """
    seen = set() if seen is None else seen
    found = set()
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree) if everywhere else tree.body:
        modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            modules = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for module in modules:
            file = SCRIPTS / (module.replace(".", "/") + ".py")
            if module.startswith("atmodist.") and file.exists() and file not in seen:
                seen.add(file)
                found |= imports(file, everywhere, seen)
        found |= {module.split(".")[0] for module in modules} - {"atmodist"} - sys.stdlib_module_names
    return found
