"""The bench file: each way it can be wrong is one clear line with file, key and remedy; and what good ones may do."""

import os
import re
import shutil
import textwrap

import pytest

from hil.bench import config as bench_config
from hil.bench.config import BenchConfig
from hil.bench.plan import plan
from hil.bench.wiring import open_bench
from hil.errors import UsageError

NOISE = ("Errno", "codec", "Input should be a valid dictionary", "<class", "Traceback", "ValidationError", "{", "\\")


@pytest.fixture
def folder(tmp_path, repository):
    """A bench folder outside of any repository, with database and layout beside the bench file."""
    shutil.copy(repository / "tests" / "data" / "cabin.dbc", tmp_path / "cabin.dbc")
    shutil.copytree(repository / "fixtures" / "layouts", tmp_path / "layouts")
    return tmp_path


@pytest.fixture
def virtual(repository):
    return (repository / "tests" / "data" / "cabin.virtual.toml").read_text(encoding="utf-8")


@pytest.fixture
def real(repository):
    return (repository / "tests" / "data" / "cabin.udp.toml").read_text(encoding="utf-8")


def check(folder, text):
    """Everything that can be said of a bench file without touching a port."""
    path = folder / "bench.toml"
    path.write_text(text, encoding="utf-8")
    return plan(bench_config.load(path))


def mistake(folder, text):
    """What is said of a wrong file, after its name."""
    with pytest.raises(UsageError) as error:
        check(folder, text)
    line = str(error.value)
    where = re.match(re.escape(str(folder / "bench.toml")) + r"(:\d+)?: ", line)
    assert where is not None, line
    line = line.removeprefix(where[0])
    assert line.isprintable()
    assert len(line) < 250
    assert line.count("Remedy: ") == 1
    assert not any(noise in line for noise in NOISE)
    return line


def change(text, old, new):
    assert old in text
    return text.replace(old, new, 1)


WRONG = [
    # unknown keys
    ("[ignition]", "[ignitoin]", "unknown key 'ignitoin'. Remedy: did you mean 'ignition'?"),
    ("[bench]", "x = 1\n[bench]", "unknown key 'x'. Remedy: known here: audio, bench, bus, console, diag, dut, "),
    ('off = "Off"', 'offf = "Off"', "unknown key 'ignition.offf'. Remedy: did you mean 'off'?"),
    (
        'kind = "virtual"\nbus',
        'kind = "virtual"\nbsu = "x"\nbus',
        "unknown key 'ecu.cockpit.bsu'. Remedy: did you mean",
    ),
    ("within =", "wihtin =", "unknown key 'reset.probe.wihtin'. Remedy: did you mean 'within'?"),
    ('port = "sim"', 'port = "sim"\nfd = true', "unknown key 'bus.cabin.fd'. Remedy: "),
    # wrong types
    ("bitrate = 500_000", 'bitrate = "fast"', "bus.cabin.bitrate: Input should be a valid integer (given: 'fast'). "),
    ("bitrate = 500_000", "bitrate = 0", "bus.cabin.bitrate: Input should be greater than 0 (given: 0). Remedy: "),
    ('["COCKPIT"]', '"COCKPIT"', "bus.cabin.real_nodes: Input should be a valid list (given: 'COCKPIT'). Remedy: "),
    ('clock = "virtual"', 'clock = "fast"', "bench.clock: Input should be 'virtual' or 'real' (given: 'fast'). Remedy"),
    (
        'clock = "virtual"',
        'clock = "virtual"\ntimeout = true',
        "bench.timeout: Input should be a valid number (given: ",
    ),
    (
        '"KL30 cycle"',
        '"KL31 cycle"',
        "reset.steps.0: Input should be 'start values', 'default session', 'clear DTCs', ",
    ),
    # missing
    ('database = "cabin.dbc"\n', "", "the key 'bus.cabin.database' is missing. Remedy: add it."),
    ("max_current_A = 10.0", "", "the key 'supply.battery.max_current_A' is missing. Remedy: add it."),
    ("[bench]", "[dut.x]\n[b]", "the key 'bench' is missing (and 2 more). Remedy: add it."),
    ("[bench]", "[dut.x]\n[bunch]", "unknown key 'bunch' (and 2 more). Remedy: did you mean 'bench'?"),
    ("database =", "databse =", "unknown key 'bus.cabin.databse'. Remedy: did you mean 'database'?"),
    (
        "cabin.dbc",
        "cabi.dbc",
        "bus.cabin.database: there is no file 'cabi.dbc'. Remedy: paths are relative to the bench",
    ),
    (
        "layouts/alta/cluster.toml",
        "x.toml",
        "screen.cluster.layout: there is no file 'x.toml'. Remedy: paths are relative",
    ),
    ("cabin.dbc", "layouts", "bus.cabin.database: there is no file 'layouts'. Remedy: paths are relative"),
    # syntax
    (
        'clock = "virtual"',
        "clock = virtual",
        "is no TOML: Invalid value (at line 5, column 9). Remedy: correct the line",
    ),
    (
        "[reset]",
        "[reset",
        "is no TOML: Expected ']' at the end of a table declaration (at line 39, column 7). Remedy: ",
    ),
    # ports
    ('port = "sim"', 'port = "simm"', "bus.cabin: no can port 'simm'. Remedy: did you mean 'sim'?"),
    (
        'port = "sim"',
        'port = "zzz"',
        "bus.cabin: no can port 'zzz'. Remedy: there is: python-can, sim, or 'module:Class'",
    ),
    (
        'source = "virtual"',
        'source = "x"',
        "screen.cluster: no screen port 'x'. Remedy: there is: command, http, virtual",
    ),
    (
        'port = "sim"',
        'port = "no_such:Port"',
        "bus.cabin: 'no_such:Port' can't be imported: No module named 'no_such'. ",
    ),
    ('port = "sim"', 'port = "json:Port"', "bus.cabin: 'json:Port' can't be imported: module 'json' has no attribute "),
    # virtual and real
    (
        'port = "sim"',
        'port = "python-can"\ninterface = "virtual"\nchannel = "x"',
        "bus.cabin: 'python-can' drives something real, which can't follow a virtual clock. Remedy: set [bench] clock",
    ),
    ('clock = "virtual"', 'clock = "real"', "ecu.cockpit: a virtual ECU in the bench's own process needs the virtual "),
    # references
    ('bus = "cabin"', 'bus = "cabn"', "ecu.cockpit.bus: 'cabn' is no bus of this bench. Remedy: there is: cabin."),
    ('bus = "cabin"\n', "", "ecu.cockpit.bus: is needed by a virtual ECU. Remedy: there is: cabin."),
    ('bus = "cabin"\nscreen = "cluster"', 'bus = "x"\nscreen = "y"', "ecu.cockpit.bus: 'x' is no bus of this bench. "),
    (
        'bus = "cabin"\nscreen = "cluster"',
        'bus = "cabin"\nscreen = ["cluster", "x"]',
        "ecu.cockpit.screen: 'x' is no screen ",
    ),
    # limits
    (
        "max_voltage_V = 16.0",
        "max_voltage_V = 0",
        "supply.battery.max_voltage_V: Input should be greater than 0 (given",
    ),
    ("max_current_A = 10.0", "max_current_A = -1", "supply.battery.max_current_A: Input should be greater than 0 (giv"),
    ("max_current_A = 10.0", "max_current_A = nan", "supply.battery.max_current_A: Input should be a finite number"),
    (
        'within = "5 s"',
        'within = "-5 s"',
        "reset.probe.within: a duration can't be negative: -5 s. Remedy: ",
    ),
    (
        'name = "virtual"',
        'name = "a/b"',
        "bench.name: only letters, digits, '.', '_' and '-', at most 40 of them (given: 'a/b')",
    ),
    ("[bench]", 'path = "x"\n[bench]', "unknown key 'path'"),
    ("bitrate = 500_000", "bitrat = 500_000", "unknown key 'bus.cabin.bitrat'. Remedy: did you mean 'bitrate'?"),
    ("[bus.cabin]", "[bus]\ncabin = 3\n[bus.other]", "bus.cabin: should be a table (given: 3)"),
    (
        'clock = "virtual"',
        'clock = "virtual"\ntimeout = "soon"',
        "bench.timeout: 'soon' is no number with a unit. Remedy: write ",
    ),
    ('clock = "virtual"', 'clock = "virtual"\ntimeout = 0', "bench.timeout: Input should be greater than 0"),
    ('clock = "virtual"', 'clock = "virtual"\nwatchdog = 0', "bench.watchdog: Input should be greater than 0"),
    ("max_current_A = 10.0", "max_current_A = inf", "supply.battery.max_current_A: Input should be a finite number"),
    ("voltage_V = 13.5", "voltage_V = 20.0", "supply.battery.voltage_V: 20 V is beyond max_voltage_V"),
    (
        '["COCKPIT"]',
        '["COCKPT"]',
        "bus.cabin.real_nodes: no node 'COCKPT' in cabin.dbc. Remedy: did you mean 'COCKPIT'?",
    ),
    ('port = "sim"', 'port = "json:loads"', "bus.cabin: 'json:loads' is no port"),
    ('port = "sim"', 'port = ":Port"', "bus.cabin: ':Port' can't be imported"),
    ('port = "sim"', 'port = ".rel:X"', "bus.cabin: '.rel:X' can't be imported. Remedy: write it as 'module:Class'."),
    ('port = "sim"', 'port = "json:"', "bus.cabin: 'json:' can't be imported. Remedy: write it as 'module:Class'."),
    (
        'port = "sim"',
        'port = "hil.bench.ports:Site"',
        "bus.cabin: 'hil.bench.ports:Site' is no port: it has no Options, real, resources, make. Remedy: a port is a",
    ),
    ("BCM_PowerMode.PowerMode", "BCM_PowerMode.PowerMod", "ignition.signal: no signal 'BCM_PowerMode.PowerMod'"),
    ("CLU_Status.ClusterState", "CLU_Status.ClusterSate", "reset.probe.signal: no signal 'CLU_Status.ClusterSate'"),
    ('on = "On"', 'on = "Onn"', "ignition.on: 'Onn' is no value of"),
    ('console = "main"\npart', 'console = "mian"\npart', "dut.console: 'mian' is no console of this bench"),
    ("part = 'part (\\S+)'", "part = 'part (\\S+'", "dut.part: "),
    ('supply = "battery"', 'supply = "battery"\ndefects = ["no_such"]', "ecu.cockpit.defects: no defect 'no_such'"),
    # the probe
    (
        'signal = "CLU_Status.ClusterState", value = "On", within',
        "within",
        "reset.probe: it needs either a signal with its value or a line on a console. Remedy: ",
    ),
    ('value = "On"', 'value = "On", line = "up"', "reset.probe: it needs either a signal with its value or a line "),
    (', value = "On"', "", "the key 'reset.probe.value' is missing. Remedy: add it."),
    ('signal = "CLU_Status.ClusterState", value = "On"', 'line = "("', "reset.probe.line: is no regular expression: "),
    (
        'signal = "CLU_Status.ClusterState", value = "On"',
        'line = "up", console = "x"',
        "reset.probe.console: 'x' is no console of this bench. Remedy: there is: main.",
    ),
    ('value = "On"', 'value = "Onn"', "reset.probe.value: 'Onn' is no value of"),
    # facts
    ("part = 'part", "part = '(part)", "dut.part: needs one group. Remedy: "),
    ('console = "main"\npart', "part", "dut.part: it needs a console to be read from. Remedy: add dut.console."),
    # tables
    ("[bench]", "process = 3\n[bench]", "process: should be a table (given: 3). Remedy: write [process], with its "),
    ("[dut]", '[ecu.x]\nkind = "real"\nbus = "x"\n[dut]', "ecu.x.bus: 'x' is no bus of this bench. Remedy: there is"),
    ("[dut]", '[process.x]\ncommand = ["x"]\n[dut]', "process: a process can't follow a virtual clock. Remedy: "),
]


@pytest.mark.parametrize(("old", "new", "line"), WRONG)
def test_a_wrong_file_is_one_clear_line(folder, virtual, old, new, line):
    assert mistake(folder, change(virtual, old, new)).startswith(line)


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ('channel = "239.74.163.2"\noptions', "options", "the key 'bus.cabin.channel' is missing. Remedy: add it."),
        ('interface = "udp', 'interfac = "x"\ninterface = "udp', "unknown key 'bus.cabin.interfac'. Remedy: did you m"),
        ('url = "{ecu.console}"', 'url = 3', "console.main.url: Input should be a valid string (given: 3). Remedy: "),
        ('url = "{ecu.supply}"', 'url = "x"\nbaudrate = 0', "supply.battery.baudrate: Input should be greater than 0"),
        ("command = [", "ready_in = 1\ncommand = [", "unknown key 'process.ecu.ready_in'. Remedy: did you mean 'r"),
        ('clock = "real"', 'clock = "virtual"', "bus.cabin: 'python-can' drives something real, which can't follow"),
    ],
)  # fmt: skip
def test_a_wrong_port_option_is_one_clear_line(folder, real, old, new, line):
    assert mistake(folder, change(real, old, new)).startswith(line)


def test_what_is_wrong_in_a_section_is_told_with_its_line(folder, virtual):
    text = change(virtual, 'port = "sim"', 'port = "simm"')
    line = text.splitlines().index("[bus.cabin]") + 1
    with pytest.raises(UsageError, match=rf"bench\.toml:{line}: bus\.cabin: no can port 'simm'"):
        check(folder, text)


def test_a_misspelt_key_is_not_told_as_a_missing_one(folder, real):
    line = mistake(folder, change(real, 'channel = "239', 'chanel = "239'))
    assert line.startswith("unknown key 'bus.cabin.chanel' (and 1 more). Remedy: did you mean 'channel'?")


def test_a_process_cannot_follow_a_virtual_clock(folder, virtual):
    with pytest.raises(UsageError, match="process: a process can't follow a virtual clock"):
        check(folder, virtual + '\n[process.x]\ncommand = ["x"]\n')


def test_a_bench_file_that_is_not_there_names_its_neighbours(folder, virtual):
    check(folder, virtual)
    with pytest.raises(UsageError) as error:
        bench_config.load(folder / "bensh.toml")
    near = folder / "bench.toml"
    assert str(error.value) == f"{folder / 'bensh.toml'}: there is no such bench file. Remedy: found here: {near}."


def test_a_bench_file_nowhere_near_another_says_what_to_do(folder, monkeypatch):
    monkeypatch.chdir(folder)
    with pytest.raises(UsageError, match=r"there is no such bench file\. Remedy: give --bench FILE\."):
        bench_config.load(folder / "none" / "bench.toml")


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda path: path.mkdir(), id="folder"),
        pytest.param(lambda path: path.write_bytes(b"\xff\xfe\x00"), id="binary"),
    ],
)
def test_what_is_no_text_file_is_refused_without_noise(folder, make):
    path = folder / "odd.toml"
    make(path)
    with pytest.raises(UsageError) as error:
        bench_config.load(path)
    assert not any(noise in str(error.value) for noise in NOISE)


def test_a_broken_database_is_told_with_its_own_name_and_line(folder, virtual):
    broken = (
        (folder / "cabin.dbc").read_text(encoding="utf-8").replace("BO_ 256 BCM_PowerMode:", "BO_ 256 BCM_PowerMode")
    )
    (folder / "cabin.dbc").write_text(broken, encoding="utf-8")
    line = broken[: broken.index("BO_ 256 ")].count("\n") + 1
    assert [item.where for item in check(folder, virtual).tolerated["cabin"]] == [f"{folder / 'cabin.dbc'}:{line}"]
    with pytest.raises(UsageError) as error:
        check(folder, change(virtual, 'database = "cabin.dbc"', 'database = "cabin.dbc"\ntolerant = false'))
    assert str(error.value).startswith(f"{folder / 'cabin.dbc'}:{line}: ")


def test_a_broken_layout_is_told_with_its_own_name(folder, virtual):
    (folder / "layouts" / "alta" / "cluster.toml").write_text("size = [", encoding="utf-8")
    with pytest.raises(UsageError) as error:
        check(folder, virtual)
    assert "cluster.toml: is no TOML" in str(error.value)
    assert str(error.value).isprintable()


# Good ones ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["virtual", "udp", "vcan", "socketcan", "sja1000"])
def test_our_own_benches_are_in_order(repository, name):
    made = plan(bench_config.load(repository / "fixtures" / "benches" / f"{name}.toml"))
    assert made.config.bench.name == name
    assert set(made.network.databases) == {"chassis", "body"}


def test_paths_are_relative_to_the_bench_file(folder, virtual, tmp_path_factory, monkeypatch):
    check(folder, virtual)
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    monkeypatch.chdir(elsewhere)
    for path in (folder / "bench.toml", bench_config.Path(os.path.relpath(folder / "bench.toml", elsewhere))):
        made = plan(bench_config.load(path))
        assert "cabin.dbc" in made.files
        assert len(made.network.databases["cabin"].messages) > 3


def test_absolute_paths_are_taken_as_they_are(folder, virtual, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    text = virtual.replace('"cabin.dbc"', f"'{folder / 'cabin.dbc'}'")
    text = text.replace('"layouts/alta/cluster.toml"', f"'{folder / 'layouts' / 'alta' / 'cluster.toml'}'")
    assert check(elsewhere, text).files["cabin.dbc"] == (folder / "cabin.dbc").read_bytes()


def test_durations_carry_units(folder, virtual):
    text = change(virtual, 'clock = "virtual"', 'clock = "virtual"\ntimeout = "2 min"\nwatchdog = 90')
    config = check(folder, text).config
    assert (config.bench.timeout, config.bench.watchdog, config.reset.probe.within) == (120.0, 90.0, 5.0)


PORT = """
    from typing import Any

    from hil.bench.ports import Options, SimCan

    class Noisy(Options):
        level: int = 3

    class OurCan:
        Options = Noisy
        real = False
        made = []

        @staticmethod
        def resources(options: Noisy) -> list[str]:
            return [f"noise:{options.level}"]

        @staticmethod
        def make(site: Any, options: Noisy) -> Any:
            OurCan.made.append((site.name, site.bitrate, site.folder, options.level))
            return SimCan.make(site, None)
"""


def test_a_labs_own_port_by_module_and_class(folder, virtual, monkeypatch):
    (folder / "our_lab_ports.py").write_text(textwrap.dedent(PORT), encoding="utf-8")
    monkeypatch.syspath_prepend(folder)
    made = check(folder, change(virtual, 'port = "sim"', 'port = "our_lab_ports:OurCan"\nlevel = 7'))
    assert made.resources == ["noise:7"]
    opened = open_bench(made, "seed")
    assert opened.close() == []
    import our_lab_ports

    assert our_lab_ports.OurCan.made == [("cabin", 500_000, folder.resolve(), 7)]


def test_a_labs_own_port_checks_its_own_options(folder, virtual, monkeypatch):
    (folder / "our_strict_ports.py").write_text(textwrap.dedent(PORT), encoding="utf-8")
    monkeypatch.syspath_prepend(folder)
    line = mistake(folder, change(virtual, 'port = "sim"', 'port = "our_strict_ports:OurCan"\nlevle = 7'))
    assert line == "unknown key 'bus.cabin.levle'. Remedy: did you mean 'level'?"


def test_what_a_labs_own_module_raises_is_told_in_one_line(folder, virtual, monkeypatch):
    (folder / "our_broken_ports.py").write_text("raise RuntimeError('no\\ndriver')\n", encoding="utf-8")
    monkeypatch.syspath_prepend(folder)
    line = mistake(folder, change(virtual, 'port = "sim"', 'port = "our_broken_ports:Port"'))
    assert line.startswith("bus.cabin: 'our_broken_ports:Port' can't be imported: RuntimeError: no driver. Remedy: ")


def test_what_is_locked_names_the_hardware(folder, real):
    made = check(folder, real)
    assert made.resources == ["can:udp_multicast:239.74.163.2:43113"]


def test_a_file_of_a_windows_editor_is_read(folder, virtual):
    (folder / "bench.toml").write_bytes(b"\xef\xbb\xbf" + virtual.replace("\n", "\r\n").encode())
    assert bench_config.load(folder / "bench.toml").bench.name == "virtual"


def test_a_minimal_file_is_a_bench(folder):
    config = check(folder, '[bench]\nname = "x"\nclock = "virtual"\n').config
    assert isinstance(config, BenchConfig)
    assert config.is_virtual


def test_two_screens_of_one_ecu_must_say_which_is_which(folder, virtual):
    hud = '[screen.hud]\nsource = "virtual"\nlayout = "layouts/alta/cluster.toml"\n\n[console.main]'
    text = virtual.replace("[console.main]", hud).replace('screen = "cluster"', 'screen = ["cluster", "hud"]')
    (folder / "bench.toml").write_text(text)
    with pytest.raises(UsageError, match="cluster, hud don't say which is which"):
        bench_config.load(folder / "bench.toml")
    (folder / "bench.toml").write_text(text.replace("hud", "centre"))
    assert bench_config.load(folder / "bench.toml").ecu["cockpit"].screens == {"cluster": "cluster", "centre": "centre"}
