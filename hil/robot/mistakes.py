"""Robot's words for a suite that is wrong, said so that its author can mend it: what, and what to write instead.

Rules of this module: texts only; whose fault it is, and where, says the listener. Keywords are those of `hil.robot`, by
their names as a suite writes them.

Not for: what a keyword's own work finds wrong (a signal that there is not, a value out of range).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from functools import cache
from typing import Any, Final

from robot.utils import normalize, split_from_equals

from hil.nearest import did_you_mean, misspelt, nearest, split_guess

LIBRARY: Final = "hil.robot"
_NAMED: Final = re.compile(r"\s*[A-Za-z_]\w*\s*")
_CONVERSION: Final = re.compile(
    r"ValueError: Argument '(?P<argument>\w+)' got value '(?P<value>.*)'( \(.+?\))? that cannot be converted to "
    r"(?P<kind>[^:.]+)(: (?P<why>.+)|\.)",
    re.DOTALL,
)
_TIMES: Final = re.compile(r"\d+\s*(x|times)")
_TRUTH: Final = {"True": "on", "False": "off"}
_LIKE: Final = {"Duration": "'300 ms'", "Deadline": "'300 ms'", "Quantity": "'87 km/h' or '13.5 V'"}
_IMPORT: Final = re.compile(rf"\s*\w+\s+{re.escape(LIBRARY)}(\s|$)")
_COUNT: Final = re.compile(r"Keyword '(?:.*\.)?(?P<keyword>[^.']+)' (?P<what>expected .* arguments?, got \d+)\.")
_KINDS: Final = {"integer": "a whole number", "float": "a number"}
"""What a value may be, in words: Robot's name of the type -> ours."""


@cache
def our_keywords() -> tuple[str, ...]:
    """The names of all keywords, as suites write them."""
    from hil.robot.library import CockpitBench

    return tuple(name.replace("_", " ").title() for name in CockpitBench().get_keyword_names())


# Unknown keywords -----------------------------------------------------------------------------------------------------


def unknown_keyword(name: str, imports: Iterable[tuple[str, int]], message: str, text: str = "") -> str:
    """What is wrong with a keyword that Robot doesn't know.

    Args:
        name: as the suite has it.
        imports: the libraries that the suite imports, with their lines.
        message: what Robot says; with the keywords that it thinks of, where nothing better is known.
        text: of the file that the keyword stands in.
    """
    said, listed = split_guess(message)
    near = nearest(name, [one.removeprefix(f"{LIBRARY}.") for one in listed], most=3)
    meant = " or ".join(f"'{one}'" for one in near)
    return _of_ours(name, imports, text) or (f"{said.strip()} Remedy: did you mean {meant}?" if near else said.strip())


def _of_ours(name: str, imports: Iterable[tuple[str, int]], text: str) -> str:
    """What is wrong if the keyword, or its beginning, is one of ours; else empty."""
    ours, rest = _beginning(name)
    if not ours:
        return ""
    said = f"No keyword with name '{name}'"
    if rest:
        return f"{said}. Remedy: put two blanks or more between '{ours}' and '{rest}', and between arguments."
    libraries = list(imports)
    if any(library == LIBRARY for library, _ in libraries):
        return ""
    near = misspelt(LIBRARY, [library for library, _ in libraries])
    if near:
        line = next(line for library, line in libraries if library == near)
        return f"{said}: line {line} imports '{near}'. Remedy: write 'Library    {LIBRARY}' there."
    mend = f"write 'Library    {LIBRARY}' below '*** Settings ***'."
    return said + (_unread_import(text) or f": the suite doesn't import the bench's library. Remedy: {mend}")


def _unread_import(text: str) -> str:
    """Why a line that names our library imports nothing; empty without such a line."""
    section, at = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("*"):
            section, at = line.strip(), number
        elif _IMPORT.match(line) and _is_nearly(line.split()[0], "library"):
            return _of_section(section, at) or (
                f": line {number} is '{line.strip()}', which imports nothing. "
                f"Remedy: write 'Library    {LIBRARY}' there; two blanks or more stand between."
            )
    return ""


def _of_section(header: str, line: int) -> str:
    if header.strip("* ").lower() == "settings":
        return ""
    if _is_nearly(header.strip("* "), "settings"):
        return f": line {line} is '{header}'. Remedy: write '*** Settings ***' there."
    return f": 'Library    {LIBRARY}' stands in no section of settings. Remedy: write '*** Settings ***' above it."


def _is_nearly(word: str, wanted: str) -> bool:
    return bool(misspelt(word, [wanted]))


def _beginning(name: str) -> tuple[str, str]:
    """Our longest keyword that a name begins with, and what follows it; empty if it begins with none."""
    words = re.split(r"\s+", name.strip())
    known = {normalize(keyword, ignore="_"): keyword for keyword in our_keywords()}
    for count in range(len(words), 0, -1):
        found = known.get(normalize("".join(words[:count]), ignore="_"))
        if found is not None:
            return found, " ".join(words[count:])
    return "", ""


# Arguments ------------------------------------------------------------------------------------------------------------


def wrong_named(keyword: str, spec: Any, arguments: Iterable[Any]) -> tuple[str, str] | None:
    """What is wrong with a `name=value` whose name the keyword doesn't have, and its remedy; None if all is right.

    Args:
        keyword: its name.
        spec: its arguments, as Robot keeps them.
        arguments: as the suite has them.
    """
    known = [*spec.positional_or_named, *spec.named_only]
    if spec.var_named or not known:
        return None
    for place, argument in enumerate(arguments):
        name, value = split_from_equals(argument) if isinstance(argument, str) else ("", None)
        if value is None or name in known or not _NAMED.fullmatch(name):
            continue
        mend = _meant(name, value, known) or (_is_listed(place, spec) and f"it takes {', '.join(known)}.") or ""
        if mend:
            return f"'{name.strip()}' is no argument of '{keyword}'", mend
    return None


def _meant(name: str, value: str, known: Collection[str]) -> str:
    plain = normalize(name.strip().replace(" ", "_"))
    if plain in known:
        return f"write '{plain}={value.strip()}', small and without blanks."
    near = misspelt(plain, known)
    return f"did you mean '{near}'?" if near else ""


def _is_listed(place: int, spec: Any) -> bool:
    """Whether something else than any text belongs in that place, so that `name=value` can't be meant as it stands."""
    if spec.var_positional:
        return False
    names = spec.positional_or_named
    return place >= len(names) or str(spec.types.get(names[place], "str")) != "str"


def in_words(message: str, keyword: str, spec: Any, arguments: Sequence[Any] = ()) -> str:
    """What Robot says of the arguments of a keyword, in words of ours; as it is where it says something else.

    Args:
        message: of Robot.
        keyword: the one that was called.
        spec: its arguments; None if they aren't known.
        arguments: what the suite gave.
    """
    found = _CONVERSION.fullmatch(message)
    if found:
        members = _members(spec, found["argument"])
        why = _of_choice(found["value"], members) if members else _reason(found["value"], found["kind"], found["why"])
        return f"argument '{found['argument']}' of '{keyword}': {why}"
    found = _COUNT.match(message)
    if found and spec is not None and found["keyword"] == keyword:
        mend = _of_names(arguments) if spec.var_named and not spec.positional else _of_count(spec, arguments)
        return f"'{keyword}' {found['what']}. Remedy: {mend}"
    return message


def _members(spec: Any, argument: str) -> list[str]:
    """The values of an argument that is a choice; none if it is something else."""
    of = getattr(spec, "types", {}).get(argument)
    return list(getattr(getattr(of, "type", None), "__members__", ()))


def _of_choice(value: str, members: list[str]) -> str:
    first, _, rest = value.partition(" ")
    if first in members and rest:
        mend = f"put two blanks or more between '{first}' and '{rest.strip()}'."
    elif _TRUTH.get(value) in members:
        mend = f"write '{_TRUTH[value]}'. It is one of {', '.join(members)}."
    else:
        mend = _nearest(value, members)
    return f"'{value}' is none of its values. Remedy: {mend}"


def _of_names(arguments: Sequence[Any]) -> str:
    """How arguments that all have names are written."""
    plain = [str(one) for one in arguments if split_from_equals(str(one))[1] is None]
    if not plain or len(plain) % 2:
        return "write each as name=value, like VehicleSpeed=50."
    named = "    ".join("=".join(pair) for pair in zip(plain[::2], plain[1::2], strict=True))
    return f"write '{named}'."


def _of_count(spec: Any, arguments: Sequence[Any]) -> str:
    """What to write where arguments are missing or too many: one blank does not part two."""
    listed = ", ".join([*spec.positional_or_named, *spec.named_only])
    joined = [str(one) for one in arguments if " " in str(one).strip()]
    if joined and len(arguments) < len(spec.positional):
        first, _, rest = joined[-1].strip().partition(" ")
        return f"put two blanks or more between '{first}' and '{rest.strip()}'; it takes {listed}."
    return f"it takes {listed}; two blanks or more stand between arguments."


def _reason(value: str, kind: str, why: str | None) -> str:
    if kind in ("Duration", "Deadline") and _TIMES.fullmatch(value):
        return f"'{value}' counts, but a duration is wanted: it repeats in bench time. Remedy: write it like '2 s'."
    if why:
        return " ".join(why.split())
    kinds = [part for part in kind.split(" or ") if part != "None"]
    if kinds[0] in _LIKE:
        noun = "quantity" if kinds[0] == "Quantity" else "duration"
        return f"'{value}' is no {noun}. Remedy: write it like {_LIKE[kinds[0]]}."
    wanted = " or ".join(_KINDS.get(part, part) for part in kinds)
    return f"'{value}' is not {wanted}. Remedy: write {wanted}, without a unit."


def _nearest(word: str, known: list[str]) -> str:
    near, listed = did_you_mean(word, known), ", ".join(known)
    return f"{near} It is one of {listed}." if near else f"it is one of {listed}."
