"""Brokers for tests: mosquitto where it is installed, on a free port."""

import contextlib
import os
import shutil
import socket
import subprocess

import pytest

_AS_ROOT = ("user root",) if hasattr(os, "getuid") and os.getuid() == 0 else ()
"""Else it would change to a user of its own, who can't read a test's files."""


@contextlib.contextmanager
def mosquitto(folder, *lines):
    """A mosquitto of our own; gives its port. `{port}` in a line is filled in; the first is its listener."""
    if shutil.which("mosquitto") is None:
        pytest.skip("mosquitto is not installed")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = folder / "mosquitto.conf"
    first = (f"listener {port} 127.0.0.1", "max_queued_messages 0", "max_inflight_messages 0", *_AS_ROOT)
    config.write_text("\n".join((*first, *(lines or ("allow_anonymous true",)))) + "\n")
    broker = subprocess.Popen(["mosquitto", "-c", str(config)], stderr=subprocess.PIPE, text=True)
    try:
        for line in broker.stderr:
            if "running" in line:
                break
        else:
            pytest.fail("mosquitto did not start")
        yield port
    finally:
        broker.terminate()
        broker.wait()
        broker.stderr.close()
