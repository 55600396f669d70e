"""How fast bench time passes with both vehicle databases as restbus, nobody looking at the screens.

Simulated wires with arbitration, restbus with E2E, the virtual ECU that reads and answers, inbox, monitors, journal.

python benchmarks/network.py [bench seconds]
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from hil.bench import config
from hil.bench.reset import Reset, Start
from hil.bench.wiring import open_bench, plan
from hil.journal import Journal

WARM_UP_S = 2.0


def main(bench_s: float) -> None:
    """Print the frames a bench second, the frames a wall second, and bench seconds a wall second."""
    bench = open_bench(plan(config.load(config.DEFAULT_BENCH)), "benchmark")
    frames = 0

    def count(frame: object) -> None:
        nonlocal frames
        frames += 1

    with tempfile.TemporaryDirectory() as folder:
        journal = Journal(Path(folder) / "journal.mcap")
        bench.wiring.recorder.begin(journal)
        clock = bench.wiring.clock
        clock.run(Reset(bench.wiring).to(Start.ON))
        clock.run(clock.sleep(WARM_UP_S))
        bench.wiring.taps.append(count)
        begin = time.process_time()
        clock.run(clock.sleep(bench_s))
        wall_s = time.process_time() - begin
        bench.close()
        journal.close()
    print(f"{frames / bench_s:.0f} frames a bench second on {len(bench.wiring.buses)} buses")
    print(f"{frames / wall_s:.0f} frames a wall second, {bench_s / wall_s:.0f} times real time")


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 60.0)
