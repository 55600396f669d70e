"""Requirement files: what the ids in suites mean. TOML, `[[requirement]]` with id, title and source."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Final

from pydantic import Field, ValidationError

from hil.bench.sections import Section, explain, lines_named
from hil.errors import UsageError
from hil.files import read_text

DEFAULT_FOLDER: Final = Path("fixtures/requirements")


class Requirement(Section):
    """One requirement.

    Attributes:
        id: as suites name it.
        title: what must be so, in one sentence.
        source: regulation, recall or specification that it comes from.
    """

    id: str = Field(pattern=r"^[A-Z0-9][A-Z0-9._-]*$")
    title: str
    source: str


class RequirementFile(Section):
    """A whole file."""

    requirement: tuple[Requirement, ...] = ()


def load(folder: Path) -> list[Requirement]:
    """All requirements of the files in a folder, in order; none if there is no such folder.

    Raises:
        UsageError: a file is no TOML, a key is wrong, or an id stands twice.
    """
    found: dict[str, Requirement] = {}
    for path in sorted(folder.glob("*.toml")):
        for requirement in _load_file(path):
            if requirement.id in found:
                raise UsageError(f"the requirement {requirement.id} stands twice", where=str(path))
            found[requirement.id] = requirement
    return list(found.values())


@lines_named()
def _load_file(path: Path) -> list[Requirement]:
    try:
        return list(RequirementFile.model_validate(tomllib.loads(read_text(path)), strict=False).requirement)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"is no TOML: {error}", where=str(path), remedy="correct the line.") from error
    except ValidationError as error:
        raise explain(error, str(path), RequirementFile) from None
