"""A selection that takes no case: what is said, and what was meant; and the list of what did not pass."""

from types import SimpleNamespace

import pytest

from hil.bench.case import Selection
from hil.cli import look
from hil.cli.events import Tally
from hil.cli.no_match import no_match
from hil.cli.progress import Progress
from hil.hmi.layout import parse

CASES = [
    {"name": "Main beam lights its telltale", "requirements": ["CLU-TT-001"], "tags": ["guest", "realtime"]},
    {"name": "The speed is shown", "requirements": ["CLU-SPD-001"], "tags": []},
]
KNOWN = ["CLU-TT-001", "CLU-TT-002", "CLU-SPD-001"]


@pytest.mark.parametrize(
    ("selection", "what", "remedy"),
    [
        ({"requirements": ("CLU-TT-0001",)}, "requirement CLU-TT-0001", "did you mean 'CLU-TT-001'?"),
        ({"tags": ("Guset",)}, "tag Guset", "did you mean 'guest'?"),
        ({"names": ("Main beem*",)}, "name Main beem*", "did you mean 'Main beam lights its telltale'?"),
        ({"names": ("speedd",)}, "name speedd", "did you mean 'The speed is shown'?"),
        ({"names": ("*qqqq*",)}, "name *qqqq*", "'hil run --list' shows them."),
        ({"tags": ("guest",), "names": ("speed",)}, "name speed and tag guest", "'hil run --list' shows them."),
        ({"without_tags": ("*",)}, "without tag *", "'hil run --list' shows them."),
        (
            {"tags": ("guset",), "requirements": ("CLU-SPD-01",)},
            "tag guset and requirement CLU-SPD-01",
            "did you mean 'CLU-SPD-001' or 'guest'?",
        ),
    ],
)
def test_the_nearest_is_named(selection, what, remedy):
    error = no_match(Selection(**selection), ["suites"], CASES, KNOWN)
    assert (error.what, error.remedy) == (f"no case matches {what}", remedy)


def test_a_requirement_that_no_case_verifies_is_no_misspelt_one():
    error = no_match(Selection(requirements=("CLU-TT-002",)), ["suites"], CASES[1:], KNOWN)
    assert "did you mean" not in error.remedy


def test_the_suites_without_a_case_are_named():
    assert (
        no_match(Selection(names=("x",)), ["a.robot", "test_b.py"], [], KNOWN).what == "no case in a.robot, test_b.py"
    )


@pytest.mark.parametrize(("count", "there"), [(20, False), (21, True)])
def test_what_did_not_pass_of_many_has_a_heading_and_the_order_of_the_run(capsys, count, there):
    tally = Tally()
    names = [f"case {number:02}" for number in range(count)]
    for name in names:
        tally.note({"event": "plan", "id": name, "detail": {"name": name, "runner": "pytest"}})
    with Progress(tally, "lab", ["pytest"]):
        for name in reversed(names):
            verdict = "fail" if name in ("case 03", "case 07") else "pass"
            tally.note({"event": "end", "id": name, "verdict": verdict, "message": "", "detail": None})
    _, heading, after = capsys.readouterr().out.partition("did not pass:\n")
    assert bool(heading) is there
    assert [line.split("  ")[-1] for line in after.splitlines() if "case" in line] == names[3:8:4] * there


def test_a_look_at_an_item_is_one_at_the_screens_that_have_it():
    text = "[screen]\nsize = [100, 100]\n[bar.{}]\nregion = [0, 0, 50, 10]\ncolours = ['white']\n"
    layouts = {name: parse(text.format(item), name) for name, item in (("left", "fuel"), ("right", "volume"))}
    asked = SimpleNamespace(item=["fu*"], set=[], touch=[], after="1 s", all=False)
    assert list(look._wish(layouts, asked).items) == ["left"]
    asked.item = []
    assert list(look._wish(layouts, asked).items) == ["left", "right"]
