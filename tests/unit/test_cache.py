"""The cache of databases: equal results, made once, and never an error."""

import os
import pickle
import stat

import pytest

from hil import cache
from hil.bench.databases import read_database
from hil.can.loading import Loaded
from hil.errors import UsageError


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HIL_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


class Maker:
    """Counts how often something is made."""

    def __init__(self, result="made"):
        self.result, self.count = result, 0

    def __call__(self):
        self.count += 1
        return self.result


def test_it_is_made_once_for_equal_parts_and_anew_for_others(folder):
    make = Maker()
    assert [cache.cached(str, ["a", b"b"], make) for _ in range(3)] == ["made"] * 3
    assert make.count == 1
    cache.cached(str, ["ab", b""], make)
    cache.cached(str, ["a", b"c"], make)
    assert make.count == 3


def test_something_else_in_its_place_is_passed_over(folder):
    cache.cached(str, ["a"], Maker())
    (path,) = folder.glob("*.pickle")
    path.write_bytes(pickle.dumps(7))
    make = Maker("anew")
    assert cache.cached(str, ["a"], make) == "anew"
    assert pickle.loads(path.read_bytes()) == "anew"


@pytest.mark.parametrize("garbage", [b"", b"\x80\x05garbage", pickle.dumps("x")[:-3]])
def test_a_damaged_file_is_made_anew(folder, garbage):
    cache.cached(str, ["a"], Maker())
    (path,) = folder.glob("*.pickle")
    path.write_bytes(garbage)
    make = Maker("anew")
    assert [cache.cached(str, ["a"], make) for _ in range(2)] == ["anew"] * 2
    assert make.count == 1


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_a_folder_that_others_may_write_to_is_not_trusted(folder):
    cache.cached(str, ["a"], Maker())
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    folder.chmod(0o777)
    make = Maker("anew")
    assert [cache.cached(str, ["a"], make) for _ in range(2)] == ["anew"] * 2
    assert make.count == 2


def test_without_a_folder_everything_goes_on(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HIL_CACHE", str(tmp_path / "file" / "below"))
    make = Maker()
    assert [cache.cached(str, ["a"], make) for _ in range(2)] == ["made"] * 2
    assert make.count == 2


def test_what_cannot_be_pickled_is_not_kept(folder):
    made = lambda: None  # noqa: E731
    assert cache.cached(type(made), ["a"], lambda: made) is made
    assert list(folder.glob("*.pickle")) == []


def test_what_is_used_stays_though_it_is_old(folder, monkeypatch):
    monkeypatch.setattr(cache, "_KEPT", 2)
    make = Maker()
    for number, name in enumerate("ab"):
        cache.cached(str, [name], make)
        for path in folder.glob("*.pickle"):
            if path.stat().st_mtime > 100:
                os.utime(path, (number, number))
    cache.cached(str, ["a"], make)
    cache.cached(str, ["new"], make)
    cache.cached(str, ["a"], make)
    assert make.count == 3
    cache.cached(str, ["b"], make)
    assert make.count == 4


def test_the_oldest_go_first(folder, monkeypatch):
    monkeypatch.setattr(cache, "_KEPT", 2)
    for number, name in enumerate("abc"):
        cache.cached(str, [name], Maker())
        for path in folder.glob("*.pickle"):
            if path.stat().st_mtime > 100:
                os.utime(path, (number, number))
    make = Maker()
    for name in "cb":
        cache.cached(str, [name], make)
    assert make.count == 0
    cache.cached(str, ["a"], make)
    assert make.count == 1


def test_a_database_is_the_same_from_the_cache_and_follows_its_file(folder, tmp_path, repository):
    path = tmp_path / "x.dbc"
    path.write_bytes((repository / "tests/data/cabin.dbc").read_bytes())
    first, again = read_database(path), read_database(path)
    assert isinstance(again, Loaded)
    assert first.database is not again.database
    assert [m.name for m in again.database.messages] == [m.name for m in first.database.messages]
    assert again.database.messages[0].dbc.attributes["GenMsgCycleTime"].value == 20
    path.write_bytes(path.read_bytes().replace(b"BCM_Lights", b"BCM_Lamps"))
    assert "BCM_Lamps" in [m.name for m in read_database(path).database.messages]


def test_a_broken_database_is_refused_every_time(folder, tmp_path):
    path = tmp_path / "x.dbc"
    path.write_text("BO_ foo")
    for _ in range(2):
        with pytest.raises(UsageError):
            read_database(path)
