"""What must hold for the rules of the workflow as they are written."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
RULES = ROOT / "workflow/rules"
BLOCKS = {
    re.match(r"rule (\w+)", block)[1]: block
    for path in sorted(RULES.glob("*.smk"))
    for block in re.split(r"(?m)^(?=rule )", path.read_text())
    if block.startswith("rule ")
}
LEARNING = (
    "compute_moments",
    "train_atmodist",
    "train_autoencoder",
    "train_inpainting",
    "initialise_encoder",
    "calibrate_content_loss",
    "pretrain_generator",
    "train_srgan",
)
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


@pytest.mark.parametrize("rule", LEARNING)
def test_what_is_learned_is_learned_from_the_training_split(rule):
    """No result of what has seen the evaluation split looks odd: it is just better than it should be."""
    inputs = re.search(r"(?s)\n    input:(.*?)\n    output:", BLOCKS[rule])[1]
    assert set(re.findall("train|validation|eval", inputs)) == {"train"}


def test_the_profile_names_every_rule_that_asks_for_a_gpu():
    """Else a site that gives GPUs a partition of their own would send that rule to another."""
    profile = (ROOT / "slurm/config.yaml").read_text()
    advice = re.search(r"(?m)^# set-resources:\n(#   .*\n)+", profile)[0]
    named = yaml.safe_load(advice.replace("# ", "", 1).replace("\n# ", "\n"))["set-resources"]
    assert set(named) == {rule for rule, block in BLOCKS.items() if re.search(r"gpu=|PROCESSORS", block)}
