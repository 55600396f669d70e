"""Cases on the virtual bench with the whole ECU, as a runner would run them: verdict and journal of each.

Rules: the bench file that we ship is read once a test process, for all cases on it as it stands; each case has a bench
of its own all the same. A changed bench file is read each time. Not for: logic of one part, which needs no ECU
(`small_bench`), and logic of the ECU, which needs no case (`cockpit_lab`).
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from hil.bench.case import Case
from hil.bench.reset import Start
from hil.bench.session import Outcome, Session, Settings, prepare
from hil.journal import JournalReader

ROOT = Path(__file__).parents[1]
BENCH = str(ROOT / "fixtures/benches/virtual.toml")
CASE = Case("case", "case", "suite", "file:1", ("T-1",), (), Start.ON, "pytest", "", 300.0)


@cache
def _read() -> None:
    prepare(Settings(bench=BENCH))


def session_on(folder: Path, *defects: str, seed: str = "1") -> Session:
    """A session on the bench file that we ship. Whoever asks closes it."""
    _read()
    return Session(Settings(bench=BENCH, results=str(folder), defects=defects, seed=seed))


def changed_bench(folder: Path, more: str = "", *replaced: tuple[str, str]) -> Path:
    """The bench file that we ship with other text in it, and with more at its end."""
    text = Path(BENCH).read_text().replace('"../', f'"{ROOT}/fixtures/').replace(f'"{ROOT}/fixtures/../', f'"{ROOT}/')
    for old, new in replaced:
        assert old in text
        text = text.replace(old, new)
    path = folder / "bench.toml"
    path.write_text(text + more)
    return path


class Runs:
    """Runs cases one after another, each in a session of its own, and closes all of them at the end."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._sessions = folder, []

    def __call__(self, body, *defects: str, seed: str = "1", bench: Path | None = None):
        """Run a case whose test is `body(bench)`; its verdict and the entries of its journal."""
        folder = self._folder / f"results{len(self._sessions)}"
        if bench is None:
            session = session_on(folder, *defects, seed=seed)
        else:
            session = Session(Settings(bench=str(bench), results=str(folder), defects=defects, seed=seed))
        self._sessions.append(session)
        session.begin(CASE)
        error = None
        try:
            body(session.bench())
        except Exception as raised:
            error = raised
        final = session.end(Outcome(error=error, failed=str(error) if error else ""))
        return final, list(JournalReader(session.folder / "tests" / "case" / "1" / "journal.mcap"))

    def close(self) -> None:
        for session in self._sessions:
            session.close()
