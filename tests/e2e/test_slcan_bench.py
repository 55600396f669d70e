"""A bench whose bus is an slcan adapter: what the adapter loses is inconclusive, and an unplugged one a bench fault."""

from conftest import HERE

BENCH = f"""[bench]
name = "slcan"
clock = "real"

[process.adapter]
command = ["{{python}}", "{HERE}/slcan_ecu.py"]

[bus.body]
port = "python-can"
interface = "slcan"
channel = "{{adapter.line}}"
options = {{ poll = 0.2 }}
database = "body.dbc"
real_nodes = ["CLUSTER"]

[monitors]
cycle = "off"  # the ECU is a program on a machine that has other things to do

[dut]
kind = "virtual"
name = "a program behind an adapter"
"""
DATABASE = """VERSION ""
BU_: GW CLUSTER
BO_ 256 GW_Speed: 2 GW
 SG_ Speed : 0|16@1+ (0.01,0) [0|300] "km/h" CLUSTER
BO_ 512 CLU_Status: 1 CLUSTER
 SG_ Ready : 0|1@1+ (1,0) [0|1] "" GW
BA_DEF_ BO_ "GenMsgCycleTime" INT 0 65535;
BA_DEF_DEF_ "GenMsgCycleTime" 0;
BA_ "GenMsgCycleTime" BO_ 256 20;
"""
SUITE = """
def test_1_is_ready(bench):
    bench.signal_should_be("Ready", 1, within="5 s")

def test_2_the_adapter_loses_frames(bench):
    bench.signal_should_be("Ready", 1, within="5 s")
    bench.set_signal("Speed", 100)
    bench.signal_should_be("Ready", 0, within="3 s")

def test_3_is_unplugged(bench):
    bench.set_signal("Speed", 200)
    bench.sleep("30 s")
"""


def test_a_bench_on_an_slcan_adapter_gives_the_right_verdicts(hil, tmp_path):
    (tmp_path / "slcan.toml").write_text(BENCH)
    (tmp_path / "body.dbc").write_text(DATABASE)
    (tmp_path / "test_suite.py").write_text(SUITE)
    ran = hil(str(tmp_path / "test_suite.py"), "--bench", str(tmp_path / "slcan.toml"))
    assert ran.verdicts == {
        "test_1_is_ready": "pass",
        "test_2_the_adapter_loses_frames": "inconclusive",
        "test_3_is_unplugged": "bench fault",
    }, ran.out
    assert "the adapter's buffer ran over" in ran.out
    assert "bus.body (slcan " in ran.out
    assert ran.status == 3
