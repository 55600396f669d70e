"""Why a case failed: the first cause in front, the others behind it, each once, whatever words the runner has."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from hil.errors import Verdict
from hil.evidence.causes import causes_of, split_message
from hil.evidence.model import Check, Found, Ruling
from hil.evidence.report import make_report

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import evidence_factory as factory
from test_page import Page

S = 1_000_000_000


def a_check(t_s, target="cluster: telltale abs", *, ok=False, expected="on within 1 s", seen="off", **more):
    fields = {"t_ns": t_s * S, "name": "within", "target": target, "expected": expected, "seen": seen, "ok": ok}
    empty = {"score": None, "margin": None, "since_ns": None, "within_ns": None, "bound_ns": None}
    return Check(**fields, **empty, origin="sim", detail="", **more)


def said(check):
    return f"{check.target}: expected {check.expected}, seen {check.seen} (seen at {check.t_ns / 1e9:.3f} s); dark"


def failing(message):
    return Ruling(Verdict.FAIL, message)


def test_the_first_that_the_message_names_is_the_first_cause():
    abs_lamp, oil, speed = a_check(1), a_check(2, "cluster: telltale oil"), a_check(3, "cluster: text speed")
    message = f"Several failures occurred:\n\n1) {said(abs_lamp)}\n\n2) one != two\n\n3) {said(speed)}"
    causes = causes_of(failing(message), [abs_lamp, oil, speed], ())
    assert [cause.check or cause.text for cause in causes] == [abs_lamp, "one != two", speed, oil]
    assert causes[0].text == said(abs_lamp)


def test_a_failure_that_is_no_check_may_be_the_first():
    later = a_check(2)
    causes = causes_of(failing(f"Several failures occurred:\n\n1) one != two\n\n2) {said(later)}"), [later], ())
    assert [cause.check for cause in causes] == [None, later]


def test_soft_checks_in_one_message_are_causes_of_their_own():
    checks = [a_check(n, f"cluster: telltale {name}") for n, name in enumerate(("abs", "oil", "esc"), 1)]
    message = "AssertionError: " + "\n  ".join(said(check) for check in checks)
    causes = causes_of(failing(message), checks, ())
    assert [cause.check for cause in causes] == checks
    assert causes[0].text == f"AssertionError: {said(checks[0])}"


def test_a_check_that_was_declared_to_fail_is_no_cause():
    declared, oil = a_check(1, declared=True), a_check(2, "cluster: telltale oil")
    assert [cause.check for cause in causes_of(failing(said(oil)), [declared, oil], ())] == [oil]


def test_a_check_that_a_later_look_made_good_is_no_cause_unless_the_message_names_it():
    early, good, oil = a_check(1), a_check(2, ok=True, seen="on"), a_check(3, "cluster: telltale oil")
    assert [cause.check for cause in causes_of(failing(said(oil)), [early, good, oil], ())] == [oil]
    named = causes_of(failing(f"a failed check was caught: {said(early)}"), [early, good], ())
    assert [cause.check for cause in named] == [early]


def test_what_was_tried_again_and_again_is_one_failure_with_the_look_that_is_named():
    tries = [a_check(n) for n in range(1, 6)]
    (cause,) = causes_of(failing(f"failed after retrying: {said(tries[4])}"), tries, ())
    assert (cause.check, cause.times) == (tries[4], 5)


def test_equal_checks_that_the_message_names_each_are_two_failures():
    first, second = a_check(1), a_check(5)
    message = f"Several failures occurred:\n\n1) {said(first)}\n\n2) {said(second)}"
    causes = causes_of(failing(message), [first, second], ())
    assert [(cause.check, cause.times) for cause in causes] == [(first, 1), (second, 1)]


def test_a_message_in_other_words_means_the_first_failed_check():
    abs_lamp, oil = a_check(1), a_check(2, "cluster: telltale oil")
    causes = causes_of(failing("the lamps are wrong"), [abs_lamp, oil], ())
    assert [(cause.check, cause.text) for cause in causes] == [(abs_lamp, "the lamps are wrong"), (oil, "")]


def test_what_the_monitors_found_stands_beside_a_failed_check():
    lamp, late = a_check(1), Found(2 * S, "CLU_Status on body: late", True)
    tolerated = replace(late, text="CLU_Hmi on body: late", counts=False)
    causes = causes_of(failing(said(lamp)), [lamp], (late, tolerated))
    assert [cause.text for cause in causes] == [said(lamp), "monitor: CLU_Status on body: late"]


def test_a_finding_that_decided_stands_alone_and_once():
    late, more = Found(2 * S, "CLU_Status on body: late", True), Found(3 * S, "CLU_Hmi on body: late", True)
    causes = causes_of(
        failing("monitor: CLU_Status on body: late (and 1 more)"), [a_check(1, declared=True)], (late, more)
    )
    assert [(cause.t_ns, cause.text) for cause in causes] == [
        (2 * S, "monitor: CLU_Status on body: late"), (3 * S, "monitor: CLU_Hmi on body: late"),
    ]  # fmt: skip


@pytest.mark.parametrize("verdict", [Verdict.PASS, Verdict.BENCH, Verdict.USAGE, Verdict.NOT_RUN])
def test_other_verdicts_have_no_such_causes(verdict):
    assert causes_of(Ruling(verdict, "x"), [a_check(1)], ()) == ()


def test_a_teardown_that_failed_too_is_a_failure_of_its_own():
    assert split_message("off\n\nAlso teardown failed:\nno link") == ["off", "teardown: no link"]
    assert split_message("1) no list") == ["1) no list"]


def test_row_headline_and_pictures_tell_of_the_same_failure(tmp_path):
    factory.several(tmp_path)
    make_report(tmp_path)
    page = Page(tmp_path / "index.html")
    (row,) = page.data["run"]["cases"]
    assert (row["reason"]["seen"], row["reason"]["more"], row["at"]) == ("off", 4, 2.0)
    assert row["reason"]["text"].startswith("cluster: telltale abs: expected on within 500 ms")
    case = page.case("cluster.several")
    checks = [case["checks"][cause["check"]]["target"] if cause["check"] is not None else cause["text"]
              for cause in case["causes"]]  # fmt: skip
    assert checks == ["cluster: telltale abs", "cluster: text speed", "one != two", "cluster: telltale oil",
                      "monitor: CLU_Status on cabin: late (4 times)"]  # fmt: skip
    crops = [case["pictures"][check["crop"]]["name"] for check in case["checks"] if check["crop"] is not None]
    assert crops == ["cluster/telltale.abs", "cluster/text.speed"]
    assert case["focus"] == 2.0
    assert max(frame[0] for frame in case["frames"]) <= 2.0


def test_the_first_cause_has_the_first_right_to_a_picture(tmp_path):
    factory.several(tmp_path)
    make_report(tmp_path, max_bytes=150_000)
    case = Page(tmp_path / "index.html").case("cluster.several")
    first = case["checks"][case["causes"][0]["check"]]
    assert case["pictures"][first["crop"]]["name"] == "cluster/telltale.abs"
