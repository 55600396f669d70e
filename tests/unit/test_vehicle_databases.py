"""The vehicle's databases: what they must contain, and that what they say can be played, protected and understood.

The files are read by cantools alone, and their text by the patterns below, so that nothing which mends a sloppy file
stands between them and the checks.
"""

import itertools
import math
import re
import string
import warnings
from collections import Counter
from pathlib import Path

import cantools
import pytest

from hil.can import database, placement
from hil.can.database import Network, SignalRef
from hil.can.e2e import E2e, Status
from hil.can.frames import BRS, EXTENDED, FD
from hil.can.lint import Level, lint, lint_together
from hil.can.lint_bus import LintBus
from hil.can.nm_pdu import PduLayout, read_pdu
from hil.can.traits import AttributeNames, nm_nodes, nm_times

FOLDER = Path(__file__).parents[2] / "dbc"
BUSES = ("chassis", "body")
TEXTS = {bus: (FOLDER / f"{bus}.dbc").read_text(encoding="ascii") for bus in BUSES}
PAGE = (FOLDER / "README.md").read_text(encoding="utf-8")
NETWORK = Network({bus: cantools.database.load_string(TEXTS[bus], "dbc", strict=True) for bus in BUSES})
NAMES = AttributeNames()
DATA_BITRATES = {"chassis": 2_000_000, "body": None}
ALL = [(bus, message, NETWORK.traits(bus, message)) for bus, message in NETWORK.messages()]
APPLICATION = [(bus, message, traits) for bus, message, traits in ALL if not (traits.is_nm or traits.is_diag)]
SIGNALS = [(bus, message, signal) for bus, message, _ in ALL for signal in message.signals]
PROTECTED = [(bus, message, traits.e2e) for bus, message, traits in ALL if traits.e2e]
COPIES = [(bus, message, name, source) for bus, message, t in ALL for name, source in t.gateway.items()]
MULTIPLEXED = [(bus, message) for bus, message, _ in ALL if message.is_multiplexed()]
FIELDS = ("Crc", "Counter", "IdNibble")
"""What the protection writes: signals that are called `<Message>_Crc` and so on."""
NM_LAYOUT = PduLayout(pn_byte=2, pn_bytes=4)
PARTIAL_NETWORKS = {16: "Parking", 17: "Telematics", 18: "Comfort"}


def called(things):
    """Readable ids of parameters."""
    return [thing[1].name for thing in things]


def is_field(message, signal):
    return signal.name in [f"{message.name}_{field}" for field in FIELDS]


def sna(signal):
    """The raw value of 'SNA'; None if the signal has none."""
    return next((raw for raw, label in (signal.choices or {}).items() if str(label) == "SNA"), None)


def is_measured(message, signal):
    """Whether it is a quantity: a number with a unit, and no single precision number."""
    return bool(signal.unit) and not signal.conversion.is_float


def raw(signal, physical):
    return signal.conversion.numeric_scaled_to_raw(physical)


# The files ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bus", BUSES)
def test_loads_strictly_without_a_warning(bus, caplog):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loaded = cantools.database.load_string(TEXTS[bus], "dbc", strict=True)
    assert not caplog.records
    assert re.fullmatch(r"\d+\.\d+", loaded.version)


@pytest.mark.parametrize("bus", BUSES)
def test_the_text_is_tidy(bus):
    text = TEXTS[bus]
    assert "\t" not in text
    assert "\r" not in text
    assert not re.search(r" $", text, re.MULTILINE)
    assert text.endswith(";\n")
    assert not text.endswith("\n\n")
    assert "\n\n\n" not in text


SECTIONS = ("VERSION", "NS_", "BS_", "BU_", "BO_", "CM_", "BA_DEF_", "BA_DEF_DEF_", "BA_", "VAL_", "SIG_VALTYPE_")


@pytest.mark.parametrize("bus", BUSES)
def test_sections_stand_in_the_order_of_the_format(bus):
    words = re.findall(r"^([A-Z][A-Z_]+)\b(?!$)", TEXTS[bus], re.MULTILINE)
    order = [word for word, _ in itertools.groupby(words)]
    assert order == [word for word in (*SECTIONS, "SG_MUL_VAL_") if word in order]
    assert set(SECTIONS[:10]) <= set(order)


DEFINITION = re.compile(r'^BA_DEF_ (?:(BU_|BO_|SG_) )?"(\w+)" (\w+) ?(.*);$', re.MULTILINE)
VALUE = re.compile(r'^BA_ "(\w+)" (?:(BU_|BO_|SG_) (?:\w+ )??(?:\d+ \w+ |\w+ ))?(".*"|\S+);$', re.MULTILINE)


def fits_definition(kind, limits, value):
    """Whether a value is one that the definition of its attribute allows."""
    if kind == "STRING":
        return value[0] == value[-1] == '"'
    if kind == "ENUM":
        return 0 <= int(value) < limits.count(",") + 1
    low, high = map(float, limits.split())
    return low <= float(value) <= high


@pytest.mark.parametrize("bus", BUSES)
def test_attributes_are_defined_for_what_they_are_set_on(bus):
    definitions = {name: (on, kind, limits) for on, name, kind, limits in DEFINITION.findall(TEXTS[bus])}
    defaults = set(re.findall(r'^BA_DEF_DEF_ "(\w+)" ', TEXTS[bus], re.MULTILINE))
    values = VALUE.findall(TEXTS[bus])
    assert defaults == set(definitions)
    assert len(values) == len(re.findall(r"^BA_ ", TEXTS[bus], re.MULTILINE))
    for name, on, value in values:
        defined_on, kind, limits = definitions[name]
        assert on == defined_on, name
        assert fits_definition(kind, limits, value), (name, value)


def test_both_define_the_same_attributes():
    first, second = (DEFINITION.findall(TEXTS[bus]) for bus in BUSES)
    assert first == second


@pytest.mark.parametrize(
    ("bus", "expected"),
    [
        ("chassis", {"BusType": "CAN FD", "Baudrate": 500_000, "BaudrateCANFD": 2_000_000, "DBName": "Chassis"}),
        ("body", {"BusType": "CAN", "Baudrate": 500_000, "DBName": "Body"}),
    ],
)
def test_each_says_what_bus_it_is_for(bus, expected):
    attributes = NETWORK.databases[bus].dbc.attributes
    assert {name: attributes[name].value for name in expected} == expected


def test_names_are_short_enough_for_every_tool():
    names = {name for bus, message, signal in SIGNALS for name in (message.name, signal.name)}
    assert [name for name in names if not re.fullmatch(r"[A-Za-z]\w{0,31}", name)] == []


def test_everything_has_a_comment():
    for bus in BUSES:
        loaded = NETWORK.databases[bus]
        assert loaded.buses[0].comment
        assert [thing.name for thing in (*loaded.nodes, *loaded.messages) if not thing.comment] == []
    assert [f"{message.name}.{signal.name}" for _, message, signal in SIGNALS if not signal.comment] == []


def test_comments_are_sentences():
    comments = [thing.comment for _, message, signal in SIGNALS for thing in (message, signal)]
    assert [comment for comment in comments if comment[-1] != "." or comment[0] in string.ascii_lowercase] == []


# How much there is, and of what kinds ---------------------------------------------------------------------------------


def test_there_is_enough_of_it():
    assert len(APPLICATION) >= 80
    assert sum(len(message.signals) for _, message, _ in APPLICATION) >= 450


def count_messages(holds):
    return sum(bool(holds(message, traits)) for _, message, traits in APPLICATION)


def count_signals(holds):
    return sum(bool(holds(message, signal)) for _, message, signal in SIGNALS)


def has_nested_pages(message):
    multiplexers = [signal for signal in message.signals if signal.is_multiplexer]
    return any(signal.multiplexer_signal for signal in multiplexers)


@pytest.mark.parametrize(
    ("holds", "least"),
    [
        pytest.param(lambda m, t: m.is_multiplexed(), 3, id="multiplexed"),
        pytest.param(lambda m, t: has_nested_pages(m), 2, id="extended-multiplexing"),
        pytest.param(lambda m, t: t.flags & EXTENDED, 4, id="29-bit"),
        pytest.param(lambda m, t: t.flags & EXTENDED and t.flags & FD, 2, id="29-bit-fd"),
        pytest.param(lambda m, t: t.flags & EXTENDED and not t.flags & FD, 2, id="29-bit-classic"),
        pytest.param(lambda m, t: t.flags & FD and not t.flags & BRS, 1, id="fd-without-bit-rate-switch"),
        pytest.param(lambda m, t: m.length == 64, 3, id="64-bytes"),
        pytest.param(lambda m, t: any(s.byte_order == "big_endian" for s in m.signals), 20, id="motorola"),
        pytest.param(lambda m, t: t.partial_network, 8, id="partial-network"),
        pytest.param(lambda m, t: t.start_delay_ns, 5, id="start-delay"),
        pytest.param(lambda m, t: t.min_gap_ns, 20, id="delay-time"),
        pytest.param(lambda m, t: t.repetitions and t.fast_ns and t.repeated, 5, id="fast-repetitions"),
        pytest.param(lambda m, t: t.while_active and t.active_only, 3, id="cyclic-only-while-active"),
        pytest.param(lambda m, t: t.while_active and not t.active_only, 1, id="faster-while-active"),
        pytest.param(lambda m, t: t.on_change and not t.cycle_ns, 5, id="event"),
        pytest.param(lambda m, t: t.on_write and not t.cycle_ns, 5, id="on-write"),
        pytest.param(lambda m, t: t.on_change and t.cycle_ns, 20, id="cyclic-and-on-change"),
        pytest.param(lambda m, t: t.purely_cyclic, 40, id="cyclic"),
    ],
)
def test_messages_of_each_kind(holds, least):
    assert count_messages(holds) >= least


def crosses_a_byte(signal):
    return len({bit // 8 for bit in placement.bits_of(signal)}) > 1


@pytest.mark.parametrize(
    ("holds", "least"),
    [
        pytest.param(lambda m, s: s.is_signed and not s.conversion.is_float, 50, id="signed"),
        pytest.param(lambda m, s: s.byte_order == "big_endian" and crosses_a_byte(s), 50, id="motorola-across-bytes"),
        pytest.param(
            lambda m, s: s.byte_order == "big_endian" and s.is_signed and s.length % 8, 10, id="odd-signed-motorola"
        ),
        pytest.param(lambda m, s: s.conversion.is_float and s.length == 32, 10, id="float"),
        pytest.param(lambda m, s: s.conversion.is_float and s.length == 64, 2, id="double"),
        pytest.param(lambda m, s: sna(s) is not None, 600, id="not-available"),
        pytest.param(lambda m, s: s.choices, 500, id="value-table"),
        pytest.param(lambda m, s: s.offset and not s.conversion.is_float, 30, id="offset"),
    ],
)
def test_signals_of_each_kind(holds, least):
    assert count_signals(holds) >= least


def test_chassis_frames_have_all_lengths_of_fd():
    lengths = {message.length for bus, message, traits in ALL if bus == "chassis" and traits.flags & FD}
    assert lengths >= {8, 12, 16, 20, 24, 32, 48, 64}


def test_a_classic_frame_is_on_the_fd_bus_and_no_fd_frame_on_the_other():
    chassis = [traits.flags & FD for bus, _, traits in APPLICATION if bus == "chassis"]
    assert 0 < chassis.count(0) < 3
    assert not any(traits.flags & FD for bus, _, traits in ALL if bus == "body")


def test_most_that_is_measured_may_be_unavailable():
    measured = [signal for _, message, signal in SIGNALS if is_measured(message, signal)]
    assert sum(sna(signal) is not None for signal in measured) > 0.95 * len(measured)


# Names and numbers that suites rely on --------------------------------------------------------------------------------

ON_OFF = {"Off": 0, "On": 1}
KEPT = [
    ("chassis", "ECM_Engine", "EngineSpeed", 0.25, 0, 8000, {"SNA": 65535}),
    ("chassis", "ECM_Engine", "CoolantTemperature", 1, -40, 214, {"SNA": 255}),
    ("chassis", "ECM_Engine", "MalfunctionLamp", 1, 0, 1, ON_OFF),
    ("chassis", "ECM_Engine", "OilPressureLow", 1, 0, 1, ON_OFF),
    ("chassis", "ESC_Speed", "VehicleSpeed", 0.01, 0, 300, {"SNA": 65535}),
    ("chassis", "ESC_Speed", "AbsFault", 1, 0, 1, ON_OFF),
    ("chassis", "ESC_Speed", "BrakeWarning", 1, 0, 1, ON_OFF),
    ("chassis", "TCM_Gear", "Gear", 1, 0, 15, {"P": 0, "R": 1, "N": 2, "D": 3, "SNA": 15}),
    ("body", "BCM_PowerMode", "PowerMode", 1, 0, 7, {"Off": 0, "Accessory": 1, "On": 2, "Crank": 3, "SNA": 7}),
    ("body", "BCM_Lights", "HighBeam", 1, 0, 1, ON_OFF),
    ("body", "BCM_Lights", "LowBeam", 1, 0, 1, ON_OFF),
    ("body", "BCM_Lights", "PositionLights", 1, 0, 1, ON_OFF),
    ("body", "BCM_Lights", "TurnLeft", 1, 0, 1, ON_OFF),
    ("body", "BCM_Lights", "TurnRight", 1, 0, 1, ON_OFF),
    ("body", "CLU_Status", "ClusterState", 1, 0, 7, {"Off": 0, "Booting": 1, "On": 2, "GoingToSleep": 3}),
    ("body", "CLU_Status", "DisplayedSpeed", 0.1, 0, 300, {"SNA": 65535}),
]


@pytest.mark.parametrize(("bus", "message", "name", "factor", "low", "high", "labels"), KEPT, ids=lambda v: str(v)[:24])
def test_what_the_suites_say_is_clear_by_its_short_name(bus, message, name, factor, low, high, labels):
    ref = NETWORK.resolve(name)
    assert (ref.bus, ref.message.name, ref.signal.scale) == (bus, message, factor)
    assert (ref.signal.minimum, ref.signal.maximum) == (low, high)
    assert ref.labels == labels


def test_the_engine_idles_at_the_start():
    ref = NETWORK.resolve("EngineSpeed")
    assert database.start_values(ref.message)["EngineSpeed"] == 3200
    assert ref.message.senders == ["ECM"]
    assert NETWORK.resolve("ClusterState").message.senders == ["COCKPIT"]


TELLTALES = [
    "HighBeam", "LowBeam", "PositionLights", "TurnLeft", "TurnRight", "FrontFog", "RearFog", "AutoHighBeam",
    "MalfunctionLamp", "OilPressureLow", "EngineOverheat", "ChargeLamp", "BrakeWarning", "ParkBrakeLamp", "AbsFault",
    "EscFault", "EscOff", "TyreLamp", "AirbagFault", "PassengerAirbag", "SeatBeltDriver", "DoorFrontLeft", "FuelLow",
    "WasherFluidLow", "SteeringFault", "BrakePadWear", "ImmobiliserLamp", "ReadyToDrive", "HvBatteryFault",
    "ChargePlug", "ServiceDue", "BulbFault", "ParticulateFilter", "IcyRoad",
]  # fmt: skip
SHOWN = [
    "FuelLevel", "StateOfCharge", "ElectricRange", "FuelRange", "PowerMeter", "OutsideTemperature",
    "TyrePressureFrontLeft", "Hour", "Minute", "AccState", "AccSetSpeed", "LaneAssistState", "CollisionWarning",
    "TakeOverRequest", "TakeOverTimeLeft", "AutomatedDriving", "DriverAttention", "SpeedLimitSign", "CameraState",
    "ParkDistanceRearLeft", "ParkToneRear", "SetTemperatureLeft", "FanLevel", "SeatHeatingDriver", "AudioSource",
    "TunerFrequency", "MediaTitle1", "PhoneState", "CallerName1", "VoiceState", "GuidanceState", "Manoeuvre",
    "ManoeuvreDistance", "RoadName1", "DriverProfile", "KeyEvent", "ChimeRequest", "ButtonOk", "ScrollLeft",
    "ECallState", "OtaCampaignState", "ChargeState", "ChargeTimeLeft", "ServiceDistance", "BatteryVoltage", "Dimming",
    "DayNight", "Brand", "DriveMode", "HybridMode", "CrashState",
]  # fmt: skip


@pytest.mark.parametrize("name", [*TELLTALES, *SHOWN])
def test_the_cockpit_receives_what_it_shows(name):
    candidates = [(message, signal) for _, message, signal in SIGNALS if signal.name == name]
    assert any("COCKPIT" in signal.receivers for _, signal in candidates)


@pytest.mark.parametrize(
    ("bus", "names"),
    [
        ("chassis", {"CLU_ChassisStatus", "CLU_DriverInputs", "CLU_ChargeRequest", "CLU_Odometer"}),
        (
            "body",
            {
                "CLU_Status", "CLU_Settings", "CLU_Warnings", "CLU_Telltales", "CLU_ClimateRequest", "CLU_MediaCommand",
                "CLU_PhoneCommand", "CLU_BodyCommand", "CLU_NavCommand", "CLU_SeatCommand", "CLU_Profile", "CLU_Ota",
                "CLU_Hmi", "CLU_Version",
            },
        ),
    ],
)  # fmt: skip
def test_the_cockpit_says_what_it_does(bus, names):
    sent = {message.name for b, message, traits in APPLICATION if b == bus and message.senders == ["COCKPIT"]}
    assert names | {f"CLU_Heartbeat{bus.capitalize()}"} == sent


# Who sends, who receives ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bus", BUSES)
def test_senders_and_receivers_exist(bus):
    nodes = {node.name for node in NETWORK.databases[bus].nodes}
    for message in NETWORK.databases[bus].messages:
        assert len(message.senders) == 1, message.name
        assert set(message.senders) <= nodes, message.name
        for signal in message.signals:
            assert signal.receivers, f"{message.name}.{signal.name}"
            assert set(signal.receivers) <= nodes - set(message.senders), f"{message.name}.{signal.name}"
            assert len(signal.receivers) == len(set(signal.receivers)), f"{message.name}.{signal.name}"


@pytest.mark.parametrize("bus", BUSES)
def test_every_node_sends_and_receives(bus):
    messages = [message for b, message, _ in APPLICATION if b == bus]
    nodes = {node.name for node in NETWORK.databases[bus].nodes}
    assert {message.senders[0] for message in messages} == nodes
    assert {receiver for message in messages for receiver in message.receivers} == nodes


def test_gateway_and_cockpit_are_the_nodes_on_both_buses():
    chassis, body = ({node.name for node in NETWORK.databases[bus].nodes} for bus in BUSES)
    assert chassis & body == {"CGW", "COCKPIT"}


def test_identifiers_and_message_names_are_unique():
    assert (
        Counter((bus, message.frame_id, message.is_extended_frame) for bus, message, _ in ALL).most_common(1)[0][1] == 1
    )
    assert Counter(message.name for _, message, _ in ALL).most_common(1)[0][1] == 1


def test_signal_names_are_clear_unless_they_are_gatewayed():
    count = Counter(signal.name for _, _, signal in SIGNALS)
    same = {name for _, _, name, source in COPIES if source.endswith(f".{name}")}
    assert {name for name, n in count.items() if n > 1} == same
    assert all(count[name] == 2 for name in same)


def test_housekeeping_signals_carry_the_name_of_their_message():
    for _, message, traits in ALL:
        for signal in message.signals:
            if traits.is_nm or traits.is_diag or (traits.e2e and re.search(r"_(Crc|Counter)$", signal.name)):
                assert signal.name.startswith(f"{message.name}_"), signal.name


# When it is sent ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("bus", "message", "traits"), ALL, ids=called(ALL))
def test_every_message_has_a_reason_to_be_sent(bus, message, traits):
    send_type = NAMES.of(message, "send_type")
    if traits.is_nm or traits.is_diag:
        assert (send_type, traits.cycle_ns) == ("NoMsgSendType", 0)
    elif traits.cycle_ns:
        assert send_type in ("Cyclic", "CyclicAndEvent", "IfActive")
        assert traits.cycle_ns >= 10_000_000
    else:
        assert send_type in ("OnChange", "OnChangeWithRepetition", "OnWrite")


@pytest.mark.parametrize(("bus", "message", "traits"), ALL, ids=called(ALL))
def test_repetitions_know_their_distance_and_events_keep_theirs(bus, message, traits):
    if traits.repeated:
        assert traits.repetitions
        assert traits.fast_ns
    if (traits.on_change or traits.on_write) and not (traits.is_nm or traits.is_diag):
        assert traits.min_gap_ns or traits.fast_ns
        assert traits.min_gap_ns <= (traits.fast_ns or traits.cycle_ns or traits.min_gap_ns)


def test_nothing_is_active_at_the_start():
    for _, message, traits in ALL:
        start = database.start_values(message)
        assert {name: start[name] for name in traits.inactive} == traits.inactive, message.name


def test_frames_a_second_are_those_of_the_measurements():
    cyclic = sum(1e9 / traits.cycle_ns for _, _, traits in ALL if traits.cycle_ns)
    times = {bus: nm_times(NETWORK.databases[bus], NAMES) for bus in BUSES}
    managed = sum(1e9 / times[bus].cycle_ns for bus, _, traits in ALL if traits.is_nm)
    assert 1_850 <= cyclic + managed <= 1_950


def worst_bits(message, flags):
    """Nominal and data bits of a frame at its longest: every place that can hold a stuff bit does.

    Source: Davis et al., Controller Area Network schedulability analysis (2007), eq. 1; for FD ISO 11898-1:2015, 10.4:
    dynamic stuffing to the end of the data, then the stuff count and the CRC with fixed stuff bits.
    """
    header, size = (54 if flags & EXTENDED else 34), 8 * message.length
    if not flags & FD:
        return header + size + 13 + (header + size - 1) // 4, 0
    slow = 36 if flags & EXTENDED else 17
    fast = 5 + size
    fast += fast // 4 + (28 if message.length <= 16 else 33)
    slow += slow // 4 + 12
    return (slow, fast) if flags & BRS else (slow + fast, 0)


def load_of(bus):
    """Share of the time that the cyclic messages of a bus take, each at its longest."""
    load = 0.0
    for b, message, traits in ALL:
        if b == bus and traits.cycle_ns:
            slow, fast = worst_bits(message, traits.flags)
            load += 1e9 / traits.cycle_ns * (slow / 500e3 + fast / (DATA_BITRATES[bus] or 500e3))
    return load


@pytest.mark.parametrize("bus", BUSES)
def test_the_bus_has_room_for_it(bus):
    assert 0.05 < load_of(bus) < 0.5


# Bits, values, ranges -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("bus", "message", "traits"), ALL, ids=called(ALL))
def test_signals_neither_overlap_nor_leave_their_message(bus, message, traits):
    assert placement.overlaps(message) == []
    assert max(bit for signal in message.signals for bit in placement.bits_of(signal)) < 8 * message.length
    assert message.length in ((*range(9), 12, 16, 20, 24, 32, 48, 64) if message.is_fd else range(1, 9))


@pytest.mark.parametrize(("bus", "message", "traits"), ALL, ids=called(ALL))
def test_ranges_fit_the_bits_and_leave_out_the_value_for_not_available(bus, message, traits):
    for signal in message.signals:
        low, high = placement.raw_limits(signal)
        assert signal.minimum is not None, signal.name
        assert signal.minimum < signal.maximum, signal.name
        ends = raw(signal, signal.minimum), raw(signal, signal.maximum)
        assert low <= ends[0] < ends[1] <= high, signal.name
        if sna(signal) is not None and signal.unit:
            assert not ends[0] <= sna(signal) <= ends[1], signal.name


def test_not_available_is_the_last_or_the_most_negative_raw_value():
    for _, _, signal in SIGNALS:
        if sna(signal) is not None:
            assert sna(signal) == placement.raw_limits(signal)[0 if signal.is_signed else 1], signal.name


def test_labels_are_unique_and_fit_the_bits():
    for _, _, signal in SIGNALS:
        low, high = placement.raw_limits(signal)
        labels = [str(label).lower() for label in (signal.choices or {}).values()]
        assert len(labels) == len(set(labels)), signal.name
        assert all(low <= number <= high for number in signal.choices or {}), signal.name
        assert all(re.fullmatch(r"[A-Za-z]\w*", label) for label in labels), signal.name


@pytest.mark.parametrize(("bus", "message", "traits"), ALL, ids=called(ALL))
def test_start_values_are_in_the_range_or_have_a_label(bus, message, traits):
    start = database.start_values(message)
    for signal in message.signals:
        stated = signal.raw_initial or 0
        assert start[signal.name] == stated, signal.name
        physical = signal.conversion.raw_to_scaled(stated, decode_choices=False)
        is_labelled = stated in (signal.choices or {})
        assert is_labelled or signal.minimum <= physical <= signal.maximum, signal.name


@pytest.mark.parametrize(("bus", "message", "traits"), ALL, ids=called(ALL))
def test_start_values_survive_the_wire(bus, message, traits):
    start = database.start_values(message)
    data = database.encode(message, start)
    back = database.decode(message, data)
    assert len(data) == message.length
    always = {signal.name for signal in message.signals if signal.multiplexer_signal is None}
    assert always <= back.keys()
    assert back == {name: pytest.approx(start[name], rel=1e-6) for name in back}


def selecting(message, name):
    """Start values, with the multiplexers at the first values that let a signal be sent."""
    chain = placement.parents(message)[name]
    return database.start_values(message) | {above: min(pages) for above, pages in chain}


@pytest.mark.parametrize(("bus", "message", "traits"), ALL, ids=called(ALL))
def test_the_ends_of_every_range_survive_the_wire(bus, message, traits):
    for signal in message.signals:
        for physical in (signal.minimum, signal.maximum):
            end = raw(signal, physical)
            back = database.decode(
                message, database.encode(message, selecting(message, signal.name) | {signal.name: end})
            )
            assert back[signal.name] == pytest.approx(end, rel=1e-6), signal.name


def test_every_quantity_can_be_set_in_its_unit():
    for bus, message, signal in SIGNALS:
        if signal.unit:
            value = database.to_value(SignalRef(bus, message, signal), f"{signal.maximum:f} {signal.unit}")
            assert value.raw == raw(signal, signal.maximum), signal.name


# Multiplexing ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("bus", "message"), MULTIPLEXED, ids=called(MULTIPLEXED))
def test_every_page_can_be_sent(bus, message):
    for signal in message.signals:
        values = selecting(message, signal.name)
        back = database.decode(message, database.encode(message, values))
        assert signal.name in back
        for above, pages in placement.parents(message)[signal.name]:
            assert back[above] in pages


@pytest.mark.parametrize(("bus", "message"), MULTIPLEXED, ids=called(MULTIPLEXED))
def test_a_multiplexer_has_a_page_for_each_value_of_its_range(bus, message):
    for multiplexer in (signal for signal in message.signals if signal.is_multiplexer):
        below = [signal for signal in message.signals if signal.multiplexer_signal == multiplexer.name]
        pages = {page for signal in below for page in signal.multiplexer_ids}
        assert pages == set(range(int(multiplexer.minimum), int(multiplexer.maximum) + 1)), multiplexer.name


# End-to-end protection ------------------------------------------------------------------------------------------------

EXPECTED = {
    ("P01", "BOTH"): {"EPS_SteeringAngle", "CGW_SteeringWheel", "CLU_DriverInputs", "BCM_PowerMode", "SWS_Buttons",
                      "CLU_Status"},
    ("P01", "ALT"): {"SRS_Crash"},
    ("P01", "LOW"): {"ESC_Brake"},
    ("P01", "NIBBLE"): {"TCM_Gear"},
    ("P02", "BOTH"): {"ECM_Torque", "TCU_ECall", "CGW_Crash"},
    ("P05", "BOTH"): {"ESC_Wheels", "ESC_Inertial", "ADAS_Control", "ADAS_TakeOver", "BMS_HvPower", "ESC_Speed",
                      "ADAS_Trajectory", "BMS_State", "ADAS_Objects", "CLU_ChassisStatus"},
    ("P11", "BOTH"): {"CGW_PowerMode", "ESC_ParkBrake", "CGW_VehicleMotion", "PARK_State"},
    ("P11", "NIBBLE"): {"ADAS_State", "SRS_Occupants"},
}  # fmt: skip


def test_each_profile_protects_what_needs_it():
    found: dict[tuple[str, str], set[str]] = {}
    for _, message, config in PROTECTED:
        found.setdefault((config.profile, config.mode), set()).add(message.name)
    assert found == EXPECTED
    assert {message.name: config.offset for _, message, config in PROTECTED if config.offset} == {
        "CLU_DriverInputs": 6, "BMS_HvPower": 8, "BCM_PowerMode": 2, "SWS_Buttons": 6, "CLU_Status": 6,
    }  # fmt: skip


def test_profile_5_is_on_fd_frames_and_data_ids_are_unique():
    assert all(message.is_fd for _, message, config in PROTECTED if config.profile == "P05")
    ids = [config.data_id for _, _, config in PROTECTED if config.profile != "P02"]
    lists = [config.id_list for _, _, config in PROTECTED if config.profile == "P02"]
    assert len(ids) == len(set(ids))
    assert len(lists) == len(set(lists))
    assert all(len(set(one)) == 16 for one in lists)


def test_profile_1_in_nibble_mode_has_a_data_id_of_twelve_bits():
    assert all(config.data_id <= 0xFFF for _, _, config in PROTECTED if config.mode == "NIBBLE")


@pytest.mark.parametrize(("bus", "message", "config"), PROTECTED, ids=called(PROTECTED))
def test_crc_and_counter_lie_where_the_protection_writes(bus, message, config):
    at, signals = 8 * config.offset, {signal.name: signal for signal in message.signals}
    crc, counter = (16, 8) if config.profile == "P05" else (8, 4)
    fields = {"Crc": (at, crc), "Counter": (at + crc, counter)}
    if config.mode == "NIBBLE":
        fields["IdNibble"] = (at + 12, 4)
    for field, (start, length) in fields.items():
        signal = signals[f"{message.name}_{field}"]
        assert (signal.start, signal.length, signal.byte_order) == (start, length, "little_endian")
    written = {bit for first, bits in E2e(config).header for bit in range(first, first + bits)}
    assert written == {bit for start, length in fields.values() for bit in range(start, start + length)}


@pytest.mark.parametrize(("bus", "message", "config"), PROTECTED, ids=called(PROTECTED))
def test_protection_counts_in_its_field_and_leaves_the_others(bus, message, config):
    protection, start = E2e(config), database.start_values(message)
    receiver, plain = protection.receiver(), database.encode(message, start)
    counter = message.get_signal_by_name(f"{message.name}_Counter")
    assert counter.maximum == protection.period - 1
    for count in range(protection.period + 1):
        data = protection.protect(plain, count)
        back = database.decode(message, data)
        assert receiver.check(data) is (Status.OK if count else Status.INITIAL)
        assert back[counter.name] == count % protection.period
        assert {n: v for n, v in back.items() if not n.startswith(message.name)} == {
            n: v for n, v in start.items() if n in back and not n.startswith(message.name)
        }


@pytest.mark.parametrize(("bus", "message", "config"), PROTECTED, ids=called(PROTECTED))
def test_every_receiver_of_a_protected_signal_can_check_it(bus, message, config):
    fields = [signal for signal in message.signals if is_field(message, signal)]
    others = {node for signal in message.signals if not is_field(message, signal) for node in signal.receivers}
    assert all(set(field.receivers) == others for field in fields)


@pytest.mark.parametrize("bus", BUSES)
def test_the_cockpit_sends_something_protected_on_each_bus(bus):
    assert any(b == bus and message.senders == ["COCKPIT"] for b, message, _ in PROTECTED)


# Gateway --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("bus", "message", "name", "source"), COPIES, ids=[f"{c[1].name}.{c[2]}" for c in COPIES])
def test_a_copy_agrees_with_its_source(bus, message, name, source):
    there = NETWORK.resolve(source)
    copy, original = message.get_signal_by_name(name), there.signal
    assert there.bus != bus
    assert message.senders == ["CGW"]
    assert "CGW" in original.receivers
    for what in ("length", "is_signed", "scale", "offset", "minimum", "maximum", "unit", "raw_initial", "choices"):
        assert getattr(copy, what) == getattr(original, what), what


def test_signals_with_one_name_are_gatewayed_both_ways():
    same = {name: bus for bus, _, name, source in COPIES if source.endswith(f".{name}")}
    assert same == {"OutsideTemperature": "chassis", "YawRate": "body", "SteeringAngle": "body"}


# Network management, diagnosis ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("bus", BUSES)
def test_every_node_takes_part_in_network_management(bus):
    loaded = NETWORK.databases[bus]
    managed = nm_nodes(loaded, NAMES)
    assert {one.node for one in managed} == {node.name for node in loaded.nodes}
    assert len({one.node_id for one in managed}) == len(managed)
    for one in managed:
        assert one.message.frame_id == 0x500 + one.node_id
        assert (one.message.length, one.message.is_fd) == (8, False)
        assert one.message.name == f"NM_{bus.capitalize()}_{one.node}"
        assert database.start_values(one.message)[f"{one.message.name}_NodeId"] == one.node_id


def test_a_node_has_one_identifier_in_the_whole_vehicle():
    both = [(one.node_id, one.node) for bus in BUSES for one in nm_nodes(NETWORK.databases[bus], NAMES)]
    assert len({number for number, _ in both}) == len({node for _, node in both}) == len(set(both))


@pytest.mark.parametrize("bus", BUSES)
def test_times_of_network_management_fit_each_other(bus):
    times = nm_times(NETWORK.databases[bus], NAMES)
    assert times.cycle_ns < times.repeat_ns < times.timeout_ns
    assert times.wait_sleep_ns >= times.cycle_ns
    assert all(NAMES.is_set(NETWORK.databases[bus], role) for role in ("nm_cycle_time", "nm_timeout"))


@pytest.mark.parametrize(
    ("bus", "message"), [(b, m) for b, m, t in ALL if t.is_nm], ids=lambda v: getattr(v, "name", v)
)
def test_bits_of_nm_frames_are_where_autosar_has_them(bus, message):
    names = ("RepeatMessage", "ActiveWakeup", "PnInfo", *(f"Pn{name}" for name in PARTIAL_NETWORKS.values()))
    start = database.start_values(message)
    plain = read_pdu(database.encode(message, start), NM_LAYOUT)
    assert (plain.node_id, plain.control) == (message.frame_id & 0xFF, 0)
    full = read_pdu(database.encode(message, start | {f"{message.name}_{name}": 1 for name in names}), NM_LAYOUT)
    assert full.wants_repeat
    assert full.is_active_wakeup
    assert full.pncs == set(PARTIAL_NETWORKS)
    for number, name in PARTIAL_NETWORKS.items():
        one = start | {f"{message.name}_PnInfo": 1, f"{message.name}_Pn{name}": 1}
        assert read_pdu(database.encode(message, one), NM_LAYOUT).pncs == {number}


def test_partial_networks_have_messages_and_bits():
    used: dict[int, set[str]] = {}
    for _, message, traits in ALL:
        if traits.partial_network:
            used.setdefault(traits.partial_network, set()).add(message.name.partition("_")[0])
    assert used == {16: {"PARK", "RVC"}, 17: {"TCU"}, 18: {"SEAT", "CLU"}}
    assert set(used) == set(PARTIAL_NETWORKS) <= set(NM_LAYOUT.pncs)


def test_diagnosis_has_its_identifiers():
    found = {message.name: (bus, message.frame_id) for bus, message, traits in ALL if traits.is_diag}
    assert found == {
        "DIAG_FunctionalChassis": ("chassis", 0x7DF), "DIAG_RequestEcm": ("chassis", 0x7E0),
        "DIAG_ResponseEcm": ("chassis", 0x7E8), "DIAG_FunctionalBody": ("body", 0x7DF),
        "DIAG_RequestCockpit": ("body", 0x720), "DIAG_ResponseCockpit": ("body", 0x728),
    }  # fmt: skip
    for name in found:
        _, message = NETWORK.message(name)
        is_request = str(NAMES.of(message, "diag_request")) == "Yes"
        assert is_request == ("Response" not in name)
        assert (str(NAMES.of(message, "diag_response")) == "Yes") != is_request
    assert NETWORK.message("DIAG_ResponseCockpit")[1].senders == ["COCKPIT"]


# Lint -----------------------------------------------------------------------------------------------------------------


def test_lint_finds_nothing_but_remarks():
    buses = [LintBus(bus, NETWORK.databases[bus], data_bitrate=DATA_BITRATES[bus]) for bus in BUSES]
    found = [*lint_together(buses)]
    for bus in BUSES:
        found += lint(bus, NETWORK.databases[bus], None, 500_000, DATA_BITRATES[bus])
    assert found
    assert [finding for finding in found if finding.level is not Level.INFO] == []


# The page -------------------------------------------------------------------------------------------------------------


def rows(head):
    """The rows of the page's table whose first column is called `head`."""
    table = re.search(rf"^\| {head} \|.*\n\|[-|]+\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table[1].splitlines()]


def test_the_page_states_the_figures():
    stated = {row[0].strip("`"): row[2:] for row in rows("file")}
    for bus in BUSES:
        of_bus = [(message, traits) for b, message, traits in ALL if b == bus]
        cycle_ns = nm_times(NETWORK.databases[bus], NAMES).cycle_ns
        rate = sum(1e9 / (cycle_ns if t.is_nm else t.cycle_ns) for _, t in of_bus if t.is_nm or t.cycle_ns)
        counts = len(NETWORK.databases[bus].nodes), len(of_bus), sum(len(message.signals) for message, _ in of_bus)
        assert stated[f"{bus}.dbc"] == [*map(str, counts), f"{rate:,.0f}", f"{math.ceil(100 * load_of(bus))} %"]


def test_the_page_states_every_protection():
    for row in rows("profile"):
        profile, modes = f"P{int(row[0]):02d}", re.findall(r"[A-Z]+", row[1]) or ["BOTH"]
        expected = set().union(*(EXPECTED[profile, mode] for mode in modes))
        assert set(re.findall(r"`(\w+)`", row[2])) == expected


def test_the_page_explains_every_attribute():
    defined = {name for _, name, _, _ in DEFINITION.findall(TEXTS["body"])}
    assert {name for row in rows("attribute") for name in re.findall(r"`(\w+)`", row[0])} == defined
