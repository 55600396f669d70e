"""Which kinds of records a journal has, what each holds, and the schemas that say so in the file.

Rules of this module: pure. A kind is the first part of a topic: `/can/body`, `/check`. A field that is not named here
can't be written.

Not for: writing and reading them (`hil.journal`).
"""

from __future__ import annotations

from typing import Final

from hil import records

_CAN_SCHEMA = b"""# A CAN frame as it stood on the wire
uint32 id
# 1 extended identifier, 2 CAN FD, 4 bit-rate switch, 8 error state, 16 remote, 32 error frame, 64 sent by the bench
uint8 flags
# where the stamp came from: 0 simulated, 1 kernel, 2 hardware, 3 host
uint8 origin
uint8[] data
"""
_IMAGE_SCHEMA = b"""std_msgs/Header header
string format
uint8[] data
================================================================================
MSG: std_msgs/Header
builtin_interfaces/Time stamp
string frame_id
================================================================================
MSG: builtin_interfaces/Time
int32 sec
uint32 nanosec
"""
JsonFields = dict[str, str]
JSON_TOPICS: Final[dict[str, JsonFields]] = {
    "case": {
        "id": "string", "name": "string", "suite": "string", "source": "string", "requirements": "array",
        "tags": "array", "start": "string", "seed": "string", "attempt": "integer", "runner": "string",
        "doc": "string",
    },
    "step": {
        "id": "integer", "parent": "integer", "phase": "string", "name": "string", "args": "array",
        "status": "string",
    },
    "check": {
        "name": "string", "target": "string", "expected": "string", "seen": "string", "ok": "boolean",
        "score": "number", "margin": "number", "since_ns": "integer", "within_ns": "integer",
        "origin": "string", "bound_ns": "integer", "detail": "string", "measured": "string", "region": "array",
        "declared": "boolean",
    },
    "measurement": {
        "name": "string", "unit": "string", "samples": "array", "limit": "object", "statistics": "object",
        "uncertainty": "object", "kind": "string", "ok": "boolean", "source": "string",
    },
    "signal": {"signal": "string", "value": "number", "unit": "string", "label": "string", "by": "string"},
    "console": {"direction": "string", "text": "string"},
    "mqtt": {
        "direction": "string", "topic": "string", "payload": "string", "qos": "integer", "retain": "boolean",
        "duplicate": "boolean",
    },
    "update": {
        "event": "string", "campaign": "integer", "state": "string", "progress": "integer", "condition": "string",
        "slot": "string", "result": "string", "version": "string", "fault": "string", "detail": "string",
    },
    "supply": {"event": "string", "voltage_V": "number", "current_A": "number", "on": "boolean"},
    "fault": {"verdict": "string", "what": "string", "where": "string", "remedy": "string", "cause": "string"},
    "health": {"what": "string", "late_ns": "integer", "allowed_ns": "integer", "from_ns": "integer"},
    "bench": {
        "cycles": "array", "received": "array", "timers": "object", "load": "object", "allowed_lag_ns": "integer",
        "blind": "integer",
    },
    "monitor": {
        "phase": "string", "level": "string", "kind": "string", "bus": "string", "message": "string",
        "what": "string", "count": "integer", "allowed": "boolean",
    },
    "clock": {"name": "string", "origin": "string", "bound_ns": "integer"},
    "diag": {
        "event": "string", "data": "string", "text": "string", "functional": "boolean", "took_ns": "integer",
        "pending": "integer", "nrc": "integer",
    },
    "note": {"text": "string"},
    "verdict": {"verdict": "string", "message": "string", "where": "string", "first_cause": "string"},
    "session": {"event": "string", "id": "string", "verdict": "string", "message": "string", "detail": "object"},
}  # fmt: skip
FIELDS: Final = {kind: frozenset(fields) for kind, fields in JSON_TOPICS.items()}
"""The names of what a kind of record may hold."""


def json_schema(kind: str) -> bytes:
    """JSON schema of a topic kind, as it is written to the file."""
    fields = {name: {"type": type_} for name, type_ in JSON_TOPICS[kind].items()}
    schema = {"title": f"hil.{kind}", "type": "object", "properties": fields}
    return records.text_of(schema).encode()


def schema_of(kind: str) -> tuple[str, str, bytes]:
    """Name, encoding and text of the schema of a kind of record."""
    if kind == "can":
        return "hil_msgs/msg/CanFrame", "ros2msg", _CAN_SCHEMA
    if kind == "screen":
        return "sensor_msgs/msg/CompressedImage", "ros2msg", _IMAGE_SCHEMA
    return f"hil.{kind}", "jsonschema", json_schema(kind)


__all__ = ["FIELDS", "JSON_TOPICS", "json_schema", "schema_of"]
