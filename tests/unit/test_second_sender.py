"""A bench in real time listens before it sends: where somebody else plays its nodes it is not opened."""

from functools import partial

import can
import pytest
from restbus_bench import REAL, write_bench

from hil.bench import config, wiring
from hil.bench.case import Case
from hil.bench.plan import plan
from hil.bench.reset import Start
from hil.bench.session import Outcome, Session, Settings
from hil.can.frames import CanFrame
from hil.can.pythoncan import PythonCanPort
from hil.errors import BenchError, HilError, Verdict

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
    return wiring.open_bench(plan(config.load(path)), "seed")


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


def test_a_second_sender_fails_no_case_it_keeps_all_from_running(tmp_path, other):
    other(ESC_SPEED)
    path = write_bench(tmp_path, port=REAL.format("second-sender"), clock="real")
    path.write_text(path.read_text().replace('clock = "real"', 'clock = "real"\nlisten = "60 s"'))
    session = Session(Settings(bench=str(path), results=str(tmp_path / "results")))
    verdicts = []
    for name in ("first", "second"):
        session.begin(Case(name, name, "suite", "file:1", (), (), Start.ON, "pytest"))
        with pytest.raises(HilError) as caught:
            session.bench()
        verdicts.append(session.end(Outcome(error=caught.value)))
    session.close()
    assert [one.verdict for one in verdicts] == [Verdict.BENCH, Verdict.NOT_RUN]
    assert "somebody else sends it" in verdicts[0].message
    assert verdicts[1].message.startswith("the bench could not be brought back: ")


def test_what_the_bench_before_left_on_its_way_is_nobody_s(tmp_path, monkeypatch):
    """One frame of the run before, which comes when the port has just been opened."""
    port_open = PythonCanPort.open

    async def opened_with_a_straggler(port, on_frame, on_lost):
        await port_open(port, on_frame, on_lost)
        on_frame(CanFrame(0, "cabin", ESC_SPEED, bytes(8)))

    monkeypatch.setattr(PythonCanPort, "open", opened_with_a_straggler)
    bench = opened(tmp_path, "100 ms")
    assert bench.wiring.recorder.first_cause is None
    bench.close()
