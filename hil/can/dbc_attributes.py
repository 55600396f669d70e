"""Attributes of a DBC file as cantools can take them: each with a definition, each value as the definition wants it.

Rules of this module: pure. A value that can be understood is kept, whatever its notation; one that can't is left out
and listed. Some attributes cantools reads itself and expects in one type only; they are given that type.

Not for: what attributes mean (`hil.can.traits`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

from hil.can.dbc_scan import NUMBER, STRING, Statement, short

Note = Callable[..., None]
"""note(rule, statement, what, done, remedy)."""
_TYPES: Final = ("INT", "HEX", "FLOAT", "STRING", "ENUM")
_FRAME_FORMATS: Final = (
    "StandardCAN", "ExtendedCAN", "reserved", "J1939PG", *["reserved"] * 10, "StandardCAN_FD", "ExtendedCAN_FD",
)  # fmt: skip
"""The values of `VFrameFormat` (Vector, CANdb++)."""
_WANTED: Final = MappingProxyType(
    {
        "GenMsgSendType": ("STRING", ("ENUM", "STRING")),
        "GenMsgCycleTime": ("FLOAT", ("INT", "HEX", "FLOAT")),
        "GenSigStartValue": ("FLOAT", ("INT", "HEX", "FLOAT")),
        "VFrameFormat": ("ENUM", ("ENUM", "INT")),
        "SPN": ("INT", ("INT", "HEX")),
        "DBName": ("STRING", ("STRING",)),
        "Baudrate": ("FLOAT", ("INT", "HEX", "FLOAT")),
    }
)
"""What cantools reads itself -> the type that it is given unless it has one of those."""
_NUMBER: Final = re.compile(NUMBER)
_LEADING: Final = re.compile(rf"\s*({NUMBER})\s*(?:ms)?\s*")


@dataclass(frozen=True, slots=True)
class Definition:
    """`BA_DEF_` with its `BA_DEF_DEF_`.

    Attributes:
        kind: `SG_`, `BO_`, `BU_`, `EV_`, or empty for the whole database.
        name: of the attribute.
        type: one of `_TYPES`.
        choices: the words of an enumeration.
        was: its type in the file.
    """

    kind: str
    name: str
    type: str
    choices: tuple[str, ...] = ()
    was: str = ""

    def value(self, text: str) -> str | None:
        """A value as it must be written for this definition; None if it can't be understood."""
        if self.was == "ENUM" != self.type:
            text = self._word(text) or text
        if self.type == "ENUM":
            index = self._index(text)
            return None if index is None else str(index)
        return quoted(text) if self.type == "STRING" else _plain(text, whole=self.type != "FLOAT")

    def default(self, text: str) -> str | None:
        """Likewise for a default; of enumerations that is the word."""
        if self.type == "ENUM":
            return quoted(self._word(text) or text)
        return self.value(text)

    def _index(self, text: str) -> int | None:
        words = [word.strip().lower() for word in self.choices]
        if text.strip().lower() in words:
            return words.index(text.strip().lower())
        number = _plain(text, whole=True)
        return int(number) if number is not None and 0 <= int(number) < len(words) else None

    def _word(self, text: str) -> str | None:
        index = self._index(text) if self.choices else None
        return None if index is None else self.choices[index]

    def show(self) -> str:
        """The statement. Limits are left out: nothing here reads them."""
        choices = ",".join(map(quoted, self.choices)) if self.type == "ENUM" else ""
        return f"BA_DEF_ {self.kind} {quoted(self.name)} {self.type} {choices};"


def quoted(text: str) -> str:
    """A text as DBC has it. A backslash before the last quote would make that part of the text."""
    escaped = text.replace('"', '\\"')
    return f'"{escaped} "' if escaped.endswith("\\") else f'"{escaped}"'


def unquoted(text: str) -> str:
    """The text between two quotes."""
    return text.replace('\\"', '"')


def number(text: str) -> str | None:
    """A number as cantools reads it; None if it is none, or has no end."""
    text = text.strip()
    if re.fullmatch(r"[-+]?0[xX][0-9a-fA-F]+", text):
        return str(int(text, 16))
    if not _NUMBER.fullmatch(text) or not math.isfinite(float(text)):
        return None
    return re.sub(r"(?<!\d)\.", "0.", text)


def _plain(text: str, *, whole: bool) -> str | None:
    leading = _LEADING.fullmatch(text)
    found = number(leading[1] if leading else text)
    if found is None or not whole:
        return found
    return str(int(found)) if re.fullmatch(r"[-+]?\d+", found) else str(round(float(found)))


@dataclass(slots=True)
class Attributes:
    """All attributes of a file.

    Args:
        note: told of each deviation.
    """

    note: Note
    definitions: dict[str, Definition] = field(default_factory=dict)
    defaults: dict[str, str] = field(default_factory=dict)
    _uses: dict[str, list[tuple[Statement, str, str]]] = field(default_factory=dict)
    _default_statements: list[Statement] = field(default_factory=list)
    _listed: set[str] = field(default_factory=set)

    def define(self, statement: Statement) -> None:
        """Take a `BA_DEF_`; of two with one name the last counts, as for cantools."""
        parts = statement.parts
        kind = parts["type"].upper()
        values = parts.get("values", "")
        if kind not in _TYPES:
            what = f"attribute {parts['name']} has the unknown type {short(parts['type'], 20)}"
            self.note(
                "attribute", statement, what, "its values are taken as text", "make it INT, FLOAT, STRING or ENUM."
            )
            kind = "STRING"
        choices = _words(values) if kind == "ENUM" else ()
        if kind == "ENUM" and not choices:
            kind = "INT"
            what = f"attribute {parts['name']} is an enumeration without words"
            self.note("attribute", statement, what, "its values are taken as numbers", "name its words.")
        definition = Definition(parts.get("kind", ""), parts["name"], kind, choices, kind)
        self.definitions[definition.name] = _as_wanted(definition)

    def default(self, statement: Statement) -> None:
        """Take a `BA_DEF_DEF_`."""
        self._default_statements.append(statement)

    def use(self, statement: Statement, target: str) -> None:
        """Take a `BA_` about something that is there; `target` is how to write that."""
        self._uses.setdefault(statement.parts["name"], []).append((statement, target, _given(statement)))

    def show(self) -> list[str]:
        """All statements, definitions first."""
        for name, uses in self._uses.items():
            if name not in self.definitions:
                self._define_by_use(name, uses)
        lines = [definition.show() for definition in self.definitions.values()]
        lines += self._defaults()
        for name, uses in self._uses.items():
            lines += [line for use in uses if (line := self._line(self.definitions[name], *use))]
        return lines

    def _define_by_use(self, name: str, uses: Sequence[tuple[Statement, str, str]]) -> None:
        values = [value for _, _, value in uses]
        whole = all(re.fullmatch(r"[-+]?\d+", value) for value in values)
        numeric = all(number(value) is not None for value in values)
        kind = "INT" if whole else "FLOAT" if numeric else "STRING"
        statement = uses[0][0]
        said = {"INT": "a whole number", "FLOAT": "a number", "STRING": "text"}[kind]
        what = f"attribute {name} has no definition ({len(uses)} of its values are there)"
        self.note("attribute", statement, what, f"it is taken as {said}", "add a BA_DEF_ for it.")
        definition = Definition(statement.parts.get("kind", ""), name, kind, (), kind)
        self.definitions[name] = _as_wanted(definition)

    def _defaults(self) -> list[str]:
        given = {statement.parts["name"]: statement for statement in self._default_statements}
        lines = []
        for name, definition in self.definitions.items():
            statement = given.get(name)
            text = _given(statement) if statement else ""
            value = definition.default(text) if text else None
            if value is not None:
                lines.append(f"BA_DEF_DEF_ {quoted(name)} {value};")
            elif statement is not None and text:
                what = f"the default of attribute {name} is '{short(text, 30)}', which is no {_noun(definition)}"
                self.note("attribute", statement, what, "it has no default", "correct the default.")
        return lines

    def _line(self, definition: Definition, statement: Statement, target: str, text: str) -> str:
        value = definition.value(text)
        self._list_notation(definition, statement, text)
        if value is not None:
            return f"BA_ {quoted(definition.name)} {target} {value};"
        what = f"attribute {definition.name} is '{short(text, 30)}', which is no {_noun(definition)}"
        if text or definition.was == definition.type:
            self.note("attribute", statement, what, "it is left out", "correct the value.")
        return ""

    def _list_notation(self, definition: Definition, statement: Statement, text: str) -> None:
        """List once for each attribute that its values are not written as the format has it."""
        quotes = "text" in statement.parts
        plain = bool(_NUMBER.fullmatch(text))
        if definition.name in self._listed or (plain and not quotes) or (quotes and definition.was == "STRING"):
            return
        if definition.value(text) is not None:
            self._listed.add(definition.name)
            what = f"the value '{short(text, 30)}' of attribute {definition.name} is written in another notation"
            noun = "text" if definition.was == "STRING" else "enumeration" if definition.was == "ENUM" else "number"
            mend = "write texts with quotes, and numbers and the numbers of enumerations without."
            self.note("attribute", statement, what, f"it is read as {noun}", mend)


def _given(statement: Statement) -> str:
    parts = statement.parts
    return unquoted(parts["text"]) if "text" in parts else parts.get("value", "")


def _noun(definition: Definition) -> str:
    if definition.type == "ENUM":
        return f"value of its enumeration ({short(', '.join(definition.choices), 60)})"
    return "whole number" if definition.type in ("INT", "HEX") else "number"


def _words(values: str) -> tuple[str, ...]:
    if '"' in values:
        return tuple(unquoted(word[1:-1]) for word in re.findall(STRING, values, re.DOTALL))
    return tuple(word.strip() for word in values.split(",") if word.strip())


def _as_wanted(definition: Definition) -> Definition:
    """The definition as cantools expects it of the attributes that it reads itself."""
    wanted, accepted = _WANTED.get(definition.name, (definition.type, (definition.type,)))
    if definition.name == "VFrameFormat" and definition.type != "ENUM":
        return replace(definition, type="ENUM", choices=_FRAME_FORMATS, was="ENUM")
    return definition if definition.type in accepted else replace(definition, type=wanted)


__all__ = ["Attributes", "Definition", "number", "quoted", "unquoted"]
