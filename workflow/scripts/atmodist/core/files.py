"""Files that appear whole or not at all, and fingerprints of what went into them."""

import hashlib
import json
import os
import re
import shutil
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from atmodist.core.errors import InputError
from atmodist.core.shortage import telling_if_full, unreadable


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; move it to ``path`` on success, delete it on failure.

    The temporary path keeps the suffix of ``path`` and may become a file or a directory. Those of processes
    that were killed are deleted, not those of a job that a killed Snakemake has left running. A full disk
    raises ``InputError``, whichever library it stopped.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partials = re.compile(rf"\.{re.escape(path.stem)}\.(\d+)\.partial{re.escape(path.suffix)}")
    for left in path.parent.iterdir():
        if (found := partials.fullmatch(left.name)) and not _is_another_live_process(int(found[1])):
            _remove(left)
    partial = path.with_name(f".{path.stem}.{os.getpid()}.partial{path.suffix}")
    try:
        with telling_if_full(path):
            yield partial
            for file in partial.rglob("*") if partial.is_dir() else [partial]:
                if file.is_file() and not file.is_symlink():  # what a link leads to is not ours
                    with open(file, "rb") as stream:
                        os.fsync(stream.fileno())  # or a power cut leaves the name without the content
            if path.is_dir():
                shutil.rmtree(path)
            os.replace(partial, path)
    finally:
        _remove(partial)


def _is_another_live_process(number: int) -> bool:
    if number == os.getpid():
        return False
    try:
        os.kill(number, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # somebody else's
        return True
    return True


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def require_file(path: str | Path) -> None:
    """Raise ``InputError`` unless ``path`` is a file: to open a pipe would wait for ever."""
    path = Path(path)
    try:
        mode = path.stat().st_mode
    except OSError as error:
        link = f", a link to {os.readlink(path)}" if path.is_symlink() else ""
        raise InputError(f"{path}{link} cannot be read ({error.strerror}); expected a file") from None
    if not stat.S_ISREG(mode):
        kind = "a folder" if stat.S_ISDIR(mode) else "a pipe or a device"
        raise InputError(f"{path} is {kind}; expected a file")


def write_json(path: str | Path, content: Mapping[str, Any]) -> None:
    """Write ``content`` as indented JSON with its own SHA-256 as the last key, whole or not at all."""
    plain = json.loads(json.dumps(content))
    with replacing(path) as partial:
        text = json.dumps(plain | {"sha256": fingerprint(plain)}, indent=2)
        partial.write_text(text + "\n", encoding="utf-8")


def read_json(path: str | Path) -> dict[str, Any]:
    """What `write_json` wrote, without the SHA-256; ``InputError`` if it is anything else."""
    require_file(path)
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        checksum = content.pop("sha256")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise unreadable(path, error, "is no JSON file of this workflow") from None
    if fingerprint(content) != checksum:
        raise InputError(f"{path} is damaged or was edited: its content is not that of its sha256")
    return content


def sha256(path: str | Path) -> str:
    """SHA-256 of a file's content, in hexadecimal."""
    require_file(path)
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_checksum(path: str | Path, checksum: str | Path, name: str = "") -> None:
    """Write the SHA-256 of ``path`` as ``sha256sum`` does, so that ``sha256sum --check`` reads it.

    ``name`` is that of the file which ``path`` is to become, if it is not its own.
    """
    with replacing(checksum) as partial:
        partial.write_text(f"{sha256(path)}  {name or Path(path).name}\n", encoding="utf-8")


def publish(part: str | Path, path: str | Path, checksum: str | Path) -> None:
    """Move the file ``part`` to ``path`` after its SHA-256 is in ``checksum``: a stop leaves the part."""
    write_checksum(part, checksum, Path(path).name)
    os.replace(part, path)


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
