"""How scripts fail, what they leave behind, and where their words go."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from snakemake_runs import ROOT

from atmodist.core.files import replacing
from atmodist.core.job import SIGNALS, signals_blocked


def script(folder, body, **environment):
    """Run the body of a script in a process of its own, its log in ``folder``."""
    body = textwrap.indent(body, "    ")
    code = f"from atmodist.core.job import job\nwith job('job.log', 'rule one'):\n{body}"
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "workflow/scripts"), **environment}
    return subprocess.Popen(
        [sys.executable, "-c", code], cwd=folder, env=environment, text=True, stderr=subprocess.PIPE
    )


def test_bad_input_is_one_sentence(tmp_path):
    run = script(
        tmp_path, "from atmodist.core.errors import InputError\nraise InputError('a.grib is empty.')"
    )
    assert run.wait() == 1
    assert run.stderr.read() == "rule one: error: a.grib is empty.\n"
    assert "Traceback" not in (tmp_path / "job.log").read_text()


def test_anything_else_leaves_its_traceback_in_the_log(tmp_path):
    run = script(tmp_path, "print('on the way')\n1 / 0")
    assert run.wait() == 1
    words = "rule one: failed with ZeroDivisionError: division by zero (the whole traceback is in job.log)\n"
    assert run.stderr.read() == words
    assert "on the way\nTraceback" in (tmp_path / "job.log").read_text()


def test_garbage_is_looked_for_less_often_but_still(tmp_path):
    body = """\
    import gc, weakref
    class Cycle: pass
    def leave_garbage():
        cycle = Cycle()
        cycle.itself = cycle
        return weakref.ref(cycle)
    left = [leave_garbage() for _ in range(1000)]
    few = sum(each() is None for each in left)
    left += [leave_garbage() for _ in range(9000)]
    print(few, sum(each() is None for each in left) > 4000)
    """
    assert script(tmp_path, textwrap.dedent(body)).wait() == 0
    assert (tmp_path / "job.log").read_text() == "0 True\n"


def test_other_nodes_have_logs_of_their_own(tmp_path):
    assert script(tmp_path, "print('here')", NODE_RANK="2").wait() == 0
    assert (tmp_path / "job.log.node-2").read_text() == "here\n"
    assert not (tmp_path / "job.log").exists()


def test_a_job_that_is_cancelled_leaves_nothing_half_written(tmp_path):
    body = """\
    import time
    from atmodist.core.files import replacing
    with replacing("field.h5") as partial:
        partial.write_bytes(bytes(1000))
        print("half-written")
        time.sleep(60)
    """
    run = script(tmp_path, textwrap.dedent(body))
    log = tmp_path / "job.log"
    while not (log.exists() and "half-written" in log.read_text()):
        assert run.poll() is None, run.stderr.read()
    run.send_signal(signal.SIGTERM)
    assert run.wait() == 143
    assert [path.name for path in tmp_path.iterdir()] == ["job.log"]


def test_processes_inherit_that_signals_are_blocked():
    """Whoever starts them sees the signals again afterwards, also if the start fails."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    code = "import signal; print(*map(int, sorted(signal.pthread_sigmask(signal.SIG_BLOCK, ()))))"
    with signals_blocked():
        child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    with pytest.raises(ZeroDivisionError), signals_blocked():
        raise ZeroDivisionError
    assert set(map(int, child.stdout.split())) == {*before, *SIGNALS}
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before


def test_what_a_killed_process_left_goes_with_the_next_attempt(tmp_path):
    killed = subprocess.Popen([sys.executable, "-c", ""])
    killed.wait()
    left, others = (tmp_path / f".{name}.{killed.pid}.partial.h5" for name in ("2000", "2000.state"))
    mine = tmp_path / f".2000.{os.getpid()}.partial.h5"  # numbers are used again
    for path in (left, others, mine):
        path.touch()
    with replacing(tmp_path / "2000.h5") as partial:
        partial.write_text("whole")
    assert sorted(tmp_path.iterdir()) == [others, tmp_path / "2000.h5"]


def test_two_jobs_of_one_file_leave_each_other_alone(tmp_path):
    """Of a Snakemake that was killed the jobs run on; the next one starts them anew."""
    path = tmp_path / "2000.h5"
    other = tmp_path / f".2000.{os.getppid()}.partial.h5"
    other.touch()
    with replacing(path) as partial:
        partial.write_text("whole")
    assert sorted(tmp_path.iterdir()) == [other, path]


def test_a_failure_keeps_the_file_that_was_there(tmp_path):
    path = tmp_path / "moments.json"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), replacing(path) as partial:
        partial.write_text(str(1 / 0))
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_file_that_a_link_leads_to_is_not_forced_to_disk(tmp_path):
    """It may lie where that cannot be done, as nothing of /proc can be."""
    with replacing(tmp_path / "linked.grib") as partial:
        partial.symlink_to("/proc/version")
    assert (tmp_path / "linked.grib").readlink() == Path("/proc/version")
