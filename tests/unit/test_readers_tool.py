"""The tool that compares readers with random states: it finds nothing where all is right, and it can find something."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))

from readers import __main__ as tool
from readers.truth import Truth, misread


@pytest.mark.parametrize("screen", ["cluster", "centre"])
def test_a_few_pictures_are_read_right(screen, capsys):
    assert tool.main(["--count", "4", "--screen", screen, "--seed", "few"]) == 0
    assert capsys.readouterr().out.endswith(" 0 wrong\n")


def test_a_state_that_the_picture_does_not_show_is_found():
    (_, layout, pixels, truth), *_ = tool.cases("broken", 1, "cluster")
    lamp = next(name for name in truth.words if name.startswith("telltale."))
    truth.words[lamp] = "off" if truth.words[lamp] == "on" else "on"
    truth.words["text.gear"] = "X"
    truth.numbers["needle.rpm_needle"] = truth.numbers["needle.rpm_needle"][0] + 100, 12.0
    assert [found.item for found in misread(layout, pixels, truth)] == [lamp, "text.gear", "needle.rpm_needle"]
    assert truth.count > 60


def test_what_a_layout_lacks_is_nothing_to_read():
    (_, layout, pixels, _), *_ = tool.cases("few", 1, "cluster")
    assert not list(misread(layout, pixels, Truth({"text.nowhere": "x"})))


def test_equal_seeds_give_equal_pictures():
    first, second = (list(tool.cases("same", 2, "centre")) for _ in range(2))
    assert [(name, truth) for name, _, _, truth in first] == [(name, truth) for name, _, _, truth in second]
    assert all((a[2] == b[2]).all() for a, b in zip(first, second, strict=True))
