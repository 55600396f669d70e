"""What a CAN frame costs in the journal, beside the mcap library's own writer given the same frames in the same run.

python benchmarks/journal.py

Both write 64 KiB chunks with zstd and an index. Ours does more: it takes a lock, looks at the clock, and flushes.
The best of several rounds counts: what else the machine does makes a round slower, never faster.
"""

from __future__ import annotations

import random
import struct
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from mcap.writer import CompressionType, Writer

from hil.journal import BRS, CHUNK_BYTES, FD, Journal, Origin

FRAMES = 100_000
ROUNDS = 5
MESSAGES = 50
FRAMES_PER_S = 1919
SEED = 1

Frame = tuple[int, int, int, bytes]


def main() -> None:
    """Print a row for classic and for FD frames."""
    print(f"{'':<22} {'ours':>9} {'library':>9} {'ratio':>6} {'records':>9} {'in the file':>12}")
    for name, flags, size in (("CAN, 8 bytes", 0, 8), ("CAN FD, 64 bytes", FD | BRS, 64)):
        frames = traffic(flags, size)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "journal.mcap"
            theirs, ours = best_ns(path, frames, write_theirs), best_ns(path, frames, write_ours)
            file_bytes = path.stat().st_size / FRAMES
        record_bytes = 9 + 22 + 16 + size
        print(
            f"{name:<22} {ours:6.0f} ns {theirs:6.0f} ns {theirs / ours:6.1f} "
            f"{1000 * record_bytes / ours:4.0f} MB/s {file_bytes:6.1f} B/frame"
        )


def traffic(flags: int, size: int) -> list[Frame]:
    """Messages that repeat: a checksum and a counter that change each time, and in one of ten frames another byte."""
    rng = random.Random(SEED)
    now = [bytearray(rng.randbytes(size)) for _ in range(MESSAGES)]
    frames = []
    for number in range(FRAMES):
        data = now[number % MESSAGES]
        data[0], data[1] = rng.randrange(256), number // MESSAGES % 16
        if rng.random() < 0.1:
            data[rng.randrange(size)] = rng.randrange(256)
        frames.append((number * 1_000_000_000 // FRAMES_PER_S, 0x100 + 7 * (number % MESSAGES), flags, bytes(data)))
    return frames


def best_ns(path: Path, frames: list[Frame], write: Callable[[Path, list[Frame]], None]) -> float:
    """Time of one core a frame, opening and closing the file included, ns."""
    times = []
    for _ in range(ROUNDS):
        begin = time.process_time_ns()
        write(path, frames)
        times.append((time.process_time_ns() - begin) / len(frames))
    return min(times)


def write_ours(path: Path, frames: list[Frame]) -> None:
    journal = Journal(path)
    write, origin = journal.frame, Origin.SIM
    for t_ns, can_id, flags, data in frames:
        write(t_ns, "chassis", can_id, flags, origin, data)
    journal.close()


def write_theirs(path: Path, frames: list[Frame]) -> None:
    pack = struct.Struct("<IIBBxxI").pack
    with path.open("wb") as file:
        writer = Writer(file, chunk_size=CHUNK_BYTES, compression=CompressionType.ZSTD)
        writer.start()
        schema = writer.register_schema("hil_msgs/msg/CanFrame", "ros2msg", b"")
        channel, write = writer.register_channel("/can/chassis", "cdr", schema), writer.add_message
        for t_ns, can_id, flags, data in frames:
            write(channel, t_ns, pack(256, can_id, flags, 0, len(data)) + data, t_ns)
        writer.finish()


if __name__ == "__main__":
    main()
