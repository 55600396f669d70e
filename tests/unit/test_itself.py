"""What a bench measured of itself, in short, for a run and in one line; whatever the record holds."""

import pytest

from hil.cli.events import Tally
from hil.cli.progress import Progress
from hil.evidence.itself import in_short, itself_of, line_of, losses_of, of_run

MS = 1_000_000


def measured(message, most_ms, lost, busy=None):
    spread = {"count": 9, "p50_ns": MS, "p99_ns": MS, "max_ns": most_ms * MS, "max_at_ns": 5}
    return {
        "cycles": [{"message": message, "bus": "body", "cycle_ns": 10 * MS, "by": "bench", **spread}],
        "received": [{"bus": "body", "lost": lost, "uncounted": 0, **spread}],
        "timers": spread, "load": {"process": 0.5} | ({"busy": busy} if busy else {}), "blind": 1,
    }  # fmt: skip


def test_the_worst_of_a_run_is_that_of_its_worst_case_and_losses_add_up():
    run = of_run([in_short(measured("A", 3, 2, 0.7)), {}, in_short(measured("B", 9, 3, 0.2))])
    assert (run["cycle_worst"], run["cycle_max_ns"], run["lost"], run["blind"]) == ("B on body", 9 * MS, 5, 2)
    assert run["busy"] == 0.7
    assert "5 frames lost" in line_of(run)


def test_where_nothing_was_measured_nothing_is_said():
    assert of_run([{}, {}]) == {}
    assert line_of({}) == ""


def test_what_nobody_knows_is_left_out_of_the_line():
    assert line_of(in_short({"timers": {"max_ns": 2 * MS}, "load": {}})) == (
        "no frames known to be lost; timers late by 2.0 ms at most"
    )


@pytest.mark.parametrize("value", [None, "x", [1], {"cycles": "no", "received": [1, None, {"lost": "many"}]},
                                   {"timers": {"max_ns": float("nan")}, "load": [2], "blind": "3"}])  # fmt: skip
def test_a_hostile_record_stops_no_report(value):
    fields = value if isinstance(value, dict) else {"cycles": value, "received": value, "load": value}
    line_of(of_run([in_short(fields)]))
    itself_of(fields).to_json(5)


def test_a_table_that_is_too_long_says_how_much_is_left_out():
    fields = {"cycles": [measured(f"M{n}", 1, 0)["cycles"][0] for n in range(9)]}
    shown = itself_of(fields).to_json(4)
    assert ([row["message"] for row in shown["cycles"]], shown["more"]) == (["M0", "M1", "M2", "M3"], 5)


def test_cases_that_lost_frames_are_told_at_the_end_though_they_passed(capsys):
    tally = Tally()
    for name in "abc":
        tally.note({"event": "plan", "id": name, "detail": {"name": name, "runner": "pytest"}})
    with Progress(tally, "lab", ["pytest"]):
        for name, lost in (("a", 3), ("b", 0), ("c", 2)):
            detail = {"t_ns": 1, "bench": {"lost": lost, "uncounted": 0}}
            tally.note({"event": "end", "id": name, "verdict": "pass", "message": "", "detail": detail})
    assert "2 cases lost frames on the way to the bench: 5 frames lost" in capsys.readouterr().out


def test_a_pass_with_a_remark_is_told_and_once_more_at_the_end(capsys):
    tally = Tally()
    for name in "abc":
        tally.note({"event": "plan", "id": name, "detail": {"name": name.upper(), "runner": "pytest"}})
    with Progress(tally, "lab", ["pytest"]):
        for name, message in (("a", "no check was made"), ("b", ""), ("c", "no check was made")):
            tally.note({"event": "end", "id": name, "verdict": "pass", "message": message, "detail": {"t_ns": 1}})
    lines = capsys.readouterr().out.splitlines()
    assert [line.strip() for line in lines[:2]] == ["pass  A", "no check was made"]
    assert lines[-1] == "2 passes: no check was made: A, C"


def test_no_case_that_lost_nothing_is_told():
    assert losses_of([{"lost": 0}, {}, {"uncounted": 0}]) == ""
    assert losses_of([{"uncounted": 1}]) == "1 case lost frames on the way to the bench: 1 gap that nobody counted"


@pytest.mark.parametrize("there", [True, False])
def test_the_console_says_it_in_one_line_at_the_end(capsys, there):
    tally = Tally()
    tally.note({"event": "plan", "id": "a", "detail": {"name": "A", "runner": "pytest"}})
    detail = {"t_ns": 1} | ({"bench": in_short(measured("M", 3, 0))} if there else {})
    with Progress(tally, "lab", ["pytest"]):
        tally.note({"event": "end", "id": "a", "verdict": "pass", "message": "", "detail": detail})
    said = capsys.readouterr().out
    assert ("the bench itself: cycles kept within 1.0 ms (p99), 3.0 ms at most (M on body)" in said) is there
