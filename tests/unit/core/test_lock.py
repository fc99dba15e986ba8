import errno
import fcntl
import os
import signal
import subprocess
import sys

import pytest

from atmodist.core.errors import InputError
from atmodist.core.lock import exclusive, lock_of

HOLD = f"""
import sys, time
sys.path[:] = {sys.path!r}
from atmodist.core.lock import exclusive
with exclusive(sys.argv[1]):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def path(tmp_path):
    (tmp_path / "spectral").mkdir()
    return tmp_path / "spectral" / "period.grib"


def test_another_process_is_told_until_the_first_has_ended(path):
    first = subprocess.Popen([sys.executable, "-c", HOLD, path], stdout=subprocess.PIPE, text=True)
    assert first.stdout.readline() == "held\n"
    with pytest.raises(InputError, match=f"{path} is being downloaded by another process"), exclusive(path):
        pass
    first.send_signal(signal.SIGKILL)
    first.wait()
    with exclusive(path):
        pass
    assert not any(path.parent.iterdir())
    assert not lock_of(path).exists()


def test_a_lock_that_is_deleted_while_another_process_takes_it_is_none(path, monkeypatch):
    lock, take = lock_of(path), fcntl.flock

    def late(*arguments):
        monkeypatch.undo()
        lock.unlink()  # as the process does that had it
        take(*arguments)

    monkeypatch.setattr("fcntl.flock", late)
    with exclusive(path):
        assert lock.exists()
        with pytest.raises(InputError, match="by another process"), exclusive(path):
            pass


def test_a_file_system_without_locks_prevents_nothing(path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr("fcntl.flock", refuse)
    with exclusive(path), exclusive(path):
        pass
    assert not any(path.parent.iterdir())
    assert not lock_of(path).exists()
