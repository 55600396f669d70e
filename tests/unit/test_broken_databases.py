"""Customers' files as they are: each deviation is listed, each hard ambiguity is one line, nothing is lost in silence.

The files are in tests/data/databases; what is expected of each stands here.
"""

import random
import re
from pathlib import Path

import pytest

from hil.bench.databases import read_database
from hil.can import database
from hil.can.dbc_repair import repair
from hil.can.encoding import decode_text
from hil.can.loading import load, load_tolerant
from hil.can.mending import mend
from hil.can.tolerated import RULES, Tolerated, refuse, summary
from hil.can.traits import AttributeNames, message_traits
from hil.cli.main import main
from hil.errors import UsageError

FILES = Path(__file__).parents[1] / "data" / "databases"
BASE = {"VehicleSpeed", "Valid"}

HEAD = 'VERSION ""\nBU_: ECU\n'

BROKEN = {
    "broken_absurd_length.kcd": (":22", 'length="1200000000" is too large'),
    "broken_binary.dbc": ("", "is no text, so it is no database"),
    "broken_blank.dbc": ("", "is empty"),
    "broken_cut.arxml": (":40:43", "no element found"),
    "broken_cut.kcd": (":27:9", "unclosed token"),
    "broken_cut_in_attribute.dbc": (":16:30", "the file ends in the middle of a statement"),
    "broken_cut_in_comment.dbc": (":13:32", "the file ends in the middle of a statement"),
    "broken_cut_in_definition.dbc": (":14:36", "the file ends in the middle of a statement"),
    "broken_cut_in_signal.dbc": (":10:46", "syntax error at '\"k': the unit between two quotes should stand there"),
    "broken_cut_in_value_table.dbc": (":17:22", "the file ends in the middle of a statement"),
    "broken_empty.dbc": ("", "is empty"),
    "broken_message_identifier_is_a_word.dbc": (":9:1", "'x100' is no identifier of message Speed"),
    "broken_message_identifier_of_30_bits.dbc": (
        ":9:1",
        "identifier 2684354560 of message Speed fits neither 11 nor 29 bits",
    ),
    "broken_message_identifier_too_large.dbc": (":9:1", "'8589934592' is no identifier of message Speed"),
    "broken_message_keyword.dbc": (
        ":9:1",
        "'BO 256 Speed: 8 ECU' is no statement, but looks like a message or a signal",
    ),
    "broken_message_two_senders.dbc": (":9:22", "syntax error at 'GATEWAY': the end of the line should stand there"),
    "broken_message_without_identifier.dbc": (":9:10", "syntax error at ': 8 ECU': a name should stand there"),
    "broken_message_without_length.dbc": (":9:16", "syntax error at 'ECU': a length in bytes should stand there"),
    "broken_no_messages.dbc": ("", "has no messages"),
    "broken_no_name.kcd": ("", "a message or a signal has no name"),
    "broken_no_namespace.arxml": ("", "No XML namespace specified or illegal root tag name 'AUTOSAR'"),
    "broken_no_usable_message.dbc": (
        "",
        "has no messages that can be used: message Speed has 1785 bytes, more than a frame carries",
    ),
    "broken_only_unassigned_signals.dbc": ("", "has no messages that can be used: signal Valid belongs to no message"),
    "broken_reference.arxml": ("", 'Encountered dangling reference FRAME-REF of type "CAN-FRAME": /Frame/Light'),
    "broken_root.kcd": (
        "",
        "Expected root element tag {http://kayak.2codeornot2code.org/1.0}NetworkDefinition, but got Network",
    ),
    "broken_signal_before_message.dbc": (":9:2", "signal Valid stands outside of any message"),
    "broken_signal_byte_order.dbc": (
        ":10:26",
        "syntax error at '2+ (0.01,0) [0|300] \"km/h\"...': the byte order, 0 or 1, should stand there",
    ),
    "broken_signal_decimal_commas.dbc": (":10:2", "'(1,5,0)' of signal VehicleSpeed is no factor and offset"),
    "broken_signal_factor_is_a_word.dbc": (":10:2", "'(fine,0)' of signal VehicleSpeed is no factor and offset"),
    "broken_signal_keyword.dbc": (
        ":11:2",
        "'SG Valid : 16|1@1+ (1,0) [0...' is no statement, but looks like a message or a signal",
    ),
    "broken_signal_line_goes_on.dbc": (":11:45", "syntax error at '(old)': the end of the line should stand there"),
    "broken_signal_mark.dbc": (":11:2", "'x1' is no multiplexer mark of signal Valid"),
    "broken_signal_name_with_blank.dbc": (":10:2", "'Speed' is no multiplexer mark of signal Vehicle"),
    "broken_signal_unit_open.dbc": (
        ":10:46",
        "syntax error at '\"km/h GATEWAY': the unit between two quotes should stand there",
    ),
    "broken_signal_without_factor.dbc": (
        ":10:29",
        "syntax error at '[0|300] \"km/h\" GATEWAY': factor and offset should stand there",
    ),
    "broken_signal_without_keyword.dbc": (
        ":11:2",
        "'Valid : 16|1@1+ (1,0) [0|1]...' is no statement, but looks like a message or a signal",
    ),
    "broken_signal_without_length.dbc": (
        ":10:21",
        "syntax error at '0@1+ (0.01,0) [0|300] \"km/h...': a start bit and '|' should stand there",
    ),
    "broken_signal_without_name.dbc": (
        ":10:6",
        "syntax error at ': 0|16@1+ (0.01,0) [0|300]...': a name should stand there",
    ),
    "broken_signal_without_sign.dbc": (
        ":10:28",
        "syntax error at '(0.01,0) [0|300] \"km/h\" GAT...': the sign, + or -, should stand there",
    ),
    "broken_syntax.sym": (":28:4", "syntax error at '1A0h'"),
    "broken_unknown_signal.sym": ("", "it uses 'Odometr' without defining it"),
    "broken_version.sym": ("", "Only SYM version 6.0 is supported"),
    "broken_xml.dbc": (":1:1", "is XML, not DBC"),
    "broken_zip.dbc": ("", "is no text, so it is no database"),
    "two_buses.kcd": ("", "has 2 buses"),
}

SLOPPY = {
    "1785_bytes": [
        (
            13,
            "length",
            "message Long has 1785 bytes, more than a frame carries",
            "Long is left out with its signals: Text",
        ),
    ],
    "9_bytes": [
        (9, "length", "message Speed has 9 bytes, but isn't marked as CAN FD", "it is taken as CAN FD"),
        (9, "length", "message Speed has 9 bytes, which is no CAN FD length", "it is sent and read with 12 bytes"),
    ],
    "apart": [
        (17, "separator", "signal Valid stands apart from its message Speed", "it is taken as one of it"),
    ],
    "attribute_undefined": [
        (
            14,
            "attribute",
            "attribute GenMsgCycleTime has no definition (1 of its values are there)",
            "it is taken as a whole number",
        ),
    ],
    "attribute_value": [
        (16, "attribute", "attribute GenMsgCycleTime is 'fast', which is no whole number", "it is left out"),
    ],
    "attribute_words": [
        (
            19,
            "attribute",
            "the value 'Event' of attribute GenMsgSendType is written in another notation",
            "it is read as enumeration",
        ),
    ],
    "beyond": [
        (11, "beyond", "signal Valid is beyond the 8 bytes of message Speed", "it is left out"),
    ],
    "dangling": [
        (18, "dangling", "VAL_ is about 999 Nobody, which isn't there", "it is left out"),
        (19, "dangling", "BA_ is about BO_ 999, which isn't there", "it is left out"),
        (20, "dangling", "SIG_VALTYPE_ is about 256 Nothing, which isn't there", "it is left out"),
    ],
    "decimal_commas": [
        (10, "number", "'(0,01,0)' of signal VehicleSpeed is written in another notation", "it is read as (0.01,0)"),
        (
            10,
            "number",
            "'[0,0|300,5]' of signal Speed.VehicleSpeed is written in another notation",
            "it is read as [0.0|300.5]",
        ),
    ],
    "extended": [
        (
            9,
            "identifier",
            "identifier 0xFF00 of message Speed needs 29 bits, but isn't marked as extended",
            "it is taken as extended",
        ),
    ],
    "factor_0": [
        (10, "factor", "the factor of Speed.VehicleSpeed is 0", "it is taken as 1"),
    ],
    "float": [
        (
            18,
            "float",
            "signal VehicleSpeed of Speed is floating point of type 1 with 16 bits",
            "it is taken as a whole number",
        ),
    ],
    "garbage": [
        (20, "not-a-statement", "there are control characters at the end of the file", "they are ignored"),
        (1, "not-a-statement", "'created by hand' is no statement", "it is left out"),
        (19, "not-a-statement", "'# end' is no statement", "it is left out"),
    ],
    "hexadecimal": [
        (9, "identifier", "identifier 0x100 of message Speed is written in another notation", "it is taken as 256"),
    ],
    "labels": [
        (18, "labels", "value 65535 of VehicleSpeed is called 'SNA' and 'Invalid'", "the first is kept"),
        (18, "labels", "'Half' of VehicleSpeed stands for 0.5, which is no whole number", "it is left out"),
    ],
    "message_name_twice": [
        (13, "duplicate-message", "two messages are called Speed", "this one is called Speed_101"),
    ],
    "message_twice": [
        (
            13,
            "duplicate-message",
            "messages Speed (line 9) and Again have the same identifier",
            "Again is left out with its signals: Lost",
        ),
    ],
    "names": [
        (10, "name", "'Vehicle-Geschw.' is no name for a database", "it is called Vehicle-Geschw_"),
        (11, "name", "'Gültig' is no name for a database", "it is kept as it is"),
    ],
    "needless_semicolons": [
        (9, "semicolon", "the line of Speed ends with a semicolon", "it is ignored"),
        (11, "semicolon", "the line of Valid ends with a semicolon", "it is ignored"),
    ],
    "no_bits": [
        (11, "beyond", "signal Valid of message Speed has no bits", "it is left out"),
    ],
    "no_multiplexer": [
        (
            11,
            "multiplexing",
            "in message Paged the page of Left can't be told: no signal is the multiplexer",
            "it is there all the time, whatever the page",
        ),
        (
            12,
            "multiplexing",
            "in message Paged the page of Right can't be told: no signal is the multiplexer",
            "it is there all the time, whatever the page",
        ),
        (
            12,
            "overlap",
            "signals Left and Right of message Paged overlap by 8 bits",
            "they are kept; when they are sent their bits are OR-ed",
        ),
    ],
    "no_nodes": [
        (9, "no-node", "message Speed has no sender", "nobody sends it"),
        (10, "undeclared-node", "node GATEWAY is used but not declared", "it is taken as one"),
        (11, "no-node", "signal Valid has no receiver", "nobody receives it"),
    ],
    "node_commas": [
        (7, "separator", "BU_ has no colon, or commas between the nodes", "the nodes are read"),
    ],
    "nodes": [
        (10, "undeclared-node", "node GATEWAY is used but not declared", "it is taken as one"),
    ],
    "overlap": [
        (
            11,
            "overlap",
            "signals VehicleSpeed and Valid of message Speed overlap by 4 bits",
            "they are kept; when they are sent their bits are OR-ed",
        ),
    ],
    "pages": [
        (
            12,
            "overlap",
            "signals Left and Right of message Paged overlap by 8 bits",
            "they are kept; when they are sent their bits are OR-ed",
        ),
        (23, "multiplexing", "the pages of Left in message Paged aren't right", "Page goes to 255, so they end there"),
        (
            24,
            "multiplexing",
            "the pages of Right in message Paged aren't right",
            "there is no multiplexer Nobody, so they are left out",
        ),
    ],
    "quote_open": [
        (
            13,
            "quotes",
            "'CM_ SG_ 256 VehicleSpeed \"Speed over...' has quotes within a text, or lacks one",
            "they are taken as part of the text",
        ),
    ],
    "quotes": [
        (
            13,
            "quotes",
            "'CM_ SG_ 256 VehicleSpeed \"Speed \"over...' has quotes within a text, or lacks one",
            "they are taken as part of the text",
        ),
        (
            17,
            "quotes",
            '\'VAL_ 256 Valid 0 "No" 1 "Yes "sure"" ;\' has quotes within a text, or lacks one',
            "they are taken as part of the text",
        ),
    ],
    "range_elsewhere": [
        (
            10,
            "range",
            "the range of Speed.VehicleSpeed is 1000 to 2000, but its bits hold 0 to 655.35",
            "it is ignored; its bits are its range",
        ),
    ],
    "range_infinite": [
        (
            10,
            "range",
            "'[-1.#INF|1.#INF]' of signal Speed.VehicleSpeed is no range",
            "it is ignored; its bits are its range",
        ),
    ],
    "range_inverted": [
        (10, "range", "the range of Speed.VehicleSpeed is 300 to 0", "it is ignored; its bits are its range"),
    ],
    "receivers": [
        (10, "separator", "the receivers of signal VehicleSpeed aren't separated by single commas", "they are read"),
        (11, "separator", "the receivers of signal Valid aren't separated by single commas", "they are read"),
    ],
    "semicolons": [
        (13, "semicolon", "'CM_ SG_ 256 VehicleSpeed \"Speed over...' has no semicolon", "it is read"),
        (16, "semicolon", "'BA_ \"GenMsgCycleTime\" BO_ 256 20' has no semicolon", "it is read"),
        (17, "semicolon", '\'VAL_ 256 Valid 0 "No" 1 "Yes"\' has no semicolon', "it is read"),
    ],
    "signal_twice": [
        (
            11,
            "duplicate-signal",
            "two signals of message Speed are called VehicleSpeed, the first on line 10",
            "this one is called VehicleSpeed_2, and what is said of VehicleSpeed goes to the first",
        ),
        (17, "dangling", "VAL_ is about 256 Valid, which isn't there", "it is left out"),
    ],
    "start_value": [
        (11, "start-value", "the start value of Speed.Valid is raw 2, but its bits hold 0 to 1", "it starts at 0"),
    ],
    "two_multiplexers": [
        (
            12,
            "multiplexing",
            "in message Paged the page of Left can't be told: there are 2 multiplexers",
            "it is there all the time, whatever the page",
        ),
        (
            13,
            "multiplexing",
            "in message Paged the page of Right can't be told: there are 2 multiplexers",
            "it is there all the time, whatever the page",
        ),
        (
            13,
            "overlap",
            "signals Left and Right of message Paged overlap by 8 bits",
            "they are kept; when they are sent their bits are OR-ed",
        ),
    ],
    "unassigned": [
        (14, "unassigned", "signal Old belongs to no message", "it is left out"),
    ],
    "unknown_section": [
        (18, "unknown-section", "SIG_GRADIENT_ is no section of a DBC file", "it is left out"),
    ],
}


OTHER = [
    (
        "duplicate-message",
        "messages Speed and Again have the same identifier 0x100",
        "Again is left out with its signals: Lost",
    ),
    ("duplicate-message", "two messages are called Speed", "this one is called Speed_101"),
    ("name", "'Body.Door' is no name for a message", "it is called Body_Door"),
    ("length", "message Long has 100 bytes, more than a frame carries", "Long is left out with its signals: Text"),
    ("beyond", "signal Far is beyond the 8 bytes of message Speed", "it is left out"),
    ("name", "'Veh.Speed' is no name for a signal", "it is called Veh_Speed"),
    ("duplicate-signal", "two signals of message Speed are called Veh_Speed", "this one is called Veh_Speed_2"),
    ("range", "the range of Speed.Clash is 9 to 1", "it is ignored; its bits are its range"),
    ("float", "signal Speed.Half is floating point with 24 bits", "it is taken as a whole number"),
    ("factor", "the factor of Speed.Half is 0", "it is taken as 1"),
    ("factor", "the offset of Speed.Half is nan", "it is taken as 0"),
    ("length", "message Body_Door has 10 bytes, which is no CAN FD length", "it is sent and read with 12 bytes"),
    ("undeclared-node", "a node of message Speed isn't there", "it is left out"),
    (
        "overlap",
        "signals Veh_Speed_2 and Clash of message Speed overlap by 4 bits",
        "they are kept; when they are sent their bits are OR-ed",
    ),
]


def read(name, **options):
    return read_database(FILES / name, **options)


def shown(loaded):
    return [(int(one.where.rsplit(":", 1)[1]), one.rule, one.what, one.done) for one in loaded.tolerated]


# Refused --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_refused_in_one_line(name):
    place, what = BROKEN[name]
    with pytest.raises(UsageError) as error:
        read(name)
    line = str(error.value)
    assert line.startswith(f"{FILES / name}{place}: {what}")
    assert error.value.remedy.endswith(".")
    assert line.isprintable()
    assert len(line.removeprefix(str(FILES))) < 300


def test_every_broken_file_is_in_the_table():
    assert {path.name for path in FILES.glob("broken_*")} | {"two_buses.kcd"} == set(BROKEN)
    assert len([name for name in BROKEN if name.endswith(".dbc")]) >= 20


@pytest.mark.parametrize("name", ["broken_signal_mark.dbc", "broken_cut.kcd", "no_such_file.dbc"])
def test_the_command_refuses_it_without_traceback(name, capsys):
    assert main(["signals", "--lint", "--database", str(FILES / name)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(f"hil signals: {FILES / name}")
    assert said.err.count("\n") == 1


# Tolerated ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SLOPPY)
def test_a_sloppy_file_loads_with_a_list_of_what_was_tolerated(name):
    loaded = read(f"sloppy_{name}.dbc")
    assert shown(loaded) == SLOPPY[name]
    assert all(one.rule in RULES and one.remedy.endswith(".") for one in loaded.tolerated)


@pytest.mark.parametrize("name", SLOPPY)
def test_what_was_tolerated_works(name):
    """Every message can be sent with its start values and read back."""
    for message in read(f"sloppy_{name}.dbc").database.messages:
        start = database.start_values(message)
        got = database.decode(message, database.encode(message, start))
        assert got == {signal: start[signal] for signal in got}
        assert message_traits(message, AttributeNames()).cycle_ns >= 0


def test_every_sloppy_file_is_in_the_table():
    assert {path.stem.removeprefix("sloppy_") for path in FILES.glob("sloppy_*")} == set(SLOPPY)


@pytest.mark.parametrize("name", SLOPPY)
def test_a_strict_reader_refuses_the_first_of_it(name):
    path = FILES / f"sloppy_{name}.dbc"
    text = path.read_text(encoding="utf-8")
    if name == "unassigned":  # editors write it, and no frame carries it
        assert len(load(text, ".dbc", "x.dbc").messages) == 1
        return
    with pytest.raises(UsageError) as error:
        load(text, ".dbc", "x.dbc")
    line, _, what, _ = SLOPPY[name][0]
    more = f" (and {len(SLOPPY[name]) - 1} more)" if len(SLOPPY[name]) > 1 else ""
    assert str(error.value).startswith(f"x.dbc:{line}: {what}{more}. Remedy: ")


@pytest.mark.parametrize("name", SLOPPY)
def test_no_signal_is_lost_without_a_word(name):
    """What stands in the file is in the database, or its name is in the list."""
    text = (FILES / f"sloppy_{name}.dbc").read_text(encoding="utf-8")
    written = [line.split()[1] for line in text.splitlines() if line.lstrip().startswith("SG_ ")]
    loaded = read(f"sloppy_{name}.dbc")
    kept = [signal.name for message in loaded.database.messages for signal in message.signals]
    said = " ".join(f"{one.what} {one.done}" for one in loaded.tolerated)
    assert all(signal in kept or signal in said for signal in written)
    assert len(kept) + sum(one.rule in ("beyond", "unassigned") for one in loaded.tolerated) + said.count(
        "left out with its signals"
    ) == len(written)


def one_message(name, index=-1, **options):
    return read(name, **options).database.messages[index]


def test_overlapping_signals_are_each_read_and_or_ed_when_sent():
    message = one_message("sloppy_overlap.dbc")
    assert database.decode(message, bytes.fromhex("34f2010000000000")) == {"VehicleSpeed": 0xF234, "Valid": 0x1F}
    assert database.encode(message, {"VehicleSpeed": 0x1234, "Valid": 0x21}) == bytes.fromhex("3412020000000000")


def test_motorola_signals_that_overlap_too():
    text = (FILES / "sloppy_overlap.dbc").read_text().replace("0|16@1+", "7|16@0+").replace("12|8@1+", "11|8@0+")
    loaded = load_tolerant(text, ".dbc", "x.dbc")
    assert [one.what for one in loaded.tolerated] == [SLOPPY["overlap"][0][2]]
    values = {"VehicleSpeed": 0x1230, "Valid": 0x45}
    payload = database.encode(loaded.database.messages[0], values)
    assert payload == bytes.fromhex("1234500000000000")
    assert database.decode(loaded.database.messages[0], payload) == {"VehicleSpeed": 0x1234, "Valid": 0x45}


def test_pages_that_cannot_be_told_are_all_read():
    message = one_message("sloppy_no_multiplexer.dbc", 0)
    assert database.decode(message, b"\x01\x07" + bytes(6)) == {"Page": 1, "Left": 7, "Right": 7}


def test_a_length_that_can_fd_does_not_have_becomes_the_next():
    message = one_message("sloppy_9_bytes.dbc")
    assert (message.length, message.is_fd) == (12, True)
    assert len(database.encode(message, database.start_values(message))) == 12


def test_what_a_signal_states_wrong_does_not_count():
    assert one_message("sloppy_factor_0.dbc").signals[0].scale == 1
    for name in ("inverted", "elsewhere", "infinite"):
        signal = one_message(f"sloppy_range_{name}.dbc").signals[0]
        assert (signal.minimum, signal.maximum) == (None, None)
    assert database.start_values(one_message("sloppy_start_value.dbc"))["Valid"] == 0
    assert not one_message("sloppy_float.dbc").signals[0].is_float


def test_the_first_of_two_messages_with_one_identifier_is_kept():
    assert [m.name for m in read("sloppy_message_twice.dbc").database.messages] == ["Speed"]


def test_what_is_said_of_a_name_that_is_there_twice_goes_to_the_first():
    message = one_message("sloppy_signal_twice.dbc")
    assert {s.name: s.comment for s in message.signals} == {
        "VehicleSpeed": "Speed over ground.",
        "VehicleSpeed_2": None,
    }


def test_names_are_kept_as_the_customer_writes_them():
    message = one_message("sloppy_names.dbc")
    assert [s.name for s in message.signals] == ["Vehicle-Geschw_", "Gültig"]
    assert message.signals[0].comment == "Speed over ground."
    assert {str(label) for label in message.signals[1].choices.values()} == {"No", "Yes"}


def test_texts_keep_their_quotes():
    message = one_message("sloppy_quotes.dbc")
    assert message.signals[0].comment == 'Speed "over" ground, 5" wheels'
    assert [str(label) for label in message.signals[1].choices.values()] == ["No", 'Yes "sure"']
    assert one_message("sloppy_quote_open.dbc").signals[0].comment == "Speed over ground."


@pytest.mark.parametrize("name", ["attribute_undefined", "semicolons", "extended", "hexadecimal", "garbage", "nodes"])
def test_attributes_survive_the_repair(name):
    assert message_traits(one_message(f"sloppy_{name}.dbc"), AttributeNames()).cycle_ns == 20_000_000


def test_an_identifier_of_29_bits_is_one_in_everything_that_names_it():
    message = one_message("sloppy_extended.dbc")
    assert (message.is_extended_frame, message.frame_id) == (True, 0xFF00)
    assert message.signals[0].comment == "Speed over ground."


def test_an_identifier_below_0_is_one_in_everything_that_names_it():
    """Some tools write the 32 bits as a signed number."""
    text = (FILES / "mini.dbc").read_text().replace(" 2566844788 ", " -1728122508 ")
    loaded = load_tolerant(text, ".dbc", "x.dbc")
    assert [one.rule for one in loaded.tolerated] == ["identifier"]
    far = loaded.database.messages[3]
    assert (far.frame_id, message_traits(far, AttributeNames()).cycle_ns) == (0x18FEF174, 1_000_000_000)


def test_pages_end_where_the_multiplexer_does():
    left = one_message("sloppy_pages.dbc", 0).get_signal_by_name("Left")
    assert (min(left.multiplexer_ids), max(left.multiplexer_ids)) == (1, 255)


def test_what_no_frame_carries_is_kept_from_cantools():
    """It would reserve memory for as many bits."""
    text = (FILES / "sloppy_1785_bytes.dbc").read_text().replace("1785", "178500000000")
    assert "Long" not in repair(text, "x.dbc").text


def test_undeclared_nodes_are_nodes():
    assert [node.name for node in read("sloppy_no_nodes.dbc").database.nodes] == ["GATEWAY"]
    assert one_message("sloppy_no_nodes.dbc").senders == []


def test_long_names_do_not_break_the_pages():
    """cantools itself loses the signals below a multiplexer whose name is a long one."""
    text = (FILES / "mini.dbc").read_text()
    text += 'BA_DEF_ SG_ "SystemSignalLongSymbol" STRING ;\nBA_DEF_DEF_ "SystemSignalLongSymbol" "";\n'
    text += 'BA_ "SystemSignalLongSymbol" SG_ 768 Page "PageOfTheMessageThatHasPagesForEverything";\n'
    message = load(text, ".dbc", "x.dbc").messages[2]
    assert database.decode(message, bytes.fromhex("0209000000000000")) == {
        "PageOfTheMessageThatHasPagesForEverything": 2,
        "Right": 9,
    }


@pytest.mark.parametrize(
    ("written", "text", "clean"),
    [
        ('one; "two"\nthree', 'one; "two"\nthree', False),
        ("one\nBO_ 5 Two: 8 ECU;\nthree", "one\nBO_ 5 Two: 8 ECU;\nthree", True),
        (r"say \"yes\"", 'say "yes"', True),
        ("in C:\\temp\\", "in C:\\temp\\ ", False),
        ("", "", True),
    ],
)
def test_comments_are_kept_whatever_they_hold(written, text, clean):
    base = (FILES / "mini.dbc").read_text()
    loaded = load_tolerant(base.replace("Speed over ground.", written), ".dbc", "x.dbc")
    assert loaded.database.messages[0].signals[0].comment == text
    assert (loaded.tolerated == []) is clean


def test_send_types_and_start_values_of_other_types_are_read():
    """cantools takes these attributes in one type only."""
    text = (FILES / "mini.dbc").read_text()
    text = text.replace('"GenSigStartValue" FLOAT 0 100000000000', '"GenSigStartValue" STRING')
    text = text.replace("VehicleSpeed 65535;", 'VehicleSpeed "SNA";').replace(
        '"GenSigStartValue" 0;', '"GenSigStartValue" "";'
    )
    text = text.replace('"GenMsgSendType" ENUM "Cyclic","OnChange","NoMsgSendType"', '"GenMsgSendType" INT 0 8')
    text = text.replace('"GenMsgSendType" "Cyclic";', '"GenMsgSendType" 0;').replace(
        '"GenMsgCycleTime" INT 0 65535', '"GenMsgCycleTime" STRING'
    )
    text = text.replace('"GenMsgCycleTime" 0;', '"GenMsgCycleTime" "";').replace("BO_ 416 20;", 'BO_ 416 "20 ms";')
    text = text.replace(
        '"VFrameFormat" ENUM "StandardCAN","ExtendedCAN","StandardCAN_FD","ExtendedCAN_FD"', '"VFrameFormat" INT 0 15'
    )
    text = text.replace('"VFrameFormat" "StandardCAN";', '"VFrameFormat" 0;').replace("BO_ 1024 2;", "BO_ 1024 14;")
    loaded = load_tolerant(text, ".dbc", "x.dbc")
    speed, wide = loaded.database.messages[0], loaded.database.messages[4]
    assert database.start_values(speed)["VehicleSpeed"] == 0  # a label can't be a number of that attribute's type
    assert message_traits(speed, AttributeNames()).cycle_ns == 20_000_000
    assert wide.is_fd


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("blank", [" ", "\t", "   "])
def test_line_ends_and_tabs_are_no_deviation(line_end, blank):
    text = (FILES / "mini.dbc").read_text().replace(" ", blank).replace("\n", line_end)
    assert len(load(text, ".dbc", "x.dbc").messages) == 5


def test_a_file_in_one_line_is_read():
    text = (FILES / "mini.dbc").read_text().replace("\n", " ")
    assert [m.name for m in load(text, ".dbc", "x.dbc").messages] == ["Speed", "Lights", "Paged", "Far", "Wide"]


def test_the_bus_of_a_file_with_several_is_chosen():
    assert [m.name for m in read("two_buses.kcd", cluster="Body").database.messages] == [
        "Lights",
        "Paged",
        "Far",
        "Wide",
    ]
    with pytest.raises(UsageError, match=r"has no bus 'Bdy'\. Remedy: it has Body, Bus\.$"):
        read("two_buses.kcd", cluster="Bdy")


def test_the_other_formats_are_mended_too():
    """They have no lines to tell; what they can't say is no deviation."""
    loaded = read("other_sloppy.kcd")
    assert [(one.rule, one.what, one.done) for one in loaded.tolerated] == OTHER
    assert {one.where for one in loaded.tolerated} == {str(FILES / "other_sloppy.kcd")}
    assert [(m.name, m.length, m.is_fd, m.senders) for m in loaded.database.messages] == [
        ("Speed", 8, False, ["ESC"]),
        ("Speed_101", 1, False, []),
        ("Body_Door", 12, True, []),
    ]
    speed = loaded.database.messages[0]
    assert {s.name: (s.start, s.scale, s.offset, s.is_float) for s in speed.signals} == {
        "Veh_Speed": (0, 1, 0, False),
        "Veh_Speed_2": (16, 1, 0, False),
        "Clash": (20, 1, 0, False),
        "Half": (24, 1, 0, False),
    }
    assert database.decode(speed, bytes.fromhex("3412f50300000000")) == {
        "Veh_Speed": 0x1234,
        "Veh_Speed_2": 0xF5,
        "Clash": 0xF,
        "Half": 3,
    }


def test_a_signal_below_something_that_is_no_multiplexer_is_there_all_the_time():
    """cantools would neither encode nor decode it."""
    loaded = read("mini.kcd").database
    paged = next(message for message in loaded.messages if message.name == "Paged")
    paged.get_signal_by_name("Page").is_multiplexer = False
    tolerated = mend(loaded, lambda message, signal: "x.kcd", says=set(), names=AttributeNames())
    assert [(one.rule, one.what) for one in tolerated] == [
        ("multiplexing", "signal Left of message Paged hangs on Page, which is no multiplexer"),
        ("multiplexing", "signal Right of message Paged hangs on Page, which is no multiplexer"),
        ("overlap", "signals Left and Right of message Paged overlap by 8 bits"),
    ]
    assert database.decode(paged, b"\x07\x05" + bytes(6)) == {"Page": 7, "Left": 5, "Right": 5}


def test_many_overlaps_of_one_message_are_told_in_a_few_lines():
    text = HEAD + "BO_ 1 M: 8 ECU\n" + "".join(f' SG_ S{n} : 0|8@1+ (1,0) [0|0] "" ECU\n' for n in range(6))
    loaded = load_tolerant(text, ".dbc", "x.dbc")
    assert [one.rule for one in loaded.tolerated] == ["overlap"] * 11
    assert "5 more pairs of signals of message M overlap" in [one.what for one in loaded.tolerated]


def test_what_a_transport_protocol_carries_is_no_frame():
    """J1939 writes its long parameter groups as messages."""
    facts = 'BA_DEF_ BO_ "VFrameFormat" ENUM "StandardCAN","ExtendedCAN","reserved","J1939PG";\n'
    text = HEAD + "BO_ 2566869246 Engine: 8 ECU\nBO_ 2566869247 Trip: 20 ECU\n" + facts
    text += "".join(f'BA_ "VFrameFormat" BO_ {can_id} 3;\n' for can_id in (2566869246, 2566869247))
    loaded = load_tolerant(text, ".dbc", "x.dbc")
    assert [message.name for message in loaded.database.messages] == ["Engine"]
    assert [one.what for one in loaded.tolerated] == ["message Trip has 20 bytes, more than a frame carries"]


def test_the_list_in_one_line():
    found = read("sloppy_semicolons.dbc").tolerated + read("sloppy_beyond.dbc").tolerated
    assert summary(found) == "3 x missing or needless semicolon, 1 x signal beyond its message"
    assert summary([]) == ""
    refuse([])
    one = Tolerated("range", "the range is wrong", "it is ignored", "x.dbc:3", "correct it.")
    assert str(one) == "x.dbc:3: the range is wrong; it is ignored"
    with pytest.raises(UsageError, match=r"^x\.dbc:3: the range is wrong \(and 1 more\)\. Remedy: correct it\.$"):
        refuse([one, one])


def test_the_page_on_databases_names_every_rule(repository):
    text = (repository / "docs" / "databases.md").read_text(encoding="utf-8")
    table = text[text.index("## What is tolerated") : text.index("## Lint")]
    assert {
        rule for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for rule in re.findall(r"`([\w-]+)`", row)
    } == set(RULES)


# Encodings ------------------------------------------------------------------------------------------------------------

LISTED = {
    "utf16": "the text is UTF-16-LE",
    "utf16_be_no_bom": "the text is UTF-16-BE without a byte-order mark",
    "mixed": "some lines are UTF-8 and others Windows 1252",
}


@pytest.mark.parametrize("path", sorted(FILES.glob("encoding_*.dbc")), ids=lambda path: path.stem)
def test_the_encoding_is_found(path):
    name = path.stem.removeprefix("encoding_")
    if name == "cp932":
        loaded = read_database(path, encoding="cp932")
        assert (loaded.database.messages[0].signals[0].comment, loaded.tolerated) == ("車速表", [])
        return
    loaded = read_database(path)
    signal = loaded.database.messages[0].signals[0]
    assert (signal.unit, signal.comment) == ("°C", "Größe")
    assert [one.what for one in loaded.tolerated] == ([LISTED[name]] if name in LISTED else [])


def test_a_code_page_that_is_not_named_costs_only_texts():
    loaded = read("encoding_cp932.dbc")
    assert [signal.name for signal in loaded.database.messages[0].signals] == ["VehicleSpeed", "Valid"]


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (
            b'<?xml version="1.0" encoding="iso-8859-1"?><a>\xe9</a>',
            '<?xml version="1.0" encoding="iso-8859-1"?><a>é</a>',
        ),
        (b"a\x81b", "a\ufffdb"),
        ("ä\n".encode("utf-32"), "ä\n"),
        (b"", ""),
    ],
)
def test_bytes_become_text(data, text):
    assert decode_text(data, "x")[0] == text


def test_what_an_encoding_cost_is_listed():
    assert [str(one) for one in decode_text(b"a\n\x81\n", "x")[1]] == [
        "x:2: there are bytes that are neither UTF-8 nor Windows 1252; they show as '\ufffd'"
    ]
    xml = b'<?xml version="1.0" encoding="utf-8"?><a>\xe9</a>'
    text, tolerated = decode_text(xml, "x")
    assert text.endswith("<a>é</a>")
    assert [one.what for one in tolerated] == ["the file calls its encoding utf-8, which it isn't"]


MESSAGE = """BO_ 256 A: 8 X
 SG_ S : 0|16@1+ (1,0) [0|300] "km/h" Y
"""


@pytest.mark.parametrize(
    ("head", "line", "said"),
    [
        ("?\nBU_: X Y\n", 1, "'?' is no statement"),
        ("BU_: X Y\n\ngarbage\n", 3, "'garbage' is no statement"),
        ("BU_: X Y\ngarbage\n", 2, "'garbage' is a line of its own behind the nodes of BU_"),
        ("BU_: X\n  Y\nto do\n", 3, "'to do' is a line of its own behind the nodes of BU_"),
        ("BU_: X Y\n<<<<<<< HEAD\n", 2, "'<<<<<<< HEAD' is no statement"),
        ("<<<<<<< HEAD\nBU_: X Y\n", 1, "'<<<<<<< HEAD' is no statement"),
        ("NS_ :\n\tCM_\n\tgarbage\n\tBA_\n\nBU_: X Y\n", 3, "'garbage' is no statement"),
        ("NS_ :\n\tCM_\ngarbage\n\nBU_: X Y\n", 3, "'garbage' is no statement"),
        ("FILTER 7\nBU_: X Y\n", 1, "'FILTER 7' has no semicolon"),
        ("BU_: X Y\nCAT_ 5\nmore\n", 2, "'CAT_ 5 more' has no semicolon"),
    ],
)
def test_a_line_that_is_none_of_a_dbc_is_told_with_its_number(head, line, said):
    tolerated = load_tolerant(head + MESSAGE, ".dbc", "a.dbc").tolerated
    assert [(one.where, one.what) for one in tolerated] == [(f"a.dbc:{line}", said)]


def test_a_message_that_is_misspelt_behind_the_nodes_is_refused():
    with pytest.raises(UsageError, match=r"a\.dbc:2:1: 'Bo_ 3' is no statement, but looks like a message"):
        load_tolerant("BU_: X Y\nBo_ 3\n" + MESSAGE, ".dbc", "a.dbc")


def test_a_list_of_sections_and_nodes_over_several_lines_is_no_deviation():
    text = "NS_ :\n\tCM_\nBA_\n\nFILTER\n\nBU_: X\n  Y\n" + MESSAGE
    assert load_tolerant(text, ".dbc", "a.dbc").tolerated == []


def test_a_wrong_encoding_is_refused():
    with pytest.raises(UsageError, match=r"^x: there is no encoding 'cp12'\. Remedy: name one that Python has"):
        decode_text(b"a", "x", "cp12")
    with pytest.raises(UsageError, match=r"^x: is no text in the encoding utf-8\."):
        decode_text(b"\xe9", "x", "utf-8")


# Mutations ------------------------------------------------------------------------------------------------------------

INSERTED = ['"', ";", "SG_", "BO_", "m1", "M", "0", "-1", "65536", "4294967295", "1e99", "|", "@", "(", ",", "\\", "ä"]
CHANGES = [
    lambda line, at, rng: line[:at],
    lambda line, at, rng: line[:at] + chr(rng.randrange(32, 127)) + line[at + 1 :],
    lambda line, at, rng: "",
    lambda line, at, rng: line + line,
    lambda line, at, rng: line[:at] + rng.choice(INSERTED) + line[at:],
    lambda line, at, rng: line[at:] + line[:at],
]


def mutated(text, rng):
    """The text with one to four lines cut, flipped, deleted, doubled, turned, moved or with something put in."""
    lines = text.splitlines(keepends=True)
    for _ in range(rng.randint(1, 4)):
        index, other = rng.randrange(len(lines)), rng.randrange(len(lines))
        line = lines[index]
        lines[index] = rng.choice(CHANGES)(line, rng.randrange(len(line) + 1), rng)
        if rng.random() < 0.2:
            lines[index], lines[other] = lines[other], lines[index]
    return "".join(lines[: rng.randrange(1, len(lines))] if rng.random() < 0.1 else lines)


def outcome(text, suffix):
    try:
        return load_tolerant(text, suffix, f"x{suffix}")
    except UsageError as error:
        return error


def checked(text, suffix):
    """What becomes of a text: `clean`, `tolerated` or `refused`; anything else is a failure."""
    loaded = outcome(text, suffix)
    if isinstance(loaded, UsageError):
        assert str(loaded).isprintable()
        assert len(str(loaded)) < 300
        return "refused"
    assert all(str(one).isprintable() for one in loaded.tolerated)
    for message in loaded.database.messages:
        assert len(database.encode(message, database.start_values(message))) == message.length
    return "tolerated" if loaded.tolerated else "clean"


@pytest.mark.parametrize("block", range(8))
def test_mutations_of_a_database_load_or_are_refused(repository, block):
    text = (repository / "tests" / "data" / "cabin.dbc").read_text(encoding="utf-8")
    seen = [checked(mutated(text, random.Random(f"cockpit {block} {seed}")), ".dbc") for seed in range(75)]
    assert {"tolerated", "refused"} <= set(seen)


@pytest.mark.parametrize(
    ("name", "count"), [("mini.dbc", 100), ("mini.kcd", 100), ("mini.sym", 60), ("mini.arxml", 40)]
)
def test_mutations_of_the_other_formats(name, count):
    path = FILES / name
    seen = [checked(mutated(path.read_text(), random.Random(f"{name} {seed}")), path.suffix) for seed in range(count)]
    assert "refused" in seen
