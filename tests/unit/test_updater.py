"""The updater: the happy path, every bad bundle, a power cut at every flash operation, and its named defects."""

import re
from pathlib import Path

import pytest
from cloud_lab import Lab, PowerCutError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hil.cloud import bundle
from hil.ecu.slots import SLOT_BYTES, Environment, offset_of
from hil.ecu.updater_table import TABLE, TERMINAL, Event, State, next_state

SMALL = 20_000
REFUSED = {
    "wrong key": "BadSignature", "unsigned": "BadSignature", "bit flip in image": "BadHash",
    "bit flip in metadata": "BadSignature", "older release": "Rollback", "wrong hardware": "WrongDevice",
    "expired": "BadSignature", "mixed": "BadSignature", "too big": "NoSpace",
}  # fmt: skip


@pytest.fixture
def make_lab():
    labs = []

    def make(**options):
        labs.append(Lab(**options))
        return labs[-1]

    yield make
    for lab in labs:
        lab.close()


def slot(lab, name):
    return lab.ecu.flash.dump(offset_of(name), SLOT_BYTES)


def finish(lab, campaign, seconds=180.0):
    assert lab.until(lambda: campaign.reports, seconds), (campaign.state, lab.ecu.lines[-5:])
    lab.run(3.0)
    (report,) = campaign.reports.values()
    return report.fields


def test_the_root_that_the_ecu_trusts_is_the_one_of_the_benchs_keys():
    assert (Path(bundle.__file__).parents[1] / "ecu/keys/root.json").read_bytes() == bundle.make_root()


def test_equal_orders_give_equal_bundles():
    order = bundle.Order(version="1.1.0", size=SMALL)
    assert bundle.make_bundle(order).files == bundle.make_bundle(order).files


def test_a_good_bundle_runs_afterwards(make_lab):
    lab = make_lab()
    before = slot(lab, "A")
    campaign = lab.backend.offer("1.1.0", size=SMALL)
    report = finish(lab, campaign)
    assert (report["state"], report["result"], report["version"]) == ("committed", "Success", "1.1.0")
    assert lab.ecu.boots == [("A", "1.0.0", False), ("B", "1.1.0", True)]
    assert lab.ecu.slots.environment == Environment(active="B", release=101)
    assert slot(lab, "A") == before
    lab.ecu.power(False)
    lab.ecu.power(True)
    lab.run(2.0)
    assert lab.ecu.boots[-1] == ("B", "1.1.0", False)
    assert len(campaign.reports) == 1
    states = list(dict.fromkeys(said.fields["state"] for said in campaign.states))
    expected = "offered consented downloading verifying installing ready activating committed"
    assert states == expected.split()


@pytest.mark.parametrize("fault", REFUSED)
def test_a_bad_bundle_is_refused_and_a_later_good_one_succeeds(make_lab, fault):
    lab = make_lab()
    campaign = lab.backend.offer("1.1.0", fault=fault, size=SMALL)
    report = finish(lab, campaign)
    assert (report["state"], report["result"], report["version"]) == ("failed", REFUSED[fault], "1.0.0")
    assert lab.ecu.slots.image("B") is None
    assert lab.ecu.boots == [("A", "1.0.0", False)]
    assert finish(lab, lab.backend.offer("1.2.0", size=SMALL))["result"] == "Success"


def test_every_fault_of_a_bundle_is_tried():
    assert set(bundle.FAULTS) == {"", "does not boot", "sick", *REFUSED}


@pytest.mark.parametrize("fault", ["does not boot", "sick"])
def test_software_that_does_not_work_is_given_up_after_three_starts(make_lab, fault):
    lab = make_lab()
    report = finish(lab, lab.backend.offer("1.1.0", fault=fault, size=SMALL))
    assert (report["state"], report["version"]) == ("rolled_back", "1.0.0")
    assert [boot for boot in lab.ecu.boots if boot[2]] == [("B", "1.1.0", True)] * 3
    assert lab.ecu.boots[-1] == ("A", "1.0.0", False)
    assert finish(lab, lab.backend.offer("1.2.0", size=SMALL))["result"] == "Success"


# Power cuts -----------------------------------------------------------------------------------------------------------


class Cutter:
    """Cuts the power in the middle of chosen flash operations, and watches that the old slot stays as it is."""

    def __init__(self, lab, at):
        self.lab, self.at, self.count = lab, set(at), 0
        self.old = slot(lab, "A")
        lab.ecu.flash.on_operation = self._count

    def _count(self, what):
        self.count += 1
        environment = self.lab.ecu.slots.environment
        if environment is not None and environment.active == "A" and what == "flush":
            assert slot(self.lab, "A") == self.old
        if self.count in self.at:
            raise PowerCutError

    def until(self, condition, seconds=240.0):
        for _ in range(round(seconds / 0.5)):
            if condition() or self.lab.ecu.dead:
                return
            try:
                self.lab.run(0.5)
            except PowerCutError:
                self.lab.ecu.power(False)
                self.lab.run(0.7)
                self.lab.ecu.power(True)


def survive(lab, at, *, fault="", verdicts=("committed",)):
    """One campaign with power cuts; all that must hold whatever happens. Gives the number of flash operations."""
    cutter = Cutter(lab, at)
    campaign = lab.backend.offer("1.1.0", fault=fault, size=SMALL)
    cutter.until(lambda: campaign.reports)
    lab.ecu.flash.on_operation = None
    assert not lab.ecu.dead
    report = finish(lab, campaign)
    assert report["state"] in verdicts, report
    allowed = {"1.0.0"} if fault in REFUSED else {"1.0.0", "1.1.0"}
    assert {version for _, version, _ in lab.ecu.boots} <= allowed
    assert report["version"] == lab.ecu.boots[-1][1] == ("1.1.0" if report["state"] == "committed" else "1.0.0")
    if report["state"] == "committed":
        assert slot(lab, "A") == cutter.old
    return cutter.count


def count_operations(**options):
    lab = Lab()
    try:
        return survive(lab, (), **options)
    finally:
        lab.close()


def test_a_power_cut_at_every_flash_operation_of_a_good_update_ends_well(make_lab):
    total = count_operations()
    assert total > 50
    for number in range(1, total + 1):
        lab = make_lab(seed=f"cut {number}")
        survive(lab, {number})
        if number % 7 == 0:
            assert finish(lab, lab.backend.offer("1.2.0", size=SMALL))["result"] == "Success"
        lab.close()


@pytest.mark.parametrize("fault", ["wrong key", "bit flip in image"])
def test_a_power_cut_at_every_flash_operation_of_a_bad_update_lets_nothing_in(make_lab, fault):
    for number in range(1, count_operations(fault=fault, verdicts=("failed",)) + 1):
        lab = make_lab(seed=f"bad {number}")
        survive(lab, {number}, fault=fault, verdicts=("failed",))
        lab.close()


def test_a_power_cut_at_every_flash_operation_of_a_fall_back_ends_in_the_old_software(make_lab):
    for number in range(1, count_operations(fault="sick", verdicts=("rolled_back",)) + 1):
        lab = make_lab(seed=f"sick {number}")
        survive(lab, {number}, fault="sick", verdicts=("rolled_back",))
        lab.close()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(st.sets(st.integers(1, 120), max_size=8), st.sampled_from(["", "sick", "wrong key"]))
def test_several_power_cuts_leave_an_ecu_that_works_and_can_be_updated(at, fault):
    lab = Lab(seed=f"{sorted(at)} {fault}")
    try:
        survive(lab, at, fault=fault, verdicts=("committed", "rolled_back", "failed"))
        assert finish(lab, lab.backend.offer("1.2.0", size=SMALL))["result"] == "Success"
    finally:
        lab.close()


def test_a_download_goes_on_where_the_power_cut_stopped_it(make_lab):
    lab = make_lab()
    lab.ecu.artefacts.bandwidth = 32 * 1024
    campaign = lab.backend.offer("1.1.0", size=200_000)
    assert lab.until(lambda: any(s.fields["progress"] >= 50 for s in campaign.states), step=0.05)
    lab.ecu.power(False)
    lab.shelf.requests.clear()
    lab.ecu.power(True)
    assert finish(lab, campaign)["result"] == "Success"
    first = next(request for request in lab.shelf.requests if ".img" in request)
    assert int(re.search(r" (\d+)\+", first)[1]) >= 65_536


# Conditions, consent, network -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("signal", "raw", "condition"), [
    (("ESC_Speed", "VehicleSpeed"), 500, "NotParked"), (("TCM_Gear", "Gear"), 3, "NotParked"),
    (("BCM_Battery", "BatteryVoltage"), 11_000, "BatteryLow"), (("TCU_ECall", "ECallState"), 4, "Ecall"),
])  # fmt: skip
def test_installing_waits_for_a_parked_car(make_lab, signal, raw, condition):
    lab = make_lab()
    parked, lab.ecu.com.values[signal] = lab.ecu.com.values[signal], raw
    campaign = lab.backend.offer("1.1.0", size=SMALL)
    lab.run(20.0)
    assert (campaign.state, campaign.states[-1].fields["condition"]) == ("installing", condition)
    lab.ecu.com.values[signal] = parked
    assert finish(lab, campaign)["result"] == "Success"


def test_an_offer_waits_for_the_driver(make_lab):
    lab = make_lab()
    campaign = lab.backend.offer("1.1.0", consent="hmi", size=SMALL)
    lab.run(10.0)
    assert campaign.state == "offered"
    lab.ecu.platform.cloud.postpone()
    lab.run(5.0)
    assert campaign.state == "offered"
    assert lab.ecu.com.sent["CLU_Ota", "OtaConsent"] == 2
    lab.ecu.platform.cloud.accept()
    assert finish(lab, campaign)["result"] == "Success"


def test_a_campaign_is_cancelled_before_the_point_of_no_return_only(make_lab):
    lab = make_lab()
    lab.ecu.com.values["TCM_Gear", "Gear"] = 3
    campaign = lab.backend.offer("1.1.0", size=SMALL)
    lab.run(10.0)
    lab.backend.cancel(campaign)
    assert finish(lab, campaign)["result"] == "Cancelled"
    lab.ecu.com.values["TCM_Gear", "Gear"] = 0
    second = lab.backend.offer("1.2.0", size=SMALL)
    assert lab.until(lambda: second.state == "activating", step=0.05)
    lab.backend.cancel(second)
    assert finish(lab, second)["result"] == "Success"


def test_a_campaign_that_is_announced_again_is_not_done_again(make_lab):
    lab = make_lab()
    campaign = lab.backend.offer("1.1.0", size=SMALL)
    lab.broker.duplicate("cockpit/+/update/campaign", 1)
    finish(lab, campaign)
    lab.backend.announce(campaign)
    lab.run(20.0)
    assert len(campaign.reports) == 1
    assert [boot for boot in lab.ecu.boots if boot[2]] == [("B", "1.1.0", True)]


@pytest.mark.parametrize("fault", ["dropped", "server error", "cut short", "range ignored"])
def test_a_bad_network_is_survived(make_lab, fault):
    lab = make_lab()
    lab.shelf.fail_next(fault, 3, after=4)
    assert finish(lab, lab.backend.offer("1.1.0", size=80_000))["result"] == "Success"


def test_an_artefact_server_that_never_answers_ends_in_a_report(make_lab):
    lab = make_lab()
    lab.ecu.artefacts.reachable = False
    assert finish(lab, lab.backend.offer("1.1.0", size=SMALL))["result"] == "Unreachable"


def test_a_report_that_nobody_heard_is_sent_again(make_lab):
    lab = make_lab()
    campaign = lab.backend.offer("1.1.0", size=SMALL)
    assert lab.until(lambda: campaign.state == "installing", step=0.02)
    lab.broker.cut("ecu", 30.0)
    lab.run(20.0)
    assert not campaign.reports
    assert finish(lab, campaign)["result"] == "Success"


# Defects: each breaks what a test above demands -----------------------------------------------------------------------


def end_with(make_lab, defect, **offer):
    lab = make_lab(defects=[defect])
    campaign = lab.backend.offer("1.1.0", size=SMALL, **offer)
    lab.run(60.0)
    return lab, campaign, [report.fields["state"] for report in campaign.reports.values()]


def test_defect_signature_unchecked(make_lab):
    assert end_with(make_lab, "update_signature_unchecked", fault="wrong key")[2] == ["committed"]


def test_defect_rollback_accepted(make_lab):
    assert end_with(make_lab, "update_rollback_accepted", fault="older release")[2] == ["committed"]


def test_defect_commits_unchecked(make_lab):
    lab, _, states = end_with(make_lab, "update_commits_unchecked", fault="sick")
    assert states == ["committed"]
    assert lab.ecu.platform.life.boot.image.program == "sick"


def test_defect_fallback_unreported(make_lab):
    assert end_with(make_lab, "update_fallback_unreported", fault="sick")[2] == []


def test_defect_reported_twice(make_lab):
    assert end_with(make_lab, "update_reported_twice")[2] == ["committed", "committed"]


def test_defect_bricks_on_power_cut(make_lab):
    lab = make_lab(defects=["update_bricks_on_power_cut"])
    campaign = lab.backend.offer("1.1.0", size=SMALL)
    assert lab.until(lambda: [s for s in campaign.states if s.fields["progress"] == 50][-1:] and
                     campaign.state == "activating", step=0.02)  # fmt: skip
    assert lab.until(lambda: campaign.states[-1].fields["progress"] == 50, step=0.02)
    lab.ecu.power(False)
    lab.ecu.power(True)
    lab.run(5.0)
    assert lab.ecu.dead


def test_defect_update_while_driving(make_lab):
    lab = make_lab(defects=["update_while_driving"])
    lab.ecu.com.values["ESC_Speed", "VehicleSpeed"] = 5000
    campaign = lab.backend.offer("1.1.0", size=SMALL)
    assert finish(lab, campaign)["state"] == "committed"


# The table ------------------------------------------------------------------------------------------------------------


def test_every_state_can_be_reached_and_left_and_nothing_else_happens():
    assert {state for state, _ in TABLE} | TERMINAL == set(State)
    assert set(TABLE.values()) | {State.IDLE} == set(State)
    with pytest.raises(ValueError, match="knows no 'healthy' while idle"):
        next_state(State.IDLE, Event.HEALTHY)


def test_the_diagram_in_the_documents_is_the_table():
    text = (Path(__file__).parents[2] / "docs/updates.md").read_text()
    drawn = set(re.findall(r"^    (\w+) --> (\w+): (.+)$", text, re.M))
    assert drawn == {(before.value, after.value, event.value) for (before, event), after in TABLE.items()}
