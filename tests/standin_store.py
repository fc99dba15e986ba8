"""The public cloud copy on loopback: a Zarr store in the layout of ARCO-ERA5, and every way to fail.

One object per variable, time and level, Blosc-compressed, with consolidated metadata written by zarr itself;
objects are made when they are asked for. Run by itself it serves a store for trying things:
``python tests/standin_store.py --truncation 639`` prints the addresses.
"""

import argparse
import asyncio
import base64
import socket
import struct
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import google_crc32c
import numpy as np
import zarr
from loopback import LoopbackServer
from numcodecs import Blosc

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow" / "scripts"))
from atmodist.data.packed import degrees_and_orders

WIND, SURFACE = "/co/model-level-wind.zarr-v2", "/co/single-level-surface.zarr-v2"
NAMES = {"vo": "vorticity", "d": "divergence", "lnsp": "log_surface_pressure"}
EPOCH = np.datetime64("1900-01-01T00")
FIRST = np.datetime64("1940-01-01T00")
HOURS = 24 * 365 * 100
"""Length of the time axis, which reaches far beyond the data."""
COMPRESSOR = Blosc("lz4", 5, Blosc.SHUFFLE)

REFUSALS = {"missing": 404, "refused": 403, "busy": 429, "error": 500, "unavailable": 503}
TRANSPORT = (*REFUSALS, "drop", "reset", "stall", "cut", "short", "empty", "nonsense", "damaged", "flipped")
CONTENT = (
    "missing", "not finite", "fill value", "too strong", "other month", "other hour", "other level",
    "exchanged", "other truncation",
)  # fmt: skip


class Chance:
    """A random fault of transport with some probability, in metadata as in objects."""

    def __init__(self, random: np.random.Generator, probability: float) -> None:
        self.random, self.probability = random, probability

    def __call__(self, key: str) -> str | None:
        return str(self.random.choice(TRANSPORT)) if self.random.random() < self.probability else None


def coefficients(variable: str, when: np.datetime64, truncation: int, level: int = 120) -> np.ndarray:
    """Packed coefficients of an atmosphere that changes as smoothly as the real one: a sum of waves.

    The same whenever they are asked for; neighbours of 3 h correlate at about 0.96, days of different months
    not at all.
    """
    size, first, second, fast, slow = _waves(variable, truncation, level)
    hours = float((when - FIRST) / np.timedelta64(1, "h"))
    packed = size * (first * np.exp(1j * hours * fast) + second * np.exp(1j * hours * slow))
    packed[: truncation + 1].imag = 0
    packed[0] = 11.5 if variable == "log_surface_pressure" else 0
    return packed


@lru_cache(maxsize=8)
def _waves(variable: str, truncation: int, level: int):
    random = np.random.default_rng([len(variable), level])
    degree, _ = degrees_and_orders(truncation)
    slope, mean_square = {
        "vorticity": (0.5, 5e-5), "divergence": (0.1, 1.5e-5), "log_surface_pressure": (2, 1e-2)
    }[variable]  # fmt: skip
    size = (1.0 + degree) ** -(slope + 0.5)
    size *= mean_square / np.sqrt(2 * np.sum(size**2))
    phases = np.exp(2j * np.pi * random.random((2, degree.size)))
    frequencies = random.normal(0, 2 * np.pi / 72, (2, degree.size))
    return size, *phases, *frequencies


def values(variable: str, when: np.datetime64, truncation: int, level: int = 120) -> np.ndarray:
    """A field as the store has it: ecCodes' array in float32, real and imaginary parts by turns."""
    return coefficients(variable, when, truncation, level).view(float).astype(np.float32)


def metadata(truncation: int, stop: str, **changes) -> dict[str, dict[str, bytes]]:
    """Metadata and coordinates of both stores, as zarr writes them: address → key → content."""
    size = changes.get("values", (truncation + 1) * (truncation + 2))
    hours = ((FIRST - EPOCH).astype(int) + np.arange(HOURS)) * changes.get("step", 1)
    result = {}
    for address, names, dimensions, shape in (
        (WIND, changes.get("names", ("vo", "d", "t", "w")), ("time", "hybrid", "values"), (137, size)),
        (SURFACE, ("lnsp", "z"), ("time", "values"), (size,)),
    ):
        store = zarr.storage.MemoryStore()
        attributes = {"valid_time_start": "1940-01-01", "valid_time_stop": stop}
        group = zarr.create_group(store, zarr_format=2, attributes=attributes)
        coordinates = {"time": hours}
        if "hybrid" in dimensions:
            coordinates["hybrid"] = np.arange(1.0, 138.0)
        for name, content in coordinates.items():
            array = group.create_array(
                name, shape=content.shape, dtype=content.dtype, chunks=content.shape, compressors=COMPRESSOR
            )
            array[:] = content
            array.attrs["_ARRAY_DIMENSIONS"] = [name]
        group["time"].attrs.update(
            units=changes.get("units", f"hours since {EPOCH.astype('datetime64[D]')}"),
            calendar="proleptic_gregorian",
        )
        dimensions = changes.get("dimensions", dimensions)
        for name in names:
            array = group.create_array(
                name,
                shape=(HOURS, *shape),
                dtype=np.float32,
                chunks=(*(1,) * len(shape), size),
                compressors=changes.get("compressor", COMPRESSOR),
                fill_value=np.nan,
            )
            array.attrs["_ARRAY_DIMENSIONS"] = list(dimensions)
        zarr.consolidate_metadata(store, zarr_format=2)
        result[address] = asyncio.run(_contents(store))
    return result


async def _contents(store):
    return {key: (await store.get(key, zarr.core.buffer.default_buffer_prototype())).to_bytes()
            async for key in store.list()}  # fmt: skip


class StandInStore(LoopbackServer):
    """Context manager: both stores below ``url``, whose ``misbehave(key)`` names the next fault or none.

    ``content`` maps (variable, time) to what is lastingly wrong with an object; ``whole`` counts how often
    each object was sent whole and right, ``injected`` how often each fault happened. Objects exist up to the
    last hour of ``stop``, on ``level``; the last ``keep`` stay in memory.
    """

    def __init__(
        self,
        misbehave: Callable[[str], str | None] | None = None,
        truncation: int = 21,
        stop: str = "2022-12-31",
        level: int = 120,
        hashes: bool = True,
        keep: int = 512,
        **changes,
    ) -> None:
        self.misbehave, self.truncation, self.level, self.hashes = misbehave, truncation, level, hashes
        self.last = np.datetime64(f"{stop}T23")
        self.fixed = metadata(truncation, stop, **changes)
        self.content: dict[tuple[str, np.datetime64], str] = {}
        self.whole, self.injected = Counter(), Counter()
        self.requests: list[str] = []
        self.stall = 1.0
        self.made = lru_cache(maxsize=keep)(self._make)
        super().__init__(_Handler, store=self)
        self.wind, self.surface = self.url + WIND, self.url + SURFACE

    def changed(self, **changes) -> None:
        """Metadata from now on, as after the store has been written anew."""
        self.fixed = metadata(self.truncation, str(self.last.astype("datetime64[D]")), **changes)

    def fault(self, path: str) -> str | None:
        with self.lock:
            fault = self.misbehave(path) if self.misbehave else None
            if fault:
                self.injected[fault] += 1
            return fault

    def body(self, path: str) -> bytes | None:
        """Content of an object, nothing if it does not exist."""
        address = next((known for known in self.fixed if path.startswith(known + "/")), None)
        if address is None:
            return None
        key = path.removeprefix(address + "/")
        if key in self.fixed[address]:
            return self.fixed[address][key]
        name, _, chunk = key.partition("/")
        if name not in NAMES or not chunk.replace(".", "").isdigit():
            return None
        hour, *level, _ = map(int, chunk.split("."))
        when = FIRST + hour
        if when > self.last or level not in ([], [self.level - 1]):
            return None
        return self.made(NAMES[name], when, self.content.get((NAMES[name], when)))

    def _make(self, variable: str, when: np.datetime64, fault: str | None) -> bytes | None:
        truncation = self.truncation + (fault == "other truncation")
        if fault == "missing":
            return None
        if fault == "other month":
            when = when - np.timedelta64(40 * 24, "h")
        if fault == "other hour":
            when = when + np.timedelta64(3, "h")
        if fault == "exchanged":
            variable = {"vorticity": "divergence", "divergence": "vorticity"}[variable]
        level = 1 if variable == "log_surface_pressure" else self.level - (fault == "other level")
        content = values(variable, when, truncation, level)
        if fault == "not finite":
            content[len(content) // 2] = np.nan
        if fault == "fill value":
            content[:] = np.nan
        if fault == "too strong":
            content *= 1e4
        return COMPRESSOR.encode(content)


class _Handler(BaseHTTPRequestHandler):
    store: StandInStore

    def do_GET(self) -> None:
        self.store.requests.append(self.path)
        fault = self.store.fault(self.path)
        body = self.store.body(self.path)
        if fault in REFUSALS or body is None:
            self.reply(REFUSALS.get(fault, 404), b"<Error/>")
            return
        checksum = google_crc32c.Checksum(body).digest()
        if fault == "flipped":
            body = body[: len(body) // 2] + bytes(255 - byte for byte in body[len(body) // 2 :])
        if fault == "damaged":
            body = b"\x09" * 16 + body[16:]
        if fault == "nonsense":
            body = b"<html>Welcome to the guest network</html>"
        if fault in ("short", "empty"):
            body = body[: len(body) // 2] if fault == "short" else b""
        if fault == "drop":
            self.close_connection = True
            return
        size, part = len(body), body
        if fault in ("cut", "reset", "stall"):
            part = body[: len(body) // 2]
        self.reply(200, part, size, checksum)
        if fault == "stall":
            self.wfile.flush()
            time.sleep(self.store.stall)
        if fault == "reset":
            linger = struct.pack("ii", 1, 0)  # closing sends RST
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        if fault in ("cut", "reset", "stall"):
            self.close_connection = True
        if not fault:
            with self.store.lock:
                self.store.whole[self.path] += 1

    def reply(self, status: int, body: bytes, size: int | None = None, checksum: bytes | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if size is None else size))
        if checksum and self.store.hashes:
            self.send_header("x-goog-hash", f"crc32c={base64.b64encode(checksum).decode()}")
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--truncation", type=int, default=639)
    with StandInStore(truncation=parser.parse_args().truncation) as served:
        print(f"data: {{arco: {{wind: {served.wind}, surface: {served.surface}}}}}", flush=True)
        threading.Event().wait()
