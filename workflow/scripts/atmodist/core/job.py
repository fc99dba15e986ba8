"""What every script shares: its log file, its lines on the terminal, and how it fails."""

import atexit
import gc
import logging
import os
import signal
import sys
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from tqdm import tqdm

from atmodist.core.errors import InputError
from atmodist.core.shortage import why_full

logger = logging.getLogger("atmodist")
SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)
"""What Slurm, and Ctrl-C, send to all processes of a training run that is to stop."""


@contextmanager
def job(log: str | Path, name: str) -> Iterator[logging.Logger]:
    """Run a script's body with standard output and error in ``log``.

    The yielded logger writes to the log and, one line each, to the terminal: use it for milestones.
    Progress bars, warnings and prints of libraries go to the log alone. An ``InputError`` ends the process
    with one sentence and exit code 1; any other exception with a traceback in the log and exit code 1.
    On the other nodes of a training run, numbered by ``NODE_RANK``, the log is ``{log}.node-1`` and so on.
    """
    _look_for_garbage_less_often()
    if int(os.environ.get("NODE_RANK", 0)):
        log = f"{log}.node-{os.environ['NODE_RANK']}"
    terminal = sys.stderr
    with _log(log, name) as stream:
        sys.stdout = sys.stderr = stream
        handlers = [logging.StreamHandler(stream), logging.StreamHandler(terminal)]
        handlers[0].setFormatter(logging.Formatter("%(asctime)s %(message)s", "%Y-%m-%d %H:%M:%S"))
        handlers[1].setFormatter(logging.Formatter(f"{name}: %(message)s"))
        logging.captureWarnings(True)
        logging.getLogger("py.warnings").addHandler(handlers[0])
        logger.setLevel(logging.INFO)
        logger.handlers = handlers
        logger.propagate = False
        previous = {number: signal.signal(number, _leave) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            with failing_in_one_sentence():
                yield logger
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)
            sys.stdout, sys.stderr = sys.__stdout__, terminal


def _look_for_garbage_less_often() -> None:
    """Imports make hundreds of thousands of objects and no garbage, for which Python looks in vain.

    Now it does after 5,000 new objects, not 700, and not at the end of the process, which saves a sixth to a
    quarter of the time that a job takes to start and end (`benchmarks/start_up.py`).
    """
    gc.set_threshold(5000, 10, 10)
    atexit.register(gc.freeze)


@contextmanager
def _log(path: str | Path, name: str) -> Iterator[TextIO]:
    """The open log file, whose last words a full disk may swallow: they decide nothing."""
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        stream = open(path, "w", buffering=1, encoding="utf-8", errors="backslashreplace")  # noqa: SIM115
    except OSError as error:
        sys.exit(f"{name}: error: the log {path} cannot be written ({error.strerror})")
    try:
        yield stream
    finally:
        with suppress(OSError):
            stream.close()


def _leave(number, frame):
    """Leave as after an error, so that nothing half-written stays."""
    sys.exit(128 + number)


@contextmanager
def signals_blocked() -> Iterator[None]:
    """Block `SIGNALS`, so that processes that are started here inherit that and never see them."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def failing_in_one_sentence() -> Iterator[None]:
    """Turn an exception into one line and exit code 1, also in a process that a script has forked."""
    try:
        yield
    except InputError as error:
        logger.error("error: %s", error)
        sys.exit(1)
    except Exception as error:
        with suppress(OSError):  # the log may lie on the disk that is full
            traceback.print_exc()
        if reason := why_full(error):
            logger.error("error: %s: %s; make room, and the same command goes on", error, reason)
            sys.exit(1)
        told = type(error).__name__, error, getattr(sys.stderr, "name", "the log")
        logger.error("failed with %s: %s (the whole traceback is in %s)", *told)
        sys.exit(1)


def progress(steps: Iterable, description: str, total: int | None = None) -> Iterable:
    """``steps`` with a progress bar in the log that moves at most every five seconds."""
    return tqdm(steps, desc=description, total=total, mininterval=5, ascii=True, file=sys.stderr)
