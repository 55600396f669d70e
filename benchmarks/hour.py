"""An hour of both vehicle databases as restbus on the virtual clock: is memory flat, are two runs equal?

python benchmarks/hour.py [bench minutes]
"""

from __future__ import annotations

import hashlib
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from hil.bench import config
from hil.bench.plan import plan
from hil.bench.reset import Reset, Start
from hil.bench.wiring import open_bench
from hil.journal import Journal, JournalReader


def run(path: Path, minutes: int) -> None:
    """One run; prints the resident memory after each tenth of it."""
    bench = open_bench(plan(config.load(config.DEFAULT_BENCH)), "an hour")
    journal = Journal(path)
    bench.wiring.recorder.begin(journal)
    clock = bench.wiring.clock
    clock.run(Reset(bench.wiring).to(Start.ON))
    for tenth in range(1, 11):
        clock.run(clock.sleep(6.0 * minutes))
        print(f"  {tenth * minutes / 10:5.1f} min of bench time: {resident_mib():.1f} MiB", flush=True)
    bench.close()
    journal.close()


def resident_mib() -> float:
    """Resident memory of this process now; where /proc isn't there, its peak."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text().split()[1]) * resource.getpagesize() / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def digest(path: Path) -> tuple[str, int]:
    """A hash over all decoded records of a journal, and how many there are."""
    found, count = hashlib.sha256(), 0
    for entry in JournalReader(path):
        found.update(repr(entry).encode())
        count += 1
    return found.hexdigest()[:16], count


def main(minutes: int) -> None:
    """Two runs in processes of their own, with other hash seeds."""
    digests = []
    with tempfile.TemporaryDirectory() as folder:
        for number in (1, 2):
            path = Path(folder) / f"{number}.mcap"
            begin = time.perf_counter()
            command = [sys.executable, __file__, "--run", str(path), str(minutes)]
            subprocess.run(command, check=True, env=os.environ | {"PYTHONHASHSEED": str(number)})
            wall_s = time.perf_counter() - begin
            digests.append(digest(path))
            what = f"{digests[-1][1]} records, {path.stat().st_size / 2**20:.0f} MiB, hash {digests[-1][0]}"
            print(f"run {number}: {wall_s:.0f} s of wall time, {what}", flush=True)
    print("journals equal" if digests[0] == digests[1] else "journals DIFFER")
    sys.exit(digests[0] != digests[1])


if __name__ == "__main__":
    if sys.argv[1:2] == ["--run"]:
        run(Path(sys.argv[2]), int(sys.argv[3]))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 60)
