import errno
import os
from types import SimpleNamespace

import pytest

from atmodist.core.errors import InputError
from atmodist.data.part import Part

RECORDS = [bytes([number]) * 100 for number in range(1, 5)]
QUESTION = {"fields": "of a test"}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "spectral" / "period.grib"


def begun(path, *numbers):
    """A part with some of the records, left as a killed process leaves it."""
    part = Part(path, QUESTION, 4)
    for number in numbers:
        part.put(number, RECORDS[number])
    return part


def hidden(path):
    return sorted(file.name for file in path.parent.iterdir() if file.name.startswith("."))


def test_records_in_any_order_become_the_file(path):
    with Part(path, QUESTION, 4) as part:
        for number in (2, 0, 3, 1):
            assert not path.exists()
            part.put(number, RECORDS[number])
        part.finish()
    assert path.read_bytes() == b"".join(RECORDS)
    assert hidden(path) == []


def test_what_was_there_is_there_after_a_kill(path):
    begun(path, 3, 1)
    with Part(path, QUESTION, 4) as part:
        assert (part.there, part.missing) == ([1, 3], [0, 2])
        assert part.get(3) == RECORDS[3]
        part.put(0, RECORDS[0])
    with Part(path, QUESTION, 4) as part:
        part.put(2, RECORDS[2])
        part.finish()
    assert path.read_bytes() == b"".join(RECORDS)


@pytest.mark.parametrize("question", [{"fields": "of another test"}, QUESTION])
def test_another_question_or_count_starts_afresh(path, question):
    begun(path, 0, 1)
    count = 5 if question is QUESTION else 4
    with Part(path, question, count) as part:
        assert part.missing == list(range(count))


def test_a_record_that_changed_on_disk_is_missing(path):
    begun(path, 0, 1, 2)
    file = path.with_name(".period.grib.part")
    content = bytearray(file.read_bytes())
    content[150] ^= 1
    file.write_bytes(content[:250])  # and the third is cut
    with Part(path, QUESTION, 4) as part:
        assert part.there == [0]


@pytest.mark.parametrize("torn", ["2 1", "2 100", "\0\0\0", "2 100 abcdef01 2 100", "x y z\n"])
def test_torn_lines_of_the_journal_do_no_harm(path, torn):
    begun(path, 0)
    journal = path.with_name(".period.grib.journal")
    journal.write_text(journal.read_text() + torn)
    with Part(path, QUESTION, 4) as part:
        assert part.there == [0]
        part.put(2, RECORDS[2])
    with Part(path, QUESTION, 4) as part:
        assert part.there == [0, 2]


def test_a_forgotten_record_is_missing_now_and_later(path):
    begun(path, 0, 1).forget([1])
    with Part(path, QUESTION, 4) as part:
        assert part.there == [0]
        part.put(1, RECORDS[1])
        assert part.there == [0, 1]


def test_a_part_without_its_journal_is_not_trusted(path):
    begun(path, 0, 1)
    path.with_name(".period.grib.journal").unlink()
    with Part(path, QUESTION, 4) as part:
        assert part.there == []


def test_a_file_is_not_made_of_missing_records(path):
    with Part(path, QUESTION, 4) as part, pytest.raises(ValueError, match="4 records are missing"):
        part.finish()
    assert not path.exists()


def test_a_disk_that_is_too_small_is_told_at_the_first_record(path, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=399))
    with (
        Part(path, QUESTION, 4) as part,
        pytest.raises(InputError, match="400 bytes are to come, but the disk has only 399 free"),
    ):
        part.put(0, RECORDS[0])


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (errno.ENOSPC, "no space is left on its disk"),
        (errno.EDQUOT, "the quota of its disk is used up"),
        (errno.EFBIG, "the file is larger than may be written here"),
    ],
)
def test_a_full_disk_is_told_and_what_is_there_kept(path, monkeypatch, number, reason):
    """It still takes half of a record."""
    taken = iter([50])

    def write(*_):
        for count in taken:
            return count
        raise OSError(number, os.strerror(number))

    with Part(path, QUESTION, 4) as part:
        part.put(0, RECORDS[0])
        with monkeypatch.context() as patch:
            patch.setattr("os.pwrite", write)
            with pytest.raises(InputError, match=f"{path.name} cannot be written: {reason}; make room"):
                part.put(1, RECORDS[1])
    with Part(path, QUESTION, 4) as part:
        assert part.there == [0]
