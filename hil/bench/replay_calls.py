"""Recorded logs as a test replays them. Part of the bench's facade."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hil import units
from hil.bench.portal import Portal
from hil.can.database import SignalValue
from hil.errors import UsageError
from hil.units import Duration

if TYPE_CHECKING:
    from hil.bench.replay import Player
    from hil.bench.replay_survey import Prepared


class Replay:
    """A replay: while it goes on, and what became of it.

    Args:
        player: what plays it.
    """

    def __init__(self, player: Player) -> None:
        self._player, self._prepared = player, player.prepared

    @property
    def frames(self) -> int:
        """How many frames were sent so far."""
        return self._player.frames

    @property
    def planned(self) -> int:
        """How many frames it has, in all of its passes."""
        return self._prepared.frames * self._prepared.wish.repeat

    @property
    def duration_s(self) -> float:
        """How long it took, or has taken so far: bench time."""
        return self._player.duration_ns / 1e9

    @property
    def is_over(self) -> bool:
        """Whether it has ended, or was stopped."""
        return self._player.end_ns is not None

    @property
    def is_complete(self) -> bool:
        """Whether it was played to its end."""
        return self._player.is_complete

    @property
    def left_out(self) -> dict[str, int]:
        """Why frames of the log aren't replayed -> how many in a pass; `frames that no bus can carry` so far."""
        more = {why: count for why, count in self._player.plan.left_out.items() if why in _ON_THE_WAY}
        return dict(self._prepared.left_out) | more

    @property
    def overridden(self) -> dict[str, int]:
        """Signal -> how many frames carried its overriding value so far."""
        counts = self._player.plan.overridden
        return {str(ref): counts[ref] for ref in self._prepared.options.overrides}

    @property
    def late(self) -> int:
        """How many frames left later than they may."""
        return self._player.late

    @property
    def worst_late_s(self) -> float:
        """By how much a frame left late at most."""
        return self._player.worst_late_ns / 1e9

    @property
    def remarks(self) -> list[str]:
        """What else is to be known, a line each: channels, a log that was cut, what could not be done."""
        return [line for line in (*self._prepared.channels, self._prepared.complaint, *self._shortcomings()) if line]

    def _shortcomings(self) -> list[str]:
        lanes = self._player.handover.lanes.values()
        short = {lane.name: lane.guard.too_short for lane in lanes if lane.guard is not None and lane.guard.too_short}
        lines = [f"{name}: {count} frames are too short to be protected" for name, count in short.items()]
        for name in self._player.handover.not_taken:
            lines.append(f"{name} is not what the database says; the restbus goes on with its own values")
        if self.is_over:
            unseen = [signal for signal, count in self.overridden.items() if not count]
            lines += [f"{signal} was in no frame, so that nothing was overridden" for signal in unseen]
        return lines

    def __str__(self) -> str:
        return f"{self.frames} frames of {self._prepared.wish.file.name} in {self.duration_s:.3f} s"


_ON_THE_WAY = ("frames that no bus can carry",)


class ReplayCalls:
    """The calls about replays; `portal` is given by the facade that they are part of."""

    portal: Portal

    def replay(
        self,
        file: str | Path,
        *,
        start: Duration = 0,
        end: Duration | None = None,
        only: Sequence[str] = (),
        without: Sequence[str] = (),
        channels: Mapping[str, str] | None = None,
        override: Mapping[str, SignalValue] | None = None,
        speed: float = 1.0,
        repeat: int = 1,
        protect: bool = False,
        nm: bool = False,
        diagnosis: bool = False,
        restbus: bool = True,
        wait: bool = True,
    ) -> Replay:
        """Play a recorded log onto the buses: `bench.replay("drive.blf", override={"VehicleSpeed": "50 km/h"})`.

        Each frame is handed to its bus at the distance from the first that it has in the log. Frames of nodes that are
        really there are left out. The restbus is silent about the messages that are replayed, and goes on afterwards
        from what was sent last.

        Args:
            file: candump, ASC, BLF, MF4 or a journal, as the process or the bench file sees it.
            start: where in the log it begins, from the log's first frame.
            end: where in the log it ends; None: with the log.
            only: messages, signals (whose messages are meant) or identifiers: `"ESC_*"`, `"0x100-0x1FF"`; all if empty.
            without: likewise, what is left out.
            channels: channel of the log -> bus: `{"1": "chassis"}`, where neither name nor number says it.
            override: signal -> the value that every frame with it carries; E2E protection is made to fit.
            speed: how many seconds of the log a second plays.
            repeat: how often it is played; counters go on from pass to pass.
            protect: give all protected messages counters and checksums anew, whatever the log has.
            nm: replay network management too, in the place of the bench's own.
            diagnosis: replay diagnosis too.
            restbus: let the restbus go on with messages that aren't in the log.
            wait: go on when it has ended; else at once, and it goes on until it ends or the case does.

        Raises:
            UsageError: the log can't be read or nothing of it is left; an argument is wrong; or another replay plays on
                one of the buses.
        """
        from hil.bench.replay_survey import ReplayWish, prepare

        wiring = self.portal.wiring
        wish = ReplayWish(
            file=Path(file) if Path(file).is_file() else wiring.config.locate(file),
            start_ns=_time_ns(start, "start"),
            end_ns=None if end is None else _time_ns(end, "end"),
            only=_texts(only),
            without=_texts(without),
            channels=channels or {},
            override=override or {},
            speed=speed,
            repeat=repeat,
            protect=protect,
            nm=nm,
            diagnosis=diagnosis,
            restbus=restbus,
        )
        return self.play(prepare(wiring.config, wiring.plan.network, wish), wait=wait)

    def play(self, prepared: Prepared, *, wait: bool = True) -> Replay:
        """Play what was prepared before.

        Raises:
            UsageError: another replay plays on one of the buses.
        """
        return self.portal.call(self._play(prepared, wait))

    async def _play(self, prepared: Prepared, wait: bool) -> Replay:
        from hil.bench.replay import Player

        player = Player(self.portal.wiring, prepared)
        try:
            await player.start()
            if wait:
                await player.ended
        except BaseException:
            player.stop()
            raise
        return Replay(player)

    def stop_replay(self) -> None:
        """End all replays now; the restbus goes on from there. Does nothing where none goes on."""
        self.portal.call(self._stop_replay())

    async def _stop_replay(self) -> None:
        for player in tuple(self.portal.wiring.traffic.players):
            player.stop()


def _time_ns(time: Duration, what: str) -> int:
    try:
        return units.nanoseconds(time)
    except UsageError as error:
        raise UsageError(error.what, where=what, remedy=error.remedy or "write it as '10 s'.") from None


def _texts(patterns: Sequence[str]) -> tuple[str, ...]:
    """One pattern may stand alone."""
    return (patterns,) if isinstance(patterns, str) else tuple(patterns)


__all__ = ["Replay", "ReplayCalls"]
