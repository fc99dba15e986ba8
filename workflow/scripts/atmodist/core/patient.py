"""Files through which HDF5 can meet a full disk.

HDF5 2.0 crashes when it cannot write, and takes the process and its words with it. It therefore writes
through a file object that keeps a full disk from it; what the disk said is raised between two of its calls.
"""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def patient(path: str | Path) -> Iterator[tuple[io.RawIOBase, Callable[[], None]]]:
    """A new file at ``path`` for HDF5 to write to; and what raises if a write has failed so far.

    Call that after every large write: what the disk does not take is held in memory until then, or the end.
    """
    with open(path, "w+b", buffering=0) as raw:
        disk = _PatientDisk(raw)
        yield disk, disk.check
        disk.check()


class _PatientDisk(io.RawIOBase):
    """A file that takes every write, from the first that fails on into memory."""

    def __init__(self, raw: io.FileIO):
        self.raw, self.position = raw, 0
        self.error: OSError | None = None
        self.rest: list[tuple[int, bytes]] = []

    def check(self) -> None:
        """Raise the error of the first write that failed."""
        if self.error:
            raise self.error

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_SET:
            self.position = offset
        elif whence == io.SEEK_CUR:
            self.position += offset
        else:
            written = [start + len(values) for start, values in self.rest]
            self.position = offset + max([self.raw.seek(0, io.SEEK_END), *written])
        return self.position

    def write(self, values: Any) -> int:
        values = memoryview(values).cast("B")
        if self.error is None:
            try:
                self.raw.seek(self.position)
                done = 0
                while done < len(values):
                    done += self.raw.write(values[done:])
            except OSError as error:
                self.error = error
        if self.error:
            self.rest.append((self.position, bytes(values)))
        self.position += len(values)
        return len(values)

    def readinto(self, values: Any) -> int:
        values = memoryview(values).cast("B")
        self.raw.seek(self.position)
        read = self.raw.readinto(values)
        values[read:] = bytes(len(values) - read)
        for start, written in self.rest:
            first, last = max(start, self.position), min(start + len(written), self.position + len(values))
            if first < last:
                values[first - self.position : last - self.position] = written[first - start : last - start]
        self.position += len(values)
        return len(values)

    def truncate(self, size: int | None = None) -> int:
        size = self.position if size is None else size
        if self.error is None:
            try:
                self.raw.truncate(size)
            except OSError as error:
                self.error = error
        return size

    def flush(self) -> None:
        """Nothing waits."""
