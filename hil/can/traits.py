"""What a database says of a message beyond its signals: when it is sent, how it is protected, what it is for.

Rules of this module: pure. Databases say this by attributes. The names known here are those of Vector's interaction
layer and network management (`GenMsgCycleTime`, `NmAsrMessage`, ...) and, for end-to-end protection, partial networks
and gateways, names of our own; a bench file maps a customer's names onto them (`AttributeNames`). What ARXML says in
its own elements is taken from there.

Not for: sending or checking anything.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from cantools.database.can import Database, Message, Signal

from hil.can.attributes import NAMES, AttributeNames
from hil.can.frames import BRS, EXTENDED, FD
from hil.can.placement import raw_limits
from hil.can.send_types import SendType, has_no_cycle, read_send_type
from hil.errors import UsageError

_NS_PER_MS: Final = 1_000_000
_YES: Final = frozenset({"yes", "true", "1"})


@dataclass(frozen=True, slots=True)
class E2eConfig:
    """The end-to-end protection of one message.

    Attributes:
        profile: `P01`, `P02`, `P05` or `P11`.
        data_id: 16-bit data id (P01, P05, P11).
        mode: `BOTH`, `ALT`, `LOW` or `NIBBLE` (P01; P11: `BOTH` or `NIBBLE`).
        id_list: the 16 data ids of P02.
        offset: byte at which the protection's header begins (P02: always 0).
        max_delta: by how much the counter may advance between two frames that were received.
        length: bytes that are protected: the whole payload.
    """

    profile: str
    length: int
    data_id: int = 0
    mode: str = "BOTH"
    id_list: bytes = b""
    offset: int = 0
    max_delta: int = 1


@dataclass(frozen=True, slots=True)
class MessageTraits:
    """How one message behaves on its bus.

    Attributes:
        flags: frame flags: extended identifier, CAN FD, bit-rate switch.
        cycle_ns: cycle time; 0 if it has none.
        fast_ns: distance of fast repetitions, and the cycle while active where the message has one of its own.
        repetitions: how many fast repetitions follow a change.
        min_gap_ns: least distance of two frames that were not due by the cycle.
        start_delay_ns: from the start of its node to the first frame.
        on_write: signals that send the message whenever they are written.
        on_change: signals that send it when their value changes.
        repeated: those of them whose sending is followed by fast repetitions.
        while_active: signals that make it cyclic while they differ from their inactive value.
        active_only: it has its cycle only then; else it has `fast_ns` then and its cycle at all other times.
        inactive: raw inactive values of those.
        e2e: its protection, if it has one.
        is_nm: a network management message.
        is_diag: a diagnosis message; not played by the restbus, exempt from monitors.
        partial_network: number of the partial network cluster that it belongs to; None: to none.
        gateway: signal -> `Message.Signal` of another bus that it repeats.
    """

    flags: int
    cycle_ns: int = 0
    fast_ns: int = 0
    repetitions: int = 0
    min_gap_ns: int = 0
    start_delay_ns: int = 0
    on_write: frozenset[str] = frozenset()
    on_change: frozenset[str] = frozenset()
    repeated: frozenset[str] = frozenset()
    while_active: frozenset[str] = frozenset()
    active_only: bool = False
    inactive: Mapping[str, int | float] = field(default_factory=dict)
    e2e: E2eConfig | None = None
    is_nm: bool = False
    is_diag: bool = False
    partial_network: int | None = None
    gateway: Mapping[str, str] = field(default_factory=dict)

    @property
    def purely_cyclic(self) -> bool:
        """Sent by its cycle and for no other reason."""
        return bool(self.cycle_ns) and not (self.on_write or self.on_change or self.while_active)


@dataclass(frozen=True, slots=True)
class NodeNm:
    """Network management of one node: its identifier, the message that it sends."""

    node: str
    node_id: int
    message: Message


@dataclass(frozen=True, slots=True)
class NmTimes:
    """Times of AUTOSAR CanNm on one bus, nanoseconds (AUTOSAR_SWS_CANNetworkManagement, 10.2)."""

    cycle_ns: int = 500_000_000
    timeout_ns: int = 2_000_000_000
    repeat_ns: int = 1_500_000_000
    wait_sleep_ns: int = 1_500_000_000


def message_traits(message: Message, names: AttributeNames) -> MessageTraits:
    """What the database says of a message.

    Raises:
        UsageError: an attribute says something that can't be: unknown send type or profile, ids missing.
    """
    cycle_ns = _cycle_ns(message, names)
    kind, repeated = _send_type(message, names, cycle_ns)
    triggers = _triggers(message, names, kind, repeated)
    return MessageTraits(
        flags=frame_flags(message, names),
        cycle_ns=cycle_ns,
        fast_ns=_ms(message, names, "fast_cycle_time"),
        repetitions=int(_number(message, names, "repetitions")),
        min_gap_ns=_ms(message, names, "delay_time"),
        start_delay_ns=_ms(message, names, "start_delay"),
        on_write=triggers[SendType.ON_WRITE],
        on_change=triggers[SendType.ON_CHANGE],
        repeated=triggers[SendType.NONE],
        while_active=triggers[SendType.IF_ACTIVE],
        active_only=kind is SendType.IF_ACTIVE,
        inactive={name: _inactive(message, name, names) for name in sorted(triggers[SendType.IF_ACTIVE])},
        e2e=_e2e(message, names),
        is_nm=_yes(message, names, "nm_message") or _of_arxml(message, "is_nm"),
        is_diag=any(_yes(message, names, role) for role in ("diag_request", "diag_response"))
        or _of_arxml(message, "is_general_purpose"),
        partial_network=_partial_network(message, names),
        gateway=_gateway(message, names),
    )


def frame_flags(message: Message, names: AttributeNames) -> int:
    """Frame flags that the database states: FD frames switch the bit rate unless `CANFD_BRS` says no."""
    flags = EXTENDED if message.is_extended_frame else 0
    if not message.is_fd:
        return flags
    switch = names.of(message, "bit_rate_switch")
    return flags | FD | (BRS if switch is None or str(switch).lower() in _YES else 0)


def _cycle_ns(message: Message, names: AttributeNames) -> int:
    """The cycle: of the attribute if the database knows it, else what cantools reads of the format."""
    if not names.is_defined(message, "cycle_time"):
        return round(float(message.cycle_time or 0) * _NS_PER_MS)
    if has_no_cycle(_said_send_type(message, names)) and not names.is_set(message, "cycle_time"):
        return 0
    return _ms(message, names, "cycle_time")


def _said_send_type(message: Message, names: AttributeNames) -> Any:
    text = names.of(message, "send_type")
    return message.send_type if text is None else text


def _send_type(message: Message, names: AttributeNames, cycle_ns: int) -> tuple[SendType, bool]:
    said = read_send_type(_said_send_type(message, names), message.name)
    kind, repeated = said or (SendType.CYCLIC, False)
    if kind is SendType.CYCLIC and not cycle_ns:
        kind = SendType.ON_WRITE  # without a cycle there is no other reason to send it
    return kind, repeated


def _triggers(
    message: Message, names: AttributeNames, kind: SendType, repeated: bool
) -> dict[SendType, frozenset[str]]:
    """Which signals send the message when (key NONE: those with fast repetitions)."""
    found: dict[SendType, set[str]] = {send_type: set() for send_type in SendType}
    for signal in message.signals:
        own = read_send_type(names.of(signal, "signal_send_type"), f"{message.name}.{signal.name}")
        when, again = own if own and own[0] is not SendType.CYCLIC else (kind, repeated)
        found[when].add(signal.name)
        if again:
            found[SendType.NONE].add(signal.name)
    return {send_type: frozenset(signals) for send_type, signals in found.items()}


def _inactive(message: Message, signal: str, names: AttributeNames) -> int | float:
    value = names.of(message.get_signal_by_name(signal), "inactive_value")
    return 0 if value is None else value


def stated_start(signal: Signal, names: AttributeNames) -> int | float | None:
    """The raw start value that the database states, also one that the signal's bits can't hold; None if it says none.

    It may be given as a label of the value table.
    """
    value = names.of(signal, "start_value")
    if value in (None, ""):
        return signal.raw_initial
    labels = {str(label).lower(): raw for raw, label in (signal.choices or {}).items()}
    if str(value).lower() in labels:
        return labels[str(value).lower()]
    try:
        number = float(value)
    except ValueError:
        return None
    if names.physical_start:
        return signal.conversion.numeric_scaled_to_raw(number)
    return number if signal.is_float else round(number)


def start_value(signal: Signal, names: AttributeNames) -> int | float:
    """The raw start value: what the database states if the bits hold that, else 0."""
    start = stated_start(signal, names)
    low, high = raw_limits(signal)
    return start if start is not None and low <= start <= high else 0


def _number(thing: Any, names: AttributeNames, role: str) -> float:
    value = names.of(thing, role)
    if value in (None, ""):
        return 0
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise UsageError(f"{names.name(role)} is '{value}'", where=_called(thing), remedy="give it a number.") from None
    if not 0 <= number < 1e9:
        mend = "give it a number of ms from 0."
        raise UsageError(f"{names.name(role)} is {number:g}", where=_called(thing), remedy=mend)
    return number


def _called(thing: Any) -> str:
    return getattr(thing, "name", None) or "the database"


def _ms(thing: Any, names: AttributeNames, role: str) -> int:
    return round(_number(thing, names, role) * _NS_PER_MS)


def _yes(message: Message, names: AttributeNames, role: str) -> bool:
    return str(names.of(message, role) or "").lower() in _YES


def _of_arxml(message: Message, fact: str) -> bool:
    """What ARXML says by the kind of PDU: network management; diagnosis, transport protocols, calibration."""
    return bool(getattr(message.autosar, fact, False))


def _partial_network(message: Message, names: AttributeNames) -> int | None:
    number = int(_number(message, names, "partial_network"))
    return number or None


def _gateway(message: Message, names: AttributeNames) -> dict[str, str]:
    sources = {signal.name: names.of(signal, "gateway_source") for signal in message.signals}
    return {name: str(source) for name, source in sources.items() if source}


# End-to-end protection ------------------------------------------------------------------------------------------------

_MODES: Final = {"P01": ("BOTH", "ALT", "LOW", "NIBBLE"), "P11": ("BOTH", "NIBBLE")}
_HEADER_BYTES: Final = {"P01": 2, "P02": 2, "P05": 3, "P11": 2}


def _e2e(message: Message, names: AttributeNames) -> E2eConfig | None:
    profile = _profile(names.of(message, "e2e_profile"), message.name)
    if profile is None:
        return _e2e_of_arxml(message)
    max_delta = int(_number(message, names, "e2e_max_delta")) or 1
    offset = int(_number(message, names, "e2e_offset"))
    mode = str(names.of(message, "e2e_data_id_mode") or "BOTH").upper()
    config = E2eConfig(
        profile=profile,
        length=message.length,
        data_id=0 if profile == "P02" else _data_id(names.of(message, "e2e_data_id"), message.name),
        mode=mode if profile in _MODES else "BOTH",
        id_list=_id_list(names.of(message, "e2e_data_id_list"), message.name) if profile == "P02" else b"",
        offset=offset,
        max_delta=max_delta,
    )
    _check_e2e(config, message.name)
    return config


def _profile(text: Any, where: str) -> str | None:
    found = re.search(r"(\d+)$", str(text or ""))
    if found is None:
        return None
    profile = f"P{int(found[1]):02d}"
    if profile not in _HEADER_BYTES:
        known = ", ".join(sorted(_HEADER_BYTES))
        raise UsageError(f"E2E profile '{text}' is not known", where=where, remedy=f"known here: {known}.")
    return profile


def _data_id(value: Any, where: str) -> int:
    try:
        data_id = int(str(value), 0)
    except ValueError:
        data_id = -1
    if not 0 <= data_id <= 0xFFFF:
        raise UsageError(f"the E2E data id is '{value}'", where=where, remedy="give it a number of 16 bits.")
    return data_id


def _id_list(text: Any, where: str) -> bytes:
    try:
        ids = bytes(int(part, 0) for part in re.split(r"[\s,;]+", str(text or "").strip()))
    except ValueError:
        ids = b""
    if len(ids) != 16:
        mend = "give E2EDataIdList 16 numbers of 8 bits, with blanks between."
        raise UsageError("E2E profile 2 needs 16 data ids", where=where, remedy=mend)
    return ids


def _check_e2e(config: E2eConfig, where: str) -> None:
    known = _MODES.get(config.profile, ("BOTH",))
    if config.mode not in known:
        raise UsageError(f"E2E {config.profile} has no mode {config.mode}", where=where, remedy=f"{', '.join(known)}.")
    if config.offset + _HEADER_BYTES[config.profile] > config.length:
        what = f"the E2E header at byte {config.offset} is beyond the {config.length} bytes of the message"
        raise UsageError(what, where=where, remedy="correct E2EOffset or the message's length.")
    if config.profile == "P02" and config.offset:
        raise UsageError("the header of E2E profile 2 is at byte 0", where=where, remedy="set E2EOffset to 0.")


def _e2e_of_arxml(message: Message) -> E2eConfig | None:
    """Protection as ARXML states it; of profiles that aren't known here nothing is said."""
    properties = getattr(getattr(message, "autosar", None), "e2e", None)
    found = re.search(r"(\d+)$", str(getattr(properties, "category", "") or ""))
    profile = f"P{int(found[1]):02d}" if found else ""
    ids = list(getattr(properties, "data_ids", None) or [])
    if profile not in _HEADER_BYTES or not ids:
        return None
    if profile == "P02":
        return E2eConfig(profile, message.length, id_list=bytes(ids)) if len(ids) == 16 else None
    return E2eConfig(profile, message.length, data_id=ids[0])


# Network management ---------------------------------------------------------------------------------------------------


def nm_times(database: Database, names: AttributeNames) -> NmTimes:
    """Times of network management on a bus; what the database doesn't say is as in `NmTimes`.

    Raises:
        UsageError: a time is no number.
    """
    roles = {
        "cycle_ns": "nm_cycle_time",
        "timeout_ns": "nm_timeout",
        "repeat_ns": "nm_repeat_time",
        "wait_sleep_ns": "nm_wait_sleep_time",
    }
    said = {field_: _ms(database, names, role) for field_, role in roles.items()}
    return NmTimes(**{key: value for key, value in said.items() if value})


def nm_pn_bytes(database: Database, names: AttributeNames) -> tuple[int, int]:
    """Which bytes of an NM frame request partial networks: the first, and how many; (2, 6) if nothing is said."""
    offset, length = names.of(database, "nm_pn_offset"), names.of(database, "nm_pn_length")
    return 2 if offset is None else int(offset), 6 if length is None else int(length)


def nm_nodes(database: Database, names: AttributeNames) -> list[NodeNm]:
    """The nodes that take part in network management, with the message of each.

    Raises:
        UsageError: a node's identifier is no number.
    """
    messages = [m for m in database.messages if _yes(m, names, "nm_message") or _of_arxml(m, "is_nm")]
    ids = {node.name: names.of(node, "nm_node_id") for node in database.nodes}
    return [
        NodeNm(sender, _node_id(ids.get(sender), message), message)
        for message in messages
        for sender in message.senders[:1]
    ]


def _node_id(value: Any, message: Message) -> int:
    """AUTOSAR: where no identifier is stated the low byte of the message's identifier is it."""
    if value in (None, ""):
        return message.frame_id & 0xFF
    try:
        return int(str(value), 0) if isinstance(value, str) else round(value)
    except ValueError:
        what = f"the node identifier of the sender of {message.name} is '{value}'"
        raise UsageError(what, where=message.name, remedy="give it a number of 8 bits.") from None


__all__ = [
    "AttributeNames", "E2eConfig", "MessageTraits", "NAMES", "NmTimes", "NodeNm", "SendType", "frame_flags",
    "message_traits", "nm_nodes", "nm_pn_bytes", "nm_times", "start_value", "stated_start",
]  # fmt: skip
