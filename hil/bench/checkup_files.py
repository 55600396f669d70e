"""What a check-up says of a bench before anything is opened: its variant, its databases, its layouts. Pure."""

from __future__ import annotations

from hil.bench.checkup_finding import Finding, Mark, many
from hil.bench.plan import Plan
from hil.can.tolerated import summary


def read_files(made: Plan) -> list[Finding]:
    """The rows of variant, databases and layouts."""
    found = []
    variant = made.config.variant
    if variant is not None:
        fitted = ", ".join(sorted(variant.fitted)) or "nothing"
        found.append(Finding("variant", variant.name, f"{variant.title or variant.name}, fitted with {fitted}"))
    for bus, database in made.network.databases.items():
        signals = sum(len(message.signals) for message in database.messages)
        found.append(
            Finding(f"bus.{bus}", "database", f"{many(len(database.messages), 'message')}, {many(signals, 'signal')}")
        )
        tolerated = made.tolerated.get(bus)
        if tolerated:
            mend = "'hil signals --lint' lists it line by line."
            what = f"tolerated in it: {summary(tolerated)}"
            found.append(Finding(f"bus.{bus}", "database", what, Mark.NOTE, mend))
    for screen, layout in made.layouts.items():
        width, height = layout.size
        found.append(Finding(f"screen.{screen}", "layout", f"{width}x{height} px, {len(layout.names())} items"))
    return found


__all__ = ["read_files"]
