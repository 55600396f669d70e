"""How long a user waits: `hil run` of one case, and `import hil`.

    python benchmarks/startup.py

Whole-process wall times, medians of five runs after a warm-up.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time

RUNS = 5


def main() -> None:
    """Print a row each."""
    with tempfile.TemporaryDirectory() as results:
        one = [sys.executable, "-m", "hil.cli.main", "run", "--name", "main beam lights*", "--results", results]
        plain = [sys.executable, "-m", "hil.cli.main", "run", "--name", "no speed is shown*", "--results", results]
        rows = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "import hil": [sys.executable, "-c", "import hil"],
            "hil run of one case (telltale)": one,
            "hil run of one case (text)": plain,
        }
        for name, command in rows.items():
            times = [timed(command) for _ in range(RUNS + 1)][1:]
            print(f"{name:<32} {statistics.median(times):6.2f} s   ({min(times):.2f} to {max(times):.2f})")


def timed(command: list[str]) -> float:
    """Wall seconds of a command that must end well."""
    begin = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - begin


if __name__ == "__main__":
    main()
