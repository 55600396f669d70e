"""How fast bench time passes with both vehicle databases as restbus, nobody looking at the screens.

Simulated wires with arbitration, restbus with E2E, the whole virtual ECU of the default bench (cluster, centre screen,
telematics with the cloud, diagnosis, updater), inbox, monitors, network management, journal.

python benchmarks/network.py [bench seconds]
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from hil.bench import config
from hil.bench.plan import plan
from hil.bench.reset import Reset, Start
from hil.bench.wiring import open_bench
from hil.journal import Journal, JournalReader

WARM_UP_S = 2.0


def main(bench_s: float) -> None:
    """Print what ran, frames a bench second, and frames and bench seconds a second of one core; there is one thread."""
    bench = open_bench(plan(config.load(config.DEFAULT_BENCH)), "benchmark")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal.mcap"
        journal = Journal(path)
        bench.wiring.recorder.begin(journal)
        clock = bench.wiring.clock
        clock.run(Reset(bench.wiring).to(Start.ON))
        clock.run(clock.sleep(WARM_UP_S))
        begin_ns, begin = clock.now_ns, time.process_time()
        clock.run(clock.sleep(bench_s))
        core_s, end_ns = time.process_time() - begin, clock.now_ns
        lit = [name for name, one in bench.wiring.screens.items() if clock.run(one.latest()).token != "dark"]
        bench.close()
        journal.close()
        kinds = Counter(entry.kind for entry in JournalReader(path) if begin_ns < entry.t_ns <= end_ns)
    frames = kinds["can"]
    print(f"lit screens: {', '.join(lit)}; messages to and from the cloud: {kinds['mqtt']}")
    print(f"{frames / bench_s:.0f} frames a bench second on {len(bench.wiring.buses)} buses")
    print(f"{frames / core_s:.0f} frames a second of one core, {bench_s / core_s:.0f} times real time")


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 60.0)
