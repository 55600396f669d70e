"""`python tools/readers.py`: see `tools/readers/__main__.py`."""

import sys

from readers.__main__ import main

if __name__ == "__main__":
    sys.exit(main())
