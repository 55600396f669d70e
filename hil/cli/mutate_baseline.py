"""How cases ended without a defect, read from a run that is there already: `hil mutate` needs not run them again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from hil.bench.facts import what_verdicts_follow_from
from hil.bench.plan import Plan
from hil.cli.trials import Heard
from hil.errors import UsageError, Verdict


def read_baseline(folder: Path, made: Plan, seed: str, suites: Sequence[str]) -> dict[str, Heard]:
    """Case -> how it ended there.

    Args:
        folder: the results of a run.
        made: the bench of this call.
        seed: its seed.
        suites: its suites.

    Raises:
        UsageError: there is no finished run, or it was one of something else than is here now.
    """
    where, remedy = f"--baseline {folder}", "name a run of the same code, suites, bench, variant and seed, or none."
    try:
        facts = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        root = ET.parse(folder / "junit.xml").getroot()
    except (OSError, ValueError, ET.ParseError) as error:
        raise UsageError(f"no report of a finished run: {error}", where=where, remedy=remedy) from None
    other = _difference(facts, json.loads(json.dumps(what_verdicts_follow_from(made, seed, suites))))
    if other:
        raise UsageError(f"that run had another {other}", where=where, remedy=remedy)
    return {heard.id: heard for heard in map(_heard, root.iter("testcase"))}


def _difference(there: dict[str, Any], here: dict[str, Any]) -> str:
    """The first of what verdicts follow from that differs."""
    for key, wanted in here.items():
        found = there.get(key)
        if isinstance(wanted, dict) and isinstance(found, dict):
            unlike = (name for name in {**wanted, **found} if wanted.get(name) != found.get(name))
            if name := next(unlike, ""):
                return str(name)
        elif found != wanted:
            return key
    return ""


def _heard(case: ET.Element) -> Heard:
    facts = {one.get("name"): one.get("value", "") for one in case.iter("property")}
    message = next((child.get("message", "") for child in case if child.tag in ("failure", "error", "skipped")), "")
    return Heard(facts["id"], Verdict(facts["verdict"]), message, float(case.get("time", 0)))
