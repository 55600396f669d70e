"""After a case whose journal found no room the next one is run only where there is room for a whole case."""

import shutil
from types import SimpleNamespace

import pytest

from hil.bench.casebook import ROOM_BYTES, Casebook
from hil.journal import Journal, UnwrittenError


@pytest.fixture
def book(tmp_path, monkeypatch):
    monkeypatch.setattr(Casebook, "_head", lambda self, journal, case: None)
    return Casebook(tmp_path, SimpleNamespace(files={}), "seed")


def case(name):
    return SimpleNamespace(id=name)


@pytest.fixture
def disk(monkeypatch):
    disk = SimpleNamespace(free=ROOM_BYTES)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: disk)
    return disk


def lose(book, name):
    assert book.begin(case(name)) == ""
    book.journal.lost = UnwrittenError("the journal can't be written: No space left on device")
    book.close()


def test_the_next_case_is_not_run_on_a_disk_that_is_nearly_full(book, disk):
    lose(book, "first")
    disk.free -= 1
    assert "an earlier case had no evidence: the journal can't be written" in book.begin(case("second"))
    assert book.journal is None
    assert "No space left" in str(book.lost)


def test_the_next_case_is_run_where_there_is_room_again(book, disk):
    lose(book, "first")
    assert book.begin(case("second")) == ""
    assert isinstance(book.journal, Journal)
    book.close()


def test_who_was_never_without_room_is_not_asked_for_it(book, disk):
    disk.free = 0
    for name in ("first", "second"):
        assert book.begin(case(name)) == ""
        book.close()
