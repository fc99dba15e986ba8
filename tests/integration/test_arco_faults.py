"""Hundreds of downloads from a cloud copy that fails in every way, killed at any moment.

Each must end in the right file or in a clear sentence; a wrong field must never be accepted, and a field that
has been accepted must never be fetched again.

``ARCO_CHAINS=60 python -m pytest tests/integration/test_arco_faults.py -s`` makes several hundred.
"""

import os
import re
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from forking import run, start_server
from standin_store import CONTENT, TRANSPORT, Chance, StandInStore, coefficients

from atmodist.core.periods import Period
from atmodist.core.retry import RetryPolicy
from atmodist.data import grib
from atmodist.data.arco_download import download
from atmodist.data.arrival import Request

CHAINS = int(os.environ.get("ARCO_CHAINS", 10))
RUNS = 14
T = 21
VARIABLES = ["divergence", "vorticity"]
PERIODS = [Period.parse("1979-01-30_1979-01-31"), Period.parse("2008-08-26_2008-08-28")]
BOUNDS = {"divergence": (1e-7, 1e-3), "vorticity": (1e-6, 1e-3)}
POLICY = RetryPolicy(attempts=3, first_wait=0.001, longest_wait=0.02, timeout=0.2)
PATIENCE = replace(POLICY, timeout=20)  # for a store without faults, which a busy machine makes slow


def fetch(address, period, path, policy):
    request = Request(period.times(3), VARIABLES, 120, T, T, BOUNDS)
    download(address, request, path, 4, policy)


def right(path, period):
    """Whether a file holds the fields of the stand-in in the order of time."""
    places = [(time, variable) for time in period.times(3) for variable in VARIABLES]
    found = list(grib.read_fields(path))
    return [(field.time, field.variable) for field in found] == places and all(
        np.abs(field.coefficients - coefficients(field.variable, field.time, T)).max() < 1e-10
        for field in found
    )


class Chain:
    """Runs of the download of one period, until the file is there."""

    def __init__(self, store, period, path):
        self.store, self.period, self.path = store, period, path
        self.journal = path.with_name(f".{path.name}.journal")

    def accepted(self):
        """Numbers of the fields that are in the part."""
        lines = self.journal.read_text().split("\n")[1:-1] if self.journal.exists() else []
        there = set()
        for number, *rest in map(str.split, lines):
            (there.discard if rest == ["-"] else there.add)(int(number))
        return there

    def run(self, kill_after=None):
        """Run once; what came of it: "right", "killed" or the sentence that says why not."""
        before, sent = self.accepted(), Counter(self.store.whole)
        policy = POLICY if self.store.misbehave else PATIENCE
        arguments = (self.store.wind, self.period, self.path, policy)
        result = run(fetch, *arguments, server=self.store, kill_after=kill_after)
        self.assert_nothing_was_fetched_again(before, self.store.whole - sent)
        if self.path.exists():
            assert right(self.path, self.period), f"a wrong file was accepted: {self.path}"
            assert [file.name for file in self.path.parent.iterdir()] == [self.path.name]
            return "right"
        assert result, "success without a file"
        assert "\n" not in result, result
        return result

    def assert_nothing_was_fetched_again(self, before, sent):
        times = self.period.times(3)
        for number in before:
            name = ("d", "vo")[number % 2]
            hour = (times[number // 2] - np.datetime64("1940-01-01T00")).astype(int)
            again = [path for path in sent if path.endswith(f"/{name}/{hour}.119.0")]
            assert not again, f"{again} was here and is fetched again"


@pytest.mark.timeout(1800)
def test_no_fault_and_no_kill_leads_to_a_wrong_file(tmp_path):
    start_server()
    random = np.random.default_rng(11)
    results, faulty, planted = Counter(), 0, Counter()
    with StandInStore(Chance(random.spawn(1)[0], 0.15)) as store:
        store.stall = 0.3
        for number in range(CHAINS):
            period = PERIODS[number % 2]
            chain = Chain(store, period, tmp_path / str(number) / f"{period.name}.grib")
            place = VARIABLES[number // 2 % 2], random.choice(period.times(3))
            if number % 2:
                store.content[place] = str(random.choice(CONTENT))
            for attempt in range(RUNS):
                if attempt == RUNS - 4 and place in store.content:  # the store is mended
                    planted[store.content.pop(place)] += 1
                if attempt == RUNS - 2:
                    chance, store.misbehave = store.misbehave, None
                before = store.injected.total()
                wrong = place in store.content
                killed = random.integers(20), random.uniform(0, 0.01)
                result = chain.run(killed if random.random() < 0.4 else None)
                assert not (wrong and result == "right"), f"{store.content} was accepted"
                results[result if result in ("right", "killed") else "refused"] += 1
                faulty += wrong or result == "killed" or store.injected.total() > before
                if result == "right":
                    break
            else:
                # The first may still find, and forget, what came while the store was wrong.
                assert "right" in (chain.run(), chain.run()), (
                    "a download does not recover when the store does"
                )
            if store.misbehave is None:
                store.misbehave = chance
            store.content.clear()
    print(dict(results), faulty, "faulty or killed runs", store.injected.total(), "faults", dict(planted))
    assert faulty >= 3 * CHAINS
    assert min(results["killed"], results["refused"]) >= CHAINS
    assert set(store.injected) == set(TRANSPORT)
    assert all(re.search(r"\.z|/time/|/hybrid/|/vo/|/d/", path) for path in store.whole)
