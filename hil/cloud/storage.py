"""The storage image port: a read-only dump of the device's flash, where a bench has a way to it.

Rules of this module: a dump is what would be there for certain if the power went now. Nobody writes through this port.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from hil.errors import UsageError


class StoragePort(Protocol):
    """A way to the flash of a device. All calls in the loop's thread."""

    name: str

    async def dump(self, part: str) -> bytes:
        """The bytes of a part (`slot A`, `slot B`, `boot environment`, `whole`).

        Raises:
            UsageError: the device has no such part.
            BenchError: it could not be read.
        """

    async def close(self) -> None:
        """Let it go; may be called twice."""


class Chip:
    """The simulated chip that port and virtual ECU share: part -> what reads it."""

    def __init__(self) -> None:
        self.parts: Mapping[str, Callable[[], bytes]] = {}


class SimStorage:
    """A probe on the simulated chip; a `StoragePort`."""

    def __init__(self, name: str, chip: Chip) -> None:
        self.name, self._chip = name, chip

    async def dump(self, part: str) -> bytes:
        """See `StoragePort.dump`."""
        parts = self._chip.parts
        if part not in parts:
            there = ", ".join(parts) or "nothing: no virtual ECU is wired to it"
            raise UsageError(
                f"the storage has no part '{part}'", where=f"storage {self.name}", remedy=f"there is: {there}."
            )
        return parts[part]()

    async def close(self) -> None:
        """Nothing to let go."""
