"""Signals as a test sets them, on a small bench of two buses: settings, transactions, ramps, drives, reading."""

import pytest
from small_bench import MS, Small

from hil.errors import EcuError, UsageError
from hil.robot.signal_keywords import SignalKeywords
from hil.robot.types import Duration


@pytest.fixture
def small(tmp_path):
    small = Small(tmp_path)
    yield small
    assert small.close() == []


@pytest.fixture
def bench(small):
    return small.bench


# Setting --------------------------------------------------------------------------------------------------------------


def test_several_messages_are_set_together_and_their_skew_is_written_down(small, bench):
    small.until(1000)
    bench.set_signals({"Left": 1, "Gear": "D", "Right": 2})
    small.until(1100)
    assert [data for _, data in small.frames("Doors")] == [b"\1\2"]
    assert small.numbers("TCM_Gear", 990)[0] == (1001.48, 3)
    assert small.notes()[1:] == ["set together: Doors, TCM_Gear; skew 1.5 ms"]


def test_a_message_that_is_silent_or_has_no_reason_is_not_waited_for(small, bench):
    bench.stop_message("TCM_Gear")
    bench.set_signals({"Left": 1, "Gear": "D", "Rpm": 800})
    bench.set_signals({"Left": 1, "Rpm": 900})
    small.until(500)
    assert small.notes()[2:] == ["set together: Doors, ECM; skew 1.9 ms"]


def test_transactions_one_behind_the_other_are_all_written_down(small, bench):
    small.until(1000)
    bench.set_signals({"Gear": "D", "Rpm": 800})
    bench.set_signals({"Gear": "R", "Yaw": 3})
    small.until(1100)
    assert small.notes()[1:] == [
        "set together: ESC_Safe, TCM_Gear; skew 370 us",
        "set together: TCM_Gear, ECM; skew 370 us",
    ]


def test_a_transaction_takes_effect_at_its_end(small, bench):
    with bench.transaction():
        bench.set_signal("Left", 1)
        bench.sleep("200 ms")
        bench.set_signals({"Right": 2, "Rpm": "900 rpm"})
        bench.set_signal("Left", 7)
        assert bench.signal("Left").raw == 0
    bench.sleep("50 ms")
    assert [data for _, data in small.frames("Doors")] == [b"\7\2"]
    assert bench.signal("Rpm").physical == 900


def test_a_transaction_that_raises_sets_nothing(small, bench):
    def broken():
        with bench.transaction():
            bench.set_signal("Left", 1)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        broken()
    bench.set_signal("Right", 1)
    assert bench.signal("Left").raw == 0
    assert small.said("signal")[0]["signal"] == "body::Doors.Right"


def test_a_transaction_that_can_not_be_encoded_sets_nothing(small, bench):
    def change():
        with bench.transaction():
            bench.set_signal("Left", 1)
            bench.set_signal("Page", 3)

    with pytest.raises(UsageError, match=r"^Paged: can't be encoded"):
        change()
    assert (bench.signal("Left").raw, bench.signal("Page").raw) == (0, 1)
    assert small.said("signal") == []


def test_a_mistake_in_a_transaction_is_told_at_its_line(bench):
    with bench.transaction():
        bench.set_signal("Left", 1)
        for name, value, said in (("State", 1, "really there"), ("Counter", 1, "E2E"), ("Rpm", 9e9, "range")):
            with pytest.raises(UsageError, match=said):
                bench.set_signal(name, value)
    assert bench.signal("Left").raw == 1


def test_a_transaction_has_no_transaction_inside(bench):
    with bench.transaction():
        with pytest.raises(UsageError) as error, bench.transaction():
            pass
        bench.set_signal("Left", 4)
    assert str(error.value) == "a transaction inside a transaction. Remedy: set all signals in one block."
    assert bench.signal("Left").raw == 4


@pytest.mark.parametrize(
    ("use", "said"),
    [
        (lambda b: b.set_signal("Rpm", "87 km/h"), "chassis::ECM.Rpm: 'km/h' can't be converted to 'rpm'."),
        (lambda b: b.set_signal("Rpm", 5, "km/h"), "chassis::ECM.Rpm: 'km/h' can't be converted to 'rpm'."),
        (lambda b: b.set_signal("Rpm", "5 rpm", "rpm"), "'5 rpm rpm' is no value of chassis::ECM.Rpm."),
        (lambda b: b.set_signal("Counter", 1), "chassis::ESC_Safe.Counter is written by the message's E2E"),
        (lambda b: b.set_signals({"Left": 1, "Gear": "Z"}), "'Z' is no value of chassis::TCM_Gear.Gear."),
        (lambda b: b.set_signals({"Left": 1, "Rpn": 1}), "no signal 'Rpn' on this bench. Remedy: did you mean Rpm?"),
        (lambda b: b.set_signals({"Left": 1, "State": 1}), "body::Answer.State is sent by ECU, which is really there."),
        (lambda b: b.set_signal("Quiet", 1), "silent::Doors.Quiet is not sent: bus silent has no restbus."),
        (lambda b: b.signal("Speed"), "'Speed' is ambiguous. Remedy: say which: body::GW_Speed.Speed, chassis::ESC"),
        (lambda b: b.signal_should_be("State", "On"), "'On' is no value of body::Answer.State."),
    ],
)
def test_what_can_not_be_set_or_read_is_refused_in_one_clear_line(small, bench, use, said):
    with pytest.raises(UsageError) as error:
        use(bench)
    assert str(error.value).startswith(said)
    assert len(str(error.value).splitlines()) == 1
    small.wiring.recorder.first_cause = None
    assert bench.signal("Left").raw == 0


def test_a_gateway_repeats_what_is_set(small, bench):
    bench.set_signal("chassis::Speed", "50 mph")
    assert bench.signal("chassis::Speed").physical == pytest.approx(80.47)
    assert bench.signal("body::GW_Speed.Speed").physical == 80
    bench.set_signal("chassis::Speed", "SNA")
    assert bench.signal("body::GW_Speed.Speed").label == "SNA"


SNA = "chassis::ESC_Speed.Speed: SNA is no number that a ramp can begin or end with."

# Ramps ----------------------------------------------------------------------------------------------------------------


def test_a_ramp_is_in_each_frame_at_its_instant_and_has_arrived_when_it_returns(small, bench):
    small.until(505)
    bench.ramp_signal("chassis::Speed", "100 km/h", "1 s", begin="20 km/h")
    assert small.now == 1505
    assert bench.signal("chassis::Speed").physical == 100
    assert bench.signal("body::GW_Speed.Speed").physical == 100
    small.until(1600)
    ramp = [(t, round(100 * (20 + 80 * (t - 505) / 1000))) for t, _ in small.frames("ESC_Speed", 505, 1505)]
    assert len(ramp) == 50
    assert small.numbers("ESC_Speed", 505, 1505) == ramp
    assert {value for _, value in small.numbers("ESC_Speed", 1505)} == {10_000}
    assert small.numbers("GW_Speed", 600, 1000) == [(600, 14), (700, 18), (800, 22), (900, 26)]
    assert small.values_said("ESC_Speed.Speed") == [20, 100]


def test_a_ramp_begins_with_what_is_being_sent_and_goes_on_by_itself(small, bench):
    bench.set_signal("Rpm", "1000 rpm")
    bench.ramp_signal("Rpm", "2000 rpm", "1 s", wait=False)
    assert small.now == 0
    small.until(501)
    assert bench.signal("Rpm").physical == pytest.approx(1481.75)
    small.until(2000)
    assert bench.signal("Rpm").physical == 2000
    assert small.values_said("ECM.Rpm") == [1000, 1000, 2000]


@pytest.mark.parametrize("end", ["set", "set_copy", "ramp", "drive", "transaction"])
def test_what_is_set_by_hand_ends_a_ramp_and_the_journal_says_nothing_more_of_it(small, bench, end):
    bench.ramp_signal("chassis::Speed", 100, "1 s", begin=0, wait=False)
    small.until(500)
    if end == "set":
        bench.set_signal("chassis::Speed", 7)
    elif end == "set_copy":
        bench.set_signal("body::GW_Speed.Speed", 8)
    elif end == "ramp":
        bench.ramp_signal("chassis::Speed", 9, "100 ms", begin=5)
    elif end == "drive":
        bench.drive(small.table("t,chassis::Speed\n0,9\n0.2,9\n"))
    else:
        with bench.transaction():
            bench.set_signal("chassis::Speed", 7)
    small.until(2000)
    seen = bench.signal("chassis::Speed").physical
    assert (seen, small.values_said("ESC_Speed.Speed")) == {
        "set": (7, ["Standstill", 7]),
        "set_copy": (100, ["Standstill", 100]),
        "ramp": (9, ["Standstill", 5, 9]),
        "drive": (9, ["Standstill", 9, 9]),
        "transaction": (7, ["Standstill", 7]),
    }[end]
    assert bench.signal("body::GW_Speed.Speed").physical == {"set_copy": 8, "ramp": 8, "drive": 8}.get(end, 8)


def test_a_ramp_of_a_message_that_is_silent_arrives_too(small, bench):
    bench.stop_message("ECM")
    bench.ramp_signal("Rpm", 500, "1 s")
    assert bench.signal("Rpm").physical == 500
    bench.resume_message("ECM")
    small.until(1050)
    assert {value for _, value in small.numbers("ECM", 1000)} == {2000}


@pytest.mark.parametrize(
    ("use", "said"),
    [
        (lambda b: b.ramp_signal("Rpm", 100, 0), "a ramp takes some time. Remedy: give it a duration, or set the"),
        (lambda b: b.ramp_signal("Rpm", 100, "-1 s"), "a duration can't be negative: -1 s"),
        (lambda b: b.ramp_signal("Rpm", 9000, 1), "9000 rpm is out of range for chassis::ECM.Rpm."),
        (lambda b: b.ramp_signal("Rpm", 1, 1, begin=-1), "-1 rpm is out of range for chassis::ECM.Rpm."),
        (lambda b: b.ramp_signal("Rpn", 1, 1), "no signal 'Rpn' on this bench. Remedy: did you mean Rpm?"),
        (lambda b: b.ramp_signal("Left", 1, 1), "body::Doors.Left can't follow a curve: Doors is not cyclic."),
        (lambda b: b.ramp_signal("Page", 2, 1), "body::Paged.Page can't follow a curve: it is a multiplexer."),
        (lambda b: b.ramp_signal("Counter", 2, 1), "chassis::ESC_Safe.Counter is written by the message's E2E"),
        (lambda b: b.ramp_signal("State", 2, 1), "body::Answer.State is sent by ECU, which is really there."),
        (lambda b: b.ramp_signal("Speed", 2, 1), "'Speed' is ambiguous. Remedy: say which: body::GW_Speed.Speed, "),
        (lambda b: b.ramp_signal("chassis::Speed", "SNA", 1),
         f"{SNA} Remedy: ramp to a number."),
        (lambda b: [b.set_signal("chassis::Speed", "SNA"), b.ramp_signal("chassis::Speed", 5, 1)],
         f"{SNA} Remedy: say where the ramp begins."),
    ],
)  # fmt: skip
def test_a_ramp_that_makes_no_sense_is_refused_and_changes_nothing(small, bench, use, said):
    with pytest.raises(UsageError) as error:
        use(bench)
    assert str(error.value).startswith(said)
    assert len(str(error.value).splitlines()) == 1
    assert all(not sent.curves for sent in small.wiring.restbus.messages)


# Drives ---------------------------------------------------------------------------------------------------------------


def test_a_drive_interpolates_numbers_and_holds_labels(small, bench):
    table = small.table("time [s];chassis::Speed [km/h];Gear;Rpm [rpm]\n0;0;P;800\n0,5;;D;\n1;50;;2800\n2;;R;\n")
    assert bench.drive(table) == 2
    assert small.now == 2000
    small.until(2100)
    assert small.numbers("ESC_Speed", 0, 1000) == [(t, round(5 * t)) for t, _ in small.frames("ESC_Speed", 0, 1000)]
    assert {value for _, value in small.numbers("ESC_Speed", 1000)} == {5000}
    gears = small.numbers("TCM_Gear")
    assert gears == [(t, 0 if t < 500 else 3 if t < 2000 else 1) for t, _ in gears]
    rpm = [(t, round(4 * (800 + 2 * t))) for t, _ in small.frames("ECM", 0, 1000)]
    assert small.numbers("ECM", 0, 1000) == rpm
    assert small.values_said("TCM_Gear.Gear") == ["P", "D", "R"]


def test_a_number_whose_value_has_a_label_is_a_number_all_the_same(small, bench):
    """0 km/h is also called Standstill: that makes no step of a ramp."""
    bench.drive(small.table("t,chassis::Speed\n0,0\n1,100\n"))
    assert small.numbers("ESC_Speed", 500, 520) == [(500.74, 5007)]


def test_numbers_that_all_stand_in_the_value_table_are_steps(small, bench):
    bench.drive(small.table("t,Gear\n0,1\n1,3\n"))
    assert {value for _, value in small.numbers("TCM_Gear", 0, 1000)} == {1}
    assert bench.signal("Gear").label == "D"


def test_sna_in_the_middle_holds_and_the_numbers_beside_it_are_straight(small, bench):
    bench.drive(small.table("t,chassis::Speed\n0,10\n0.4,50\n0.6,SNA\n0.8,70\n1.2,30\n1.4,raw 0x100\n"))
    small.until(1450)
    expected = [
        (t, round(1000 + 10 * t) if t < 400 else 5000 if t < 600 else 65535 if t < 800
         else round(7000 - 10 * (t - 800)) if t < 1200 else 3000 if t < 1400 else 256)
        for t, _ in small.frames("ESC_Speed")
    ]  # fmt: skip
    assert small.numbers("ESC_Speed") == expected


def test_raw_values_hold(small, bench):
    bench.drive(small.table("t,Rpm\n0,raw 0x10\n0.5,raw 0x20\n"))
    assert {value for _, value in small.numbers("ECM", 0, 500)} == {16}
    assert bench.signal("Rpm").raw == 32


def test_a_curve_that_finds_its_message_inactive_wakes_it(small, bench):
    bench.set_signal("Wiper", 5)
    bench.drive(small.table("t,Wiper\n0.1,20\n0.2,raw 0\n0.3,10\n0.4,20\n"))
    wipes = [(round(t), data[0]) for t, data in small.frames("Wheel", 190)]
    assert wipes == [(200, 0), (300, 10), (320, 12), (340, 14), (360, 16), (380, 18)]
    assert bench.signal("Wiper").raw == 20


def test_units_of_columns_and_of_cells(small, bench):
    bench.drive(small.table("t [ms],chassis::Speed [mph],Rpm\n0,1e1,800 rpm\n10,50 km/h,900\n"))
    assert small.values_said("ESC_Speed.Speed") == [pytest.approx(16.09), 50]


def test_a_signal_keeps_its_value_until_its_first_point_and_after_its_last(small, bench):
    bench.set_signals({"Rpm": 700, "chassis::Speed": 33})
    bench.drive(small.table("t,Rpm,chassis::Speed\n0.3,,60\n0.5,1000,\n0.7,2000,\n1,,\n1.2,,80"))
    small.until(2000)
    assert small.now == 2000
    assert {value for _, value in small.numbers("ECM", 0, 500)} == {2800}
    assert {value for _, value in small.numbers("ECM", 720)} == {8000}
    assert {value for _, value in small.numbers("ESC_Speed", 0, 300)} == {3300}
    assert bench.signal("chassis::Speed").physical == 80


def test_a_row_is_one_instant_and_one_frame_a_message(small, bench):
    bench.drive(small.table("t,Left,Right,Page,Two,Rpm\n0.1,1,2,,,800\n0.2,3,4,2,9,900\n0.3,,5,,,\n"))
    small.until(400)
    assert [data for _, data in small.frames("Doors")] == [b"\1\2", b"\3\4", b"\3\5"]
    assert [round(t) for t, _ in small.frames("Doors")] == [100, 200, 300]
    assert next(data for _, data in small.frames("Paged", 250)) == b"\2\x09"


def test_a_message_that_a_drive_makes_active_follows_it_too(small, bench):
    bench.drive(small.table("t,Wiper\n0.1,10\n0.13,20\n0.2,0\n"))
    small.until(300)
    wipes = [(round(t), data[0]) for t, data in small.frames("Wheel")]
    assert wipes == [(100, 10), (120, 17), (140, 17), (160, 11), (180, 6), (200, 0)]


def test_a_setting_during_a_drive_ends_the_drive_of_that_signal_only(small, bench):
    bench.drive(small.table("t,chassis::Speed,Gear,Rpm\n0,0,P,800\n1,100,D,1800\n2,50,R,800\n"), wait=False)
    small.until(500)
    bench.set_signals({"chassis::Speed": 7, "Gear": "N"})
    small.until(2500)
    assert (bench.signal("chassis::Speed").physical, bench.signal("Gear").label) == (7, "N")
    assert {value for _, value in small.numbers("ESC_Speed", 502)} == {700}
    assert bench.signal("Rpm").physical == 800
    assert small.numbers("ECM", 1500, 1520) == [(1501.85, round(4 * (1800 - 501.85)))]
    assert small.values_said("ECM.Rpm") == [800, 1800, 800]
    assert small.values_said("TCM_Gear.Gear") == ["P", "N"]


def test_another_drive_takes_the_signals_over(small, bench):
    bench.drive(small.table("t,Gear,Rpm\n0,P,800\n1,D,1800\n"), wait=False)
    small.until(500)
    bench.drive(small.table("t,Rpm\n0,3000\n0.2,4000\n", "other.csv"))
    small.until(1500)
    assert bench.signal("Rpm").physical == 4000
    assert bench.signal("Gear").label == "D"


def test_a_drive_goes_through_a_message_that_is_silent(small, bench):
    bench.stop_node("ECM")
    bench.drive(small.table("t,Rpm\n0,1000\n1,2000\n"), wait=False)
    small.until(500)
    bench.resume_node("ECM")
    small.until(520)
    assert small.numbers("ECM") == [(501.85, round(4 * 1501.85))]


def test_a_drive_is_found_where_the_process_or_the_bench_file_is(small, bench, monkeypatch, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    monkeypatch.chdir(elsewhere)
    small.table("t,Rpm\n0,1\n1,2\n", "one.csv")
    (elsewhere / "two.csv").write_text("t,Rpm\n0,1\n2,2\n")
    assert [bench.drive(name, wait=False) for name in ("one.csv", "two.csv", small.folder / "one.csv")] == [1, 2, 1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("t,Rpn\n0,1", "drive.csv:1: no signal 'Rpn' on this bench. Remedy: did you mean Rpm?"),
        ("# c\nt,Speed\n0,1", "drive.csv:2: 'Speed' is ambiguous. Remedy: say which: body::GW_Speed.Speed, "),
        ("t,State\n0,1", "drive.csv:1: body::Answer.State is sent by ECU, which is really there."),
        ("t,Counter\n0,1", "drive.csv:1: chassis::ESC_Safe.Counter is written by the message's E2E protection."),
        ("t,Rpm,chassis::ECM.Rpm\n0,1,2", "drive.csv:1: chassis::ECM.Rpm has two columns. Remedy: leave one of them"),
        ("t,Rpm\n0,1\n1,9000\n", "drive.csv:3: 9000 rpm is out of range for chassis::ECM.Rpm."),
        ("t,Rpm [km/h]\n0,1", "drive.csv:2: 'km/h' can't be converted to 'rpm'. Remedy: give the value in rpm."),
        ("t,Rpm [km/h]\n0,1 rpm\n1,5", "drive.csv:3: 'km/h' can't be converted to 'rpm'."),
        ("t,Gear\n0,P\n\n1,Q\n", "drive.csv:4: 'Q' is no value of chassis::TCM_Gear.Gear. Remedy: it knows P, R, "),
        ("t,Rpm\n0,0x10\n", "drive.csv:2: '0x10' is no value of chassis::ECM.Rpm."),
        ("t,Rpm\n0,raw 0x10000\n", "drive.csv:2: raw 65536 doesn't fit chassis::ECM.Rpm."),
        ("t,Gear\n0,P\n0,D\n", "drive.csv:3: the time 0 s doesn't rise. Remedy: sort the rows by time."),
    ],
)  # fmt: skip
def test_a_wrong_drive_is_refused_before_it_begins(small, bench, text, said):
    with pytest.raises(UsageError) as error:
        bench.drive(small.table(text))
    assert str(error.value).startswith(said)
    assert len(str(error.value).splitlines()) == 1
    assert small.now == 0
    small.wiring.recorder.first_cause = None
    small.until(100)
    assert small.said("signal") == []


def test_a_row_that_can_not_be_sent_ends_the_call_with_its_line(small, bench):
    with pytest.raises(UsageError, match=r"^drive\.csv:4: Paged: can't be encoded"):
        bench.drive(small.table("t,Left,Page\n0,1,1\n0.1,2,2\n0.2,3,3\n0.3,4,1\n"))
    assert small.now == 200
    assert bench.signal("Left").raw == 2


@pytest.mark.parametrize("name", ["nowhere.csv", "", "."])
def test_a_file_that_is_not_there_is_said(bench, name):
    with pytest.raises(UsageError, match="can't be read: "):
        bench.drive(name)


# Reading --------------------------------------------------------------------------------------------------------------


def test_a_check_of_what_the_restbus_sends_is_a_mistake_of_the_test(bench):
    with pytest.raises(UsageError) as error:
        bench.signal_should_be("Rpm", 0)
    text = "chassis::ECM.Rpm is sent by the restbus: a check of it would say nothing of the ECU. Remedy: check"
    assert str(error.value).startswith(text)


@pytest.mark.parametrize("tolerance", [-1, float("nan")])
def test_a_tolerance_below_nothing_is_refused(bench, tolerance):
    with pytest.raises(UsageError, match="is no tolerance"):
        bench.signal_should_be("body::State", 1, tolerance=tolerance)


def test_what_the_ecu_sends_is_read_and_checked(small, bench):
    with pytest.raises(EcuError, match="its message never came"):
        bench.signal("body::State")
    small.wiring.clock.call_in(150 * MS, lambda _: small.ears["body"].send(0x300, b"\7"))
    bench.signal_should_be("body::State", 5, within="300 ms", tolerance=2)
    with pytest.raises(EcuError, match=r"expected 5 \+-1, seen 7"):
        bench.signal_should_be("body::State", 5, within="50 ms", tolerance=1)


def test_the_counter_of_a_protected_message_can_be_read(small, bench):
    small.until(101)
    assert bench.signal("Counter").raw == small.frames("ESC_Safe")[-1][1][1] & 0x0F == 4


# Keywords -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def keywords(bench):
    return SignalKeywords(lambda: bench)


def test_keywords_for_signals(small, keywords):
    keywords.set_signal("Rpm", "800 rpm")
    keywords.set_signals(**{"body::Left": "1", "Gear": "D"})
    keywords.ramp_signal("chassis::Speed", "50 km/h", Duration(1), begin="10 km/h")
    assert small.now == 1000
    keywords.ramp_signal("Rpm", "900 rpm", Duration(1), wait=False)
    assert keywords.drive(small.table("t,Yaw\n0,1\n0.5,2\n"), wait=False) == 0.5
    assert small.now == 1000
    assert [keywords.get_signal(name) for name in ("chassis::Speed", "Gear", "body::Left")] == [50, 3, 1]
    with pytest.raises(EcuError):
        keywords.signal_should_be("body::State", "1", within=Duration(0.1))
