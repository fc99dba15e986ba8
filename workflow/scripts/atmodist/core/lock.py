"""One download of a file at a time, though a killed Snakemake leaves its jobs running."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import gettempdir
from typing import BinaryIO

from atmodist.core.errors import InputError
from atmodist.core.files import fingerprint


@contextmanager
def exclusive(path: str | Path) -> Iterator[None]:
    """Download ``path`` in this process alone; ``InputError`` while another process does.

    The lock is on a temporary file of this machine, so that a kill leaves nothing beside ``path``, and ends
    with its process, however that ends. A file system without locks excludes nobody.
    """
    path, lock = Path(path), lock_of(path)
    with _locked(path, lock):
        try:
            yield
        finally:
            lock.unlink(missing_ok=True)


def lock_of(path: str | Path) -> Path:
    """The file that stands for ``path`` on this machine."""
    return Path(gettempdir()) / f"atmodist-{os.getuid()}-{fingerprint(str(Path(path).resolve()))[:16]}.lock"


def _locked(path: Path, lock: Path) -> BinaryIO:
    while True:
        stream = open(lock, "ab")  # noqa: SIM115, the lock lasts as long as it is open
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            stream.close()
            raise InputError(
                f"{path} is being downloaded by another process; wait for it or end it"
            ) from None
        except OSError:  # no locks here, which is no reason not to download
            return stream
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(stream.fileno()), lock.stat()):
                return stream
        stream.close()  # the process that had it has just deleted it
