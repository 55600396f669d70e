"""A bench in real time listens before it sends: where somebody else plays its nodes it is not opened."""

from functools import partial

import can
import pytest
from restbus_bench import REAL, write_bench

from hil.bench import config, wiring
from hil.errors import BenchError

ESC_SPEED, CLU_STATUS = 200, 400


@pytest.fixture
def other():
    """A second node, which repeats what it is told to."""
    bus = can.Bus(interface="virtual", channel="second-sender")
    frame = partial(can.Message, data=bytes(8), is_extended_id=False)
    yield lambda can_id: bus.send_periodic(frame(arbitration_id=can_id), 0.02)
    bus.stop_all_periodic_tasks()
    bus.shutdown()


def opened(folder, listen):
    path = write_bench(folder, port=REAL.format("second-sender"), clock="real")
    path.write_text(path.read_text().replace('clock = "real"', f'clock = "real"\nlisten = "{listen}"'))
    return wiring.open_bench(wiring.plan(config.load(path)), "seed")


def test_a_bench_does_not_speak_over_another_sender(tmp_path, other):
    other(ESC_SPEED)
    with pytest.raises(BenchError, match="ESC_Speed on cabin: somebody else sends it") as caught:
        opened(tmp_path, "60 s")
    assert caught.value.remedy.startswith("stop the other sender")


def test_the_ecu_and_strangers_may_speak_while_it_listens(tmp_path, other):
    other(CLU_STATUS)
    other(0x7A0)
    bench = opened(tmp_path, "100 ms")
    clock, watch = bench.wiring.clock, bench.wiring.traffic.watch
    while not watch.so_far():
        clock.run(clock.sleep(0.01))
    assert {finding.message for finding in watch.so_far()} <= {"CLU_Status", "0x7A0"}
    assert bench.wiring.recorder.first_cause is None
    bench.close()


def test_without_a_time_to_listen_it_speaks_at_once(tmp_path):
    bench = opened(tmp_path, "0 s")
    bench.close()
