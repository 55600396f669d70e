"""Updates over the air, for engineers who write Python: cut off, interrupted, repeated, at the wrong moment."""

import pytest

pytestmark = pytest.mark.needs("update")


def _runs(bench, version, slot):
    """What runs now, as diagnosis reads it."""
    bench.diag().identifier_should_be("software version", version)
    bench.diag().identifier_should_be("active slot", slot)


@pytest.mark.requirement("OTA-005", "OTA-009")
@pytest.mark.table("power_cuts.csv")
def test_a_power_cut_leaves_an_ecu_that_starts_and_an_update_that_ends(bench, stage):
    """Whatever the moment: it starts, the update goes on by itself, and the way back is not touched."""
    bench.storage().remember("slot A")
    bench.console().expect("boot complete")
    bench.update().offer("1.1.0")
    bench.update().cut_power_at(stage)
    bench.console().expect("boot complete", within="5 s")
    bench.storage().should_be_unchanged("slot A")
    bench.update().should_be_reported("committed", result="Success", within="60 s")
    bench.update().reports_should_be(1)
    bench.diag().should_answer(within="8 s")
    _runs(bench, "1.1.0", "B")


@pytest.mark.requirement("OTA-005", "OTA-006")
def test_a_power_cut_while_sick_software_is_tried_does_not_keep_it(bench):
    """The restart that a power cut makes counts among the tries: it never becomes a way around the self-test."""
    bench.storage().remember("slot A")
    bench.update().offer("1.1.0", fault="sick")
    bench.update().cut_power_at("activating 100 %")
    bench.update().should_be_reported("rolled_back", result="Unhealthy", within="90 s")
    bench.update().reports_should_be(1)
    bench.storage().should_be_unchanged("slot A")
    _runs(bench, "1.0.0", "A")


@pytest.mark.realtime
@pytest.mark.requirement("OTA-009", "OTA-006")
def test_nothing_of_the_old_software_changes_before_the_commit(bench):
    """The old slot at each step, and the boot environment until the activation: bytes of the flash itself."""
    for part in ("slot A", "boot environment"):
        bench.storage().remember(part)
    bench.update().offer("1.1.0")
    for state in ("downloading", "installing"):
        bench.update().state_should_be(state)
        bench.storage().should_be_unchanged("slot A")
        bench.storage().should_be_unchanged("boot environment")
    bench.update().state_should_be("activating")
    bench.console().expect("try 1 of 3", within="5 s")
    bench.storage().should_be_unchanged("slot A")
    bench.update().state_should_be("committed")
    bench.storage().should_be_unchanged("slot A")


@pytest.mark.requirement("OTA-008")
def test_a_car_that_drives_off_at_the_last_moment_is_not_restarted(bench):
    """Installed and about to restart; the driver sets off. The speed stays on the screen."""
    bench.update().offer("1.1.0")
    bench.update().state_should_be("activating")
    bench.set_signals({"VehicleSpeed": "30 km/h", "Gear": "D"})
    bench.update().state_should_be("ready", condition="NotParked", within="2 s")
    bench.screen("cluster").text("speed").should_stay("30", during="3 s")
    bench.set_signals({"VehicleSpeed": 0, "Gear": "P"})
    bench.update().should_be_reported("committed")


@pytest.mark.requirement("OTA-008")
@pytest.mark.needs("camera")
def test_reverse_during_the_installation_shows_the_rear_picture(bench):
    """FMVSS 111 knows no exception for updates: the picture is there within 2 s, and the installation waits."""
    bench.update().offer("1.1.0")
    bench.update().state_should_be("installing")
    bench.set_signal("Gear", "R")
    bench.screen("centre").view("camera").should_be_shown(within="2 s")
    bench.update().state_should_be("installing", condition="NotParked", within="2 s")
    bench.set_signal("Gear", "P")
    bench.update().state_should_be("activating", within="5 s")


@pytest.mark.requirement("OTA-008")
def test_a_supply_that_is_too_low_for_an_update_lets_it_wait(bench):
    """What the ECU measures itself counts too, though the body control module says 12.6 V."""
    bench.supply().set_voltage("11.2 V")
    bench.update().offer("1.1.0")
    bench.update().state_should_be("installing", condition="BatteryLow")
    bench.sleep("3 s")
    bench.update().state_should_be("installing", condition="BatteryLow", within=0)
    bench.supply().set_voltage("13.5 V")
    bench.update().state_should_be("activating", within="5 s")


@pytest.mark.requirement("OTA-011")
@pytest.mark.parametrize("fault", ["dropped", "server error", "cut short", "range ignored"])
def test_a_download_goes_on_after_a_bad_answer(bench, fault):
    """An answer in the middle of the download is bad; the image that was signed is what runs in the end."""
    bench.update().fail_downloads(fault, after=5)
    bench.update().offer("1.1.0")
    bench.update().should_be_reported("committed", result="Success")
    _runs(bench, "1.1.0", "B")


@pytest.mark.realtime
@pytest.mark.requirement("OTA-007")
def test_a_campaign_that_is_announced_again_is_neither_repeated_nor_reported_again(bench):
    """A backend restarts and says it once more: while the update runs, and after it."""
    bench.update().offer("1.1.0")
    bench.update().state_should_be("installing")
    bench.update().announce_again()
    bench.update().should_be_reported("committed")
    bench.console().expect("committed: Success")
    bench.update().announce_again()
    bench.console().drain()
    bench.console().should_not_show("updater", during="3 s")
    bench.update().reports_should_be(1)


@pytest.mark.requirement("OTA-007")
def test_the_report_waits_for_a_link(bench):
    """The update ends in an underground car park; what came of it is told outside, once."""
    bench.console().expect("boot complete")
    bench.update().offer("1.1.0")
    bench.update().state_should_be("activating")
    bench.mqtt().cut_link("8 s")
    bench.console().expect("boot complete", within="8 s")
    bench.update().should_be_reported("committed", within="40 s")
    bench.sleep("2 s")
    bench.update().reports_should_be(1)


@pytest.mark.requirement("OTA-001", "OTA-002", "OTA-006")
def test_after_what_went_wrong_a_good_update_still_succeeds(bench):
    """A forged bundle, then software that is sick, then a good one: nothing of the first two is in the way."""
    bench.update().offer("1.1.0", fault="wrong key")
    bench.update().should_be_reported("failed", result="BadSignature")
    bench.update().offer("1.1.0", fault="sick")
    bench.update().should_be_reported("rolled_back", within="90 s")
    bench.update().offer("1.2.0")
    bench.update().should_be_reported("committed", result="Success")
    _runs(bench, "1.2.0", "B")


@pytest.mark.requirement("OTA-010")
def test_nothing_is_fetched_without_consent_not_even_after_a_power_cut(bench):
    """The offer is still there after the battery was changed; the owner then agrees from a telephone."""
    bench.update().offer("1.1.0", consent="hmi")
    bench.update().cut_power_at("offered")
    bench.screen("centre").popup("dialog").should_show(severity="update", within="10 s")
    bench.console().should_not_show("downloading", during="2 s")
    bench.update().consent()
    bench.update().should_be_reported("committed")
