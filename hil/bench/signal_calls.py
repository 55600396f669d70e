"""Signals as a test sees them: setting, ramps, drives, reading, checking. Part of the bench's facade."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Final

from hil import units
from hil.bench.portal import Portal
from hil.can import curves, database
from hil.can.curves import Column, Curve, Drive
from hil.can.database import SignalRef, SignalValue, Value
from hil.errors import UsageError
from hil.files import read_text
from hil.units import Duration

DEFAULT_WITHIN: Final = "2 s"
_SNA: Final = "sna"


@dataclass(slots=True, eq=False)
class _Point:
    """A point of a ramp or of a drive.

    Attributes:
        ref: its signal.
        value: what the signal is then.
        where: file and line that it comes from.
        is_number: whether the signal goes in a straight line to and from points beside it that are numbers too.
        curve: what the signal follows from here on; None: what it followed before, or nothing.
        is_followed: a point of a curve, not a value to be set.
    """

    ref: SignalRef
    value: Value
    where: str
    is_number: bool = True
    curve: Curve | None = None
    is_followed: bool = False


class SignalCalls:
    """The calls about signals; `portal` is given by the facade that they are part of."""

    portal: Portal
    _collected: dict[SignalRef, Value] | None = None

    # Setting ------------------------------------------------------------------------------------------------------

    def set_signal(self, name: str, value: SignalValue, unit: str = "") -> None:
        """Have the restbus send a value: `bench.set_signal("VehicleSpeed", "87 km/h")`.

        A cyclic message carries it from its next frame on; others are sent as their send type says.

        Args:
            name: `[bus::][Message.]Signal`.
            value: number, number with unit, label of the value table, `raw 0x1F` or `SNA`.
            unit: unit of a bare number; the signal's own if empty.

        Raises:
            UsageError: unknown or ambiguous signal, value out of range, or a signal of a node that is really there.
        """
        self.set_signals({name: f"{value} {unit}" if unit else value})

    def set_signals(self, values: Mapping[str, SignalValue]) -> None:
        """Set several signals at one instant: those of one message go out in one frame.

        Raises:
            UsageError: as `set_signal`; then none is set.
        """
        self.portal.call(self._set_signals(values))

    async def _set_signals(self, values: Mapping[str, SignalValue]) -> None:
        meant, wiring = {}, self.portal.wiring
        resolve = wiring.plan.network.resolve
        for name, value in values.items():
            ref = resolve(name)
            meant[ref] = database.to_value(ref, value)
        if self._collected is None:
            self._apply(meant)
            return
        for ref in meant:
            wiring.restbus.check(ref)  # else that is done when it is set
        self._collected |= meant

    def _apply(self, values: Mapping[SignalRef, Value]) -> None:
        wiring = self.portal.wiring
        t_ns = wiring.clock.now_ns
        wiring.traffic.set_all(values)
        for ref, value in values.items():
            wiring.recorder.signal(ref.full_name, value, "bench", t_ns)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """A block whose settings take effect together at its end; if it raises, none does.

        Frames of different messages still leave one after the other: by how much is written into the journal.
        """
        if self._collected is not None:
            raise UsageError("a transaction inside a transaction", remedy="set all signals in one block.")
        self._collected = {}
        try:
            yield
            collected = self._collected
        finally:
            self._collected = None
        self.portal.call(self._commit(collected))

    async def _commit(self, values: Mapping[SignalRef, Value]) -> None:
        self._apply(values)

    # Over time ----------------------------------------------------------------------------------------------------

    def ramp_signal(
        self, name: str, to: SignalValue, during: Duration, *, begin: SignalValue | None = None, wait: bool = True
    ) -> None:
        """Let a signal rise or fall in a straight line: each frame carries the value of its instant.

        It keeps the value of the end. Setting the signal, another ramp or a drive of it ends it before.

        Args:
            name: `[bus::][Message.]Signal` of a cyclic message.
            to: the value at the end.
            during: how long it takes.
            begin: the value to begin with; what is being sent if None.
            wait: go on when it has arrived; else at once, and the ramp goes on by itself.

        Raises:
            UsageError: as `set_signal`; or the message is not cyclic; or one end is no number (SNA).
        """
        self.portal.call(self._ramp(name, to, during, begin, wait))

    async def _ramp(self, name: str, to: SignalValue, during: Duration, begin: SignalValue | None, wait: bool) -> None:
        ref, wiring = self._network.resolve(name), self.portal.wiring
        end = database.to_value(ref, to)
        first = wiring.restbus.get(ref) if begin is None else database.to_value(ref, begin)
        _check_number(ref, first, "say where the ramp begins.")
        _check_number(ref, end, "ramp to a number.")
        curve = curves.ramp(first.physical, end.physical, wiring.clock.now_ns, units.nanoseconds(during))
        wiring.restbus.follow(ref, curve)
        self._record_signal(str(ref), first, "bench")
        token = wiring.traffic.plays[ref] = object()
        wiring.traffic.later(curve.end_ns, self._pass, (token, [_Point(ref, end, "", is_followed=True)]))
        if wait:
            await wiring.clock.sleep_until(curve.end_ns)

    def drive(self, path: str | Path, *, wait: bool = True) -> float:
        """Play a drive from CSV: numbers are interpolated, labels hold (see `hil.can.curves`).

        What stands in one row is set at one instant. A signal keeps its value until its first point and after its last
        one; setting it, a ramp or another drive of it ends its part. A signal whose message has no cycle steps from
        point to point, and so does one of which all numbers stand in its value table.

        Args:
            path: the file, as the process or the bench file sees it.
            wait: go on when it has ended; else at once, and it goes on by itself.

        Returns:
            Its duration in seconds.

        Raises:
            UsageError: the file can't be read, or a cell is no value of its signal: with file and line.
        """
        found = Path(path) if Path(path).is_file() else self.portal.wiring.config.locate(path)
        drive = curves.read_drive(read_text(found), str(path))
        self.portal.call(self._drive(drive, wait))
        return drive.duration_s

    async def _drive(self, drive: Drive, wait: bool) -> None:
        wiring = self.portal.wiring
        begin_ns = wiring.clock.now_ns
        rows: dict[int, list[_Point]] = {}
        for track in self._tracks(drive, begin_ns):
            for t_ns, point in track:
                rows.setdefault(t_ns, []).append(point)
        token = object()
        wiring.traffic.plays |= {point.ref: token for row in rows.values() for point in row}
        for t_ns, row in sorted(rows.items()):
            wiring.traffic.later(t_ns, self._pass, (token, row))
        if wait:
            await wiring.clock.sleep_until(begin_ns + round(drive.duration_s * 1e9))

    def _tracks(self, drive: Drive, begin_ns: int) -> list[list[tuple[int, _Point]]]:
        refs = [self._column_ref(drive, column) for column in drive.columns]
        twice = next((ref for ref in refs if refs.count(ref) > 1), None)
        if twice is not None:
            raise UsageError(f"{twice} has two columns", where=drive.header, remedy="leave one of them out.")
        tracks = []
        for ref, column in zip(refs, drive.columns, strict=True):
            times_ns = [begin_ns + round(t_s * 1e9) for t_s, _ in column.points]
            track = list(zip(times_ns, _points(ref, column, drive.where), strict=True))
            if self.portal.wiring.restbus.may_be_cyclic(ref) and not ref.signal.is_multiplexer:
                _join(track)
            tracks.append(track)
        return tracks

    def _column_ref(self, drive: Drive, column: Column) -> SignalRef:
        try:
            ref = self._network.resolve(column.signal)
            self.portal.wiring.restbus.check(ref)
        except UsageError as error:
            raise UsageError(error.what, where=drive.header, remedy=error.remedy) from None
        return ref

    def _pass(self, row: tuple[object, list[_Point]]) -> None:
        """Some signals pass a point now; those that follow something else by now are left alone."""
        token, points = row
        traffic, restbus = self.portal.wiring.traffic, self.portal.wiring.restbus
        points = [point for point in points if traffic.plays.get(point.ref) is token]
        for point in points:
            if point.curve is not None:
                restbus.pass_point(point.ref, point.value)  # which may make the message active, so that it has a cycle
                if restbus.is_cyclic(point.ref):
                    restbus.follow(point.ref, point.curve)
        self._set_points([point for point in points if not point.is_followed])
        for point in points:
            if point.is_followed:
                restbus.pass_point(point.ref, point.value)
            self._record_signal(str(point.ref), point.value, "bench")

    def _set_points(self, points: list[_Point]) -> None:
        try:
            self.portal.wiring.restbus.set_all({point.ref: point.value for point in points})
        except UsageError as error:
            what = f"{error.where}: {error.what}" if error.where else error.what
            raise UsageError(what, where=points[0].where, remedy=error.remedy) from None

    # Reading and checking -----------------------------------------------------------------------------------------

    @property
    def _network(self) -> database.Network:
        return self.portal.wiring.plan.network

    def _record_signal(self, name: str, value: Value, by: str) -> None:
        self.portal.wiring.recorder.signal(name, value, by)

    def signal(self, name: str) -> Value:
        """The last value of a signal: what came over the bus, or what the restbus sends.

        Raises:
            UsageError: unknown or ambiguous signal.
            EcuError: the ECU never sent it.
        """
        return self.portal.call(self._signal(name))

    async def _signal(self, name: str) -> Value:
        wiring = self.portal.wiring
        ref = self._network.resolve(name)
        if wiring.restbus.sends(ref):
            return wiring.restbus.get(ref)
        last = wiring.inbox.last(ref)
        if last is None:
            why = "nothing: its message never came"
            raise self.portal.judge.failed("signal", str(ref), "a value", why, self.portal.now_ns, buses=(ref.bus,))
        self._record_signal(str(ref), last[0], "ecu")
        return last[0]

    def signal_should_be(
        self, name: str, value: SignalValue, *, within: Duration = DEFAULT_WITHIN, tolerance: float = 0.0
    ) -> None:
        """Check that the ECU sends a value, by its last frame while that is fresh, or one that comes in time.

        Args:
            name: `[bus::][Message.]Signal`.
            value: what it must become.
            within: how long it may take.
            tolerance: permitted deviation, in the signal's unit.

        Raises:
            EcuError: it did not.
            UsageError: unknown or ambiguous signal, no value of it, or a signal that the restbus sends.
        """
        self.portal.call(self._signal_should_be(name, value, within, tolerance))

    def _refuse_check(self, ref: SignalRef, tolerance: float) -> None:
        if self.portal.wiring.restbus.sends(ref):
            mend = "check one that the ECU sends."
            raise UsageError(f"{ref} is sent by the restbus: a check of it would say nothing of the ECU", remedy=mend)
        if not 0 <= tolerance < math.inf:
            mend = "give how far it may be off to either side, without a sign."
            raise UsageError(f"{tolerance:g} is no tolerance", where=str(ref), remedy=mend)

    async def _signal_should_be(self, name: str, value: SignalValue, within: Duration, tolerance: float) -> None:
        wiring = self.portal.wiring
        inbox, clock = wiring.inbox, wiring.clock
        ref = wiring.plan.network.resolve(name)
        wanted = database.to_value(ref, value)
        self._refuse_check(ref, tolerance)
        since_ns, within_ns = clock.now_ns, units.nanoseconds(within)
        came = await inbox.wait(ref, ref.near(wanted.physical, tolerance), within_ns, now_ns=since_ns)
        expected = str(wanted)
        if came is None:
            t_ns = clock.now_ns
            seen = _said(inbox.last(ref), t_ns)
        else:
            said, t_ns = came
            seen = expected if said == wanted else str(said)
        self.portal.judge.check(
            name="signal",
            target=ref.full_name,
            expected=expected if not tolerance else f"{expected} +-{tolerance:g}",
            seen=seen,
            ok=came is not None,
            t_ns=t_ns,
            since_ns=since_ns,
            within_ns=within_ns,
            buses=(ref.bus,),
        )


def _said(last: tuple[Value, int] | None, now_ns: int) -> str:
    """What there was in the place of what was wanted."""
    if last is None:
        return "nothing: its message never came"
    return f"{last[0]}, said {units.show_duration(now_ns - last[1])} ago"


def _check_number(ref: SignalRef, value: Value, remedy: str) -> None:
    """A ramp needs numbers: a label beyond the physical range stands for none."""
    low, high = database.limits(ref)
    is_sna = value.label is not None and value.label.lower() == _SNA
    if is_sna or (value.label is not None and not low <= value.physical <= high):
        raise UsageError(f"{ref}: {value.label} is no number that a ramp can begin or end with", remedy=remedy)


def _points(ref: SignalRef, column: Column, file: str) -> list[_Point]:
    """The points of a column of a drive.

    Raises:
        UsageError: a cell is no value of the signal: with file and line.
    """
    points = []
    for (_, cell), line in zip(column.points, column.lines, strict=True):
        where = f"{file}:{line}"
        is_number, has_unit = _reads_as(ref, cell)
        text = cell if has_unit or not is_number else f"{cell} {column.unit}".strip()
        try:
            points.append(_Point(ref, database.to_value(ref, text), where, is_number))
        except UsageError as error:
            raise UsageError(error.what, where=where, remedy=error.remedy) from None
    return points


def _reads_as(ref: SignalRef, cell: str) -> tuple[bool, bool]:
    """Whether a cell is a number, and whether it has a unit of its own."""
    if any(label.lower() == cell.lower() for label in ref.labels):
        return False, False
    try:
        _, unit = units.parse(cell)
    except UsageError:
        return False, False
    return True, bool(unit)


def _join(track: list[tuple[int, _Point]]) -> None:
    """Numbers that follow each other become one curve, unless each of them stands in the value table."""
    for is_number, run in groupby(track, key=lambda timed: timed[1].is_number):
        timed = list(run)
        if not is_number or len(timed) < 2 or all(point.value.label is not None for _, point in timed):
            continue
        times_ns, points = zip(*timed, strict=True)
        points[0].curve = Curve(times_ns, tuple(point.value.physical for point in points))
        for point in points:
            point.is_followed = True
