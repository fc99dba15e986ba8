"""A Climate Data Store on loopback: the protocol of today's API, true spectral GRIB, and every way to fail.

Run by itself it serves an archive for trying things: ``python tests/standin_archive.py`` prints what to set.
"""

import json
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import eccodes
import numpy as np
from loopback import LoopbackServer

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow" / "scripts"))
from atmodist.data.grib import Field, write_fields
from atmodist.data.variables import BY_PARAMETER

KEY = "0a1b2c3d-secret-key-of-the-tests"
SIZES = {"divergence": 3e-5, "vorticity": 5e-5, "log_surface_pressure": 11.5}

REFUSALS = {  # fault → status, title, detail: as the real archive words them
    "credentials": (401, "authentication failed", "operation not allowed"),
    "licence": (403, "required licences not accepted", "Not all the required licences have been accepted"),
    "too large": (403, "cost limits exceeded", "Your request is too large, please reduce your selection."),
    "invalid": (400, "invalid request", "Request has not produced a valid combination of values"),
    "unknown dataset": (404, "process not found", "dataset is not known"),
    "gone": (404, "job not found", "the job has been deleted"),
    "busy": (429, "too many requests", "rate limit exceeded"),
    "error": (500, "internal server error", ""),
    "unavailable": (503, "service unavailable", ""),
}
TRANSPORT = ("busy", "error", "unavailable", "drop", "nonsense")
FAULTS = {
    "process": ("credentials", *TRANSPORT),
    "submit": ("credentials", "licence", "too large", "invalid", *TRANSPORT),
    "status": ("queued", "failed", "rejected", "dismissed", "gone", *TRANSPORT),
    "results": ("gone", *TRANSPORT),
    "file": ("cut", "cut", "cut", "short", "ignores range", "gone", "busy", "error", "drop"),
    "content": (
        "truncated", "missing", "twice", "other level", "other truncation", "other parameter", "other day",
        "on a grid", "no GRIB", "too strong", "trailing bytes", "longer than announced",
    ),
}  # fmt: skip


@dataclass
class Plan:
    """Faults in order for each stage; after them all goes well."""

    stages: dict[str, list[str]] = field(default_factory=dict)

    def __call__(self, stage: str) -> str | None:
        faults = self.stages.get(stage)
        return faults.pop(0) if faults else None


@dataclass
class Chance:
    """A random fault at each stage with some probability."""

    random: np.random.Generator
    probability: float

    def __call__(self, stage: str) -> str | None:
        return str(self.random.choice(FAULTS[stage])) if self.random.random() < self.probability else None


def truth(request: dict, fault: str | None = None, truncation: int = 21) -> bytes:
    """What the archive serves for a request in MARS syntax, or a wrong file if there is a fault."""
    return _truth(json.dumps(request, sort_keys=True), fault, truncation)


@lru_cache(maxsize=64)
def _truth(request: str, fault: str | None, truncation: int) -> bytes:
    request = json.loads(request)
    days = [date.fromisoformat(day) for day in request["date"].split("/") if day != "to"]
    if "/to/" in request["date"]:
        days = [days[0] + timedelta(n) for n in range((days[1] - days[0]).days + 1)]
    if fault == "other day":
        days = [day + timedelta(1) for day in days]
    times = [np.datetime64(day, "h") + int(hour) for day in days for hour in request["time"].split("/")]
    variables = [BY_PARAMETER[int(parameter)].name for parameter in request["param"].split("/")]
    fields = [
        Field(
            variable,
            time,
            int(request["levelist"]) + (fault == "other level"),
            coefficients(variable, time, truncation + (fault == "other truncation"))
            * (1e6 if fault == "too strong" else 1),
        )
        for time in times
        for variable in variables
    ]
    if fault == "missing":
        fields.pop(len(fields) // 2)
    if fault == "twice":
        fields.append(fields[0])
    if fault == "other parameter":
        fields[0] = Field(
            "log_surface_pressure", *[getattr(fields[0], k) for k in ("time", "level", "coefficients")]
        )
    with tempfile.NamedTemporaryFile(suffix=".grib") as file:
        write_fields(file.name, fields)
        content = b"".join(as_era5(file.name))
    if fault == "truncated":
        content = content[: len(content) * 2 // 3]
    if fault == "trailing bytes":
        content += b"\0" * 5
    if fault == "no GRIB":
        content = b"<html><body>Please log in to the guest network</body></html>"
    if fault == "on a grid":
        content = eccodes.codes_get_message(eccodes.codes_grib_new_from_samples("reduced_gg_ml_grib1"))
    return content


def as_era5(path: str) -> Iterator[bytes]:
    """The messages as the archive has those of model levels: edition 2, with 2 × 138 vertical coordinates."""
    with open(path, "rb") as stream:
        while message := eccodes.codes_grib_new_from_file(stream):
            eccodes.codes_set(message, "edition", 2)
            eccodes.codes_set(message, "PVPresent", 1)
            eccodes.codes_set_double_array(message, "pv", np.linspace(0, 1, 2 * 138))
            yield eccodes.codes_get_message(message)
            eccodes.codes_release(message)


def coefficients(variable: str, time: np.datetime64, truncation: int) -> np.ndarray:
    """Random coefficients of a field that is the same whenever it is asked for."""
    random = np.random.default_rng([len(variable), int(time.astype(int))])
    packed = random.normal(size=((truncation + 1) * (truncation + 2) // 2, 2)).view(complex)[:, 0]
    packed[: truncation + 1].imag = 0
    if variable == "log_surface_pressure":
        return np.r_[SIZES[variable], 0.001 * packed[1:]]
    return packed * SIZES[variable] / Field(variable, time, 0, packed).root_mean_square


@dataclass
class Job:
    request: dict
    content: bytes
    announced: int
    end: str = "successful"


class StandInArchive(LoopbackServer):
    """Context manager: an archive at ``url`` whose ``misbehave(stage)`` names the next fault or none.

    It serves fields of ``truncation``. ``requests`` holds (method, path, Range header) of what was asked,
    ``jobs`` what is queued, ``unserved`` those of which no file has been sent, ``injected`` how often each
    fault happened.
    """

    def __init__(self, misbehave: Callable[[str], str | None] | None = None, truncation: int = 21) -> None:
        self.misbehave, self.truncation = misbehave or Plan(), truncation
        self.stall = 3.0  # s
        self.unserved: set[str] = set()
        self.jobs: dict[str, Job] = {}
        self.requests: list[tuple[str, str, str | None]] = []
        self.injected: Counter = Counter()
        super().__init__(_Handler, archive=self)
        self.url += "/api"

    def fault(self, stage: str) -> str | None:
        with self.lock:
            fault = self.misbehave(stage)
            if fault:
                self.injected[f"{stage}: {fault}"] += 1
            return fault

    def count(self, method: str, ending: str) -> int:
        return sum(m == method and path.endswith(ending) for m, path, _ in self.requests)


class _Handler(BaseHTTPRequestHandler):
    archive: StandInArchive

    def do_GET(self) -> None:
        self.serve("GET")

    def do_POST(self) -> None:
        self.serve("POST")

    def serve(self, method: str) -> None:
        self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path = self.path.partition("?")[0]
        self.archive.requests.append((method, path, self.headers.get("Range")))
        match method, path.removeprefix("/").split("/"):
            case "GET", ["api", "catalogue", "v1", "messages"]:
                self.reply(200, {"messages": []})
            case "GET", ["cache", name]:
                self.send_file(self.archive.jobs[name.removesuffix(".grib")])
                self.archive.unserved.discard(name.removesuffix(".grib"))
            case _ if self.headers.get("PRIVATE-TOKEN") != KEY:
                self.refuse("credentials")
            case "GET", ["api", "retrieve", "v1", "processes", dataset]:
                if dataset != "reanalysis-era5-complete":
                    self.refuse("unknown dataset")
                elif not self.hindered(self.archive.fault("process")):
                    self.reply(200, {"id": dataset})
            case "POST", ["api", "retrieve", "v1", "processes", _, "execution"]:
                if not self.hindered(self.archive.fault("submit")):
                    self.submit(json.loads(self.body)["inputs"])
            case "GET", ["api", "retrieve", "v1", "jobs", name] if name in self.archive.jobs:
                fault = self.archive.fault("status")
                job = self.archive.jobs[name]
                if fault == "queued":
                    self.reply(200, self.status(name, "accepted"))
                elif fault in ("failed", "rejected", "dismissed"):
                    job.end = fault
                    self.reply(200, self.status(name, fault))
                elif not self.hindered(fault):
                    self.reply(200, self.status(name, job.end))
            case "GET", ["api", "retrieve", "v1", "jobs", name, "results"] if name in self.archive.jobs:
                job = self.archive.jobs[name]
                if job.end != "successful":
                    title, reason = (
                        "The job has failed",
                        "MARS has returned an error, please check your selection.",
                    )
                    self.reply(400, {"title": title, "status": 400, "traceback": reason})
                elif not self.hindered(self.archive.fault("results")):
                    asset = {
                        "type": "application/x-grib",
                        "href": self.archive.url.replace("/api", f"/cache/{name}.grib"),
                        "file:size": job.announced,
                    }
                    self.reply(200, {"asset": {"value": asset}})
            case _:
                self.refuse("gone")

    def hindered(self, fault: str | None) -> bool:
        """Do what the fault wants; whether there was one."""
        if fault == "drop":
            self.close_connection = True
        elif fault == "nonsense":
            self.reply(200, b"<html>Welcome to the guest network</html>")
        elif fault:
            self.refuse(fault)
        return bool(fault)

    def submit(self, request: dict) -> None:
        fault = self.archive.fault("content")
        content = truth(request, fault, self.archive.truncation)
        extra = b"GRIB" if fault == "longer than announced" else b""
        name = str(uuid.uuid4())
        self.archive.jobs[name] = Job(request, content + extra, len(content))
        self.archive.unserved.add(name)
        self.reply(201, self.status(name, "accepted"))

    def status(self, name: str, status: str) -> dict:
        href = f"{self.archive.url}/retrieve/v1/jobs/{name}"
        links = [{"rel": "monitor", "href": href}, {"rel": "self", "href": href}]
        if status == "successful":
            links.append({"rel": "results", "href": f"{href}/results"})
        return {"jobID": name, "status": status, "processID": "reanalysis-era5-complete", "links": links}

    def refuse(self, fault: str) -> None:
        status, title, detail = REFUSALS[fault]
        self.reply(status, {"type": title, "title": title, "status": status, "detail": detail})

    def reply(self, status: int, content: dict | bytes) -> None:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def send_file(self, job: Job) -> None:
        fault = self.archive.fault("file")
        begin = int((self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").split("-")[0])
        if fault == "ignores range":
            begin = 0
        elif fault == "stall":
            time.sleep(self.archive.stall)
        elif fault not in (None, "cut", "short"):
            self.hindered(fault)
            return
        if begin >= len(job.content):
            self.reply(416, b"")
            return
        rest = job.content[begin:]
        sent = rest[: len(rest) // 2] if fault in ("cut", "short") else rest
        self.send_response(200 if begin == 0 else 206)
        self.send_header("Content-Length", str(len(sent if fault == "short" else rest)))
        self.send_header("Accept-Ranges", "bytes")
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{len(job.content) - 1}/{len(job.content)}")
        self.end_headers()
        self.wfile.write(sent)
        self.close_connection = fault == "cut"


if __name__ == "__main__":
    with StandInArchive() as archive:
        print(f"export CDSAPI_URL={archive.url} CDSAPI_KEY={KEY}", flush=True)
        threading.Event().wait()
