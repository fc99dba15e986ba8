"""The objects below a web address, each whole or not at all, for zarr to read."""

import base64

import aiohttp
import google_crc32c
from zarr.abc.store import Store


class UnavailableError(Exception):
    """An object that did not come as it should; another attempt may bring it."""


RETRIED = (
    UnavailableError, aiohttp.ClientError, OSError, RuntimeError, SystemError, ValueError, KeyError,
    MemoryError,
)  # fmt: skip
"""What happens on the way, and what decoders raise for what is no whole frame of theirs."""


class Objects(Store):
    """The objects below a web address as a read-only Zarr store; each comes whole or not at all."""

    supports_writes = supports_deletes = supports_listing = False

    def __init__(self, address: str, session: aiohttp.ClientSession) -> None:
        super().__init__(read_only=True)
        self.address, self.bytes = address.rstrip("/"), 0
        self._session = session

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Objects) and other.address == self.address

    async def get(self, key, prototype, byte_range=None):
        """An object's content; ``UnavailableError`` unless it is whole, nothing for missing metadata."""
        async with self._session.get(f"{self.address}/{key}") as answer:
            if answer.status in (404, 410) and key.rpartition("/")[2].startswith("."):
                return None
            if answer.status != 200:
                raise UnavailableError(f"{key}: the answer is {answer.status} {answer.reason}")
            content = await answer.read()
        hashes = ",".join(answer.headers.getall("x-goog-hash", ())).replace(" ", "").split(",")
        checksum = base64.b64encode(google_crc32c.Checksum(content).digest()).decode()
        if any(each.startswith("crc32c=") and each != f"crc32c={checksum}" for each in hashes):
            raise UnavailableError(f"{key}: the checksum of what came is not the one announced")
        self.bytes += len(content)
        return prototype.buffer.from_bytes(content)

    async def exists(self, key):
        """Whether there is an object: not asked by readers of whole objects."""
        raise NotImplementedError

    get_partial_values = set = delete = list = list_prefix = list_dir = exists
