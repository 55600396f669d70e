"""Curves and drives: values at an instant, and every way in which a table can be wrong, with its line."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hil.can.curves import Curve, ramp, read_drive
from hil.errors import UsageError

S = 1_000_000_000


# Curves ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("t_s", "value"),
    [
        (-5, 10),
        (0, 10),
        (0.5, 15),
        (1, 20),
        (1.25, 15),
        (2, 0),
        (2.999999999, 0),
        (3, 0),
        (3.5, 50),
        (4, 100),
        (9, 100),
    ],
)
def test_a_curve_is_straight_between_its_points_and_constant_beside_them(t_s, value):
    curve = Curve((0, S, 2 * S, 3 * S, 4 * S), (10, 20, 0, 0, 100))
    assert curve.at(round(t_s * S)) == pytest.approx(value, abs=1e-6)
    assert curve.end_ns == 4 * S


def test_at_its_points_a_curve_has_exactly_their_values():
    curve = Curve((7, 1_000_000_007, 1_000_000_008), (0.1, 0.3, 0.7))
    assert [curve.at(t_ns) for t_ns in curve.times_ns] == [0.1, 0.3, 0.7]


def test_a_curve_of_one_point_is_a_constant():
    assert [Curve((S,), (7.0,)).at(t_ns) for t_ns in (0, S, 2 * S)] == [7, 7, 7]


@given(begin=st.floats(-1e6, 1e6), end=st.floats(-1e6, 1e6), part=st.integers(0, 1000))
@settings(deadline=None)
def test_a_ramp_is_a_straight_line(begin, end, part):
    curve = ramp(begin, end, 5 * S, 1000)
    assert curve.at(5 * S + part) == pytest.approx(begin + (end - begin) * part / 1000, abs=1e-6)
    assert min(begin, end) - 1e-6 <= curve.at(5 * S + part) <= max(begin, end) + 1e-6
    assert curve.end_ns == 5 * S + 1000


@pytest.mark.parametrize("duration_ns", [0, -1])
def test_a_ramp_takes_some_time(duration_ns):
    with pytest.raises(UsageError) as error:
        ramp(0, 1, 0, duration_ns)
    assert str(error.value) == "a ramp takes some time. Remedy: give it a duration, or set the value at once."


# Drives ---------------------------------------------------------------------------------------------------------------


def columns(text):
    return {column.signal: (column.unit, column.points, column.lines) for column in read_drive(text, "d.csv").columns}


def test_the_example_of_the_module():
    drive = read_drive("time [s],VehicleSpeed [km/h],Gear\n0,0,P\n2.5,,D\n12,50,\n", "d.csv")
    assert (drive.where, drive.header, drive.duration_s) == ("d.csv", "d.csv:1", 12)
    assert [(c.signal, c.unit, c.points, c.lines) for c in drive.columns] == [
        ("VehicleSpeed", "km/h", ((0, "0"), (12, "50")), (2, 4)),
        ("Gear", "", ((0, "P"), (2.5, "D")), (2, 3)),
    ]


@pytest.mark.parametrize(
    ("header", "row", "seconds"),
    [
        ("time", "1.5", 1.5),
        ("Time [ms]", "1500", 1.5),
        ("t [min]", "2", 120),
        ("TIME []", "1e-3", 0.001),
        ("T", "+3", 3),
    ],
)
def test_the_times_have_their_unit(header, row, seconds):
    assert read_drive(f"{header},A\n{row},1", "d.csv").duration_s == pytest.approx(seconds)


def test_comments_empty_lines_blanks_and_quotes():
    text = '# a drive\n\n  # indented\n time [s] , "body::BCM.Speed [km/h]" \n\n 0 , 1 \n,,\n1, "On" \n# end\n'
    assert columns(text) == {"body::BCM.Speed": ("km/h", ((0, "1"), (1, "On")), (6, 8))}


@pytest.mark.parametrize(
    "text", ["time;A\r\n0;1,5\r\n1,25;-2\r\n", "\ufefftime;A\n0;1,5\n1,25;-2", "time;A;\n0;1,5;\n1,25;-2;"]
)
def test_a_table_as_a_spreadsheet_of_another_country_saves_it(text):
    if text.endswith(";"):
        with pytest.raises(UsageError, match=r"^d\.csv:1: '' is no column header\. Remedy: write 'Signal'"):
            read_drive(text, "d.csv")
    else:
        assert columns(text) == {"A": ("", ((0, "1.5"), (1.25, "-2")), (2, 3))}


def test_a_comma_within_a_label_stays_one():
    assert columns('time;A\n0;"on, dim"\n1;2,5,5')["A"][1] == ((0, "on, dim"), (1, "2,5,5"))


def test_a_first_point_may_come_late_and_the_last_row_gives_the_duration():
    drive = read_drive("time,A,B\n1,,5\n2,7,\n9,,6", "d.csv")
    assert drive.duration_s == 9
    assert drive.columns[0].points == ((2, "7"),)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "d.csv: a drive needs a header and at least one row. Remedy: see docs/can.md."),
        ("time,A\n", "d.csv: a drive needs a header and at least one row. Remedy: see docs/can.md."),
        ("# only\n# comments\n", "d.csv: a drive needs a header and at least one row. Remedy: see docs/can.md."),
        ("time,A\n\n,,\n", "d.csv: a drive needs a header and at least one row. Remedy: see docs/can.md."),
        ("speed,A\n0,1", "d.csv:1: a drive begins with its times. Remedy: write 'time [s]' over the first column and "
                         "signals over the others."),
        ("\n\ntime\n0", "d.csv:3: a drive begins with its times. Remedy: write 'time [s]' over the first column and "
                        "signals over the others."),
        ("# c\ntime [km/h],A\n0,1", "d.csv:2: 'km/h' is no unit of time. Remedy: write 'time [s]'."),
        ("time [fortnight],A\n0,1", "d.csv:1: 'fortnight' is no unit of time. Remedy: write 'time [s]'."),
        ("time,A [,\n0,1,2", "d.csv:1: 'A [' is no column header. Remedy: write 'Signal' or 'Signal [unit]'."),
        ("time,,B\n0,1,2", "d.csv:1: '' is no column header. Remedy: write 'Signal' or 'Signal [unit]'."),
        ("time,A]x\n0,1", "d.csv:1: 'A]x' is no column header. Remedy: write 'Signal' or 'Signal [unit]'."),
        ("time,A\n0,1\n1\n", "d.csv:3: 1 cells in a row of 2. Remedy: give each column a cell; it may be empty."),
        ("time,A\n#\n0,1,2\n", "d.csv:3: 3 cells in a row of 2. Remedy: give each column a cell; it may be empty."),
        ("time,A\n0,1\nx,2", "d.csv:3: 'x' is no time. Remedy: give a number of s from the begin of the drive."),
        ("time [ms],A\n,1\n1,2", "d.csv:2: '' is no time. Remedy: give a number of ms from the begin of the drive."),
        ("time,A\n-1,1", "d.csv:2: '-1' is no time. Remedy: give a number of s from the begin of the drive."),
        ("time,A\n1e999,1", "d.csv:2: '1e999' is no time. Remedy: give a number of s from the begin of the drive."),
        ("time,A\nnan,1", "d.csv:2: 'nan' is no time. Remedy: give a number of s from the begin of the drive."),
        ("time,A\n3 ms,1", "d.csv:2: '3 ms' is no time. Remedy: give a number of s from the begin of the drive."),
        ("time,A\n0,1\n1,2\n1,3", "d.csv:4: the time 1 s doesn't rise. Remedy: sort the rows by time."),
        ("time [ms],A\n5,1\n4,2", "d.csv:3: the time 4 ms doesn't rise. Remedy: sort the rows by time."),
        ("time,A,B\n0,1,\n1,2,", "d.csv:1: B has no value at all. Remedy: fill its column, or leave it out."),
        (f"time,A\n0,{'9' * 200_000}", "d.csv:2: is no row of a table: field larger than field limit (131072). "
                                       "Remedy: correct the line."),
    ],
)  # fmt: skip
def test_a_wrong_table_is_refused_in_one_line_with_its_place(text, said):
    with pytest.raises(UsageError) as error:
        read_drive(text, "d.csv")
    assert str(error.value) == said


def read(text):
    """What comes of a text: the signals of its columns, or the error."""
    try:
        return [column.signal for column in read_drive(text, "d.csv").columns if column.points]
    except UsageError as error:
        return error


@given(st.text(alphabet='time,;[]#"\n0123456789.- AΩ\r\x00\x85', max_size=80))
@settings(deadline=None, max_examples=300)
def test_whatever_stands_in_a_file_it_is_a_drive_or_a_usage_error(text):
    came = read("time,A\n" + text)
    assert came == ["A"] or (came.where.startswith("d.csv") and len(str(came).splitlines()) == 1)
