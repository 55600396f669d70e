"""The five verdicts (and the usage error), whichever runner and whatever a suite catches."""

import forked
import pytest

from conftest import HERE, environment, read_verdicts
from hil.journal import JournalReader

SUITES = HERE / "suites"
EXPECTED = {
    "Passes": "pass",
    "Fails": "fail",
    "Catches a failed check": "fail",
    "Declares a failed check": "pass",
    "Declares a failed check that passes": "fail",
    "Catches a bench fault": "bench fault",
    "Retries a bench fault": "bench fault",
    "Is inconclusive": "inconclusive",
    "Catches an inconclusive measurement": "inconclusive",
    "Does not apply": "not run",
    "Names an unknown signal": "usage error",
    "Catches its own mistake": "usage error",
    "Waits in wall time": "usage error",
    "Retries until it succeeds": "pass",
    "Uses up its time": "usage error",
    "Makes no check": "pass",
    "Compares by itself": "pass",
}
IN_PYTEST = {f"test_{name.lower().replace(' ', '_')}": verdict for name, verdict in EXPECTED.items()}


def test_hil_run_gives_each_verdict_and_plain_runners_agree(hil, spare_bench, tmp_path):
    ran = hil(str(SUITES), "--bench", str(spare_bench))
    assert ran.verdicts == EXPECTED | IN_PYTEST
    assert ran.status == 2
    told = "2 passes: no check was made: nothing but the monitors judged the ECU: Makes no check, test_makes_no_check\n"
    assert told in ran.out
    plain = tmp_path / "plain"
    variables = environment(HIL_BENCH=str(spare_bench), HIL_RESULTS=str(plain))
    for runner in (["robot", "--outputdir", str(tmp_path / "out")], ["pytest", "-q"]):
        forked.run(*runner, str(SUITES), cwd=HERE, env=variables)
    found = [read_verdicts(path) for path in sorted(plain.glob("*/junit.xml"))]
    assert len(found) == 2
    assert found[0] | found[1] == EXPECTED | IN_PYTEST


@pytest.mark.parametrize(("name", "status"), [("Is inconclusive", 4), ("Does not apply", 0)])
def test_exit_status(hil, spare_bench, name, status):
    ran = hil(str(SUITES / "verdicts.robot"), "--bench", str(spare_bench), "--name", name)
    assert ran.status == status, ran.out


def test_a_bench_fault_keeps_its_first_cause(hil, spare_bench):
    ran = hil(str(SUITES / "test_verdicts.py"), "--bench", str(spare_bench), "--name", "*catches_a_bench_fault")
    assert ran.status == 3
    assert "console.spare: the cable was pulled. Remedy: plug it in." in ran.out
    (journal,) = ran.folder.glob("tests/*/1/journal.mcap")
    faults = [entry.data["what"] for entry in JournalReader(journal) if entry.kind == "fault"]
    assert faults == ["the cable was pulled"]


def test_a_failure_says_what_was_expected_seen_and_when(hil):
    ran = hil(str(SUITES / "verdicts.robot"), "--name", "Fails")
    assert ran.status == 1
    assert "cluster: telltale high_beam: expected on within 100 ms, seen off" in ran.out
    assert " s)" in ran.out


def test_an_unknown_signal_names_the_nearest(hil):
    ran = hil(str(SUITES / "verdicts.robot"), "--name", "Names an unknown*")
    assert ran.status == 2
    assert "verdicts.robot:45: no signal 'HighBeem' on this bench. Remedy: did you mean HighBeam" in ran.out
