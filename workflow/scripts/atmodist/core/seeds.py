"""Random seeding: each job seeds a generator of its own from the one seed of the config, in any order."""

import hashlib

import numpy as np


def seed_sequence(seed: int, *names: str | int) -> np.random.SeedSequence:
    """Seed sequence of the job that ``names`` describes, e.g. ``seed_sequence(1, "pairs", "train", 17)``.

    Each name enters through its SHA-256 digest, so that neighbouring names give unrelated random numbers.
    """
    digests = (hashlib.sha256(repr(name).encode()).digest()[:8] for name in names)
    return np.random.SeedSequence([seed, *(int.from_bytes(digest, "little") for digest in digests)])


def random_stream(seed: int, *names: str | int) -> np.random.Generator:
    """Random generator of the job that ``names`` describes."""
    return np.random.default_rng(seed_sequence(seed, *names))


def torch_seed(seed: int, *names: str | int) -> int:
    """63-bit integer to seed a ``torch.Generator`` for the job that ``names`` describes."""
    return int(seed_sequence(seed, *names).generate_state(1, np.uint64)[0] >> 1)
