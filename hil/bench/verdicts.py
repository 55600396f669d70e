"""From a check's result to a verdict: written to the journal, raised where it failed, weighed against lateness."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final

from hil import units
from hil.bench.blind import worst_of
from hil.bench.recorder import Recorder
from hil.clock import Clock
from hil.errors import BenchError, EcuError, InconclusiveError, UsageError
from hil.journal import Origin

NO_CHECK: Final = "no check was made: nothing but the monitors judged the ECU"
NOT_USED: Final = "no check was made: the bench was not used"
_ORIGINS: Final = {origin: origin.name.lower() for origin in Origin}


class Judge:
    """Judges the checks of one case."""

    def __init__(self, recorder: Recorder, clock: Clock) -> None:
        self._recorder, self._clock = recorder, clock
        self._expecting = 0
        self._expected_seen = 0

    def check(
        self,
        *,
        name: str,
        target: str,
        expected: str,
        seen: str,
        ok: bool,
        t_ns: int,
        since_ns: int,
        within_ns: int = 0,
        score: float | None = None,
        margin: float | None = None,
        origin: Origin = Origin.SIM,
        bound_ns: int = 0,
        detail: str = "",
        measured: str = "",
        region: Sequence[int] | None = None,
        throughout: bool = False,
        buses: Collection[str] = (),
    ) -> None:
        """Write a check down and raise where it did not pass.

        Args:
            name: kind of check.
            target: what was looked at.
            expected: what the test demands.
            seen: what was there.
            ok: whether it passed.
            t_ns: bench time of the deciding observation.
            since_ns: bench time at which the check began.
            within_ns: how long it was allowed to take.
            score: how well it matched, 0 to 1.
            margin: distance of the score to its threshold.
            origin: where `t_ns` came from.
            bound_ns: bound on the error of `t_ns`.
            detail: more, for the report.
            measured: what a reader measured, with its thresholds; for the report alone.
            region: left, top, width, height of what was looked at on a screen, px.
            throughout: it had to hold all the time, so that a pass on a late bench says nothing either.
            buses: whose frames it needed.

        Raises:
            EcuError: it failed.
            InconclusiveError: the bench was late while the evidence was gathered.
        """
        self._recorder.checks += 1
        is_plain = score is None and margin is None and region is None and not measured and (ok or not self._expecting)
        if not is_plain or not self._recorder.plain_check(
            t_ns, name, target, expected, seen, ok, since_ns, within_ns, _ORIGINS[origin], bound_ns, detail
        ):
            fields: dict[str, Any] = {
                "name": name, "target": target, "expected": expected, "seen": seen, "ok": ok, "since_ns": since_ns,
                "within_ns": within_ns, "origin": _ORIGINS[origin], "bound_ns": bound_ns, "detail": detail,
            }  # fmt: skip
            more = {"score": score, "margin": margin, "measured": measured or None, "region": region and list(region)}
            fields |= {field: value for field, value in more.items() if value is not None}
            fields |= {"declared": True} if self._expecting and not ok else {}
            self._recorder.record("check", fields, t_ns=t_ns)
            self._flush()
        if throughout or not ok:
            self._weigh_lateness(since_ns, not ok, f"{name} {target}")
            self._weigh_blindness(since_ns, buses, not ok, f"{name} {target}")
        if not ok:
            raise self._failure(f"{target}: expected {expected}, seen {seen}", since_ns, within_ns, t_ns, detail)

    def failed(
        self,
        name: str,
        target: str,
        expected: str,
        seen: str,
        t_ns: int,
        since_ns: int | None = None,
        *,
        buses: Collection[str] = (),
    ) -> EcuError:
        """The error of a check that failed; written down, not raised. Raises InconclusiveError as `check`."""
        begin_ns = t_ns if since_ns is None else since_ns
        try:
            self.check(
                name=name, target=target, expected=expected, seen=seen, ok=False, t_ns=t_ns, since_ns=begin_ns,
                buses=buses,
            )  # fmt: skip
        except EcuError as error:
            return error
        raise AssertionError("a failed check passed")

    def _flush(self) -> None:
        if self._recorder.journal is not None:
            self._recorder.journal.flush()

    def _weigh_lateness(self, since_ns: int, failed: bool, what: str) -> None:
        late, when = self._recorder.late_during(since_ns, self._clock.now_ns), "meanwhile"
        if late is None and failed:
            late, when = self._recorder.lateness_that_shows(), "before, and the ECU may have noticed"
        if late is None:
            return
        error = InconclusiveError(
            f"{what}: the bench was late {when}: {late.what} by {units.show_duration(late.late_ns)} "
            f"(allowed {units.show_duration(late.allowed_ns)}) at {units.show_time(late.due_ns)}",
            remedy="take load off the machine and run it again.",
        )
        raise error

    def _weigh_blindness(self, since_ns: int, buses: Collection[str], failed: bool, what: str) -> None:
        known, now_ns = self._recorder.blind, self._clock.now_ns
        blind = worst_of(known, buses, failed=failed, from_ns=since_ns, to_ns=now_ns) if known else None
        if blind is not None:
            mend = "take load off the machine and run it again."
            raise InconclusiveError(f"{what}: the bench was blind meanwhile: {blind}", remedy=mend)

    def _failure(self, what: str, since_ns: int, within_ns: int, t_ns: int, detail: str) -> EcuError:
        watched = (
            f"; watched for {units.write_duration(within_ns)} from {units.show_time(since_ns)}" if within_ns else ""
        )
        text = f"{what} (seen at {units.show_time(t_ns)}{watched})" + (f"; {detail}" if detail else "")
        text = self._recorder.hide(text)
        error = EcuError(text)
        if self._expecting:
            self._expected_seen += 1
        else:
            self._recorder.failed_checks.append(text)
        return error

    @contextlib.contextmanager
    def expected_failure(self) -> Iterator[None]:
        """A block in which a check must fail.

        Raises:
            EcuError: none did.
        """
        self._expecting += 1
        before = self._expected_seen
        try:
            yield
        except Exception as error:
            other = isinstance(error, BenchError | UsageError | InconclusiveError)
            other |= isinstance(error, AssertionError) and not isinstance(error, EcuError)
            if other or self._expected_seen == before:
                raise
        finally:
            self._expecting -= 1
        if self._expected_seen == before:
            raise self._failure("a check was expected to fail, but none did", 0, 0, self._clock.now_ns, "")

    @property
    def failures(self) -> int:
        """How many checks failed so far that were not declared as expected."""
        return len(self._recorder.failed_checks)

    def forgive(self, since: int, until: int) -> None:
        """Forget the failed checks of attempts that a later one made good: from number `since` up to `until`."""
        del self._recorder.failed_checks[since:until]


def remark_of(recorder: Recorder | None, *, judged_itself: bool) -> str:
    """What must be said of a case that passes: that it made no check, if so; else nothing.

    Args:
        recorder: of its bench; None if it never asked for one.
        judged_itself: whether it compared something by its own means.
    """
    if judged_itself or (recorder is not None and recorder.checks):
        return ""
    return NOT_USED if recorder is None else NO_CHECK
