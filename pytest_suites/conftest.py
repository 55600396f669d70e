"""What the suites of this folder share: the cluster's screen, faults of a sender, the shell on the console.

Not for: figures (they stand in fixtures/requirements and fixtures/tables).
"""

import pytest


@pytest.fixture
def cluster(bench):
    """The screen of the instruments."""
    return bench.screen("cluster")


@pytest.fixture
def shell(bench):
    """The shell on the serial console: `shell("dtc")` sends a line; what was printed before it counts no more."""

    def send(line):
        bench.console().drain()
        bench.console().send_line(line)
        return bench.console()

    return send


@pytest.fixture
def break_sender(bench):
    """Make a message of another control unit useless, in the words of the tables' column `how`."""
    ways = {
        "silent": bench.stop_message,
        "wrong checksum": bench.corrupt_crc,
        "standing counter": bench.freeze_counter,
    }
    return lambda message, how: ways[how](message)
