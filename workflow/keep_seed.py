"""Keep the tables of a seed of the study in docs/study, and tell before it is made what they would replace.

python workflow/keep_seed.py check docs/study/seed-9 config/config.yaml config/study.yaml
python workflow/keep_seed.py keep docs/study/seed-9 results/study-9/study
"""

import argparse
import shutil
import sys
from collections.abc import Collection
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "scripts"))

from atmodist import configuration
from atmodist.core.errors import InputError
from atmodist.core.files import fingerprint, replacing
from atmodist.evaluation import study_seed


def compare(kept: Path, planned: Collection[str], precision: str) -> None:
    """Raise ``InputError`` if a seed that is kept has models that are not planned, or another precision."""
    if not kept.exists():
        return
    seed = study_seed.read_seed(kept)
    found = seed.about()["precision"]
    if found != precision:
        raise InputError(
            f"{kept} was made with precision {found}, this is with {precision}; "
            "expected the same (PRECISION=), or delete it first"
        )
    if missing := sorted(set(seed.models()) - set(planned)):
        raise InputError(
            f"{kept} has models that this would not have: {', '.join(missing)}; "
            "expected them, too (MORE=, see config/study.yaml), or delete it first"
        )


def check(kept: Path, files: list[Path], precision: str | None) -> None:
    """Compare what is kept, of this seed and of others, with what the config files plan."""
    config = configuration.tidy(configuration.stacked(*map(configuration.read, files)))
    models, encoders = configuration.models(config, "srgan"), configuration.encoder_settings(config)
    compare(kept, models, precision or config["training"]["precision"])
    planned = {"": fingerprint(configuration.shared_settings(config))}
    planned |= {name: study_seed.fingerprint_of_model(each, encoders) for name, each in models.items()}
    for other in study_seed.read(kept.parent):
        for name, those in other.settings().items():
            if other.name != kept.name and planned.get(name, those) != those:
                what = f"model {name} with " if name else ""
                raise InputError(
                    f"{other.name} of {kept.parent} has {what}other settings than these config files; "
                    "expected the same, since seeds are compared"
                )


def keep(kept: Path, made: Path) -> None:
    """Copy the tables, all or none; orderings stay beside them unless they are of other settings."""
    seed, orderings = study_seed.read_seed(made), None
    if (expected := f"seed-{seed.about()['seed']}") != kept.name:
        raise InputError(f"{made} holds {expected}; expected {kept.name}, which {kept} is for")
    compare(kept, seed.models(), seed.about()["precision"])
    if (kept / "orderings.csv").exists():
        if study_seed.read_seed(kept).settings().items() <= seed.settings().items():
            orderings = kept / "orderings.csv"
        else:
            print(f"{kept}/orderings.csv was of other settings and is deleted: make study-orderings.")
    with replacing(kept) as partial:
        partial.mkdir(parents=True)
        for path in [*sorted(made.glob("*.csv")), *([orderings] if orderings else [])]:
            shutil.copy(path, partial)


def main() -> int:
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    checking = commands.add_parser("check", help="before a seed is made")
    checking.add_argument("kept", type=Path, help="folder of the seed in docs/study")
    checking.add_argument(
        "files", type=Path, nargs="+", help="config files, each merged over those before it"
    )
    checking.add_argument("--precision", help="by default that of the config")
    keeping = commands.add_parser("keep", help="when it is made")
    keeping.add_argument("kept", type=Path, help="folder of the seed in docs/study")
    keeping.add_argument("made", type=Path, help="folder of its tables in results")
    given = parser.parse_args()
    try:
        if given.command == "check":
            check(given.kept, given.files, given.precision)
        else:
            keep(given.kept, given.made)
    except InputError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
