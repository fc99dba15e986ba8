"""The processes that compile for GPUs go on when a signal stops the training run: it waits for them."""

import subprocess
import sys
from pathlib import Path

SCRIPTS = Path(__file__).parents[3] / "workflow/scripts"
SIGNALLED_WHILE_COMPILING = """
import os, signal, time
from atmodist.learning.devices import start_compilers

come = []
for number in (signal.SIGTERM, signal.SIGUSR1):
    signal.signal(number, lambda number, frame: come.append(number))
start_compilers()
from torch._inductor.async_compile import AsyncCompile

pool = AsyncCompile.process_pool()
pool.submit(os.getpid).result(60)
kernel = pool.submit(time.sleep, 1)
os.killpg(0, signal.SIGTERM)
os.killpg(0, signal.SIGUSR1)
kernel.result(60)
print(len(come))
"""


def test_compilers_outlive_the_signals_that_stop_a_training_run():
    run = subprocess.run(
        [sys.executable, "-c", SIGNALLED_WHILE_COMPILING],
        cwd=SCRIPTS,
        capture_output=True,
        text=True,
        timeout=200,
        start_new_session=True,
        check=False,
    )
    assert (run.returncode, run.stdout) == (0, "2\n"), run.stderr
