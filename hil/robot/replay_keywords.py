"""Keywords for recorded logs."""

from __future__ import annotations

from typing import Any

from robot.api.deco import keyword

from hil.robot.group import KeywordGroup
from hil.robot.types import Duration, Truth


class ReplayKeywords(KeywordGroup):
    """Recorded logs, played onto the buses."""

    @keyword(tags=["replay"])
    def replay(
        self,
        file: str,
        start: Duration = Duration(0),
        end: Duration | None = None,
        only: str = "",
        without: str = "",
        channels: str = "",
        speed: float = 1.0,
        repeat: int = 1,
        protect: Truth = Truth.no,
        nm: Truth = Truth.no,
        diagnosis: Truth = Truth.no,
        restbus: Truth = Truth.yes,
        wait: Truth = Truth.yes,
        **override: str,
    ) -> Any:
        """Plays a recorded log (candump, ASC, BLF, MF4, a journal) with its original timing, and goes on at its end.

        With ``wait=no`` it goes on at once, and the replay until it ends, `Stop Replay`, or the test's end. Signals of
        the log are overridden by name. ``only``, ``without`` and ``channels`` take several things with commas between.

        | Replay    drive.blf |
        | Replay    drive.blf    start=10 s    end=20 s    repeat=3 |
        | Replay    drive.blf    without=TCM_*    VehicleSpeed=50 km/h    Gear=R |
        | Replay    drive.asc    channels=1=chassis, 2=body    wait=no |

        Gives what became of it: ``${replay.frames}``, ``${replay.duration_s}``, ``${replay.left_out}``.
        """
        return self.bench.replay(
            file,
            start=float(start),
            end=None if end is None else float(end),
            only=_parts(only),
            without=_parts(without),
            channels=dict(_pair(text) for text in _parts(channels)),
            override=override,
            speed=speed,
            repeat=repeat,
            protect=bool(protect),
            nm=bool(nm),
            diagnosis=bool(diagnosis),
            restbus=bool(restbus),
            wait=bool(wait),
        )

    @keyword(tags=["replay"])
    def stop_replay(self) -> None:
        """Ends a replay that goes on beside the test; the restbus goes on from what was sent last."""
        self.bench.stop_replay()


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _pair(text: str) -> tuple[str, str]:
    channel, _, bus = text.partition("=")
    return channel.strip(), bus.strip()
