"""What it costs to draw the cluster and to read it: medians in ms.

python benchmarks/screen.py
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path

from hil.ecu.cluster import ClusterState, render
from hil.hmi.layout_file import load
from hil.hmi.reader import reader_for

LOOKS = 60


def main() -> None:
    """Print a row each."""
    layout = load(Path("fixtures/layouts/alta/cluster.toml"))
    states = [ClusterState(speed=4.0 * n, speed_number=4 * n, rpm=100.0 * n, gear="D") for n in range(LOOKS)]
    print(f"{'raster 1280x480':<24} {median(lambda n: render(states[n])):6.2f} ms")
    for kind, name in (("telltale", "high_beam"), ("needle", "speed_needle"), ("text", "speed")):
        item = layout.item(name)
        reader, frames = reader_for(item), [render(state) for state in states]
        reader(frames[0], item)
        print(f"{kind + ' ' + name:<24} {median(lambda n, r=reader, i=item, f=frames: r(f[n], i)):6.2f} ms")


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
