"""Lint: each rule finds what it is for, and nothing in a clean database; the command prints, counts and exits."""

import json
import re

import pytest

from hil.can import lint_messages, lint_protection, lint_signals
from hil.can.lint import TITLES, Level, LintBus, as_json, counts, lint, lint_together
from hil.can.lint_messages import bus_load, worst_bits
from hil.can.loading import load_tolerant
from hil.can.traits import AttributeNames
from hil.cli.main import main

HEAD = 'VERSION ""\nBU_: ECU GATEWAY\n'
DEFINITIONS = """
BA_DEF_ BO_ "GenMsgCycleTime" INT 0 0;
BA_DEF_ BO_ "GenMsgSendType" STRING;
BA_DEF_ SG_ "GenSigStartValue" FLOAT 0 0;
BA_DEF_ BO_ "VFrameFormat" ENUM "StandardCAN","ExtendedCAN","StandardCAN_FD","ExtendedCAN_FD";
BA_DEF_ BO_ "NmAsrMessage" ENUM "No","Yes";
BA_DEF_ BU_ "NmAsrNodeIdentifier" INT 0 0;
BA_DEF_ BO_ "DiagRequest" ENUM "No","Yes";
BA_DEF_ BO_ "E2EProfile" STRING;
BA_DEF_ BO_ "E2EDataId" STRING;
BA_DEF_ BO_ "E2EDataIdList" STRING;
BA_DEF_ BO_ "E2EOffset" INT 0 0;
BA_DEF_ SG_ "GwSource" STRING;
"""
SPEED = ' SG_ Speed : 0|16@1+ (0.01,0) [0|655.35] "km/h" GATEWAY\n'
CLEAN = "BO_ 256 M: 2 ECU\n" + SPEED
CYCLE = 'BA_ "GenMsgCycleTime" BO_ 256 20;\n'


def load(messages=CLEAN, facts=CYCLE):
    return load_tolerant(HEAD + messages + DEFINITIONS + facts, ".dbc", "x.dbc")


def found(messages=CLEAN, facts=CYCLE, *, rate=None, names=None, tolerated=False):
    """Errors and warnings, and those infos that aren't about every bus."""
    loaded = load(messages, facts)
    findings = lint("cabin", loaded.database, names, 500_000, rate, loaded.tolerated if tolerated else ())
    always = ("load", "unused-bits", "receiver")
    return [f for f in findings if f.level is not Level.INFO or f.rule not in always]


def shown(*arguments, **options):
    return [f"{f.level} {f.rule} {f.where}: {f.what}" for f in found(*arguments, **options)]


def signal(name="X", place="0|8@1+", scale="(1,0)", span="[0|255]", unit="", length=8, more=""):
    return f'BO_ 256 M: {length} ECU\n SG_ {name} : {place} {scale} {span} "{unit}" GATEWAY\n{more}'


def test_a_clean_database_has_no_findings():
    assert shown() == []


@pytest.mark.parametrize(
    "file", ["dbc/body.dbc", "dbc/chassis.dbc", "dbc/overlays/brio_body.dbc", "tests/data/cabin.dbc"]
)
def test_our_own_databases_are_clean(repository, file):
    path = repository / file
    loaded = load_tolerant(path.read_text(encoding="utf-8"), ".dbc", path.name)
    rate = 2_000_000 if path.stem == "chassis" else None
    findings = lint(path.stem, loaded.database, AttributeNames(), 500_000, rate, loaded.tolerated)
    assert [finding for finding in findings if finding.level is not Level.INFO] == []
    assert loaded.tolerated == []


# Signals --------------------------------------------------------------------------------------------------------------

SIGNALS = {
    "overlap": (
        signal(more=' SG_ Y : 4|8@1+ (1,0) [0|255] "" GATEWAY\n'),
        ["error overlap cabin::M.Y: overlaps X by 4 bits"],
    ),
    "overlap of Motorola and Intel": (
        signal(more=' SG_ Y : 1|8@0+ (1,0) [0|255] "" GATEWAY\n'),
        ["error overlap cabin::M.Y: overlaps X by 2 bits"],
    ),
    "overlap within a page": (
        signal("X M", more=' SG_ A m1 : 8|8@1+ (1,0) [0|255] "" ECU\n SG_ B m1 : 12|8@1+ (1,0) [0|255] "" ECU\n'),
        ["error overlap cabin::M.B: overlaps A by 4 bits"],
    ),
    "two pages": (
        signal("X M", more=' SG_ A m1 : 8|8@1+ (1,0) [0|255] "" ECU\n SG_ B m2 : 12|8@1+ (1,0) [0|255] "" ECU\n'),
        [],
    ),
    "a page and what is always there": (
        signal("X M", more=' SG_ A m1 : 8|8@1+ (1,0) [0|255] "" ECU\n SG_ B : 12|8@1+ (1,0) [0|255] "" ECU\n'),
        ["error overlap cabin::M.B: overlaps A by 4 bits"],
    ),
    "range beyond the bits": (
        signal(span="[0|256]"),
        ["warning range cabin::M.X: the range is 0 to 256, the bits hold 0 to 255"],
    ),
    "range of a signed signal that isn't": (
        signal(span="[-40|100]"),
        ["warning range cabin::M.X: the range is -40 to 100, the bits hold 0 to 255"],
    ),
    "range rounded": (signal(scale="(0.4,0)", span="[0|102.1]"), []),
    "range of falling values": (signal(scale="(-1,100)", span="[-155|100]"), []),
    "no range": (signal(span="[0|0]"), []),
    "label twice": (
        signal(more='VAL_ 256 X 0 "Off" 1 "On" 2 "On" ;\n'),
        ["warning labels cabin::M.X: 'On' is the label of 1 and of 2"],
    ),
    "reserved labels": (signal(more='VAL_ 256 X 0 "Off" 1 "reserved" 2 "reserved" 3 "Not used" 4 "Not used" ;\n'), []),
    "label outside": (
        signal(more='VAL_ 256 X 0 "Off" 256 "High" -1 "Low" ;\n'),
        ["warning labels-outside cabin::M.X: 256 'High', -1 'Low': the bits hold 0 to 255"],
    ),
    "SNA within the range": (
        signal(unit="km/h", more='VAL_ 256 X 255 "SNA" ;\n'),
        ["warning sna cabin::M.X: 'SNA' is 255, within the range 0 to 255"],
    ),
    "SNA beyond the range": (signal(unit="km/h", span="[0|254]", more='VAL_ 256 X 255 "SNA" ;\n'), []),
    "SNA of a state": (signal(more='VAL_ 256 X 0 "Off" 1 "On" 255 "SNA" ;\n'), []),
    "start value outside the bits": (
        signal(more="") + 'BA_DEF_ SG_ "GenSigStartValue" FLOAT 0 0;\nBA_ "GenSigStartValue" SG_ 256 X 300;\n',
        ["error start-value cabin::M.X: the start value is raw 300, the bits hold 0 to 255"],
    ),
    "start value outside the range": (
        signal(span="[0|100]") + 'BA_DEF_ SG_ "GenSigStartValue" FLOAT 0 0;\nBA_ "GenSigStartValue" SG_ 256 X 200;\n',
        ["warning start-value cabin::M.X: starts at 200 (raw 200), outside the range 0 to 100"],
    ),
    "start value with a label": (
        signal(span="[0|100]", more='VAL_ 256 X 200 "Init" ;\n')
        + 'BA_DEF_ SG_ "GenSigStartValue" FLOAT 0 0;\nBA_ "GenSigStartValue" SG_ 256 X 200;\n',
        [],
    ),
    "no start value": (signal(span="[10|100]"), []),
    "a start value for all by default": (signal(span="[10|100]") + 'BA_DEF_DEF_ "GenSigStartValue" 0;\n', []),
    "unknown unit": (
        signal(unit="furlong"),
        ["info unit cabin: 'furlong' is not converted; values are given in it or without a unit (X)"],
    ),
    "no unit": (signal(unit="-"), []),
    "multiplexer of nothing": (
        signal("X M"),
        ["warning pages cabin::M.X: is a multiplexer that selects nothing"],
    ),
    "page of nothing": (
        signal("X M", more=' SG_ A m1 : 8|8@1+ (1,0) [0|255] "" ECU\nVAL_ 256 X 1 "one" 2 "two" ;\n'),
        ["info pages cabin::M.X: selects no signal with two"],
    ),
    "page beyond the multiplexer": (
        signal("X M", place="0|4@1+", span="[0|15]", more=' SG_ A m16 : 8|8@1+ (1,0) [0|255] "" ECU\n'),
        ["error pages cabin::M.X: can't be 16: it has 4 bits"],
    ),
}


@pytest.mark.parametrize("case", SIGNALS.values(), ids=SIGNALS.keys())
def test_signals(case):
    messages, expected = case
    assert shown(messages) == expected


def test_what_the_loader_would_have_mended_is_found_too():
    """Of a database that somebody else loaded."""
    database = load(signal(span="[0|100]")).database
    x = database.messages[0].signals[0]
    x.minimum, x.maximum = 100, 0
    assert [f"{f.level} {f.rule} {f.what}" for f in lint("cabin", database) if f.level is Level.ERROR] == [
        "error range the range is 100 to 0"
    ]
    x.start, x.length = 60, 8
    assert "is beyond the 8 bytes of its message" in [f.what for f in lint("cabin", database)]
    x.is_float = True
    assert "is floating point with 8 bits" in [f.what for f in lint("cabin", database)]


def test_unused_bits_are_one_line_a_bus():
    findings = lint("cabin", load(signal(length=4)).database)
    assert [f.what for f in findings if f.rule == "unused-bits"] == [
        "24 of 32 bits of payload are unused, in 1 of 1 messages"
    ]


# Messages -------------------------------------------------------------------------------------------------------------

TWO = CLEAN + 'BO_ 257 N: 2 GATEWAY\n SG_ Other : 0|16@1+ (1,0) [0|65535] "" ECU\n'
BOTH = CYCLE + 'BA_ "GenMsgCycleTime" BO_ 257 100;\n'
MESSAGES = {
    "no cycle": (
        TWO,
        CYCLE,
        ["warning cycle cabin::N: has no cycle time, and nothing says that it is sent on an event"],
    ),
    "an event": (TWO, CYCLE + 'BA_ "GenMsgSendType" BO_ 257 "Event";\n', []),
    "cyclic without a cycle": (
        TWO,
        CYCLE + 'BA_ "GenMsgSendType" BO_ 257 "Cyclic";\n',
        ["warning cycle cabin::N: has no cycle time, and nothing says that it is sent on an event"],
    ),
    "diagnosis has no cycle": (TWO, CYCLE + 'BA_ "DiagRequest" BO_ 257 1;\n', []),
    "no cycle at all": (TWO, "", ["warning cycle cabin: none of 2 messages says when it is sent"]),
    "too fast": (CLEAN, CYCLE.replace("20", "2"), ["warning cycle-value cabin::M: has a cycle time of 2 ms"]),
    "too slow": (CLEAN, CYCLE.replace("20", "90000"), ["warning cycle-value cabin::M: has a cycle time of 90000 ms"]),
    "unknown send type": (
        CLEAN,
        CYCLE + 'BA_ "GenMsgSendType" BO_ 256 "Sometimes";\n',
        ["error attribute cabin::M: 'Sometimes' is no send type"],
    ),
    "no sender": (
        TWO.replace("2 GATEWAY", "2 Vector__XXX"),
        BOTH,
        ["warning sender cabin::N: has no sender, so the restbus doesn't play it"],
    ),
    "no senders": (
        TWO.replace("2 GATEWAY", "2 Vector__XXX").replace("2 ECU", "2 Vector__XXX"),
        BOTH,
        ["warning sender cabin: no message has a sender, so the restbus plays nothing"],
    ),
    "identifier of diagnosis": (
        CLEAN + 'BO_ 2016 Req: 8 GATEWAY\n SG_ Data : 0|64@1+ (1,0) [0|0] "" ECU\n',
        CYCLE + 'BA_ "GenMsgSendType" BO_ 2016 "Event";\n',
        ["warning identifier cabin::Req: 0x7E0 is an identifier of diagnosis, but it isn't marked so"],
    ),
    "identifier of diagnosis with 29 bits": (
        CLEAN + 'BO_ 2564485397 Req: 8 GATEWAY\n SG_ Data : 0|64@1+ (1,0) [0|0] "" ECU\n',
        CYCLE + 'BA_ "GenMsgSendType" BO_ 2564485397 "Event";\n',
        ["warning identifier cabin::Req: 0x18DAF115x is an identifier of diagnosis, but it isn't marked so"],
    ),
    "diagnosis": (
        CLEAN + 'BO_ 2016 Req: 8 GATEWAY\n SG_ Data : 0|64@1+ (1,0) [0|0] "" ECU\n',
        CYCLE + 'BA_ "DiagRequest" BO_ 2016 1;\n',
        [],
    ),
    "network management": (
        CLEAN + "BO_ 1281 NmA: 8 ECU\nBO_ 1283 Odd: 8 ECU\nBO_ 1285 NmB: 8 Vector__XXX\nBO_ 1537 NmC: 8 GATEWAY\n",
        CYCLE
        + "".join(f'BA_ "NmAsrMessage" BO_ {can_id} 1;\n' for can_id in (1281, 1285, 1537))
        + 'BA_ "GenMsgCycleTime" BO_ 1283 100;\n',
        [
            "error nm cabin::NmB: is a network management message of no node",
            "error nm cabin: ECU, GATEWAY have the node identifier 0x01",
            "warning sender cabin::NmB: has no sender, so the restbus doesn't play it",
            "warning identifier cabin::Odd: 0x503 lies among the network management messages, but it isn't one",
        ],
    ),
}


@pytest.mark.parametrize("case", MESSAGES.values(), ids=MESSAGES.keys())
def test_messages(case):
    messages, facts, expected = case
    assert shown(messages, facts) == expected


def test_the_attribute_that_may_say_the_cycle_is_named():
    facts = 'BA_DEF_ BO_ "CycleTime_ms" INT 0 0;\nBA_ "CycleTime_ms" BO_ 256 20;\nBA_ "CycleTime_ms" BO_ 257 100;\n'
    assert [f.remedy for f in found(TWO, facts)] == [
        'map it in the bench file: attributes = { cycle_time = "CycleTime_ms" }.'
    ]
    assert found(TWO, facts, names=AttributeNames({"cycle_time": "CycleTime_ms"})) == []


def test_an_attribute_that_is_mapped_to_nothing():
    names = AttributeNames({"cycle_time": "genmsgcycletime"})
    findings = [f for f in found(names=names) if f.rule == "mapping"]
    assert [(f.level, f.what, f.remedy) for f in findings] == [
        (
            Level.ERROR,
            "cycle_time is mapped to 'genmsgcycletime', which the database doesn't define",
            "it defines GenMsgCycleTime.",
        )
    ]


def test_can_fd_on_a_classic_bus():
    wide = 'BO_ 256 M: 12 ECU\n SG_ X : 0|64@1+ (1,0) [0|0] "" GATEWAY\n'
    facts = CYCLE + 'BA_ "VFrameFormat" BO_ 256 2;\n'
    assert shown(wide, facts) == ["error fd cabin: 1 messages are CAN FD on a classic bus: M"]
    assert shown(wide, facts, rate=2_000_000) == []


def test_lengths_and_names_of_a_database_that_somebody_else_loaded():
    database = load(TWO, BOTH).database
    one, other = database.messages
    one.length, one.is_fd = 9, True
    other.length = 9
    other.name, other.frame_id = one.name, one.frame_id
    other.senders[:] = ["NOBODY"]
    errors = [
        f"{f.rule} {f.what}" for f in lint("cabin", database, None, 500_000, 2_000_000) if f.level is not Level.INFO
    ]
    assert errors == [
        "twice has the identifier 0x100 of M",
        "twice is the name of two messages",
        "length has 9 bytes, which is no CAN FD length",
        "length has 9 bytes, but isn't CAN FD",
        "node the node NOBODY isn't declared",
    ]


@pytest.mark.parametrize(
    ("can_id", "length", "frame_format", "bits"),
    [
        (256, 8, 0, (135, 0)),  # 34 + 64 + 13 + 24: the worst case of the published formula
        (256, 0, 0, (55, 0)),
        (2147483904, 8, 1, (160, 0)),  # 54 + 64 + 13 + 29
        (256, 8, 2, (33, 114)),  # 17 + 4 + 12; 5 + 64 + 17 + 27 + 1
        (256, 64, 2, (33, 679)),  # 5 + 512 + 129 + 32 + 1
        (2147483904, 64, 3, (56, 680)),  # 36 + 8 + 12; 5 + 512 + 130 + 32 + 1
    ],
)
def test_the_longest_frame(can_id, length, frame_format, bits):
    text = f"BO_ {can_id} M: {length} ECU\n"
    database = load(text, f'BA_ "VFrameFormat" BO_ {can_id} {frame_format};\n').database
    bus = LintBus("cabin", database, AttributeNames(), 500_000, 2_000_000)
    assert worst_bits(database.messages[0], bus.traits["M"].flags) == bits


def test_the_load_of_a_bus():
    """135 bits each 10 ms at 500 kbit/s are 2.7 %, plus an event message that doesn't count."""
    text = "BO_ 256 M: 8 ECU\nBO_ 257 N: 8 ECU\n"
    facts = 'BA_ "GenMsgCycleTime" BO_ 256 10;\nBA_ "GenMsgSendType" BO_ 257 "Event";\n'
    assert bus_load(LintBus("cabin", load(text, facts).database)) == pytest.approx(0.027)


@pytest.mark.parametrize(("count", "level"), [(22, "info"), (23, "warning"), (38, "error")])
def test_too_much_load(count, level):
    """Each message takes 2.7 %."""
    text = "".join(f"BO_ {number} M{number}: 8 ECU\n" for number in range(1, count + 1))
    facts = "".join(f'BA_ "GenMsgCycleTime" BO_ {number} 10;\n' for number in range(1, count + 1))
    findings = [f for f in lint("cabin", load(text, facts).database) if f.rule == "load"]
    assert [(f.level, f.what) for f in findings] == [
        (level, f"{2.7 * count:.1f} % at 500 kbit/s: cyclic messages at the longest stuffing, without events")
    ]


# Protection -----------------------------------------------------------------------------------------------------------


def protected(signals, profile="P01", more="", length=8, data_id="5"):
    text = f"BO_ 256 M: {length} ECU\n" + "".join(f' SG_ {s} (1,0) [0|0] "" GATEWAY\n' for s in signals)
    facts = CYCLE + f'BA_ "E2EProfile" BO_ 256 "{profile}";\nBA_ "E2EDataId" BO_ 256 "{data_id}";\n' + more
    return text, facts


GOOD_P01 = ["Crc : 0|8@1+", "Counter : 8|4@1+", "Data : 16|8@1+"]
PROTECTED = {
    "well": (protected(GOOD_P01), []),
    "signal over the edge of the header": (
        protected(["Crc : 0|8@1+", "Counter : 8|4@1+", "Data : 11|8@1+"]),
        [
            "error overlap cabin::M.Data: overlaps Counter by 1 bits",
            "error e2e-place cabin::M.Data: lies with 1 of its 8 bits on the E2E header",
        ],
    ),
    "header elsewhere": (
        protected(GOOD_P01, more='BA_ "E2EOffset" BO_ 256 1;\n'),
        [
            "error e2e-place cabin::M.Data: lies with 4 of its 8 bits on the E2E header",
            "info e2e-signal cabin::M: 4 bits of the E2E header belong to no signal, so no trace shows them",
        ],
    ),
    "no signals": (
        protected(["Data : 16|8@1+"]),
        ["info e2e-signal cabin::M: 12 bits of the E2E header belong to no signal, so no trace shows them"],
    ),
    "short counter": (
        protected(["Crc : 0|8@1+", "Counter : 8|3@1+"]),
        [
            "warning e2e-counter cabin::M.Counter: has 3 of the 4 bits of the counter of P01",
            "info e2e-signal cabin::M: 1 bits of the E2E header belong to no signal, so no trace shows them",
        ],
    ),
    "profile 5": (protected(["Crc : 0|16@1+", "Counter : 16|8@1+"], "P05"), []),
    "too long": (
        protected(GOOD_P01, length=32, more='BA_ "VFrameFormat" BO_ 256 2;\n'),
        ["error e2e-length cabin::M: has 32 bytes; P01 protects at most 30"],
    ),
    "unknown profile": (protected(GOOD_P01, "P22"), ["error attribute cabin::M: E2E profile 'P22' is not known"]),
}


@pytest.mark.parametrize("case", PROTECTED.values(), ids=PROTECTED.keys())
def test_protection(case):
    (text, facts), expected = case
    shown_ = [line for line in shown(text, facts, rate=2_000_000) if " e2e-profile " not in line]
    assert shown_ == expected


def test_data_ids_used_twice():
    text, facts = protected(GOOD_P01)
    other = text.replace("256 M:", "257 N:") + text.replace("256 M:", "258 O:")
    facts += "".join(line.replace("256", "257") + "\n" for line in facts.splitlines())
    facts += 'BA_ "E2EProfile" BO_ 258 "P05";\nBA_ "E2EDataId" BO_ 258 "5";\nBA_ "GenMsgCycleTime" BO_ 258 20;\n'
    assert [line for line in shown(text + other, facts) if "e2e-id" in line] == [
        "warning e2e-id cabin: M, N have the same data id"
    ]


def test_a_checksum_without_a_profile():
    text = (
        'BO_ 256 M: 2 ECU\n SG_ M_CRC : 0|8@1+ (1,0) [0|0] "" GATEWAY\n SG_ AliveCtr : 8|4@1+ (1,0) [0|0] "" GATEWAY\n'
    )
    assert shown(text) == ["info e2e-profile cabin: 1 messages have a checksum and a counter, but no E2E profile: M"]


# Several buses, and what was tolerated --------------------------------------------------------------------------------


def bus(name, text=CLEAN, facts=CYCLE):
    return LintBus(name, load(text, facts).database)


def together(*buses):
    return [f"{f.level} {f.rule} {f.where}: {f.what}" for f in lint_together(buses)]


GATEWAY = CYCLE + 'BA_ "GwSource" SG_ 256 Speed "{}";\n'


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("M.Speed", []),
        ("body::M.Speed", []),
        ("M.Sped", ["error gateway cabin::M.Speed: repeats M.Sped, which no other bus has"]),
        ("cabin::M.Speed", ["error gateway cabin::M.Speed: repeats cabin::M.Speed, which no other bus has"]),
    ],
)
def test_the_source_of_a_gateway(source, expected):
    assert together(bus("cabin", facts=GATEWAY.format(source)), bus("body")) == expected


def test_a_gateway_without_the_other_bus():
    assert together(bus("cabin", facts=GATEWAY.format("M.Speed"))) == [
        "info gateway cabin::M.Speed: repeats M.Speed, which stands in no database given here"
    ]


def test_one_name_in_two_units():
    other = CLEAN.replace("km/h", "mph")
    assert together(bus("cabin"), bus("body", other)) == [
        "warning scaling body::M.Speed: is in 'mph' here and in 'km/h' at cabin::M.Speed"
    ]
    assert together(bus("cabin", facts=GATEWAY.format("M.Speed")), bus("body", other)) == [
        "warning gateway cabin::M.Speed: repeats M.Speed in 'km/h', which is 'mph' there",
        "warning scaling body::M.Speed: is in 'mph' here and in 'km/h' at cabin::M.Speed",
    ]


def test_one_name_in_two_scalings_is_worth_knowing():
    assert together(bus("cabin"), bus("body", CLEAN.replace("0.01", "0.1"))) == [
        "info scaling body::M.Speed: has factor 0.1, offset 0 here; 0.01, 0 at cabin::M.Speed"
    ]
    assert together(bus("cabin"), bus("body")) == []


def test_what_was_tolerated_is_found():
    text = CLEAN + ' SG_ Far : 60|8@1+ (1,0) [0|255] "" GATEWAY\n'
    assert shown(text + "FOO_ 1;\n", tolerated=True) == [
        "error file:beyond x.dbc:5: signal Far is beyond the 2 bytes of message M; it is left out",
        "warning file:unknown-section x.dbc:6: FOO_ is no section of a DBC file; it is left out",
    ]
    overlap = signal(more=' SG_ Y : 4|8@1+ (1,0) [0|255] "" GATEWAY\n')
    assert shown(overlap, tolerated=True) == shown(overlap)  # not told twice


def test_every_rule_has_a_title_and_findings_come_worst_first():
    rules = [rule.name for module in (lint_messages, lint_signals, lint_protection) for rule in module.RULES]
    assert len(rules) == len(set(rules))
    assert set(rules) < set(TITLES)
    levels = [f.level for f in lint("cabin", load(signal(span="[0|256]", unit="furlong", more=""), "").database)]
    assert levels == sorted(levels, key=list(Level).index)


def test_the_page_on_databases_names_every_rule_and_its_level(repository):
    text = (repository / "docs" / "databases.md").read_text(encoding="utf-8")
    table = dict(re.findall(r"^\| `([\w-]+)` \| ((?:error|warning|info)[^|]*) \|", text, re.MULTILINE))
    assert list(table) == [rule for rule in TITLES if not rule.startswith("file:")]
    rules = [rule for module in (lint_messages, lint_signals, lint_protection) for rule in module.RULES]
    assert all(rule.level in table[rule.name] for rule in rules)


def test_counts_and_json():
    findings = found(signal(span="[0|256]"))
    assert counts(findings) == {Level.ERROR: 0, Level.WARNING: 1, Level.INFO: 0}
    assert as_json(findings) == [
        {
            "level": "warning",
            "rule": "range",
            "title": "ranges that don't fit the bits",
            "where": "cabin::M.X",
            "what": "the range is 0 to 256, the bits hold 0 to 255",
            "remedy": "correct the range, or length, sign, factor and offset.",
        }
    ]


# The command ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path):
    """Writes a database, with its path as the command takes it."""

    def write(messages=CLEAN, facts=CYCLE, name="cabin.dbc"):
        (tmp_path / name).write_text(HEAD + messages + DEFINITIONS + facts)
        return str(tmp_path / name)

    return write


def test_a_clean_database_ends_with_0(file, capsys):
    assert main(["signals", "--lint", "--database", file()]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("cabin: ")
    assert lines[0].endswith("cabin.dbc, 1 messages, 1 signals")
    assert lines[-1] == "0 errors, 0 warnings, 1 info in 1 database"


def test_findings_end_with_1_and_are_grouped(file, capsys):
    text = "".join(signal(f"X{n}", span="[0|256]").replace("256 M", f"{n} M{n}") for n in range(1, 13))
    path = file(text, "".join(f'BA_ "GenMsgCycleTime" BO_ {n} 100;\n' for n in range(1, 13)))
    assert main(["signals", "--lint", "--database", path]) == 1
    out = capsys.readouterr().out
    assert "  warning ranges that don't fit the bits (range): 12 Remedy: correct the range" in out
    assert out.count("the range is 0 to 256") == 10
    assert "    and 2 more: --all shows them" in out
    assert main(["signals", "--lint", "--all", "--database", path]) == 1
    assert capsys.readouterr().out.count("the range is 0 to 256") == 12


def test_the_bitrate_counts(file, capsys):
    path = file(facts=CYCLE.replace("20", "5"))
    assert main(["signals", "--lint", "--database", path, "--bitrate", "20000"]) == 1
    assert "75.0 % at 20 kbit/s" in capsys.readouterr().out


def test_attributes_of_the_command_line(file, capsys):
    path = file(facts='BA_DEF_ BO_ "MsgCycle" INT 0 0;\nBA_ "MsgCycle" BO_ 256 20;\n')
    assert main(["signals", "--lint", "--database", path]) == 1
    assert main(["signals", "--lint", "--database", path, "--attribute", "cycle_time=MsgCycle"]) == 0
    assert main(["signals", "--database", path, "--attribute", "cycle_time=MsgCycle"]) == 0
    assert "20 ms" in capsys.readouterr().out.splitlines()[-1]
    assert main(["signals", "--database", path, "--attribute", "MsgCycle"]) == 2
    assert "--attribute 'MsgCycle' has no role and name. Remedy: write" in capsys.readouterr().err


def test_several_databases_are_compared(file, capsys):
    one, other = file(), file(CLEAN.replace("km/h", "mph"), name="body.dbc")
    assert main(["signals", "--lint", "--database", one, other]) == 1
    out = capsys.readouterr().out
    assert "all buses together" in out
    assert "body::M.Speed" in out
    assert out.splitlines()[-1].endswith("in 2 databases")


def test_the_findings_go_into_a_file(file, tmp_path, capsys):
    report = tmp_path / "findings.json"
    assert main(["signals", "--lint", "--database", file(signal(span="[0|256]")), "--json", str(report)]) == 1
    written = json.loads(report.read_text(encoding="utf-8"))
    assert [(one["level"], one["rule"]) for one in written if one["level"] != "info"] == [("warning", "range")]
    assert main(["signals", "--lint", "--database", file(), "--json", str(tmp_path / "no" / "such.json")]) == 2
    assert "can't be written" in capsys.readouterr().err


def test_markup_in_names_is_no_markup(file, capsys):
    path = file(signal(unit="[red]", more='VAL_ 256 X 0 "[b]" 1 "[b]" ;\n'))
    assert main(["signals", "--lint", "--database", path]) == 1
    assert "'[b]' is the label of 0 and of 1" in capsys.readouterr().out


def test_the_bench_is_linted_by_default(capsys, monkeypatch, repository):
    monkeypatch.chdir(repository)
    assert main(["signals", "--lint"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("0 errors, 0 warnings, ")
