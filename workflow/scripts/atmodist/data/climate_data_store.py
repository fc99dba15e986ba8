"""ERA5 from ECMWF's archive through the Climate Data Store.

The credentials are found as ``cdsapi`` finds them (``CDSAPI_URL`` and ``CDSAPI_KEY``, or ``~/.cdsapirc``)
and the client is the one that ``cdsapi`` wraps. Only the download is our own: it must resume after a kill.
"""

import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
import requests
import urllib3
from cdsapi.api import get_url_key_verify
from ecmwf.datastores import Client, Remote, Results
from ecmwf.datastores.processing import LinkError, ProcessingFailedError
from multiurl.retry import RETRIABLE

from atmodist.core.errors import InputError
from atmodist.core.files import read_json, write_json
from atmodist.core.job import logger
from atmodist.core.lock import exclusive
from atmodist.core.retry import RetryPolicy
from atmodist.core.shortage import require_space, telling_if_full
from atmodist.data.variables import VARIABLES

HELP = "https://cds.climate.copernicus.eu/how-to-api"
LOST = {400, 403, 404, 410, 416}
"""HTTP answers after which it is useless to ask for the same request again."""


def mars_request(
    times: np.ndarray, variables: Sequence[str], level: int, keywords: Mapping[str, str]
) -> dict[str, str]:
    """Request in MARS syntax for ``variables`` on ``level`` at ``times``, the same hours of every day.

    No grid is asked for, so that the native spherical harmonics come.
    """
    days = np.unique(times.astype("datetime64[D]"))
    hours = np.unique(times - times.astype("datetime64[D]")).astype(int)
    unbroken = (np.diff(days) == np.timedelta64(1, "D")).all()
    return {
        **keywords,
        "param": "/".join(str(VARIABLES[variable].parameter) for variable in variables),
        "levelist": str(level),
        "date": f"{days[0]}/to/{days[-1]}" if unbroken else "/".join(map(str, days)),
        "time": "/".join(f"{hour:02d}" for hour in hours),
    }


def retrieve(
    dataset: str,
    request: Mapping[str, str],
    path: str | Path,
    accept: Callable[[Path], None],
    policy: RetryPolicy,
    finish: Callable[[Path, Path], None] = os.replace,
) -> None:
    """Bring the answer to ``request`` to ``path``, once ``accept`` has let it pass.

    Two hidden files beside ``path`` outlive an interruption: the ticket of the request that is queued at the
    archive, which is then picked up instead of queued again, and the part that has been downloaded, which is
    continued. ``finish`` makes ``path`` of the whole; where that is interrupted or fails, the next call needs
    no archive. A whole that is refused stays, too: if it does not pass at the next call either, the archive
    is asked anew. Raises ``InputError`` with what to do if the archive refuses, fails or stays silent, and
    while another process downloads ``path``.
    """
    path = Path(path)
    part = path.with_name(f".{path.name}.download")
    ticket = path.with_name(f".{path.name}.ticket.json")
    question = {"dataset": dataset, "request": dict(request)}
    with exclusive(path):
        if not (part.exists() and _known(ticket, question) and _passes(part, accept)):
            _fetch(question, ticket, part, policy)
            try:
                accept(part)
            except InputError:
                write_json(ticket, {**_known(ticket, question), "refused": True})
                raise
        finish(part, path)
        _forget(part, ticket)


def _passes(part: Path, accept: Callable[[Path], None]) -> bool:
    """Whether a part is the whole, and right: an interrupted call has left it at its end."""
    try:
        accept(part)
    except InputError:
        return False
    logger.info("%s is here already", part)
    return True


def _fetch(question: dict, ticket: Path, part: Path, policy: RetryPolicy) -> None:
    """Send the request of ``question``, or pick up that of the ``ticket``, and download it to ``part``."""
    client, dataset = _client(policy), question["dataset"]
    with _explained(client.url, dataset):
        while True:
            known = _known(ticket, question)
            queued = None if known.get("refused") else known.get("id")
            try:
                if queued:
                    logger.info("picking up request %s, which the archive has already", queued)
                    remote = client.get_remote(queued)
                else:
                    remote = client.submit(dataset, question["request"])
                    part.unlink(missing_ok=True)
                    write_json(ticket, {**question, "id": remote.request_id})
                    logger.info("request %s to %s: %s", remote.request_id, dataset, question["request"])
                _download(_results(remote, policy), part, policy)
                break
            except (requests.HTTPError, ProcessingFailedError) as error:
                if _lost(error):
                    _forget(ticket, part)
                if not (_lost(error) and queued):
                    raise
                logger.info("request %s is lost (%s)", queued, _said(error))


def _forget(*files: Path) -> None:
    for file in files:
        file.unlink(missing_ok=True)


def _client(policy: RetryPolicy) -> Client:
    try:
        url, key, verify = get_url_key_verify(None, None, None)
    except Exception as error:  # cdsapi has no narrower one
        rc = Path(os.environ.get("CDSAPI_RC", "~/.cdsapirc")).expanduser()
        if rc.exists():
            raise InputError(
                f"{rc} cannot be used ({type(error).__name__}): expected two lines, url: … and key: …, "
                f"see {HELP}"
            ) from None
        raise InputError(
            "no credentials for the Climate Data Store: write them to ~/.cdsapirc or set CDSAPI_URL and "
            f"CDSAPI_KEY, see {HELP}"
        ) from None
    if "@" in url or "?" in url or not url.startswith(("https://", "http://")):
        raise InputError(
            "the address of the Climate Data Store is no web address, or holds a key; expected one such as "
            f"https://cds.climate.copernicus.eu/api, and the key apart from it, see {HELP}"
        )
    if ":" in key:
        raise InputError(
            f"the key of the Climate Data Store is of the old kind, UID:KEY; get a new one, see {HELP}"
        )
    return Client(
        url=url,
        key=key,
        verify=verify,
        timeout=policy.timeout,
        retry_after=(policy.first_wait, policy.longest_wait, 2),
        maximum_tries=policy.attempts,
        log_callback=lambda level, message: print(message) if level >= logging.INFO else None,
    )


def _known(ticket: Path, question: dict) -> dict:
    """What is kept of the same question: the ``id`` of its request, and ``refused`` if its answer was."""
    if not ticket.exists():
        return {}
    try:
        kept = read_json(ticket)
    except InputError as error:
        logger.info("the request is sent again, because its ticket is lost: %s", error)
        return {}
    return kept if question.items() <= kept.items() else {}


def _results(remote: Remote, policy: RetryPolicy) -> Results:
    waits = policy.waits()
    while not remote.results_ready:
        time.sleep(next(waits))
    return remote.get_results()


def _download(results: Results, part: Path, policy: RetryPolicy) -> None:
    """Go on with ``part`` until it has the announced size; only attempts that bring nothing are counted."""
    size, failures, waits = results.content_length, 0, policy.waits()
    with telling_if_full(part), open(part, "ab") as stream:
        require_space(part.parent, size - stream.tell())
        while (have := stream.tell()) < size:
            try:
                _append(stream, results)
                problem = "the connection was closed"
            except requests.HTTPError as error:
                if error.response.status_code not in RETRIABLE:
                    raise
                problem = _said(error)
            except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
                problem = _said(error)
            if stream.tell() < size:
                print(f"the download broke off after {stream.tell()} of {size} bytes ({problem})")
                if stream.tell() > have:
                    failures, waits = 0, policy.waits()
                elif (failures := failures + 1) == policy.attempts:
                    raise requests.ConnectionError(problem)
                time.sleep(next(waits))
        if stream.tell() > size:
            raise ProcessingFailedError(f"{stream.tell()} bytes came instead of {size}")
    logger.info("%.1f MB are here", size / 1e6)


def _append(stream: BinaryIO, results: Results) -> None:
    """Append the rest of the file; start afresh if the server sends the whole."""
    headers = {"Range": f"bytes={stream.tell()}-", "Accept-Encoding": "identity"}
    with requests.get(results.location, headers=headers, stream=True, **results.request_options) as answer:
        answer.raise_for_status()
        if stream.tell() and answer.status_code != requests.codes.partial_content:
            stream.seek(0)
            stream.truncate()
        while chunk := answer.raw.read1(1 << 20):  # unlike iter_content, keeps what came before a break
            stream.write(chunk)


def _lost(error: Exception) -> bool:
    return isinstance(error, ProcessingFailedError) or error.response.status_code in LOST


def _said(error: Exception) -> str:
    """What the archive gives as the reason, on one line."""
    try:
        answer = error.response.json()
        text = ": ".join(answer[key] for key in ("title", "detail", "traceback") if answer.get(key))
    except (AttributeError, ValueError, TypeError):
        text = str(error)
    return " ".join(text.split())[:500]


@contextmanager
def _explained(url: str, dataset: str) -> Iterator[None]:
    """Turn the ways to fail into a sentence each."""
    try:
        yield
    except (requests.RequestException, ProcessingFailedError) as error:
        reason = _said(error)
        status = getattr(getattr(error, "response", None), "status_code", None)
        if status == 401:
            raise InputError(
                f"{url} refuses the credentials ({reason}); put a valid key in place, see {HELP}"
            ) from error
        if status == 403 and "licence" in reason:
            page = f"{url.removesuffix('/api')}/datasets/{dataset}?tab=download#manage-licences"
            raise InputError(
                f"the licence of {dataset} has not been accepted: accept it at {page}"
            ) from error
        if status == 403 and ("too large" in reason or "cost" in reason):
            raise InputError(
                f"{url} finds the request too large ({reason}); ask for shorter periods"
            ) from error
        if status in RETRIABLE or not isinstance(error, (requests.HTTPError, ProcessingFailedError)):
            raise InputError(f"{url} does not answer as it should ({reason}); run again later") from error
        raise InputError(f"{url} cannot serve the request ({reason}); check data.download.request") from error
    except (KeyError, AssertionError, LinkError) as error:
        raise InputError(f"{url} answers in a form that this client does not know ({error!r})") from error
