"""The bench file: TOML, checked by pydantic. What is wrong in it becomes one line with file, key and remedy.

Paths in a bench file are relative to the file itself, so that benches and suites may live in another repository.
"""

from __future__ import annotations

import difflib
import tomllib
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from hil import units
from hil.errors import UsageError


def _duration(value: object) -> object:
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        try:
            return units.seconds(value)
        except UsageError as error:
            raise ValueError(str(error)) from None
    return value


Seconds = Annotated[float, BeforeValidator(_duration)]
"""A duration: `"300 ms"` or a number of seconds."""


class Section(BaseModel):
    """A table of the bench file: no key that it doesn't know."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class PortSection(BaseModel):
    """A table that names a port; the port's own options stand beside and are checked by the port itself."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)

    @property
    def options(self) -> dict[str, Any]:
        """The keys that belong to the port."""
        return dict(self.model_extra or {})


class BenchSection(Section):
    """`[bench]`.

    Attributes:
        clock: `virtual` (discrete events) or `real`.
        timeout: bench time that a case may take unless it says otherwise.
        watchdog: wall time after which a case that does not end is killed.
        allowed_lateness: how late the restbus may send before checks become inconclusive; one cycle of the message
            where it isn't given.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9_.-]{1,40}$")
    clock: Literal["virtual", "real"]
    description: str = ""
    variant: str = "base"
    timeout: Seconds = 120.0
    watchdog: Seconds = 300.0
    allowed_lateness: Seconds | None = None


class BusSection(PortSection):
    """`[bus.NAME]`: the nodes in `real_nodes` are really there, so the restbus doesn't play them."""

    port: str
    database: Annotated[Path, Field(strict=False)]
    bitrate: int = Field(500_000, gt=0)
    restbus: bool = True
    real_nodes: list[str] = []


class ScreenSection(PortSection):
    """`[screen.NAME]`: where its frames come from and the layout that says what is where."""

    source: str
    layout: Annotated[Path, Field(strict=False)]


class ConsoleSection(PortSection):
    """`[console.NAME]`."""

    port: str


class SupplySection(PortSection):
    """`[supply.NAME]`: the limits are enforced by the port and set as the supply's own protection."""

    port: str
    voltage_V: float = Field(13.5, ge=0)
    max_voltage_V: float = Field(gt=0)
    max_current_A: float = Field(gt=0)


class EcuSection(Section):
    """`[ecu.NAME]`: `virtual` lives in the bench's own process, on its wires; `real` is only named here.

    Attributes:
        bus: the bus that a virtual ECU sits on.
        screen: the screen that it draws on.
        console: its serial console.
        supply: what powers it.
        defects: named defects switched on in a virtual ECU.
    """

    kind: Literal["virtual", "real"]
    bus: str = ""
    screen: str = ""
    console: str = ""
    supply: str = ""
    defects: list[str] = []


class ProcessSection(Section):
    """`[process.NAME]`: a program that the bench starts before it opens its ports and stops at its end.

    It announces itself by one line of JSON on its standard output, `{"console": "/dev/pts/4", ...}`; the ports' options
    use what it said as `{NAME.console}`. `{python}` is the interpreter that runs the bench, `{bench}` the folder of the
    bench file, `{defects}` the defects switched on (left out where there are none).
    """

    command: list[str] = Field(min_length=1)
    ready_within: Seconds = 30.0


class IgnitionSection(Section):
    """`[ignition]`: the signal by which the bench tells the ECU that the ignition is on."""

    signal: str
    on: str = "On"
    off: str = "Off"


class ProbeSection(Section):
    """A probe: a signal that must have a value, or a line that must appear on a console."""

    signal: str = ""
    value: str = ""
    console: str = ""
    line: str = ""
    within: Seconds = 10.0


ResetStep = Literal["start values", "KL15 cycle", "KL30 cycle"]


class ResetSection(Section):
    """`[reset]`: steps tried in this order until the probe passes; each test starts from there."""

    steps: list[ResetStep] = ["KL30 cycle"]
    off_time: Seconds = 1.0
    probe: ProbeSection | None = None
    asleep_below_A: float = 0.01
    asleep_within: Seconds = 30.0


class DutSection(Section):
    """`[dut]`: what is under test; the patterns (one group each) read its versions from a console."""

    kind: Literal["virtual", "real"] = "real"
    name: str = ""
    console: str = ""
    part: str = ""
    serial: str = ""
    hardware: str = ""
    software: str = ""

    def patterns(self) -> dict[str, str]:
        """Fact -> regular expression, where one was given."""
        facts = {name: getattr(self, name) for name in ("part", "serial", "hardware", "software")}
        return {name: pattern for name, pattern in facts.items() if pattern}


class BenchConfig(Section):
    """A whole bench file."""

    bench: BenchSection
    bus: dict[str, BusSection] = {}
    screen: dict[str, ScreenSection] = {}
    console: dict[str, ConsoleSection] = {}
    supply: dict[str, SupplySection] = {}
    ecu: dict[str, EcuSection] = {}
    process: dict[str, ProcessSection] = {}
    ignition: IgnitionSection | None = None
    reset: ResetSection = ResetSection()
    dut: DutSection = DutSection()
    path: Annotated[Path, Field(strict=False)] = Path()

    @property
    def folder(self) -> Path:
        """The folder that the file's paths are relative to."""
        return self.path.parent

    def locate(self, path: Path | str) -> Path:
        """A path of the bench file, as the process sees it."""
        return self.folder / path

    @property
    def is_virtual(self) -> bool:
        """Whether time is virtual."""
        return self.bench.clock == "virtual"


DEFAULT_BENCH: Final = Path("fixtures/benches/virtual.toml")


def load(path: Path) -> BenchConfig:
    """Read and check a bench file.

    Raises:
        UsageError: it is missing, is no TOML, or a key or value is wrong.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError("there is no such bench file", where=str(path), remedy=_benches_near(path)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"can't be read: {error}", where=str(path)) from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"is no TOML: {error}", where=str(path), remedy="correct the line.") from error
    try:
        config = BenchConfig.model_validate(data | {"path": path})
    except ValidationError as error:
        raise explain(error, str(path), BenchConfig) from None
    _check_references(config)
    return config


def _benches_near(path: Path) -> str:
    found = sorted(path.parent.glob("*.toml")) or sorted(DEFAULT_BENCH.parent.glob("*.toml"))
    return f"found here: {', '.join(str(bench) for bench in found)}." if found else "give --bench FILE."


def explain(error: ValidationError, where: str, model: type[BaseModel], prefix: str = "") -> UsageError:
    """A pydantic error as one line: the first problem, with its key and a remedy."""
    first = error.errors()[0]
    keys = [str(part) for part in first["loc"]]
    key = ".".join(([prefix] if prefix else []) + keys)
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    if first["type"] == "extra_forbidden":
        return UsageError(f"unknown key '{key}'{more}", where=where, remedy=_near_key(model, keys))
    if first["type"] == "missing":
        return UsageError(f"the key '{key}' is missing{more}", where=where, remedy="add it.")
    given = first.get("input")
    shown = "" if isinstance(given, dict | list) else f" (given: {given!r})"
    text = first["msg"].removeprefix("Value error, ")
    return UsageError(f"{key}: {text}{shown}{more}", where=where, remedy="correct the value.")


def _near_key(model: type[BaseModel], keys: list[str]) -> str:
    known = list(_fields_at(model, keys[:-1]))
    near = difflib.get_close_matches(keys[-1], known, n=1, cutoff=0.5)
    return f"did you mean '{near[0]}'?" if near else f"known here: {', '.join(sorted(known))}."


def _fields_at(model: type[BaseModel], keys: list[str]) -> list[str]:
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
    return [name for name in getattr(current, "model_fields", {}) if name != "path"]


def _check_references(config: BenchConfig) -> None:
    where = str(config.path)
    for name, ecu in config.ecu.items():
        for kind in ("bus", "screen", "console", "supply"):
            target, known = getattr(ecu, kind), getattr(config, kind)
            if ecu.kind == "virtual" and target not in known:
                names = ", ".join(known) or "none"
                said = f"'{target}' is no {kind} of this bench" if target else "is needed by a virtual ECU"
                raise UsageError(f"ecu.{name}.{kind}: {said}", where=where, remedy=f"there is: {names}.")
    for name, bus in config.bus.items():
        _check_file(config, f"bus.{name}.database", bus.database)
    for name, screen in config.screen.items():
        _check_file(config, f"screen.{name}.layout", screen.layout)


def _check_file(config: BenchConfig, key: str, path: Path) -> None:
    if not config.locate(path).is_file():
        raise UsageError(
            f"{key}: there is no file '{path}'",
            where=str(config.path),
            remedy="paths are relative to the bench file.",
        )
