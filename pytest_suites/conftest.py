"""What the suites of this folder share: the screens, faults of a sender, the shell on the console.

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


@pytest.fixture
def mend_sender(bench):
    """The way back from `break_sender`."""
    ways = {
        "silent": bench.resume_message,
        "wrong checksum": lambda message: bench.corrupt_crc(message, False),
        "standing counter": lambda message: bench.freeze_counter(message, False),
    }
    return lambda message, how: ways[how](message)


@pytest.fixture
def make_so(bench):
    """Set the signals of a table's column `given`: `AccState=Active AccSetSpeed=120`."""

    def set_all(text):
        bench.set_signals(dict(pair.split("=") for pair in text.split()))

    return set_all


@pytest.fixture
def centre(bench):
    """The centre screen."""
    return bench.screen("centre")
