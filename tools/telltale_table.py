"""Writes the table of docs/telltales.md: which signal lights which telltale, in which colour, and who sends it.

    .venv/bin/python tools/telltale_table.py            writes it; tests/docs says when it is out of date

Rules: nothing between the two marks is written by hand. What lights a telltale is in `fixtures/tables/telltales.csv`,
which the suites run too; what the loss of a sender lights in `safety_senders.csv`; sender and cycle are in the
databases, the symbol in the layout, what a brand has in its variant.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from hil.bench.config import BenchConfig, load
from hil.bench.databases import bus_database
from hil.bench.variant import why_not
from hil.can.database import Network
from hil.hmi import layout_file
from hil.hmi.layout import Telltale
from hil.tables import Row, read

ROOT: Final = Path(__file__).resolve().parent.parent
PAGE: Final = ROOT / "docs/telltales.md"
BEGIN, END = "<!-- begin: tools/telltale_table.py -->\n", "<!-- end -->\n"
BRANDS: Final = ("alta", "brio")
HEADS: Final = (
    "", "telltale", "colour", "lit by", "dark by", "sender", "bulb check", "lit without its sender", "said on the bus",
    "brands",
)  # fmt: skip


def main() -> None:
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


def with_table(page: str) -> str:
    """The page with the table as the data say."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


def table() -> str:
    """All telltales, in the order of the data table."""
    configs = {brand: load(ROOT / "fixtures/benches/virtual.toml", brand) for brand in BRANDS}
    networks = {brand: _network(config) for brand, config in configs.items()}
    lost = dict(_lost())
    rows = read(ROOT / "fixtures/tables/telltales.csv")
    lines = [HEADS, ["---"] * len(HEADS), *(_cells(row, configs, networks, lost) for row in rows)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _lost() -> Iterator[tuple[str, str]]:
    """Telltale -> how soon it is lit when its sender falls silent."""
    for row in read(ROOT / "fixtures/tables/safety_senders.csv"):
        for name in row["telltales"].split():
            yield name, f"within {row['within']}"


def _network(config: BenchConfig) -> Network:
    return Network({bus: bus_database(config, bus).database for bus in config.bus})


def _cells(
    row: Row, configs: Mapping[str, BenchConfig], networks: Mapping[str, Network], lost: Mapping[str, str]
) -> list[str]:
    name, signal = row.key, row["signal"]
    brands = [brand for brand, config in configs.items() if not why_not(config.variant, row.said("needs"))]
    return [
        f"![{name}]({_symbol(name)})", f"`{name}`", row["colour"], f"`{signal}` = `{row['lit_by']}`",
        f"`{row['dark_by']}`", _sender(networks[brands[0]], signal), row["bulb_check"], lost.get(name, ""),
        f"`CLU_Telltales.{row['lamp']}`", ", ".join(brands) + _needs(row),
    ]  # fmt: skip


def _needs(row: Row) -> str:
    """What a case of it has to say, where some brand doesn't have it."""
    return "".join(f"; `needs:{feature}`" for feature in row.said("needs"))


def _symbol(name: str) -> str:
    layout = layout_file.load(ROOT / "fixtures/layouts/alta/cluster.toml")
    reference = layout.find(name, Telltale).reference
    return f"../fixtures/layouts/{reference.removeprefix('../')}"


def _sender(network: Network, signal: str) -> str:
    """Who sends it, on which bus, and how often."""
    message, _, name = signal.partition(".")
    bus, found = next((bus, each) for bus, each in network.messages() if each.name == message)
    found.get_signal_by_name(name)  # it must be there
    cycle_ms = network.traits(bus, found).cycle_ns // 1_000_000
    return f"{', '.join(found.senders)}, {bus}, " + (f"{cycle_ms} ms" if cycle_ms else "on change")


if __name__ == "__main__":
    main()
