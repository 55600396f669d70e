"""`python tools/faults.py`: see `tools/faults/__main__.py`."""

import sys

from faults.__main__ import main

if __name__ == "__main__":
    sys.exit(main())
