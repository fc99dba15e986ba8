"""Processes forked from a server that has imported what they need, so that each starts at once.

There is one server for all tests of a process: whoever names last what it imports would decide for all.
"""

import multiprocessing
import os
import sys
from unittest import mock

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


def run(target, *arguments, server, kill_after=None) -> int:
    """Run a function in a process of its own, for a minute at most; its exit code.

    ``kill_after`` (requests, seconds) kills it so long after it has made so many requests of ``server``.
    """
    process = processes.Process(target=target, args=arguments)
    requests, seconds = kill_after or (0, 60)
    enough = len(server.requests) + requests
    process.start()
    while process.is_alive() and len(server.requests) < enough:
        process.join(0.001)
    process.join(seconds)
    process.kill()
    process.join()
    return process.exitcode
