"""How often, and after which waits, something that may fail on its way is tried again."""

from collections.abc import Iterator
from dataclasses import dataclass

from atmodist.core.errors import InputError


@dataclass(frozen=True)
class RetryPolicy:
    """How long to keep trying when an archive is busy or the network breaks."""

    attempts: int = 10
    """Attempts in a row without progress before giving up."""
    first_wait: float = 1
    """Seconds before the second attempt; every further wait is twice as long."""
    longest_wait: float = 60
    """Longest wait in seconds."""
    timeout: float = 30
    """Seconds of silence after which a connection counts as broken."""

    def __post_init__(self) -> None:
        if not 0 < self.first_wait < self.longest_wait:
            raise InputError(
                f"the retry policy's first_wait, {self.first_wait} s, must be less than its longest_wait, "
                f"{self.longest_wait} s"
            )

    def waits(self) -> Iterator[float]:
        """Growing waits in seconds, without end."""
        wait = self.first_wait
        while True:
            yield wait
            wait = min(2 * wait, self.longest_wait)
