"""run.json: the facts of a run that no journal holds, since they differ between equal runs."""

from __future__ import annotations

import hashlib
import json
import platform
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

import hil
from hil.bench import requirements
from hil.bench.plan import Plan
from hil.clock import utc_now
from hil.files import replace_text

_DATA: Final = (Path("fixtures/tables"), Path("fixtures/drives"))


def write_run_json(folder: Path, made: Plan, seed: str, options: dict[str, Any], *, suites: Sequence[str] = ()) -> None:
    """Write run.json: all that differs between two equal runs, and what was run on what."""
    config, variant = made.config, made.config.variant
    facts = {
        "started_utc": utc_now().isoformat(timespec="seconds"),
        "harness": hil.__version__,
        "host": platform.node(),
        "platform": platform.platform(),
        "bench": {"name": config.bench.name, "file": str(config.path), "clock": config.bench.clock,
                  "description": config.bench.description},
        "options": options,
        "command": sys.argv,
        "dut": {"kind": config.dut.kind, "name": config.dut.name, "variant": variant.facts() if variant else {}},
        **what_verdicts_follow_from(made, seed, suites),
        "requirements": [one.model_dump() for one in requirements.load(requirements.DEFAULT_FOLDER)],
    }  # fmt: skip
    (folder / "run.json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")


def what_verdicts_follow_from(made: Plan, seed: str, suites: Sequence[str]) -> dict[str, Any]:
    """Where all of this is equal, two runs of a case on a virtual bench end alike; a part of run.json."""
    config = made.config
    own = config.path.name if config.path.name not in made.files else str(config.path)
    files = {own: config.path.read_bytes(), **made.files}
    return {
        "python": platform.python_version(),
        "variant": config.variant.name if config.variant is not None else "",
        "seed": seed,
        "defects": list(made.defects),
        "hashes": {name: hashlib.sha256(data).hexdigest() for name, data in sorted(files.items())},
        "inputs": _inputs(suites),
    }


def _inputs(suites: Sequence[str]) -> dict[str, str]:
    """Hashes of all else that verdicts depend on: this program, the suites, their tables and drives."""
    folders = {f"suite {name}": Path(name.partition("::")[0]) for name in suites}
    folders |= {path.as_posix(): path for path in _DATA if path.is_dir()}
    hashes = {name: tree_hash(path) for name, path in folders.items()}
    return {**_code_hashes(), **hashes}


@cache
def _code_hashes() -> dict[str, str]:
    """Of what this process runs: read once, as Python does."""
    code = Path(hil.__file__).parent
    return {"harness code": tree_hash(code, without="ecu"), "virtual ECU code": tree_hash(code / "ecu")}


def tree_hash(path: Path, *, without: str = "") -> str:
    """One hash of a file, or of all files below a folder with their names; what Python caches is none of them."""
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
    digest = hashlib.sha256()
    for file in files:
        name = file.relative_to(path)
        if "__pycache__" not in name.parts and name.parts[:1] != (without,):
            digest.update(name.as_posix().encode() + b"\0" + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def amend_run_json(folder: Path, **more: Any) -> None:
    """Add to run.json what is known only at the end."""
    path = folder / "run.json"
    facts = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    for key, value in more.items():
        facts[key] = facts[key] | value if isinstance(facts.get(key), dict) and isinstance(value, dict) else value
    replace_text(path, json.dumps(facts, indent=2) + "\n")
