"""The entry of all commands."""

import asyncio
import gc
import signal
import warnings
from types import SimpleNamespace

import pytest

from hil.cli import main as entry


@pytest.fixture
def stopped(monkeypatch):
    """A command that is stopped between the making of a coroutine and its call."""

    def run(_):
        never_begun = asyncio.open_connection()
        raise KeyboardInterrupt(never_begun)

    monkeypatch.setattr(entry, "import_module", lambda _: SimpleNamespace(add_arguments=lambda _: None, run=run))
    handler = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, handler)


def test_a_stopped_command_says_so_and_no_more(stopped, capsys):
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        assert entry.main(["doctor"]) == 130
        gc.collect()
    assert [str(warning.message) for warning in seen] == []
    assert capsys.readouterr().err == "hil doctor: stopped\n"
