"""What a database says beyond its signals: when messages are sent, how they are protected, what they are for."""

import re

import pytest

from hil.can.frames import BRS, EXTENDED, FD
from hil.can.loading import load_tolerant
from hil.can.send_types import SendType, read_send_type
from hil.can.traits import NAMES, AttributeNames, E2eConfig, NmTimes, frame_flags, message_traits, nm_nodes, nm_times
from hil.can.traits import start_value as start_value_of
from hil.errors import UsageError

HEAD = 'VERSION ""\nBU_: ECU GATEWAY\n'
MESSAGE = """BO_ 256 M: 8 ECU
 SG_ A : 0|8@1+ (0.5,-10) [0|0] "" GATEWAY
 SG_ B : 8|8@1- (1,0) [0|0] "" GATEWAY
"""
TYPES = {
    "GenMsgCycleTime": "BO_ INT 0 0",
    "GenMsgCycleTimeFast": "BO_ INT 0 0",
    "GenMsgNrOfRepetition": "BO_ INT 0 0",
    "GenMsgDelayTime": "BO_ INT 0 0",
    "GenMsgStartDelayTime": "BO_ INT 0 0",
    "GenMsgSendType": "BO_ STRING",
    "GenSigSendType": "SG_ STRING",
    "GenSigStartValue": "SG_ FLOAT 0 0",
    "GenSigInactiveValue": "SG_ INT 0 0",
    "CANFD_BRS": 'BO_ ENUM "0","1"',
    "VFrameFormat": 'BO_ ENUM "StandardCAN","ExtendedCAN","StandardCAN_FD","ExtendedCAN_FD"',
    "NmAsrMessage": 'BO_ ENUM "No","Yes"',
    "NmAsrNodeIdentifier": "BU_ INT 0 0",
    "NmAsrTimeoutTime": "INT 0 0",
    "DiagRequest": 'BO_ ENUM "No","Yes"',
    "DiagResponse": 'BO_ ENUM "No","Yes"',
    "E2EProfile": "BO_ STRING",
    "E2EDataId": "BO_ STRING",
    "E2EDataIdMode": "BO_ STRING",
    "E2EDataIdList": "BO_ STRING",
    "E2EOffset": "BO_ INT 0 0",
    "E2EMaxDeltaCounter": "BO_ INT 0 0",
    "NmPnc": "BO_ INT 0 0",
    "GwSource": "SG_ STRING",
    "MsgCycle": "BO_ INT 0 0",
    "TxMode": "BO_ STRING",
}


def database(*attributes, message=MESSAGE, defaults=()):
    """A database with attributes, each written `Name target value`."""
    used = {line.split()[0] for line in (*attributes, *defaults)}
    text = HEAD + message
    for name in sorted(used):
        kind, _, rest = TYPES[name].partition(" ")
        kind, rest = (kind, rest) if kind.endswith("_") else ("", TYPES[name])
        text += f'BA_DEF_ {kind} "{name}" {rest};\n'
    for line in defaults:
        text += 'BA_DEF_DEF_ "{}" {};\n'.format(*line.split(" ", 1))
    for line in attributes:
        text += 'BA_ "{}" {};\n'.format(*line.split(" ", 1))
    return load_tolerant(text, ".dbc", "x.dbc").database


def traits(*attributes, names=None, **options):
    return message_traits(database(*attributes, **options).messages[0], names or AttributeNames())


# When it is sent ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "kind", "repeated"),
    [
        ("Cyclic", SendType.CYCLIC, False),
        ("cyclic", SendType.CYCLIC, False),
        ("Cycle", SendType.CYCLIC, False),
        ("FixedPeriodic", SendType.CYCLIC, False),
        ("Cyclic_And_Spontan", SendType.ON_CHANGE, False),
        ("cyclicAndTriggered", SendType.ON_CHANGE, False),
        ("Event", SendType.ON_CHANGE, False),
        ("CE", SendType.ON_CHANGE, False),
        ("triggered", SendType.ON_CHANGE, False),
        ("OnWriteWithRepetition", SendType.ON_WRITE, True),
        ("OnChangeWithRepetition", SendType.ON_CHANGE, True),
        ("IfActive", SendType.IF_ACTIVE, False),
        ("cyclicIfActive", SendType.IF_ACTIVE, False),
        ("CA", SendType.IF_ACTIVE, False),
        ("OnChangeAndIfActiveWithRepetition", SendType.IF_ACTIVE, True),
    ],
)
def test_the_words_of_many_databases_are_known(word, kind, repeated):
    assert read_send_type(word, "M") == (kind, repeated)


@pytest.mark.parametrize(
    "word", ["NoMsgSendType", "noMsgSendType", "NotUsed", "not_used", "vector_leerstring", "", None, "3"]
)
def test_words_that_say_nothing(word):
    assert read_send_type(word, "M") is None


def test_an_unknown_word_is_refused_with_the_way_out():
    with pytest.raises(
        UsageError, match=r"^M: 'Sometimes' is no send type\. Remedy: say what it means: words\.send_type"
    ):
        traits('GenMsgSendType BO_ 256 "Sometimes"')


def test_a_cyclic_message():
    found = traits("GenMsgCycleTime BO_ 256 20", "GenMsgStartDelayTime BO_ 256 5", "GenMsgDelayTime BO_ 256 3")
    assert (found.cycle_ns, found.start_delay_ns, found.min_gap_ns) == (20_000_000, 5_000_000, 3_000_000)
    assert found.purely_cyclic


@pytest.mark.parametrize("word", ["Cyclic", "NoMsgSendType"])
def test_without_a_cycle_it_is_sent_when_it_is_written(word):
    found = traits(f'GenMsgSendType BO_ 256 "{word}"')
    assert (found.cycle_ns, found.on_write) == (0, {"A", "B"})
    assert not found.purely_cyclic


def test_a_signal_has_a_send_type_of_its_own():
    found = traits(
        "GenMsgCycleTime BO_ 256 100",
        "GenMsgCycleTimeFast BO_ 256 20",
        "GenMsgNrOfRepetition BO_ 256 3",
        'GenSigSendType SG_ 256 A "OnChangeWithRepetition"',
    )
    assert (found.on_change, found.repeated, found.on_write) == ({"A"}, {"A"}, frozenset())
    assert (found.fast_ns, found.repetitions) == (20_000_000, 3)
    assert not found.purely_cyclic


def test_cyclic_while_active():
    found = traits('GenMsgSendType BO_ 256 "IfActive"', "GenMsgCycleTime BO_ 256 50", "GenSigInactiveValue SG_ 256 B 3")
    assert (found.while_active, found.active_only) == ({"A", "B"}, True)
    assert found.inactive == {"A": 0, "B": 3}


def test_a_default_cycle_is_no_cycle_of_an_event_message():
    """A database may give all messages a cycle by default, and its event messages too."""
    defaults = ["GenMsgCycleTime 200"]
    assert traits(defaults=defaults).cycle_ns == 200_000_000
    assert traits('GenMsgSendType BO_ 256 "Event"', defaults=defaults).cycle_ns == 0
    assert traits('GenMsgSendType BO_ 256 "CE"', defaults=defaults).cycle_ns == 200_000_000
    assert traits('GenMsgSendType BO_ 256 "Event"', "GenMsgCycleTime BO_ 256 100").cycle_ns == 100_000_000


@pytest.mark.parametrize(("value", "shown"), [("-1", "-1"), ("2000000000", "2e+09")])
def test_a_time_that_cannot_be_is_refused(value, shown):
    with pytest.raises(UsageError) as error:
        traits(f"GenMsgCycleTime BO_ 256 {value}")
    assert str(error.value) == f"M: GenMsgCycleTime is {shown}. Remedy: give it a number of ms from 0."


# Which attribute says it ----------------------------------------------------------------------------------------------


def test_customers_attributes_are_mapped():
    names = AttributeNames({"cycle_time": "MsgCycle", "send_type": "TxMode"})
    found = traits("MsgCycle BO_ 256 40", 'TxMode BO_ 256 "Event"', names=names)
    assert (found.cycle_ns, found.on_change) == (40_000_000, {"A", "B"})


def test_a_mapped_attribute_goes_before_the_one_that_cantools_reads():
    attributes = ["GenMsgCycleTime BO_ 256 20", "MsgCycle BO_ 256 0"]
    assert traits(*attributes, names=AttributeNames({"cycle_time": "MsgCycle"})).cycle_ns == 0
    assert traits(*attributes).cycle_ns == 20_000_000


def test_customers_words_are_mapped():
    names = AttributeNames({"send_type": "TxMode"}, words={"send_type": {"fp": "Cyclic", "7": "OnChange"}})
    assert traits('TxMode BO_ 256 "FP"', "GenMsgCycleTime BO_ 256 10", names=names).purely_cyclic
    assert traits('TxMode BO_ 256 "7"', names=names).on_change == {"A", "B"}


def test_an_unknown_role_is_refused():
    with pytest.raises(
        UsageError, match=r"^unknown attribute role 'cycle'\. Remedy: one of bit_rate_switch, cycle_time, "
    ):
        AttributeNames({"cycle": "MsgCycle"})
    with pytest.raises(UsageError, match=r"^unknown attribute role 'sendtype'"):
        AttributeNames(words={"sendtype": {}})


def test_set_defined_and_default_are_three_things():
    names = AttributeNames()
    message = database("DiagRequest BO_ 256 1", defaults=["GenMsgCycleTime 7"]).messages[0]
    assert [names.of(message, role) for role in ("diag_request", "cycle_time", "fast_cycle_time")] == ["Yes", 7, None]
    assert [names.is_set(message, role) for role in ("diag_request", "cycle_time")] == [True, False]
    assert [names.is_defined(message, role) for role in ("cycle_time", "fast_cycle_time")] == [True, False]
    assert names.name("cycle_time") == NAMES["cycle_time"]
    assert names.of(None, "cycle_time") is None


@pytest.mark.parametrize(("given", "raw"), [("5", 5), ("4.6", 5), ("300", 0), ("-1", 0)])
def test_start_values_are_raw_and_must_fit(given, raw):
    signal = database(f"GenSigStartValue SG_ 256 A {given}").messages[0].signals[0]
    assert start_value_of(signal, AttributeNames()) == raw


def test_start_values_may_be_physical():
    signal = database("GenSigStartValue SG_ 256 A 10").messages[0].signals[0]
    assert start_value_of(signal, AttributeNames(physical_start=True)) == 40


# Frames, gateways, networks -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("attributes", "flags"),
    [
        ([], 0),
        (["VFrameFormat BO_ 256 2"], FD | BRS),
        (["VFrameFormat BO_ 256 2", "CANFD_BRS BO_ 256 1"], FD | BRS),
        (["VFrameFormat BO_ 256 2", "CANFD_BRS BO_ 256 0"], FD),
    ],
)
def test_flags_of_a_frame(attributes, flags):
    assert frame_flags(database(*attributes).messages[0], AttributeNames()) == flags


def test_an_extended_identifier_is_a_flag():
    message = database(message=MESSAGE.replace("256", "2147483904")).messages[0]
    assert frame_flags(message, AttributeNames()) == EXTENDED


def test_what_a_message_is_for():
    found = traits("NmAsrMessage BO_ 256 1", "NmPnc BO_ 256 3", 'GwSource SG_ 256 A "Speed.VehicleSpeed"')
    assert (found.is_nm, found.is_diag, found.partial_network) == (True, False, 3)
    assert found.gateway == {"A": "Speed.VehicleSpeed"}
    assert traits("DiagResponse BO_ 256 1").is_diag
    assert traits("DiagRequest BO_ 256 0").partial_network is None


def test_network_management_of_a_bus():
    nm = database("NmAsrMessage BO_ 256 1", "NmAsrNodeIdentifier BU_ ECU 17", "NmAsrTimeoutTime 1500")
    assert [(one.node, one.node_id, one.message.name) for one in nm_nodes(nm, AttributeNames())] == [("ECU", 17, "M")]
    assert nm_times(nm, AttributeNames()) == NmTimes(timeout_ns=1_500_000_000)


def test_without_an_identifier_of_its_own_a_node_has_the_low_byte_of_the_message():
    nm = database("NmAsrMessage BO_ 1297 1", message=MESSAGE.replace("256", "1297"))
    assert [one.node_id for one in nm_nodes(nm, AttributeNames())] == [0x11]


def test_a_node_identifier_that_is_no_number_is_refused():
    names = AttributeNames({"nm_node_id": "NodeId"})
    text = HEAD + MESSAGE + 'BA_DEF_ BO_ "NmAsrMessage" ENUM "No","Yes";\nBA_ "NmAsrMessage" BO_ 256 1;\n'
    text += 'BA_DEF_ BU_ "NodeId" STRING ;\nBA_ "NodeId" BU_ ECU "{}";\n'
    good = load_tolerant(text.format("0x2A"), ".dbc", "x.dbc").database
    assert nm_nodes(good, names)[0].node_id == 42
    with pytest.raises(UsageError, match=r"^M: the node identifier of the sender of M is 'first'"):
        nm_nodes(load_tolerant(text.format("first"), ".dbc", "x.dbc").database, names)


# End-to-end protection ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("attributes", "config"),
    [
        (['E2EProfile BO_ 256 "P01"', 'E2EDataId BO_ 256 "0x123"'], E2eConfig("P01", 8, 0x123)),
        (
            ['E2EProfile BO_ 256 "Profile 1"', 'E2EDataId BO_ 256 "5"', 'E2EDataIdMode BO_ 256 "nibble"'],
            E2eConfig("P01", 8, 5, "NIBBLE"),
        ),
        (
            ['E2EProfile BO_ 256 "5"', 'E2EDataId BO_ 256 "7"', "E2EOffset BO_ 256 2", "E2EMaxDeltaCounter BO_ 256 4"],
            E2eConfig("P05", 8, 7, offset=2, max_delta=4),
        ),
        (
            ['E2EProfile BO_ 256 "PROFILE_02"', 'E2EDataIdList BO_ 256 "1 2 3 4 5 6 7 8 9 10,11;12 0x0D 14 15 16"'],
            E2eConfig("P02", 8, id_list=bytes(range(1, 17))),
        ),
        (['E2EProfile BO_ 256 "None"'], None),
        ([], None),
    ],
)
def test_protection(attributes, config):
    assert traits(*attributes).e2e == config


@pytest.mark.parametrize(
    ("attributes", "text"),
    [
        (['E2EProfile BO_ 256 "P22"'], "M: E2E profile 'P22' is not known. Remedy: known here: P01, P02, P05, P11."),
        (['E2EProfile BO_ 256 "P05"'], "M: the E2E data id is 'None'. Remedy: give it a number of 16 bits."),
        (['E2EProfile BO_ 256 "P05"', 'E2EDataId BO_ 256 "65536"'], "M: the E2E data id is '65536'"),
        (['E2EProfile BO_ 256 "P02"', 'E2EDataIdList BO_ 256 "1 2"'], "M: E2E profile 2 needs 16 data ids"),
        (
            ['E2EProfile BO_ 256 "P11"', 'E2EDataId BO_ 256 "1"', 'E2EDataIdMode BO_ 256 "ALT"'],
            "M: E2E P11 has no mode ALT. Remedy: BOTH, NIBBLE.",
        ),
        (
            ['E2EProfile BO_ 256 "P05"', 'E2EDataId BO_ 256 "1"', "E2EOffset BO_ 256 6"],
            "M: the E2E header at byte 6 is beyond the 8 bytes of the message",
        ),
    ],
)
def test_protection_that_cannot_be_is_refused(attributes, text):
    with pytest.raises(UsageError) as error:
        traits(*attributes)
    assert str(error.value).startswith(text)


def test_words_can_switch_a_profile_off():
    """A customer's profile that isn't known here needn't keep the bench from starting."""
    names = AttributeNames(words={"e2e_profile": {"P22": "None"}})
    assert traits('E2EProfile BO_ 256 "P22"', names=names).e2e is None


def test_the_page_on_databases_names_every_role(repository):
    text = (repository / "docs" / "databases.md").read_text(encoding="utf-8")
    assert dict(re.findall(r"^\| `(\w+)` \| `(\w+)` \|", text, re.MULTILINE)) == dict(NAMES)
