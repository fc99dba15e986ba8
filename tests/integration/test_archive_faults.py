"""Hundreds of downloads from an archive that fails in every way, killed at any moment.

Each must end in the right file or in a clear sentence; a wrong file must never be accepted.
"""

import os
from collections import Counter
from functools import partial

import numpy as np
import pytest
from forking import run, start_server
from standin_archive import FAULTS, KEY, Chance, Plan, StandInArchive, truth

from atmodist.core.periods import Period
from atmodist.core.retry import RetryPolicy
from atmodist.data.arrival import Request, check
from atmodist.data.climate_data_store import mars_request, retrieve

CHAINS = 80
RUNS = 10
KEYWORDS = {"class": "ea", "expver": "1", "stream": "oper", "type": "an", "levtype": "ml"}
VARIABLES = ["divergence", "vorticity"]
PERIODS = [Period.parse("1979-01-31_1979-01-31"), Period.parse("2000-02-28_2000-03-01")]
POLICY = RetryPolicy(attempts=4, first_wait=0.001, longest_wait=0.02, timeout=5)


def download(url, key, period, path):
    os.environ |= {"CDSAPI_URL": url, "CDSAPI_KEY": key}
    times = period.times(6)
    bounds = dict.fromkeys(VARIABLES, (1e-6, 1e-3))
    accept = partial(check, request=Request(times, VARIABLES, 120, 21, 21, bounds))
    request = mars_request(times, VARIABLES, 120, KEYWORDS)
    retrieve("reanalysis-era5-complete", request, path, accept, POLICY)


class Chain:
    """Runs of the download of one period, until the file is there."""

    def __init__(self, archive, period, path):
        self.archive, self.period, self.path = archive, period, path
        self.right = truth(mars_request(period.times(6), VARIABLES, 120, KEYWORDS))

    def run(self, kill_after=None):
        """Run once; what came of it: "right", "killed" or the sentence that says why not."""
        arguments = (self.archive.url, KEY, self.period, self.path)
        result = run(download, *arguments, server=self.archive, kill_after=kill_after)
        if self.path.exists():
            assert self.path.read_bytes() == self.right, f"a wrong file was accepted: {self.path}"
            return "right"
        assert result, "success without a file"
        assert "\n" not in result, result
        return result


@pytest.mark.timeout(1200)
def test_no_fault_and_no_kill_leads_to_a_wrong_file(tmp_path):
    start_server()
    random = np.random.default_rng(7)
    results, faulty = Counter(), 0
    with StandInArchive(Chance(random.spawn(1)[0], 0.2)) as archive:
        for number in range(CHAINS):
            period = PERIODS[number % 2]
            chain = Chain(archive, period, tmp_path / str(number) / f"{period.name}.grib")
            for _ in range(RUNS):
                before = archive.injected.total()
                killed = random.integers(8), random.uniform(0, 0.01)
                result = chain.run(killed if random.random() < 0.4 else None)
                results[result if result in ("right", "killed") else "refused"] += 1
                faulty += result == "killed" or archive.injected.total() > before
                if result == "right":
                    break
            else:
                chance, archive.misbehave = archive.misbehave, Plan()
                chain.run()  # may still bring, and refuse, what the archive made while it failed
                assert chain.run() == "right", "a download does not recover when the archive does"
                archive.misbehave = chance
    print(dict(results), faulty, "faulty", archive.injected.total(), "faults", len(archive.jobs), "requests")
    assert faulty >= 200
    assert results["killed"] >= 50
    assert results["refused"] >= 50
    assert {fault.split(": ")[0] for fault in archive.injected} == set(FAULTS)
    assert len(archive.injected) >= 0.8 * sum(len(set(faults)) for faults in FAULTS.values())
