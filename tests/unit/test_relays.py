"""Relays on the virtual bench: KL15, KL30, a button and a cut line go over contacts; bench files that are wrong."""

from pathlib import Path

import pytest
import whole_bench

from hil.bench import config as bench_config
from hil.bench import wiring
from hil.bench.plan import plan
from hil.errors import UsageError, Verdict

BOARD = """
[relay.board]
port = "virtual"
contacts = { KL15 = 1, KL30 = 2, home = 3, "console cut" = 4, spare = 5 }
drives = { KL30 = "supply battery", home = "key pad home", "console cut" = "console main" }
"""


@pytest.fixture
def bench_file(tmp_path):
    """The virtual bench with another relay board, or none, and with more in its file."""
    shipped = Path(whole_bench.BENCH).read_text().partition("[relay.rack]")[2].partition("\n\n")[0]
    return lambda more="", *replaced: whole_bench.changed_bench(
        tmp_path, more, (f"[relay.rack]{shipped}", ""), *replaced
    )


@pytest.fixture
def run(repository, tmp_path, monkeypatch, bench_file):
    monkeypatch.chdir(repository)
    runs = whole_bench.Runs(tmp_path)
    yield lambda body, *replaced, more=BOARD: runs(body, bench=bench_file(more, *replaced))
    runs.close()


POWER = ("[reset]\n", '[reset]\nrelay = "KL30"\n')
IGNITION = (
    '[ignition]\nsignal = "BCM_PowerMode.PowerMode"',
    '[ignition]\nrelay = "board.KL15"\nsignal = "BCM_PowerMode.PowerMode"',
)
CLOSED = ('"console main" }', "}")


def without_cut(text=BOARD):
    return text.replace(', "console cut" = "console main"', "")


def test_the_reset_recipe_and_the_ignition_close_their_contacts(run):
    """The ECU boots over KL30's contact, loses its supply with it, and boots again."""

    def body(bench):
        board = bench.relay("KL30"), bench.relay("KL15"), bench.relay("spare")
        assert [contact.is_closed for contact in board] == [True, True, False]
        bench.ignition(False)
        assert not bench.relay("board.KL15").is_closed
        bench.ignition(True)
        bench.console().drain()
        bench.relay("KL30").open()
        assert bench.supply().read().current_A == pytest.approx(0.0, abs=1e-6)
        assert bench.supply().read().voltage_V == 13.5
        bench.sleep("1 s")
        bench.relay("KL30").close()
        bench.console().expect("boot reason", within="2 s")

    final, entries = run(body, POWER, IGNITION, more=without_cut())
    assert final.verdict is Verdict.PASS, final.message
    notes = [entry.data["text"] for entry in entries if entry.kind == "note"]
    assert "relay board: KL30 open" in notes
    assert "relay board: board.KL15 closed" in notes


def test_a_button_over_a_contact_is_pressed_and_let_go(run):
    def body(bench):
        bench.relay("home").close()
        bench.sleep("100 ms")
        bench.relay("home").open()
        bench.sleep("100 ms")
        assert bench.wiring._copper.pads["pad"]._down["home"] is False

    seen = []
    final, _ = run(
        lambda bench: (bench.wiring._copper.pad("pad").listen(lambda e: seen.append((e.key, e.pressed))), body(bench)),
        POWER,
        more=without_cut(),
    )
    assert final.verdict is Verdict.PASS, final.message
    assert seen[:2] == [("home", True), ("home", False)]


def test_a_cut_console_is_silent_and_comes_back(run):
    """What is said while the contact is open is lost, both ways, as on copper."""

    def body(bench):
        console = bench.console()
        bench.relay("console cut").close()
        console.drain()
        console.send_line("help")
        console.expect("version", within="1 s")
        bench.relay("console cut").open()
        console.drain()
        console.send_line("help")
        console.should_not_show("version", during="1 s")

    final, _ = run(body, POWER)
    assert final.verdict is Verdict.PASS, final.message


BUS = """
[relay.board]
port = "virtual"
contacts = { "body through" = 1, "chassis open" = 2 }
drives = { "body through" = "bus body cockpit", "chassis open" = "bus chassis cockpit NC" }
"""


def test_a_contact_opens_and_closes_the_conductors_of_an_ecu(run):
    """Over the side that is open at rest the ECU is off its bus until the contact closes; over the other, not."""

    def body(bench):
        wires = bench.wiring.wires
        on_bus = {bus: lambda bus=bus: wires[bus].find("cockpit").wire is wires[bus] for bus in wires}
        assert (on_bus["body"](), on_bus["chassis"]()) == (True, True)
        bench.relay("body through").open()
        bench.relay("chassis open").close()
        bench.sleep("500 ms")
        assert (on_bus["body"](), on_bus["chassis"]()) == (False, False)
        bench.relay("body through").close()
        bench.relay("chassis open").open()
        bench.sleep("1 s")
        bench.signal_should_be("ClusterState", "On", within="200 ms")
        bench.allow_findings("CLU_*", kinds=("cycle", "e2e"))

    final, entries = run(body, ("[reset]\n", '[reset]\nrelay = "body through"\n'), more=BUS)
    assert final.verdict is Verdict.PASS, final.message
    notes = [entry.data["text"] for entry in entries if entry.kind == "note"]
    assert "body: cockpit error warning -> error passive (TEC 128, REC 0)" in notes
    assert "chassis: cockpit error warning -> error passive (TEC 128, REC 0)" in notes


@pytest.mark.parametrize(
    ("body", "more", "verdict", "words"),
    [
        (lambda b: b.relay("KL51").close(), without_cut(), Verdict.USAGE, "no contact 'KL51'"),
        (lambda b: b.relay("KL15").close(), "", Verdict.NOT_RUN, "no relay"),
    ],
)
def test_a_contact_that_is_not_there(run, body, more, verdict, words):
    replaced = (POWER,) if more else ()
    final, _ = run(body, *replaced, more=more)
    assert final.verdict is verdict
    assert words in final.message


@pytest.mark.parametrize(
    ("more", "replaced", "words"),
    [
        (BOARD.replace("KL15 = 1", "KL15 = 2"), (), ("channel 2 switches", "contacts.KL15")),
        (BOARD.replace("KL15 = 1", "KL15 = 0"), (), ("no channel 0", "count from 1")),
        (BOARD, [("[reset]\n", '[reset]\nrelay = "KL31"\n')], ("reset.relay", "no contact 'KL31'", "did you mean")),
        (BOARD, [('signal = "BCM_PowerMode.PowerMode"', 'relay = "KL16"')], ("ignition.relay", "did you mean 'KL15'")),
        (BOARD, [('signal = "BCM_PowerMode.PowerMode"\n', "")], ("ignition: needs a signal or a relay",)),
        (BOARD.replace("contacts", "contact"), (), ("unknown key 'relay.board.contact'",)),
        (BOARD.replace('"virtual"', '"lcus"'), (), ("lcus",)),
        (BOARD + BOARD.replace("relay.board", "relay.other"), [("[reset]\n", '[reset]\nrelay = "KL30"\n')],
         ("which contact 'KL30'", "board.KL30, other.KL30")),
    ],
)  # fmt: skip
def test_a_bench_file_with_a_wrong_relay_is_refused_in_one_line(bench_file, more, replaced, words):
    with pytest.raises(UsageError) as refusal:
        plan(bench_config.load(bench_file(more, *replaced)))
    for word in words:
        assert word in str(refusal.value)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (BOARD.replace("supply battery", "suply battery"), "did you mean 'supply ...'"),
        (BOARD.replace("key pad home", "key pad hmoe"), "no key 'hmoe'"),
        (BOARD.replace("drives = { KL30", "drives = { KL31"), "no contact 'KL31'"),
        (BUS.replace("bus body cockpit", "bus bdoy cockpit"), "no simulated bus 'bdoy'.*chassis, body"),
        (BUS.replace("bus body cockpit", "bus body radio"), "no virtual ECU 'radio' is on bus body.*cockpit"),
        (BUS.replace("bus body cockpit", "bus body"), "'bus body' can't hang"),
        (BUS.replace("cockpit NC", "NC"), "'bus chassis' can't hang"),
        (BUS.replace("bus body cockpit", ""), "'' can't hang"),
    ],
)
def test_what_cannot_hang_on_a_contact_is_refused(bench_file, more, words):
    with pytest.raises(UsageError, match=words):
        wiring.Wiring(plan(bench_config.load(bench_file(more))), "seed")
