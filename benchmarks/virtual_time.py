"""How fast bench time passes on the virtual bench, with restbus, wire, ECU, inbox and journal, nobody looking.

python benchmarks/virtual_time.py
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from hil.bench import config
from hil.bench.plan import plan
from hil.bench.reset import Reset, Start
from hil.bench.wiring import open_bench
from hil.journal import Journal, JournalReader

BENCH_S = 120.0


def main() -> None:
    """Print bench seconds a wall second, and frames a wall second."""
    bench = open_bench(plan(config.load(config.DEFAULT_BENCH)), "benchmark")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal.mcap"
        journal = Journal(path)
        bench.wiring.recorder.begin(journal)
        clock = bench.wiring.clock
        clock.run(Reset(bench.wiring).to(Start.ON))
        begin = time.perf_counter()
        clock.run(clock.sleep(BENCH_S))
        wall_s = time.perf_counter() - begin
        bench.close()
        journal.close()
        frames = sum(1 for entry in JournalReader(path) if entry.kind == "can")
    print(f"{BENCH_S / wall_s:.0f} bench seconds a wall second, {frames / wall_s:.0f} frames a wall second")


if __name__ == "__main__":
    main()
