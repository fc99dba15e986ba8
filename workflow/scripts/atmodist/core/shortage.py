"""What a machine may run out of: disk space, memory, open files; told apart from files that are damaged."""

import errno
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from atmodist.core.errors import InputError

FULL = {
    errno.ENOSPC: "no space is left on its disk",
    errno.EDQUOT: "the quota of its disk is used up",
    errno.EFBIG: "the file is larger than may be written here",
}
UNREADABLE = "cannot be read here, where memory or open files ran out, or is damaged"
SHORTAGES = {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO, errno.ESTALE}
SHORTAGE = re.compile("allocate memory|out of memory|memory allocation|Too many open files", re.IGNORECASE)


def is_shortage(error: BaseException | None) -> bool:
    """Whether ``error``, or what led to it, says that memory or open files ran out or a disk fails.

    A whole file must not be called damaged then, nor its reader be advised to delete it. (Damage, too, can
    make a library ask for more memory than there is.)
    """
    while error:
        if isinstance(error, MemoryError) or getattr(error, "errno", None) in SHORTAGES:
            return True
        if SHORTAGE.search(str(error)):
            return True
        error = error.__cause__ or error.__context__
    return False


def unreadable(path: str | Path, error: Exception, otherwise: str) -> InputError:
    """What to raise where ``error`` has kept ``path`` from being read: a shortage, or ``otherwise``."""
    reason = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
    return InputError(f"{path} {UNREADABLE if is_shortage(error) else otherwise} ({reason})")


def why_full(error: BaseException | None) -> str:
    """Why nothing more can be written, if that is what ``error`` or what led to it says, else nothing.

    HDF5 and safetensors hide the number of the error in a text.
    """
    while error:
        for number, reason in FULL.items():
            text = os.strerror(number)
            if (
                getattr(error, "errno", None) == number
                or text in str(error)
                or f"errno = {number}" in str(error)
            ):
                return reason
        error = error.__cause__ or error.__context__
    return ""


@contextmanager
def telling_if_full(path: str | Path) -> Iterator[None]:
    """Raise ``InputError`` where a full disk keeps ``path`` from being written, whichever library says so."""
    try:
        yield
    except Exception as error:
        if reason := why_full(error):
            raise InputError(
                f"{path} cannot be written: {reason}; make room, and the same command goes on"
            ) from error
        raise


def require_space(folder: str | Path, needed: int) -> None:
    """Raise ``InputError`` unless the disk of ``folder`` has ``needed`` bytes free."""
    if needed > (free := shutil.disk_usage(folder).free):
        raise InputError(f"{folder}: {needed} bytes are to come, but the disk has only {free} free")
