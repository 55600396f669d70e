"""Whose fault it is, in one line; and what a run exits with."""

import itertools

import pytest

from hil.errors import (
    EXIT_STATUS,
    BenchError,
    EcuError,
    HilError,
    InconclusiveError,
    NotRunError,
    UsageError,
    Verdict,
    exit_status,
)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"what": "it broke"}, "it broke"),
        ({"what": "it broke", "where": "bus.cabin"}, "bus.cabin: it broke"),
        ({"what": "it broke", "remedy": "mend it."}, "it broke. Remedy: mend it."),
        ({"what": "it broke.", "remedy": "mend it."}, "it broke. Remedy: mend it."),
        ({"what": "which one?", "where": "a.toml", "remedy": "say so."}, "a.toml: which one? Remedy: say so."),
        ({"what": "Ordnung!", "remedy": "so."}, "Ordnung! Remedy: so."),
    ],
)
def test_an_error_is_place_event_and_remedy(arguments, text):
    what = arguments.pop("what")
    assert str(UsageError(what, **arguments)) == text


@pytest.mark.parametrize(
    ("kind", "verdict", "status"),
    [
        (UsageError, Verdict.USAGE, 2),
        (BenchError, Verdict.BENCH, 3),
        (EcuError, Verdict.FAIL, 1),
        (InconclusiveError, Verdict.INCONCLUSIVE, 4),
        (NotRunError, Verdict.NOT_RUN, 0),
    ],
)
def test_the_class_says_the_verdict(kind, verdict, status):
    error = kind("x")
    assert isinstance(error, HilError)
    assert error.verdict is verdict
    assert exit_status([error.verdict]) == status


def test_only_the_ecus_fault_is_a_failed_assertion():
    assert issubclass(EcuError, AssertionError)
    assert not any(issubclass(kind, AssertionError) for kind in (UsageError, BenchError, InconclusiveError))


def test_every_verdict_has_an_exit_status():
    assert set(EXIT_STATUS) == set(Verdict)


def test_of_several_verdicts_the_first_of_2_3_1_4_counts():
    order = [Verdict.USAGE, Verdict.BENCH, Verdict.FAIL, Verdict.INCONCLUSIVE]
    for size in range(1, 5):
        for chosen in itertools.permutations(order, size):
            worst = min(chosen, key=order.index)
            assert exit_status([Verdict.PASS, *chosen, Verdict.NOT_RUN]) == EXIT_STATUS[worst]


@pytest.mark.parametrize("verdicts", [[], [Verdict.PASS], [Verdict.PASS, Verdict.NOT_RUN], [Verdict.NOT_RUN]])
def test_passed_or_declared_not_run_is_success(verdicts):
    assert exit_status(verdicts) == 0


def test_the_verdicts_are_read_once():
    assert exit_status(iter([Verdict.PASS, Verdict.FAIL])) == 1
