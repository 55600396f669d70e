"""Telematics: the queue, sequence numbers, privacy, commands."""

import json

import pytest
from cloud_lab import Lab

from hil.ecu.store import Store
from hil.ecu.telematics import LONGEST_QUEUE


@pytest.fixture
def make_lab():
    labs = []

    def make(**options):
        labs.append(Lab(**options))
        return labs[-1]

    yield make
    for lab in labs:
        lab.close()


def command(lab, **fields):
    lab.bench.publish("cockpit/VC000001/command", json.dumps({"schema": 1, **fields}).encode(), qos=1)
    lab.run(1.0)


def locks(lab):
    return [raw["LockRequest"] for message, raw in lab.ecu.com.writes if message == "CLU_BodyCommand"]


def test_a_full_queue_drops_the_oldest_and_counts_it(make_lab):
    lab = make_lab()
    lab.run(10.0)
    before = lab.payloads("telemetry")[-1]["seq"]
    lab.broker.cut("ecu", 10.0 * (LONGEST_QUEUE + 5))
    lab.run(10.0 * (LONGEST_QUEUE + 5) + 60.0)
    later = lab.payloads("telemetry")[1:]
    dropped = later[0]["dropped"]
    assert dropped >= 4
    assert later[0]["seq"] == before + dropped + 1
    assert [said["seq"] for said in later] == sorted({said["seq"] for said in later})
    assert later[-1]["queued"] == 0


def test_sequence_numbers_go_on_higher_after_a_power_cut(make_lab):
    lab = make_lab()
    lab.run(25.0)
    lab.ecu.power(False)
    lab.ecu.power(True)
    lab.run(25.0)
    numbers = [said["seq"] for said in lab.payloads("telemetry")]
    assert len(numbers) >= 4
    assert numbers == sorted(set(numbers))


def test_a_change_is_told_at_once(make_lab):
    lab = make_lab()
    lab.run(2.0)
    lab.ecu.com.sent["CLU_Warnings", "WarningsActive"] = 2
    lab.run(1.0)
    (event,) = lab.payloads("event")
    assert (event["reason"], event["warnings"]) == ("warnings", 2)


def test_what_the_ecu_does_not_know_is_null(make_lab):
    lab = make_lab()
    lab.ecu.com.values["ESC_Speed", "VehicleSpeed"] = None
    lab.ecu.com.values["TCU_Position", "Latitude"] = -(1 << 31)
    lab.run(11.0)
    assert lab.payloads("telemetry")[-1]["speed"] is None
    assert lab.payloads("telemetry")[-1]["position"] is None


def test_a_command_pulses_the_request_once_and_says_what_came_of_it(make_lab):
    lab = make_lab()
    command(lab, request="a", command="lock")
    lab.run(6.0)
    command(lab, request="a", command="lock")
    assert locks(lab) == [1, 0]
    answers = lab.payloads("answer")
    assert [(said["result"], said["repeated"]) for said in answers] == [("failed", False), ("failed", True)]


def test_a_command_is_remembered_over_a_power_cut(make_lab):
    lab = make_lab()
    lab.ecu.com.values["BCM_Locks", "CentralLock"] = 1
    command(lab, request="b", command="lock")
    lab.ecu.power(False)
    lab.ecu.power(True)
    lab.run(3.0)
    command(lab, request="b", command="lock")
    assert locks(lab) == [1, 0]
    assert [said["repeated"] for said in lab.payloads("answer")] == [False, True]


def test_what_is_answered_is_in_flash_by_then(make_lab):
    """Else a power cut just after the answer would have the command done again."""
    lab = make_lab()
    store = lab.ecu.platform.store = Store(lab.clock)
    uplink, told = lab.ecu.telematics._uplink, []
    send = uplink.send

    def sent(leaf, fields, **options):
        if leaf == "answer":
            kept = Store()
            kept.pages = list(store.pages)
            kept.mount()
            told.append(kept.get("telematics.answers", {}).get("b", {}).get("result"))
        return send(leaf, fields, **options)

    uplink.send = sent
    lab.ecu.com.values["BCM_Locks", "CentralLock"] = 1
    command(lab, request="b", command="lock")
    assert told == ["done"]


def test_defect_command_executed_twice(make_lab):
    lab = make_lab(defects=["command_executed_twice"])
    lab.ecu.com.values["BCM_Locks", "CentralLock"] = 1
    command(lab, request="b", command="lock")
    command(lab, request="b", command="lock")
    assert locks(lab) == [1, 0, 1, 0]


@pytest.mark.parametrize("payload", [b"", b"\xff", b"[]", b'{"schema": 2, "request": "x", "command": "lock"}'])
def test_what_is_no_message_is_ignored_and_said_on_the_console(make_lab, payload):
    lab = make_lab()
    lab.bench.publish("cockpit/VC000001/command", payload, qos=1)
    lab.run(1.0)
    assert any("ignored" in line for line in lab.ecu.lines)
    assert lab.payloads("answer") == []


def test_the_backend_learns_that_the_power_went(make_lab):
    lab = make_lab()
    lab.ecu.power(False)
    lab.run(16.0)
    assert [said["state"] for said in lab.payloads("status")] == ["online", "offline"]


@pytest.mark.parametrize("slept_s", [0.1, 5.0])
def test_after_a_sleep_the_link_comes_back_and_commands_arrive(make_lab, slept_s):
    lab = make_lab()
    lab.ecu.com.values["BCM_Locks", "CentralLock"] = 1
    for app in lab.ecu.apps:
        app.sleep()
    lab.run(slept_s)
    command(lab, request="c", command="lock")
    for app in lab.ecu.apps:
        app.wake()
    lab.run(3.0)
    assert [said["state"] for said in lab.payloads("status")] == ["online", "asleep", "online"]
    assert [said["result"] for said in lab.payloads("answer")] == ["done"]
