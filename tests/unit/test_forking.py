"""A process for one case: what it leaves, how it dies, and what a signal to the runner does."""

from __future__ import annotations

import os
import signal
import sys
import threading

import pytest

from hil.bench.forking import Child, can_fork

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks on Linux only")


def test_a_child_leaves_a_message():
    child = Child()
    if child.is_here:
        child.leave({"verdict": "pass", "much": b"x" * 300_000})
    message, died = child.wait()
    assert (message["verdict"], len(message["much"]), died) == ("pass", 300_000, "")
    assert not child.was_stopped


@pytest.mark.parametrize(
    ("end", "how"), [(lambda: os._exit(0), "status 0"), (lambda: os._exit(9), "status 9"),
                     (lambda: os.kill(os.getpid(), signal.SIGKILL), "signal SIGKILL")]
)  # fmt: skip
def test_a_child_that_leaves_nothing_has_died(end, how):
    child = Child()
    if child.is_here:
        end()
    assert child.wait() == (None, how)


def test_what_can_not_be_told_is_a_death():
    child = Child()
    if child.is_here:
        child.leave(lambda: None)
    assert child.wait() == (None, "status 70")


def test_a_signal_goes_to_the_child_first_and_then_to_the_runner(monkeypatch):
    heard = []
    before = signal.signal(signal.SIGTERM, lambda number, _: heard.append(number))
    try:
        child = Child()
        if child.is_here:
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
            os.kill(os.getppid(), signal.SIGTERM)
            signal.sigwait([signal.SIGTERM])
            child.leave("left safe")
        assert child.wait() == ("left safe", "")
        assert child.was_stopped
        assert heard == [signal.SIGTERM]
        assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_child_that_does_not_heed_a_signal_is_killed(monkeypatch):
    monkeypatch.setattr("hil.bench.forking._STOP_WITHIN_S", 0.1)
    monkeypatch.setattr("hil.bench.forking._LOOK_S", 0.05)
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        child = Child()
        if child.is_here:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            os.kill(os.getppid(), signal.SIGTERM)
            while True:
                signal.pause()
        assert child.wait() == (None, "signal SIGKILL")
    finally:
        signal.signal(signal.SIGTERM, before)


def test_no_fork_beside_another_thread():
    if threading.active_count() == 1:
        assert can_fork()
    end = threading.Event()
    other = threading.Thread(target=end.wait)
    other.start()
    try:
        assert not can_fork()
    finally:
        end.set()
        other.join()
