"""Work by several processes: in order, whole, and nobody is left behind."""

import multiprocessing
import os
import signal
import subprocess
import sys

import pytest

from hil.evidence import hands
from hil.evidence.hands import in_order

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system can't fork")


@pytest.mark.parametrize("jobs", [1, 2, 3, 50])
def test_answers_come_in_order_whatever_the_number_of_processes(jobs):
    assert list(in_order(lambda number: (number, "x" * 100_000), 20, jobs=jobs)) == [
        (number, "x" * 100_000) for number in range(20)
    ]


def test_the_work_is_done_by_others():
    workers = set(in_order(lambda number: os.getpid(), 20, jobs=2))
    assert len(workers) == 2
    assert os.getpid() not in workers


def test_nobody_runs_far_ahead_of_what_is_taken(monkeypatch):
    monkeypatch.setattr(hands, "AHEAD", 2)
    assert list(in_order(lambda number: number, 500, jobs=3)) == list(range(500))


def test_what_a_process_that_died_left_is_done_here():
    here = os.getpid()

    def work(number):
        if number == 5 and os.getpid() != here:
            os._exit(1)
        return number

    assert list(in_order(work, 12, jobs=2)) == list(range(12))


def test_an_error_shows_where_it_would_without_help():
    def work(number):
        if number == 3:
            raise ValueError("number 3")
        return number

    found = []
    with pytest.raises(ValueError, match="number 3"):
        found.extend(in_order(work, 8, jobs=2))
    assert not multiprocessing.active_children()


def test_who_stops_half_way_leaves_no_process():
    numbers = in_order(lambda number: number, 1_000, jobs=2)
    assert next(numbers) == 0
    numbers.close()
    assert not multiprocessing.active_children()


def test_ctrl_c_is_for_the_parent():
    def work(number):
        os.kill(os.getpid(), signal.SIGINT)
        return os.getpid()

    assert os.getpid() not in list(in_order(work, 4, jobs=2))


ORPHANS = """
import os, signal, sys
from hil.evidence.hands import in_order

numbers = in_order(lambda number: b"x" * 1_000_000, 10_000, jobs=2)
next(numbers)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_processes_end_when_their_parent_is_killed():
    # they hold the pipe of standard output open: it ends when the last of them is gone
    done = subprocess.run([sys.executable, "-c", ORPHANS], stdout=subprocess.PIPE, timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL
