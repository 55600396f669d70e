"""What it costs to draw the screens and to read them: medians in ms.

python benchmarks/screen.py
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path

from hil.ecu import centre_art
from hil.ecu.centre_state import CentreState, Status
from hil.ecu.cluster import ClusterState, Guidance, Warning, render
from hil.ecu.cluster_state import MANOEUVRES
from hil.hmi.frames import Pixels
from hil.hmi.layout import Item
from hil.hmi.layout_file import load
from hil.hmi.ocr import LocalRecogniser, engine
from hil.hmi.reader import Reader, reader_for

LOOKS = 60


CLUSTER_ITEMS = (
    "telltale.high_beam", "needle.speed_needle", "bar.power", "icon.guidance", "popup.warning", "text.speed",
)  # fmt: skip
CENTRE_ITEMS = ("view.home", "button.tile_media", "picture.rear_camera", "text.clock", "text.climate_value")


def main() -> None:
    """Print a row each."""
    states = [
        ClusterState(
            speed=4.0 * n, speed_number=4 * n, rpm=100.0 * n, gear="D", power_pct=n, telltales=frozenset({"high_beam"}),
            guidance=Guidance(MANOEUVRES[n % len(MANOEUVRES)], "300 m", "B27"), warning=Warning((f"Warning {n}",)),
        )
        for n in range(LOOKS)
    ]  # fmt: skip
    print(f"{'raster 1280x480':<28} {median(lambda n: render(states[n])):6.2f} ms")
    read_all("cluster", CLUSTER_ITEMS, [render(state) for state in states])
    pages = [CentreState(status=Status(clock=f"12:{n:02d}", outside="21 °C")) for n in range(LOOKS)]
    print(f"{'raster 1280x800':<28} {median(lambda n: centre_art.render(pages[n])):6.2f} ms")
    read_all("centre", CENTRE_ITEMS, [centre_art.render(page) for page in pages])


def read_all(screen: str, items: tuple[str, ...], frames: list[Pixels]) -> None:
    """A row for each item; the first look, which loads what is needed, doesn't count."""
    layout = load(Path(f"fixtures/layouts/alta/{screen}.toml"))
    for name in items:
        item = layout.item(name)
        reader = reader_for(item)
        reader(frames[0], item)
        print(f"{name:<28} {median(lambda n, r=reader, i=item: anew(r, frames[n], i)):6.2f} ms")


def anew(reader: Reader, pixels: Pixels, item: Item) -> object:
    """A look at an item as if it were the first at these words."""
    recogniser = engine("")
    assert isinstance(recogniser, LocalRecogniser)
    recogniser.forget()
    return reader(pixels, item)


def median(action: Callable[[int], object]) -> float:
    """Median wall time of an action, ms."""
    times = []
    for number in range(LOOKS):
        begin = time.perf_counter()
        action(number)
        times.append(1000 * (time.perf_counter() - begin))
    return statistics.median(times)


if __name__ == "__main__":
    main()
