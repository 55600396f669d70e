"""Logs for tests: rows of random frames, files of every kind, and BLF objects that python-can doesn't write.

A row is (t_ns, channel, identifier, flags, length, payload).
"""

from __future__ import annotations

import random
import struct
import zlib

import can

from hil.can.frames import BRS, ERROR, ESI, EXTENDED, FD, REMOTE, SENT
from hil.can.log_frames import FrameList
from hil.can.logs import open_log, open_writer
from hil.errors import UsageError

START_NS = 1_700_000_000_123_456_000
FD_LENGTHS = [*range(9), 12, 16, 20, 24, 32, 48, 64]
SUFFIXES = [".blf", ".asc", ".log"]


def random_frames(seed, count, *, errors=True, fd=True):
    """(t_ns, channel, identifier, flags, length, data) of every kind that a log can have."""
    rng = random.Random(seed)
    rows, t_ns = [], 0
    for number in range(count):
        kind = rng.random()
        flags = SENT if rng.random() < 0.3 else 0
        if errors and kind < 0.05:
            rows.append((t_ns, rng.randrange(2), 0, ERROR, 0, b""))
        else:
            extended = rng.random() < 0.4
            can_id = rng.randrange(1 << 29) if extended else rng.randrange(0x800)
            flags |= EXTENDED if extended else 0
            if kind < 0.12:
                rows.append((t_ns, rng.randrange(2), can_id, flags | REMOTE, rng.randrange(9), b""))
            elif fd and kind < 0.5:
                data = rng.randbytes(rng.choice(FD_LENGTHS))
                flags |= FD | rng.choice([0, BRS, ESI, BRS | ESI])
                rows.append((t_ns, rng.randrange(2), can_id, flags, len(data), data))
            else:
                data = rng.randbytes(rng.randrange(9))
                rows.append((t_ns, rng.randrange(2), can_id, flags, len(data), data))
        t_ns += rng.choice([1000, 250_000, 10_000_000]) * (number % 3 + 1)
    return rows


ROWS = random_frames("rows", 400)


def block_of(rows):
    frames = FrameList()
    for row in rows:
        frames.add(*row)
    return frames.take()


def write(path, rows=ROWS, channels=("1", "2"), start_ns=START_NS):
    writer = open_writer(path, path.suffix, list(channels), start_ns)
    middle = len(rows) // 2
    for part in (rows[:middle], rows[middle:]):
        writer.write(block_of(part))
    writer.close()
    return path


def read(path):
    log = open_log(path)
    rows = [row for block in log for row in block.rows()]
    return log, rows


def messages_of(rows):
    for t_ns, channel, can_id, flags, length, data in rows:
        yield can.Message(
            timestamp=1_700_000_000 + t_ns / 1e9,
            arbitration_id=can_id,
            is_extended_id=bool(flags & EXTENDED),
            is_remote_frame=bool(flags & REMOTE),
            is_error_frame=bool(flags & ERROR),
            channel=channel,
            dlc=length,
            data=data,
            is_fd=bool(flags & FD),
            is_rx=not flags & SENT,
            bitrate_switch=bool(flags & BRS),
            error_state_indicator=bool(flags & ESI),
        )


# ---- BLF, ASC


def blf(*objects, size=None, kind=10, method=2):
    content = b"".join(one + bytes(len(one) % 4) for one in objects)
    packed = zlib.compress(content) if method == 2 else content
    container = struct.pack("<4sHHLLH6xL4x", b"LOBJ", 16, 1, 32 + len(packed), kind, method, len(content)) + packed
    whole = container + bytes(len(container) % 4)
    date = (2023, 11, 2, 14, 22, 13, 20, 0)
    total = 144 + len(whole) if size is None else size
    head = struct.pack("<4sL8BQQLL8H8H", b"LOGG", 144, 5, 0, 0, 0, 2, 6, 8, 1, total, 0, len(objects), 0, *date, *date)
    return head + bytes(144 - len(head)) + whole


def blf_object(kind, body, *, t=1_000, unit=2, version=1):
    header = struct.pack("<LHHQ", unit, 0, 0, t) if version == 1 else struct.pack("<LBxHQQ", unit, 0, 0, t, 0)
    size = 16 + len(header) + len(body)
    return struct.pack("<4sHHLL", b"LOBJ", 16 + len(header), version, size, kind) + header + body


def classic(number=1, can_id=0x123, data=b"\x01\x02", flags=0, **more):
    return blf_object(1, struct.pack("<HBBL8s", number, flags, len(data), can_id, data), **more)


def wide64(data, *, flags=0x1000, valid=None, extra=0, behind=b"", dlc=15, number=1, sent=0, **more):
    head = struct.pack(
        "<BBBBLLLLLLLHBBL", number, dlc, len(data) if valid is None else valid, 0, 0x80000123, 0, flags,
        0, 0, 0, 0, 0, sent, extra, 0,
    )  # fmt: skip
    return blf_object(101, head + data + behind, **more)


def saved(tmp_path, data, name="x.blf"):
    path = tmp_path / name
    path.write_bytes(data)
    return path


def asc(tmp_path, *lines, head="date Tue Nov 14 10:13:20.5 pm 2023\nbase hex  timestamps absolute\n"):
    return saved(tmp_path, (head + "\n".join(lines) + "\n").encode(), "x.asc")


def attempt(path):
    """Rows and what is said; a refusal is no rows and its words."""
    try:
        log, rows = read(path)
    except UsageError as error:
        rows, said = [], str(error)
    else:
        said = log.complaint()
    assert "\n" not in said
    return rows, said
