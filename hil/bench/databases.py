"""The databases of a bench, from file to network: reads bytes, tolerates what customers' files have, and says so."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from hil.bench.config import BenchConfig, BusSection
from hil.cache import cached
from hil.can.encoding import decode_text
from hil.can.loading import Loaded, load_tolerant
from hil.can.overlay import lay_over
from hil.can.tolerated import refuse
from hil.can.traits import AttributeNames
from hil.errors import UsageError


def read_database(path: Path, names: AttributeNames | None = None, *, encoding: str = "", cluster: str = "") -> Loaded:
    """A database from its file, with the list of what was tolerated.

    Args:
        path: the file.
        names: which attribute says the start values; ours if None.
        encoding: its encoding where that can't be guessed (`cp932`).
        cluster: the bus of a file that has several (ARXML, KCD).

    Raises:
        UsageError: it can't be read, or is too broken.
    """
    where = str(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"can't be read: {error.strerror}", where=where, remedy="name a database.") from error
    parts = (data, where, path.suffix, encoding, cluster, names.key if names is not None else "")
    return cached(Loaded, parts, lambda: _load(data, path, names, encoding, cluster))


def _load(data: bytes, path: Path, names: AttributeNames | None, encoding: str, cluster: str) -> Loaded:
    text, tolerated = decode_text(data, str(path), encoding)
    loaded = load_tolerant(text, path.suffix, str(path), names, cluster=cluster)
    return Loaded(loaded.database, [*tolerated, *loaded.tolerated])


def attribute_names(section: BusSection) -> AttributeNames:
    """Which attribute of a bus's database says what.

    Raises:
        UsageError: a role that doesn't exist.
    """
    physical = section.start_values == "physical"
    return AttributeNames(section.attributes, words=section.words, physical_start=physical)


def bus_database(config: BenchConfig, bus: str) -> Loaded:
    """The database of one bus of a bench, with the overlays of its variant laid over it.

    Raises:
        UsageError: one can't be read, is too broken, or is sloppy on a bus with `tolerant = false`; an overlay doesn't
            fit.
    """
    section = config.bus[bus]
    names = attribute_names(section)
    base = read_database(config.locate(section.database), names, encoding=section.encoding, cluster=section.cluster)
    overlays = config.variant.overlays_of(bus) if config.variant is not None else []
    loaded = overlaid(base, overlays, names, encoding=section.encoding)
    if not section.tolerant:
        refuse(loaded.tolerated)
    return loaded


def overlaid(base: Loaded, overlays: Iterable[Path], names: AttributeNames | None = None, encoding: str = "") -> Loaded:
    """A database with others laid over it, in order.

    Raises:
        UsageError: one can't be read, is too broken, or doesn't fit.
    """
    for path in overlays:
        base = lay_over(base, read_database(path, names, encoding=encoding), str(path))
    return base


__all__ = ["attribute_names", "bus_database", "overlaid", "read_database"]
