"""Randomness from a seed and nothing else. Pure."""

from __future__ import annotations

import hashlib
import random


def seeded(seed: str) -> random.Random:
    """A generator that depends on nothing but the text of the seed, on every platform."""
    return random.Random(int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8], "big"))
