"""Sets up a virtual environment beside this file and runs a command of the project in it.

    python3 start.py run [...]     run the suites against an ECU (the main job); options go to `hil run`
    python3 start.py test [...]    run the project's own tests; options go to pytest
    python3 start.py setup         only set up

Needs Python 3.11 or newer with venv and pip, nothing else. The environment is made anew when the dependencies change.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
VENV = HERE / ".venv"
STAMP = VENV / ".start-stamp"
BINARIES = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BINARIES / ("python.exe" if os.name == "nt" else "python")
OLDEST = (3, 11)


def main(arguments: list[str]) -> int:
    """Set up, then run; the exit status is the command's."""
    if sys.version_info < OLDEST:
        print(
            f"start.py: needs Python {OLDEST[0]}.{OLDEST[1]} or newer, this is {sys.version.split()[0]}",
            file=sys.stderr,
        )
        return 2
    if not arguments or arguments[0] not in ("run", "test", "setup"):
        print(__doc__)
        return 0 if arguments in (["-h"], ["--help"]) else 2
    status = set_up()
    if status or arguments[0] == "setup":
        return status
    command = {"run": ["-m", "hil.cli.main", "run"], "test": ["-m", "pytest"]}[arguments[0]]
    return subprocess.call([str(PYTHON), *command, *arguments[1:]], cwd=HERE if arguments[0] == "test" else None)


def set_up() -> int:
    """Make the environment, unless one stands that was made from the same files; 0 if all went well."""
    wanted = fingerprint()
    if PYTHON.exists() and STAMP.exists() and STAMP.read_text() == wanted:
        return 0
    print("start.py: setting up .venv (once; a minute or two)", file=sys.stderr)
    venv.create(VENV, with_pip=True, clear=not PYTHON.exists())
    install = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    status = subprocess.call([*install, "--constraint", str(HERE / "constraints.txt"), "--editable", f"{HERE}[dev]"])
    if status:
        print("start.py: pip could not install what pyproject.toml names; see above", file=sys.stderr)
        return status
    STAMP.write_text(wanted)
    return 0


def fingerprint() -> str:
    """Changes when the dependencies, the interpreter or the place do."""
    digest = hashlib.sha256()
    for name in ("pyproject.toml", "constraints.txt"):
        digest.update((HERE / name).read_bytes())
    digest.update(f"{sys.version} {HERE}".encode())
    return digest.hexdigest()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
