"""What a bench file says of a python-can interface: checked against python-can's own source, mapped, or refused."""

import ast
import importlib.util
import re
from pathlib import Path

import can
import pytest
from can.interfaces import BACKENDS

from hil.bench import config as bench_config
from hil.bench import wiring
from hil.bench.can_ports import slcan_setup
from hil.bench.plan import plan
from hil.can import bit_timing, drivers
from hil.can.filters import Filter, Gate
from hil.can.frames import ERROR, EXTENDED, SENT
from hil.can.interface_setup import CanSetup, resolve
from hil.can.interfaces import INTERFACES, NUMBERS, SWITCHES, Fd, Rates
from hil.can.pythoncan import _native
from hil.errors import BenchError, UsageError

OURS = {"slcan"}
"""Interfaces that a port of our own drives, with options of its own."""
ELSEWHERE = {"ixxat": ["ixxat/canlib.py"], "neovi": ["ics_neovi/neovi_bus.py"]}


def source_of(interface):
    """The text of the module that has an interface's class, without importing it: vendors' libraries aren't here."""
    module = BACKENDS[interface][0]
    folder = Path(importlib.util.find_spec("can").origin).parent
    path = folder.joinpath(*module.split(".")[1:])
    files = [path.with_suffix(".py")] if path.with_suffix(".py").is_file() else sorted(path.glob("*.py"))
    return [ast.parse(file.read_text(encoding="utf-8")) for file in files]


def read_by(interface):
    """Names that the constructor of an interface takes, or looks up in what is left over."""
    name, found = BACKENDS[interface][1], set()
    for tree in source_of(interface):
        for made in ast.walk(tree):
            if isinstance(made, ast.ClassDef) and made.name == name:
                found |= _names(next(part for part in made.body if getattr(part, "name", "") == "__init__"))
    return found


def _names(init):
    found = {argument.arg for argument in [*init.args.args, *init.args.kwonlyargs]}
    for part in ast.walk(init):
        if isinstance(part, ast.Call) and ast.unparse(part.func) in ("kwargs.get", "kwargs.pop"):
            found.add(ast.literal_eval(part.args[0]))
    return found


def test_every_interface_of_python_can_has_its_row():
    assert {name for name in BACKENDS if BACKENDS[name][0].startswith("can.")} == set(INTERFACES)


@pytest.mark.parametrize("interface", sorted(set(INTERFACES) - OURS))
def test_a_driver_reads_whatever_its_row_lets_through(interface):
    row, read = INTERFACES[interface], read_by(interface)
    handed = {*row.options, *row.fd_options, *row.listen_only, *row.always, row.fd_key}
    if row.rates is Rates.ARGUMENT:
        handed |= {"bitrate"} | ({row.data_key} if row.fd is Fd.ARGUMENT else set())
    if row.clocks_Hz or row.fd_clocks_Hz:
        handed |= {"timing"}
    if row.filters:
        handed |= {"can_filters"}
    assert handed - {""} - read == set()


@pytest.mark.parametrize("interface", sorted(INTERFACES))
def test_an_option_is_a_number_a_switch_or_text(interface):
    """A new option isn't forgotten: what is neither number nor switch is listed here."""
    texts = {"app_name", "serial", "poll_interval", "unique_hardware_id", "timeout", "frame_type", "dll", "type_filter",
             "override_library_name", "host", "poll"}  # fmt: skip
    assert set(INTERFACES[interface].options) <= NUMBERS | SWITCHES | texts


def setup(interface, channel="0", **more):
    return CanSetup(interface=interface, channel=channel, **more)


REFUSED = {
    "an unknown interface": (setup("socketcna"), "no interface 'socketcna'. Remedy: did you mean 'socketcan'?"),
    "an unknown option": (
        setup("udp_multicast", options={"prot": 1}),
        "udp_multicast would ignore the option 'prot'. Remedy: did you mean 'port'?",
    ),
    "an option with a key of its own": (
        setup("kvaser", options={"sample_point": 80}),
        "kvaser would ignore the option 'sample_point'. Remedy: the bus has a key of its own for that: sample_point.",
    ),
    "an option that the bench minds": (
        setup("vector", options={"receive_own_messages": True}),
        "vector would ignore the option 'receive_own_messages'. Remedy: leave it out; the bench sees to that.",
    ),
    "an option of CAN FD": (
        setup("ixxat", options={"ssp_dbr": 1}),
        "ixxat would ignore the option 'ssp_dbr'. Remedy: it has a meaning with CAN FD only: give data_bitrate, or "
        "leave it out.",
    ),
    "a number in quotes": (
        setup("udp_multicast", options={"port": "43113"}),
        "udp_multicast's option 'port' is a number, not '43113'. Remedy: write it without quotes.",
    ),
    "a switch that is none": (
        setup("kvaser", options={"exclusive": 1}),
        "kvaser's option 'exclusive' is true or false, not 1. Remedy: write it without quotes.",
    ),
    "a channel that is no number": (
        setup("kvaser", "can0"),
        "channels of kvaser are numbers, not 'can0'. Remedy: write it as channel = \"0\".",
    ),
    "a bit rate that would become 500000": (
        setup("pcan", bitrate=400_000),
        "pcan has no bit rate of 400000. Remedy: it knows 5000, 10000, 20000, 33000, 47000, 50000, 83000, 95000, "
        "100000, 125000, 250000, 500000, 800000, 1000000, others with a sample_point.",
    ),
    "CAN FD on a classic adapter": (
        setup("gs_usb", data_bitrate=2_000_000),
        "gs_usb has no CAN FD. Remedy: leave data_bitrate out, or use an adapter with CAN FD.",
    ),
    "a sample point where it can't be set": (
        setup("gs_usb", sample_point=80.0),
        "gs_usb takes no sample point; it samples at 87.5 %. Remedy: leave it out, or use another interface of the "
        "adapter (SocketCAN takes one by 'ip link').",
    ),
    "a sample point where there is no bit time": (
        setup("udp_multicast", sample_point=80.0),
        "udp_multicast would ignore the sample point. Remedy: leave it out: the bit rate is set by nobody: there is no "
        "bit time.",
    ),
    "a sample point as a fraction": (
        setup("pcan", sample_point=0.8),
        "a sample_point of 0.8 is none. Remedy: write it as percent, between 50 and 100: sample_point = 80.",
    ),
    "a data sample point without CAN FD": (
        setup("pcan", data_sample_point=80.0),
        "data_sample_point has no meaning without CAN FD. Remedy: give data_bitrate, or leave it out.",
    ),
    "a sample point that can't be met": (
        setup("pcan", bitrate=1_000_000, sample_point=82.0),
        "pcan can't sample at 82 %. Remedy: the nearest that it can is sample_point = 87.5.",
    ),
    "a bit rate that no divider gives": (
        setup("vector", bitrate=333_000, sample_point=80.0),
        "no divider of 16 or 8 MHz gives vector 333000 bit/s. Remedy: correct the bit rate.",
    ),
    "listening only where that can't be": (
        setup("ixxat", listen_only=True),
        "ixxat would ignore listen_only. Remedy: leave it out; restbus = false keeps the bench silent.",
    ),
}


@pytest.mark.parametrize(("wrong", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_what_an_interface_would_ignore_is_refused_in_one_line(wrong, words):
    with pytest.raises(UsageError) as error:
        resolve(wrong, "lab.toml: bus.body")
    assert str(error.value) == f"lab.toml: bus.body: {words}"


MAPPED = {
    "socketcan": (setup("socketcan", "can0", data_bitrate=2_000_000, listen_only=True), "can0", {"fd": True}),
    "udp": (setup("udp_multicast", "239.0.0.1", options={"port": 5}), "239.0.0.1", {"fd": False, "port": 5}),
    "gs_usb": (setup("gs_usb", "1", bitrate=400_000, sample_point=87.5), 1, {"bitrate": 400_000}),
    "seeed": (
        setup("seeedstudio", "/dev/ttyUSB0", listen_only=True),
        "/dev/ttyUSB0",
        {"bitrate": 500_000, "operation_mode": "silent"},
    ),
    "cantact": (setup("cantact", listen_only=True), 0, {"bitrate": 500_000, "monitor": True}),
    "kvaser": (setup("kvaser", "2", listen_only=True), 2, {"bitrate": 500_000, "driver_mode": False}),
    "pcan": (setup("pcan", "PCAN_USBBUS1", listen_only=True), "PCAN_USBBUS1", {"bitrate": 500_000, "state": "PASSIVE"}),
    "ixxat": (
        setup("ixxat", data_bitrate=2_000_000),
        0,
        {"fd": True, "bitrate": 500_000, "data_bitrate": 2_000_000},
    ),
    "neovi": (
        setup("neovi", "HSCAN"),
        "HSCAN",
        {"fd": False, "bitrate": 500_000, "receive_own_messages": False},
    ),
    "nixnet": (
        setup("nixnet", "CAN1", data_bitrate=2_000_000),
        "CAN1",
        {"fd": True, "bitrate": 500_000, "fd_bitrate": 2_000_000},
    ),
}


@pytest.mark.parametrize(("right", "channel", "arguments"), MAPPED.values(), ids=MAPPED.keys())
def test_what_an_interface_takes_is_put_into_its_words(right, channel, arguments):
    drive = resolve(right, "lab.toml: bus.body")
    assert (drive.channel, drive.arguments, drive.timing) == (channel, arguments, None)


@pytest.mark.parametrize(
    ("interface", "clock_Hz"), [("pcan", 8_000_000), ("vector", 16_000_000), ("kvaser", 16_000_000)]
)
@pytest.mark.parametrize("bitrate", [125_000, 250_000, 500_000])
@pytest.mark.parametrize("point", [75.0, 87.5])
def test_a_sample_point_becomes_a_timing_that_python_can_agrees_with(interface, clock_Hz, bitrate, point):
    """python-can's own arithmetic is the oracle."""
    drive = resolve(setup(interface, bitrate=bitrate, sample_point=point), "")
    native = _native(drive.timing)
    assert (native.f_clock, native.bitrate, drive.arguments) == (clock_Hz, bitrate, {})
    assert native.sample_point == pytest.approx(point, abs=2.5)
    best = can.BitTiming.from_sample_point(f_clock=clock_Hz, bitrate=bitrate, sample_point=point)
    assert abs(native.sample_point - point) <= abs(best.sample_point - point)


@pytest.mark.parametrize("interface", ["pcan", "vector", "kvaser"])
@pytest.mark.parametrize("data_bitrate", [2_000_000, 4_000_000, 5_000_000])
def test_can_fd_without_a_sample_point_samples_at_80_percent(interface, data_bitrate):
    drive = resolve(setup(interface, data_bitrate=data_bitrate), "")
    native = _native(drive.timing)
    assert (native.nom_bitrate, native.data_bitrate) == (500_000, data_bitrate)
    assert (native.nom_sample_point, native.data_sample_point) == (80.0, pytest.approx(80.0, abs=2.5))
    assert native.f_clock in INTERFACES[interface].fd_clocks_Hz
    assert can.BitTimingFd(**dict(native), strict=True) == native


def test_both_phases_share_a_divider_where_they_can():
    timing = bit_timing.flexible([80_000_000], (500_000, 80.0), (2_000_000, 80.0))
    assert timing.nominal.brp == timing.data.brp


def test_a_filter_lets_in_what_it_names_and_what_the_bench_sends():
    gate = Gate([Filter(0x100, 0x700), Filter(0x12345678, extended=True)])
    assert gate.passes(0x1FF, 0)
    assert gate.passes(0x12345678, EXTENDED)
    assert not gate.passes(0x100, EXTENDED)
    assert not gate.passes(0x200, 0)
    assert gate.passes(0x200, SENT)
    assert gate.passes(0x20, ERROR)
    assert gate.admit(0x200, 0)
    assert not gate.admit(0x200, 0)
    assert gate.passes(0x200, 0)
    assert Gate([]).passes(0x7FF, 0)
    assert not Gate([]).admit(0x7FF, 0)


BENCH = """[bench]
name = "lab"
clock = "real"

[bus.body]
port = "python-can"
database = "body.dbc"
interface = "pcan"
channel = "PCAN_USBBUS1"
"""
DBC = """VERSION ""
BU_: A
BO_ 256 M: 1 A
 SG_ S : 0|8@1+ (1,0) [0|255] "" Vector__XXX
"""


def planned(folder, more):
    (folder / "body.dbc").write_text(DBC)
    (folder / "lab.toml").write_text(BENCH + more)
    return plan(bench_config.load(folder / "lab.toml"))


def test_a_bench_file_with_all_keys_is_taken(tmp_path):
    more = """bitrate = 500_000
data_bitrate = 2_000_000
sample_point = 80
data_sample_point = 75
listen_only = true
restbus = false
filters = [{ id = 0x100, mask = 0x700 }, { id = 0x18DAF110 }]
options = { auto_reset = true }
"""
    made = planned(tmp_path, more)
    options = made.config.bus["body"].options
    assert options["filters"][1] == {"id": 0x18DAF110}


def test_slcan_is_set_by_commands(tmp_path):
    def rate(**more):
        setup = CanSetup(interface="slcan", channel="/dev/ttyACM0", **more)
        return slcan_setup(setup, resolve(setup, "").timing, "").rate

    assert [rate(bitrate=bitrate) for bitrate in (10_000, 125_000, 500_000, 800_000, 1_000_000)] == [
        "S0", "S4", "S6", "S7", "S8",
    ]  # fmt: skip
    assert rate(bitrate=750_000, options={"s7": 750_000}) == "S7"
    btr = rate(bitrate=500_000, sample_point=87.5)
    native = can.BitTiming.from_registers(8_000_000, int(btr[1:3], 16), int(btr[3:5], 16))
    assert (btr[0], native.bitrate, native.sample_point) == ("s", 500_000, 87.5)
    for wrong, words in (
        ({"bitrate": 750_000}, "S7 of slcan is 800000 bit/s at Lawicel's and 750000 at others. Remedy: if it is so at "
         "yours, write options = { s7 = 750000 }."),
        ({"data_bitrate": 4_000_000}, "slcan has no data bit rate of 4000000. Remedy: it knows 2000000, 5000000."),
    ):  # fmt: skip
        with pytest.raises(UsageError) as error:
            rate(**wrong)
        assert str(error.value) == words


WRONG = {
    "an option that would be ignored": (
        "options = { bitrate = 1 }",
        "bus.body: pcan would ignore the option 'bitrate'",
    ),
    "a filter that doesn't fit": ("filters = [{ id = 0x800, extended = false }]", "doesn't fit 11 bits"),
    "a filter with a key too many": ("filters = [{ id = 0x80, masque = 1 }]", "masque"),
    "a restbus on a bus that listens": ("listen_only = true", "a bus that only listens can't have a restbus"),
    "a bit rate": ("bitrate = 400_000", "pcan has no bit rate of 400000"),
}


@pytest.mark.parametrize(("more", "words"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_bench_file_is_told_before_anything_is_opened(tmp_path, more, words):
    with pytest.raises(UsageError) as error:
        planned(tmp_path, more)
    assert words in str(error.value)
    assert str(error.value).startswith(str(tmp_path / "lab.toml"))
    assert "Remedy: " in str(error.value)
    assert "\n" not in str(error.value)


def rows_of_the_page():
    text = (Path(__file__).parents[2] / "docs" / "bench-file.md").read_text(encoding="utf-8")
    table = text.partition("| interface | channel | bit rate |")[2].partition("\n\n")[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]


def test_the_table_in_the_documents_says_what_the_rows_say():
    said = {row[0].strip('`"'): row[1:] for row in rows_of_the_page()}
    assert set(said) == set(INTERFACES)
    for name, (channel, rate, fd, point, listen, options) in said.items():
        row = INTERFACES[name]
        assert (channel == "number") == row.numbered or name in ("vector", "canalystii"), name
        assert (rate == "yes") == (row.rates is Rates.ARGUMENT), name
        assert (fd != "no") == (row.fd is not Fd.NO), name
        assert (point == "yes") == bool(row.clocks_Hz), name
        assert point.startswith(f"{row.fixed_sample_point:g}") if row.fixed_sample_point else True, name
        assert (listen == "yes") == bool(row.listen_only), name
        assert tuple(word.strip(" `,;") for word in options.split("`")[1::2]) == row.options + row.fd_options, name


# What an adapter needs to be installed --------------------------------------------------------------------------------


def test_every_interface_of_an_adapter_says_what_must_be_installed():
    assert set(drivers.DRIVERS) == set(INTERFACES) - {"virtual", "udp_multicast"}


@pytest.mark.parametrize("interface", sorted(set(drivers.DRIVERS) - {"vector", "neovi", "ixxat"}))
def test_the_library_is_the_one_that_python_can_looks_for(interface):
    folder = Path(importlib.util.find_spec("can").origin).parent.joinpath(*BACKENDS[interface][0].split(".")[1:])
    files = folder.glob("*.py") if folder.is_dir() else [folder.with_suffix(".py"), *folder.parent.glob("*.py")]
    source = "".join(file.read_text(encoding="utf-8") for file in files).lower()
    for name in re.findall(r"\b([\w-]+)\.(?:dll|so)\b", drivers.DRIVERS[interface].lower()):
        assert name.removeprefix("lib") in source, name


def test_an_adapter_that_can_not_be_opened_says_what_to_install(tmp_path):
    made = wiring.Wiring(planned(tmp_path, ""), "seed")
    with pytest.raises(BenchError, match=r"pcan .*can't be opened.*'pcan' needs PEAK's driver with PCAN-Basic"):
        made.clock.run(made.open())
    made.close()
