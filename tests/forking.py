"""Processes forked from a server that has imported what they need, so that each starts at once.

There is one server for all tests of a process: whoever names last what it imports would decide for all.
"""

import multiprocessing
import os
import signal
import sys
import traceback
from unittest import mock

from atmodist.core.errors import InputError

processes = multiprocessing.get_context("forkserver")
processes.set_forkserver_preload(
    [
        "atmodist.data.arco_download",
        "atmodist.data.climate_data_store",
        "atmodist.learning.atmodist_training",
        "atmodist.learning.autoencoder_training",
        "atmodist.learning.srgan_training",
        "pandas",
        "psutil",
        "pytest",
        "standin_archive",
        "standin_store",
        "trainings",
    ]
)


def start_server() -> None:
    """Start it, if it does not run yet, with the paths on which the tests find their modules."""
    with mock.patch.dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path)):
        first = processes.Process(target=os.getpid)
        first.start()
    first.join()


def run(download, *arguments, server, kill_after=None) -> str:
    """Run a download in a process of its own, for a minute at most.

    An empty string if it returned, the sentence or the traceback that it ended with, or "killed":
    ``kill_after`` (requests, seconds) kills it so long after it has made so many requests of ``server``.
    """
    ours, theirs = processes.Pipe(duplex=False)
    process = processes.Process(target=_send_what_came_of_it, args=(theirs, download, *arguments))
    requests, seconds = kill_after or (0, 60)
    enough = len(server.requests) + requests
    process.start()
    theirs.close()
    while process.is_alive() and len(server.requests) < enough:
        process.join(0.001)
    process.join(seconds)
    process.kill()
    process.join()
    if process.exitcode == -signal.SIGKILL:
        assert kill_after, "the download hangs"
        return "killed"
    return ours.recv()


def _send_what_came_of_it(pipe, download, *arguments) -> None:
    with open(os.devnull, "w") as sink:
        os.dup2(sink.fileno(), 1)
        os.dup2(sink.fileno(), 2)
    try:
        download(*arguments)
        pipe.send("")
    except InputError as error:
        pipe.send(str(error))
    except BaseException:
        pipe.send(traceback.format_exc())
