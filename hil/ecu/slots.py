"""What lies where in the ECU's flash: boot environment, the updater's notes, two slots of software, a staging area.

Rules of this module: boot environment and notes are twin records: each write goes to the older of two sectors, with a
sequence number and a CRC, so that a torn write leaves the one before. A slot holds one image: a header with its own
CRC, and a payload whose SHA-256 stands in the header. The boot loader starts no image that doesn't match its hash.

Not for: signatures; the updater checks them before an image comes into a slot (`hil.ecu.trust`).
"""

from __future__ import annotations

import hashlib
import json
import random
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any, Final

from hil.ecu.flash import SECTOR, Flash

SLOT_SECTORS: Final = 128
SLOT_BYTES: Final = SLOT_SECTORS * SECTOR
SLOTS: Final = ("A", "B")
ATTEMPTS: Final = 3
"""How often a new image is started before the boot loader goes back."""
BOOT_LOADER: Final = "2.4.1"
_ENVIRONMENT, _NOTES, _FIRST_SLOT = 0, 2, 16
_SECTORS: Final = _FIRST_SLOT + 3 * SLOT_SECTORS
_RECORD: Final = struct.Struct(">4sIH")
_RECORD_MAGIC: Final = b"TWIN"
_HEADER: Final = struct.Struct(">8s8s4HII32s")
_IMAGE_MAGIC: Final = b"COCKPIT1"
HEADER_BYTES: Final = 256
_FACTORY_BYTES: Final = 192 * 1024


class BootError(Exception):
    """Nothing that could be started is in the flash."""


@dataclass(frozen=True, slots=True)
class Image:
    """The header of an image, as its slot says.

    Attributes:
        hardware: the hardware that it is for.
        version: `1.0.0`.
        release: counts up with each release: an older one is never installed.
        length: bytes of the whole image, header included.
        digest: SHA-256 of the payload.
        program: what it does when it runs: `ok`, `sick` (its self-test fails), `hangs` (it never comes up).
    """

    hardware: str
    version: str
    release: int
    length: int
    digest: bytes
    program: str = "ok"


@dataclass(frozen=True, slots=True)
class Environment:
    """What the boot loader goes by.

    Attributes:
        active: the committed slot.
        trial: the slot that is being tried, empty if none.
        tries: how often it may still be started.
        release: no image with a lower counter is accepted.
        fell_back: the slot that was given up last, empty once that is dealt with.
    """

    active: str = "A"
    trial: str = ""
    tries: int = 0
    release: int = 0
    fell_back: str = ""


@dataclass(frozen=True, slots=True)
class Boot:
    """What the boot loader decided.

    Attributes:
        slot: which slot it starts.
        image: what is in it.
        trial: it is a try.
        note: what else it has to say, for the boot log.
    """

    slot: str
    image: Image
    trial: bool = False
    note: str = ""


class TwinRecord:
    """A small record that survives a torn write.

    Args:
        flash: where.
        first: the first of its two sectors.
    """

    def __init__(self, flash: Flash, first: int) -> None:
        self._flash, self._first = flash, first

    def read(self) -> dict[str, Any] | None:
        """The newest copy that is whole; None if there is none."""
        found = [copy for copy in map(self._copy, (0, 1)) if copy is not None]
        return max(found, key=lambda copy: copy[0])[1] if found else None

    def _copy(self, index: int) -> tuple[int, dict[str, Any]] | None:
        raw = self._flash.read((self._first + index) * SECTOR, SECTOR)
        magic, sequence, length = _RECORD.unpack_from(raw)
        end = _RECORD.size + length
        if magic != _RECORD_MAGIC or end + 4 > SECTOR or zlib.crc32(raw[:end]).to_bytes(4, "big") != raw[end : end + 4]:
            return None
        return sequence, json.loads(raw[_RECORD.size : end])

    def write(self, values: dict[str, Any]) -> None:
        """Replace the older copy and flush: after that the new one counts, before it the old one."""
        index, sequence = self._older()
        self._put(index, sequence, values)

    def prepare(self) -> None:
        """Erase the older copy, which `write` will use: the slow half of a write."""
        self._flash.erase(self._first + self._older()[0])
        self._flash.flush()

    def forget_all(self) -> None:
        """Erase both copies, as a record without a redundant one does before it writes."""
        self._flash.erase(self._first)
        self._flash.erase(self._first + 1)
        self._flash.flush()

    def _older(self) -> tuple[int, int]:
        """Which copy is to be written next, and its sequence number."""
        copies = [self._copy(0), self._copy(1)]
        sequences = [copy[0] if copy is not None else -1 for copy in copies]
        return sequences.index(min(sequences)), max(sequences) + 1

    def _put(self, index: int, sequence: int, values: dict[str, Any]) -> None:
        body = json.dumps(values, sort_keys=True).encode()
        record = _RECORD.pack(_RECORD_MAGIC, sequence, len(body)) + body
        self._flash.erase(self._first + index)
        self._flash.write((self._first + index) * SECTOR, record + zlib.crc32(record).to_bytes(4, "big"))
        self._flash.flush()


class Slots:
    """The flash of the ECU, by the names of its parts.

    Args:
        flash: the memory; `factory_flash` makes one as it leaves the plant.
    """

    def __init__(self, flash: Flash) -> None:
        self.flash = flash
        self._environment = TwinRecord(flash, _ENVIRONMENT)
        self.notes = TwinRecord(flash, _NOTES)

    @property
    def environment(self) -> Environment | None:
        """The boot environment; None if no copy is whole."""
        values = self._environment.read()
        return None if values is None else Environment(**values)

    def set_environment(self, environment: Environment) -> None:
        """Write it so that a power cut leaves the old one or the new one."""
        self._environment.write({name: getattr(environment, name) for name in Environment.__slots__})

    def prepare_environment(self, *, in_place: bool = False) -> None:
        """Erase what the next environment is written into; `in_place`: there is one copy only (a defect)."""
        (self._environment.forget_all if in_place else self._environment.prepare)()

    def image(self, slot: str) -> Image | None:
        """The image in a slot if it is whole: header and payload."""
        offset = offset_of(slot)
        header = parse_header(self.flash.read(offset, HEADER_BYTES))
        if header is None:
            return None
        payload = self.flash.read(offset + HEADER_BYTES, header.length - HEADER_BYTES)
        if hashlib.sha256(payload).digest() != header.digest:
            return None
        return replace(header, program=program_of(payload))


def offset_of(part: str) -> int:
    """Where a slot (`A`, `B`) or the staging area (`staging`) begins."""
    return (_FIRST_SLOT + (*SLOTS, "staging").index(part) * SLOT_SECTORS) * SECTOR


def parts_of(flash: Flash) -> dict[str, Callable[[], bytes]]:
    """The parts that a probe may dump, by name."""
    places = {f"slot {slot}": (offset_of(slot), SLOT_BYTES) for slot in SLOTS}
    places |= {"boot environment": (_ENVIRONMENT * SECTOR, 2 * SECTOR), "whole": (0, flash.sectors * SECTOR)}
    return {name: partial(flash.dump, offset, length) for name, (offset, length) in places.items()}


def other(slot: str) -> str:
    """The slot that is not this one."""
    return SLOTS[1 - SLOTS.index(slot)]


def parse_header(raw: bytes) -> Image | None:
    """The header of an image; None if it is none."""
    magic, hardware, major, minor, patch, _, release, length, digest = _HEADER.unpack_from(raw)
    end = _HEADER.size
    whole = magic == _IMAGE_MAGIC and zlib.crc32(raw[:end]).to_bytes(4, "big") == raw[end : end + 4]
    if not whole or not HEADER_BYTES < length <= SLOT_BYTES:
        return None
    return Image(hardware.rstrip(b"\0").decode(errors="replace"), f"{major}.{minor}.{patch}", release, length, digest)


def program_of(payload: bytes) -> str:
    """What a payload does when it runs: its first line says so, as `program ok`."""
    line = payload[:64].split(b"\n", 1)[0]
    return line.removeprefix(b"program ").decode(errors="replace") if line.startswith(b"program ") else "hangs"


def boot_select(flash: Flash, defects: frozenset[str] = frozenset()) -> Boot:
    """What the boot loader does at every start: choose a slot, count the tries of a new one, go back when they are up.

    Raises:
        BootError: no slot holds an image that is whole, or the boot loader doesn't look further.
    """
    slots = Slots(flash)
    environment = slots.environment
    if environment is None:
        return _recover(slots, defects)
    if environment.trial:
        boot = _try(slots, environment)
        if boot is not None:
            return boot
        environment = replace(environment, trial="", tries=0, fell_back=environment.trial)
        slots.set_environment(environment)
        return _committed(slots, environment, f"slot {environment.fell_back} given up")
    return _committed(slots, environment, "")


def _try(slots: Slots, environment: Environment) -> Boot | None:
    image = slots.image(environment.trial) if environment.tries > 0 else None
    if image is None:
        return None
    slots.set_environment(replace(environment, tries=environment.tries - 1))
    return Boot(environment.trial, image, trial=True, note=f"try {ATTEMPTS - environment.tries + 1} of {ATTEMPTS}")


def _committed(slots: Slots, environment: Environment, note: str) -> Boot:
    for slot in (environment.active, other(environment.active)):
        image = slots.image(slot)
        if image is not None and image.release >= environment.release:
            return Boot(slot, image, note=note if slot == environment.active else "recovery: the other slot is broken")
    raise BootError("no slot holds an image that could be started")


def _recover(slots: Slots, defects: frozenset[str]) -> Boot:
    """No copy of the environment is whole: start the oldest image that is, and write a new environment."""
    if "update_bricks_on_power_cut" in defects:
        raise BootError("bad CRC in the boot environment")
    found = [(image.release, slot, image) for slot in SLOTS if (image := slots.image(slot)) is not None]
    if not found:
        raise BootError("no slot holds an image that could be started")
    _, slot, image = min(found, key=lambda one: one[0])
    slots.set_environment(Environment(active=slot, release=image.release))
    return Boot(slot, image, note="recovery: boot environment rebuilt")


def factory_flash(rng: random.Random, hardware: str = "B1") -> Flash:
    """A flash as it leaves the plant: version 1.0.0 in slot A, slot B blank."""
    flash = Flash(_SECTORS, rng, _factory_content(hardware))
    return flash


def restore_factory(flash: Flash, hardware: str = "B1") -> None:
    """Make a flash again what `factory_flash` makes."""
    flash.reprogram(_factory_content(hardware))


@cache
def _factory_content(hardware: str) -> dict[int, bytes]:
    payload = b"program ok\n" + random.Random(f"factory {hardware}").randbytes(_FACTORY_BYTES)
    length = HEADER_BYTES + len(payload)
    digest = hashlib.sha256(payload).digest()
    head = _HEADER.pack(_IMAGE_MAGIC, hardware.encode(), 1, 0, 0, 0, 100, length, digest)
    head = (head + zlib.crc32(head).to_bytes(4, "big")).ljust(HEADER_BYTES, b"\xff")
    made = Flash(_SECTORS, random.Random(0))
    image, first = head + payload, offset_of("A")
    for start in range(0, len(image), SECTOR):
        made.write(first + start, image[start : start + SECTOR])
    Slots(made).set_environment(Environment(release=100))
    made.flush()
    return dict(made._certain)
