"""What every script shares: its log file, its lines on the terminal, and how it fails."""

import logging
import os
import signal
import sys
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tqdm import tqdm

from atmodist.core.errors import InputError

logger = logging.getLogger("atmodist")
SIGNALS = (signal.SIGTERM, signal.SIGUSR1)
"""What Slurm sends to all processes of a training run that is to stop."""


@contextmanager
def job(log: str | Path, name: str) -> Iterator[logging.Logger]:
    """Run a script's body with standard output and error in ``log``.

    The yielded logger writes to the log and, one line each, to the terminal: use it for milestones.
    Progress bars, warnings and prints of libraries go to the log alone. An ``InputError`` ends the process
    with one sentence and exit code 1; any other exception with a traceback in the log and exit code 1.
    On the other nodes of a training run, numbered by ``NODE_RANK``, the log is ``{log}.node-1`` and so on.
    """
    if int(os.environ.get("NODE_RANK", 0)):
        log = f"{log}.node-{os.environ['NODE_RANK']}"
    Path(log).parent.mkdir(parents=True, exist_ok=True)
    terminal = sys.stderr
    with open(log, "w", buffering=1) as stream:
        sys.stdout = sys.stderr = stream
        handlers = [logging.StreamHandler(stream), logging.StreamHandler(terminal)]
        handlers[0].setFormatter(logging.Formatter("%(asctime)s %(message)s", "%Y-%m-%d %H:%M:%S"))
        handlers[1].setFormatter(logging.Formatter(f"{name}: %(message)s"))
        logging.captureWarnings(True)
        logging.getLogger("py.warnings").addHandler(handlers[0])
        logger.setLevel(logging.INFO)
        logger.handlers = handlers
        logger.propagate = False
        previous = signal.signal(signal.SIGTERM, _leave)
        try:
            with failing_in_one_sentence():
                yield logger
        finally:
            signal.signal(signal.SIGTERM, previous)
            sys.stdout, sys.stderr = sys.__stdout__, terminal


def _leave(number, frame):
    """Leave as after an error, so that nothing half-written stays."""
    sys.exit(128 + number)


@contextmanager
def failing_in_one_sentence() -> Iterator[None]:
    """Turn an exception into one line and exit code 1, also in a process that a script has forked."""
    try:
        yield
    except InputError as error:
        logger.error("error: %s", error)
        sys.exit(1)
    except Exception as error:
        traceback.print_exc()
        told = type(error).__name__, error, getattr(sys.stderr, "name", "the log")
        logger.error("failed with %s: %s (the whole traceback is in %s)", *told)
        sys.exit(1)


def progress(steps: Iterable, description: str, total: int | None = None) -> Iterable:
    """``steps`` with a progress bar in the log that moves at most every five seconds."""
    return tqdm(steps, desc=description, total=total, mininterval=5, ascii=True, file=sys.stderr)
