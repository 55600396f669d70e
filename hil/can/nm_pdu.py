"""What an NM frame carries: node identifier, control bit vector, requests of partial networks. Pure.

Source: AUTOSAR_SWS_CANNetworkManagement R4.3.1, 7.6 (bits of the control bit vector); AUTOSAR_TPS_SystemTemplate,
PncMapping.pncIdentifier (a partial network's number is its absolute bit position in the frame).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from hil.errors import UsageError

REPEAT_MESSAGE_BIT: Final = 0x01
ACTIVE_WAKEUP_BIT: Final = 0x10
PARTIAL_NETWORK_BIT: Final = 0x40


@dataclass(frozen=True, slots=True)
class PduLayout:
    """Where an NM frame keeps what.

    Attributes:
        node_id_byte: byte of the source node identifier; None: it has none.
        control_byte: byte of the control bit vector; None: it has none.
        pn_byte: first byte with bits of partial networks.
        pn_bytes: how many there are.
        first_pnc: number of the partial network on the lowest bit of `pn_byte`; None: its absolute bit position in the
            frame, as AUTOSAR counts (16 for byte 2).
    """

    node_id_byte: int | None = 0
    control_byte: int | None = 1
    pn_byte: int = 2
    pn_bytes: int = 6
    first_pnc: int | None = None

    @property
    def pncs(self) -> range:
        """The numbers of partial networks that there are bits for."""
        first = 8 * self.pn_byte if self.first_pnc is None else self.first_pnc
        return range(first, first + 8 * self.pn_bytes)

    def check_pnc(self, pnc: int, length: int) -> int:
        """The number of a partial network.

        Raises:
            UsageError: no bit stands for it in a frame of `length` bytes.
        """
        if pnc not in self.pncs or self.place(pnc)[0] >= length:
            held = [number for number in self.pncs if self.place(number)[0] < length]
            mend = f"it holds {held[0]} to {held[-1]}." if held else "it holds none: correct the layout."
            raise UsageError(f"partial network {pnc} has no bit in the NM frame", remedy=mend)
        return pnc

    def write_pncs(self, data: bytearray, pncs: frozenset[int]) -> None:
        """Set the bits of these partial networks and clear all others; mark the frame as one that has them."""
        if self.control_byte is not None:
            data[self.control_byte] |= PARTIAL_NETWORK_BIT
        for pnc in self.pncs:
            byte, mask = self.place(pnc)
            if byte < len(data):
                data[byte] = data[byte] | mask if pnc in pncs else data[byte] & ~mask & 0xFF

    def place(self, pnc: int) -> tuple[int, int]:
        """Byte and mask of a partial network."""
        byte, bit = divmod(pnc - self.pncs[0], 8)
        return self.pn_byte + byte, 1 << bit


@dataclass(frozen=True, slots=True)
class Pdu:
    """An NM frame, read.

    Attributes:
        node_id: source node identifier; None if the frame has none.
        control: control bit vector; 0 if the frame has none.
        pncs: partial networks that it requests; empty without partial network information.
    """

    node_id: int | None
    control: int
    pncs: frozenset[int]

    @property
    def wants_repeat(self) -> bool:
        """Whether it asks all nodes to repeat their message."""
        return bool(self.control & REPEAT_MESSAGE_BIT)

    @property
    def is_active_wakeup(self) -> bool:
        """Whether its sender woke the bus."""
        return bool(self.control & ACTIVE_WAKEUP_BIT)

    @property
    def has_partial_networks(self) -> bool:
        """Whether it carries partial network information."""
        return bool(self.control & PARTIAL_NETWORK_BIT)


@lru_cache(maxsize=1024)
def read_pdu(data: bytes, layout: PduLayout) -> Pdu:
    """What an NM frame says; bytes that are missing say nothing."""
    control = _byte(data, layout.control_byte) or 0
    pncs: frozenset[int] = frozenset()
    if control & PARTIAL_NETWORK_BIT:
        places = ((pnc, *layout.place(pnc)) for pnc in layout.pncs)
        pncs = frozenset(pnc for pnc, byte, mask in places if byte < len(data) and data[byte] & mask)
    return Pdu(_byte(data, layout.node_id_byte), control, pncs)


def _byte(data: bytes, position: int | None) -> int | None:
    return data[position] if position is not None and position < len(data) else None


__all__ = ["ACTIVE_WAKEUP_BIT", "PARTIAL_NETWORK_BIT", "REPEAT_MESSAGE_BIT", "Pdu", "PduLayout", "read_pdu"]
