"""run.json: the facts of a run that no journal holds, since they differ between equal runs."""

from __future__ import annotations

import hashlib
import json
import platform
import sys
from pathlib import Path
from typing import Any

import hil
from hil.bench import requirements
from hil.bench.wiring import Plan
from hil.clock import utc_now


def write_run_json(folder: Path, made: Plan, seed: str, options: dict[str, Any]) -> None:
    """Write run.json: all that differs between two equal runs, and what was run on what."""
    config, variant = made.config, made.config.variant
    own = config.path.name if config.path.name not in made.files else str(config.path)
    files = {own: config.path.read_bytes(), **made.files}
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in sorted(files.items())}
    facts = {
        "started_utc": utc_now().isoformat(timespec="seconds"),
        "harness": hil.__version__,
        "python": platform.python_version(),
        "host": platform.node(),
        "platform": platform.platform(),
        "bench": {"name": config.bench.name, "file": str(config.path), "clock": config.bench.clock,
                  "description": config.bench.description},
        "variant": variant.name if variant is not None else "",
        "seed": seed,
        "defects": list(made.defects),
        "options": options,
        "command": sys.argv,
        "dut": {"kind": config.dut.kind, "name": config.dut.name, "variant": variant.facts() if variant else {}},
        "hashes": hashes,
        "requirements": [one.model_dump() for one in requirements.load(requirements.DEFAULT_FOLDER)],
    }  # fmt: skip
    (folder / "run.json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")


def amend_run_json(folder: Path, **more: Any) -> None:
    """Add to run.json what is known only at the end."""
    path = folder / "run.json"
    facts = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    for key, value in more.items():
        facts[key] = facts[key] | value if isinstance(facts.get(key), dict) and isinstance(value, dict) else value
    path.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
