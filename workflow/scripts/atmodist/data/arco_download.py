"""Downloads from the public cloud copy: many objects at a time, none twice, validated on arrival."""

import asyncio
import itertools
import os
import time as clock
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import aiohttp
import numpy as np

from atmodist.core.errors import InputError
from atmodist.core.job import logger, progress
from atmodist.core.lock import exclusive
from atmodist.core.retry import RetryPolicy
from atmodist.data.arco import Source, open_source
from atmodist.data.arrival import BITS, Request
from atmodist.data.grib import Field, check_field, decode, encode
from atmodist.data.objects import RETRIED, Objects, UnavailableError
from atmodist.data.packed import truncated
from atmodist.data.part import Part
from atmodist.data.succession import Succession, refusal

ATTEMPTS_TO_OPEN = 3
"""Most attempts to open a store: a wrong address or a missing network is reported within seconds."""
ABANDONED = 8
"""Fields that may be given up before the download of the others is, too."""


def download(
    address: str,
    request: Request,
    path: str | Path,
    concurrency: int,
    policy: RetryPolicy,
    move: Callable[[Path, Path], None] = os.replace,
) -> None:
    """Write what ``request`` asks of the store at ``address`` to a GRIB file, in the order of its places.

    ``concurrency`` objects are on their way at a time. Every field is checked as it comes, and all of them
    together; what has been accepted outlives an interruption (`Part`), until ``move`` has made ``path`` of
    it. Raises ``InputError`` with what to do if the store is another one, if a field cannot be had or is not
    plausible, and while another process downloads ``path``.
    """
    with exclusive(path):
        asyncio.run(_Download(address, request, Path(path), concurrency, policy, move).run())


@dataclass
class _Download:
    address: str
    request: Request
    path: Path
    concurrency: int
    policy: RetryPolicy
    move: Callable[[Path, Path], None]

    async def run(self) -> None:
        """Download until the store has kept its metadata from the first field to the last."""
        async with self._session() as session:
            objects = Objects(self.address, session)
            source = await self._open(objects)
            for wait in itertools.islice(self.policy.waits(), self.policy.attempts):
                with self._part(source) as part:
                    succession = self.request.succession()
                    failures = await self._fill(part, succession, source, objects)
                    known, source = source, await self._open(objects)
                    if source.fingerprint == known.fingerprint:
                        self._finish(part, succession, failures)
                        return
                logger.info("%s has changed its metadata; its objects are fetched anew", self.address)
                await asyncio.sleep(wait)
        raise InputError(f"{self.address} keeps changing its metadata; run again later")

    def _session(self) -> aiohttp.ClientSession:
        silence = self.policy.timeout
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self.concurrency),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=silence, sock_read=silence),
            headers={"Accept-Encoding": "identity"},
            trust_env=True,  # the proxy of a cluster
        )

    async def _open(self, objects: Objects) -> Source:
        waits = self.policy.waits()
        for attempt in itertools.count(1):
            try:
                return await open_source(objects, self.request)
            except InputError:
                raise
            except RETRIED as error:
                if attempt == min(ATTEMPTS_TO_OPEN, self.policy.attempts):
                    raise InputError(
                        f"{self.address} cannot be opened ({_said(error)}); is data.arco right, and is there "
                        "a network?"
                    ) from error
                print(f"opening {self.address}: attempt {attempt} failed ({_said(error)})")
                await asyncio.sleep(next(waits))

    def _part(self, source: Source) -> Part:
        question = {
            "store": source.fingerprint,
            "fields": [f"{variable} {time}" for variable, time in self.request.places],
            "level": self.request.level,
            "truncation": self.request.truncation,
            "bits": BITS,
        }
        return Part(self.path, question, len(self.request.places))

    async def _fill(self, part: Part, succession: Succession, source: Source, objects: Objects) -> list[str]:
        """Fetch what is missing and compare it with what is there; the sentences of what was given up."""
        places, missing, failures = self.request.places, part.missing, []
        for number in part.there:
            variable, time = places[number]
            succession.add(decode(part.get(number), f"{self.path}: {variable} at {time}"))
        if part.there:
            logger.info("%d of %d fields are here already", len(part.there), part.count)
        bar = progress([], "downloading", len(missing))
        began, before, queue = clock.perf_counter(), objects.bytes, iter(missing)

        def rate() -> float:
            return (objects.bytes - before) / 1e6 / (clock.perf_counter() - began)

        async def work() -> None:
            for number in queue:
                try:
                    field = await self._field(source, *places[number])
                    part.put(number, await asyncio.to_thread(encode, field, BITS))
                    succession.add(field)
                except UnavailableError as error:
                    failures.append(str(error))
                if len(failures) >= ABANDONED:
                    return
                bar.set_postfix_str(f"{rate():.1f} MB/s", refresh=False)
                bar.update()

        try:
            async with asyncio.TaskGroup() as tasks:
                for _ in range(self.concurrency):
                    tasks.create_task(work())
        except BaseExceptionGroup as group:
            told = (error for error in group.exceptions if isinstance(error, InputError))
            raise next(told, group.exceptions[0]) from None
        finally:
            bar.close()
        logger.info("%.0f MB, %.1f MB/s", (objects.bytes - before) / 1e6, rate())
        return failures

    async def _field(self, source: Source, variable: str, time: np.datetime64) -> Field:
        """A field, checked and truncated; ``UnavailableError``, a sentence, after the policy's attempts."""
        request, where, waits, refusal = self.request, f"{variable} at {time}", self.policy.waits(), None
        for attempt in itertools.count(1):
            try:
                field = Field(variable, time, request.level, await source.read(variable, time))
                check_field(field, where, request.level, request.archive_truncation, request.bounds)
                return replace(field, coefficients=truncated(field.coefficients, request.truncation))
            except InputError as error:
                if str(error) == refusal:  # twice the same is no accident of the way
                    raise UnavailableError(refusal) from None
                refusal = reason = str(error)
            except RETRIED as error:
                reason = _said(error)
            if attempt == self.policy.attempts:
                raise UnavailableError(f"{where} cannot be had in {attempt} attempts ({reason})")
            print(f"{where}: attempt {attempt} failed ({reason})")
            await asyncio.sleep(next(waits))

    def _finish(self, part: Part, succession: Succession, failures: list[str]) -> None:
        """Make the file if all its fields are there and plausible together; forget those that are not."""
        if failures:
            more = f" (and {len(failures) - 1} more)" if failures[1:] else ""
            raise InputError(
                f"{self.address}: {failures[0]}{more}; {len(part.there)} of {part.count} fields are here, "
                "run again to continue"
            )
        if faults := succession.faults():
            suspects = {place for fault in faults for place in fault.fields}
            part.forget(number for number, place in enumerate(self.request.places) if place in suspects)
            raise refusal(self.address, faults)
        part.finish(self.move)


def _said(error: BaseException) -> str:
    """An error on one line."""
    return " ".join(str(error).split())[:300] or type(error).__name__
