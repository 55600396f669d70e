"""What lines at the prompt of `hil restbus` do, what the view says of it, and the keys that make a line."""

import re

import pytest
from restbus_bench import add_network_management, many_messages, write_bench

from hil.bench import config as bench_config
from hil.bench.plan import plan
from hil.bench.wiring import open_bench
from hil.can.frames import EXTENDED
from hil.cli import restbus_view as view
from hil.cli.restbus_complete import Completer, Completion, complete_path
from hil.cli.restbus_prompt import COMMANDS, HELP, MESSAGES, SIGNALS, Page
from hil.cli.restbus_session import Session, Wishes, needed_of
from hil.cli.restbus_terminal import Keys, LineEditor
from hil.cli.restbus_watch import Part
from hil.errors import BenchError, UsageError

MS = 1_000_000
CARD = {"ESC_Speed": 200, "ESC_Wheels": 201}


class Lab:
    """A session at once, and what another node hears and says on its bus."""

    def __init__(self, path, **wishes):
        made = plan(needed_of(bench_config.load(path), power=wishes.get("power", False)))
        self.opened = open_bench(made, "test")
        self.session = Session(self.opened, Wishes(speed=0.0, **wishes))
        self.session.begin()
        self.heard = []
        self.node = self.opened.wiring._copper.wire("cabin", 500_000).port("CLU")
        self.session.bench.call(self.node.open(self.heard.append, None))

    def do(self, *lines):
        """Do lines; the text of the last answer. `wait` waits."""
        for line in lines:
            answer = self.session.do(line)
            self.session.let_pass(answer.wait_ns)
        return answer.text

    def refused(self, line):
        with pytest.raises(UsageError) as caught:
            self.session.do(line)
        return str(caught.value)

    def say(self, can_id, data, flags=0):
        """The other node sends a frame."""

        async def send():
            self.node.send(can_id, data, flags)

        self.session.bench.call(send())
        self.session.let_pass(MS)

    def data(self, can_id):
        return [frame.data for frame in self.heard if frame.can_id == can_id]

    def last(self, can_id):
        return self.data(can_id)[-1]

    def row(self, name):
        (row,) = [row for row in self.session.look().rows if row.name == name]
        return row

    def line(self, name, width=160):
        """The line of a message, blanks squeezed."""
        lines = [line.plain for line in view.messages(self.session.look(), "", width).lines]
        (line,) = [line for line in lines if line.strip().startswith(name)]
        return " ".join(line.split())


@pytest.fixture
def make(tmp_path):
    labs = []

    def make(*, power=False, silent=False, **bench):
        labs.append(Lab(write_bench(tmp_path, **bench), power=power, silent=silent))
        return labs[-1]

    yield make
    for lab in labs:
        lab.opened.close()


@pytest.fixture
def lab(make):
    return make()


# Values ---------------------------------------------------------------------------------------------------------------


def speed(data):
    return int.from_bytes(data[2:4], "little") / 100


@pytest.mark.parametrize(
    "line",
    ["set VehicleSpeed 50 km/h", "VehicleSpeed = 50 km/h", "VehicleSpeed=50", "SET cabin::ESC_Speed.VehicleSpeed = 50"],
)
def test_a_signal_is_set_in_every_spelling(lab, line):
    assert lab.do(line) == "cabin::ESC_Speed.VehicleSpeed = 50 km/h"
    lab.do("wait 50 ms")
    assert speed(lab.last(200)) == 50


def test_labels_with_blanks_raw_values_and_sna(lab):
    assert lab.do("set Door Ajar door").endswith("Door = Ajar door")
    lab.do("VehicleSpeed = SNA", "wait 100 ms")
    assert lab.last(100)[1] == 1
    assert lab.last(200)[2:4] == b"\xff\xff"
    lab.do("VehicleSpeed = raw 0x10", "wait 20 ms")
    assert lab.last(200)[2:4] == b"\x10\x00"


def test_several_signals_change_at_one_instant(lab):
    lab.do("wait 100 ms", "WheelLeft = 10; WheelRight = 20", "wait 100 ms")
    assert {bytes(data) for data in lab.data(201)} == {
        bytes(4),
        (1000).to_bytes(2, "little") + (2000).to_bytes(2, "little"),
    }


def test_of_several_signals_none_is_set_if_one_is_wrong(lab):
    assert "out of range" in lab.refused("WheelLeft = 10; WheelRight = 900")
    lab.do("wait 100 ms")
    assert set(lab.data(201)) == {bytes(4)}


def test_get_says_where_a_value_comes_from(lab):
    assert lab.do("get VehicleSpeed") == "cabin::ESC_Speed.VehicleSpeed = 0 km/h, sent by the restbus"
    assert lab.do("get ShownSpeed") == "cabin::CLU_Status.ShownSpeed: its message never came"
    lab.say(400, b"\x02\x30")
    assert re.fullmatch(r"cabin::CLU_Status.ShownSpeed = 48 km/h, came \d+ us ago", lab.do("get ShownSpeed"))


def test_a_ramp_goes_on_by_itself(lab):
    answer = lab.do("ramp VehicleSpeed 100 km/h in 2 s")
    assert answer == "cabin::ESC_Speed.VehicleSpeed: 0 km/h to 100 km/h in 2 s"
    lab.do("wait 1 s")
    assert 49 <= speed(lab.last(200)) <= 50
    assert "ramp VehicleSpeed" in lab.line("ESC_Speed")
    lab.do("wait 2 s")
    assert speed(lab.last(200)) == 100
    assert "ramp" not in lab.line("ESC_Speed")


def test_a_drive_is_played_from_its_file(lab, tmp_path):
    drive = tmp_path / "a drive.csv"
    drive.write_text("time [s],VehicleSpeed [km/h],PowerMode\n0,0,Off\n1,,On\n2,80,\n")
    assert lab.do(f"drive {drive}") == f"{drive}: takes 2 s"
    lab.do("wait 2500 ms")
    assert speed(lab.last(200)) == 80
    assert lab.last(100)[0] == 2


# Mistakes -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("stpo ESC_Speed", "'stpo' is no command. Remedy: did you mean stop? 'help' lists all."),
        ("set VehicleSped 3", "did you mean VehicleSpeed"),
        ("VehicleSpeed = 50 degC", "can't be converted"),
        ("set ShownSpeed 3", "CLU, which is really there"),
        ("set SpeedCounter 3", "E2E protection"),
        ("set VehicleSpeed", "write: set SIGNAL VALUE."),
        ("ramp VehicleSpeed 30", "write: ramp SIGNAL VALUE in TIME."),
        ("ramp Horn 1 in 2 s", "not cyclic"),
        ("stop", "write: stop MESSAGE | stop node NODE."),
        ("stop ESC_Sped", "did you mean ESC_Speed"),
        ("stop CLU_Status", "not sent by the restbus"),
        ("stop X*", "no message of the restbus is like 'X*'"),
        ("stop node CLU", "really there"),
        ("freeze ESC_Wheels", "neither counter nor CRC"),
        ("freeze ESC_Speed maybe", "write: freeze MESSAGE [off]."),
        ("cycle ESC_Speed", "write: cycle MESSAGE TIME | own."),
        ("cycle ESC_Speed 100 us", "too short"),
        ("length ESC_Speed 9", "no length of"),
        ("length ESC_Speed long", "write: length MESSAGE BYTES | own."),
        ("flood body", "there is: cabin"),
        ("send cabin 0x123 zz", "no payload"),
        ("send cabin", "write: send BUS ID [fd] BYTES."),
        ("ignition perhaps", "write: ignition on|off."),
        ("power on", "start it with --power"),
        ("wake", "no network management"),
        ("wait a bit", "no number with a unit"),
        ("help nonsense", "is no command"),
        ("drive nowhere.csv", "nowhere.csv"),
    ],
)
def test_a_mistake_is_one_line_and_the_next_line_works(lab, line, said):
    refusal = lab.refused(line)
    assert said in refusal
    assert "\n" not in refusal
    assert lab.do("VehicleSpeed = 7") == "cabin::ESC_Speed.VehicleSpeed = 7 km/h"


def test_after_a_mistake_a_broken_bench_is_still_named_by_its_own_cause(lab):
    lab.refused("stpo")
    lab.refused("set VehicleSpeed 900")
    lab.opened.wiring.recorder.lost(BenchError("the adapter was pulled"))
    with pytest.raises(BenchError, match="pulled"):
        lab.session.let_pass(MS)


@pytest.mark.parametrize("line", ["", "   ", "# a remark"])
def test_an_empty_line_does_nothing(lab, line):
    answer = lab.session.do(line)
    assert (answer.text, answer.page, answer.wait_ns, answer.ends) == ("", None, 0, False)


def test_every_command_of_the_help_is_known(lab):
    for name in filter(str.isalpha, COMMANDS):
        said = ""
        try:
            lab.session.do(name)
        except UsageError as error:
            said = str(error)
        assert "is no command" not in said


# Faults ---------------------------------------------------------------------------------------------------------------


def test_a_stopped_message_is_silent_until_it_is_resumed(lab):
    lab.do("wait 1 s")
    assert lab.do("stop ESC_Speed") == "ESC_Speed stopped"
    lab.do("wait 10 ms")
    before = len(lab.data(200))
    lab.do("wait 1 s")
    assert len(lab.data(200)) == before
    assert " stopped " in lab.line("ESC_Speed")
    assert lab.do("VehicleSpeed = 3").endswith("(ESC_Speed is not being sent)")
    assert lab.do("resume ESC_Speed") == "ESC_Speed sent again"
    lab.do("wait 1 s")
    assert len(lab.data(200)) == before + 50
    assert "stopped" not in lab.line("ESC_Speed")


def test_the_silence_on_purpose_is_no_gap_of_the_bench(lab):
    lab.do("wait 1 s", "stop ESC_Speed", "wait 3 s", "resume ESC_Speed", "wait 1 s")
    row = lab.row("ESC_Speed")
    assert row.worst_ns < 21 * MS
    assert row.whole_mean_ns == pytest.approx(20 * MS, rel=1e-3)


def test_patterns_stop_several_messages(lab):
    assert lab.do("stop ESC*") == "ESC_Speed, ESC_Wheels stopped"
    assert {row.name for row in lab.session.look().rows if row.faults} == {"ESC_Speed", "ESC_Wheels"}


def test_a_node_falls_silent_and_a_message_of_it_stays_so(lab):
    lab.do("stop node BCM")
    assert lab.row("BCM_Power").faults == ("node stopped",)
    assert lab.do("resume BCM_Power") == "BCM_Power sent again (but BCM_Power is still silent: node)"
    lab.do("resume node BCM")
    assert lab.row("BCM_Power").faults == ()


def test_a_frozen_counter_and_a_wrong_crc(lab):
    lab.do("wait 1 s", "freeze ESC_Speed", "wait 20 ms")
    before = len(lab.data(200))
    lab.do("wait 200 ms")
    assert len({data[1] for data in lab.data(200)[before:]}) == 1
    right = lab.last(200)
    lab.do("corrupt ESC_Speed", "wait 40 ms")
    assert lab.last(200)[1:] == right[1:]
    assert lab.last(200)[0] != right[0]
    assert "counter frozen CRC wrong VehicleSpeed" in lab.line("ESC_Speed")
    lab.do("freeze ESC_Speed off", "corrupt ESC_Speed off", "wait 400 ms")
    assert len({data[1] for data in lab.data(200)[-15:]}) > 10
    assert "wrong" not in lab.line("ESC_Speed")


def test_another_cycle_is_measured_from_its_first_gap_on(lab):
    lab.do("wait 1 s", "cycle ESC_Speed 200 ms", "wait 2 s")
    row = lab.row("ESC_Speed")
    assert (row.due_ns, row.faults) == (200 * MS, ("cycle 200 ms",))
    assert row.mean_ns == pytest.approx(200 * MS, rel=1e-3)
    assert row.worst_ns < 201 * MS
    lab.do("cycle ESC_Speed own", "wait 1 s")
    assert lab.row("ESC_Speed").faults == ()
    assert lab.row("ESC_Speed").mean_ns == pytest.approx(20 * MS, rel=1e-3)


def test_another_length(lab):
    lab.do("length ESC_Speed 4", "wait 50 ms")
    assert len(lab.last(200)) == 4
    assert "4 bytes" in lab.line("ESC_Speed")
    lab.do("length ESC_Speed own", "wait 50 ms")
    assert len(lab.last(200)) == 8


def test_a_shift_moves_the_phase_and_is_no_gap_of_the_bench(lab):
    lab.do("wait 1 s")
    before = [frame.t_ns for frame in lab.heard if frame.can_id == 100]
    lab.do("shift BCM_Power 30 ms", "wait 1 s")
    after = [frame.t_ns for frame in lab.heard if frame.can_id == 100]
    assert (after[-1] - before[-1]) % (100 * MS) == pytest.approx(30 * MS, abs=MS)
    assert lab.row("BCM_Power").worst_ns < 101 * MS


def test_a_flood_is_named_until_it_ends(lab):
    lab.do("flood cabin 0x7F 5 ms", "wait 1 s")
    assert 195 <= len(lab.data(0x7F)) <= 205
    assert ("cabin flooded with 0x7F every 5 ms", view.FAULT) in view.facts(
        lab.session.look(), lab.session.prompt.floods, ""
    )
    assert lab.do("flood cabin off") == "cabin: flooded no more"
    lab.do("wait 10 ms")
    before = len(lab.data(0x7F))
    lab.do("wait 1 s")
    assert len(lab.data(0x7F)) == before
    assert lab.do("flood cabin off") == "cabin: was not flooded"


def test_a_frame_is_sent_by_hand_and_seen(lab):
    assert lab.do("send cabin 0x7DF 02 3E 80") == "cabin: 0x7DF sent, 3 bytes"
    lab.do("send cabin 18DAF110x 01", "wait 10 ms")
    assert lab.last(0x7DF) == b"\x02\x3e\x80"
    assert [frame.can_id for frame in lab.heard if frame.flags & EXTENDED] == [0x18DAF110]
    lines = [" ".join(line.plain.split()) for line in view.messages(lab.session.look(), "7DF", 160).lines]
    assert lines[2:] == ["sent by hand", "? 0x7DF - - - 1 not in the database 02 3E 80"]


def test_reset_mends_everything_and_leaves_the_ignition_on(lab):
    lab.do("ignition on", "VehicleSpeed = 50", "stop ESC*", "corrupt ESC_Speed", "cycle BCM_Power 1 s", "flood cabin")
    lab.do("ramp WheelLeft 100 in 10 s", "wait 100 ms", "reset", "wait 200 ms")
    assert all(not row.faults and "ramp" not in row.notes for row in lab.session.look().rows)
    assert speed(lab.last(200)) == 0
    assert lab.last(100)[0] == 2
    assert lab.session.prompt.floods == {}
    before = len(lab.data(0))
    lab.do("wait 1 s")
    assert len(lab.data(0)) == before


# The bench ------------------------------------------------------------------------------------------------------------


def test_ignition_says_so_on_the_bus(lab):
    assert lab.session.look().ignition == "Off"
    lab.do("ignition on", "wait 100 ms")
    assert lab.last(100)[0] == 2
    assert lab.session.look().ignition == "On"


def test_the_restbus_is_switched_and_begins_silent_where_asked(make):
    lab = make(silent=True)
    lab.do("wait 1 s")
    assert lab.heard == []
    assert lab.do("VehicleSpeed = 3").endswith("(the restbus is off: nothing is sent)")
    lab.do("restbus on", "wait 1 s")
    count = len(lab.heard)
    assert count > 100
    lab.do("restbus off", "wait 10 s", "restbus on", "wait 1 s")
    assert lab.row("ESC_Speed").worst_ns < 21 * MS


def test_without_power_the_supply_is_not_opened_and_with_it_left_off(make, tmp_path):
    trace = tmp_path / "trace"
    more = f"""[supply.battery]
port = "restbus_bench:TracedSupply"
trace = "{trace}"
max_voltage_V = 16.0
max_current_A = 10.0
"""
    make(more=more).opened.close()
    assert not trace.exists()
    lab = make(more=more, power=True)
    assert lab.do("power off") == "supplies off"
    lab.do("power on")
    lab.opened.close()
    assert trace.read_text().split("\n")[:-1] == ["open", "13.5 V", "on", "off", "on", "closed"]
    silent = make(more=more, power=True, silent=True)
    silent.do("wait 1 s")
    assert silent.heard == []
    assert trace.read_text().split("\n")[-4:-1] == ["open", "13.5 V", "on"]


def test_the_bus_sleeps_and_wakes_and_its_sleep_is_no_gap(tmp_path):
    path = write_bench(tmp_path)
    add_network_management(tmp_path)
    lab = Lab(path)
    try:
        lab.do("wait 5 s")
        assert "NM: normal operation" in lab.line("cabin")
        (row,) = [row for row in lab.session.look().rows if row.name == "NM_BCM"]
        assert (row.part, row.due_ns, row.mean_ns) == (Part.NM, 500 * MS, pytest.approx(500 * MS, rel=0.01))
        lab.do("network 16 off", "wait 5 s")
        assert lab.line("ESC_Wheels").endswith("network off WheelLeft 0 km/h WheelRight 0 km/h")
        lab.do("network 16 on", "wait 100 ms")
        assert "network off" not in lab.line("ESC_Wheels")
        lab.do("sleep", "wait 20 s")
        assert "NM: bus sleep" in lab.line("cabin")
        assert "asleep VehicleSpeed" in lab.line("ESC_Speed")
        lab.do("wake cabin", "wait 5 s")
        assert lab.row("ESC_Speed").worst_ns < 21 * MS
        assert lab.row("NM_BCM").worst_ns < 501 * MS
        assert [row.name for row in lab.session.look().rows if row.faults] == []
    finally:
        lab.opened.close()


# What is seen ---------------------------------------------------------------------------------------------------------


def test_pages_and_endings(lab):
    assert lab.session.do("show ESC*").page == Page(MESSAGES, "ESC*")
    assert lab.session.do("signals Wheel").page == Page(SIGNALS, "Wheel")
    assert lab.session.do("help stop").page == Page(HELP, "stop")
    assert lab.session.do("wait 1.5 s").wait_ns == 1500 * MS
    assert all(lab.session.do(word).ends for word in ("quit", "exit", "QUIT"))


def test_the_view_of_a_message_by_hand(lab):
    """ESC_Speed is due each 20 ms and begins at the second place, 0.37 ms late in its cycle: 50 frames in a second."""
    lab.do("VehicleSpeed = 50 km/h", "wait 1 s")
    assert lab.line("ESC_Speed") == "ESC_Speed 0x0C8 20 20.00 20.00 50 0.00 P01 VehicleSpeed 50 km/h AbsFault 0"


def test_real_nodes_have_rows_of_their_own(make):
    lab = make(silent=True)
    assert lab.line("CLU_Status").endswith("0x190 50 - - 0 never came")
    for _ in range(5):
        lab.say(400, b"\x02\x10")
        lab.session.let_pass(49 * MS)
    assert lab.line("CLU_Status") == "CLU_Status 0x190 50 50.00 50.00 5 ClusterState On ShownSpeed 16 km/h"
    lab.do("wait 1 s")
    assert "silent for 1.05 s" in lab.line("CLU_Status")
    lab.say(400, b"\x02")
    assert "1 of 2 bytes" in lab.line("CLU_Status")
    lab.say(0x555, b"\xaa\xbb")
    assert lab.line("? ") == "? 0x555 - - - 1 not in the database AA BB"


def test_values_that_changed_last_come_first(lab):
    lab.do("wait 1 s", "AbsFault = 1", "wait 100 ms")
    assert "AbsFault 1 VehicleSpeed 0 km/h" in lab.line("ESC_Speed")
    (line,) = [line for line in view.messages(lab.session.look(), "ESC_Speed", 160).lines if "AbsFault" in line.plain]
    assert any(span.style == view.FRESH for span in line.spans)
    lab.do("wait 3 s")
    (line,) = [line for line in view.messages(lab.session.look(), "ESC_Speed", 160).lines if "AbsFault" in line.plain]
    assert not any(span.style == view.FRESH for span in line.spans)


def test_rows_are_sorted_and_stay_where_they_are(lab):
    names = [row.name for row in lab.session.look().rows]
    assert names == ["BCM_Horn", "BCM_Power", "ESC_Speed", "ESC_Wheels", "CLU_Status"]
    lab.do("stop ESC_Speed", "cycle BCM_Power 1 s", "Horn = 1", "wait 1 s")
    assert [row.name for row in lab.session.look().rows] == names


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("", ["BCM_Horn", "BCM_Power", "ESC_Speed", "ESC_Wheels", "CLU_Status"]),
        ("ESC*", ["ESC_Speed", "ESC_Wheels"]),
        ("e*s", ["ESC_Wheels"]),
        ("esc_s", ["ESC_Speed"]),
        ("0x0C8", ["ESC_Speed"]),
        ("BCM", ["BCM_Horn", "BCM_Power"]),
        ("CLU", ["CLU_Status"]),
        ("ESC_S* CLU*", ["ESC_Speed", "CLU_Status"]),
        ("WheelLeft", ["ESC_Wheels"]),
        ("faults", ["BCM_Power"]),
        ("nothing", []),
    ],
)
def test_patterns_choose_messages(lab, pattern, names):
    lab.do("stop BCM_Power")
    assert [row.name for row in view.chosen(lab.session.look(), pattern)] == names


@pytest.mark.parametrize("width", [40, 60, 80, 100, 160])
def test_no_line_is_wider_than_the_terminal(lab, width):
    lab.do("stop ESC_Speed", "corrupt ESC_Speed", "flood cabin", "wait 1 s")
    seen = lab.session.look()
    tables = [view.messages(seen, "", width), view.messages(seen, "none", width), view.signals(seen, "", width)]
    lines = [line for table in [*tables, view.commands("", width)] for line in table.lines]
    assert max(line.cell_len for line in [*lines, *view.summary(seen, width)[:-1]]) <= width


def test_columns_stand_still_while_figures_grow(lab):
    lab.do("wait 1 s")
    before = view.messages(lab.session.look(), "", 100).lines
    lab.do("wait 1000 s")
    after = view.messages(lab.session.look(), "", 100).lines
    place = [
        line.plain.find("VehicleSpeed") for lines in (before, after) for line in lines if "VehicleSpeed" in line.plain
    ]
    assert len(place) == 2
    assert place[0] == place[1]


def test_the_load_is_what_the_wire_says(lab):
    lab.do("wait 3 s")
    (bus,) = lab.session.look().buses
    assert bus.frames_per_s == pytest.approx(10 + 50 + 100, abs=1)
    assert bus.load == pytest.approx(lab.opened.wiring._copper.wire("cabin", 500_000).load(1_000_000_000), rel=0.02)


def test_late_frames_are_counted(lab):
    lab.do("wait 1 s")
    for sent in lab.opened.wiring.restbus.messages:
        if sent.timer is not None:
            sent.timer.t_ns -= 150 * MS
            sent.due_ns -= 150 * MS
    lab.do("wait 200 ms")
    seen = lab.session.look()
    assert seen.late_frames == 3
    assert ("3 frames too late", view.WARN) in view.facts(seen, {}, "")
    assert "worst lateness" in view.last_words(seen)
    assert lab.row("ESC_Speed").late_ns >= 130 * MS
    assert lab.opened.wiring.recorder.lateness == []


def test_signals_show_value_range_and_labels(lab):
    lab.do("VehicleSpeed = 12")
    lines = [" ".join(line.plain.split()) for line in view.signals(lab.session.look(), "VehicleSpeed Power", 160).lines]
    assert "cabin::ESC_Speed.VehicleSpeed 12 km/h 0 to 300 km/h SNA" in lines
    assert "cabin::BCM_Power.PowerMode Off 0 to 7 Off, Accessory, On" in lines
    _, nothing = view.signals(lab.session.look(), "xyz", 160).lines
    assert "no signal matches 'xyz'" in nothing.plain


def test_the_bus_stays_above_its_rows_when_they_are_scrolled(make, tmp_path):
    write_bench(tmp_path)
    many_messages(tmp_path, 40)
    lab = Lab(tmp_path / "small.toml")
    try:
        table = view.messages(lab.session.look(), "", 100)
        part = table.part(20, 10)
        lines = table.part(0, table.count)
    finally:
        lab.opened.close()
    assert len(part) == 10
    assert part[0].plain.startswith(" cabin")
    assert part[1:] == lines[21:30]
    assert table.part(0, 3) == lines[:3]


@pytest.mark.parametrize(
    ("duration_ns", "shown"),
    [(0, "0.00"), (9_996_000, "10.00"), (99_990_000, "100.0"), (20_004_000, "20.00"), (123_456_000, "123.5"),
     (1_000_000_000, "1000"), (99_998_000_000, "99998"), (123_000_000_000, "123 s")],
)  # fmt: skip
def test_milliseconds_have_at_most_six_characters(duration_ns, shown):
    assert view.show_ms(duration_ns) == shown
    assert len(shown) <= 6


# Completion -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def completer(lab):
    wiring = lab.opened.wiring
    return Completer(wiring.plan.network, wiring.restbus, wiring.buses)


@pytest.mark.parametrize(
    ("line", "completed"),
    [
        ("stat", "stat"),
        ("corr", "corrupt "),
        ("vehicle", "VehicleSpeed "),
        ("set veh", "set VehicleSpeed "),
        ("set Wheel", "set Wheel"),
        ("set wheelL", "set WheelLeft "),
        ("set PowerMode a", "set PowerMode Accessory "),
        ("PowerMode = acc", "PowerMode = Accessory "),
        ("PowerMode=acc", "PowerMode=Accessory "),
        ("set Door Aj", "set Door Ajar door "),
        ("set Door Ajar d", "set Door Ajar door "),
        ("WheelLeft = 3; Wheelr", "WheelLeft = 3; WheelRight "),
        ("WheelLeft = 3; PowerMode = o", "WheelLeft = 3; PowerMode = O"),
        ("stop esc_", "stop ESC_"),
        ("stop esc_s", "stop ESC_Speed "),
        ("stop no", "stop node "),
        ("stop node e", "stop node ESC "),
        ("stop CLU", "stop CLU"),
        ("show CLU_", "show CLU_Status "),
        ("show ESC_S", "show ESC_Speed "),
        ("show ESC_Speed CLU_", "show ESC_Speed CLU_Status "),
        ("flood c", "flood cabin "),
        ("ignition ", "ignition o"),
        ("ignition of", "ignition off "),
        ("freeze ESC_Speed o", "freeze ESC_Speed off "),
        ("help cor", "help corrupt "),
        ("cycle ESC_Speed 20", "cycle ESC_Speed 20"),
        ("set Nope x", "set Nope x"),
    ],
)
def test_tab_completes(completer, line, completed):
    assert completer.complete(line).apply(line) == completed


def test_tab_offers_all_that_fit(completer):
    assert completer.complete("set wheel").candidates == ("WheelLeft", "WheelRight")
    assert completer.complete("set PowerMode ").candidates == ("Accessory", "Off", "On")


def test_a_name_on_two_buses_is_offered_with_its_bus(tmp_path):
    path = write_bench(tmp_path)
    path.write_text(path.read_text() + '\n[bus.body]\nport = "sim"\ndatabase = "small.dbc"\n')
    path.write_text(path.read_text().replace('signal = "PowerMode"', 'signal = "cabin::BCM_Power.PowerMode"'))
    lab = Lab(path)
    try:
        wiring = lab.opened.wiring
        completer = Completer(wiring.plan.network, wiring.restbus, wiring.buses)
        assert completer.complete("set cabin::ESC_Speed.V").apply("set cabin::ESC_Speed.V").endswith("VehicleSpeed ")
        assert completer.complete("stop body::ESC_S").candidates == ("body::ESC_Speed",)
        assert "ambiguous" in lab.refused("stop ESC_Speed")
        assert "ambiguous" in lab.refused("VehicleSpeed = 3")
    finally:
        lab.opened.close()


def test_files_are_completed_after_drive(tmp_path):
    (tmp_path / "one.csv").touch()
    (tmp_path / "folder").mkdir()
    assert complete_path(f"drive {tmp_path}/on").apply(f"drive {tmp_path}/on") == f"drive {tmp_path}/one.csv "
    assert complete_path(f"drive {tmp_path}/fo").apply(f"drive {tmp_path}/fo") == f"drive {tmp_path}/folder/"
    assert complete_path("set x") is None


# Keys and lines -------------------------------------------------------------------------------------------------------


def test_every_character_that_can_be_typed_is_itself():
    text = "".join(chr(code) for code in range(0x20, 0x7F)) + "é°"
    assert Keys().feed(text.encode()) == list(text)


def test_keys_have_names_whatever_the_terminal_sends():
    assert Keys().feed(b"\x1b[A\x1bOB\x1b[5~\x1b[1;5D\x7f\t\r\x04") == [
        "up", "down", "page up", "word left", "backspace", "complete", "enter", "eof",
    ]  # fmt: skip


def test_keys_that_come_in_pieces_are_put_together():
    keys = Keys()
    assert keys.feed("é".encode()[:1]) == []
    assert keys.feed("é".encode()[1:] + b"\x1b[") == ["é"]
    assert keys.feed(b"6~x") == ["page down", "x"]


def test_unknown_sequences_and_a_lone_escape_type_nothing():
    assert Keys().feed(b"\x1b[99~a\x1b[200~") == ["a"]
    assert Keys().feed(b"\x1b") == ["escape"]


def typed(editor, *keys):
    """Press keys; a text stands for its characters. Returns finished lines."""
    lines = []
    for key in keys:
        names = [key] if len(key) > 1 and key in NAMED else list(key)
        lines += [line for name in names if (line := editor.press(name)) is not None]
    return lines


NAMED = {"enter", "left", "right", "home", "end", "up", "down", "backspace", "delete", "complete", "escape"}
NAMED |= {"cut end", "cut begin", "cut word", "word left", "word right"}


@pytest.mark.parametrize(
    ("keys", "text", "cursor"),
    [
        (("abc", "left", "x"), "abxc", 3),
        (("abc", "home", "x", "end", "y"), "xabcy", 5),
        (("abc", "backspace", "backspace"), "a", 1),
        (("abc", "home", "delete"), "bc", 0),
        (("abc", "home", "backspace", "left"), "abc", 0),
        (("set it now", "cut word"), "set it ", 7),
        (("set it now", "cut word", "cut word"), "set ", 4),
        (("set it now", "left", "left", "cut end"), "set it n", 8),
        (("set it now", "left", "cut begin"), "w", 0),
        (("set it now", "word left", "word left", "X"), "set Xit now", 5),
        (("set it now", "home", "word right", "word right", "X"), "set itX now", 7),
        (("abc", "escape"), "", 0),
    ],
)
def test_a_line_is_edited(keys, text, cursor):
    editor = LineEditor(lambda line: Completion(len(line), ()))
    typed(editor, *keys)
    assert (editor.text, editor.cursor) == (text, cursor)


def test_lines_come_back_from_the_history_and_the_begun_one_stays():
    editor = LineEditor(lambda line: Completion(len(line), ()))
    assert typed(editor, "one", "enter", "two", "enter", "two", "enter", "begun") == ["one", "two", "two"]
    typed(editor, "up")
    assert editor.text == "two"
    typed(editor, "up")
    assert editor.text == "one"
    typed(editor, "up")
    assert editor.text == "one"
    typed(editor, "down", "down", "down")
    assert editor.text == "begun"


def test_tab_completes_before_the_cursor_and_then_offers(completer):
    editor = LineEditor(completer.complete)
    typed(editor, "set wh")
    typed(editor, "complete")
    assert (editor.text, editor.candidates) == ("set Wheel", ())
    typed(editor, "complete")
    assert editor.candidates == ("WheelLeft", "WheelRight")
    typed(editor, "l", "complete")
    assert (editor.text, editor.candidates) == ("set WheelLeft ", ())
