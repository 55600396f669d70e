"""Each fault of the lab bench, at an instant of each phase of a case; `python tools/faults.py` does it 50 times."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))

from faults import stops
from faults.catalogue import FAULTS
from faults.lab import opened
from faults.stops import STOPS
from faults.trial import PHASES, Trial

needs_mosquitto = pytest.mark.skipif(not Path("/usr/sbin/mosquitto").exists(), reason="needs mosquitto")
pytestmark = [pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc"), needs_mosquitto]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    with opened(tmp_path_factory.mktemp("lab")) as lab:
        Trial(lab, FAULTS[0], 4).run()  # what is imported at the first use stays, and is no leak
        yield lab


@pytest.mark.parametrize("phase", range(len(PHASES)), ids=PHASES)
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_broken_bench_is_a_bench_fault_and_nothing_is_left(lab, fault, phase):
    if fault.spoils_evidence and not lab.disk.is_real:
        pytest.skip("needs a file system of its own (root)")
    result = Trial(lab, fault, phase).run()
    assert not result.wrong
    assert not result.leaks


@pytest.mark.parametrize("stop", STOPS, ids=lambda stop: stop.name)
def test_a_run_that_is_stopped_leaves_its_supply_off_and_nothing_behind(lab, stop):
    if not stop.signals and not lab.disk.is_real:
        pytest.skip("needs a file system of its own (root)")
    assert not stops.Trial(lab, stop, 1 + STOPS.index(stop) * 2).run()
