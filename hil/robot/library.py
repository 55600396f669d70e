"""The library class: assembled from groups of keywords, one instance a run, with the listener that runs the cases."""

from __future__ import annotations

import base64
from enum import Enum
from typing import Any

from robot.api import logger
from robotlibcore import DynamicCore

from hil import __version__
from hil.errors import EcuError, HilError
from hil.robot.cloud_keywords import CloudKeywords
from hil.robot.console_keywords import ConsoleKeywords
from hil.robot.diag_keywords import DiagKeywords
from hil.robot.hmi_keywords import HmiKeywords
from hil.robot.latency_keywords import LatencyKeywords
from hil.robot.listener import BenchListener
from hil.robot.network_keywords import NetworkKeywords
from hil.robot.power_keywords import PowerKeywords
from hil.robot.replay_keywords import ReplayKeywords
from hil.robot.screen_keywords import ScreenKeywords
from hil.robot.signal_keywords import SignalKeywords
from hil.robot.time_keywords import TimeKeywords
from hil.robot.traffic_keywords import TrafficKeywords
from hil.robot.types import CONVERTERS
from hil.robot.update_keywords import UpdateKeywords


class CockpitBench(DynamicCore):  # type: ignore[misc]
    """Keywords for testing a cockpit ECU on a bench: signals in, pixels, console and current out.

    | *** Settings ***
    | Library    hil.robot
    |
    | *** Test Cases ***
    | Main beam lights its telltale
    |     [Tags]    req:CLU-TT-001
    |     Set Signal    HighBeam    On
    |     Telltale Should Be    high_beam    on    within=300 ms

    = The bench =
    Every test gets a fresh bench, brought to where the test starts from: with ignition on and the ECU up, or as its
    tag says: ``start:off`` (no supply) or ``start:sleep``. Which bench it is, virtual or real, is said by
    ``hil run --bench FILE`` (or the environment variable ``HIL_BENCH``); a suite never asks.

    = Time =
    All durations are bench time, written with their unit: ``300 ms``, ``2 s``, ``1 min``; ``2 seconds`` and
    ``1 minute`` are the same. `Sleep` and `Wait Until Keyword Succeeds` of this library wait in bench time and win over
    those of BuiltIn. A number of repetitions (``3x``) is no duration.

    = Values =
    A signal is named ``Signal``, ``Message.Signal`` or ``bus::Message.Signal``. A value is a number with or without its
    unit (``87 km/h``), a label of the signal's value table (``On``), ``raw 0x1F``, or ``SNA``.

    = Tags =
    ``req:ID`` names a requirement that the test verifies, ``start:off`` and ``start:sleep`` its start,
    ``timeout:30 s`` the bench time that it may take, ``needs:navigation`` what the variant must be fitted with and
    ``variant:alta`` a variant that it is for. ``table:speeds.csv`` makes a test of each row of that table, with a
    variable for each column. Other tags are words to select by.
    """

    ROBOT_LIBRARY_SCOPE = "GLOBAL"
    ROBOT_LIBRARY_VERSION = __version__
    ROBOT_LIBRARY_DOC_FORMAT = "ROBOT"
    ROBOT_LIBRARY_CONVERTERS = CONVERTERS

    def __init__(self) -> None:
        self._listener = BenchListener.of_the_run or BenchListener()
        if BenchListener.of_the_run is None:
            self.ROBOT_LIBRARY_LISTENER = self._listener
        groups = (
            PowerKeywords, SignalKeywords, TrafficKeywords, ScreenKeywords, ConsoleKeywords, LatencyKeywords,
            HmiKeywords, NetworkKeywords, ReplayKeywords, TimeKeywords, CloudKeywords, UpdateKeywords, DiagKeywords,
        )  # fmt: skip
        super().__init__([group(self._bench) for group in groups])

    def _bench(self) -> Any:
        return self._listener.bench()

    def run_keyword(self, name: str, args: Any, kwargs: Any = None) -> Any:
        """Run a keyword (Robot calls this); what it raises is kept for the verdict, its picture goes to the log."""
        try:
            bench = self._bench()
            with bench.step(name.replace("_", " ").title(), *_shown(args, kwargs)):
                return super().run_keyword(name, args, kwargs)
        except HilError as error:
            self._listener.keep(error)
            if isinstance(error, EcuError) and error.picture:
                _log_picture(error.picture)
            raise


def _shown(args: Any, kwargs: Any) -> list[str]:
    return [_word(value) for value in args] + [f"{name}={_word(value)}" for name, value in (kwargs or {}).items()]


def _word(value: Any) -> str:
    """An argument as a suite writes it: a member of an enumeration by its name, a duration with its unit."""
    return value.name if isinstance(value, Enum) else str(value)


def _log_picture(png: bytes) -> None:
    data = base64.b64encode(png).decode()
    logger.info(f'<img src="data:image/png;base64,{data}" style="max-width:100%" alt="what was seen">', html=True)
