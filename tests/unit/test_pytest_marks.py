"""What a pytest case says of itself, read without running it."""

from types import SimpleNamespace

import pytest

from hil.pytest_marks import asserts, twin


def helper(value):
    assert value


def by_a_helper(bench):
    helper(bench)


def by_a_lambda(bench):
    return [bench, lambda: helper(bench)]


def by_an_exception(bench):
    with pytest.raises(ValueError, match="x"):
        bench()


def by_nothing(bench):
    bench.set_signal("HighBeam", "On")
    around(bench)


def around(bench):
    by_nothing(bench)


@pytest.mark.parametrize(
    ("function", "does"),
    [(helper, True), (by_a_helper, True), (by_a_lambda, True), (by_an_exception, True), (by_nothing, False)],
)
def test_what_a_test_compares_by_itself_is_seen(function, does):
    assert asserts(SimpleNamespace(function=function)) is does


def test_an_assert_that_pytest_did_not_rewrite_is_seen_too():
    names = {}
    exec("def plain(value):\n    assert value", names)
    assert asserts(SimpleNamespace(function=names["plain"]))


def test_a_test_without_a_function_compares_nothing():
    assert not asserts(SimpleNamespace())


TWINS = """
def test_a(bench):
    def test_b():
        pass

class TestIt:
    def test_a(self):
        pass

async  def test_a (bench):
    pass

def test_b(bench):
    pass
"""


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "test_a",
            "'test_a' stands twice in this file, in lines 2 and 10: the last one alone would run.",
        ),
        ("test_b", ""),
    ],
)
def test_a_function_that_another_hides_is_a_mistake(tmp_path, name, said):
    path = tmp_path / "test_x.py"
    path.write_text(TWINS)
    names = {}
    exec(TWINS, names)
    found = twin(SimpleNamespace(function=names[name], path=path))
    assert found.startswith(said)
    assert bool(found) is bool(said)
    assert twin(SimpleNamespace(function=names["TestIt"].test_a, path=path)) == ""
