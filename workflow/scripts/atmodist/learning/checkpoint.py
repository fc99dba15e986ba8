"""The files of a training run: the state from which it resumes, and what is left when it is done."""

import os
import secrets
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from atmodist.core.errors import InputError
from atmodist.core.files import fingerprint, replacing, sha256
from atmodist.core.shortage import is_shortage
from atmodist.learning import saved

# What a training run keeps: moved away in this order and back in the other, the state is always where a start
# that follows a kill goes on with it.
KEPT = ("weights", "training.csv", "finished", "state.pt")


def identity(inputs: Iterable[str], params: dict[str, Any]) -> str:
    """Fingerprint of a training run: its parameters, and name, size and age of its input files."""
    files = [(str(path), os.stat(path)) for path in inputs]
    return fingerprint([params, [(name, state.st_size, state.st_mtime_ns) for name, state in files]])


def code() -> str:
    """Fingerprint of what trains: scripts, this room of the library and those below it, PyTorch's version."""
    library = Path(__file__).parents[1]
    rooms = [library / name for name in ("core", "data", "samples", "learning")]
    paths = [*library.parent.glob("*train_*.py"), *(path for room in rooms for path in room.rglob("*.py"))]
    files = {str(path.relative_to(library.parent)): sha256(path) for path in paths}
    return fingerprint([files, torch.__version__])


class Checkpoint:
    """State, table and weights of a training run, in the folder ``.resume`` beside its log.

    They stay when it has finished: a Snakemake that was killed does not know of it, and the next one deletes
    what was published and makes it again. Published weights are links to the same bytes.
    They belong to the run that claimed them last. An older one that is still running, because the Snakemake
    that would have ended it was killed, fails with an ``InputError`` before it touches them. Of several
    processes only the first may use this.
    """

    def __init__(self, log: str | Path):
        self.log, self.folder = Path(log), Path(log).parent / ".resume"
        self._state, self._owner = self.folder / "state.pt", self.folder / "owner"
        self._finished, self._aside = self.folder / "finished", self.folder / "other settings"
        self._mark = secrets.token_hex(8)

    def claim(self) -> None:
        """Make this run the owner."""
        with replacing(self._owner) as partial:
            partial.write_text(self._mark, encoding="utf-8")

    def read(self) -> dict[str, Any] | None:
        """The state, if there is one, on the CPU: optimisers move to the device what belongs there.

        A damaged file raises ``InputError``.
        """
        if not self._state.exists():
            return None
        try:
            return saved.load(self._state)
        except InputError as error:
            if is_shortage(error):
                raise
            raise InputError(
                f"{error}; delete it to train from the start, or put a copy in its place"
            ) from None

    def write(self, state: dict[str, Any]) -> None:
        """Save the state."""
        self._check_owner()
        saved.save(self._state, state)

    def change_to(self, identity: str) -> tuple[dict[str, Any] | None, Path | None]:
        """Make the state that of the training run ``identity``; after a kill, the next change loses nothing.

        What is there of another run is set aside until `publish`; what had been set aside of this one comes
        back. Returns the state, if there is one, and the folder of the other.
        """
        state, other = self.read(), None
        if state and state["identity"] != identity:
            other = self._folder_of(state["identity"])
            _move(KEPT, self.folder, other)
            state = None
        if not state:
            self.discard()
        if (folder := self._folder_of(identity)).exists():
            _move(KEPT[::-1], folder, self.folder)
            folder.rmdir()
            state = self.read()
        return state, other

    def has_finished(self) -> bool:
        """Whether the state is that of a training run that was published."""
        return self._finished.exists()

    def is_of_code(self, code: str) -> bool:
        """Whether what was published was trained by that code."""
        return self._finished.read_text(encoding="utf-8") == code

    def has_weights_of(self, epochs: int) -> bool:
        """Whether the weights of all epochs are there, and none is damaged."""
        files = saved.files_of_epochs(self.folder / "weights")
        try:
            for path in files:
                saved.load(path)
        except InputError as error:
            if is_shortage(error):
                raise
            return False
        return len(files) == epochs

    def set_aside(self) -> Path:
        """Move the state and the weights that belong to it away until `publish`; returns where they are."""
        folder = self._aside / "finished before"
        _move(KEPT[::-1], self.folder, folder)
        return folder

    def discard(self) -> None:
        """Delete the state and the weights that belong to it."""
        self._state.unlink(missing_ok=True)
        self._finished.unlink(missing_ok=True)
        shutil.rmtree(self.folder / "weights", ignore_errors=True)

    def keep(self, epoch: int, weights: dict[str, Any], rows: list[dict[str, Any]]) -> None:
        """Keep the weights of an epoch, state dictionaries by name of the network, and the table so far."""
        self._check_owner()
        saved.save(self._weights(epoch), weights)
        with replacing(self.folder / "training.csv") as partial:
            pd.DataFrame(rows).to_csv(partial, index=False)

    def publish(self, code: str, weights: str | Path | None = None, last: str | Path | None = None) -> None:
        """Write ``weights`` of all epochs, a folder, or the ``last``, trained by ``code``; then the log."""
        self._check_owner()
        if weights:
            with replacing(weights) as partial:
                left = shutil.ignore_patterns(".*")
                shutil.copytree(self.folder / "weights", partial, ignore=left, copy_function=_link)
        if last:
            with replacing(last) as partial:
                _link(saved.files_of_epochs(self.folder / "weights")[-1], partial)
        with replacing(self._finished) as partial:
            partial.write_text(code, encoding="utf-8")
        with replacing(self.log) as partial:
            shutil.copy(self.folder / "training.csv", partial)
        shutil.rmtree(self._aside, ignore_errors=True)

    def _folder_of(self, identity):
        return self._aside / identity[:16]

    def _weights(self, epoch):
        return saved.file_of_epoch(self.folder / "weights", epoch)

    def _check_owner(self):
        """Fail if another run has claimed the files since."""
        if not self._owner.exists() or self._owner.read_text(encoding="utf-8") != self._mark:
            raise InputError(
                f"{self.folder} belongs to a training run that was started later; this one ends and "
                "writes nothing."
            )


def _link(source: Path, target: Path) -> None:
    """A second name for the bytes of a file, or a copy where the file system has no such links."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy(source, target)


def _move(names: Sequence[str], source: Path, target: Path) -> None:
    """Move those of the files and folders that there are."""
    target.mkdir(parents=True, exist_ok=True)
    for name in names:
        if (source / name).exists():
            if (target / name).is_dir():
                shutil.rmtree(target / name)
            os.replace(source / name, target / name)
