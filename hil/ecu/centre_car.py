"""The car as the centre screen sees it: what it says, and what is asked of it.

Rules of this module: what the car said comes out of `Com` by name; None is what isn't known. A request is a pulse: the
value, then back to "no request", so that equal requests in a row are told apart. Pulses of one message queue up; one
that sets the same signals as the last in the queue replaces it, so that a slider doesn't lag behind its finger.

Not for: deciding what to ask (`hil.ecu.centre_actions`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final

from hil.can import database
from hil.can.frames import CanFrame
from hil.ecu.com import Com
from hil.ecu.signals import Reading
from hil.errors import UsageError

PULSE_NS: Final = 100_000_000
_QUEUE: Final = 8
IDLE: Final[dict[str, int]] = {
    "SetTemperatureLeftRequest": 63, "SetTemperatureRightRequest": 63, "FanLevelRequest": 15,
    "AirDistributionRequest": 15, "AirConditioningRequest": 3, "RecirculationRequest": 3, "DefrostFrontRequest": 3,
    "DefrostRearRequest": 3, "ClimateAutoRequest": 3, "ClimateSyncRequest": 3, "HeatedWheelRequest": 3,
    "MediaCommand": 0, "AudioSourceRequest": 0, "AudioVolumeRequest": 63, "PhoneCommand": 0, "VoiceRequest": 0,
    "CameraRequest": 0, "ParkAidRequest": 0, "NavCommand": 0, "SeatHeatingDriverRequest": 7,
    "SeatHeatingPassengerRequest": 7, "ProfileCommand": 0, "ProfileTarget": 0,
}  # fmt: skip
"""Raw value of "no request" of each signal that is pulsed."""


class Car:
    """What the car says.

    Args:
        com: where it is heard.
        keeps: what silent senders said last is still believed (a defect).
    """

    def __init__(self, com: Com, *, keeps: bool = False) -> None:
        self._com, self._keeps = com, keeps
        self._assumed: dict[tuple[str, str], int] = {}
        self._readings: dict[tuple[str, str], Reading] = {}

    def _reading(self, message: str, signal: str) -> Reading:
        key = message, signal
        found = self._readings.get(key)
        if found is None:
            found = self._readings[key] = self._com.signal(message, signal)
        return found

    def raw(self, message: str, signal: str) -> Any:
        """Raw value; None where nothing is known."""
        reading = self._reading(message, signal)
        if self._assumed and (message, signal) in self._assumed:
            return self._assumed[message, signal]
        return reading.stale if self._keeps and reading.raw is None else reading.known

    def assume(self, message: str, signal: str, raw: int) -> None:
        """Take what was asked for what the car says (a defect)."""
        self._assumed[message, signal] = raw

    def last(self, message: str, signal: str) -> Any:
        """Raw value as it last came, also SNA; None if it never did."""
        return self._reading(message, signal).stale

    def value(self, message: str, signal: str) -> float | None:
        """Physical value; None where nothing is known."""
        return self._reading(message, signal).value_of(self.raw(message, signal))

    def label(self, message: str, signal: str) -> str:
        """The label of a value; empty where nothing is known."""
        raw = self.raw(message, signal)
        if raw is None:
            return ""
        choices: Mapping[int, Any] = self._com.slot(message).message.get_signal_by_name(signal).choices or {}
        return str(choices.get(raw, ""))


class Requests:
    """What is asked of the car.

    Args:
        com: where it goes out.
        later: the platform's timer.
        lasting: a signal that isn't taken back (a defect).
    """

    def __init__(self, com: Com, later: Callable[..., None], *, lasting: str = "") -> None:
        self._com, self._later, self._lasting = com, later, lasting
        self._queues: dict[str, deque[dict[str, int]]] = {}
        self._active: set[str] = set()

    def forget(self) -> None:
        """All that was asked in a former life."""
        self._queues, self._active = {}, set()

    def pulse(self, message: str, **raw: int) -> None:
        """Ask for something once."""
        queue = self._queues.setdefault(message, deque(maxlen=_QUEUE))
        if queue and queue[-1].keys() == raw.keys() and message != "CLU_MediaCommand":
            queue[-1] = raw
        else:
            queue.append(raw)
        if message not in self._active:
            self._next(message)

    def set_volume(self, volume: int) -> None:
        """Ask for a volume; of several that wait the last counts."""
        queue = self._queues.setdefault("CLU_MediaCommand", deque(maxlen=_QUEUE))
        if queue and "AudioVolumeRequest" in queue[-1]:
            queue.pop()
        self.pulse("CLU_MediaCommand", AudioVolumeRequest=volume)

    def _next(self, message: str) -> None:
        queue = self._queues[message]
        if not queue:
            self._active.discard(message)
            return
        self._active.add(message)
        raw = queue.popleft()
        self._com.write(message, **raw)
        self._later(PULSE_NS, self._release, (message, tuple(raw)))

    def _release(self, what: tuple[str, tuple[str, ...]]) -> None:
        message, signals = what
        self._com.write(message, **{name: IDLE[name] for name in signals if name != self._lasting})
        self._later(PULSE_NS // 2, self._next, message)


# ---- texts that come in pages


def characters(raw: int) -> str:
    """Six characters (Latin-1), the first in the highest byte; those after a zero byte don't count."""
    return raw.to_bytes(6, "big").decode("latin-1")


class Pages:
    """Texts of one message that come six characters a page.

    A page that differs from what it was with number 0 begins a new text. A text ends at a zero byte, or with the last
    page there is.
    """

    def __init__(self) -> None:
        self._pages: dict[str, dict[int, str]] = {}

    def put(self, what: str, page: int, text: str) -> None:
        """A page came."""
        pages = self._pages.setdefault(what, {})
        if page == 0 and pages.get(0) != text:
            pages.clear()
        pages[page] = text

    def text(self, what: str, count: int | None = None) -> str:
        """What there is of a text without a gap, of at most `count` pages."""
        pages, found = self._pages.get(what, {}), ""
        for page in range(8 if count is None else count):
            if page not in pages:
                break
            found += pages[page]
            if "\0" in pages[page]:
                break
        return found.partition("\0")[0].strip()


class Texts:
    """All texts that come in pages: roads, titles, callers."""

    messages: Final = ("NAV_RoadName", "MEDIA_Text", "MEDIA_Caller")

    def __init__(self, com: Com, *, first_page_only: bool = False, road_kept: bool = False) -> None:
        self._messages = {
            com.slot(name).message.frame_id: com.slot(name).message for name in self.messages if com.has(name)
        }
        self._first_page_only, self._road_kept = first_page_only, road_kept
        self.forget()

    def forget(self) -> None:
        """What came in a former life."""
        self._pages = Pages()
        self._counts: dict[str, int] = {}

    @property
    def ids(self) -> tuple[int, ...]:
        """Identifiers of the frames it wants."""
        return tuple(self._messages)

    def on_frame(self, frame: CanFrame) -> None:
        """A page came."""
        message = self._messages[frame[2]]
        try:
            found = database.decode(message, frame[3])
        except UsageError:  # its multiplexer selects nothing
            return
        if message.name == "NAV_RoadName":
            self._put("road", found, "RoadNamePage", "RoadName", str(int(found["RoadNameOf"])), "RoadNamePages")
        elif message.name == "MEDIA_Caller":
            self._put("caller", found, "CallerPage", "CallerName", "", "CallerPages")
        else:
            kind = ("Title", "Artist", "Station")[int(found["MediaTextKind"])]
            self._put(kind, found, f"Media{kind}Page", f"Media{kind}", "", "")

    def _put(self, what: str, found: dict[str, Any], page: str, name: str, of: str, pages: str) -> None:
        number = int(found[page])
        if self._first_page_only and number and what in ("Title", "Artist"):
            return
        if self._road_kept and what == "road" and self._pages.text(what + of):
            return
        if pages:
            self._counts[what + of] = int(found[pages])
        self._pages.put(what + of, number, characters(int(found[f"{name}{number + 1}"])))

    def text(self, what: str) -> str:
        """`road0` to `road2` (current, next, destination), `caller`, `Title`, `Artist` or `Station`."""
        return self._pages.text(what, self._counts.get(what))
