"""Runs what wants SocketCAN: `python tools/vcan_suite.py [--mode PLACE] [options of hil run | --benchmark NAME]`.

Without options four stages: on vcan the contracts of the wires and the cases tagged `guest`, then both on two SJA1000
controllers. vcan is had in a private network namespace where the kernel has it, else in a user-mode kernel, else in the
small guest that has the controllers, an emulated machine (see `tools/vcan`); `--mode namespace`, `user` or `guest` says
where. There some of the cases run on vcan and the others on the controllers. Options of `hil run` run what they select
on vcan. `--benchmark restbus` and `--benchmark stimulus` run those of `benchmarks/`, in the guest unless `--mode` says
where; `--benchmark interfaces` breaks each kind of interface fifty times (`tools/faults.py --interfaces`),
`interface-contracts` twice.

Text is recognised outside of a guest by `hil ocr serve`, since an emulated machine takes seconds a region; pages are
made outside too. Results lie in `results/`; `results/vcan.txt` has a line for each stage: its name, its status, its
seconds.
"""

from __future__ import annotations

import argparse
import compileall
import contextlib
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from vcan.namespace import namespace_works
from vcan.user_mode import user_mode_works

REPOSITORY = Path(__file__).resolve().parent.parent
RESULTS = REPOSITORY / "results"
VERDICTS = RESULTS / "vcan.txt"
BENCH = "fixtures/benches/vcan.toml"
CONTROLLERS_BENCH = "fixtures/benches/sja1000.toml"
CACHE = Path.home() / ".cache" / "cockpit-hil" / "databases"
BENCHMARKS = {"restbus": ["benchmarks/restbus_kernel.py"], "stimulus": ["benchmarks/stimulus.py"]}
BENCHMARKS["interfaces"] = ["tools/faults.py", "--interfaces"]
_WITHOUT_MORE = ["-p", "no:hypothesispytest", "-p", "no:xdist", "-p", "no:cacheprovider"]
"""Plugins that an emulated machine needs many seconds to load."""
BENCHMARKS["interface-contracts"] = ["-m", "pytest", "-q", *_WITHOUT_MORE, "tests/contract/test_interface_faults.py"]
"""By itself: it takes minutes, and what breaks a kernel must not take other stages with it."""
CONTRACTS = ["tests/contract/test_can_contract.py", "tests/contract/test_link_contract.py"]
CONTRACTS += ["tests/contract/test_bcm_contract.py"]

_INCONCLUSIVE = 4
"""Status of a run whose bench was late."""
ON_CONTROLLERS = ["--name", "Main beam*", "--name", "The ECU boots*"]
ON_CONTROLLERS += ["robot_suites/cluster.robot", "robot_suites/telltales.robot"]
ON_EMULATED_VCAN = ["--name", "*speed*", "--name", "test_power*", "robot_suites/speed.robot"]
ON_EMULATED_VCAN += ["pytest_suites/test_cluster.py"]
"""Of the cases tagged `guest`: an emulated machine needs half a minute each, and a minute to read all suites."""


@dataclass(frozen=True)
class Stage:
    """A command that wants SocketCAN."""

    name: str
    command: list[str]
    controllers: bool = False


def main(arguments: list[str]) -> int:
    """The first status that is not 0, of all stages."""
    if {"-h", "--help"} & set(arguments[:1]):
        print(__doc__)
        return 0
    signal.signal(signal.SIGTERM, stop)
    mode, arguments = mode_of(arguments)
    for folder in ("hil", "tools"):
        compileall.compile_dir(REPOSITORY / folder, quiet=1)
    RESULTS.mkdir(exist_ok=True)
    if arguments[:1] == ["--benchmark"]:
        return benchmark(arguments[1:], mode or "guest")
    _read_databases()
    VERDICTS.unlink(missing_ok=True)
    mode = mode or ("namespace" if namespace_works() else "user" if user_mode_works() else "guest")
    with recogniser() as port:
        return run_all(stages(arguments, mode), mode, port) if port else 3


def stop(number: int, _frame: object) -> NoReturn:
    """Ends what is under way: `subprocess.call` kills what it waits for, and with that goes its kernel."""
    raise SystemExit(128 + number)


def mode_of(arguments: list[str]) -> tuple[str, list[str]]:
    """Where vcan is to be had, or nothing; and what is left of the command line."""
    if arguments[:1] != ["--mode"]:
        return "", arguments
    parser = argparse.ArgumentParser(prog="vcan_suite.py", add_help=False)
    parser.add_argument("--mode", choices=("namespace", "user", "guest"))
    return parser.parse_args(arguments[:2]).mode, arguments[2:]


@contextlib.contextmanager
def recogniser() -> Iterator[str]:
    """The port of a program that recognises text outside of the guest; nothing if it did not start."""
    command = [sys.executable, "-m", "hil.cli.main", "ocr", "serve", "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        port = process.stdout.readline().strip().rpartition(":")[2]
        if not port:
            print("vcan_suite: the text recogniser did not start", file=sys.stderr)
        yield port
    finally:
        process.terminate()
        process.wait()


def benchmark(words: list[str], mode: str) -> int:
    """One of them, with what stands behind its name as its options."""
    if not words or words[0] not in BENCHMARKS:
        print(f"vcan_suite: --benchmark wants one of {', '.join(BENCHMARKS)}", file=sys.stderr)
        return 2
    command = [sys.executable, *BENCHMARKS[words[0]], *words[1:]]
    place = _vcan(600, mode)
    if words[0].startswith("interface"):
        place = [*_vcan(3600, "guest"), "--controllers", "2", "--usb"]
    return subprocess.call([*place, "--", *command], cwd=REPOSITORY)


def stages(arguments: list[str], mode: str) -> list[Stage]:
    """What is to run."""
    if arguments:
        return [Stage("cases on vcan", _hil_run(BENCH, arguments))]
    on_vcan = ON_EMULATED_VCAN if mode == "guest" else []
    return [
        Stage("contracts on vcan", _contracts("vcan", "(RawSocket or bcm) and not Controllers and not can0")),
        Stage("cases on vcan", _hil_run(BENCH, ["--tag", "guest", *on_vcan])),
        Stage("contracts on controllers", _contracts("sja1000", "RawSocketOnControllers or link or can0"), True),
        Stage("cases on controllers", _hil_run(CONTROLLERS_BENCH, ["--tag", "guest", *ON_CONTROLLERS]), True),
    ]


def _contracts(name: str, which: str) -> list[str]:
    pytest = [sys.executable, "-m", "pytest", "-q", *_WITHOUT_MORE, "-k", which]
    return [*pytest, "--junit-xml", f"results/{name}-contracts.xml", *CONTRACTS]


def run_all(wanted: list[Stage], mode: str, port: str) -> int:
    """All stages: in one guest, or those that need no controllers in a namespace or a user-mode kernel."""
    groups = [("guest", wanted)]
    if mode != "guest":
        kinds = ((mode, False), ("guest", True))
        groups = [(place, [stage for stage in wanted if stage.controllers is kind]) for place, kind in kinds]
    before, statuses = set(RESULTS.iterdir()), [0]
    for place, group in groups:
        statuses += [run_together(group, place, port)] if group else []
    newest: dict[str, int] = {}
    for folder in sorted(path for path in set(RESULTS.iterdir()) - before if path.is_dir()):
        newest[folder.name.partition("-")[2]] = _report(folder)  # of a bench that was late the second run counts
    statuses += newest.values()
    if VERDICTS.exists():
        print(VERDICTS.read_text(), end="")
    return next((status for status in statuses if status), 0)


def run_together(group: list[Stage], mode: str, port: str) -> int:
    """Stages in one place, one after the other, whatever became of those before."""
    begun = "status=0; "
    script = begun + "".join(_noted(stage) for stage in group) + "exit $status"
    place = [*_vcan(1800, mode), "--results", "results", "--env", f"HIL_CACHE={CACHE}"]
    place += ["--controllers", "2"] if any(stage.controllers for stage in group) else []
    place += ["--host-port", port, "--env", f"HIL_OCR=127.0.0.1:{port}"] if mode == "guest" else []
    return subprocess.call([*place, "--", "sh", "-c", script], cwd=REPOSITORY, env=os.environ | {"PYTHONUTF8": "1"})


def _noted(stage: Stage) -> str:
    """Shell that runs a stage and notes what became of it; once more if the bench was late, so that nothing follows."""
    clock = "$(cut -d. -f1 /proc/uptime)"
    note = f'echo "{stage.name}: status $last, $(({clock} - begun)) s" >>{shlex.quote(str(VERDICTS))}'
    last = '[ "$status" -ne 0 ] || status=$last'
    command = shlex.join(stage.command)
    again = f"if [ $last -eq {_INCONCLUSIVE} ]; then {command}; last=$?; fi"
    return f"begun={clock}; {command}; last=$?; {again}; {note}; {last}; "


def _read_databases() -> None:
    """Fill the cache of databases outside: the guest takes ten times as long to read one."""
    CACHE.mkdir(mode=0o700, parents=True, exist_ok=True)
    command = [sys.executable, "-m", "hil.cli.main", "signals", "--bench", BENCH]
    subprocess.call(command, cwd=REPOSITORY, env=os.environ | {"HIL_CACHE": str(CACHE)}, stdout=subprocess.DEVNULL)


def _report(folder: Path) -> int:
    """Make the page outside, where that takes a second; the journals decide together with the run's own status."""
    return subprocess.call([sys.executable, "-m", "hil.cli.main", "report", str(folder)], cwd=REPOSITORY)


def _vcan(timeout_s: int, mode: str) -> list[str]:
    tool = [sys.executable, str(REPOSITORY / "tools" / "vcan.py"), "--mode", mode]
    return [*tool, "--timeout", str(timeout_s), "--channels", "vcan0,vcan1"]


def _hil_run(bench: str, selection: list[str]) -> list[str]:
    run = [sys.executable, "-m", "hil.cli.main", "run", "--bench", bench, "--results", "results", "--no-report"]
    return [*run, *selection]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
