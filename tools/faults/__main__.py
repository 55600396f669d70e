"""`python tools/faults.py`: break a lab bench of real ports on purpose, many times, and say what the verdicts were.

    python tools/faults.py --count 50
    python tools/faults.py --count 5 --fault "broker*"

Each fault is done `--count` times, at instants drawn from the seed: while booting, in a wait, in a send, in a check,
in clean-up. Right is: bench fault with the first cause, within a second; evidence up to then whole; the next case on a
bench that was brought back, or not run; nothing left over. Then whole runs are stopped by signals and by a full disk:
right is an end by itself with the supply off and nothing left over. Exit status 1 if anything was not so.

`--interfaces` does the same to interfaces of this kernel: `tools/vcan_suite.py` does it in the guest, which has them.
"""

from __future__ import annotations

import argparse
import fnmatch
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from faults import interfaces, stops
from faults.catalogue import FAULTS
from faults.fault import Fault
from faults.lab import Lab, opened
from faults.stops import STOPS, Stop
from faults.trial import Place, Result, Trial

_HEAD = f"{'fault':<36} {'right':>8} {'noticed within':>15} {'leaks':>6}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the trials and print the table."""
    asked = _parser().parse_args(arguments)
    seeds = range(asked.first, asked.first + asked.count)
    if asked.interfaces:
        return _break_interfaces(asked.fault, seeds)
    chosen = [one for one in (*FAULTS, *STOPS) if fnmatch.fnmatch(one.name, asked.fault)]
    if not chosen:
        print(
            f"no fault '{asked.fault}'; there is: {', '.join(one.name for one in (*FAULTS, *STOPS))}", file=sys.stderr
        )
        return 2
    with tempfile.TemporaryDirectory(prefix="faults-") as folder, opened(Path(folder)) as lab:
        Trial(lab, FAULTS[-2], 4).run()  # what is imported at the first use, and kept, is no leak
        print(_HEAD)
        return max([_row(lab, one, seeds) if isinstance(one, Fault) else _stop_row(lab, one, seeds) for one in chosen])


def _break_interfaces(pattern: str, seeds: range) -> int:
    """As `main`, of the faults of `faults.interfaces`."""
    status = 0
    print(_HEAD)
    for make, fault in interfaces.FAULTS:
        if not fnmatch.fnmatch(fault.name, pattern):
            continue
        with tempfile.TemporaryDirectory(prefix="faults-") as folder, interfaces.opened(Path(folder), make) as lab:
            status |= _row(lab, fault, seeds)
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tools/faults.py", description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--count", type=int, default=50, metavar="N", help="trials of each fault (50)")
    parser.add_argument("--first", type=int, default=0, metavar="SEED", help="the first seed (0)")
    parser.add_argument("--fault", default="*", metavar="PATTERN", help="faults by name (wildcards)")
    parser.add_argument("--interfaces", action="store_true", help="break interfaces of this kernel, in the guest")
    return parser


def _row(lab: Place, fault: Fault, seeds: range) -> int:
    """All trials of one fault, and their line of the table; returns whether something was wrong."""
    if isinstance(lab, Lab) and fault.name.startswith("disk") and not lab.disk.is_real:
        print(f"{fault.name:<36} not measured: needs a file system of its own (root)")
        return 0
    results = [_tried(lab, fault, seed) for seed in seeds]
    right = sum(1 for result in results if not result.wrong)
    slowest_s, leaks = max(result.noticed_s for result in results), sum(len(result.leaks) for result in results)
    print(f"{fault.name:<36} {right:>4} of {len(results)} {slowest_s:>13.2f} s {leaks:>6}", flush=True)
    for result in results:
        _explain(result)
    return int(right < len(results) or leaks > 0)


def _tried(lab: Place, fault: Fault, seed: int) -> Result:
    """A trial; what it raised is wrong, whatever it is, and the others follow."""
    trial = Trial(lab, fault, seed)
    try:
        return trial.run()
    except Exception as error:
        trial.result.wrong.append(f"{type(error).__name__}: {error}")
        return trial.result


def _stop_row(lab: Lab, stop: Stop, seeds: range) -> int:
    """All runs that are stopped one way, and their line: right ones, and how long the longest took to end."""
    if not stop.signals and not lab.disk.is_real:
        print(f"{stop.name:<36} not measured: needs a file system of its own (root)")
        return 0
    trials = [stops.Trial(lab, stop, seed) for seed in seeds]
    wrong = {seed: found for seed, trial in zip(seeds, trials, strict=True) if (found := trial.run())}
    slowest_s = max(trial.took_s for trial in trials)
    print(f"{stop.name:<36} {len(trials) - len(wrong):>4} of {len(trials)} {slowest_s:>8.1f} s to end", flush=True)
    for seed, found in wrong.items():
        print(*(f"    seed {seed}: {line}" for line in found), sep="\n", flush=True)
    return int(bool(wrong))


def _explain(result: Result) -> None:
    for line in [*result.wrong, *(f"left over: {leak}" for leak in result.leaks)]:
        print(f"    seed {result.seed} ({result.phase}): {line}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
