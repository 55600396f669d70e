"""The databases, buses and bit rates that `hil trace` is given: from a bench file, or file by file."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from hil.can.database import Network
from hil.can.loading import load_tolerant
from hil.can.trace_names import ChannelMap, Names
from hil.can.trace_stats import BitRates
from hil.errors import UsageError
from hil.files import read_text

_RATE: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([kM]?)(?:bit/s)?", re.IGNORECASE)
_FACTORS: Final = {"": 1, "k": 1_000, "m": 1_000_000}


@dataclass(slots=True)
class Known:
    """What is known of the buses.

    Attributes:
        network: the databases.
        channels: channel -> bus, as given.
        rates: bus -> its bit rates, where a bench file says them.
    """

    network: Network
    channels: dict[str, str] = field(default_factory=dict)
    rates: dict[str, BitRates] = field(default_factory=dict)

    def names(self, channels: Sequence[str]) -> Names:
        """What the frames of a log with these channels are called."""
        return Names(self.network, ChannelMap(list(self.network.databases), self.channels), channels)


def open_networks(arguments: argparse.Namespace) -> Known:
    """Read what `--bench`, `--database` and `--channel` name.

    Raises:
        UsageError: a file can't be read or is wrong, or a channel is mapped to a bus that isn't there.
    """
    on_bench = arguments.bench is not None
    known = _of_bench(arguments.bench, arguments.variant) if on_bench else _of_databases(arguments.database)
    for text in arguments.channel:
        channel, bus = _pair(text, "--channel", "1=chassis")
        if bus not in known.network.databases:
            there = ", ".join(known.network.databases) or "none: give --bench or --database"
            raise UsageError(f"there is no bus '{bus}'", where=f"--channel {text}", remedy=f"buses: {there}.")
        known.channels[channel] = bus
    return known


def _of_bench(path: Path, variant: str) -> Known:
    from hil.bench import config as bench_config
    from hil.bench.databases import attribute_names, bus_database

    config = bench_config.load(path, variant)
    names = {bus: attribute_names(section) for bus, section in config.bus.items()}
    databases = {bus: bus_database(config, bus).database for bus in config.bus}
    rates = {bus: _rates_of(section.bitrate, section.data_bitrate) for bus, section in config.bus.items()}
    return Known(Network(databases, names), rates=rates)


def _rates_of(nominal: int, data: int | None) -> BitRates:
    return BitRates(nominal, data or nominal)


def _of_databases(texts: Sequence[str]) -> Known:
    """Databases file by file; a bus is called as its file, and twice the same file is two buses."""
    known = Known(Network({}))
    databases = {}
    for text in texts:
        channel, sign, name = text.rpartition("=")
        path = Path(text if sign and Path(text).exists() else name)
        bus = path.stem
        while bus in databases:
            bus += "'"
        databases[bus] = load_tolerant(read_text(path), path.suffix, str(path)).database
        if sign and not Path(text).exists():
            known.channels[channel] = bus
    return Known(Network(databases), known.channels)


def _pair(text: str, option: str, example: str) -> tuple[str, str]:
    left, sign, right = text.partition("=")
    if not sign or not left or not right:
        raise UsageError(f"'{text}' is no pair", where=option, remedy=f"write {option} {example}.")
    return left, right


@dataclass(frozen=True, slots=True)
class Rates:
    """Bit rates of the channels of a log.

    Attributes:
        said: where they come from, for people.
    """

    given: dict[str, BitRates]
    known: Known
    names: Names
    said: str

    def of(self, channel: int) -> BitRates:
        """Those of a channel's number: as given, else those of the bench file, else the usual ones."""
        name = self.names.channel(channel)
        bus = self.names.bus(channel)
        return self.given.get(name) or self.given.get("") or self.known.rates.get(bus) or BitRates()


def bit_rates(texts: Sequence[str], known: Known, names: Names) -> Rates:
    """The bit rates that `--bitrate` and the bench file say.

    Raises:
        UsageError: one is no bit rate.
    """
    given: dict[str, BitRates] = {}
    for text in texts:
        channel, _, rates = text.rpartition("=")
        given[channel] = _parse(rates)
    if given:
        return Rates(given, known, names, "bit rates as given")
    if known.rates:
        return Rates(given, known, names, "bit rates of the bench file")
    return Rates(given, known, names, "bit rates 500k/2M are assumed, --bitrate says others")


def _parse(text: str) -> BitRates:
    nominal, _, data = text.partition("/")
    numbers = [_bits(part, text) for part in (nominal, data) if part] or [_bits("", text)]
    return BitRates(numbers[0], numbers[-1])


def _bits(text: str, whole: str) -> int:
    found = _RATE.fullmatch(text.strip())
    rate = float(found[1]) * _FACTORS[found[2].lower()] if found else 0
    if not 1_000 <= rate <= 20_000_000:
        raise UsageError(f"'{whole}' is no bit rate", where="--bitrate", remedy="write 500k, or 500k/2M with CAN FD.")
    return round(rate)


__all__ = ["Known", "Rates", "bit_rates", "open_networks"]
