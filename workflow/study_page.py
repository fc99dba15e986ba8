"""Make docs/study.md and its figures from the seeds that are kept: `make study-page`.

python workflow/study_page.py docs/study docs/study.md
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "scripts"))

from atmodist.core.errors import InputError
from atmodist.core.files import replacing
from atmodist.evaluation import study
from atmodist.figures import study_page


def main(folder: str, page: str) -> int:
    """Write the page, and the figures into the folder of the seeds."""
    try:
        seeds = study.read(folder)
    except InputError as error:
        print(error, file=sys.stderr)
        return 1
    study_page.draw(seeds, Path(folder))
    with replacing(page) as partial:
        partial.write_text(study_page.text(seeds, Path(folder).name), encoding="utf-8")
    print(f"{page}: seeds {len(seeds)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
