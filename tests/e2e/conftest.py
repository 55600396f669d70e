"""Benches and runs for the end-to-end tests."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar
from xml.etree import ElementTree

import forked
import pytest

HERE = Path(__file__).parent
REPOSITORY = HERE.parent.parent
collect_ignore = ["suites"]
"""Its cases end in every way there is; they run where the folder or a file of it is named."""


@dataclass(frozen=True)
class Ran:
    """A run of `hil run` and what it left."""

    status: int
    out: str
    folder: Path | None

    @property
    def verdicts(self) -> dict[str, str]:
        """Case name -> verdict, from the JUnit file."""
        return read_verdicts(self.folder / "junit.xml")

    @property
    def run_json(self) -> dict:
        return json.loads((self.folder / "run.json").read_text())


KINDS = {"bench": "bench fault", "inconclusive": "inconclusive", "usage": "usage error"}


def read_verdicts(junit: Path) -> dict[str, str]:
    verdicts = {}
    for case in ElementTree.parse(junit).getroot().iter("testcase"):
        error = case.find("error")
        if error is not None:
            verdict = KINDS[error.get("type")]
        elif case.find("failure") is not None:
            verdict = "fail"
        else:
            verdict = "not run" if case.find("skipped") is not None else "pass"
        verdicts[case.get("name")] = verdict
    return verdicts


def environment(**more: str) -> dict[str, str]:
    own = ("HIL_", "PYTEST_", "COLUMNS", "LINES")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(own)}
    return kept | {"PYTHONPATH": str(HERE)} | more


def run_hil(*words: str, cwd: Path = REPOSITORY, fresh: bool = False, **more: str) -> subprocess.CompletedProcess[str]:
    return forked.run("hil.cli.main", *map(str, words), cwd=cwd, env=environment(**more), fresh=fresh)


class Said(Protocol):
    """What a command printed."""

    @property
    def out(self) -> str: ...


SomeRun = TypeVar("SomeRun", bound=Said)


def on_time(run: Callable[[], SomeRun], attempts: int = 4) -> SomeRun:
    """A run on a real clock; again if it says that the bench was late, which is what its message asks for."""
    done = run()
    for _ in range(attempts - 1):
        if "the bench was late" not in done.out:
            break
        done = run()
    return done


@pytest.fixture
def hil(tmp_path):
    """Run a suite: `hil("suite", "--tag", "x")`; results go to a folder of the test's own."""

    def run(*words: str, **more: str) -> Ran:
        results = tmp_path / f"results{len(list(tmp_path.glob('results*')))}"
        done = run_hil("run", "--results", str(results), *words, **more)
        folders = sorted(results.iterdir()) if results.exists() else []
        return Ran(done.returncode, done.stdout + done.stderr, folders[0] if folders else None)

    return run


@pytest.fixture
def spare_bench(tmp_path):
    """The virtual bench with a second console, whose line breaks when something is sent."""
    text = (REPOSITORY / "fixtures/benches/virtual.toml").read_text()
    text = text.replace("../../dbc", f"{REPOSITORY}/dbc").replace("../layouts", f"{REPOSITORY}/fixtures/layouts")
    for folder in ("variants", "tables"):
        text = text.replace(f"../{folder}", f"{REPOSITORY}/fixtures/{folder}")
    text += '\n[console.spare]\nport = "breaking:BreakingConsole"\n'
    path = tmp_path / "spare.toml"
    path.write_text(text)
    return path
