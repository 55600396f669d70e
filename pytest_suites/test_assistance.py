"""What driver assistance shows: set speed, traffic sign, take-over request, guidance, tyre monitor."""

import pytest

MANOEUVRES = ("Straight", "Left", "SlightRight", "UTurnLeft", "RoundaboutExit", "MotorwayExit", "Destination")
DISTANCES = {350: "350 m", 47: "50 m", 994: "990 m", 999: "1.0 km", 1000: "1.0 km", 12_340: "12.3 km"}


@pytest.mark.requirement("CLU-ADAS-001")
@pytest.mark.needs("acc")
def test_the_set_speed_is_shown_while_cruise_control_is_active(bench, cluster):
    """It follows each change, stays in override and at a standstill, and is gone afterwards."""
    bench.set_signals({"AccState": "Active", "AccSetSpeed": "120 km/h"})
    cluster.text("acc_speed").should_be("120", within="500 ms")
    cluster.telltale("acc").should_be("on", within="500 ms")
    for speed in (130, 90, 60):
        bench.set_signal("AccSetSpeed", speed)
        cluster.text("acc_speed").should_be(str(speed), within="500 ms")
    for state, shown in (("Override", "60"), ("Standstill", "60"), ("Standby", ""), ("Active", "60"), ("Fault", "")):
        bench.set_signal("AccState", state)
        cluster.text("acc_speed").should_be(shown, within="500 ms")


@pytest.mark.requirement("CLU-ADAS-002")
@pytest.mark.realtime
def test_the_traffic_sign_is_shown_while_it_holds(bench, cluster):
    """Each limit, and none after its end, in a place without a limit, or when nobody knows."""
    for sign, shown in (("30", "30"), ("EndOfLimit", ""), ("80", "80"), ("None", ""), ("130", "130"), ("SNA", "")):
        bench.set_signal("SpeedLimitSign", sign)
        cluster.text("speed_limit").should_be(shown, within="800 ms")


@pytest.mark.requirement("CLU-ADAS-003")
def test_a_take_over_request_is_shown_heard_and_confirmed(bench, cluster):
    """The driver sees it, the vehicle hears that it is shown and heard, and it ends when the driver took over."""
    bench.set_signal("TakeOverRequest", "Requested")
    cluster.popup("warning").should_show("Take over now Hold the wheel", severity="critical", within="500 ms")
    bench.signal_should_be("TakeOverShown", "Yes", within="500 ms")
    bench.signal_should_be("TakeOverHeard", "Yes", within="500 ms")
    bench.set_signals({"TakeOverRequest": "None", "DriverTookOver": "Yes"})
    cluster.popup("warning").should_not_show(within="4 s")
    bench.signal_should_be("TakeOverShown", "No", within="500 ms")
    bench.signal_should_be("TakeOverHeard", "No", within="500 ms")


@pytest.mark.requirement("CLU-ADAS-003")
def test_a_take_over_request_stays_while_it_gets_urgent(bench, cluster):
    """Nobody reacts: the request stays on the screen until the end, whatever else comes; the sound gets harder."""
    bench.set_signal("TakeOverRequest", "Requested")
    bench.ear().should_hear("take_over", within="500 ms")
    for state in ("Urgent", "MinimalRiskManoeuvre"):
        bench.set_signal("TakeOverRequest", state)
        bench.ear().should_hear("take_over_urgent", within="500 ms")
        bench.set_signal("WasherFluidLow", "On")
        cluster.popup("warning").should_stay("Take over now Hold the wheel", severity="critical", during="2 s")
        bench.signal_should_be("TakeOverShown", "Yes", within="0 s")


@pytest.mark.requirement("CLU-ADAS-004")
@pytest.mark.needs("navigation")
def test_guidance(bench, cluster):
    """Arrow, distance and road, and all of it gone when guidance ends."""
    bench.set_signals({"GuidanceState": "Guiding", "ManoeuvreDistance": "350 m"})
    for manoeuvre in MANOEUVRES:
        bench.set_signal("Manoeuvre", manoeuvre)
        cluster.icon("guidance").should_be(manoeuvre, within="500 ms")
    for metres, shown in DISTANCES.items():
        bench.set_signal("ManoeuvreDistance", metres)
        cluster.text("guidance_distance").should_be(shown, within="500 ms")
    _say_road(bench, "Karlsplatz")
    cluster.text("guidance_road").should_be("Karlsplatz", within="1 s")
    _say_road(bench, "Hauptstrasse")
    cluster.text("guidance_road").should_be("Hauptstrasse", within="1 s")
    bench.set_signal("GuidanceState", "Arrived")
    cluster.icon("guidance").should_be("none", within="500 ms")
    cluster.text("guidance_distance").should_be("", within="0 s")
    cluster.text("guidance_road").should_be("", within="0 s")


@pytest.mark.requirement("CLU-TT-007")
def test_low_pressure_does_not_flash(bench, cluster):
    """A tyre that lost air lights the telltale steadily, with a caution."""
    bench.set_signal("TyreLamp", "On")
    cluster.telltale("tyre").should_be("on", within="1 s")
    cluster.popup("warning").should_show(severity="caution", symbol="tyre", within="1 s")
    cluster.telltale("tyre").should_stay("on", during="5 s")


def _say_road(bench, name):
    """The next road, in pages of six letters."""
    data = name.encode("latin-1")
    pages = [data[at : at + 6] for at in range(0, len(data), 6)]
    for number, page in enumerate(pages):
        letters = f"raw {int.from_bytes(page.ljust(6, bytes(1)), 'big')}"
        told = {"RoadNamePage": number, "RoadNameOf": "NextRoad", "RoadNamePages": len(pages)}
        bench.set_signals({**told, f"RoadName{number + 1}": letters})
        bench.sleep("50 ms")
