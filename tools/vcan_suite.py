"""Runs the cases tagged `guest` on SocketCAN, wherever this is: `python tools/vcan_suite.py [options of hil run]`.

With vcan in the kernel in a private network namespace, else in a small guest (see `tools/vcan`). Text is recognised
outside by `hil ocr serve`, since an emulated machine takes seconds a region. Results lie in `results/` outside.
"""

from __future__ import annotations

import compileall
import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
BENCH = "fixtures/benches/vcan.toml"


def main(arguments: list[str]) -> int:
    """Start the recogniser, run the suites beside a vcan0, stop the recogniser; the status of `hil run`."""
    compileall.compile_dir(REPOSITORY / "hil", quiet=1)
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
        return subprocess.call(_command(port, arguments), cwd=REPOSITORY, env=os.environ | {"PYTHONUTF8": "1"})
    finally:
        recogniser.terminate()
        recogniser.wait()


def _command(port: str, arguments: list[str]) -> list[str]:
    run = [sys.executable, "-m", "hil.cli.main", "run", "--bench", BENCH, "--results", "results"]
    selection = arguments or ["--tag", "guest"]
    vcan = [sys.executable, str(REPOSITORY / "tools" / "vcan.py"), "--results", "results", "--timeout", "300"]
    return [*vcan, "--host-port", port, "--env", f"HIL_OCR=127.0.0.1:{port}", "--", *run, *selection]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
