"""The restbus as a test sees it: on and off, messages and nodes that fall silent, faults on purpose.

Part of the bench's facade. What a case has broken is mended when the next begins.
"""

from __future__ import annotations

from typing import Final

from hil import units
from hil.bench.portal import Portal
from hil.can.frames import BRS, EXTENDED, FD, check_frame
from hil.can.port import CanPort
from hil.can.sender import Sent
from hil.errors import UsageError
from hil.units import Duration

_SHORTEST_NS: Final = 10_000
"""Between two frames of a flood: less than the shortest frame takes on any CAN bus."""


class TrafficCalls:
    """The calls about the restbus; `portal` is given by the facade that they are part of."""

    portal: Portal

    def restbus(self, on: bool) -> None:
        """Start or stop the restbus: the other nodes of the vehicle talk or are silent."""
        self.portal.call(self._restbus(on))

    async def _restbus(self, on: bool) -> None:
        traffic = self.portal.wiring.traffic
        (traffic.start if on else traffic.stop)()
        self._note_traffic(f"restbus {'on' if on else 'off'}")

    # Silence ------------------------------------------------------------------------------------------------------

    def stop_message(self, name: str) -> None:
        """Have the restbus send a message no more: its sender went silent.

        Args:
            name: `[bus::]Message`.

        Raises:
            UsageError: there is none of that name, or the restbus doesn't send it.
        """
        self.portal.call(self._mute(name, True))

    def resume_message(self, name: str) -> None:
        """Have the restbus send a message again."""
        self.portal.call(self._mute(name, False))

    async def _mute(self, name: str, muted: bool) -> None:
        sent = self._sent(name)
        self.portal.wiring.restbus.mute(sent.bus, sent.name, muted)
        self._note_traffic(f"{sent.name} {'stopped' if muted else 'resumed'}")

    def stop_node(self, node: str) -> None:
        """Have the bench send nothing more of a node, on all buses, network management included: it lost its supply.

        Raises:
            UsageError: the restbus plays no node of that name.
        """
        self.portal.call(self._mute_node(node, True))

    def resume_node(self, node: str) -> None:
        """Have the restbus play a node again."""
        self.portal.call(self._mute_node(node, False))

    async def _mute_node(self, node: str, muted: bool) -> None:
        self.portal.wiring.traffic.mute_node(node, muted)
        self._note_traffic(f"node {node} {'stopped' if muted else 'resumed'}")

    # Faults on purpose --------------------------------------------------------------------------------------------

    def freeze_counter(self, name: str, frozen: bool = True) -> None:
        """Have a protected message carry the same counter again and again; its CRC stays right.

        Raises:
            UsageError: the message has no E2E protection, or the restbus doesn't send it.
        """
        self.portal.call(self._freeze(name, frozen))

    async def _freeze(self, name: str, frozen: bool) -> None:
        sent = self._sent(name)
        sent.freeze(frozen)
        self._note_traffic(f"{sent.name}: counter {'frozen' if frozen else 'goes on'}")

    def corrupt_crc(self, name: str, corrupt: bool = True) -> None:
        """Have a protected message carry a wrong CRC; its counter goes on.

        Raises:
            UsageError: as `freeze_counter`.
        """
        self.portal.call(self._corrupt(name, corrupt))

    async def _corrupt(self, name: str, corrupt: bool) -> None:
        sent = self._sent(name)
        sent.corrupt_crc(corrupt)
        self._note_traffic(f"{sent.name}: CRC {'wrong' if corrupt else 'right again'}")

    def set_cycle(self, name: str, cycle: Duration | None) -> None:
        """Have a message sent with another cycle; None: its own again.

        Raises:
            UsageError: the restbus doesn't send it, or the cycle is shorter than 1 ms.
        """
        self.portal.call(self._set_cycle(name, cycle))

    async def _set_cycle(self, name: str, cycle: Duration | None) -> None:
        sent = self._sent(name)
        cycle_ns = None if cycle is None else units.nanoseconds(cycle)
        if cycle_ns is not None and cycle_ns < 1_000_000:
            raise UsageError(f"a cycle of {cycle} is too short", where=sent.name, remedy="flood the bus instead.")
        self.portal.wiring.restbus.set_cycle(sent.bus, sent.name, cycle_ns)
        self._note_traffic(f"{sent.name}: cycle {'its own' if cycle is None else units.show_duration(cycle_ns or 0)}")

    def shift_message(self, name: str, delay: Duration) -> None:
        """Move the phase of a message: its next frame, and all after it, come later by `delay`.

        Raises:
            UsageError: the restbus doesn't send it, or not in a cycle.
        """
        self.portal.call(self._shift(name, delay))

    async def _shift(self, name: str, delay: Duration) -> None:
        sent, restbus = self._sent(name), self.portal.wiring.restbus
        if not sent.period_ns:
            raise UsageError("it has no cycle, so no phase", where=sent.name, remedy="shift a cyclic message.")
        if not restbus.running:
            raise UsageError("the restbus is off", where=sent.name, remedy="start it, then shift the message.")
        restbus.shift(sent.bus, sent.name, units.nanoseconds(delay))
        self._note_traffic(f"{sent.name}: shifted by {delay}")

    def set_length(self, name: str, length: int | None) -> None:
        """Have a message sent with another length: cut, or filled with zeros; None: its own again.

        Raises:
            UsageError: no frame of its kind has that length.
        """
        self.portal.call(self._set_length(name, length))

    async def _set_length(self, name: str, length: int | None) -> None:
        sent = self._sent(name)
        sent.set_length(length)
        self._note_traffic(f"{sent.name}: {'its own' if length is None else length} bytes")

    def send_frame(
        self, bus: str, can_id: int | str, data: bytes | str, *, extended: bool = False, fd: bool = False
    ) -> None:
        """Send one frame as it is, beside the restbus.

        Args:
            bus: name in the bench file.
            can_id: identifier; as text `0x7DF` or `18FF0000x` (extended).
            data: payload; as text hexadecimal, blanks allowed.
            extended: a 29-bit identifier.
            fd: a CAN FD frame with bit-rate switch.

        Raises:
            UsageError: no such bus, or no bus can carry it.
        """
        number, is_extended = _identifier(can_id)
        flags = (EXTENDED if extended or is_extended else 0) | (FD | BRS if fd else 0)
        self.portal.call(self._send(bus, number, _payload(data), flags))

    async def _send(self, bus: str, can_id: int, data: bytes, flags: int) -> None:
        self._port_of(bus).send(can_id, data, flags)

    def flood(self, bus: str, can_id: int | str = 0, period: Duration = "100 us", data: bytes | str = bytes(8)) -> None:
        """Flood a bus with one frame until `stop_flood`: with identifier 0 no other node is heard any more.

        What the bench itself has to send goes out between the frames of the flood: they share a node.

        Args:
            bus: name in the bench file.
            can_id: as in `send_frame`.
            period: from frame to frame; where the bus takes less, as fast as it takes them.
            data: as in `send_frame`.

        Raises:
            UsageError: no such bus, no bus can carry the frame, or the period is shorter than 10 us.
        """
        number, extended = _identifier(can_id)
        flags = EXTENDED if extended else 0
        self.portal.call(self._flood(bus, number, _payload(data), flags, units.nanoseconds(period)))

    async def _flood(self, bus: str, can_id: int, data: bytes, flags: int, period_ns: int) -> None:
        self._port_of(bus)
        check_frame(can_id, data, flags)
        if period_ns < _SHORTEST_NS:
            mend = "10 us is faster than any bus takes them."
            raise UsageError(f"a flood every {units.show_duration(period_ns)} is too fast", where=bus, remedy=mend)
        self.portal.wiring.traffic.flood(bus, can_id, data, flags, period_ns)
        self._note_traffic(f"{bus} flooded with 0x{can_id:X} every {units.show_duration(period_ns)}")

    def stop_flood(self, bus: str) -> None:
        """End the flood of a bus, if there is one.

        Raises:
            UsageError: no such bus.
        """
        self.portal.call(self._stop_flood(bus))

    async def _stop_flood(self, bus: str) -> None:
        self._port_of(bus)
        count = self.portal.wiring.traffic.stop_flood(bus)
        if count is not None:
            self._note_traffic(f"{bus}: flood ended after {count} frames")

    # ---------------------------------------------------------------------------------------------------------------

    def _sent(self, name: str) -> Sent:
        bus, message = self.portal.wiring.plan.network.message(name)
        return self.portal.wiring.restbus.sent(bus, message.name)

    def _port_of(self, bus: str) -> CanPort:
        buses = self.portal.wiring.buses
        if bus not in buses:
            raise UsageError(f"no bus '{bus}' on this bench", remedy=f"there is: {', '.join(buses) or 'none'}.")
        return buses[bus]

    def _note_traffic(self, text: str) -> None:
        self.portal.wiring.recorder.record("note", {"text": text})


def _identifier(can_id: int | str) -> tuple[int, bool]:
    """An identifier and whether it is extended.

    Raises:
        UsageError: no identifier.
    """
    if isinstance(can_id, int):
        return can_id, can_id > 0x7FF
    text = str(can_id).strip().lower().removeprefix("0x")
    extended = text.endswith("x")
    try:
        number = int(text.removesuffix("x"), 16)
    except ValueError:
        raise UsageError(f"'{can_id}' is no identifier", remedy="write it as 0x1A0, or 18FF0000x (extended).") from None
    return number, extended or number > 0x7FF


def _payload(data: bytes | str) -> bytes:
    if isinstance(data, bytes | bytearray):
        return bytes(data)
    try:
        return bytes.fromhex(str(data))
    except ValueError:
        raise UsageError(f"'{data}' is no payload", remedy="write bytes in hexadecimal: '01 A2 FF'.") from None
