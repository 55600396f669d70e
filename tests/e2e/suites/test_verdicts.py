"""One case for each way to end; the same in Robot stand in verdicts.robot."""

import contextlib
import time

import pytest

from hil.errors import BenchError, EcuError, InconclusiveError, UsageError


@pytest.mark.requirement("T-1")
def test_passes(bench):
    bench.set_signal("HighBeam", "On")
    bench.screen().telltale("high_beam").should_be("on")


@pytest.mark.requirement("T-1")
def test_fails(bench):
    bench.screen().telltale("high_beam").should_be("on", within="100 ms")


@pytest.mark.requirement("T-2")
def test_catches_a_failed_check(bench):
    with pytest.raises(EcuError):
        bench.screen().telltale("high_beam").should_be("on", within="100 ms")


def test_declares_a_failed_check(bench):
    with bench.expected_failure():
        bench.screen().telltale("high_beam").should_be("on", within="100 ms")


def test_declares_a_failed_check_that_passes(bench):
    with bench.expected_failure():
        bench.screen().telltale("high_beam").should_be("off")


def test_catches_a_bench_fault(bench):
    with contextlib.suppress(BenchError):
        bench.console("spare").send_line("x")
    with contextlib.suppress(BenchError):
        bench.sleep("1 s")
    with contextlib.suppress(BenchError):
        bench.screen().telltale("high_beam").should_be("off")


def test_retries_a_bench_fault(bench):
    def send_and_wait():
        bench.console("spare").send_line("x")
        bench.sleep("1 s")

    with contextlib.suppress(BenchError):
        bench.until_succeeds(send_and_wait, within="5 s", interval="1 s")


def test_is_inconclusive(bench):
    bench.screen().telltale("high_beam").reaction("HighBeam", "On", rest="Off", limit="30 ms", samples=12)


def test_catches_an_inconclusive_measurement(bench):
    with contextlib.suppress(InconclusiveError):
        bench.screen().telltale("high_beam").reaction("HighBeam", "On", rest="Off", limit="30 ms", samples=12)


def test_does_not_apply(bench):
    pytest.skip("this variant has no head-up display")


def test_names_an_unknown_signal(bench):
    bench.set_signal("HighBeem", "On")


def test_catches_its_own_mistake(bench):
    with pytest.raises(UsageError):
        bench.set_signal("VehicleSpeed", "9999 km/h")


def test_waits_in_wall_time(bench):
    time.sleep(1)  # noqa: TID251


def test_retries_until_it_succeeds(bench):
    bench.set_signal("HighBeam", "On")
    lamp = bench.screen().telltale("high_beam")
    bench.until_succeeds(lambda: lamp.should_be("on", within=0), within="2 s", interval="50 ms")


@pytest.mark.bench_timeout("2 s")
def test_uses_up_its_time(bench):
    bench.sleep("10 s")


def test_makes_no_check(bench):
    bench.set_signal("HighBeam", "On")


def test_compares_by_itself(bench):
    assert bench.signal("ClusterState").label == "On"
