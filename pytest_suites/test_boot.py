"""Boot: its phases and their times, what follows a hang or a reset, and that it is over once it is over."""

import pytest


@pytest.mark.table("boot_times.csv")
@pytest.mark.start("off")
def test_boot_phase(bench, cluster, seen_by, what, at_most):
    """From the supply coming on to what is seen of the phase."""
    name, _, value = what.partition("=")
    bench.power_on()
    if seen_by == "console":
        bench.console().expect(what, within=at_most)
    elif seen_by == "view":
        cluster.view(what).should_be_shown(within=at_most)
    elif seen_by == "signal":
        bench.signal_should_be(name, value, within=at_most)
    else:
        cluster.text(name).should_be(value, within=at_most)


@pytest.mark.requirement("CLU-BOOT-001")
@pytest.mark.start("off")
def test_it_stays_up(bench, cluster):
    """An ECU that restarts every few seconds is worse than a dark one."""
    bench.power_on()
    bench.console().expect("boot complete", within="3 s")
    bench.console().should_not_show("bootloader", during="15 s")
    cluster.text("speed").should_be("0", within="0 s")


@pytest.mark.requirement("CLU-BOOT-003")
def test_the_watchdog_ends_a_frozen_picture(bench, cluster, shell):
    """The instruments hang, as a command of the shell makes them; four seconds later they are right again."""
    bench.allow_findings("CLU_*", kinds=("cycle",))
    shell("hang cluster").expect("hang: cluster stopped", within="1 s")
    bench.set_signal("VehicleSpeed", "50 km/h")
    cluster.text("speed").should_stay("0", during="1 s")
    bench.console().expect("boot reason: watchdog", within="3 s")
    cluster.text("speed").should_be("50", within="2.5 s")
    shell("dtc").expect("B1A00-47", within="1 s")


@pytest.mark.requirement("CLU-BOOT-004")
@pytest.mark.parametrize("reason", ["PowerOn", "Undervoltage", "Software", "Watchdog"])
def test_why_it_restarted(bench, shell, reason):
    """Boot log and heartbeats of both buses say the same."""
    bench.allow_findings("CLU_*", kinds=("cycle",))
    words = _restart(bench, shell, reason)
    bench.console().expect(f"boot reason: {words}", within="4 s")
    bench.console().expect("boot complete", within="2.5 s")
    for bus in ("Chassis", "Body"):
        bench.signal_should_be(f"ResetReason{bus}", reason, within="2 s")


def _restart(bench, shell, reason):
    """Make it restart; how the boot log names the reason."""
    if reason in ("Software", "Watchdog"):
        shell("reboot" if reason == "Software" else "hang cluster")
        return reason.lower()
    bench.console().drain()
    if reason == "PowerOn":
        bench.power_off()
        bench.sleep("1 s")
        bench.power_on()
        return "power"
    bench.supply().set_voltage("4.5 V")
    bench.sleep("200 ms")
    bench.supply().set_voltage("13.5 V")
    return "undervoltage"
