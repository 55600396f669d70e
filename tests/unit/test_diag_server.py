"""The UDS server of the virtual ECU, asked by raw frames on a wire: sessions, refusals, time, security."""

import random

import pytest

from hil.can.frames import SENT
from hil.can.wire import SimWire
from hil.clock import VirtualClock
from hil.diag.link import Address, Link
from hil.ecu.app import Life, Platform, Wires
from hil.ecu.diag_app import DiagApp
from hil.ecu.slots import Boot, Image
from hil.ecu.store import Store
from hil.ecu.variant import EcuVariant
from hil.serial.line import PowerLine

MS = 1_000_000
S = 1000 * MS
CODES = {0xC10000: 0x2F, 0x900117: 0x08, 0xC15500: 0x00}


class Com:
    """What of the communication stack diagnosis touches."""

    def __init__(self):
        self.speed, self.allowed = None, (True, True)

    def raw(self, message, signal, *, stale=False):
        return None if message == "CGW_Vin" else self.speed

    def allow(self, *, rx, tx):
        self.allowed = (rx, tx)


class Codes:
    availability = 0x7F

    def __init__(self):
        self.codes, self.on = dict(CODES), True

    def report(self, mask):
        return [(code, status) for code, status in self.codes.items() if status & mask]

    def supported(self):
        return list(self.codes.items())

    def snapshot(self, code):
        return bytes.fromhex("01020034d2") if self.codes[code] else None

    def extended(self, code):
        return b"\x05"

    def knows(self, group):
        return group == 0xFFFFFF or group in self.codes

    def clear(self, group):
        for code in self.codes if group == 0xFFFFFF else [group]:
            self.codes[code] = 0
        return True

    def control(self, on):
        self.on = on


class Lab:
    """One ECU's diagnosis on a wire, and a tester of frames."""

    def __init__(self, *defects):
        self.clock = VirtualClock()
        self.wire = SimWire(self.clock, "body")
        self.com, self.codes, self.reboots = Com(), Codes(), []
        self.store = Store(self.clock)
        self.timers = []
        self.answers = []
        self.power = PowerLine()
        wires = Wires(self.power, {"body": self.wire.port("ECU")}, None, {})
        self.platform = Platform(
            clock=self.clock, com=self.com, rng=random.Random(1), defects=frozenset(defects), variant=EcuVariant(),
            store=self.store, wires=wires, life=Life(), say=print,
            later=lambda delay, call, argument=None: self.timers.append(self.clock.call_in(delay, call, argument)),
            reboot=self.reboots.append, wipe=None, settings=None, dtcs=None,
        )  # fmt: skip
        self.app = DiagApp(self.platform, self.codes, odometer_km=lambda: 12_345.6)
        self.tester = self.wire.port("TESTER")
        self.clock.run(self.open())
        self.physical = Link(self.clock, self.tester, Address(0x720, 0x728), self)
        self.functional = Link(self.clock, self.tester, Address(0x7DF, None), self)
        self.app.start()

    async def open(self):
        await self.platform.wires.can["body"].open(self.hear, print)
        await self.tester.open(self.heard, print)

    def hear(self, frame):
        if ("body", frame.can_id) in self.app.can_ids:
            (self.app.on_sent if frame.flags & SENT else self.app.on_frame)(frame)

    def heard(self, frame):
        self.physical.on_frame(frame)
        self.functional.on_frame(frame)

    def on_message(self, data):
        self.answers.append((self.clock.now_ns, data.hex()))

    def on_began(self, length):
        pass

    def on_sent(self, data):
        self.sent_ns = self.clock.now_ns

    def on_failed(self, failed):
        raise AssertionError(failed)

    def pass_ns(self, span_ns):
        self.clock.run(self.clock.sleep_until(self.clock.now_ns + span_ns))

    def ask(self, text, *, functional=False, span_ns=100 * MS):
        """The answers to a request, as text."""
        self.answers.clear()

        async def send():
            (self.functional if functional else self.physical).send(bytes.fromhex(text))

        self.clock.run(send())
        self.pass_ns(span_ns)
        return " ".join(answer for _, answer in self.answers)

    def restart(self):
        """A reboot: RAM is gone, the store stays."""
        for timer in self.timers:
            timer.cancel()
        self.app.stop()
        self.app.start()

    def unlock(self):
        """To the extended session, with security open; the key is worked out here, by the document."""
        self.ask("1003")
        seed = int.from_bytes(bytes.fromhex(self.ask("2701"))[2:], "big")
        return self.ask(f"2702{key(seed):08x}")


def key(seed):
    mixed = seed ^ 0x5EEDC0DE
    turned = ((mixed << 7) & 0xFFFFFFFF) | (mixed >> 25)
    return (turned * 0x9E3779B1 + 1) & 0xFFFFFFFF


@pytest.fixture
def lab():
    return Lab()


def session(lab):
    return lab.ask("22f186")[-2:]


@pytest.mark.parametrize(
    ("before", "request_", "answer"),
    [
        ("", "1003", "5003003201f4"),
        ("", "1001", "5001003201f4"),
        ("", "1002", "7f107e"),
        ("1003", "1002", "5002003201f4"),
        ("1003 1002", "1003", "7f107e"),
        ("", "1004", "7f1012"),
        ("", "10", "7f1013"),
        ("", "100300", "7f1013"),
        ("", "100400", "7f1012"),
        ("", "3e00", "7e00"),
        ("", "3e01", "7f3e12"),
        ("", "3e0000", "7f3e13"),
        ("", "3e80", ""),
        ("", "1083", ""),
        ("", "1084", "7f1012"),
        ("", "b5", "7fb511"),
        ("", "3101ff00", "7f3111"),
        ("", "2701", "7f277f"),
        ("", "280101", "7f287f"),
        ("", "2ef15a000000000000000000", "7f2e7f"),
        ("", "8502", "7f857f"),
        ("1003", "2704", "7f2712"),
        ("1003", "27", "7f2713"),
        ("1003", "270100", "7f2713"),
        ("1003", "270200000000", "7f2724"),
        ("1003", "280101", "6801"),
        ("1003", "280102", "7f2831"),
        ("1003", "2804", "7f2812"),
        ("1003", "2801", "7f2813"),
        ("1003", "8502", "c502"),
        ("1003", "8502ffffff", "c502"),
        ("1003", "8502ff", "7f8513"),
        ("1003", "8502010203", "7f8531"),
        ("1003", "8503", "7f8512"),
        ("1003", "2ef15a", "7f2e13"),
        ("1003", "2ef19000", "7f2e31"),
        ("1003", "2e123400", "7f2e31"),
        ("1003", "2ef15a00", "7f2e13"),
        ("1003", "2ef15a2601010102030405", "7f2e13"),
        ("1003", "2ef15a260101010203040506", "7f2e33"),
        ("", "22", "7f2213"),
        ("", "22f1", "7f2213"),
        ("", "22f18901", "7f2213"),
        ("", "22" + "f189" * 9, "7f2213"),
        ("", "221234", "7f2231"),
        ("", "221234f191", "62f1914231"),
        ("", "22f190", "62f190" + b"WHLCKPT1ZA0000001".hex()),
        ("", "220200", "620200" + "00003039"),
        ("", "22f186f189", "62f18601f189" + b"1.0.0".hex()),
        ("", "14ffffff", "7f1478"),
        ("", "14ffff", "7f1413"),
        ("", "14123456", "7f1431"),
        ("1003 1002", "14ffffff", "7f147f"),
        ("", "19", "7f1913"),
        ("", "1903", "7f1912"),
        ("", "1902", "7f1913"),
        ("", "190200ff", "7f1913"),
        ("", "1901ff", "59017f010002"),
        ("", "1902ff", "59027fc100002f90011708"),
        ("", "190201", "59027fc100002f"),
        ("", "190a", "590a7fc100002f90011708c1550000"),
        ("", "1904c1000001", "5904c100002f0101020034d2"),
        ("", "1904c15500ff", "5904c1550000"),
        ("", "1904c1000002", "7f1931"),
        ("", "190400000001", "7f1931"),
        ("", "1906c10000ff", "5906c100002f0105"),
        ("1003 1002", "1902ff", "7f197f"),
        ("", "1102", "7f1112"),
        ("", "11", "7f1113"),
    ],
)
def test_request_and_answer(lab, before, request_, answer):
    for text in before.split():
        lab.ask(text)
    assert lab.ask(request_) == answer


FUNCTIONAL = {"b5": "", "1005": "", "221234": "", "1002": "", "2701": "", "1003": "5003003201f4", "10": "7f1013",
              "3e80": "", "22f191": "62f1914231", "190400000001": ""}  # fmt: skip


@pytest.mark.parametrize(("request_", "answer"), FUNCTIONAL.items())
def test_a_functional_request_gets_no_answer_that_says_only_not_me(lab, request_, answer):
    assert lab.ask(request_, functional=True) == answer


def test_a_session_ends_five_seconds_after_the_answer_to_the_nanosecond(lab):
    lab.ask("1003")
    (answered_ns, _), server = lab.answers[0], lab.app._server
    lab.pass_ns(answered_ns + 5 * S - lab.clock.now_ns - 1)
    assert server.session == 3
    lab.pass_ns(2)
    assert server.session == 1


def test_each_request_begins_the_five_seconds_anew(lab):
    lab.ask("1003")
    for _ in range(4):
        lab.ask("3e80", functional=True, span_ns=4900 * MS)
    assert session(lab) == "03"
    lab.pass_ns(4800 * MS)
    assert session(lab) == "03"
    lab.pass_ns(5100 * MS)
    assert session(lab) == "01"


def test_what_a_session_allowed_ends_with_it(lab):
    lab.unlock()
    lab.ask("280301")
    lab.ask("8502")
    assert lab.com.allowed == (False, False)
    assert not lab.codes.on
    assert lab.platform.awake == {"diagnosis": True}
    lab.pass_ns(5 * S)
    assert lab.com.allowed == (True, True)
    assert lab.codes.on
    assert lab.platform.awake == {"diagnosis": False}
    lab.ask("1003")
    assert lab.ask("2e03002710") == "7f2e33"


def test_what_takes_long_is_announced_with_78_within_p2(lab):
    lab.ask("14ffffff", span_ns=300 * MS)
    (pending_ns, pending), (_, answer) = lab.answers
    assert (pending, answer) == ("7f1478", "54")
    assert pending_ns - lab.sent_ns < 50 * MS
    assert lab.codes.report(0xFF) == []


def test_while_it_works_on_one_request_another_is_told_to_wait(lab):
    async def two():
        lab.physical.send(bytes.fromhex("14ffffff"))
        lab.physical.send(bytes.fromhex("22f189"))
        lab.physical.send(bytes.fromhex("3e80"))

    lab.answers.clear()
    lab.clock.run(two())
    lab.pass_ns(300 * MS)
    assert [answer for _, answer in lab.answers] == ["7f2221", "7f1478", "54"]


def test_a_moving_vehicle_refuses_reset_and_programming(lab):
    lab.ask("1003")
    lab.com.speed = 5000
    assert lab.ask("1101") == "7f1122"
    assert lab.ask("1002") == "7f1022"
    lab.com.speed = 0
    assert lab.ask("1002") == "5002003201f4"


@pytest.mark.parametrize(("request_", "answer"), [("1101", "5101"), ("1103", "5103"), ("1181", "")])
def test_a_reset_comes_after_its_answer(lab, request_, answer):
    assert lab.ask(request_) == answer
    assert lab.reboots == ["software"]


def test_the_right_key_opens_and_the_next_seed_is_zero(lab):
    assert lab.unlock() == "6702"
    assert lab.ask("2701") == "670100000000"
    assert lab.ask("2e03002710") == "6e0300"
    assert lab.ask("220300") == "6203002710"
    assert lab.ask("2e03000001") == "7f2e31"
    lab.restart()
    assert lab.ask("220300") == "6203002710"


def test_three_wrong_keys_shut_for_ten_seconds_also_across_a_reset(lab):
    lab.ask("1003")
    answers = []
    for _ in range(3):
        lab.ask("2701")
        answers.append(lab.ask("270200000000"))
    assert answers == ["7f2735", "7f2735", "7f2736"]
    assert lab.ask("2701") == "7f2737"
    lab.restart()
    lab.ask("1003")
    assert lab.ask("2701") == "7f2737"
    for _ in range(3):
        lab.ask("3e00", span_ns=3200 * MS)
    assert lab.ask("2701") == "7f2737"
    lab.ask("3e00", span_ns=900 * MS)
    assert lab.ask("2701").startswith("6701")
    assert lab.ask("270200000000") == "7f2736"


def test_a_seed_is_good_for_one_key(lab):
    lab.ask("1003")
    lab.ask("2701")
    lab.ask("270200000000")
    assert lab.ask("270200000000") == "7f2724"


def test_power_lost_in_the_middle_of_a_request_leaves_nothing_behind(lab):
    lab.ask("14ffffff", span_ns=50 * MS)
    lab.restart()
    assert lab.ask("22f191") == "62f1914231"


@pytest.mark.parametrize(
    ("defect", "before", "request_", "answer"),
    [
        ("session_never_expires", "1003 wait", "22f186", "62f18603"),
        ("writes_without_security", "1003", "2e03002710", "6e0300"),
        ("answers_functional_with_refusal", "", "functional b5", "7fb511"),
        ("tester_present_late", "", "3e00", ""),
    ],
)
def test_defects_do_what_they_say(defect, before, request_, answer):
    lab = Lab(defect)
    for text in before.split():
        lab.pass_ns(6 * S) if text == "wait" else lab.ask(text)
    functional = request_.startswith("functional ")
    assert lab.ask(request_.removeprefix("functional "), functional=functional) == answer


def test_a_lost_delay_and_an_ignored_reset_are_defects_too():
    lab = Lab("security_delay_lost_on_reset", "reset_is_ignored")
    lab.ask("1003")
    for _ in range(3):
        lab.ask("2701")
        lab.ask("270200000000")
    lab.restart()
    lab.ask("1003")
    assert lab.ask("2701").startswith("6701")
    assert lab.ask("1101") == "5101"
    assert lab.reboots == []


@pytest.mark.parametrize(("defects", "version"), [((), "2.1.0"), (("software_version_stale",), "1.0.0")])
def test_version_and_slot_are_those_that_run(defects, version):
    lab = Lab(*defects)
    lab.platform.life.boot = Boot("B", Image("B1", "2.1.0", 210, 1000, bytes(32)))
    assert lab.ask("22f189") == "62f189" + version.encode().hex()
    assert lab.ask("220202") == "620202" + b"B".hex()


def test_tester_present_of_another_tool_does_not_stand_in_the_way(lab):
    lab.ask("1003")

    async def both():
        lab.functional.send(bytes.fromhex("3e80"))
        lab.physical.send(bytes.fromhex("22f191"))

    lab.answers.clear()
    lab.clock.run(both())
    lab.pass_ns(100 * MS)
    assert [answer for _, answer in lab.answers] == ["62f1914231"]
