"""Databases and signals: names, values, start values, bits, and one clear line for each way a file can be wrong."""

import contextlib
import random
import struct
import subprocess
import sys

import pytest

from hil.can import database
from hil.can.database import Network
from hil.can.frames import EXTENDED, FD, CanFrame
from hil.can.traits import AttributeNames, E2eConfig, message_traits
from hil.errors import UsageError

HEAD = 'VERSION ""\n\nNS_ :\n\nBS_:\n\nBU_: ECU GATEWAY\n\n'
BODY = (
    HEAD
    + """BO_ 256 Speed: 8 GATEWAY
 SG_ VehicleSpeed : 0|16@1+ (0.01,0) [0|300] "km/h" ECU
 SG_ Acceleration : 16|16@1- (0.001,0) [0|0] "" ECU
 SG_ Direction : 32|2@1+ (1,0) [0|3] "" ECU
 SG_ Valid : 34|1@1+ (1,0) [0|1] "" ECU

BO_ 257 Climate: 8 GATEWAY
 SG_ Cabin : 7|12@0- (0.5,-40) [-1000|1000] "degC" ECU
 SG_ Pressure : 31|32@0- (1,0) [0|0] "bar" ECU

BO_ 258 Paged: 8 GATEWAY
 SG_ Page M : 0|8@1+ (1,0) [0|0] "" ECU
 SG_ Left m1 : 8|16@1+ (1,0) [0|0] "V" ECU
 SG_ Right m2 : 8|8@1+ (1,0) [0|0] "" ECU
 SG_ Always : 32|8@1+ (1,0) [0|0] "" ECU

BO_ 2147484160 Far: 16 GATEWAY
 SG_ Valid : 0|1@1+ (1,0) [0|1] "" ECU

SIG_VALTYPE_ 257 Pressure : 1;
BA_DEF_ SG_  "GenSigStartValue" FLOAT 0 100000000000;
BA_DEF_ BO_  "GenMsgCycleTime" INT 0 65535;
BA_DEF_ BO_  "VFrameFormat" ENUM  "StandardCAN","ExtendedCAN","StandardCAN_FD","ExtendedCAN_FD";
BA_DEF_DEF_  "GenSigStartValue" 0;
BA_DEF_DEF_  "GenMsgCycleTime" 0;
BA_DEF_DEF_  "VFrameFormat" "StandardCAN";
BA_ "GenMsgCycleTime" BO_ 256 20;
BA_ "VFrameFormat" BO_ 2147484160 3;
BA_ "GenSigStartValue" SG_ 256 Direction 2;
VAL_ 256 VehicleSpeed 65535 "SNA" ;
VAL_ 256 Direction 3 "Reserved" 2 "Reserved" 1 "Backward" 0 "Forward" ;
VAL_ 256 Valid 0 "No" 1 "Yes" ;
"""
)


def load(text, where="net/cabin.dbc"):
    return database.load(text, ".dbc", where)


@pytest.fixture(scope="module")
def network():
    return Network({"cabin": load(BODY), "chassis": load(BODY.replace("Acceleration", "YawRate"))})


@pytest.fixture(scope="module")
def cabin():
    return Network({"cabin": load(BODY)})


# Names ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("Acceleration", "cabin::Speed.Acceleration"),
        ("YawRate", "chassis::Speed.YawRate"),
        ("cabin::VehicleSpeed", "cabin::Speed.VehicleSpeed"),
        ("chassis::Speed.VehicleSpeed", "chassis::Speed.VehicleSpeed"),
        ("cabin::Far.Valid", "cabin::Far.Valid"),
    ],
)
def test_a_name_may_leave_out_what_is_clear(network, name, found):
    assert str(network.resolve(name)) == found


def test_an_ambiguous_name_lists_every_candidate(network):
    with pytest.raises(UsageError) as error:
        network.resolve("Valid")
    names = [f"{bus}::{message}.Valid" for bus in ("cabin", "chassis") for message in ("Speed", "Far")]
    assert str(error.value) == f"'Valid' is ambiguous. Remedy: say which: {', '.join(names)}."


@pytest.mark.parametrize("name", ["cabin::Valid", "Speed.Valid", "VehicleSpeed"])
def test_a_name_that_is_still_ambiguous_says_so(network, name):
    with pytest.raises(UsageError, match="is ambiguous"):
        network.resolve(name)


@pytest.mark.parametrize(
    ("name", "mend"),
    [
        ("VehicleSped", "did you mean VehicleSpeed?"),
        ("vehiclespeed", "did you mean VehicleSpeed?"),
        ("Sped.VehicleSpeed", "did you mean VehicleSpeed?"),
        ("body::VehicleSpeed", "did you mean VehicleSpeed?"),
        ("Xyzzy", "'hil signals' lists them all."),
        ("", "'hil signals' lists them all."),
    ],
)
def test_an_unknown_name_gets_the_nearest(network, name, mend):
    with pytest.raises(UsageError) as error:
        network.resolve(name)
    assert str(error.value) == f"no signal '{name}' on this bench. Remedy: {mend}"


def test_messages_are_found_likewise(network):
    assert network.message("cabin::Paged")[0] == "cabin"
    with pytest.raises(UsageError, match=r"'Paged' is ambiguous\. Remedy: say which: cabin::Paged, chassis::Paged"):
        network.message("Paged")
    with pytest.raises(UsageError, match=r"no message 'Pagd' on this bench\. Remedy: did you mean Paged"):
        network.message("Pagd")
    with pytest.raises(UsageError, match="'hil signals' lists them all"):
        network.message("Xyzzy")


@pytest.mark.parametrize(
    ("bus", "can_id", "flags", "name"),
    [
        ("cabin", 256, 0, "Speed"),
        ("cabin", 256, EXTENDED, None),
        ("cabin", 512, EXTENDED, "Far"),
        ("cabin", 512, EXTENDED | FD, "Far"),
        ("cabin", 512, 0, None),
        ("body", 256, 0, None),
    ],
)
def test_a_frame_is_the_message_of_its_bus_and_kind_of_identifier(network, bus, can_id, flags, name):
    message = network.message_of(CanFrame(0, bus, can_id, bytes(8), flags))
    assert (message.name if message else None) == name


def test_flags_come_from_the_database(cabin):
    assert database.flags_of(cabin.message("Far")[1]) == EXTENDED | FD
    assert database.flags_of(cabin.message("Speed")[1]) == 0


# Values ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "given", "raw", "shown"),
    [
        ("VehicleSpeed", "87 km/h", 8700, "87 km/h"),
        ("VehicleSpeed", 87, 8700, "87 km/h"),
        ("VehicleSpeed", " 87 ", 8700, "87 km/h"),
        ("VehicleSpeed", "10 m/s", 3600, "36 km/h"),
        ("VehicleSpeed", "60 mph", 9656, "96.56 km/h"),
        ("VehicleSpeed", 0.29, 29, "0.29 km/h"),
        ("VehicleSpeed", 2.675, 268, "2.68 km/h"),
        ("VehicleSpeed", "300 km/h", 30000, "300 km/h"),
        ("VehicleSpeed", "SNA", 65535, "SNA"),
        ("VehicleSpeed", "sna", 65535, "SNA"),
        ("VehicleSpeed", "raw 0xFFFE", 65534, "655.34 km/h"),
        ("VehicleSpeed", "RAW 1", 1, "0.01 km/h"),
        ("Direction", "backward", 1, "Backward"),
        ("Direction", "Reserved", 2, "Reserved"),
        ("Direction", "raw 3", 3, "Reserved"),
        ("Direction", 1, 1, "Backward"),
        ("Speed.Valid", True, 1, "Yes"),
        ("Speed.Valid", False, 0, "No"),
        ("Acceleration", "-1.5", -1500, "-1.5"),
        ("Acceleration", "raw -32768", -32768, "-32.768"),
        ("Cabin", "-10 °C", 60, "-10 degC"),
        ("Cabin", -1000, -1920, "-1000 degC"),
        ("Pressure", "-1.5 bar", -1.5, "-1.5 bar"),
        ("Pressure", 1e30, 1e30, "1e+30 bar"),
    ],
)
def test_a_value_is_physical_a_label_or_raw(cabin, name, given, raw, shown):
    value = database.to_value(cabin.resolve(name), given)
    assert (value.raw, str(value)) == (raw, shown)


@pytest.mark.parametrize(
    ("name", "given", "text"),
    [
        (
            "VehicleSpeed",
            301,
            "301 km/h is out of range for cabin::Speed.VehicleSpeed. Remedy: it takes 0 to 300 km/h; ",
        ),
        ("VehicleSpeed", "-1 km/h", "-1 km/h is out of range"),
        ("VehicleSpeed", float("nan"), "nan km/h is out of range"),
        (
            "VehicleSpeed",
            "87 V",
            "cabin::Speed.VehicleSpeed: 'V' can't be converted to 'km/h'. Remedy: give the value in",
        ),
        (
            "VehicleSpeed",
            "fast",
            "'fast' is no value of cabin::Speed.VehicleSpeed. Remedy: it knows SNA, or a number in km",
        ),
        ("VehicleSpeed", "0x1F", "'0x1F' is no value of cabin::Speed.VehicleSpeed. Remedy: write 'raw 0x1F'."),
        (
            "VehicleSpeed",
            "raw 65536",
            "raw 65536 doesn't fit cabin::Speed.VehicleSpeed. Remedy: 16 bits take 0 to 65535.",
        ),
        ("VehicleSpeed", "raw -1", "raw -1 doesn't fit"),
        (
            "Direction",
            "SNA",
            "'SNA' is no value of cabin::Speed.Direction. Remedy: it knows Forward, Backward, Reserved",
        ),
        (
            "Direction",
            "3 s",
            "cabin::Speed.Direction: 's' was given, but the value has no unit. Remedy: give the number",
        ),
        (
            "Acceleration",
            32.768,
            "32.768 is out of range for cabin::Speed.Acceleration. Remedy: it takes -32.768 to 32.767",
        ),
        ("Acceleration", "x", "'x' is no value of cabin::Speed.Acceleration. Remedy: give a number."),
        ("Pressure", 1e39, "1e+39 bar is out of range"),
    ],
)
def test_what_is_no_value_is_refused_in_one_line(cabin, name, given, text):
    with pytest.raises(UsageError) as error:
        database.to_value(cabin.resolve(name), given)
    assert str(error.value).startswith(text)
    assert "\n" not in str(error.value)


# Bits -----------------------------------------------------------------------------------------------------------------


def test_little_endian_bits_are_where_the_format_says(cabin):
    message = cabin.message("Speed")[1]
    raw = {"VehicleSpeed": 0x1234, "Acceleration": -2, "Direction": 3, "Valid": 1}
    payload = bytes.fromhex("3412feff07000000")
    assert database.encode(message, raw) == payload
    assert database.decode(message, payload) == raw


def test_motorola_signed_and_float_bits_are_where_the_format_says(cabin):
    message = cabin.message("Climate")[1]
    payload = bytes.fromhex("f88000") + struct.pack(">f", -1.5) + b"\x00"
    assert database.encode(message, {"Cabin": -120, "Pressure": -1.5}) == payload
    assert database.decode(message, payload) == {"Cabin": -120, "Pressure": -1.5}
    assert database.show(cabin.resolve("Cabin"), -120).physical == -100.0


def test_a_multiplexed_payload_carries_what_its_page_selects(cabin):
    message = cabin.message("Paged")[1]
    values = {"Page": 1, "Left": 0x0102, "Right": 9, "Always": 5}
    assert database.encode(message, values) == bytes.fromhex("0102010005000000")
    assert database.encode(message, values | {"Page": 2}) == bytes.fromhex("0209000005000000")
    assert database.decode(message, bytes.fromhex("0209000005000000")) == {"Page": 2, "Right": 9, "Always": 5}


def test_a_page_that_is_not_there_is_refused(cabin):
    message = cabin.message("Paged")[1]
    with pytest.raises(UsageError, match=r"^Paged: can't be encoded: Expected multiplexer id"):
        database.encode(message, {"Page": 3, "Left": 0, "Right": 0, "Always": 0})
    with pytest.raises(UsageError, match=r"^Paged: expected multiplexer id 1 or 2, but got 3"):
        database.decode(message, b"\x03" + bytes(7))


def test_a_value_that_does_not_fit_is_refused(cabin):
    with pytest.raises(UsageError, match=r"^Speed: can't be encoded"):
        database.encode(
            cabin.message("Speed")[1], {"VehicleSpeed": 65536, "Acceleration": 0, "Direction": 0, "Valid": 0}
        )


@pytest.mark.parametrize("length", range(8))
def test_a_payload_that_is_too_short_is_refused(cabin, length):
    with pytest.raises(UsageError, match=f"^Paged: {length} of its 8 bytes came$"):
        database.decode(cabin.message("Paged")[1], bytes(length))


def test_a_longer_payload_is_read(cabin):
    assert database.decode(cabin.message("Speed")[1], bytes(12))["VehicleSpeed"] == 0


def test_start_values_come_from_the_database_else_they_are_0(cabin):
    start = {"VehicleSpeed": 0, "Acceleration": 0, "Direction": 2, "Valid": 0}
    assert database.start_values(cabin.message("Speed")[1]) == start


def test_a_multiplexer_starts_on_a_page_that_is_there(cabin):
    message = cabin.message("Paged")[1]
    assert database.start_values(message)["Page"] == 1
    assert database.encode(message, database.start_values(message)) == b"\x01" + bytes(7)


# Files that are wrong -------------------------------------------------------------------------------------------------

ONE = 'BO_ 1 M: {length} ECU\n SG_ X : {x} (1,0) [0|0] "" GATEWAY\n SG_ Y : {y} (1,0) [0|0] "" GATEWAY\n'
GOOD = ONE.format(length=8, x="0|8@1+", y="8|8@1+")
CDD = '<?xml version="1.0" encoding="utf-8"?>\n<CANDELA dtdvers="8.0.0"><ECUDOC/></CANDELA>\n'
GARBAGE = bytes(range(256)) * 8
BROKEN = {
    "syntax": (".dbc", HEAD + "BO_ 1 M 8 ECU\n", "net/bad.dbc:9: message M has no colon after its name. Remedy: write"),
    "cut off": (".dbc", BODY[: BODY.index('"km/h"') + 3], "net/bad.dbc:10:46: syntax error at '\"km': the unit"),
    "not begun": (
        ".dbc",
        "BO_ foo",
        "net/bad.dbc:1:8: syntax error at the end of the line: a name should stand there. Remedy: write",
    ),
    "overlap": (
        ".dbc",
        HEAD + ONE.format(length=8, x="0|8@1+", y="4|8@1+"),
        "net/bad.dbc:11: signals X and Y of message M overlap by 4 bits. Remedy: move one of the two signals.",
    ),
    "beyond": (
        ".dbc",
        HEAD + ONE.format(length=1, x="0|4@1+", y="4|8@1+"),
        "net/bad.dbc:11: signal Y is beyond the 1 bytes of message M. Remedy: lengthen the message",
    ),
    "empty": (".dbc", "", "net/bad.dbc: is empty. Remedy: name another"),
    "blank": (".arxml", " \n\n", "net/bad.arxml: is empty. Remedy: name another"),
    "no messages": (".dbc", HEAD, "net/bad.dbc: has no messages. Remedy: name another"),
    "binary": (".dbc", GARBAGE.decode("cp1252", "replace"), "net/bad.dbc: is no text, so it is no database. Remedy: "),
    "binary arxml": (".arxml", GARBAGE.decode("latin-1"), "net/bad.arxml: is no text, so it is no database."),
    "diagnostics": (".cdd", CDD, "net/bad.cdd: '.cdd' is no database format. Remedy: use .dbc, .arxml, .kcd or .sym."),
    "diagnostics as dbc": (".dbc", CDD, "net/bad.dbc:1:1: is XML, not DBC. Remedy: name it"),
    "diagnostics as arxml": (".arxml", CDD, "net/bad.arxml: No XML namespace specified or illegal root tag name"),
    "diagnostics as kcd": (".kcd", CDD, "net/bad.kcd: Expected root element tag"),
    "xml cut off": (".kcd", CDD[:60], "net/bad.kcd:2:1: unclosed token. Remedy: correct the file at that place."),
    "not sym": (".sym", "FormatVersion=5.0", "net/bad.sym: Only SYM version 6.0 is supported. Remedy: "),
    "unknown suffix": (".txt", BODY, "net/bad.txt: '.txt' is no database format. Remedy: use .dbc"),
    "no suffix": ("", BODY, "net/bad: a database file needs a suffix. Remedy: use .dbc"),
    "one identifier twice": (
        ".dbc",
        HEAD + GOOD + "\n" + GOOD.replace("M:", "N:"),
        "net/bad.dbc:13: messages M (line 9) and N have the same identifier. Remedy: give one of them another",
    ),
    "one name twice": (
        ".dbc",
        HEAD + GOOD + "\n" + GOOD.replace("BO_ 1", "BO_ 2"),
        "net/bad.dbc:13: two messages are called M. Remedy: rename one of them.",
    ),
    "no factor": (
        ".dbc",
        HEAD + GOOD.replace("(1,0)", "(0,0)", 1),
        "net/bad.dbc:10: the factor of M.X is 0. Remedy: give it the physical value of one bit.",
    ),
    "undefined attribute": (
        ".dbc",
        HEAD + GOOD + '\nBA_ "Foo" BO_ 1 20;\n',
        "net/bad.dbc:13: attribute Foo has no definition (1 of its values are there). Remedy: add a BA_DEF_",
    ),
    "values of nothing": (
        ".dbc",
        BODY + '\nVAL_ 7 Nobody 0 "a" ;\n',
        "net/bad.dbc:42: VAL_ is about 7 Nobody, which isn't there. Remedy: remove it",
    ),
    "too large": (
        ".dbc",
        BODY.replace("BO_ 258", "BO_ 2048"),
        "net/bad.dbc:19: identifier 0x800 of message Paged needs 29 bits, but isn't marked as extended. Remedy: ",
    ),
}


@pytest.mark.parametrize("case", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_file_is_one_clear_line(case):
    suffix, text, expected = case
    with pytest.raises(UsageError) as error:
        database.load(text, suffix, f"net/bad{suffix}")
    line = str(error.value)
    assert line.startswith(expected)
    assert line.isprintable()
    assert len(line) < 300
    assert not any(noise in line for noise in ("Error", ">>!<<", "\\n", "\\x", "column "))


def test_what_is_told_is_all_that_is_told(repository):
    """The library's own warnings would stand on stderr beside the list."""
    file = repository / "tests" / "data" / "databases" / "other_sloppy.kcd"
    program = f"from hil.can import database\ndatabase.load(open({str(file)!r}).read(), '.kcd', 'x', strict=False)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")


def test_standard_and_extended_identifiers_are_not_the_same():
    text = HEAD + "BO_ 1 M: 8 ECU\n\nBO_ 2147483649 N: 8 ECU\n"
    assert len(load(text).messages) == 2


def test_without_strictness_overlap_is_let_through():
    text = HEAD + ONE.format(length=8, x="0|8@1+", y="4|8@1+")
    assert len(database.load(text, ".dbc", "x.dbc", strict=False).messages) == 1


# Formats --------------------------------------------------------------------------------------------------------------

SELECTOR = {"arxml": "Paged_selector1"}
"""ARXML has no name for the field that selects; cantools makes one."""
ONLY_ATTRIBUTES = {"kcd", "sym"}
"""They say neither start values nor protection."""


@pytest.fixture(params=["dbc", "arxml", "kcd", "sym"])
def mini(request, repository):
    """One small network in four formats: (format, its messages by name)."""
    path = repository / "tests" / "data" / "databases" / f"mini.{request.param}"
    loaded = database.load(path.read_text(encoding="utf-8"), path.suffix, path.name)
    return request.param, {message.name: message for message in loaded.messages}


def test_every_format_says_which_messages_there_are(mini):
    _, messages = mini
    assert {(m.name, m.frame_id, m.is_extended_frame, m.length, m.is_fd) for m in messages.values()} == {
        ("Speed", 0x1A0, False, 8, False),
        ("Lights", 0x2B0, False, 2, False),
        ("Paged", 0x300, False, 8, False),
        ("Far", 0x18FEF174, True, 8, False),
        ("Wide", 0x400, False, 16, True),
    }


def test_every_format_says_when_they_are_sent(mini):
    _, messages = mini
    cycles = {
        name: message_traits(message, AttributeNames()).cycle_ns // 1_000_000 for name, message in messages.items()
    }
    assert cycles == {"Speed": 20, "Lights": 50, "Paged": 100, "Far": 1000, "Wide": 10}


def test_every_format_says_who_sends_them(mini):
    name, messages = mini
    senders = {"ESC": {"Speed", "Far", "Wide"}, "BCM": {"Lights", "Paged"}}
    if name == "sym":  # it knows only whether a message is sent or received
        senders = {"ECU": senders["ESC"], "Peripherals": senders["BCM"]}
    assert {m.name: m.senders for m in messages.values()} == {m: [node] for node, ms in senders.items() for m in ms}


def test_every_format_says_where_the_bits_are(mini):
    name, messages = mini
    payload = bytes.fromhex("1027f8800000c0bf")
    values = {"VehicleSpeed": 10000, "Temperature": -120, "Pressure": -1.5}
    assert database.decode(messages["Speed"], payload) == values
    assert database.encode(messages["Speed"], values) == payload
    assert database.decode(messages["Wide"], bytes(8) + b"\xff\xff" + bytes(6)) == {"Yaw": -1}
    page = SELECTOR.get(name, "Page")
    assert database.decode(messages["Paged"], bytes.fromhex("0102010000000000")) == {page: 1, "Left": 0x0102}
    assert database.decode(messages["Paged"], bytes.fromhex("0209000000000000")) == {page: 2, "Right": 9}


@pytest.mark.parametrize(
    ("signal", "given", "raw", "physical"),
    [
        ("Speed.VehicleSpeed", "87 km/h", 8700, "87 km/h"),
        ("Speed.VehicleSpeed", "SNA", 65535, "SNA"),
        ("Speed.Temperature", "-100 degC", -120, "-100 degC"),
        ("Lights.Beam", "high", 2, "High"),
        ("Far.Odometer", "12.5 km", 125, "12.5 km"),
        ("Paged.Left", "1.3 V", 13, "1.3 V"),
    ],
)
def test_every_format_says_what_the_bits_mean(mini, signal, given, raw, physical):
    _, messages = mini
    message = messages[signal.split(".")[0]]
    ref = database.SignalRef("cabin", message, message.get_signal_by_name(signal.split(".")[1]))
    value = database.to_value(ref, given)
    assert (value.raw, str(value)) == (raw, physical)


def test_start_values_and_protection_where_the_format_says_them(mini):
    name, messages = mini
    protection = message_traits(messages["Wide"], AttributeNames()).e2e
    start = database.start_values(messages["Speed"])["VehicleSpeed"]
    if name in ONLY_ATTRIBUTES:
        assert (start, protection) == (0, None)
    else:
        assert (start, protection) == (65535, E2eConfig("P05", 16, 4660))


def test_start_values_by_other_attributes():
    text = BODY.replace("GenSigStartValue", "Init").replace('"Init" FLOAT 0 100000000000', '"Init" STRING')
    text = text.replace('"Init" 0;', '"Init" "0";').replace("Direction 2;", 'Direction "Backward";')
    text += 'BA_ "Init" SG_ 256 VehicleSpeed "87";\nBA_ "Init" SG_ 256 Valid "7";\n'
    message = load(text).messages[0]
    assert set(database.start_values(message).values()) == {0}
    raw = AttributeNames({"start_value": "Init"})
    assert database.start_values(message, raw) == {"VehicleSpeed": 87, "Acceleration": 0, "Direction": 1, "Valid": 0}
    physical = AttributeNames({"start_value": "Init"}, physical_start=True)
    assert database.start_values(message, physical)["VehicleSpeed"] == 8700


def test_our_own_database_loads(repository):
    text = (repository / "tests" / "data" / "cabin.dbc").read_text(encoding="utf-8")
    names = [message.name for message in load(text).messages]
    assert "ESC_Speed" in names


@pytest.mark.parametrize("name", ["body", "chassis"])
def test_one_signal_of_a_payload_is_what_decoding_all_of_it_gives(repository, name):
    """Of every signal of the vehicle's databases, in payloads of the message's length and longer."""
    loaded = load((repository / f"dbc/{name}.dbc").read_text(encoding="utf-8"))
    network, rng = Network({name: loaded}), random.Random(name)
    read = 0
    for _, message in network.messages():
        for _ in range(3):
            data = rng.randbytes(message.length)
            try:
                decoded = database.decode(message, data)
            except UsageError:  # no page of this number
                continue
            for signal, raw in decoded.items():
                ref = network.resolve(f"{message.name}.{signal}")
                assert ref.raw_in(data) == ref.raw_in(data + b"\xff") == raw, ref
                read += 1
    assert read > 300


def test_signed_motorola_and_float_signals_are_read_alone_too(cabin):
    kinds = set()
    for bus, message in cabin.messages():
        data = bytes(range(0x7F, 0x7F + message.length))
        with contextlib.suppress(UsageError):  # no page of this number
            for signal, raw in database.decode(message, data).items():
                ref = cabin.resolve(f"{bus}::{message.name}.{signal}")
                kinds.add((ref.signal.byte_order, ref.signal.is_signed, ref.signal.is_float))
                assert ref.raw_in(data) == raw
    assert {("big_endian", True, False), ("little_endian", False, False)} <= kinds
    assert any(is_float for _, _, is_float in kinds)
