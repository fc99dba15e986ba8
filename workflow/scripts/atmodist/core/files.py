"""Files that appear whole or not at all, and fingerprints of what went into them."""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from atmodist.core.errors import InputError


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; move it to ``path`` on success, delete it on failure.

    The temporary path keeps the suffix of ``path`` and may become a file or a directory. Those of processes
    that were killed are deleted.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partials = re.compile(rf"\.{re.escape(path.stem)}\.\d+\.partial{re.escape(path.suffix)}")
    for left in path.parent.iterdir():
        if partials.fullmatch(left.name):
            _remove(left)
    partial = path.with_name(f".{path.stem}.{os.getpid()}.partial{path.suffix}")
    try:
        yield partial
        for file in partial.rglob("*") if partial.is_dir() else [partial]:
            if file.is_file():
                with open(file, "rb") as stream:
                    os.fsync(stream.fileno())  # or a power cut leaves the name without the content
        if path.is_dir():
            shutil.rmtree(path)
        os.replace(partial, path)
    finally:
        _remove(partial)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def write_json(path: str | Path, content: object) -> None:
    """Write ``content`` as indented JSON, atomically."""
    with replacing(path) as partial:
        partial.write_text(json.dumps(content, indent=2) + "\n")


def sha256(path: str | Path) -> str:
    """SHA-256 of a file's content, in hexadecimal."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_checksum(path: str | Path, checksum: str | Path) -> None:
    """Write the SHA-256 of ``path`` as ``sha256sum`` does, so that ``sha256sum --check`` reads it."""
    with replacing(checksum) as partial:
        partial.write_text(f"{sha256(path)}  {Path(path).name}\n")


def verify(path: str | Path, checksum: str | Path) -> None:
    """Raise ``InputError`` unless the content of ``path`` still has the SHA-256 that ``checksum`` says."""
    try:
        expected = Path(checksum).read_text(encoding="utf-8").split()[0]
    except (OSError, UnicodeDecodeError, IndexError) as error:
        raise InputError(f"{checksum} cannot be read ({error}); expected the SHA-256 of {path}") from None
    if sha256(path) != expected:
        raise InputError(
            f"{path} is not the file whose SHA-256 {checksum} holds: one of the two was damaged or replaced "
            "after it had been accepted; delete both, and the next run makes them anew"
        )


def fingerprint(content: object) -> str:
    """SHA-256 of anything that JSON can express, independent of the order of keys."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
