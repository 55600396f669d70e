"""Whether a SocketCAN interface is as the bench file says, and, where the bench file asks for it, making it so.

Rules of this module: an interface that somebody else set up is compared and never changed: what differs is a bench
fault that says the command to mend it. One that the bench sets up is set only where it differs or is bus-off, so that a
bus that runs goes on running; it is taken down in the end if it was down in the beginning. A virtual interface (vcan)
has nothing to compare.

Not for: what the kernel is told (`hil.can.link`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from hil.can import link
from hil.can.link import LinkSettings, LinkState
from hil.errors import BenchError

NEAR: Final = 0.025
"""By how much a sample point may miss the one that was asked for, as on other interfaces."""


@dataclass(slots=True)
class LinkCare:
    """The care for one interface while a port is open.

    Attributes:
        channel: the interface.
        wanted: what the bench file says.
        sets_up: whether the bench sets it up.
    """

    channel: str
    wanted: LinkSettings
    sets_up: bool = False
    _was_down: bool = False

    def take(self) -> None:
        """Before the port opens it.

        Raises:
            BenchError: there is no such interface, it is otherwise than the bench file says, or the kernel refuses.
        """
        if not self.sets_up:
            self._compare()
            return
        state = link.read(self.channel)
        if not state.is_controller:
            mend = "leave set_up out, or name a controller: ip link show type can."
            raise BenchError("is a virtual interface, which has nothing to set up", where=self.channel, remedy=mend)
        if differences(state, self.wanted, restart=True):
            self._was_down = self._was_down or not state.up
            self._check(link.configure(self.channel, self.wanted))

    def let_go(self) -> None:
        """After the port closed it. An interface that is gone by then needs nothing."""
        if not self._was_down:
            return
        self._was_down = False
        try:
            link.bring(self.channel, up=False)
        except BenchError:
            return  # unplugged: whoever used it has said so

    def _compare(self) -> None:
        """Of an interface that isn't there, or is bus-off, the port speaks itself when it opens it."""
        try:
            state = link.read(self.channel)
        except BenchError:
            return
        differs = differences(state, self.wanted, restart=False) if state.is_controller else []
        if differs and state.state != link.BUS_OFF:
            raise BenchError(f"is {', '.join(differs)}", where=self.channel, remedy=self._mend())

    def _check(self, state: LinkState) -> None:
        left = differences(state, self.wanted, restart=True)
        if left:
            mend = "choose what its controller has: ip -details link show."
            raise BenchError(f"was set up and is {', '.join(left)}", where=self.channel, remedy=mend)

    def _mend(self) -> str:
        return f"correct the bench file, write set_up = true, or as root: {command(self.channel, self.wanted)}"


def differences(state: LinkState, wanted: LinkSettings, *, restart: bool) -> list[str]:
    """In what a controller's interface is otherwise than it should be, for people. Pure.

    Args:
        state: as it is.
        wanted: as it should be.
        restart: whether the time until a restart counts.
    """
    timing, data = state.timing, state.data_timing
    found = [] if state.up else ["down"]
    if state.state == link.BUS_OFF:
        found.append(link.BUS_OFF)
    found += _rate("", timing.bitrate if timing else 0, wanted.bitrate)
    found += _point("", timing.sample_point if timing else 0, wanted.sample_point)
    if wanted.data_bitrate:
        found += _rate(" in the data phase", data.bitrate if data and state.fd else 0, wanted.data_bitrate)
        found += _point(" in the data phase", data.sample_point if data else 0, wanted.data_sample_point)
    if state.listen_only != wanted.listen_only:
        found.append("listening only" if state.listen_only else "not listening only")
    if restart and state.restart_ms != wanted.restart_ms:
        found.append(f"restarted after {state.restart_ms} ms instead of {wanted.restart_ms}")
    return found


def _rate(where: str, is_now: int, wanted: int) -> list[str]:
    return [] if is_now == wanted else [f"set to {is_now or 'no'} bit/s{where} instead of {wanted}"]


def _point(where: str, is_now: float, wanted: float | None) -> list[str]:
    if wanted is None or not is_now or abs(is_now - wanted) <= NEAR:
        return []
    return [f"sampling at {is_now:.1%}{where} instead of {wanted:.1%}"]


def command(channel: str, wanted: LinkSettings) -> str:
    """The command that sets an interface up."""
    words = [f"ip link set {channel} down; ip link set {channel} up txqueuelen {link.QUEUE_FRAMES} type can"]
    words.append(f"bitrate {wanted.bitrate}")
    words += [] if wanted.sample_point is None else [f"sample-point {wanted.sample_point:.3f}"]
    if wanted.data_bitrate:
        words.append(f"dbitrate {wanted.data_bitrate}")
        words += [] if wanted.data_sample_point is None else [f"dsample-point {wanted.data_sample_point:.3f}"]
        words.append("fd on")
    words += ["listen-only on"] if wanted.listen_only else ["listen-only off"]
    return " ".join(words)


__all__ = ["NEAR", "LinkCare", "command", "differences"]
