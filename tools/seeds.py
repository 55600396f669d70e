"""Runs the suites on the virtual bench under many seeds: no case may fail without a defect.

python tools/seeds.py --count 20
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile


def main() -> int:
    """The number of seeds that did not end with 0, at most 1 as a status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=20, help="how many seeds")
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    arguments = parser.parse_args()
    failed = [seed for seed in range(arguments.first, arguments.first + arguments.count) if not _good(seed)]
    print(f"{arguments.count - len(failed)} seeds passed, {len(failed)} failed" + (f": {failed}" if failed else ""))
    return int(bool(failed))


def _good(seed: int) -> bool:
    with tempfile.TemporaryDirectory() as results:
        command = [sys.executable, "-m", "hil.cli.main", "run", "--seed", str(seed), "--results", results]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"seed {seed}:\n{done.stdout}{done.stderr}")
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
