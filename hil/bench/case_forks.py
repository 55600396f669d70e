"""A process for each case of a session: forked from the runner, whose bench is booted, judged where it runs.

Rules of this module: the runner claims a case, forks, and waits; the child begins and ends it as any session does,
tells the parent of the run itself, and leaves. A child that dies has no verdict of its own: its case is a bench fault.

Not for: real benches, which there is one of.
"""

from __future__ import annotations

from typing import Any, Final, NoReturn

from hil.bench.ahead import boot_ahead
from hil.bench.case import Case
from hil.bench.farewell import Farewell, Notes, get_ready
from hil.bench.forking import Child, can_fork
from hil.bench.reset import Start
from hil.bench.session import Outcome, Session
from hil.errors import BenchError, Verdict

_WORTH_IT: Final = 4
"""So many cases at least; below, making ready takes longer than it saves."""


class CaseForks:
    """The processes of a session's cases.

    Args:
        session: of the runner.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._is_booted = False
        self._notes: Notes | None = None

    def are_wanted(self, cases: int) -> bool:
        """Whether each of so many cases is to run in a process of its own; not in such a process."""
        session = self._session
        wanted = bool(session.settings.folder) and session.config.is_virtual and session.config.bench.boot_ahead
        return wanted and cases >= _WORTH_IT and self._notes is None and can_fork()

    def fork(self, case: Case) -> Child:
        """Fork a process for one case, with a booted bench if it starts from one.

        Returns:
            the child: `is_here` says on which side of the fork this is.
        """
        session = self._session
        if case.start is Start.ON and not self._is_booted:
            self._is_booted, session.ahead = True, boot_ahead(session.plan, session.settings.seed)
        get_ready()
        child = Child()
        if child.is_here:
            self._notes, session.verdicts = Notes(), []
        return child

    def leave(self, child: Child, told: Any) -> NoReturn:
        """In a child: the case is over. Leaves what the runner is to know, and ends the process."""
        session = self._session
        assert self._notes is not None
        if session.is_busy:
            session.end(Outcome(error=BenchError("the run was stopped in the middle of this case")))
        child.leave(self._notes.farewell(tuple(session.verdicts), told))

    def wait_for(self, child: Child, case: Case) -> Any:
        """In the runner: wait for the end of a child; returns what it told, None if it died."""
        farewell, died = child.wait()
        session = self._session
        if not isinstance(farewell, Farewell):
            session.verdicts.append(Verdict.BENCH)
            message = f"the process of the case died: {_in_words(died, session.config.bench.watchdog)}"
            session.talk.say("end", case.id, verdict=Verdict.BENCH, message=message)
            return None
        session.verdicts += farewell.verdicts
        farewell.heed()
        return farewell.told


def _in_words(died: str, watchdog_s: float) -> str:
    """With what is known of the status: it is 1 where `faulthandler` ends a process that heeds no interrupt."""
    if died != "status 1":
        return died
    return f"{died}, as of one that hung for longer than [bench] watchdog ({watchdog_s:g} s) and heeded no interrupt"
