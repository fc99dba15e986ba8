"""A file whose records arrive in any order and outlive a kill: the part of a download that is there."""

import json
import os
import zlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from atmodist.core.files import fingerprint, replacing
from atmodist.core.shortage import require_space, telling_if_full


class Part:
    """``count`` records of equal length on their way to becoming the file ``path``.

    Two hidden files beside ``path``: the part, where record number k begins at byte k times the length, and
    the journal, a line for each record that is there, with its checksum, written after the record itself.
    After a kill or a power cut the records whose checksum holds are there, the others are not. What answers
    another ``question`` is thrown away. A context manager; `finish` makes the file.
    """

    def __init__(self, path: str | Path, question: Mapping, count: int) -> None:
        self.path, self.count = Path(path), count
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._part = self.path.with_name(f".{self.path.name}.part")
        self._journal = self.path.with_name(f".{self.path.name}.journal")
        self._head = json.dumps({"question": fingerprint(question), "records": count})
        self._length = 0
        self._lines: dict[int, str] = {}
        known = self._journal.read_text(errors="replace").split("\n") if self._journal.exists() else [""]
        if known[0] != self._head:
            self.discard()
        self._file = os.open(self._part, os.O_RDWR | os.O_CREAT)
        for line in known[1:] if known[0] == self._head else ():
            self._recall(line)
        with replacing(self._journal) as partial:  # without lines that a power cut has torn
            partial.write_text("\n".join([self._head, *self._lines.values(), ""]))
        self._writer = os.open(self._journal, os.O_WRONLY | os.O_APPEND)

    def _recall(self, line: str) -> None:
        """Take a record for there if its line is whole and its checksum holds."""
        match line.split():
            case [number, "-"] if number.isdecimal():
                self._lines.pop(int(number), None)
            case [number, length, checksum] if number.isdecimal() and length.isdecimal():
                place = int(number), int(length)
                if checksum == _checksum(os.pread(self._file, place[1], place[0] * place[1])):
                    self._lines[place[0]], self._length = line, place[1]

    def __enter__(self) -> "Part":
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._file)
        os.close(self._writer)

    @property
    def missing(self) -> list[int]:
        """Numbers of the records that are not there, in order."""
        return [number for number in range(self.count) if number not in self._lines]

    @property
    def there(self) -> list[int]:
        """Numbers of the records that are there, in order."""
        return sorted(self._lines)

    def put(self, number: int, record: bytes) -> None:
        """Keep a record. ``InputError`` if the disk cannot take the file."""
        if not self._length:
            self._length = len(record)
            require_space(self.path.parent, self.count * self._length)
        if len(record) != self._length:
            raise ValueError(f"record {number} has {len(record)} bytes, the others have {self._length}")
        line = f"{number} {self._length} {_checksum(record)}"
        with telling_if_full(self.path):
            self._write(record, number * self._length)
            os.write(self._writer, f"{line}\n".encode())
        self._lines[number] = line

    def _write(self, record: bytes, place: int) -> None:
        """All of a record: a disk that is nearly full takes some of it, and tells so at the next attempt."""
        while record:
            written = os.pwrite(self._file, record, place)
            record, place = record[written:], place + written

    def get(self, number: int) -> bytes:
        """A record that is there."""
        return os.pread(self._file, self._length, number * self._length)

    def forget(self, numbers: Iterable[int]) -> None:
        """Count records as missing again."""
        for number in numbers:
            os.write(self._writer, f"{number} -\n".encode())
            self._lines.pop(number, None)

    def discard(self) -> None:
        """Delete what is there."""
        self._part.unlink(missing_ok=True)
        self._journal.unlink(missing_ok=True)

    def finish(self, move: Callable[[Path, Path], None] = os.replace) -> None:
        """Make the file, by ``move`` of the part to it; every record must be there."""
        if self.missing:
            raise ValueError(f"{self.path}: {len(self.missing)} records are missing")
        os.fsync(self._file)  # or a power cut leaves the name without the content
        move(self._part, self.path)
        self._journal.unlink()


def _checksum(record: bytes) -> str:
    return f"{zlib.crc32(record):08x}"
