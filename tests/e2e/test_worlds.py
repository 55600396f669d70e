"""The same suite in two worlds: equal verdicts, with and without a defect; and what the doctor says of each bench."""

import json
import os
import subprocess
import sys

import pytest

from conftest import REPOSITORY, on_time, run_hil

CASES = ["--name", "main beam*", "--name", "no speed*sender is silent", "--name", "test_power_off*"]


@pytest.fixture
def udp_bench(tmp_path):
    """The bench of the ECU's own process, on a multicast group of this test's own."""
    text = (REPOSITORY / "fixtures/benches/udp.toml").read_text()
    text = text.replace("239.74.163.2", "239.74.163.7").replace("43113", str(43200 + os.getpid() % 2000))
    text = text.replace("239.74.163.3", "239.74.163.6").replace("43114", str(45300 + os.getpid() % 2000))
    text = text.replace("43115", str(47400 + os.getpid() % 2000))
    path = tmp_path / "udp.toml"
    path.write_text(text.replace("{bench}/../../dbc", f"{REPOSITORY}/dbc").replace('"../', f'"{REPOSITORY}/fixtures/'))
    return path


@pytest.mark.parametrize("defect", ["", "high_beam_dark"])
def test_verdicts_are_equal_in_virtual_time_and_across_processes(hil, udp_bench, defect):
    words = [*CASES, *(["--defect", defect] if defect else [])]
    virtual = hil(*words)
    process = on_time(lambda: hil(*words, "--bench", str(udp_bench)))
    assert len(virtual.verdicts) == 3
    assert process.verdicts == virtual.verdicts, process.out
    assert virtual.verdicts["Main beam lights its telltale"] == ("fail" if defect else "pass")
    assert process.run_json["dut"]["software"] == "1.0.0"


def test_the_doctor_finds_all_ports_of_a_bench(udp_bench):
    done = run_hil("doctor", "--bench", str(udp_bench), "--power", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    rows = json.loads(done.stdout)["findings"]
    for part in ("process.ecu", "bus.chassis", "bus.body", "screen.cluster", "console.main", "supply.battery"):
        assert part in {row["part"] for row in rows}
    assert {"fault"} & {row["mark"] for row in rows} == set()
    awake = {(row["part"], row["check"]): row["found"] for row in rows if row["when"] == "awake"}
    assert awake["bus.body", "nodes"] == "heard: COCKPIT"
    assert awake["diag.cockpit", "answer"].startswith("answers tester present after")
    assert "software 1.0.0" in awake["dut", "identity"]


def test_the_doctor_names_what_is_missing_and_looks_at_the_rest(udp_bench):
    text = udp_bench.read_text().replace('url = "{ecu.console}"', 'url = "/dev/serial/by-id/no-such-device"')
    udp_bench.write_text(text)
    done = run_hil("doctor", "--bench", str(udp_bench))
    assert done.returncode == 3
    (row,) = [line for line in done.stdout.splitlines() if "no-such-device" in line]
    assert row.startswith("fault ")
    assert "Remedy: " in row
    assert "1280x480 px as the layout says" in done.stdout
    assert "Traceback" not in done.stderr


def test_a_process_that_dies_at_once_is_a_bench_fault_with_its_last_words(hil, udp_bench):
    udp_bench.write_text(udp_bench.read_text().replace("interface=udp_multicast", "interface=nonsense", 1))
    ran = hil("--name", "main beam*", "--bench", str(udp_bench))
    assert ran.status == 3
    assert "process.ecu: ended before it was ready" in ran.out
    assert "nonsense" in ran.out


def test_the_ecu_does_not_outlive_its_bench():
    """After SIGKILL of the bench nobody stops its programs; an ECU that goes on would answer the next run."""
    command = [sys.executable, "-m", "hil.cli.main", "ecu", "serve", "--until-eof"]
    for bus in ("chassis", "body"):
        command += ["--bus", bus, f"database=dbc/{bus}.dbc", "interface=virtual", f"channel=orphan-{bus}"]
    with subprocess.Popen(command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as ecu:
        assert ecu.stdout.readline().startswith(b"{")
        assert ecu.poll() is None
        ecu.stdin.close()
        assert ecu.wait(20) == 0
