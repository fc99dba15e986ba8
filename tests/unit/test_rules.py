"""What must hold for the rules of the workflow as they are written."""

import re
from pathlib import Path

import pytest

RULES = Path(__file__).parents[2] / "workflow/rules"
BLOCKS = {
    re.match(r"rule (\w+)", block)[1]: block
    for path in sorted(RULES.glob("*.smk"))
    for block in re.split(r"(?m)^(?=rule )", path.read_text())
    if block.startswith("rule ")
}
READERS = [
    rule
    for rule, block in BLOCKS.items()
    if re.search(r"grid/(train|eval|\{\{split\}\})\.h5", block.split("output:")[0])
]


def test_the_readers_of_fields_are_found():
    assert {"compute_moments", "sample_pairs", "sample_patches", "evaluate_srgan"} <= set(READERS)


@pytest.mark.parametrize("rule", READERS)
def test_a_reader_of_a_splits_fields_needs_the_periods_behind_them(rule):
    """Else Snakemake would delete them before it has read them, where ``grid.keep`` is false."""
    assert re.search(r"periods=.*behind\(", BLOCKS[rule]), f"{rule}: add periods=behind(split) to its input"
