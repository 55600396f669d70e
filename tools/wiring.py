"""Draws the wiring pictures of docs/benches: boxes, wires and what hangs between them, as SVG.

    python tools/wiring.py            writes docs/pictures/bench-*.svg

Rules: a wire runs horizontally and vertically; its colour says what it carries; every end has a name.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from xml.sax.saxutils import escape

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "pictures"
COLOURS = {
    "CAN high": "#b86e00", "CAN low": "#23804a", "ground": "#444444", "supply": "#c62828", "USB": "#3d6bab",
    "network": "#3d6bab", "serial": "#7a4aa8", "picture": "#00788a", "contact": "#a03a6a",
}  # fmt: skip
MINUS = "\N{MINUS SIGN}"
INK, SOFT = "#1d232a", "#5a6570"
Spot = tuple[float, float]


class Drawing:
    """A picture in the making."""

    def __init__(self, width: int, height: int, title: str) -> None:
        self.size, self.title, self._parts = (width, height), title, list[str]()

    def box(
        self,
        left: float,
        top: float,
        width: float,
        height: float,
        name: str,
        *lines: str,
        fill: str = "#f3f6fa",
        indent: int = 12,
    ) -> None:
        """A device: its name, and what it is below."""
        self._parts.append(
            f'<rect x="{left}" y="{top}" width="{width}" height="{height}" rx="8" fill="{fill}" stroke="#8794a3"/>'
        )
        self.text(left + indent, top + 24, name, bold=True)
        for number, line in enumerate(lines):
            self.text(left + indent, top + 44 + 17 * number, line, soft=True)

    def text(self, x: float, y: float, text: str, *, bold: bool = False, soft: bool = False, at: str = "start") -> None:
        """A line of writing."""
        style = f'font-size="{13 if soft else 14}" fill="{SOFT if soft else INK}" text-anchor="{at}"'
        weight = ' font-weight="600"' if bold else ""
        self._parts.append(f'<text x="{x}" y="{y}" {style}{weight}>{escape(text)}</text>')

    def wire(self, kind: str, *spots: Spot, label: str = "", dashed: bool = False) -> None:
        """A wire over these corners; its label stands above the middle of its first stretch."""
        points = " ".join(f"{x},{y}" for x, y in spots)
        dash = ' stroke-dasharray="6 4"' if dashed else ""
        self._parts.append(
            f'<polyline points="{points}" fill="none" stroke="{COLOURS[kind]}" stroke-width="2.4"{dash}/>'
        )
        for x, y in (spots[0], spots[-1]):
            self._parts.append(f'<circle cx="{x}" cy="{y}" r="3.6" fill="{COLOURS[kind]}"/>')
        if label:
            (x1, y1), (x2, _) = spots[0], spots[1]
            self.text((x1 + x2) / 2, y1 - 6, label, soft=True, at="middle")

    def joint(self, kind: str, x: float, y: float) -> None:
        """Where wires meet."""
        self._parts.append(f'<circle cx="{x}" cy="{y}" r="4.6" fill="{COLOURS[kind]}"/>')

    def terminator(self, x: float, top: float, bottom: float, *, left: bool = False) -> None:
        """A resistor of 120 ohm between the two wires of a bus."""
        middle = (top + bottom) / 2
        self._parts.append(f'<path d="M{x} {top}V{bottom}" stroke="{INK}" stroke-width="1.6"/>')
        self._parts.append(
            f'<rect x="{x - 6}" y="{middle - 11}" width="12" height="22" fill="#ffffff" stroke="{INK}" '
            'stroke-width="1.6"/>'
        )
        self.text(x - 11 if left else x + 11, middle + 5, "120 Ω", soft=True, at="end" if left else "start")

    def fuse(self, x: float, y: float, rating: str) -> None:
        """A fuse in a horizontal wire."""
        self._parts.append(
            f'<rect x="{x - 15}" y="{y - 6}" width="30" height="12" rx="3" fill="#ffffff" stroke="{COLOURS["supply"]}" '
            'stroke-width="1.8"/>'
        )
        self.text(x, y - 12, rating, soft=True, at="middle")

    def contact(self, x: float, y: float, name: str) -> None:
        """A relay contact in a horizontal wire, drawn open."""
        self._parts.append(f'<rect x="{x - 20}" y="{y - 4}" width="40" height="8" fill="#ffffff"/>')
        self._parts.append(
            f'<path d="M{x - 20} {y}L{x + 16} {y - 13}" stroke="{COLOURS["contact"]}" stroke-width="2.4"/>'
        )
        for at in (x - 20, x + 20):
            self._parts.append(f'<circle cx="{at}" cy="{y}" r="3.6" fill="{COLOURS["contact"]}"/>')
        self.text(x, y + 19, name, soft=True, at="middle")

    def svg(self) -> str:
        """The picture."""
        width, height = self.size
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        )
        font = "font-family=\"-apple-system, 'Segoe UI', 'DejaVu Sans', Arial, sans-serif\""
        back = f'<rect width="{width}" height="{height}" rx="10" fill="#ffffff"/>'
        body = "\n".join(self._parts)
        return f'{head} {font} role="img">\n<title>{escape(self.title)}</title>\n{back}\n{body}\n</svg>\n'


def bus(draw: Drawing, left: float, right: float, top: float, name: str) -> None:
    """A CAN bus between two devices, with its two terminators."""
    high, low = top, top + 40
    for kind, y, letter in (("CAN high", high, "H"), ("CAN low", low, "L")):
        draw.wire(kind, (left, y), (right, y))
        draw.text(left - 8, y + 5, letter, bold=True, at="end")
        draw.text(right + 8, y + 5, letter, bold=True)
    draw.terminator(left + 26, high, low)
    draw.terminator(right - 26, high, low, left=True)
    draw.text((left + right) / 2, high - 8, name, soft=True, at="middle")


def socketcan() -> Drawing:
    """A Linux machine with two USB adapters."""
    draw = Drawing(1080, 640, "Wiring of a bench with two USB-CAN adapters on SocketCAN")
    draw.box(24, 24, 170, 560, "Linux PC", "hil run", "can_chassis,", "can_body by udev")
    draw.box(300, 24, 220, 116, "USB-CAN adapter 1", "CAN FD, isolated", "can_chassis")
    draw.box(300, 164, 220, 116, "USB-CAN adapter 2", "classic CAN, isolated", "can_body")
    draw.box(300, 304, 220, 112, "USB-serial adapter", "3.3 V or 1.8 V: as the", "ECU's console")
    draw.box(300, 440, 220, 144, "Bench supply", "SCPI over LAN,", "16 V, 10 A")
    draw.box(836, 24, 220, 560, "ECU under test", "cluster or infotainment", indent=52)
    for y, kind, label in ((82, "USB", "USB"), (222, "USB", "USB"), (360, "USB", "USB"), (512, "network", "LAN")):
        draw.wire(kind, (194, y), (300, y), label=label)
    bus(draw, 520, 836, 60, "chassis, CAN FD, under 1 m")
    bus(draw, 520, 836, 196, "body, CAN")
    for y, near, far in ((340, "TX", "RX"), (368, "RX", "TX")):
        draw.wire("serial", (520, y), (836, y))
        draw.text(512, y + 5, near, bold=True, at="end")
        draw.text(844, y + 5, far, bold=True)
    draw.wire("supply", (520, 480), (836, 480))
    draw.fuse(730, 480, "10 A")
    draw.text(512, 485, "+", bold=True, at="end")
    draw.text(844, 485, "KL30", bold=True)
    draw.wire("ground", (520, 548), (836, 548))
    draw.text(512, 553, MINUS, bold=True, at="end")
    draw.text(844, 553, "KL31", bold=True)
    draw.wire("ground", (520, 128), (632, 128), (632, 548), dashed=True)
    draw.wire("ground", (520, 270), (632, 270), dashed=True)
    draw.wire("ground", (520, 404), (632, 404), dashed=True)
    draw.joint("ground", 632, 548)
    for y in (128, 270, 404):
        draw.text(512, y + 5, "GND", bold=True, at="end")
    draw.text(
        540,
        622,
        "Dashed: ground of each adapter, to one point. Two terminators a bus, wherever they sit: 60 Ω between H and L.",
        soft=True,
        at="middle",
    )
    return draw


def laptop() -> Drawing:
    """A Windows laptop with a vendor's two-channel adapter."""
    draw = Drawing(1080, 560, "Wiring of a bench with a Windows laptop and a vendor's CAN adapter")
    draw.box(24, 24, 170, 480, "Windows laptop", "hil run", "vendor's driver")
    draw.box(300, 24, 220, 206, "Vendor's CAN adapter", "two channels,", "isolated", "USBBUS1, USBBUS2")
    draw.box(300, 254, 220, 96, "USB relay board", "COM5, two contacts")
    draw.box(300, 374, 220, 130, "Supply, set by hand", "13.5 V, current limit", "set to 8 A")
    draw.box(836, 24, 220, 480, "ECU under test", "infotainment with adb", indent=52)
    for y in (110, 300):
        draw.wire("USB", (194, y), (300, y), label="USB")
    bus(draw, 520, 836, 60, "chassis, CAN FD, under 1 m")
    bus(draw, 520, 836, 148, "body, CAN")
    draw.wire("supply", (520, 410), (560, 410), (560, 290), (836, 290))
    draw.text(512, 415, "+", bold=True, at="end")
    draw.fuse(622, 290, "10 A")
    draw.contact(720, 290, "contact 2: KL30")
    draw.text(844, 295, "KL30", bold=True)
    draw.wire("supply", (660, 290), (660, 346), (836, 346))
    draw.joint("supply", 660, 290)
    draw.contact(720, 346, "contact 1: KL15")
    draw.text(844, 351, "KL15", bold=True)
    draw.wire("ground", (520, 470), (836, 470))
    draw.text(512, 475, MINUS, bold=True, at="end")
    draw.text(844, 475, "KL31", bold=True)
    draw.wire("ground", (520, 212), (590, 212), (590, 470), dashed=True)
    draw.joint("ground", 590, 470)
    draw.text(512, 217, "GND", bold=True, at="end")
    draw.wire("picture", (110, 504), (110, 532), (946, 532), (946, 504))
    draw.text(528, 524, "USB to the ECU: adb prints its screen", soft=True, at="middle")
    draw.text(720, 244, "contacts of the relay board", soft=True, at="middle")
    return draw


def rack() -> Drawing:
    """A rack that is driven from another machine."""
    draw = Drawing(1120, 720, "Wiring of a rack with supply, relays, camera and a remote serial server")
    draw.box(24, 24, 180, 640, "Rack PC, Linux", "hil run", "CAN card:", "can0, can1")
    draw.box(316, 200, 220, 96, "Serial server", "RFC 2217, port 4001", "RS-232 or TTL")
    draw.box(316, 320, 220, 112, "Relay board", "on the serial server,", "port 4002")
    draw.box(316, 456, 220, 128, "Supply", "SCPI over LAN,", "port 5025")
    draw.box(316, 608, 220, 84, "Camera", "MJPEG server on LAN", fill="#eef7f8")
    draw.box(876, 24, 220, 560, "ECU under test", "cluster and", "infotainment", indent=60)
    draw.box(876, 608, 220, 84, "Screen of the ECU", "in a dark box", fill="#eef7f8")
    bus(draw, 204, 876, 52, "chassis, CAN FD: terminators at both ends, no stubs between")
    bus(draw, 204, 876, 118, "body, CAN")
    draw.wire("ground", (204, 184), (876, 184), dashed=True)
    draw.text(196, 189, "GND", bold=True, at="end")
    draw.text(884, 189, "GND", bold=True)
    draw.text(540, 178, "third wire in each CAN cable", soft=True, at="middle")
    for y in (248, 520, 650):
        draw.wire("network", (204, y), (316, y), label="LAN")
    draw.wire("serial", (426, 296), (426, 320))
    draw.text(436, 313, "port 4002", soft=True)
    for y, near, far in ((226, "TX", "RX"), (254, "RX", "TX"), (282, "GND", "GND")):
        kind = "ground" if near == "GND" else "serial"
        draw.wire(kind, (536, y), (876, y))
        draw.text(528, y + 5, near, bold=True, at="end")
        draw.text(884, y + 5, far, bold=True)
    draw.text(700, 218, "console", soft=True, at="middle")
    draw.wire("supply", (536, 480), (576, 480), (576, 352), (876, 352))
    draw.text(528, 485, "+", bold=True, at="end")
    draw.fuse(640, 352, "10 A")
    draw.contact(770, 352, "contact 2: KL30")
    draw.text(884, 357, "KL30", bold=True)
    draw.wire("supply", (690, 352), (690, 412), (876, 412))
    draw.joint("supply", 690, 352)
    draw.contact(770, 412, "contact 1: KL15")
    draw.text(884, 417, "KL15", bold=True)
    draw.wire("ground", (690, 556), (690, 470), (876, 470))
    draw.joint("ground", 690, 556)
    draw.contact(770, 470, "contact 3: home key")
    draw.text(884, 475, "home key", bold=True)
    draw.text(780, 322, "contacts of the relay board", soft=True, at="middle")
    draw.wire("ground", (536, 556), (876, 556))
    draw.text(528, 561, MINUS, bold=True, at="end")
    draw.text(884, 561, "KL31", bold=True)
    draw.wire("picture", (536, 650), (876, 650), dashed=True)
    draw.text(706, 642, "looks at it squarely, exposure fixed", soft=True, at="middle")
    return draw


PICTURES: dict[str, Callable[[], Drawing]] = {
    "bench-socketcan.svg": socketcan, "bench-laptop.svg": laptop, "bench-rack.svg": rack,
}  # fmt: skip


def main() -> None:
    """Write all pictures."""
    for name, draw in PICTURES.items():
        (FOLDER / name).write_text(draw().svg(), encoding="utf-8")


if __name__ == "__main__":
    main()
