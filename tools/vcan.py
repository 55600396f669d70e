"""The program of the package beside it: `python tools/vcan.py [options] -- COMMAND [ARG ...]`. It holds no logic."""

import sys

from vcan.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
