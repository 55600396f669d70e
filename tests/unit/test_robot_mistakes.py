"""A Robot suite that is wrong: one line each with file and line, what is wrong, and what to write instead."""

import os
import re

import forked
import pytest
from robot import running

from hil.errors import UsageError
from hil.robot.listener import imports_of
from hil.robot.mistakes import in_words, our_keywords, unknown_keyword, wrong_named
from hil.robot.syntax import wrong_syntax
from hil.robot.types import Deadline, Truth

OURS = [("Collections", 2), ("hil.robot", 3)]


def spec_of(keyword):
    (found,) = running.TestLibrary.from_name("hil.robot").find_keywords(keyword)
    return found.args


def test_our_keywords_are_known_by_the_names_that_suites_write():
    assert {"Set Signal", "Telltale Should Be", "Wait Until Keyword Succeeds"} <= set(our_keywords())


@pytest.mark.parametrize(
    ("name", "imports", "said"),
    [
        ("Set Signal VehicleSpeed 50", OURS, "put two blanks or more between 'Set Signal' and 'VehicleSpeed 50', and"),
        ("set_signal On", OURS, "put two blanks or more between 'Set Signal' and 'On', and between arguments."),
        ("Set Signals A=1", OURS, "between 'Set Signals' and 'A=1'"),
        ("Screen Should React To Touch home", OURS, "between 'Screen Should React To Touch' and 'home'"),
        ("Set Signal", [], "the suite doesn't import the bench's library. Remedy: write 'Library    hil.robot' below"),
        ("Set Signal", [("OperatingSystem", 2)], "the suite doesn't import the bench's library."),
        ("Set Signal", [("hil.robott", 4)], "line 4 imports 'hil.robott'. Remedy: write 'Library    hil.robot' there."),
        ("Set Signal", [("Hil.Robot", 4)], "line 4 imports 'Hil.Robot'."),
        ("Set Signall", OURS, "No keyword with name 'x' found. Remedy: did you mean 'Set Signal'?"),
    ],
)
def test_an_unknown_keyword(name, imports, said):
    robots = "No keyword with name 'x' found. Did you mean:\n    hil.robot.Set Signal\n    BuiltIn.Log"
    assert said in unknown_keyword(name, imports, robots)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "*** Settings ***\nLibrary hil.robot\n",
            "line 2 is 'Library hil.robot', which imports nothing. Remedy: write",
        ),
        ("*** Settings ***\nLibary    hil.robot\n", "line 2 is 'Libary    hil.robot', which imports nothing."),
        ("\n*** Setings ***\nLibrary    hil.robot\n", "line 2 is '*** Setings ***'. Remedy: write '*** Settings ***'"),
        ("Library    hil.robot\n*** Test Cases ***\n", "stands in no section of settings. Remedy: write '*** Settings"),
        ("*** Settings ***\n#Library    hil.robot\n", "the suite doesn't import the bench's library."),
        ("*** Settings ***\nDocumentation    hil.robot\n", "the suite doesn't import the bench's library."),
    ],
)
def test_a_line_that_ought_to_import_the_library(text, said):
    assert said in unknown_keyword("Set Signal", [], "No keyword with name 'Set Signal' found.", text)


def test_the_imports_of_a_suite_are_known_from_a_step_in_any_block():
    text = "*** Settings ***\nResource    x\nLibrary    hil.robott\n*** Test Cases ***\nA\n"
    text += "    IF    True\n        Set Signal    A    1\n    END\n"
    suite = running.TestSuite.from_string(text)
    step = suite.tests[0].body[0].body[0].body[0]
    assert imports_of(step) == [("hil.robott", 3)]


def test_of_a_keyword_like_none_robots_own_words_are_left():
    assert unknown_keyword("Signal Flags", OURS, "Robot's own.") == "Robot's own."


@pytest.mark.parametrize(
    ("keyword", "arguments", "said"),
    [
        ("Signal Should Be", ["Speed", "87", "tolerence=2 km/h"], "did you mean 'tolerance'?"),
        ("Signal Should Be", ["Speed", "87", "Within=2 s"], "write 'within=2 s', small and without blanks."),
        ("Signal Should Be", ["Speed", "87", "within = 2 s"], "write 'within=2 s', small and without blanks."),
        ("Signal Should Be", ["Speed", "87", "by=3"], "it takes signal, value, within, tolerance."),
        ("Telltale Should Be", ["lamp", "on", "2 s", "red", "cluster", "tint=x"], "it takes telltale, state, within,"),
    ],
)
def test_a_named_argument_that_there_is_not(keyword, arguments, said):
    what, mend = wrong_named(keyword, spec_of(keyword), arguments)
    assert re.fullmatch(rf"'\w+' is no argument of '{keyword}'", what)
    assert mend.startswith(said)


@pytest.mark.parametrize(
    ("keyword", "arguments"),
    [
        ("Signal Should Be", ["Speed", "87", "tolerance=2", "within=1 s"]),
        ("Signal Should Be", ["Speed", "a=b"]),
        ("Send To Console", ["set lang=de"]),
        ("Send To Console", ["lang=de"]),
        ("Send To Console", [r"lin\=x"]),
        ("Set Signals", ["VehicleSpeed=3"]),
        ("Check Should Fail", ["Telltale Should Be", "lamp", "on", "nam=x"]),
        ("Signal Should Be", [3, None, 2.0]),
    ],
)
def test_a_text_with_an_equals_sign_and_right_names_are_let_be(keyword, arguments):
    assert wrong_named(keyword, spec_of(keyword), arguments) is None


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("ValueError: Argument 'n' got value 'a: b' that cannot be converted to integer or None.",
         "argument 'n' of 'X': 'a: b' is not a whole number. Remedy: write a whole number, without a unit."),
        ("ValueError: Argument 'n' got value '5 V' that cannot be converted to Duration: 'V' can't be. Remedy: so.",
         "argument 'n' of 'X': 'V' can't be. Remedy: so."),
        ("cluster: telltale x: expected on, seen off", "cluster: telltale x: expected on, seen off"),
    ],
)  # fmt: skip
def test_what_robot_says_of_arguments(message, said):
    assert in_words(message, "X", None) == said


@pytest.mark.parametrize(
    ("keyword", "arguments", "said"),
    [
        ("Set Signal", ["HighBeam On"], "put two blanks or more between 'HighBeam' and 'On'; it takes signal, value."),
        (
            "Set Signal",
            ["HighBeam", "On", "x y"],
            "it takes signal, value; two blanks or more stand between arguments.",
        ),
        ("Set Signal", ["HighBeam"], "it takes signal, value; two blanks or more stand between arguments."),
        ("Set Signals", ["Speed", "50 km/h", "Gear", "D"], "write 'Speed=50 km/h    Gear=D'."),
        ("Set Signals", ["Speed", "50", "Gear=D"], "write 'Speed=50'."),
        ("Set Signals", ["Speed 50"], "write each as name=value, like VehicleSpeed=50."),
    ],
)
def test_a_wrong_number_of_arguments(keyword, arguments, said):
    message = f"Keyword 'hil.robot.{keyword}' expected 2 arguments, got {len(arguments)}."
    expected = f"'{keyword}' {message.split(' ', 3)[3].rstrip('.')}. Remedy: {said}"
    assert in_words(message, keyword, spec_of(keyword), arguments) == expected


@pytest.mark.parametrize(
    ("keyword", "argument", "value", "said"),
    [
        ("Telltale Should Be", "state", "'on within=1 s'", "put two blanks or more between 'on' and 'within=1 s'."),
        ("Telltale Should Be", "state", "'True' (boolean)", "write 'on'. It is one of on, off."),
        ("Ignition", "state", "'False' (boolean)", "write 'off'. It is one of on, off."),
        ("Ramp Signal", "wait", "'nope'", "it is one of yes, no."),
        ("Ignition", "state", "'of'", "did you mean 'off'? It is one of on, off."),
    ],
)
def test_a_state_that_there_is_not(keyword, argument, value, said):
    message = f"ValueError: Argument '{argument}' got value {value} that cannot be converted to Lamp."
    plain = value.split(" (")[0]
    expected = f"argument '{argument}' of '{keyword}': {plain} is none of its values. Remedy: {said}"
    assert in_words(message, keyword, spec_of(keyword)) == expected


def arguments_that_are_yes_or_no():
    library = running.TestLibrary.from_name("hil.robot")
    return [(keyword, name, library.converters) for keyword in library.keywords
            for name, of in keyword.args.types.items() if name != "return" and of.type in (bool, Truth)]  # fmt: skip


def test_every_yes_or_no_refuses_another_word():
    found = arguments_that_are_yes_or_no()
    assert len(found) >= 12
    for keyword, name, converters in found:
        info = keyword.args.types[name]
        default = keyword.args.defaults[name]
        assert (info.type, type(default)) == (Truth, Truth), f"{keyword.name} takes any word for {name}"
        with pytest.raises(ValueError, match="cannot be converted to Truth"):
            info.convert("nope", name, converters)


@pytest.mark.parametrize(
    ("value", "truth"),
    [("yes", True), ("True", True), (" ON ", True), ("1", True), (True, True), ("no", False), ("FALSE", False),
     (0, False), (False, False)],
)  # fmt: skip
def test_yes_and_no_have_many_names(value, truth):
    assert bool(Truth.convert(value)) is truth


def given(keyword, argument, value):
    """What a keyword gets of an argument that a suite gives."""
    library = running.TestLibrary.from_name("hil.robot")
    (found,) = library.find_keywords(keyword)
    arguments = [(name, value) if name == argument else (name, "on") for name in found.args.positional[:2]]
    _, named = found.args.convert([], [*arguments, (argument, value)], library.converters)
    return dict(named)[argument]


@pytest.mark.parametrize("value", ["500", "100", " 250.0", 500, 120.5])
def test_a_deadline_that_lacks_its_unit_is_refused(value):
    with pytest.raises(ValueError, match=r"would be .+ seconds. Remedy: write '.+ ms' or '.+ s'"):
        given("Telltale Should Be", "within", value)


@pytest.mark.parametrize(
    ("value", "length_s"), [("500 ms", 0.5), ("500 s", 500), ("5", 5), (5, 5), ("99.9", 99.9), ("2 minutes", 120)]
)
def test_a_deadline_with_its_unit_is_taken_and_a_small_bare_one_is_seconds(value, length_s):
    assert float(given("Telltale Should Be", "within", value)) == length_s


def test_no_keyword_takes_a_deadline_whose_unit_may_be_forgotten():
    library = running.TestLibrary.from_name("hil.robot")
    kinds = {name: {one.args.types[name].type for one in library.keywords if name in one.args.types}
             for name in ("within", "limit")}  # fmt: skip
    assert kinds == {"within": {Deadline}, "limit": {Deadline}}


@pytest.mark.parametrize("value", ["nope", "", "None", 7, 0.5, "y"])
def test_what_is_neither_is_refused(value):
    with pytest.raises(UsageError, match="is neither yes nor no"):
        Truth.convert(value)


@pytest.mark.parametrize(
    ("value", "why", "said"),
    [
        ("'3x'", ": 'x' can't be", "'3x' counts, but a duration is wanted: it repeats in bench time. Remedy: write it"),
        ("'3 times'", ": 'times' can't be", "'3 times' counts, but a duration is wanted"),
        ("'None' (None)", ".", "'None' is no duration. Remedy: write it like '300 ms'."),
        ("'3 k'", ": 'k' can't be", "'k' can't be"),
    ],
)
def test_a_duration_that_is_none(value, why, said):
    message = f"ValueError: Argument 'retry' got value {value} that cannot be converted to Duration{why}"
    assert in_words(message, "X", None).startswith(f"argument 'retry' of 'X': {said}")


def test_what_can_not_be_read_is_said_in_one_line():
    text = "*** Test Cases ***\nA\n    TRY\n        VAR    a    1\n    EXCEPT\n        Log    ok\n    END\n"
    text += "    TRY\n        Log    1\n"
    (test,) = running.TestSuite.from_string(text).tests
    inner, outer = wrong_syntax(test.body), wrong_syntax(test.body[1:])
    assert str(inner) == "Invalid variable name 'a'."
    assert outer.what.startswith("Multiple errors: TRY structure must have EXCEPT or FINALLY branch. TRY must")
    assert wrong_syntax(test.body[:0]) is None


# A run ----------------------------------------------------------------------------------------------------------------

SUITE = """*** Settings ***
Library    hil.robot

*** Test Cases ***
Named
    Signal Should Be    DisplayedSpeed    87 km/h    tolerence=2 km/h
Named and caught
    Run Keyword And Ignore Error    Signal Should Be    DisplayedSpeed    87 km/h    tolerence=2 km/h
Lamp
    Telltale Should Be    high_beam    onn
Switch
    Ignition    of
One blank
    Set Signal VehicleSpeed 50
Misspelt
    Set Signall    VehicleSpeed    50
One blank between arguments
    Telltale Should Be    high_beam on
Own keyword
    My Keyword    3    4
A value before another keyword
    Sleep    abc
    Text Should Stay    view.title    Home
A value in a keyword before another keyword
    My Wait
    Set Signal    HighBeam    On
A value before a teardown
    Sleep    abc
    [Teardown]    Telltale Should Be    high_beam    on    within=1 ms
A value in a branch before one that isn't taken
    IF    True    Sleep    abc    ELSE    Signal Should Be    DisplayedSpeed    0    tolerence=2
A variable in a loop
    Log    fine
    FOR    ${one}    IN    @{missing}
        Log    ${one}
    END
An unknown setting
    Log    fine
    [Tgas]    req:CLU-TT-001
A loop in a keyword without END
    Log    fine
    Endless Keyword
A keyword twice
    Twice
A branch without END, after a failure
    Telltale Should Be    high_beam    on    within=1 ms
    IF    True
        Log    fine

*** Keywords ***
My Keyword
    [Arguments]    ${number}
    Log    ${number}
My Wait
    Sleep    abc
    Log    fine
Twice
    Log    one
Twice
    Log    two
Endless Keyword
    Log    fine
    FOR    ${one}    IN    1    2
        Log    ${one}
"""
SAID = (
    "x.robot:6: 'tolerence' is no argument of 'Signal Should Be'. Remedy: did you mean 'tolerance'?",
    "x.robot:8: 'tolerence' is no argument of 'Signal Should Be'. Remedy: did you mean 'tolerance'?",
    "x.robot:10: argument 'state' of 'Telltale Should Be': 'onn' is none of its values. Remedy: did you mean 'on'?",
    "x.robot:12: argument 'state' of 'Ignition': 'of' is none of its values. Remedy: did you mean 'off'? It is one of",
    "x.robot:14: No keyword with name 'Set Signal VehicleSpeed 50'. Remedy: put two blanks or more between",
    "x.robot:16: No keyword with name 'Set Signall' found. Remedy: did you mean 'Set Signal'",
    "x.robot:18: 'Telltale Should Be' expected 2 to 5 arguments, got 1. Remedy: put two blanks or more between",
    "x.robot:20: 'My Keyword' expected 1 argument, got 2. Remedy: it takes number;",
    "x.robot:22: argument 'duration' of 'Sleep': 'abc' is no number with a unit.",
    "x.robot:55: argument 'duration' of 'Sleep': 'abc' is no number with a unit.",
    "x.robot:28: argument 'duration' of 'Sleep': 'abc' is no number with a unit.",
    "x.robot:31: argument 'duration' of 'Sleep': 'abc' is no number with a unit.",
    "x.robot:34: Variable '@{missing}' not found.",
    "x.robot:39: Non-existing setting 'Tgas'. Remedy: did you mean '[Tags]'?",
    "x.robot:63: FOR loop must have closing END. Remedy: write END below the last step of the block.",
    "x.robot:44: Keyword with same name defined multiple times.",
    "x.robot:47: IF must have closing END. Remedy: write END below the last step of the block.",
)


def test_each_mistake_of_a_suite_is_one_line(tmp_path, repository):
    (tmp_path / "x.robot").write_text(SUITE)
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("HIL_", "PYTEST_"))}
    kept["HIL_BENCH"] = str(repository / "fixtures" / "benches" / "virtual.toml")
    words = ("--output", "NONE", "--log", "NONE", "--report", "NONE", "x.robot")
    done = forked.run("robot", *words, cwd=tmp_path, env=kept)
    said = [line for line in done.stdout.splitlines() if line.startswith("USAGE ERROR: ")]
    assert len(said) == len(SAID), done.stdout + done.stderr
    for line, expected in zip(said, SAID, strict=True):
        assert line.startswith(f"USAGE ERROR: {expected}")
