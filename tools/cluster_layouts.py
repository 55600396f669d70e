"""Writes the layout files of both clusters, with their reference pictures, from the looks of the virtual ECU.

    python tools/cluster_layouts.py        # fixtures/layouts/{alta,brio}/cluster.toml and fixtures/layouts/symbols/

Run it when a look has changed, look at what it wrote, and commit that: layouts are data, as a lab would have measured
them on a real cluster. Nothing reads the looks when suites run. Each number is what the drawing says, so a layout
proves nothing about the looks; the tests compare readings with states.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from hil.ecu import cluster_art, symbols, symbols_guidance
from hil.ecu import cluster_paint as paint
from hil.ecu.cluster import ClusterState, Screen, render
from hil.ecu.cluster_look import Box, Line, Look
from hil.ecu.cluster_state import AMBER, BLUE, COLOURS, COOLANT_C, GREEN, RED, SCALE_ENDS

LAYOUTS = Path(__file__).parents[1] / "fixtures/layouts"
NAMES = {RED: "red", AMBER: "amber", GREEN: "green", BLUE: "blue"}
BIGGEST = {
    "speed": ("888", "digits", r"\d{1,3}|---"),
    "speed_unit": ("km/h", "any", "km/h|mph"),
    "gear": ("D", "letters", "[PRND]?"),
    "odometer": ("888888", "digits", r"\d{6}|------"),
    "trip": ("8888.8", "number", r"\d{1,4}\.\d|---"),
    "range": ("8888", "digits", r"\d{1,4}|---"),
    "clock": ("88:88", "any", r"(\d{1,2}:\d\d)?"),
    "outside": ("-88.8 °C", "any", ""),
    "acc_speed": ("888", "digits", r"\d{0,3}"),
    "speed_limit": ("88", "digits", r"\d{0,3}"),
    "guidance_distance": ("88.8 km", "any", ""),
    "guidance_road": ("", "any", ""),
}
DISTANCES = ("odometer", "trip", "range")
SPEEDS = ("speed", "acc_speed", "speed_limit")


def main() -> None:
    """Write all."""
    write_pictures()
    for look in cluster_art.LOOKS.values():
        folder = LAYOUTS / look.brand
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "cluster.toml").write_text(layout_of(look), encoding="utf-8")
        logo = render(ClusterState(screen=Screen.SPLASH, brand=look.brand))[90:290, 520:760].max(axis=2)
        cv2.imwrite(str(folder / "splash.png"), logo)


def write_pictures() -> None:
    """Every symbol at the sizes in which the clusters show it; both have the same."""
    look = cluster_art.LOOKS["alta"]
    for name, (_, side) in look.telltales.items():
        write_symbol("telltales", name, side)
    for name in (*COLOURS, *symbols_guidance.SEVERITIES):
        write_symbol("warnings", name, look.card.symbol[1])
    for name in symbols_guidance.MANOEUVRES:
        write_symbol("manoeuvres", name, look.guidance[1])


def write_symbol(folder: str, name: str, side: int) -> None:
    """A white symbol on black, cut to its ink."""
    mask = symbols.mask(name, side)
    rows, columns = np.flatnonzero(mask.max(axis=1) > 40), np.flatnonzero(mask.max(axis=0) > 40)
    (LAYOUTS / "symbols" / folder).mkdir(parents=True, exist_ok=True)
    cut = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    cv2.imwrite(str(LAYOUTS / "symbols" / folder / f"{name}.png"), cut)


def layout_of(look: Look) -> str:
    """The whole file."""
    return "\n".join([*head(look), *telltales(look), *needles(look), *texts(look), *bars(look), *views(look)])


def head(look: Look) -> list[str]:
    return [
        f"# The cluster of {look.brand} on the virtual cockpit ECU: what is where on its 1280 x 480 glass.",
        "# Keys: see docs/layout-file.md. Numbers and reference pictures come from tools/cluster_layouts.py.",
        "",
        "[screen]",
        "size = [1280, 480]",
        "",
        "[overlay.night.screen]",
        "brightness = 0.6",
        "",
        *miles(look),
    ]


def miles(look: Look) -> list[str]:
    """What differs with mph: the scale, and the units."""
    lines = ["[overlay.mph.needle.speed_needle]", f"scale = {scale(look, 'mph')}", 'unit = "mph"', ""]
    for name in (*SPEEDS, *DISTANCES):
        lines += [f"[overlay.mph.text.{name}]", f'unit = "{"mph" if name in SPEEDS else "mi"}"', ""]
    return lines


def scale(look: Look, unit: str) -> list[list[float]]:
    half = look.speed[unit].sweep / 2
    return [[-half, 0.0], [half, SCALE_ENDS[look.brand, unit]]]


def telltales(look: Look) -> list[str]:
    lines: list[str] = []
    for name in COLOURS:
        (x, y), side = look.telltales[name]
        lines += [
            f"[telltale.{name}]",
            f"region = {around((x - side // 2, y - side // 2, side, side), 2)}",
            f'colour = "{NAMES[COLOURS[name]]}"',
            f'reference = "../symbols/telltales/{name}.png"',
            "",
        ]
    return lines


def needles(look: Look) -> list[str]:
    colour = hexed(look.day.dial.needle)
    half = look.rpm.sweep / 2
    both = (
        ("speed_needle", look.speed["km/h"], scale(look, "km/h"), "km/h"),
        ("rpm_needle", look.rpm, [[-half, 0.0], [half, 8000.0]], "rpm"),
    )
    lines: list[str] = []
    for name, dial, points, unit in both:
        lines += [
            f"[needle.{name}]",
            f"pivot = {[float(value) for value in dial.pivot]}",
            f"inner = {dial.blade[0] + 6}",
            f"outer = {min(dial.track[0] - 7, 148.0)}",
            f'colour = "{colour}"',
            f"scale = {points}",
            f'unit = "{unit}"',
            "",
        ]
    return lines


def texts(look: Look) -> list[str]:
    lines: list[str] = []
    for name, (biggest, charset, pattern) in BIGGEST.items():
        unit = "km/h" if name in SPEEDS else "km" if name in DISTANCES else ""
        lines += [f"[text.{name}]", f"region = {text_box(look.texts[name], biggest)}", f'charset = "{charset}"']
        lines += [f"pattern = '{pattern}'"] if pattern else []
        lines += [f'unit = "{unit}"'] if unit else []
        lines.append("")
    return lines


def text_box(line: Line, biggest: str) -> list[int]:
    """Where the biggest text of a line lies, with a margin of a third of its height."""
    face = paint.font(line.file, line.size)
    _, top, _, bottom = face.getbbox("H0")
    height, width = bottom - top, line.width or round(face.getlength(biggest))
    margin = min(max(4, round(height / 3)), 10)
    below = round(height * 0.28) if biggest in ("", "km/h") else 0
    left, y = round(line.at[0] - line.align * width), round(line.at[1] - height / 2)
    return [left - margin, y - margin, width + 2 * margin, height + below + 2 * margin]


def bars(look: Look) -> list[str]:
    colours = {"power": [hexed(look.day.accent), hexed(look.day.regain)]}
    scales = {"coolant": list(COOLANT_C), "power": [-100.0, 100.0]}
    units = {"coolant": "degC", "power": "%"}
    lines: list[str] = []
    for name, bar in look.bars.items():
        lines += [f"[bar.{name}]", f"region = {list(bar.box)}"]
        lines += [f"colours = {quoted(colours.get(name, [hexed(look.day.accent)]))}"]
        lines += [f"scale = {scales.get(name, [0.0, 1.0])}"]
        lines += ["origin = 0.0"] if bar.fills == "middle" else []
        lines += [f'unit = "{units[name]}"'] if name in units else []
        lines.append("")
    return lines


def views(look: Look) -> list[str]:
    """Guidance, the pop-up and the splash."""
    (x, y), side = look.guidance
    arrows = pictures("manoeuvres", list(symbols_guidance.MANOEUVRES))
    return [
        "[icon.guidance]",
        f"region = {around((x - side // 2, y - side // 2, side, side), 2)}",
        f"pictures = {arrows}",
        'colour = "white"',
        "",
        *popup(look),
        "[view.splash]",
        'anchors = [{ region = [510, 80, 260, 220], reference = "splash.png" }]',
        "",
    ]


def popup(look: Look) -> list[str]:
    card, white = look.card, hexed(look.day.ink)
    left, top, width, height = card.box
    first, second = ([left + x, top + y, w, h] for x, y, w, h in card.marks)
    (x, y), side = card.symbol
    return [
        "[popup.warning]",
        f"region = {[left, top, width, height]}",
        f"mark = {first}",
        f"text = {[left + card.text[0] - 8, top + 8, card.text[1] + 10, height - 16]}",
        f"symbol = {around((left + x - side // 2, top + y - side // 2, side, side), 2)}",
        f"symbols = {pictures('warnings', [*COLOURS, *symbols_guidance.SEVERITIES])}",
        "",
        "[popup.warning.severity]  # the last that fits counts",
        f'information = {{ colour = "{white}" }}',
        'caution = { colour = "amber" }',
        f'warning = {{ colour = "amber", region = {second} }}',
        'critical = { colour = "red" }',
        "",
    ]


def pictures(folder: str, names: list[str]) -> str:
    return "{ " + ", ".join(f'{name} = "../symbols/{folder}/{name}.png"' for name in names) + " }"


def around(box: Box, margin: int) -> list[int]:
    left, top, width, height = box
    return [left - margin, top - margin, width + 2 * margin, height + 2 * margin]


def hexed(colour: tuple[int, int, int]) -> str:
    return "#" + "".join(f"{channel:02x}" for channel in colour)


def quoted(words: list[str]) -> str:
    return "[" + ", ".join(f'"{word}"' for word in words) + "]"


if __name__ == "__main__":
    main()
