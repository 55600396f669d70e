"""Which interface is as the bench file says, and what the bench does about one that isn't, over a recorded kernel."""

from dataclasses import replace

import pytest

from hil.can import link, link_care
from hil.can.link import BitTiming, LinkSettings, LinkState
from hil.can.link_care import LinkCare
from hil.errors import BenchError

TIMING = BitTiming(500_000, 0.875, 125, (6, 7, 2, 1), 1)
UP = LinkState(
    "can0", "can", True, TIMING, None, "error-active", 0, False, False, 8_000_000, 0, 0, link.ErrorCounts(),
    link.Traffic(0, 0, 0, 0, 0, 0),
)  # fmt: skip
WANTED = LinkSettings(500_000)


class Kernel:
    """One interface."""

    def __init__(self, monkeypatch, state):
        self.state, self.asked = state, []
        monkeypatch.setattr(link, "read", lambda channel: self.state)
        monkeypatch.setattr(link, "configure", self.configure)
        monkeypatch.setattr(link, "bring", lambda channel, *, up: self.asked.append("up" if up else "down"))

    def configure(self, channel, settings):
        self.asked.append(settings)
        self.state = replace(UP, restart_ms=settings.restart_ms, listen_only=settings.listen_only)
        return self.state


def test_an_interface_that_fits_is_left_alone(monkeypatch):
    kernel = Kernel(monkeypatch, UP)
    for sets_up in (False, True):
        care = LinkCare("can0", WANTED, sets_up)
        care.take()
        care.let_go()
    assert kernel.asked == []


@pytest.mark.parametrize(
    ("state", "wanted", "said"),
    [
        (replace(UP, up=False), WANTED, "is down"),
        (UP, LinkSettings(250_000), "is set to 500000 bit/s instead of 250000"),
        (replace(UP, timing=None), WANTED, "is set to no bit/s instead of 500000"),
        (UP, LinkSettings(500_000, 0.80), r"is sampling at 87.5% instead of 80.0%"),
        (UP, LinkSettings(500_000, None, 2_000_000), "set to no bit/s in the data phase instead of 2000000"),
        (replace(UP, listen_only=True), WANTED, "is listening only"),
        (UP, LinkSettings(500_000, listen_only=True), "is not listening only"),
    ],
)
def test_one_that_somebody_else_set_up_is_compared_and_never_changed(monkeypatch, state, wanted, said):
    kernel = Kernel(monkeypatch, state)
    with pytest.raises(BenchError) as error:
        LinkCare("can0", wanted).take()
    assert said in error.value.what
    assert f"type can bitrate {wanted.bitrate}" in (error.value.remedy or "")
    assert kernel.asked == []


def test_of_one_that_is_bus_off_or_not_there_the_port_speaks_itself(monkeypatch):
    kernel = Kernel(monkeypatch, replace(UP, state="bus-off"))
    LinkCare("can0", WANTED).take()
    monkeypatch.undo()
    LinkCare("no-such-can", WANTED).take()
    with pytest.raises(BenchError, match="no such interface"):
        LinkCare("no-such-can", WANTED, sets_up=True).take()
    assert kernel.asked == []


@pytest.mark.parametrize(("wanted", "fits"), [(0.86, True), (0.89, True), (0.84, False)])
def test_a_sample_point_may_be_near(wanted, fits):
    assert (link_care.differences(UP, LinkSettings(500_000, wanted), restart=False) == []) is fits


def test_one_that_the_bench_sets_up_is_down_again_afterwards_if_it_was_down_before(monkeypatch):
    kernel = Kernel(monkeypatch, replace(UP, up=False, timing=None))
    care = LinkCare("can0", LinkSettings(500_000, restart_ms=100), sets_up=True)
    care.take()
    care.take()
    care.let_go()
    care.let_go()
    assert kernel.asked == [LinkSettings(500_000, restart_ms=100), "down"]


def test_one_that_is_bus_off_is_set_up_anew_and_stays_up(monkeypatch):
    kernel = Kernel(monkeypatch, replace(UP, state="bus-off"))
    care = LinkCare("can0", WANTED, sets_up=True)
    care.take()
    care.let_go()
    assert kernel.asked == [WANTED]


def test_a_setting_that_did_not_take_is_no_success(monkeypatch):
    kernel = Kernel(monkeypatch, replace(UP, up=False))
    with pytest.raises(BenchError, match=r"was set up and is sampling at 87.5% instead of 75.0%"):
        LinkCare("can0", LinkSettings(500_000, 0.75), sets_up=True).take()
    assert len(kernel.asked) == 1


def test_a_virtual_interface_has_nothing_to_compare_or_to_set_up(monkeypatch):
    Kernel(monkeypatch, replace(UP, kind="vcan", timing=None, state=""))
    LinkCare("vcan0", LinkSettings(250_000)).take()
    with pytest.raises(BenchError, match="nothing to set up"):
        LinkCare("vcan0", WANTED, sets_up=True).take()


def test_the_command_says_all_that_is_wanted():
    said = link_care.command("can0", LinkSettings(500_000, 0.875, 2_000_000, 0.8, listen_only=True))
    assert said == (
        "ip link set can0 down; ip link set can0 up txqueuelen 1000 type can bitrate 500000 sample-point 0.875"
        " dbitrate 2000000 dsample-point 0.800 fd on listen-only on"
    )
