"""Randomness from a seed and nothing else. Pure."""

from __future__ import annotations

import hashlib
import random


def seeded(seed: str) -> random.Random:
    """A generator that depends on nothing but the text of the seed, on every platform."""
    return random.Random(_number(seed))


def _number(seed: str) -> int:
    return int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8], "big")


class Dice:
    """The generators of one bench, each by its name, that can be given another seed all at once.

    Args:
        seed: of all of them.
    """

    def __init__(self, seed: str) -> None:
        self.seed = seed
        self._generators: dict[str, random.Random] = {}

    def generator(self, name: str) -> random.Random:
        """The generator of a part; one that nobody else has."""
        if name not in self._generators:
            self._generators[name] = seeded(f"{self.seed}/{name}")
        return self._generators[name]

    def reseed(self, seed: str) -> None:
        """From here on every generator, and every later one, follows from another seed."""
        self.seed = seed
        for name, generator in self._generators.items():
            generator.seed(_number(f"{seed}/{name}"))
