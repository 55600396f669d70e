"""The databases and bit rates of a journal: from its attachments, and from what its metadata say of the buses.

Rules of this module: no file of a bench is read; equal attachments are loaded once for a whole run, and come from the
cache of databases where an earlier run loaded them. A database that can't be loaded is a note on the page: the frames
show as bytes then. A journal without metadata is taken to have a database of the name of its bus.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Final

from cantools.database.can import Database

from hil.cache import cached
from hil.can.database import Network
from hil.can.encoding import decode_text
from hil.can.loading import Loaded, load_tolerant
from hil.can.overlay import lay_over
from hil.can.trace_stats import BitRates
from hil.errors import UsageError
from hil.evidence import fields as f
from hil.evidence.beginnings import Beginnings, CommonBlocks
from hil.evidence.blocks import Read
from hil.evidence.decoded import FrameTexts
from hil.evidence.wire import WireFacts, WireSignals

FORMATS: Final = (".dbc", ".arxml", ".kcd", ".sym")


@dataclass(frozen=True, slots=True)
class Wire:
    """All that is needed to read the frames of a journal."""

    rates: Mapping[str, BitRates]
    signals: WireSignals
    texts: FrameTexts
    notes: tuple[str, ...] = ()
    beginnings: Beginnings = field(default_factory=Beginnings)


class Wires:
    """Makes `Wire`s; remembers them by what they were made of."""

    def __init__(self) -> None:
        self._made: dict[tuple[tuple[str, str, bytes], ...], Wire] = {}
        self.common: CommonBlocks[Read] = CommonBlocks()
        """Blocks that the journals share."""

    def of(self, attachments: Mapping[str, bytes], metadata: Mapping[str, Mapping[str, str]]) -> Wire:
        """The wire of a journal with these attachments and metadata."""
        buses = _buses(attachments, metadata.get("buses", {}))
        files = {bus: _names(fields) for bus, fields in buses.items()}
        bytes_of = {bus: b"".join(attachments.get(name, b"") for name in files[bus]) for bus in buses}
        key = tuple((bus, json.dumps(buses[bus], sort_keys=True), bytes_of[bus]) for bus in buses)
        if key not in self._made:
            self._made[key] = self._make(buses, attachments)
        return self._made[key]

    def _make(self, buses: Mapping[str, f.Fields], attachments: Mapping[str, bytes]) -> Wire:
        databases, notes = {}, []
        for bus, fields in buses.items():
            found = _load_all(fields, attachments)
            if isinstance(found, str):
                notes.append(f"the frames of {bus} are not decoded: {found}")
            else:
                databases[bus] = found
        network = Network(databases)
        rates = {bus: rate for bus, fields in buses.items() if (rate := _rate(fields)) is not None}
        return Wire(rates, WireSignals(WireFacts(network, rates)), FrameTexts(network), tuple(notes))


def _buses(attachments: Mapping[str, bytes], said: Mapping[str, str]) -> dict[str, f.Fields]:
    if said:
        return {bus: _fields(text) for bus, text in said.items()}
    paths = [PurePosixPath(name) for name in attachments]
    return {path.stem: {"database": str(path)} for path in paths if path.suffix.lower() in FORMATS}


def _fields(text: str) -> f.Fields:
    try:
        return f.as_fields(json.loads(text))
    except ValueError:
        return {}


def _rate(fields: f.Fields) -> BitRates | None:
    nominal, data = f.integer(fields, "bitrate"), f.integer(fields, "data_bitrate")
    return BitRates(nominal, data or nominal) if nominal and nominal > 0 else None


def _names(fields: f.Fields) -> list[str]:
    """The databases of a bus: its own, then those that the variant lays over it."""
    over = fields.get("overlays")
    return [f.text(fields, "database"), *(str(name) for name in (over if isinstance(over, list) else []))]


def _load_all(fields: f.Fields, attachments: Mapping[str, bytes]) -> Database | str:
    names, whole = _names(fields), None
    for name in names:
        found = _load(name, attachments.get(name, b""), fields if whole is None else {})
        if isinstance(found, str):
            return found
        try:
            whole = found if whole is None else lay_over(whole, found, name)
        except UsageError as error:
            return str(error)
    return whole.database if whole is not None else "no database is named"


def _load(name: str, data: bytes, fields: f.Fields) -> Loaded | str:
    if not data:
        return f"the journal has no {name or 'database'}"
    try:
        encoding, cluster = f.text(fields, "encoding"), f.text(fields, "cluster")
        return cached(Loaded, ("journal", data, name, encoding, cluster), lambda: _read(name, data, encoding, cluster))
    except UsageError as error:
        return str(error)


def _read(name: str, data: bytes, encoding: str, cluster: str) -> Loaded:
    text, _ = decode_text(data, name, encoding)
    return load_tolerant(text, PurePosixPath(name).suffix, name, cluster=cluster)
