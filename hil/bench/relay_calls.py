"""The contacts of all relay boards of a bench, by name, and as a test sees them.

Rules of this module: a contact is called by its name, or `BOARD.NAME` where two boards have one of that name. Each case
begins with every contact at rest; so does every end of a bench. What is switched goes into the journal.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from hil.bench.config_relay import find_contact
from hil.bench.recorder import Recorder
from hil.errors import HilError, NotRunError
from hil.serial.relay import RelayPort

if TYPE_CHECKING:
    from hil.bench.config import BenchConfig
    from hil.bench.portal import Portal


class RelayBank:
    """All relay boards of a bench. All calls in the loop's thread.

    Args:
        config: the bench file.
        boards: name -> port.
        recorder: the way to the journal.
    """

    def __init__(self, config: BenchConfig, boards: dict[str, RelayPort], recorder: Recorder) -> None:
        self.boards, self._recorder = boards, recorder
        self._contacts = {name: section.contacts for name, section in config.relay.items()}
        self._power = config.reset.relay

    async def open(self, on_lost: Callable[[HilError], object]) -> None:
        """Reach the boards; every contact at rest.

        Raises:
            BenchError: a board doesn't answer, or hasn't so many channels.
        """
        for board in self.boards.values():
            await board.open(on_lost)

    async def set(self, name: str, closed: bool) -> None:
        """Close or open a contact.

        Raises:
            NotRunError: the bench has no relay.
            UsageError: it has none of that name, or several.
            BenchError: the board did not do it.
        """
        board, channel = self._find(name)
        await self.boards[board].set(channel, closed)
        self._recorder.record("note", {"text": f"relay {board}: {name} {'closed' if closed else 'open'}"})

    async def is_closed(self, name: str) -> bool:
        """Whether a contact is closed, as `RelayPort.read` knows it."""
        board, channel = self._find(name)
        return (await self.boards[board].read())[channel - 1]

    def _find(self, name: str) -> tuple[str, int]:
        if not self._contacts:
            raise NotRunError("this bench has no relay")
        return find_contact(self._contacts, name)

    async def rest(self) -> None:
        """Every contact that is closed opens."""
        for board in self.boards.values():
            for channel, closed in enumerate(await board.read(), start=1):
                if closed:
                    await board.set(channel, False)

    async def power(self, on: bool) -> None:
        """KL30, where a contact of the reset recipe switches it."""
        if self._power:
            await self.set(self._power, on)


class RelayFacade:
    """One contact, as a test sees it."""

    def __init__(self, bench: Portal, name: str) -> None:
        self._bench, self.name = bench, name

    @property
    def _bank(self) -> RelayBank:
        return self._bench.wiring.relays

    def close(self) -> None:
        """Close the contact.

        Raises:
            NotRunError: the bench has no relay.
            UsageError: it has none of that name.
            BenchError: the board did not do it.
        """
        self._bench.call(self._bank.set(self.name, True))

    def open(self) -> None:
        """Open the contact; raises as `close`."""
        self._bench.call(self._bank.set(self.name, False))

    @property
    def is_closed(self) -> bool:
        """Whether it is closed."""
        return self._bench.call(self._bank.is_closed(self.name))
