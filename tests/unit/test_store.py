"""The ECU's persistent memory: what survives a power cut, at whatever instant it comes."""

import pytest

from hil.clock import VirtualClock
from hil.ecu.store import WRITE_NS, Store


@pytest.fixture
def clock():
    clock = VirtualClock()
    yield clock
    clock.close()


def run(clock, t_ns):
    clock.run(clock.sleep_until(t_ns))


def test_what_was_not_flushed_is_lost(clock):
    store = Store(clock)
    store.put("odometer", 5)
    assert store.get("odometer") == 5
    store.power_cut()
    assert store.get("odometer") is None


def test_what_was_flushed_survives(clock):
    store, told = Store(clock), []
    store.put("odometer", 5)
    store.flush(lambda: told.append(clock.now_ns))
    assert store.is_writing
    run(clock, WRITE_NS)
    store.put("odometer", 6)
    store.power_cut()
    assert store.get("odometer") == 5
    assert told == [WRITE_NS]


@pytest.mark.parametrize("cut_ns", [1, WRITE_NS // 2, WRITE_NS - 1])
def test_a_cut_within_a_write_leaves_all_of_the_state_before(clock, cut_ns):
    store = Store(clock)
    store.put("a", 1)
    store.put("b", 1)
    store.flush()
    run(clock, WRITE_NS)
    store.put("a", 2)
    store.put("b", 2)
    store.flush()
    run(clock, WRITE_NS + cut_ns)
    store.power_cut()
    assert (store.get("a"), store.get("b")) == (1, 1)
    assert store.mount() == 0
    store.pages[:] = [page[:-1] for page in store.pages]
    assert store.mount() == 2
    assert store.get("a") is None


def test_after_a_torn_page_it_goes_on(clock):
    store = Store(clock)
    for value in (1, 2, 3):
        store.put("a", value)
        store.flush()
        run(clock, clock.now_ns + WRITE_NS // 2)
        store.power_cut()
    store.put("a", 9)
    store.flush()
    run(clock, clock.now_ns + WRITE_NS)
    store.power_cut()
    assert store.get("a") == 9


def test_what_is_put_while_a_write_is_under_way_is_written_after_it(clock):
    store, told = Store(clock), []
    store.put("a", 1)
    store.flush()
    store.put("a", 2)
    store.flush(lambda: told.append(clock.now_ns))
    run(clock, 2 * WRITE_NS + 1)
    store.power_cut()
    assert store.get("a") == 2
    assert told == [2 * WRITE_NS]


def test_a_flush_of_nothing_new_is_done_at_once(clock):
    store, told = Store(clock), []
    store.flush(lambda: told.append(True))
    assert told == [True]
    assert not store.is_writing


def test_a_removed_key_is_gone(clock):
    store = Store()
    store.put("a", 1)
    store.flush()
    store.remove("a")
    store.flush()
    store.power_cut()
    assert list(store) == []
