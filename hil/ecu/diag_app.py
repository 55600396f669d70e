"""The application behind the ECU's diagnosis: ISO-TP on its CAN bus, and the UDS server on top.

Rules of this module: normal addressing on the body bus: requests to this ECU on 0x720, to all on 0x7DF, answers on
0x728. An ECU without that bus has no diagnosis. In a session other than the default one the ECU stays awake.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from hil.can.frames import CanFrame
from hil.diag.isotp import Failed
from hil.diag.link import Address, Link
from hil.ecu.app import App, Platform
from hil.ecu.com import Careful
from hil.ecu.diag_security import Lock
from hil.ecu.diag_server import Session, UdsServer
from hil.ecu.diag_services import Services, TroubleCodes

BUS: Final = "body"
REQUEST: Final = 0x720
RESPONSE: Final = 0x728
FUNCTIONAL: Final = 0x7DF
_NO_FRAME_TYPE: Final = 0x40
"""ISO-TP knows no frame that begins with this or more."""
_SHORT: Final = 32


class _Ear:
    """What one connection tells: requests of its kind go to the server."""

    def __init__(self, server: UdsServer, functional: bool) -> None:
        self._server, self._functional = server, functional

    def on_message(self, data: bytes) -> None:
        self._server.on_request(data, self._functional)

    def on_began(self, length: int) -> None:
        self._server.on_began()

    def on_sent(self, data: bytes) -> None:
        self._server.on_sent()

    def on_failed(self, failed: Failed) -> None:
        if failed.sending:
            self._server.on_sent()
        else:
            self._server.on_broken()


class DiagApp(App):
    """Diagnosis over CAN.

    Args:
        platform: what the ECU stands on.
        codes: its memory of trouble codes.
        odometer_km: reads the odometer.
    """

    name = "diagnosis"

    def __init__(self, platform: Platform, codes: TroubleCodes, *, odometer_km: Callable[[], float]) -> None:
        super().__init__(platform)
        self._codes = codes
        self._lock, self._is_stuck = Lock(platform), False
        self._server = UdsServer(platform.clock, platform.rng, self._respond, self._on_session, platform.defects)
        Services(platform, self._codes, self._server, self._lock, odometer_km)
        self._links: dict[int, Link] = {}
        if BUS in platform.wires.can:
            port = Careful(platform.wires.can[BUS])
            physical = Link(platform.clock, port, Address(RESPONSE, REQUEST), _Ear(self._server, False))
            functional = Link(platform.clock, port, Address(None, FUNCTIONAL), _Ear(self._server, True))
            self._links = {REQUEST: physical, RESPONSE: physical, FUNCTIONAL: functional}
        self.can_ids = frozenset((BUS, can_id) for can_id in self._links)

    def start(self) -> None:
        """The ECU has started."""
        self._lock.start()
        self._codes.control(True)

    def stop(self) -> None:
        """The power went."""
        for link in self._links.values():
            link.reset()
        self._is_stuck = False
        self._server.stop()
        self.platform.com.allow(rx=True, tx=True)

    def on_frame(self, frame: CanFrame) -> None:
        """A frame of diagnosis, own ones included."""
        self._is_stuck |= "stray_frame_ends_diagnosis" in self.platform.defects and frame.data[0] >= _NO_FRAME_TYPE
        if not self._is_stuck:
            self._links[frame.can_id].on_frame(frame)

    on_sent = on_frame

    def _respond(self, answer: bytes) -> None:
        self._links[RESPONSE].send(answer[:_SHORT] if "long_answers_cut" in self.platform.defects else answer)

    def _on_session(self, session: Session) -> None:
        self._lock.close()
        if session is Session.DEFAULT:
            self._codes.control(True)
            if "silenced_for_good" not in self.platform.defects:
                self.platform.com.allow(rx=True, tx=True)
        self.platform.keep_awake("diagnosis", session is not Session.DEFAULT)
