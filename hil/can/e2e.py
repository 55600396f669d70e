"""End-to-end protection: counters and checksums of AUTOSAR E2E profiles 1, 2, 5 and 11, for sender and receiver.

Rules of this module: pure. The checksums come from the `autosar-e2e` library; ours are the sender's counter, the
receiver's state machine and where the header lies. A message's protection is a chain: each link writes its part of the
payload in turn, the last link last; a receiver checks them in reverse. Other links (SecOC) implement `Protection`.

Source: AUTOSAR_PRS_E2EProtocol, the chapters on these profiles.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any, Final, Protocol

from e2e import p01, p02, p05, p11

from hil.can.traits import E2eConfig

_P01_MODES: Final = {
    "BOTH": p01.E2E_P01_DATAID_BOTH,
    "ALT": p01.E2E_P01_DATAID_ALT,
    "LOW": p01.E2E_P01_DATAID_LOW,
    "NIBBLE": p01.E2E_P01_DATAID_NIBBLE,
}
_P11_MODES: Final = {"BOTH": p11.E2E_P11_DATAID_BOTH, "NIBBLE": p11.E2E_P11_DATAID_NIBBLE}


class Status(StrEnum):
    """What a receiver makes of one frame (names after AUTOSAR's E2E_PCheckStatusType)."""

    OK = "ok"
    INITIAL = "initial"
    SOME_LOST = "some lost"
    REPEATED = "repeated"
    WRONG_SEQUENCE = "wrong sequence"
    WRONG_CRC = "wrong CRC"

    @property
    def is_good(self) -> bool:
        """Whether the data may be used."""
        return self in _GOOD


_GOOD: Final = frozenset({Status.OK, Status.INITIAL, Status.SOME_LOST})


class Receiver(Protocol):
    """The receiver's side of one link, with the state that it keeps from frame to frame."""

    def check(self, payload: bytes) -> Status:
        """What this frame is, after those before."""

    def reset(self) -> None:
        """Forget the frames before: the sender or the receiver began anew."""


class Protection(Protocol):
    """One link of a message's protection.

    Attributes:
        period: after how many frames with equal content the payload repeats: what can be sent as a precomputed
            sequence; 0 if it never does.
        header: (first bit, number of bits) of each field that it writes, bits counted as 8 * byte + bit (least
            significant first): signals there can't be set.
    """

    period: int
    header: tuple[tuple[int, int], ...]

    def protect(self, payload: bytes, count: int) -> bytes:
        """The payload of the `count`-th frame (from 0)."""

    def corrupt(self, payload: bytes) -> bytes:
        """A protected payload with a wrong checksum and all else as it was."""

    def receiver(self) -> Receiver:
        """A receiver that has heard nothing yet."""


@dataclass(frozen=True, slots=True)
class _Profile:
    """What differs between the profiles.

    Attributes:
        counters: how many values the counter takes.
        counter_byte: where the counter is, from the header's begin.
        counter_mask: which bits of that byte it has.
        header: (bit, bits) of its fields, from the header's begin.
        protect: the library's function that writes the checksum.
        check: the library's function that checks it.
        arguments: what both are told of a message.
    """

    counters: int
    counter_byte: int
    counter_mask: int
    header: tuple[tuple[int, int], ...]
    protect: Callable[..., object]
    check: Callable[..., bool]
    arguments: Callable[[E2eConfig], dict[str, Any]]


_PROFILES: Final = {
    "P01": _Profile(
        15, 1, 0x0F, ((0, 8), (8, 4)), p01.e2e_p01_protect, p01.e2e_p01_check,
        lambda c: {"data_id": c.data_id, "data_id_mode": _P01_MODES[c.mode], "length": c.length, "offset": c.offset},
    ),
    "P02": _Profile(
        16, 1, 0x0F, ((0, 8), (8, 4)), p02.e2e_p02_protect, p02.e2e_p02_check,
        lambda c: {"data_id_list": c.id_list, "length": c.length},
    ),
    "P05": _Profile(
        256, 2, 0xFF, ((0, 24),), p05.e2e_p05_protect, p05.e2e_p05_check,
        lambda c: {"data_id": c.data_id, "length": c.length, "offset": c.offset},
    ),
    "P11": _Profile(
        15, 1, 0x0F, ((0, 8), (8, 4)), p11.e2e_p11_protect, p11.e2e_p11_check,
        lambda c: {"data_id": c.data_id, "data_id_mode": _P11_MODES[c.mode], "length": c.length, "offset": c.offset},
    ),
}  # fmt: skip


class E2e:
    """One E2E profile on one message: a `Protection`.

    Args:
        config: what the database says of it.
    """

    def __init__(self, config: E2eConfig) -> None:
        self.config = config
        self._profile = _PROFILES[config.profile]
        arguments = self._profile.arguments(config)
        self._protect = partial(self._profile.protect, increment_counter=False, **arguments)
        self._check = partial(self._profile.check, **arguments)
        self._at = config.offset + self._profile.counter_byte
        self.period = self._profile.counters
        base = 8 * config.offset
        self.header = tuple((base + bit, bits) for bit, bits in self._profile.header)
        if config.mode == "NIBBLE":
            self.header += ((base + 12, 4),)

    def protect(self, payload: bytes, count: int) -> bytes:
        """The payload with counter and checksum of the `count`-th frame."""
        data, mask = bytearray(payload), self._profile.counter_mask
        data[self._at] = data[self._at] & ~mask & 0xFF | count % self.period
        self._protect(data)
        return bytes(data)

    def counter(self, payload: bytes) -> int:
        """The counter that a payload carries."""
        return payload[self._at] & self._profile.counter_mask

    def crc_ok(self, payload: bytes) -> bool:
        """Whether a payload has its full length and its checksum is right."""
        if len(payload) < self.config.length:
            return False
        return self._check(bytearray(payload[: self.config.length]))

    def corrupt(self, payload: bytes) -> bytes:
        """The payload with a wrong checksum and all else as it was."""
        data = bytearray(payload)
        data[self.config.offset] ^= 0xFF
        return bytes(data)

    def receiver(self) -> E2eReceiver:
        """A receiver that has heard nothing yet."""
        return E2eReceiver(self)


class E2eReceiver:
    """The receiver's state machine of one message: which counter came last.

    Args:
        protection: the profile.
    """

    __slots__ = ("_last", "_protection")

    def __init__(self, protection: E2e) -> None:
        self._protection = protection
        self._last: int | None = None

    def check(self, payload: bytes) -> Status:
        """What this frame is, after those before. A wrong checksum leaves the state as it was."""
        protection = self._protection
        if not protection.crc_ok(payload):
            return Status.WRONG_CRC
        counter, last = protection.counter(payload), self._last
        if counter >= protection.period:
            return Status.WRONG_SEQUENCE
        self._last = counter
        if last is None:
            return Status.INITIAL
        delta = (counter - last) % protection.period
        if delta == 1:
            return Status.OK
        if delta == 0:
            return Status.REPEATED
        return Status.SOME_LOST if delta <= protection.config.max_delta else Status.WRONG_SEQUENCE

    def reset(self) -> None:
        """Forget the frames before."""
        self._last = None


class Chain:
    """All links of one message's protection.

    Args:
        links: from the innermost to the outermost.
    """

    __slots__ = ("links", "period")

    def __init__(self, links: Sequence[Protection]) -> None:
        self.links = tuple(links)
        periods = {link.period for link in self.links}
        self.period = periods.pop() if len(periods) == 1 else 0

    def protect(self, payload: bytes, count: int) -> bytes:
        """The payload of the `count`-th frame (from 0)."""
        for link in self.links:
            payload = link.protect(payload, count)
        return payload

    @property
    def header(self) -> tuple[tuple[int, int], ...]:
        """(first bit, number of bits) of each field that some link writes."""
        return tuple(span for link in self.links for span in link.header)

    def corrupt(self, payload: bytes) -> bytes:
        """The payload with a wrong checksum of the outermost link, and all else as it was."""
        return self.links[-1].corrupt(payload)

    def receivers(self) -> list[Receiver]:
        """A receiver of each link, the outermost first."""
        return [link.receiver() for link in reversed(self.links)]


def check_all(receivers: Sequence[Receiver], payload: bytes) -> Status:
    """What a chain makes of a frame: the first link that refuses it, else what the innermost says."""
    status = Status.OK
    for receiver in receivers:
        status = receiver.check(payload)
        if not status.is_good:
            return status
    return status


__all__ = ["Chain", "E2e", "E2eReceiver", "Protection", "Receiver", "Status", "check_all"]
