"""Make docs/study.md, its figures and the README's summary from the seeds that are kept: `make study-page`.

python workflow/study_page.py docs/study docs/study.md README.md
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "scripts"))

from atmodist.core.errors import InputError
from atmodist.core.files import replacing
from atmodist.evaluation import study_seed
from atmodist.figures import study_figures, study_page


def main(folder: str, page: str, readme: str) -> int:
    """Write the page, the figures into the folder of the seeds, and the summary into the README."""
    try:
        seeds = study_seed.read(folder)
        texts = {
            page: study_page.text(seeds, Path(folder).name),
            readme: study_page.with_summary(Path(readme).read_text(encoding="utf-8"), seeds),
        }
    except InputError as error:
        print(error, file=sys.stderr)
        return 1
    study_figures.draw(seeds, Path(folder))
    for path, text in texts.items():
        with replacing(path) as partial:
            partial.write_text(text, encoding="utf-8")
    print(f"{page}: seeds {len(seeds)}")
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", help="of the seeds that are kept: docs/study")
    parser.add_argument("page", help="docs/study.md")
    parser.add_argument("readme", help="README.md")
    sys.exit(main(**vars(parser.parse_args())))
