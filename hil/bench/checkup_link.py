"""What the kernel says of a bus's interface, against what the bench file says: bit timing, state, counters.

Rules of this module: pure but for `look`, which asks the kernel. Only SocketCAN can be asked: elsewhere the bench
itself set the bit rate, and the driver refused what it couldn't do.

Not for: setting an interface (`hil.can.link`); what is heard (`hil.bench.checkup_bus`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from hil.bench.checkup_bus import show_rate
from hil.bench.checkup_finding import Finding, Mark, Part, When
from hil.bench.config import BusSection
from hil.can import link
from hil.can.link import BUS_OFF, LinkState

CHECK: Final = "speed"
_POINTS: Final = 0.05
"""By how much a sample point of the kernel may differ from that of the bench file."""


async def look(bus: str, section: BusSection) -> list[Finding]:
    """Ask the kernel about a bus on SocketCAN; nothing of another.

    Raises:
        BenchError: there is no such interface.
    """
    options = section.options
    if options.get("interface") != "socketcan":
        return []
    return list(judge(Part(f"bus.{bus}", When.LISTENED), section, link.read(str(options["channel"]))))


def judge(part: Part, section: BusSection, state: LinkState) -> Iterator[Finding]:
    """The rows of an interface."""
    if not state.up:
        yield part.row(CHECK, f"{state.channel} is down", Mark.FAULT, f"ip link set {state.channel} up")
    if not state.is_controller:
        yield part.row(CHECK, f"{state.channel} is a {state.kind}, which has no bit rate")
        return
    wrong = list(_differences(section, state))
    if wrong:
        yield part.row(CHECK, "; ".join(wrong), Mark.FAULT, _mend(section, state))
    else:
        yield part.row(CHECK, f"the kernel has {state.channel} at {show_rate(section)}{_point(state)}")
    yield _controller(part, state)


def _differences(section: BusSection, state: LinkState) -> Iterator[str]:
    """In which ways the kernel's timing is another than the bench file's."""
    timing, data = state.timing, state.data_timing
    got = "no bit rate" if timing is None else _rate(timing.bitrate)
    if timing is None or timing.bitrate != section.bitrate:
        yield f"the kernel has {state.channel} at {got}, the bench file says {_rate(section.bitrate)}"
    point = section.options.get("sample_point")
    if timing is not None and isinstance(point, int | float) and abs(timing.sample_point - point / 100) > _POINTS:
        yield f"its sample point is {timing.sample_point:.1%}, the bench file says {point:g} %"
    if section.data_bitrate and not state.fd:
        yield "it is set to classic CAN, the bench file says CAN FD"
    elif section.data_bitrate and (data is None or data.bitrate != section.data_bitrate):
        has = "no data bit rate" if data is None else f"the data bit rate {_rate(data.bitrate)}"
        yield f"it has {has}, the bench file says {_rate(section.data_bitrate)}"
    if state.listen_only and section.restbus:
        yield "it only listens, and the bench is to send"


def _mend(section: BusSection, state: LinkState) -> str:
    name, words = state.channel, f"bitrate {section.bitrate}"
    if section.data_bitrate:
        words += f" dbitrate {section.data_bitrate} fd on"
    if state.listen_only and section.restbus:
        words += " listen-only off"
    return f"ip link set {name} down; ip link set {name} up type can {words}"


def _controller(part: Part, state: LinkState) -> Finding:
    """How the controller stands, with its counters."""
    counters = f", TEC {state.transmit_errors}, REC {state.receive_errors}" if state.transmit_errors is not None else ""
    restarts = f"restarts after {state.restart_ms} ms" if state.restart_ms else "does not restart by itself"
    found = f"{state.state or 'in no known state'}{counters}; bus-off {state.counts.bus_offs} times so far; {restarts}"
    if state.state == BUS_OFF:
        mend = f"check bit rate and wiring; then ip link set {state.channel} type can restart"
        return part.row("controller", found, Mark.FAULT, mend)
    if state.state in ("error-warning", "error-passive"):
        mend = "check termination and ground, and that somebody acknowledges."
        return part.row("controller", found, Mark.NOTE, mend)
    return part.row("controller", found)


def _point(state: LinkState) -> str:
    return f", sample point {state.timing.sample_point:.1%}" if state.timing is not None else ""


def _rate(bitrate: int) -> str:
    return f"{bitrate / 1000:g} kbit/s"


__all__ = ["CHECK", "judge", "look"]
