"""The variant file: which brand of a cockpit is under test, and what it is fitted with. TOML, checked by pydantic.

One bench file serves all variants; the variant says what differs. Paths in a variant file are relative to the file
itself. Whether a case applies to a variant is decided here and nowhere else: a case that needs what the variant lacks
is not run, with the reason; a word that the variant file doesn't know is a mistake.

Not for: what is wired where (`hil.bench.config`), what the ECU makes of its brand (`hil/ecu`).
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field, PrivateAttr, ValidationError

from hil.bench.sections import Name, Section, explain, lines_named, read_toml
from hil.errors import UsageError
from hil.nearest import did_you_mean, nearest

VARIANT_WORD: Final = "variant:"
"""Begins a need that names a variant, as the tag of a Robot test does."""
SUFFIX: Final = ".toml"


class Variant(Section):
    """A whole variant file.

    Attributes:
        name: what suites and `{variant}` call it.
        brand: whose design it wears; its name if not given.
        title: what to call it on the page.
        description: shown by `hil doctor`.
        languages: languages that its screens know.
        features: every feature that variants of this product may have, and whether this one is fitted with it.
        start_values: signal -> value that the restbus starts with, in the place of the database's.
        overlays: bus -> databases laid over the bus's own, in order.
    """

    name: Name
    brand: str = ""
    title: str = ""
    description: str = ""
    languages: list[str] = []
    features: dict[Name, bool] = {}
    start_values: dict[str, str | float | int | bool] = {}
    overlays: dict[str, list[Annotated[Path, Field(strict=False)]]] = {}
    _path: Path = PrivateAttr(default=Path())

    @property
    def path(self) -> Path:
        """The file itself."""
        return self._path

    @property
    def fitted(self) -> frozenset[str]:
        """The features that it has."""
        return frozenset(feature for feature, fitted in self.features.items() if fitted)

    def locate(self, path: Path) -> Path:
        """A path of the variant file, as the process sees it."""
        return self.path.parent / path

    def overlays_of(self, bus: str) -> list[Path]:
        """The databases that are laid over that of a bus."""
        return [self.locate(path) for path in self.overlays.get(bus, [])]

    def facts(self) -> dict[str, str]:
        """What the evidence says of it."""
        return {"name": self.name, "brand": self.brand or self.name, "title": self.title or self.name}


@lines_named()
def load(path: Path, named_by: str = "") -> Variant:
    """Read and check a variant file.

    Args:
        path: the file.
        named_by: what named it, for the error where it is missing.

    Raises:
        UsageError: it is missing, is no TOML, or a key or value is wrong.
    """
    try:
        found = Variant.model_validate(read_toml(path, "variant file", lambda: _near(path.parent, path, named_by)))
    except ValidationError as error:
        raise explain(error, str(path), Variant) from None
    found._path = path
    _check(found)
    return found


def _check(variant: Variant) -> None:
    for bus, paths in variant.overlays.items():
        for path in paths:
            if not variant.locate(path).is_file():
                what = f"overlays.{bus}: there is no file '{path}'"
                raise UsageError(what, where=str(variant.path), remedy="paths are relative to the variant file.")


def find(wanted: str, beside: Path | None, where: str = "") -> Path:
    """The file of a variant: `wanted` itself, or the one called so beside another variant file.

    Args:
        wanted: a file, or a name.
        beside: the variant file that the bench names.
        where: the bench file, for the error.

    Raises:
        UsageError: there is no such variant.
    """
    path = Path(wanted)
    if path.suffix == SUFFIX or len(path.parts) > 1:
        return path
    if beside is None:
        mend = "give the variant's file, or name one in the bench file."
        raise UsageError(f"the bench names no variant, so '{wanted}' can't be looked up", where=where, remedy=mend)
    found = beside.parent / f"{wanted}{SUFFIX}"
    if not found.is_file():
        raise UsageError(f"no variant '{wanted}'", where=str(beside.parent), remedy=_near(beside.parent, found))
    return found


def _near(folder: Path, path: Path, named_by: str = "") -> str:
    """The remedy where a variant file is missing: what is there."""
    known = sorted(file.stem for file in folder.glob(f"*{SUFFIX}")) if folder.is_dir() else []
    listed = did_you_mean(path.stem, known, f"there is: {', '.join(known) or 'none'}.", quote="")
    return f"correct {named_by}; {listed}" if named_by else listed


# Which cases apply ----------------------------------------------------------------------------------------------------


def why_not(variant: Variant | None, needs: Iterable[str]) -> str:
    """Why a case doesn't apply to a variant; empty if it does.

    Args:
        variant: what is under test; of a bench that names none nothing is known to be missing.
        needs: what the case says that it needs: features, and `variant:NAME`; of several variants one is enough.

    Raises:
        UsageError: a need that the variant file doesn't know.
    """
    wanted = list(needs)
    named = [need.removeprefix(VARIANT_WORD) for need in wanted if need.startswith(VARIANT_WORD)]
    features = [need for need in wanted if not need.startswith(VARIANT_WORD)]
    if variant is None:
        return f"is for variant {' or '.join(named)}, and the bench names none" if named else ""
    for feature in features:
        _check_feature(variant, feature)
    _check_named(variant, named)
    missing = [feature for feature in features if not variant.features[feature]]
    if missing:
        return f"variant {variant.name} has no {' and no '.join(missing)}"
    if named and variant.name not in named:
        return f"is for variant {' or '.join(named)}, not {variant.name}"
    return ""


def _check_feature(variant: Variant, feature: str) -> None:
    if feature in variant.features:
        return
    near = nearest(feature, variant.features)
    hint = f"did you mean {near[0]}? " if near else ""
    known = ", ".join(sorted(variant.features)) or "none"
    raise UsageError(f"there is no feature '{feature}'", remedy=f"{hint}{variant.path.name} knows {known}.")


def _check_named(variant: Variant, named: Iterable[str]) -> None:
    """A variant that a case names must be this one, or have a file beside it."""
    for name in named:
        if name != variant.name and not (variant.path.parent / f"{name}{SUFFIX}").is_file():
            raise UsageError(f"there is no variant '{name}'", remedy=_near(variant.path.parent, Path(name)))


def attached(path: Path) -> str:
    """The name under which a file of a variant stands among the attachments of a journal."""
    return f"variant/{path.name}"
