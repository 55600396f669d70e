"""Runs the cases tagged `guest` on SocketCAN, wherever this is: `python tools/vcan_suite.py [options of hil run]`.

With vcan in the kernel in a private network namespace, else in a small guest (see `tools/vcan`). Text is recognised
outside by `hil ocr serve`, since an emulated machine takes seconds a region; the page is made outside too. Results lie
in `results/`.
"""

from __future__ import annotations

import compileall
import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
BENCH = "fixtures/benches/vcan.toml"
CACHE = Path.home() / ".cache" / "cockpit-hil" / "databases"


def main(arguments: list[str]) -> int:
    """Start the recogniser, run the suites beside a vcan0, stop the recogniser; the status of `hil run`."""
    compileall.compile_dir(REPOSITORY / "hil", quiet=1)
    _read_databases()
    results = REPOSITORY / "results"
    results.mkdir(exist_ok=True)
    recogniser = subprocess.Popen(
        [sys.executable, "-m", "hil.cli.main", "ocr", "serve", "--port", "0"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert recogniser.stdout is not None
        port = recogniser.stdout.readline().strip().rpartition(":")[2]
        if not port:
            print("vcan_suite: the text recogniser did not start", file=sys.stderr)
            return 3
        before = set(results.iterdir())
        status = subprocess.call(_command(port, arguments), cwd=REPOSITORY, env=os.environ | {"PYTHONUTF8": "1"})
        for folder in sorted(path for path in set(results.iterdir()) - before if path.is_dir()):
            status = _report(folder, status)
        return status
    finally:
        recogniser.terminate()
        recogniser.wait()


def _read_databases() -> None:
    """Fill the cache of databases outside: the guest takes ten times as long to read one."""
    CACHE.mkdir(mode=0o700, parents=True, exist_ok=True)
    command = [sys.executable, "-m", "hil.cli.main", "signals", "--bench", BENCH]
    subprocess.call(command, cwd=REPOSITORY, env=os.environ | {"HIL_CACHE": str(CACHE)}, stdout=subprocess.DEVNULL)


def _report(folder: Path, status: int) -> int:
    """Make the page outside, where that takes a second; the journals decide together with the run's own status."""
    reported = subprocess.call([sys.executable, "-m", "hil.cli.main", "report", str(folder)], cwd=REPOSITORY)
    return status or reported


def _command(port: str, arguments: list[str]) -> list[str]:
    run = [sys.executable, "-m", "hil.cli.main", "run", "--bench", BENCH, "--results", "results", "--no-report"]
    selection = arguments or ["--tag", "guest"]
    vcan = [sys.executable, str(REPOSITORY / "tools" / "vcan.py"), "--results", "results", "--timeout", "300"]
    vcan += ["--channels", "vcan0,vcan1"]
    vcan += ["--host-port", port, "--env", f"HIL_OCR=127.0.0.1:{port}", "--env", f"HIL_CACHE={CACHE}"]
    return [*vcan, "--", *run, *selection]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
