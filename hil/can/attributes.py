"""Which attribute of a database says what: the names known here, and how a bench file maps a customer's onto them.

Rules of this module: pure. An attribute has a value of its own on a thing, else the default of its definition, else
none; enumerations are read as their words.

Not for: what the values mean (`hil.can.traits`).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from cantools.database.can import Database, Message, Signal

from hil.errors import UsageError

NAMES: Final = MappingProxyType(
    {
        "cycle_time": "GenMsgCycleTime",
        "fast_cycle_time": "GenMsgCycleTimeFast",
        "repetitions": "GenMsgNrOfRepetition",
        "delay_time": "GenMsgDelayTime",
        "start_delay": "GenMsgStartDelayTime",
        "send_type": "GenMsgSendType",
        "signal_send_type": "GenSigSendType",
        "start_value": "GenSigStartValue",
        "inactive_value": "GenSigInactiveValue",
        "bit_rate_switch": "CANFD_BRS",
        "nm_message": "NmAsrMessage",
        "nm_node_id": "NmAsrNodeIdentifier",
        "nm_cycle_time": "NmAsrCanMsgCycleTime",
        "nm_timeout": "NmAsrTimeoutTime",
        "nm_repeat_time": "NmAsrRepeatMessageTime",
        "nm_wait_sleep_time": "NmAsrWaitBusSleepTime",
        "nm_pn_offset": "NmPnInfoOffset",
        "nm_pn_length": "NmPnInfoLength",
        "diag_request": "DiagRequest",
        "diag_response": "DiagResponse",
        "e2e_profile": "E2EProfile",
        "e2e_data_id": "E2EDataId",
        "e2e_data_id_mode": "E2EDataIdMode",
        "e2e_data_id_list": "E2EDataIdList",
        "e2e_offset": "E2EOffset",
        "e2e_max_delta": "E2EMaxDeltaCounter",
        "partial_network": "NmPnc",
        "gateway_source": "GwSource",
    }
)
"""What this bench reads -> the attribute that says it, unless the bench file names another."""


class AttributeNames:
    """Which attribute of a database says what, and what its words mean.

    Args:
        mapping: names of `NAMES` -> the customer's attribute; what isn't named keeps ours.
        words: name of `NAMES` -> the customer's word -> ours: `{"send_type": {"FP": "Cyclic"}}`.
        physical_start: start values are physical numbers; in Vector's databases they are raw.

    Raises:
        UsageError: a key that is none of `NAMES`.
    """

    def __init__(
        self,
        mapping: Mapping[str, str] | None = None,
        *,
        words: Mapping[str, Mapping[str, str]] | None = None,
        physical_start: bool = False,
    ) -> None:
        unknown = sorted({*(mapping or {}), *(words or {})} - set(NAMES))
        if unknown:
            raise UsageError(f"unknown attribute role '{unknown[0]}'", remedy=f"one of {', '.join(sorted(NAMES))}.")
        self._names = {**NAMES, **(mapping or {})}
        self.mapped = frozenset(mapping or {})
        """Names of `NAMES` that the customer's databases say otherwise."""
        self._words = {role: {w.lower(): ours for w, ours in said.items()} for role, said in (words or {}).items()}
        self.physical_start = physical_start
        self.key = repr((sorted(self._names.items()), sorted(self._words.items()), physical_start))
        """Tells what is read in another way from what isn't."""

    def name(self, role: str) -> str:
        """The attribute that says it."""
        return self._names[role]

    def of(self, thing: Database | Message | Signal | Any, role: str) -> Any:
        """The value of an attribute: as set, else its default, else None. Enumerations as their text, in our words."""
        specifics = getattr(thing, "dbc", None)
        if specifics is None:
            return None
        name = self._names[role]
        own = specifics.attributes.get(name)
        definitions = getattr(specifics, "attribute_definitions", None) or {}
        value = _text_of(own.value, own.definition) if own is not None else _default_of(definitions.get(name))
        return self._words.get(role, {}).get(str(value).lower(), value)

    def is_defined(self, thing: Any, role: str) -> bool:
        """Whether the database of this thing knows the attribute at all."""
        specifics = getattr(thing, "dbc", None)
        return specifics is not None and self._names[role] in (specifics.attribute_definitions or {})

    def is_set(self, thing: Any, role: str) -> bool:
        """Whether the attribute is set on this very thing."""
        specifics = getattr(thing, "dbc", None)
        return specifics is not None and self._names[role] in specifics.attributes


def _text_of(value: Any, definition: Any) -> Any:
    choices = getattr(definition, "choices", None)
    if choices and isinstance(value, int) and 0 <= value < len(choices):
        return choices[value]
    return value


def _default_of(definition: Any) -> Any:
    return None if definition is None else _text_of(definition.default_value, definition)


__all__ = ["NAMES", "AttributeNames"]
