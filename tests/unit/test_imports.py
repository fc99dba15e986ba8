"""A job starts as fast as what it imports: no library that it does not need."""

import subprocess
import sys

import pytest
from import_graph import SCRIPTS, import_statements

HEAVY = {"torch", "lightning_fabric", "torchmetrics", "pyshtools", "matplotlib", "dask", "eccodes"}
NEEDS = {
    "compute_moments": set(),
    "sample_pairs": set(),
    "grid_fields": {"eccodes"},
    "evaluate_atmodist": {"torch"},
    "evaluate_srgan": {"torch"},
    "merge_evaluation": set(),
    "summary": set(),
    "figure_maps": {"matplotlib"},
}


@pytest.mark.parametrize("script", NEEDS)
def test_a_script_imports_no_more_than_it_needs(script):
    code = "\n".join([import_statements(script), "import sys", "print(*sys.modules)"])
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=SCRIPTS, capture_output=True, text=True, check=True
    )
    assert HEAVY & set(run.stdout.split()) == NEEDS[script]


def test_setting_pytorch_up_leaves_the_compiler_alone():
    code = (
        "import sys, torch; from atmodist.learning.devices import Hardware, one_device; "
        'one_device(Hardware(device="cpu")); assert torch.are_deterministic_algorithms_enabled(); '
        'print("torch._inductor" in sys.modules)'
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=SCRIPTS, capture_output=True, text=True, check=True
    )
    assert run.stdout.split() == ["False"]
