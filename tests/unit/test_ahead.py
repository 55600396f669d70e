"""A bench booted ahead: what is made for a first look is made in the runner, not by each case."""

from __future__ import annotations

import gc
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from hil.bench import case_forks
from hil.bench.ahead import boot_ahead
from hil.bench.case_forks import CaseForks
from hil.bench.reset import Start
from hil.bench.session import Settings, prepare
from hil.hmi import ocr, reader

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import whole_bench


def test_the_readers_of_the_layouts_are_found_before_a_case_forks():
    made = prepare(Settings(bench=whole_bench.BENCH))
    reader.find_reader.cache_clear()
    ahead = boot_ahead(made, "1")
    assert ahead is not None
    ahead.opened.close()
    gc.unfreeze()
    found = reader.find_reader.cache_info().misses
    for layout in made.layouts.values():
        for item in layout:
            assert item.reader == "", "the layouts of this bench have no readers of their own"
            reader.reader_for(item)
    assert reader.find_reader.cache_info().misses == found > 3


def test_the_texts_of_earlier_runs_are_known_before_a_case_forks(monkeypatch):
    class ForkedError(Exception):
        pass

    def fork():
        raise ForkedError(ocr.engine.cache_info().currsize)

    monkeypatch.setattr(case_forks, "Child", fork)
    ocr.engine.cache_clear()
    session = SimpleNamespace(ahead=None)
    with pytest.raises(ForkedError, match="1"):
        CaseForks(session).fork(replace(whole_bench.CASE, start=Start.OFF))
