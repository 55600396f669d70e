"""`hil doctor` on sick benches: each fault makes its row red, and nothing is sent before the listening is over."""

import json
import tomllib
from dataclasses import replace
from io import StringIO
from itertools import repeat
from types import SimpleNamespace

import numpy as np
import pytest
from can_lab import MS, LaggingClock
from doctor_lab import ANSWER, DOORS, ECU, GUARD, Peopled, Rows, SickBench, at, every, guarded, noise
from rich.console import Console as RichConsole

from hil.bench import config
from hil.bench.checkup import check_up
from hil.bench.checkup_bus import judge
from hil.bench.checkup_finding import Finding, Mark, When
from hil.bench.checkup_ports import ScreenLook, console, machine, relay, supply
from hil.bench.config import SupplySection
from hil.bench.diagnosis import address_of
from hil.bench.jitter import Jitter, JitterProbe
from hil.bench.plan import plan
from hil.can.frames import EXTENDED
from hil.can.gaps import Gap
from hil.cli.doctor import show
from hil.cli.main import main
from hil.clock import VirtualClock
from hil.errors import BenchError
from hil.hmi.frames import Frame
from hil.journal import Origin
from hil.serial.console import Console
from hil.serial.line import pipe
from hil.serial.port import PowerLimits, PowerReading
from hil.serial.relay_sim import SimRelay


@pytest.fixture
def bench(tmp_path):
    return SickBench(tmp_path)


def test_a_sound_bench_has_no_fault_and_no_note(bench):
    rows = bench()
    assert rows.faults == []
    assert rows.report.is_well
    assert rows.one("bus.body", "heard").found == "60 frames in 2.00 s, identifiers: 2 known, 0 unknown; load 0.6%"
    assert rows.one("bus.body", "cycles").found == "kept; 2 messages of the real nodes"
    assert rows.one("bus.body", "nodes").found == "heard: ECU"
    assert rows.one("bus.body", "speed").found == "frames are read without errors at 500 kbit/s"


# Sick buses -----------------------------------------------------------------------------------------------------------


def test_a_second_sender_is_named_and_nothing_is_sent(bench):
    rows = bench(body=[*ECU, every(50, DOORS, bytes(2))], power=True)
    assert rows.faults == [("bus.body", "senders"), ("bench", "sending")]
    row = rows.one("bus.body", "senders")
    assert row.found == "somebody else sends Doors of BCM, which the restbus plays"
    assert "name the node in real_nodes; --transmit sends anyway" in row.remedy
    assert Peopled.sent == []
    assert not rows.of("bench", "power")


def test_a_second_sender_may_be_spoken_over(bench):
    rows = bench(body=[*ECU, every(50, DOORS, bytes(2))], power=True, transmit=True)
    assert rows.one("bench", "sending").mark is Mark.NOTE
    row = rows.one("bench", "power", When.AWAKE)
    assert row.mark is Mark.OK
    assert row.found == "power and restbus are on; there is no probe that says whether the ECU is up"
    assert Peopled.sent


def test_a_second_sender_that_the_bench_file_bears_is_a_note(bench):
    rows = bench(body=[*ECU, every(50, DOORS, bytes(2))], more='\n[monitors]\nforeign = "warn"\n')
    assert rows.faults == []
    assert rows.one("bus.body", "senders").mark is Mark.NOTE


def test_one_that_begins_when_the_bench_speaks_ends_the_check_up(bench):
    rows = bench(body=[*ECU, every(50, DOORS, bytes(2), begin=2500)], power=True)
    assert rows.faults == [("bench", "check-up")]
    assert "Doors on body: somebody else sends it" in rows.one("bench", "check-up").found


def test_a_wrong_bit_rate_shows_as_error_frames_and_nothing_else(bench):
    rows = bench(body=[noise(1.0), *ECU], power=True)
    row = rows.one("bus.body", "speed")
    assert row.mark is Mark.FAULT
    assert row.found.startswith("nothing but ")
    assert row.found.endswith(" error frames at 500 kbit/s")
    assert "60 ohms" in row.remedy
    assert rows.faults[-1] == ("bench", "sending")
    assert Peopled.sent == []


def test_a_few_error_frames_are_a_note(bench):
    rows = bench(body=[noise(0.2), *ECU], more='\n[monitors]\ncycle = "warn"\n')
    assert rows.one("bus.body", "speed").mark is Mark.NOTE
    assert "error frames beside" in rows.one("bus.body", "speed").found


def test_an_unknown_identifier_is_named(bench):
    rows = bench(body=[*ECU, every(100, 0x7A0), every(100, 0x18FF0001, flags=EXTENDED)])
    assert rows.faults == [("bus.body", "identifiers")]
    assert rows.one("bus.body", "identifiers").found == "not in body.dbc: 0x7A0, 0x18FF0001x"


def test_an_unknown_identifier_may_be_allowed(bench):
    assert bench(body=[*ECU, every(100, 0x7A0)], more='\n[monitors]\nallow = ["0x7A0"]\n').faults == []


def test_a_database_of_another_bus_is_told_as_such(bench):
    rows = bench(body=[every(100, 0x500 + number) for number in range(4)])
    assert ("bus.body", "identifiers") in rows.faults
    row = rows.one("bus.body", "identifiers")
    assert row.found == "4 of 4 are not in body.dbc: 0x500, 0x501, 0x502, 0x503"
    assert "check that the database is that of this bus" in row.remedy


def test_swapped_buses_are_told_as_such(bench):
    rows = bench(body=[], chassis=ECU)
    row = rows.one("bus.chassis", "identifiers")
    assert row.found == "2 of the 2 identifiers that chassis.dbc lacks are of bus.body: swapped?"
    assert row.mark is Mark.FAULT


def test_a_wrong_cycle_is_told_with_what_was_due(bench):
    rows = bench(body=[every(130, ANSWER), ECU[1]])
    assert rows.faults == [("bus.body", "cycles")]
    found = rows.one("bus.body", "cycles").found
    assert found.startswith("Answer on body: 130 ms since the frame before, due every 100 ms +-10 ms (first at")


def test_a_message_that_stops_is_told(bench):
    rows = bench(body=[at(range(0, 500, 100), ANSWER), ECU[1]])
    assert "came no more" in rows.one("bus.body", "cycles").found


def test_a_wrong_length_is_told(bench):
    rows = bench(body=[every(100, ANSWER, b"\1\2"), ECU[1]])
    assert rows.faults == [("bus.body", "lengths")]
    assert "Answer on body: 2 bytes, 1 due" in rows.one("bus.body", "lengths").found


def test_a_wrong_checksum_is_told(bench):
    rows = bench(body=[ECU[0], every(50, GUARD, guarded(corrupt=True))])
    assert rows.faults == [("bus.body", "protection")]


def test_a_silent_bus_is_a_note_until_the_ecu_is_awake(bench):
    rows = bench(body=[])
    assert rows.faults == []
    silent = rows.one("bus.body", "heard")
    assert silent.mark is Mark.NOTE
    assert "as a bus is while its ECU has no power" in silent.found
    rows = bench(body=[], power=True)
    assert rows.one("bus.body", "heard", When.LISTENED).mark is Mark.OK
    assert rows.faults == [("bus.body", "heard")]


def test_a_silent_node_is_a_fault_where_the_bench_only_listens(bench):
    rows = bench(
        body=[every(50, DOORS, bytes(2))], change=lambda text: text.replace('"body.dbc"', '"body.dbc"\nrestbus = false')
    )
    assert rows.faults == [("bus.body", "nodes")]
    assert rows.one("bus.body", "nodes").found == "silent: ECU"


def test_a_message_that_never_comes_is_missed_once_the_ecu_is_awake(bench):
    rows = bench(body=ECU[:1], power=True)
    assert rows.faults == [("bus.body", "cycles")]
    assert "Guard on body: did not come since" in rows.one("bus.body", "cycles", When.AWAKE).found


def test_nothing_is_sent_while_it_listens_even_if_somebody_asks_the_ecu(repository, monkeypatch):
    """A tester of somebody else makes the ECU answer in several frames, which our own end would acknowledge."""
    monkeypatch.chdir(repository)
    path = repository / "fixtures/benches/virtual.toml"
    text = path.read_text().replace('port = "sim"', 'port = "doctor_lab:Peopled"')
    monkeypatch.setattr(config, "read_toml", lambda *ignored: tomllib.loads(text))
    made = config.load(path)
    _, address, _ = address_of(made, plan(made).network, "cockpit")
    Peopled.speakers = {"body": [at([500], address.rx_id, bytes.fromhex("1014620200000000"))]}
    Peopled.sent = []
    check_up(made)
    assert {can_id for _, _, can_id, *_ in Peopled.sent} == {address.tx_id}, "diagnosis is asked"
    assert min(t_ns for t_ns, *_ in Peopled.sent) >= 2_000 * MS


@pytest.mark.parametrize(("late_ms", "mark"), [(20, Mark.NOTE), (5, Mark.FAULT)])
def test_on_a_late_machine_a_cycle_by_its_own_stamps_is_not_proven(bench, late_ms, mark):
    view = bench(body=[every(130, ANSWER), ECU[1]]).report.views["body"]
    view.survey.origins = {Origin.HOST}
    rows = {row.check: row for row in judge(replace(view, late_ns=late_ms * MS))}
    assert rows["cycles"].mark is mark
    assert rows["stamps"].found.endswith(f"it was late by up to {late_ms}.0 ms")


def test_frames_that_were_lost_are_a_fault(bench):
    view = replace(bench().report.views["body"], gaps=(Gap("body", 0, 1, 7, "nobody read"),))
    (row,) = [row for row in judge(view) if row.check == "lost"]
    assert (row.mark, row.found) == (Mark.FAULT, "7 frames lost: nobody read")


PROBED = """
[reset]
probe = { signal = "Answer.State", value = "VALUE", within = "1 s" }
"""


def test_an_ecu_that_does_not_come_up_is_a_fault(bench):
    assert (
        bench(more=PROBED.replace("VALUE", "0"), power=True).one("bench", "power").found.startswith("the ECU came up")
    )
    rows = bench(more=PROBED.replace("VALUE", "7"), power=True)
    assert rows.faults == [("bench", "power")]
    assert "Answer.State was not 7 within 1 s" in rows.one("bench", "power").found


# Other ports ----------------------------------------------------------------------------------------------------------


def test_a_dead_port_keeps_nothing_else_from_being_looked_at(bench):
    rows = bench(change=lambda text: text.replace("Peopled", "Dead", 1), power=True)
    row = rows.one("bus.body", "opened")
    assert (row.mark, row.remedy) == (Mark.FAULT, "plug it in.")
    assert "no such device" in row.found
    assert rows.one("bus.chassis", "opened").mark is Mark.OK
    assert rows.one("bench", "power").found == "the ECU was not powered: bus.body didn't open"
    assert Peopled.sent == []


class Clockwork:
    """A source of pictures: `pictures` gives them, one after the other; an error is raised."""

    name, period_ns = "cluster", 20 * MS

    def __init__(self, clock, pictures):
        self._clock, self._pictures = clock, iter(pictures)

    async def latest(self):
        picture = next(self._pictures)
        if isinstance(picture, Exception):
            raise picture
        await self._clock.sleep(picture.get("takes", 0))
        pixels = np.full((*picture.get("size", (48, 128)), 3), picture.get("level", 90), np.uint8)
        return Frame(self._clock.now_ns, lambda: pixels, token=picture.get("token", "same"))


@pytest.fixture
def screen():
    """What is said of a screen that gives these pictures for a second."""
    clock = VirtualClock()

    def look(pictures, when=When.LISTENED):
        seen = ScreenLook("cluster", (128, 48), clock, Clockwork(clock, pictures))
        end_ns = clock.now_ns + 1000 * MS
        clock.run(seen.watch(lambda: clock.now_ns >= end_ns))
        return {row.check: row for row in seen.rows(when)}

    yield look
    clock.close()


def test_a_source_that_gives_what_it_promises_is_well(screen):
    rows = screen(repeat({}))
    assert {row.mark for row in rows.values()} == {Mark.OK}
    assert rows["pictures"].found.startswith("50 of 50 a second, 1 different; slowest 0 us, last ")
    assert rows["picture"].found == "128x48 px as the layout says; mean brightness 35 %"


def test_a_source_that_stalls_is_a_fault(screen):
    rows = screen([{}, {}, BenchError("no picture within 2 s", where="screen.cluster")])
    assert rows["pictures"].mark is Mark.FAULT
    assert rows["pictures"].found == "stalled: no picture within 2 s"


def test_a_source_of_another_size_is_a_fault(screen):
    row = screen(repeat({"size": (50, 128)}))["picture"]
    assert (row.mark, row.found) == (Mark.FAULT, "128x50 px, the layout has 128x48")


def test_a_slow_source_is_a_note(screen):
    assert screen(repeat({"takes": 0.2}))["pictures"].mark is Mark.NOTE


@pytest.mark.parametrize(("picture", "check"), [({"level": 0, "token": None}, "picture"), ({}, "pictures")])
def test_once_the_ecu_came_up_a_screen_is_lit_and_has_changed(screen, picture, check):
    assert screen(repeat(picture))[check].mark is Mark.OK
    assert screen(repeat(picture), When.AWAKE)[check].mark is Mark.FAULT


def test_a_supply_at_its_limit_or_at_another_voltage_is_a_fault():
    clock = VirtualClock()
    section = SupplySection(port="virtual", voltage_V=13.5, max_voltage_V=16.0, max_current_A=10.0)

    def said(when, *reading):
        async def read():
            return PowerReading(*reading)

        port = SimpleNamespace(name="battery", limits=PowerLimits(16.0, 10.0), read=read, identity="ACME,1")
        (row,) = clock.run(supply(port, section, when))
        return row.mark

    assert said(When.LISTENED, False, 0.0, 0.0) is Mark.OK
    assert said(When.LISTENED, True, 13.5, 2.0) is Mark.NOTE
    assert said(When.LISTENED, True, 3.0, 9.9) is Mark.FAULT
    assert said(When.AWAKE, True, 13.4, 2.0) is Mark.OK
    assert said(When.AWAKE, True, 12.0, 2.0) is Mark.FAULT
    assert said(When.AWAKE, True, 13.5, 0.0) is Mark.NOTE
    clock.close()


RELAY = """
[relay.board]
port = "virtual"
contacts = { KL15 = 1, door = 3 }

[ignition]
relay = "KL15"
"""


def test_relays_are_at_rest_until_the_ecu_is_powered(bench):
    rows = bench(more=RELAY, power=True)
    assert rows.faults == []
    assert rows.one("relay.board", "contacts", When.LISTENED).found == "open: KL15, door"
    assert rows.one("relay.board", "contacts", When.AWAKE).found == "closed: KL15; open: door"


def test_a_contact_that_is_closed_all_the_same_is_a_fault():
    clock, board = VirtualClock(), SimRelay(name="board", channels=4)

    async def look():
        await board.set(3, True)
        return await relay(board, {"KL15": 1, "door": 3}, When.LISTENED)

    (row,) = clock.run(look())
    assert (row.mark, row.found) == (Mark.FAULT, "closed: door; open: KL15")
    clock.close()


@pytest.mark.parametrize(
    ("said", "answers", "found", "mark"),
    [
        (b"boot\nready\n", False, "said 2 lines", Mark.OK),
        (b"", True, "answers to an empty line", Mark.OK),
        (b"", False, "said nothing while the ECU came up, and doesn't answer to an empty line", Mark.FAULT),
        (b"\xff\xfe\x80a\x00\xf3", False, "4 of 5 characters are noise", Mark.FAULT),
    ],
)
def test_a_console_that_is_silent_or_noisy_is_a_fault(said, answers, found, mark):
    clock = VirtualClock()
    ours, theirs = pipe(clock, "main")
    terminal = Console(clock, ours, lambda *ignored: None)

    async def main():
        await terminal.open(lambda error: None)
        await theirs.open(lambda t_ns, data: theirs.write(b"$ ") if answers else None, lambda error: None)
        theirs.write(said)
        await clock.sleep(0.1)
        return await console(terminal, When.AWAKE)

    (row,) = clock.run(main())
    assert (row.found, row.mark) == (found, mark)
    clock.close()


def test_a_process_that_ends_at_once_is_named(tmp_path):
    command = '["{python}", "-c", "print(1)"]'
    (tmp_path / "bench.toml").write_text(f'[bench]\nname = "p"\nclock = "real"\n[process.ecu]\ncommand = {command}\n')
    rows = Rows(check_up(config.load(tmp_path / "bench.toml")))
    assert rows.faults == [("process.ecu", "started")]
    assert rows.one("process.ecu", "started").found == "ended before it was ready; its last words: 1"


def test_a_secret_is_not_shown(bench, monkeypatch):
    monkeypatch.setenv("DOCTOR_SECRET", "open-sesame")

    def leaky(text):
        return text.replace('Peopled"', 'Leaky"\npassword = "env:DOCTOR_SECRET"', 1)

    row = bench(change=leaky).one("bus.body", "opened")
    assert row.found.endswith("login with '(secret)' refused")
    assert row.remedy == "not (secret)."


@pytest.mark.parametrize(("p99_ms", "worst_ms", "mark"), [(1, 2, Mark.OK), (1, 12, Mark.NOTE), (11, 12, Mark.FAULT)])
def test_a_machine_that_is_later_than_it_may_be(p99_ms, worst_ms, mark):
    row = machine(Jitter(100, 0, p99_ms * MS, worst_ms * MS), 10 * MS, When.LISTENED)
    assert row.mark is mark
    assert bool(row.remedy) is (mark is not Mark.OK)


def test_timers_that_come_late_are_measured():
    clock = LaggingClock()
    probe = JitterProbe(clock, 10 * MS)

    async def main():
        probe.start()
        await clock.sleep_until(95 * MS)
        clock.call_at(99 * MS, lambda _: clock.hog(5 * MS))
        await clock.sleep_until(205 * MS)
        return probe.stop()

    jitter = clock.run(main())
    assert (jitter.median_ns, jitter.worst_ns) == (0, 4 * MS)
    clock.close()


# The command ----------------------------------------------------------------------------------------------------------


def test_the_command_says_in_its_status_whether_all_is_well(bench, capsys):
    bench.write()
    assert main(["doctor", "--bench", str(bench.path)]) == 0
    assert capsys.readouterr().out.endswith("well in 13 looks\n")
    bench.write(body=[*ECU, every(100, 0x7A0)])
    assert main(["doctor", "--bench", str(bench.path)]) == 3
    out = capsys.readouterr().out
    assert out.endswith("1 fault in 14 looks\n")
    (row,) = [line for line in out.splitlines() if line.startswith("fault")]
    assert "0x7A0" in row
    assert "Remedy: add them to the database, or allow them" in row


def test_the_command_says_the_same_as_json(bench, capsys):
    bench.write(body=[*ECU, every(100, 0x7A0)])
    assert main(["doctor", "--bench", str(bench.path), "--json", "--for", "500 ms"]) == 3
    said = json.loads(capsys.readouterr().out)
    assert (said["bench"], said["well"]) == ("sick", False)
    (row,) = [row for row in said["findings"] if row["mark"] == "fault"]
    assert row | {"remedy": ""} == {
        "when": "as found", "part": "bus.body", "check": "identifiers", "mark": "fault",
        "found": "not in body.dbc: 0x7A0", "remedy": "",
    }  # fmt: skip


@pytest.mark.parametrize("duration", ["0 s", "2 h", "soon"])
def test_a_time_to_listen_that_is_none_is_refused(bench, duration, capsys):
    bench.write()
    assert main(["doctor", "--bench", str(bench.path), "--for", duration]) == 2
    assert "soon" in (text := capsys.readouterr().err) or "0.1 s to 3600 s" in text


def test_where_somebody_looks_a_remedy_has_a_line_of_its_own():
    row = Finding("bus.body", "heard", "silent [for] 2 s", Mark.NOTE, "power it.", When.LISTENED)
    out = StringIO()
    show([row], RichConsole(file=out, force_terminal=True, width=80, color_system=None))
    lines = [line.rstrip() for line in out.getvalue().splitlines()]
    assert lines == [
        "      as found",
        "note  bus.body          heard       silent [for] 2 s",
        "                                    Remedy: power it.",
        "well, 1 note in 1 look",
    ]


@pytest.mark.parametrize(("found", "written"), [("silent for 2 s", "silent for 2 s."), ("silent!", "silent!")])
def test_in_a_file_what_was_found_and_its_remedy_are_two_sentences(found, written):
    row = Finding("bus.body", "heard", found, Mark.NOTE, "power it.", When.LISTENED)
    out = StringIO()
    show([row], RichConsole(file=out, color_system=None))
    assert f"{written} Remedy: power it." in out.getvalue()
