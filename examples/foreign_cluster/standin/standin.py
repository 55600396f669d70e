"""Stands in for a cluster that you don't have on the desk: shares nothing with the bench but the wire and the picture.

    python standin.py run --group 239.74.163.9 --port 43119 [--fault NAME]    the cluster, until SIGTERM
    python standin.py shot PORT                                               prints its picture, a PNG

It listens to CAN frames on UDP multicast, decodes them by hand as its own maker would, and draws a panel of 800 x 480
pixels: an amber lamp, and the range on a segment display. When it is ready it prints one line of JSON with the port at
which `shot` gets the picture. A fault makes it a bad cluster, so that a suite can be seen to fail.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import signal
import socket
import sys
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import can
    from PIL.ImageDraw import ImageDraw

FAULTS = {
    "lamp-dead": "the lamp never lights",
    "number-stuck": "the number never changes",
    "number-stays": "the last number stays when it is no longer valid",
}

# ---- what it knows

ENERGY, WARNINGS, STATE = 0x18FF50E5, 0x391, 0x611
NOT_AVAILABLE = 0xFFF
SILENT_S, STATE_EVERY_S = 1.0, 0.1
STATE_RUN = bytes([0x10, 0x00])


def now_s() -> float:
    """Seconds on a clock of its own: a cluster knows nothing of bench time."""
    return time.monotonic()


@dataclass
class Cluster:
    """What the cluster knows of the car."""

    fault: str = ""
    range_raw: int = NOT_AVAILABLE
    last: str = "---"
    warning: bool = False
    heard_s: float = 0.0

    def take(self, can_id: int, data: bytes) -> None:
        """A frame came."""
        if can_id == ENERGY and len(data) == 8:
            self.range_raw, self.heard_s = data[0] << 4 | data[1] >> 4, now_s()
            self.last = self.last if self.range_raw == NOT_AVAILABLE else str(self.range_raw // 2)
        elif can_id == WARNINGS and len(data) == 4:
            self.warning = data[1] >> 4 & 3 == 1

    @property
    def digits(self) -> str:
        """What the segments show: whole km, or dashes for a range that it doesn't know."""
        known = self.range_raw != NOT_AVAILABLE and now_s() - self.heard_s <= SILENT_S
        if self.fault == "number-stuck":
            return "888"
        return self.last if known or self.fault == "number-stays" else "---"

    @property
    def lamp(self) -> bool:
        """Whether the amber lamp is lit."""
        return self.warning and self.fault != "lamp-dead"


# ---- how it looks

SIZE = 800, 480
BEZEL, LCD, INK, LETTERS = (16, 26, 30), (196, 209, 180), (28, 36, 26), (120, 140, 146)
LIT, UNLIT = (255, 158, 26), (38, 32, 24)
SEGMENTS = {
    "0": "abcdef", "1": "bc", "2": "abdeg", "3": "abcdg", "4": "bcfg", "5": "acdfg", "6": "acdefg", "7": "abc",
    "8": "abcdefg", "9": "abcdfg", "-": "g",
}  # fmt: skip
DIGIT_W, DIGIT_H, HALF, PITCH = 66, 124, 8, 92
LAST_DIGIT = 486, 172

Corners = list[tuple[int, int]]


def picture(cluster: Cluster) -> bytes:
    """The panel as a PNG."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", SIZE, BEZEL)
    draw = ImageDraw.Draw(image)
    _draw_lettering(draw)
    _draw_number(draw, cluster.digits)
    _draw_lamp(draw, cluster.lamp)
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def _draw_lettering(draw: ImageDraw) -> None:
    from PIL import ImageFont

    draw.rounded_rectangle((236, 140, 660, 328), 14, fill=LCD)
    draw.text((236, 96), "RANGE", fill=LETTERS, font=ImageFont.load_default(28))
    draw.text((578, 262), "km", fill=INK, font=ImageFont.load_default(36))


def _draw_number(draw: ImageDraw, digits: str) -> None:
    left, top = LAST_DIGIT
    for place, digit in enumerate(reversed(digits)):
        for segment in SEGMENTS[digit]:
            draw.polygon(_segment(segment, left - place * PITCH, top), fill=INK)


def _segment(name: str, left: int, top: int) -> Corners:
    """One of the seven strokes of a digit: a, g, d lie, from the top; f, b and e, c stand, left and right."""
    right, middle, bottom = left + DIGIT_W - HALF, top + DIGIT_H // 2, top + DIGIT_H - HALF
    left, top = left + HALF, top + HALF
    if name in "agd":
        return _lying(left + 2, right - 2, {"a": top, "g": middle, "d": bottom}[name])
    x = left if name in "fe" else right
    return _standing(x, top + 2, middle) if name in "fb" else _standing(x, middle, bottom - 2)


def _lying(x1: int, x2: int, y: int) -> Corners:
    upper = [(x1, y), (x1 + HALF, y - HALF), (x2 - HALF, y - HALF)]
    return [*upper, (x2, y), (x2 - HALF, y + HALF), (x1 + HALF, y + HALF)]


def _standing(x: int, y1: int, y2: int) -> Corners:
    return [(across, along) for along, across in _lying(y1, y2, x)]


def _draw_lamp(draw: ImageDraw, lit: bool) -> None:
    """A triangle with an exclamation mark."""
    colour = LIT if lit else UNLIT
    draw.polygon([(130, 178), (182, 270), (78, 270)], outline=colour, width=9)
    draw.rectangle((126, 206, 134, 240), fill=colour)
    draw.ellipse((125, 247, 135, 257), fill=colour)


# ---- the cluster as a program


def run(group: str, port: int, fault: str) -> None:
    """Be the cluster until SIGTERM or Ctrl-C."""
    import can

    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    cluster = Cluster(fault)
    picture(cluster)  # what the first one loads would hold up the bus
    with can.Bus(interface="udp_multicast", channel=group, port=port, hop_limit=0) as bus, _listening() as server:
        threading.Thread(target=_serve, args=(server, cluster), daemon=True).start()
        print(json.dumps({"shot": server.getsockname()[1]}), flush=True)
        _live(bus, cluster, ended)


def _live(bus: can.BusABC, cluster: Cluster, ended: threading.Event) -> None:
    """Take frames in, and say that it runs."""
    import can

    due_s = now_s()
    while not ended.is_set():
        message = bus.recv(timeout=max(0.0, due_s - now_s()))
        if message is not None:
            cluster.take(message.arbitration_id, bytes(message.data))
        if now_s() >= due_s:
            due_s += STATE_EVERY_S
            bus.send(can.Message(arbitration_id=STATE, data=STATE_RUN, is_extended_id=False))


def _listening() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0))


def _serve(server: socket.socket, cluster: Cluster) -> None:
    """Give whoever connects the picture of this instant."""
    while True:
        connection, _ = server.accept()
        with connection, contextlib.suppress(OSError):
            connection.sendall(picture(cluster))


def shot(port: int) -> None:
    """Print the picture of the cluster that announced this port."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        while part := connection.recv(1 << 16):
            sys.stdout.buffer.write(part)


def main() -> None:
    """Read the arguments and do what they say."""
    parser = argparse.ArgumentParser(description="A stand-in for a cluster.")
    what = parser.add_subparsers(dest="what", required=True)
    runner = what.add_parser("run", help="be the cluster until SIGTERM")
    runner.add_argument("--group", required=True, help="multicast group of the bus")
    runner.add_argument("--port", type=int, required=True, help="UDP port of the bus")
    runner.add_argument("--fault", choices=FAULTS, default="", help="be a bad cluster")
    what.add_parser("shot", help="print its picture").add_argument("port", type=int)
    given = parser.parse_args()
    if given.what == "shot":
        shot(given.port)
    else:
        run(given.group, given.port, given.fault)


if __name__ == "__main__":
    main()
