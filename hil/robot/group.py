"""The base of the keyword groups: they reach the bench of the running test, and nothing else."""

from __future__ import annotations

from collections.abc import Callable

from hil.bench.facade import Bench


class KeywordGroup:
    """A group of keywords.

    Args:
        bench: gives the bench of the running test, brought to its start at the first call.
    """

    def __init__(self, bench: Callable[[], Bench]) -> None:
        self._get_bench = bench

    @property
    def bench(self) -> Bench:
        """The bench of the running test."""
        return self._get_bench()
