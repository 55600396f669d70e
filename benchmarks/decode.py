"""A recorded log to columns: cantools message by message, and ours, in the same run, all values compared.

    python benchmarks/decode.py [--frames N] [DATABASE ...]

The log is generated from the databases (default: all of dbc/) and a seed: each message in its cycle, random payloads,
multiplexers on known pages. Ours in memory is the median of three, since it is short. The rows with a file include
reading it, the peer's with python-can.
"""

from __future__ import annotations

import argparse
import math
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import can
import numpy as np
from cantools.database.can import Database, Message

from hil.can import database
from hil.can.columns import LogColumns, Recorded
from hil.can.database import bits_of
from hil.can.log_frames import BLOCK_FRAMES, FD_BYTES, Frames, as_wide, key_of
from hil.can.logs import open_log, open_writer
from hil.can.traits import AttributeNames, message_traits

SEED = "decode"
EVENT_NS = 1_000_000_000
PIECE = 20_000
REPEATS = 3


def main() -> None:
    """Print a row for each way, with ratios."""
    parser = argparse.ArgumentParser()
    parser.add_argument("databases", nargs="*", type=Path)
    parser.add_argument("--frames", type=int, default=1_000_000)
    given = parser.parse_args()
    files = given.databases or sorted(Path("dbc").glob("*.dbc"))
    databases = [database.load(path.read_text(encoding="utf-8"), path.suffix, str(path)) for path in files]
    frames = generate(databases, given.frames)
    signals = sum(len(message.signals) for one in databases for message in one.messages)
    print(f"{len(frames)} frames of {', '.join(path.name for path in files)} ({signals} signals)")
    compare_decoding(frames, messages_of(databases))
    with tempfile.TemporaryDirectory() as folder:
        for suffix, reader in ((".blf", can.BLFReader), (".log", can.CanutilsLogReader)):
            path = Path(folder) / f"log{suffix}"
            write(path, frames, len(databases))
            compare_files(path, reader, messages_of(databases))


def messages_of(databases: list[Database]) -> dict[int, Message]:
    """Key of a frame -> message; database n is on channel n."""
    return {
        key_of(channel, message.frame_id, int(message.is_extended_frame)): message
        for channel, one in enumerate(databases)
        for message in one.messages
        if not message.is_container
    }


# ---- the log


def generate(databases: list[Database], count: int) -> Frames:
    """A log of so many frames, in the order of their times."""
    rng = np.random.default_rng(random.Random(SEED).getrandbits(64))
    known = messages_of(databases)
    traits = {key: message_traits(message, AttributeNames()) for key, message in known.items()}
    cycles = {key: one.cycle_ns or EVENT_NS for key, one in traits.items()}
    span_ns = count / sum(1 / cycle for cycle in cycles.values())
    parts = []
    for key, message in known.items():
        times = np.arange(rng.integers(cycles[key]), 1.01 * span_ns + EVENT_NS, cycles[key]).astype(np.int64)
        parts.append(of_message(key, message, traits[key].flags, times, rng))
    order = np.argsort(np.concatenate([part.t_ns for part in parts]), kind="stable")[:count]
    columns = {name: np.concatenate([getattr(part, name) for part in parts])[order] for name in Frames.__slots__}
    frames = Frames(**columns)
    return frames.shifted(int(frames.t_ns[0]))


def of_message(key: int, message: Message, flags: int, times: Any, rng: np.random.Generator) -> Frames:
    """The frames of one message."""
    count = len(times)
    data = rng.integers(0, 256, (count, message.length), np.uint8)
    for signal in message.signals:
        pages = {page for other in message.signals if other.multiplexer_signal == signal.name
                 for page in other.multiplexer_ids or ()}  # fmt: skip
        if signal.is_multiplexer and pages:
            put(data, bits_of(signal), rng.choice(sorted(pages), count), signal.byte_order == "big_endian")
    constant = (key >> 40, np.uint16), (message.frame_id, np.uint32), (flags, np.uint8), (message.length, np.uint8)
    channel, can_id, marks, length = (np.full(count, number, kind) for number, kind in constant)
    return Frames(times, channel, can_id, marks, length, as_wide(data, FD_BYTES))


def put(data: Any, bits: list[int], values: Any, motorola: bool) -> None:
    """Write values into the bits of a signal."""
    for place, bit in enumerate(reversed(bits) if motorola else bits):
        keep = np.uint8(255 - (1 << bit % 8))
        data[:, bit // 8] = data[:, bit // 8] & keep | (values >> place & 1).astype(np.uint8) << np.uint8(bit % 8)


def write(path: Path, frames: Frames, channels: int) -> None:
    """Write the log to a file."""
    writer = open_writer(path, path.suffix, [str(n + 1) for n in range(channels)], 1_700_000_000_000_000_000)
    for block in blocks(frames):
        writer.write(block)
    writer.close()


def blocks(frames: Frames) -> Iterator[Frames]:
    """The log in blocks, as it is read."""
    for start in range(0, len(frames), BLOCK_FRAMES):
        block = frames.pick(slice(start, start + BLOCK_FRAMES))
        yield (
            block
            if (block.length > 8).any()
            else Frames(block.t_ns, block.channel, block.can_id, block.flags, block.length, block.data[:, :8])
        )


# ---- both ways


def ours(given: Iterator[Frames], known: dict[int, Message]) -> dict[int, Recorded]:
    """All frames to columns of physical values."""
    columns = LogColumns(known)
    for block in given:
        columns.take(block)
    recorded = columns.recorded()
    for one in recorded.values():
        for column in one.table.columns.values():
            column.physical  # noqa: B018  (made when it is first asked for)
    return recorded


def timed(action: Callable[[], Any]) -> tuple[float, Any]:
    """Wall seconds of an action, and what it gave."""
    begin = time.perf_counter()
    result = action()
    return time.perf_counter() - begin, result


def compare_decoding(frames: Frames, known: dict[int, Message]) -> None:
    """Decode what is in memory both ways; every value must be equal."""
    given = list(blocks(frames))
    our_s = statistics.median(timed(lambda: ours(iter(given), known))[0] for _ in range(REPEATS))
    recorded = ours(iter(given), known)
    values = {key: {name: iter(column.physical.tolist()) for name, column in one.table.columns.items()}
              for key, one in recorded.items()}  # fmt: skip
    their_s, compared = 0.0, 0
    for start in range(0, len(frames), PIECE):
        piece = frames.pick(slice(start, start + PIECE))
        listed = list(zip(piece.keys().tolist(), (row[-1] for row in piece.rows()), strict=True))
        took_s, theirs = timed(lambda rows=listed: [known[key].decode(data, False) for key, data in rows])
        their_s += took_s
        for (key, _), decoded in zip(listed, theirs, strict=True):
            for name, value in decoded.items():
                mine = next(values[key][name])
                assert same(mine, value), f"{known[key].name}.{name}: {mine!r} is not {value!r}"
                compared += 1
    assert all(next(left, None) is None for one in values.values() for left in one.values())
    print(f"all {compared} values are equal")
    row("decode, message by message (cantools)", their_s, len(frames))
    row("decode to columns (ours)", our_s, len(frames), their_s)


def same(mine: Any, theirs: Any) -> bool:
    """Equal in type and value; no number is no number."""
    if type(mine) is not type(theirs):
        return False
    return mine == theirs or (isinstance(mine, float) and math.isnan(mine) and math.isnan(theirs))


def compare_files(path: Path, reader: Any, known: dict[int, Message]) -> None:
    """Read and decode a file both ways."""

    def peer() -> int:
        by_id = {(key & 0x1FFFFFFF, bool(key >> 32 & 1)): message for key, message in known.items()}
        count = 0
        for message in reader(path):
            by_id[message.arbitration_id, message.is_extended_id].decode(bytes(message.data), False)
            count += 1
        return count

    our_s, recorded = timed(lambda: ours(iter(open_log(path)), known))
    their_s, count = timed(peer)
    assert count == sum(len(one.t_ns) for one in recorded.values())
    size = path.stat().st_size / 1e6
    row(f"{path.suffix} file ({size:.0f} MB), python-can and cantools", their_s, count)
    row(f"{path.suffix} file to columns (ours)", our_s, count, their_s)


def row(name: str, wall_s: float, frames: int, peer_s: float = 0.0) -> None:
    """One figure; the ratio to the peer's beside ours."""
    ratio = f"   {peer_s / wall_s:5.1f} times as fast" if peer_s else ""
    print(f"{name:<52} {wall_s:6.2f} s   {wall_s / frames * 1e6:5.2f} us a frame{ratio}")


if __name__ == "__main__":
    main()
