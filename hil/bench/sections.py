"""What the TOML files of a bench are made of: checked tables, durations, and pydantic's errors in words.

Rules of this module: a table knows its keys and refuses others; what is wrong becomes one line with file, key and
remedy. Not for: what a bench or a variant says (`hil.bench.config`, `hil.bench.variant`).
"""

from __future__ import annotations

import contextlib
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from hil import units
from hil.errors import UsageError
from hil.nearest import did_you_mean, misspelt
from hil.toml_lines import line_of

_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,40}")
_CORRECT: Final = "correct the value."


class Mistake(ValueError):
    """What a validator says of a wrong value, with a remedy of its own."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what)
        self.remedy = remedy


def _duration(value: object) -> object:
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        try:
            return units.seconds(value)
        except UsageError as error:
            raise Mistake(error.what, error.remedy or _CORRECT) from None
    return value


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError("only letters, digits, '.', '_' and '-', at most 40 of them")
    return text


def _expression(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise Mistake(f"is no regular expression: {error}", "correct the pattern.") from None
    return text


def _one_group(text: str) -> str:
    if text and re.compile(text).groups != 1:
        raise Mistake("needs one group", "put what is to be read in one pair of parentheses.")
    return text


Seconds = Annotated[float, BeforeValidator(_duration)]
"""A duration: `"300 ms"` or a number of seconds."""
Expression = Annotated[str, AfterValidator(_expression)]
"""A regular expression."""
FactPattern = Annotated[Expression, AfterValidator(_one_group)]
"""A regular expression whose one group is what is read."""


Name = Annotated[str, AfterValidator(_name)]
"""A name that is safe in a file name."""


class Section(BaseModel):
    """A table: no key that it doesn't know."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class PortSection(BaseModel):
    """A table that names a port; the port's own options stand beside and are checked by the port itself."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)

    @property
    def options(self) -> dict[str, Any]:
        """The keys that belong to the port."""
        return dict(self.model_extra or {})


def read_toml(path: Path, what: str, near: Callable[[], str]) -> dict[str, Any]:
    """A TOML file.

    Args:
        path: the file.
        what: what it should be: `bench file`.
        near: the remedy where it is missing.

    Raises:
        UsageError: it is missing, can't be read, or is no TOML.
    """
    where = str(path)
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise UsageError(f"there is no such {what}", where=where, remedy=near()) from None
    except OSError as error:
        raise UsageError(f"can't be read: {error.strerror}", where=where, remedy=f"name a {what}.") from error
    except UnicodeDecodeError as error:
        raise UsageError("is no text (UTF-8)", where=where, remedy="save it as UTF-8, or name another.") from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"is no TOML: {error}", where=where, remedy="correct the line.") from error


_KEY: Final = re.compile(r"(?:unknown key|the key) '(?P<named>[^']+)'|(?P<first>[A-Za-z_][\w.-]*): ")


@contextlib.contextmanager
def lines_named() -> Iterator[None]:
    """What is wrong with a key of a TOML file gets the line of the key, or of its table, behind the file's name."""
    try:
        yield
    except UsageError as error:
        file, colon, key = error.where.partition(": ")
        found = _KEY.match(error.what)
        key = key or (found["named"] or found["first"] if found else "")
        line = _line_in(Path(file), key)
        if line:
            error.where = f"{file}:{line}{colon}{error.where.partition(': ')[2]}"
        raise


def _line_in(path: Path, key: str) -> int:
    """The line of a key in a file; 0 if it is no TOML file, or the key stands nowhere."""
    if path.suffix != ".toml" or not key:
        return 0
    try:
        return line_of(path.read_text(encoding="utf-8-sig"), key)
    except (OSError, UnicodeDecodeError):
        return 0


# A pydantic error in words --------------------------------------------------------------------------------------------


def explain(
    error: ValidationError, where: str, model: type[BaseModel], prefix: str = "", beside: Iterable[str] = ()
) -> UsageError:
    """A pydantic error as one line: one problem, with its key and a remedy.

    Of several problems it tells a misspelt key that is needed, else the first.

    Args:
        error: what pydantic found.
        where: the file.
        model: what was checked.
        prefix: key of the table that was checked; empty for a whole file.
        beside: keys that may stand in that table too, though the model doesn't know them.
    """
    problems = error.errors()
    misspelt = ((problem, _misspelt(model, problem)) for problem in problems)
    problem, written = next((found for found in misspelt if found[1]), (problems[0], ""))
    *table, last = map(str, problem["loc"])
    key = ".".join([*([prefix] if prefix else []), *table, written or last])
    if written:
        what, remedy = _unknown(key, [last])
    elif problem["type"] == "extra_forbidden":
        what, remedy = _unknown(key, [*fields_at(model, table), *(() if table else beside)])
    else:
        what, remedy = _wrong(key, problem)
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return UsageError(what + more, where=where, remedy=remedy)


def _misspelt(model: type[BaseModel], problem: ErrorDetails) -> str:
    """The unknown key that stands where one like it is missing; empty if there is none."""
    table = problem["input"]
    if problem["type"] != "missing" or not isinstance(table, dict):
        return ""
    *keys, missing = map(str, problem["loc"])
    known = fields_at(model, keys)
    return misspelt(missing, [key for key in table if key not in known])


def _unknown(key: str, known: list[str]) -> tuple[str, str]:
    listed = f"known here: {', '.join(sorted(known)) or 'none'}."
    return f"unknown key '{key}'", did_you_mean(key.rpartition(".")[2], known, listed)


def _wrong(key: str, problem: ErrorDetails) -> tuple[str, str]:
    """What is wrong with a value, and its remedy."""
    kind, given = problem["type"], problem["input"]
    if kind == "missing":
        return f"the key '{key}' is missing", "add it."
    shown = "" if isinstance(given, dict | list) else f" (given: {given!r})"
    if kind in ("model_type", "dict_type"):
        return f"{key}: should be a table{shown}", f"write [{key}], with its keys below."
    mistake = problem.get("ctx", {}).get("error")
    if isinstance(mistake, Mistake):
        return f"{key}: {mistake}", mistake.remedy
    return f"{key}: {problem['msg'].removeprefix('Value error, ')}{shown}", _CORRECT


def fields_at(model: type[BaseModel], keys: list[str]) -> list[str]:
    """The keys of a table within `model`; `keys` is where it stands."""
    current: Any = model
    for key in keys:
        fields = getattr(current, "model_fields", {})
        annotation = fields[key].annotation if key in fields else None
        parts = getattr(annotation, "__args__", None)
        if parts:
            models = [part for part in parts if isinstance(part, type) and issubclass(part, BaseModel)]
            current = models[0] if models else current
        elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
            current = annotation
    return list(getattr(current, "model_fields", {}))
