"""The statements of a DBC file, also of a sloppy one: where each begins and ends, and what stands in it.

Rules of this module: pure. A statement is first tried as the format has it; if that fails it is what stands up to the
next line that begins with a keyword, read loosely: inner quotes, no semicolon, other separators. What a message or a
signal says is read strictly, piece by piece, because a guess there would be a wrong bit on the bus: what can't be read
is refused with its line and column.

Source: DBC File Format Documentation, Vector, version 01/2007.

Not for: what the statements mean (`hil.can.dbc_network`, `hil.can.dbc_repair`).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from hil.errors import UsageError

STRING: Final = r'"(?:[^"\\]|\\.)*"'
NUMBER: Final = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
NAME: Final = r'[^\s:;,"|@\[\]()]++'
"""Possessive: a name that was begun is read to its end."""
_NUMBERISH: Final = r"[-+]?[\w.#+-]+"
_OF: Final = rf"(?:(?P<kind>SG_|BO_|EV_|BU_)\s+(?P<of>{NAME}(?:\s+{NAME})?))"
_ID: Final = r"[-+]?(?:0[xX][0-9a-fA-F]++|\d++)"
SKIPPED: Final = frozenset(
    {
        "BA_DEF_DEF_REL_", "BA_DEF_REL_", "BA_DEF_SGTYPE_", "BA_REL_", "BA_SGTYPE_", "BU_BO_REL_", "BU_EV_REL_",
        "BU_SG_REL_", "CAT_", "CAT_DEF_", "ENVVAR_DATA_", "EV_", "EV_DATA_", "FILTER", "NS_DESC_", "SGTYPE_",
        "SGTYPE_VAL_", "SIG_GROUP_", "SIG_TYPE_REF_", "SIGTYPE_VALTYPE_", "VAL_TABLE_",
    }
)  # fmt: skip
"""Sections that nothing here needs."""
_ANY_WORD: Final = r"(?:VERSION|FILTER|[A-Z][A-Z_]*_)"
_WORD: Final = re.compile(r"VERSION(?![A-Za-z0-9_])|FILTER(?![A-Za-z0-9_])|[A-Z][A-Z_]*_(?![A-Za-z0-9])")
_LINE_START: Final = re.compile(rf'^[ \t]*(?={_ANY_WORD}[\s:"])', re.MULTILINE)
_GOOD_END: Final = re.compile(rf"[ \t]*(?:\n|\Z|//|{_ANY_WORD}(?![A-Za-z0-9]))")
_BLANK: Final = re.compile(r"(?:\s|//[^\n]*)*")
_REST: Final = re.compile(r"[^\n]*")
_ANY: Final = re.compile(rf'(?:[^";\n]|\n(?![ \t]*{_ANY_WORD}[\s:"])|{STRING})*;', re.DOTALL)
"""A statement that nobody reads here: to its semicolon, unless a keyword begins a line before that."""
_NAMES_USED: Final = re.compile(rf"NS_[ \t]*:?(?P<words>(?:\s*\n(?:[ \t]+[A-Za-z_]+|{_ANY_WORD})[ \t]*(?=\n|\Z))*)")
"""Sections that the file may have. A word that isn't indented must be such a name, else it is no part of the list."""
_NO_SECTION: Final = re.compile(rf"^[ \t]*(?!{_ANY_WORD}[ \t]*$)(?P<word>\S+)", re.MULTILINE)
_NODES: Final = re.compile(
    r'BU_[ \t]*(?P<colon>:?)(?P<nodes>(?:(?![ \t](?:BO_|VAL_TABLE_|CM_|BA_DEF_) )[^"\n])*'
    rf'(?:\n(?![ \t]*(?:{_ANY_WORD}[\s:"]|(?i:SG|BO)_?\b))(?=[ \t]*\S)[\w \t.,-]*(?=\n|\Z))*)'
)
"""The nodes: up to the next keyword, or to a blank line."""
_HEADS: Final = {"NS_": _NAMES_USED, "BS_": re.compile(r"BS_[ \t]*:?[\d:, \t]*"), "BU_": _NODES}
_LOOKS_LIKE_SIGNAL: Final = re.compile(r"\d\s*\|\s*\d+\s*@|^\s*(?:SG|BO)_?\b", re.IGNORECASE)
_SIGNAL_MODEL: Final = """write it like ' SG_ Speed : 0|16@1+ (0.01,0) [0|300] "km/h" Receiver'."""
_MESSAGE_MODEL: Final = "write it like 'BO_ 256 Name: 8 Sender'."

_TEMPLATES: Final = {
    "VERSION": r"VERSION\s*@text@",
    "CM_": rf"CM_\s*{_OF}?\s*@text@",
    "BA_DEF_": r"BA_DEF_\s*(?P<kind>SG_|BO_|EV_|BU_)?\s*@name@\s*(?P<type>[A-Za-z]+)(?P<values>@list@)",
    "BA_DEF_DEF_": r"BA_DEF_DEF_\s*@name@\s*(?:@text@|(?P<value>[^\s\";]+))",
    "BA_": rf"BA_\s*@name@\s*{_OF}?\s*(?:@text@|(?P<value>[^\s\";]+))",
    "VAL_": rf"VAL_\s+(?:(?P<id>{_ID})\s+)?(?P<signal>{NAME})(?P<pairs>@pairs@)",
    "SIG_VALTYPE_": rf"SIG_VALTYPE_\s+(?P<id>{NAME})\s+(?P<signal>{NAME})\s*(?P<colon>:?)\s*(?P<type>\d+)",
    "SG_MUL_VAL_": rf"SG_MUL_VAL_\s+(?P<id>{NAME})\s+(?P<signal>{NAME})\s+(?P<above>{NAME})\s+(?P<ranges>[\d\s,;-]*?)",
    "BO_TX_BU_": rf"BO_TX_BU_\s+(?P<id>{NAME})\s*:\s*(?P<nodes>[^;\":]*?)",
}
_STRICT_PARTS: Final = {
    "@text@": r'"(?P<text>(?:[^"\\]|\\.)*)"',
    "@name@": r'"(?P<name>[^"\n]*)"',
    "@list@": rf"(?:\s*{STRING}\s*(?:,|(?=;)))*|(?:\s*{NUMBER}(?![\w.]))*",
    "@pairs@": rf"(?:\s*{NUMBER}\s*{STRING})*",
}
_LOOSE_PARTS: Final = {
    "@text@": r'"(?P<text>.*?)"?',
    "@name@": r'"(?P<name>[^"\n]*)"',
    "@list@": r".*?",
    "@pairs@": r".*?",
}


READ: Final = frozenset(_TEMPLATES)
"""Statements that end with a semicolon and are read."""


def _compiled(parts: dict[str, str], end: str) -> dict[str, re.Pattern[str]]:
    patterns = {}
    for kind, template in _TEMPLATES.items():
        pattern = template
        for placeholder, part in parts.items():
            pattern = pattern.replace(placeholder, part)
        patterns[kind] = re.compile(pattern + end, re.DOTALL)
    return patterns


_STRICT: Final = _compiled(_STRICT_PARTS, r"\s*(?P<end>;)")
_LOOSE: Final = _compiled(_LOOSE_PARTS, r"\s*(?P<end>;*)\s*\Z")
_STRICT["VERSION"] = re.compile(r'VERSION\s*"(?P<text>(?:[^"\\]|\\.)*)"(?P<end>;?)', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement.

    Attributes:
        kind: its keyword; empty for text that is none.
        at: where it begins in the text.
        parts: what stands in it, by name; a part that isn't there is missing.
        loose: it is not as the format has it.
        text: all of it.
    """

    kind: str
    at: int
    parts: dict[str, str]
    loose: bool = False
    text: str = ""


class Places:
    """Lines and columns of a text, both from 1.

    Args:
        text: the file.
        where: what to call it.
    """

    def __init__(self, text: str, where: str) -> None:
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]
        self._where = where

    def line(self, at: int) -> int:
        """The line of an offset."""
        return bisect_right(self._starts, at)

    def show(self, at: int, *, column: bool = False) -> str:
        """`file:line` or `file:line:column` of an offset."""
        line = self.line(at)
        return f"{self._where}:{line}" + (f":{at - self._starts[line - 1] + 1}" if column else "")


def scan(text: str, places: Places) -> Iterator[Statement]:
    """All statements in order, text that is none among them.

    Raises:
        UsageError: a message or a signal can't be read, or the file ends within a statement.
    """
    starts = [match.end() for match in _LINE_START.finditer(text)]
    at = _blank(text, 0)
    while at < len(text):
        statement, end = _statement(text, at, starts, places)
        yield statement
        if statement.kind == "NS_":
            yield from _no_sections(text, at, end)
        at = _blank(text, max(end, at + 1))


def _no_sections(text: str, at: int, end: int) -> Iterator[Statement]:
    """What stands in the list of sections and is no name of one."""
    below = text.find("\n", at, end)
    if below >= 0:
        for match in _NO_SECTION.finditer(text, below, end):
            yield Statement("", match.start("word"), {}, True, match["word"])


def _blank(text: str, at: int) -> int:
    match = _BLANK.match(text, at)
    return match.end() if match else at


def _statement(text: str, at: int, starts: list[int], places: Places) -> tuple[Statement, int]:
    word = _WORD.match(text, at)
    kind = word[0] if word else ""
    if kind in ("BO_", "SG_"):
        return _pieces(text, at, kind, places)
    if kind in _TEMPLATES:
        return _templated(text, at, kind, starts, places)
    if kind in _HEADS:
        match = _HEADS[kind].match(text, at)
        end = match.end() if match else at
        return Statement(kind, at, match.groupdict() if match else {}, text=text[at:end]), end
    if kind:
        match = _ANY.match(text, at)
        end = match.end() if match else _next(starts, at, text)
        return Statement(kind, at, {}, kind not in SKIPPED or match is None, text[at:end]), end
    return _no_statement(text, at, places)


def _next(starts: list[int], at: int, text: str) -> int:
    """Where the next line that begins with a keyword does, else the end."""
    index = bisect_right(starts, at)
    return starts[index] if index < len(starts) else len(text)


def _no_statement(text: str, at: int, places: Places) -> tuple[Statement, int]:
    match = _REST.match(text, at)
    line = match[0] if match else ""
    if _LOOKS_LIKE_SIGNAL.search(line):
        what = f"'{short(line.strip(), 30)}' is no statement, but looks like a message or a signal"
        model = _MESSAGE_MODEL if line.lstrip().upper().startswith("BO") else _SIGNAL_MODEL
        raise UsageError(what, where=places.show(at, column=True), remedy=model)
    return Statement("", at, {}, True, line), at + len(line)


def _templated(text: str, at: int, kind: str, starts: list[int], places: Places) -> tuple[Statement, int]:
    match = _STRICT[kind].match(text, at)
    if match and _ends_well(text, match.end()):
        return Statement(kind, at, _given(match), False, match[0]), match.end()
    end = _next(starts, at, text)
    part = text[at:end]
    match = _LOOSE[kind].match(part)
    if end == len(text) and not part.endswith("\n") and not (match and match["end"]):
        mend = "get the whole file: what followed is missing."
        raise UsageError("the file ends in the middle of a statement", where=places.show(end, column=True), remedy=mend)
    return Statement(kind, at, _given(match) if match else {}, True, part), end


def _ends_well(text: str, at: int) -> bool:
    """Whether nothing but another statement follows on the line: else a quote was taken for the wrong one."""
    return bool(_GOOD_END.match(text, at))


def _given(match: re.Match[str]) -> dict[str, str]:
    return {name: value for name, value in match.groupdict().items() if value is not None}


# Messages and signals, piece by piece ---------------------------------------------------------------------------------

_MESSAGE: Final = (
    (r"BO_[ \t]*", ""),
    (rf"(?P<id>{_NUMBERISH})\s*", "an identifier"),
    (rf"(?P<name>{NAME})[ \t]*", "a name"),
    (r"(?P<colon>:?)\s*", ""),
    (r"(?P<length>\d+)(?![\w.])[ \t]*", "a length in bytes"),
    (rf"(?P<node>(?:(?![A-Z][A-Z_]*_[\s:\"]){NAME})?)[ \t]*", ""),
    (r"(?P<end>;?)", ""),
)
_SIGNAL: Final = (
    (r"SG_[ \t]*", ""),
    (rf"(?P<name>{NAME})[ \t]*", "a name"),
    (r"(?P<mark>[^\s:]*)\s*:\s*", "a colon"),
    (r"(?P<start>-?\d+)\s*\|\s*", "a start bit and '|'"),
    (r"(?P<length>\d+)\s*@\s*", "a length and '@'"),
    (r"(?P<order>[01])\s*", "the byte order, 0 or 1,"),
    (r"(?P<sign>[-+])\s*", "the sign, + or -,"),
    (r"\(\s*(?P<scale>[^()\n\"]*)\)[ \t]*", "factor and offset"),
    (r"(?:\[(?P<range>[^\]\n\"]*)\])?[ \t]*", ""),
    (rf'(?:"(?P<unit>(?:[^"\\\n]|\\.)*(?="[^"\n]*?(?:\n|\Z|\s{_ANY_WORD}\s))|[^\n]*(?="))")?[ \t]*', ""),
    (rf"(?P<nodes>(?:(?:[ \t]*,\s*|[ \t]*)(?![A-Z][A-Z_]*_[\s:\"]|//){NAME})*[ \t]*,?)[ \t]*", ""),
    (r"(?P<end>;?)", ""),
)
_PIECES: Final = {
    kind: tuple((re.compile(pattern), expected) for pattern, expected in pieces)
    for kind, pieces in (("BO_", _MESSAGE), ("SG_", _SIGNAL))
}


def _pieces(text: str, at: int, kind: str, places: Places) -> tuple[Statement, int]:
    parts: dict[str, str] = {}
    here = at
    for pattern, expected in _PIECES[kind]:
        match = pattern.match(text, here)
        if match is None:
            raise _syntax(text, here, expected, _MESSAGE_MODEL if kind == "BO_" else _SIGNAL_MODEL, places)
        parts |= _given(match)
        here = match.end()
    if not _ends_well(text, here):
        expected = "the unit between two quotes" if text[here] == '"' else "the end of the line"
        raise _syntax(text, here, expected, _MESSAGE_MODEL if kind == "BO_" else _SIGNAL_MODEL, places)
    return Statement(kind, at, parts, False, text[at:here]), here


def _syntax(text: str, at: int, expected: str, model: str, places: Places) -> UsageError:
    match = _REST.match(text, at)
    rest = short(match[0].strip() if match else "", 30)
    found = f"at '{rest}'" if rest else "at the end of the line"
    what = f"syntax error {found}: {expected} should stand there"
    return UsageError(what, where=places.show(at, column=True), remedy=model)


def short(text: str, length: int) -> str:
    """A text for an error, cut to a length; what can't be printed becomes `?`."""
    shown = "".join(character if character.isprintable() else "?" for character in text)
    return shown if len(shown) <= length else shown[: length - 3].rstrip() + "..."


__all__ = ["NUMBER", "READ", "SKIPPED", "Places", "STRING", "Statement", "scan", "short"]
