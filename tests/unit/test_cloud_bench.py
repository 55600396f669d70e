"""MQTT, updates and storage on the virtual bench, with the whole cockpit ECU; each named defect is caught there."""

import json

import pytest
import whole_bench

from hil.bench.cloud_match import has
from hil.bench.update_calls import parse_stage
from hil.cloud.mqtt import Message
from hil.errors import EcuError, UsageError, Verdict

DEVICE = "cockpit/VC000001"


@pytest.fixture
def run(repository, tmp_path, monkeypatch):
    """Run a case on the virtual bench; gives its verdict and journal."""
    monkeypatch.chdir(repository)
    runs = whole_bench.Runs(tmp_path)
    yield runs
    runs.close()


def passes(outcome):
    final, entries = outcome
    assert final.verdict is Verdict.PASS, final.message
    return entries


def fails(outcome, words):
    final, _ = outcome
    assert final.verdict is Verdict.FAIL, final
    assert words in final.message


# Telematics -----------------------------------------------------------------------------------------------------------


def tells(bench):
    mqtt = bench.mqtt()
    mqtt.should_receive(f"{DEVICE}/status", where={"state": "online", "version": "1.0.0"})
    first = mqtt.should_receive(f"{DEVICE}/telemetry", within="15 s", where={"schema": 1, "speed": 0})
    bench.set_signal("VehicleSpeed", "72.5 km/h")
    second = mqtt.should_receive(f"{DEVICE}/telemetry", within="15 s", where={"speed": 72.5, "fuel": 50, "charge": 60})
    assert second["seq"] > first["seq"]
    assert first["vin"] == "WHLCKPT1ZA0000001"
    assert first["position"] == {"latitude": 48.13715, "longitude": 11.57612}
    assert first["time"].startswith("2026-06-15T10:3")


def test_telemetry_arrives_with_all_that_it_must_say(run):
    entries = passes(run(tells))
    said = [entry for entry in entries if entry.kind == "mqtt"]
    assert {entry.name for entry in said} == {"cloud"}
    assert any(json.loads(entry.data["payload"]).get("speed") == 72.5 for entry in said)


def goes_offline(bench):
    mqtt = bench.mqtt()
    mqtt.should_receive(f"{DEVICE}/telemetry", within="15 s")
    mqtt.cut_link("25 s")
    mqtt.should_receive(f"{DEVICE}/status", where={"state": "offline"}, within="20 s")
    bench.set_signal("VehicleSpeed", "33 km/h")
    bench.sleep("12 s")
    bench.set_signal("VehicleSpeed", "0 km/h")
    mqtt.should_receive(f"{DEVICE}/telemetry", within="30 s", where={"speed": 33})


def test_what_happens_offline_is_told_later(run):
    passes(run(goes_offline))


def privacy(bench):
    mqtt = bench.mqtt()
    mqtt.should_receive(f"{DEVICE}/telemetry", within="15 s", where={"position.latitude": "present"})
    bench.console().send_line("privacy on")
    mqtt.should_receive(f"{DEVICE}/telemetry", within="15 s", where={"position": "absent", "privacy": "true"})
    assert bench.signal("PrivacyMode").label == "On"


def test_in_privacy_mode_no_position_leaves_the_car(run):
    passes(run(privacy))


def lock(bench):
    mqtt = bench.mqtt()
    mqtt.should_receive(f"{DEVICE}/status", where={"state": "online"})
    mqtt.duplicate_next(f"{DEVICE}/command", 1)
    mqtt.publish(f"{DEVICE}/command", {"schema": 1, "request": "r1", "command": "lock"})
    bench.sleep("200 ms")
    bench.set_signal("CentralLock", "Locked")
    mqtt.should_receive(f"{DEVICE}/answer", where={"request": "r1", "result": "done", "repeated": "false"})
    mqtt.publish(f"{DEVICE}/command", {"schema": 1, "request": "r1", "command": "lock"})
    mqtt.should_receive(f"{DEVICE}/answer", where={"request": "r1", "result": "done", "repeated": "true"})


def test_a_command_is_done_once_and_answered_as_often_as_it_comes(run):
    passes(run(lock))


def refused(bench):
    mqtt = bench.mqtt()
    mqtt.should_receive(f"{DEVICE}/status", where={"state": "online"})
    mqtt.publish(f"{DEVICE}/command", {"schema": 1, "request": "r2", "command": "climate_on", "temperature": 99})
    mqtt.should_receive(f"{DEVICE}/answer", where={"request": "r2", "result": "refused"})
    bench.set_signal("VehicleSpeed", "50 km/h")
    bench.sleep("200 ms")
    mqtt.publish(f"{DEVICE}/command", {"schema": 1, "request": "r3", "command": "unlock"})
    mqtt.should_receive(f"{DEVICE}/answer", where={"request": "r3", "result": "refused", "why": "the car is moving"})


def test_a_command_that_makes_no_sense_is_refused(run):
    passes(run(refused))


@pytest.mark.parametrize(("defect", "body", "words"), [
    ("telemetry_lost_offline", goes_offline, "speed 33"), ("command_executed_twice", lock, "repeated true"),
])  # fmt: skip
def test_defects_of_telematics_are_caught(run, defect, body, words):
    fails(run(body, defect), words)


# Updates --------------------------------------------------------------------------------------------------------------


def updates(bench):
    bench.storage().remember("slot A")
    bench.update().offer("1.1.0")
    bench.update().should_be_reported("committed", result="Success")
    bench.storage().should_be_unchanged("slot A")
    bench.update().reports_should_be(1)
    bench.console().drain()
    bench.console().send_line("version")
    bench.console().expect("software 1.1.0", within="1 s")
    bench.sleep("5 s")
    assert bench.signal("OtaState").label == "Committed"
    assert bench.signal("OtaActiveSlot").label == "B"
    assert bench.signal("VersionSoftwareMinor").physical == 1
    assert bench.wiring.recorder.facts["software"] == "1.1.0"


def test_an_update_changes_the_version_everywhere(run):
    entries = passes(run(updates))
    events = [entry.data for entry in entries if entry.kind == "update"]
    assert [event["event"] for event in events].count("report") == 1
    assert events[0] == {"event": "offer", "campaign": 1, "version": "1.1.0", "fault": ""}


def bad_signature(bench):
    bench.update().offer("1.1.0", fault="wrong key")
    bench.update().should_be_reported("failed", result="BadSignature")
    assert bench.signal("OtaState").label == "Failed"


def rollback(bench):
    bench.update().offer("0.9.0", fault="older release")
    bench.update().should_be_reported("failed", result="Rollback")


def sick(bench):
    bench.update().offer("1.1.0", fault="sick")
    bench.update().should_be_reported("rolled_back", within="90 s")


def does_not_boot(bench):
    bench.update().offer("1.1.0", fault="does not boot")
    bench.update().should_be_reported("rolled_back", within="90 s")


def once(bench):
    bench.update().offer("1.1.0")
    bench.update().state_should_be("committed")
    bench.sleep("5 s")
    bench.update().reports_should_be(1)


def cut(stage):
    def body(bench):
        bench.update().offer("1.1.0")
        bench.update().cut_power_at(stage)
        bench.update().should_be_reported("committed", within="120 s")
        bench.update().reports_should_be(1)
        bench.console().send_line("version")
        bench.console().expect("software 1.1.0", within="1 s")

    return body


def driving(bench):
    bench.set_signal("VehicleSpeed", "50 km/h")
    bench.update().offer("1.1.0")
    bench.update().state_should_be("installing", condition="NotParked")
    bench.sleep("20 s")
    bench.update().state_should_be("installing", condition="NotParked", within=0)
    bench.set_signal("VehicleSpeed", "0 km/h")
    bench.update().should_be_reported("committed")


@pytest.mark.parametrize("body", [bad_signature, rollback, sick, does_not_boot, once, driving])
def test_an_update_ends_as_it_must(run, body):
    passes(run(body))


@pytest.mark.parametrize("stage", ["downloading 50 %", "verifying", "installing 50 %", "activating 50 %", "committed"])
def test_a_power_cut_at_a_stage_ends_well(run, stage):
    passes(run(cut(stage)))


@pytest.mark.parametrize(("defect", "body", "words"), [
    ("update_signature_unchecked", bad_signature, "expected reported as failed, BadSignature"),
    ("update_rollback_accepted", rollback, "expected reported as failed, Rollback"),
    ("update_commits_unchecked", sick, "seen reported as committed"),
    ("update_fallback_unreported", sick, "seen no report"),
    ("update_reported_twice", once, "expected 1 report(s), seen 2"),
    ("update_bricks_on_power_cut", cut("activating 50 %"), "seen no report"),
    ("update_while_driving", driving, "waiting for NotParked"),
])  # fmt: skip
def test_defects_of_the_updater_are_caught(run, defect, body, words):
    fails(run(body, defect), words)


def test_equal_seeds_give_equal_journals(run):
    def said(outcome):
        return [(entry.t_ns, entry.data) for entry in passes(outcome) if entry.kind in ("mqtt", "update")]

    first, second = said(run(updates)), said(run(updates))
    assert first == second
    assert first != said(run(updates, seed="2"))


# Words ----------------------------------------------------------------------------------------------------------------


def test_an_unknown_fault_state_or_stage_is_refused(run):
    def body(bench):
        with pytest.raises(UsageError, match="wrong key"):
            bench.update().offer("1.1.0", fault="wrong kye")
        with pytest.raises(UsageError, match="rolled_back"):
            bench.update().state_should_be("rolled")

    body_error = run(lambda bench: bench.update().state_should_be("committed"))[0]
    assert body_error.verdict is Verdict.USAGE
    run(body)


@pytest.mark.parametrize(("stage", "expected"), [
    ("installing 50 %", ("installing", 50)), ("Activating", ("activating", 0)), ("rolled back 0%", ("rolled_back", 0)),
])  # fmt: skip
def test_stages(stage, expected):
    assert parse_stage(stage) == expected


@pytest.mark.parametrize("stage", ["", "50 %", "installing 101 %", "writing"])
def test_what_is_no_stage(stage):
    with pytest.raises(UsageError):
        parse_stage(stage)


@pytest.mark.parametrize(("where", "expected"), [
    ({"a": 1}, True), ({"a": "1.0"}, True), ({"a": 2}, False), ({"a": "> 0"}, True), ({"a": "< 1"}, False),
    ({"b.c": "x"}, True), ({"b.d": "present"}, False), ({"b.d": "absent"}, True), ({"t": "true"}, True),
    ({"n": "null"}, True), ({"a": "!= 2"}, True), ({"b.c": "> 3"}, False), ({"a": 1, "t": "false"}, False),
])  # fmt: skip
def test_what_a_message_has(where, expected):
    message = Message(0, "x", b'{"a": 1, "b": {"c": "x"}, "t": true, "n": null}')
    assert has(message, where) is expected


def test_a_message_that_never_comes_is_a_failure(run):
    def body(bench):
        bench.mqtt().should_receive("cockpit/+/nothing", within="1 s")

    final, _ = run(body)
    assert final.verdict is Verdict.FAIL
    assert isinstance(EcuError("x"), AssertionError)
    assert "no message there" in final.message
