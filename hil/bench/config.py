"""The bench file: TOML, checked by pydantic. What is wrong in it becomes one line with file, key and remedy.

Paths in a bench file are relative to the file itself, so that benches and suites may live in another repository.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field, PrivateAttr, ValidationError

from hil.bench import variant as variants
from hil.bench.config_diag import DiagSection, Fact
from hil.bench.config_relay import IgnitionSection, RelaySection, check_relays
from hil.bench.secrets import refuse_plain
from hil.bench.sections import (
    Expression,
    FactPattern,
    Name,
    PortSection,
    Seconds,
    Section,
    explain,
    lines_named,
    read_toml,
)
from hil.bench.variant import Variant
from hil.errors import UsageError

VARIANT: Final = "{variant}"
"""In paths and commands of a bench file: the name of the variant."""
VARIANT_FILE: Final = "{variant_file}"
"""In commands of a bench file: the variant file."""


class BenchSection(Section):
    """`[bench]`.

    Attributes:
        clock: `virtual` (discrete events) or `real`.
        variant: file of the variant under test; without one nothing is known of what is fitted.
        timeout: bench time that a case may take unless it says otherwise.
        watchdog: wall time after which a case that does not end is killed.
        allowed_lateness: how late the restbus may send before checks become inconclusive; one cycle of the message
            where it isn't given.
        allowed_lag: how late the bench may read a frame before checks that need it become inconclusive.
        boot_ahead: whether `hil run` boots a virtual bench once and forks it for each case, in a process of its own
            (Linux). False: all cases of a runner share its process, and what a suite keeps there.
        listen: how long a bench on a real clock listens before it sends anything, lest it speak over somebody else.
    """

    name: Name
    clock: Literal["virtual", "real"]
    description: str = ""
    variant: str = ""
    timeout: Seconds = Field(120.0, gt=0)
    watchdog: Seconds = Field(300.0, gt=0)
    allowed_lateness: Seconds | None = None
    allowed_lag: Seconds = Field(0.05, gt=0)
    boot_ahead: bool = True
    listen: Seconds = Field(0.2, ge=0)


class BusSection(PortSection):
    """`[bus.NAME]`.

    Attributes:
        port: what drives it.
        database: its network.
        bitrate: bit/s.
        data_bitrate: bit/s of the data phase; without it the bus is classic CAN.
        restbus: whether the bench plays nodes on it.
        real_nodes: nodes that are really there, so that the restbus doesn't play them.
        play: of the messages that it could play only these (`"BCM_*"`); all if empty.
        attributes: which attribute of a customer's database says what: `cycle_time = "MsgCycle"`.
        words: what the words of such an attribute mean: `send_type = { FP = "Cyclic" }`.
        start_values: whether start values in the database are `raw` or `physical` numbers.
        tolerant: whether a sloppy database is mended, with a list of what was, or refused.
        encoding: of the database, where it can't be guessed.
        cluster: the bus that is meant, of a database that has several (ARXML, KCD).
    """

    port: str
    database: Annotated[Path, Field(strict=False)]
    bitrate: int = Field(500_000, gt=0)
    data_bitrate: int | None = Field(None, gt=0)
    restbus: bool = True
    real_nodes: list[str] = []
    play: list[str] = []
    attributes: dict[str, str] = {}
    words: dict[str, dict[str, str]] = {}
    start_values: Literal["raw", "physical"] = "raw"
    tolerant: bool = True
    encoding: str = ""
    cluster: str = ""


class ScreenSection(PortSection):
    """`[screen.NAME]`: where its frames come from and the layout that says what is where, with its overlays."""

    source: str
    layout: Annotated[Path, Field(strict=False)]
    overlays: list[str] = []


class ConsoleSection(PortSection):
    """`[console.NAME]`: `answers_to` is a line that is always answered, to tell a dead line from a silent ECU."""

    port: str
    answers_to: str = ""


class TouchSection(PortSection):
    """`[touch.NAME]`: a finger on a screen."""

    port: str
    screen: str


class KeysSection(PortSection):
    """`[keys.NAME]`: hard keys."""

    port: str


class AudioSection(PortSection):
    """`[audio.NAME]`: an ear, and the table of the chimes that it knows."""

    port: str
    chimes: Annotated[Path | None, Field(strict=False)] = None


class SupplySection(PortSection):
    """`[supply.NAME]`: the limits are enforced by the port and set as the supply's own protection."""

    port: str
    voltage_V: float = Field(13.5, ge=0, allow_inf_nan=False)
    max_voltage_V: float = Field(gt=0, allow_inf_nan=False)
    max_current_A: float = Field(gt=0, allow_inf_nan=False)


class MqttSection(PortSection):
    """`[mqtt.NAME]`: a broker, and what the bench listens to there."""

    port: str
    watch: list[str] = ["cockpit/#"]


class UpdateSection(PortSection):
    """`[update.NAME]`: the update backend.

    Attributes:
        port: its artefact server.
        mqtt: the broker that campaigns go over.
        device: serial number of the device that is updated.
        first_campaign: number of the first campaign; a device that remembers wants it to rise from run to run.
    """

    port: str
    mqtt: str
    device: str = "VC000001"
    first_campaign: int = Field(1, ge=1, lt=0xFFFFFF)


class StorageSection(PortSection):
    """`[storage.NAME]`: a way to read the device's flash."""

    port: str


class EcuSection(Section):
    """`[ecu.NAME]`: `virtual` lives in the bench's own process, on its wires; `real` is only named here.

    Attributes:
        bus: the bus that a virtual ECU sits on, or a list of them.
        screen: the screen that it draws on, or a list of them; `cluster` and `centre` are those screens, and one alone
            is the cluster.
        console: its serial console.
        supply: what powers it.
        mqtt: the broker that it connects to.
        update: the artefact server that it fetches updates from.
        storage: the probe on its flash.
        touch: the touch panel of its centre screen.
        keys: its hard keys.
        audio: the ear at its loudspeaker.
        defects: named defects switched on in a virtual ECU.
    """

    kind: Literal["virtual", "real"]
    bus: str | list[str] = []
    screen: str | list[str] = ""
    console: str = ""
    supply: str = ""
    mqtt: str = ""
    update: str = ""
    storage: str = ""
    touch: str = ""
    keys: str = ""
    audio: str = ""
    defects: list[str] = []

    @property
    def buses(self) -> list[str]:
        """The buses that it sits on."""
        return [self.bus] if isinstance(self.bus, str) else self.bus

    @property
    def screens(self) -> dict[str, str]:
        """The screens that it draws on: `cluster`, `centre` -> name in the bench file."""
        names = [self.screen] if isinstance(self.screen, str) else self.screen
        return {"cluster": names[0]} if len(names) == 1 else {name: name for name in names}


class ProcessSection(Section):
    """`[process.NAME]`: a program that the bench starts before it opens its ports and stops at its end.

    It announces itself by one line of JSON on its standard output, `{"console": "/dev/pts/4", ...}`; the ports' options
    use what it said as `{NAME.console}`. `{python}` is the interpreter that runs the bench, `{bench}` the folder of the
    bench file, `{defects}` the defects switched on (left out where there are none).
    """

    command: list[str] = Field(min_length=1)
    ready_within: Seconds = Field(30.0, gt=0)


class ProbeSection(Section):
    """A probe: a signal that must have a value, or a line that must appear on a console."""

    signal: str = ""
    value: str = ""
    console: str = ""
    line: Expression = ""
    within: Seconds = 10.0


MonitorLevel = Literal["fault", "fail", "warn", "off"]


class MonitorLevels(Section):
    """What findings of the monitors are worth; where nothing is given the default holds."""

    cycle: MonitorLevel | None = None
    dlc: MonitorLevel | None = None
    e2e: MonitorLevel | None = None
    undefined: MonitorLevel | None = None
    error_frames: MonitorLevel | None = None
    foreign: MonitorLevel | None = None
    tolerance: str = ""

    @property
    def levels(self) -> dict[str, str]:
        """Kind -> level, where one was given."""
        kinds = ("cycle", "dlc", "e2e", "undefined", "error_frames", "foreign")
        return {kind: level for kind in kinds if (level := getattr(self, kind)) is not None}


class MonitorRuleSection(MonitorLevels):
    """`[[monitors.rule]]`: what is different for some messages; of several that fit the last counts."""

    messages: list[str] = Field(min_length=1)


class MonitorsSection(MonitorLevels):
    """`[monitors]`: what runs beside every case and watches what the real nodes send.

    Attributes:
        tolerance: by how much a cycle may be off: `"10 %"`, `"5 ms"`, `"10 % + 5 ms"`; the bench's own measured
            jitter comes on top.
        grace: after power, ignition, wake-up: within it the first frame of each message must come.
        allow: identifiers that may be on a bus though no database has them: `"0x7A0"`, `"body::0x700-0x7FF"`.
        rule: what is different for some messages.
    """

    tolerance: str = "10 %"
    grace: Seconds = Field(default=5.0, ge=0)
    allow: list[str] = []
    rule: list[MonitorRuleSection] = []


ResetStep = Literal[
    "start values", "default session", "clear DTCs", "restore profile", "restore factory state", "KL15 cycle",
    "KL30 cycle",
]  # fmt: skip


class FactorySection(Section):
    """`factory = {...}`: a line for the ECU's console, and a pattern of its answer."""

    line: str = Field(min_length=1)
    answer: Expression = Field(min_length=1)
    within: Seconds = Field(1.0, gt=0)


class ResetSection(Section):
    """`[reset]`: steps tried in this order until the probe passes; each test starts from there.

    `restore factory state` comes before all others and makes the ECU as new. `default session` and `clear DTCs` are
    done by diagnosis, after each of the others whose probe passed; where they fail the next of the others is tried.
    `restore profile` comes with them.

    Attributes:
        profile: lines for the ECU's console that bring its settings back, for `restore profile`.
        factory: how its console makes the ECU as new, for `restore factory state`; it starts so at the next power-up.
        relay: the contact that KL30 goes over, where one does; with a supply beside it, both are switched.
    """

    steps: list[ResetStep] = ["KL30 cycle"]
    profile: list[str] = []
    factory: FactorySection | None = None
    off_time: Seconds = 1.0
    probe: ProbeSection | None = None
    relay: str = ""
    asleep_below_A: float = Field(default=0.01, gt=0, allow_inf_nan=False)
    asleep_within: Seconds = 30.0


class DutSection(Section):
    """`[dut]`: what is under test; its versions are read from a console (patterns of one group) or by diagnosis."""

    kind: Literal["virtual", "real"] = "real"
    name: str = ""
    console: str = ""
    part: FactPattern = ""
    serial: FactPattern = ""
    hardware: FactPattern = ""
    software: FactPattern = ""
    diag: str = ""
    identifiers: dict[Fact, str] = {}

    def patterns(self) -> dict[str, re.Pattern[str]]:
        """Fact -> regular expression with one group, where one was given."""
        facts = {name: getattr(self, name) for name in ("part", "serial", "hardware", "software")}
        return {name: re.compile(pattern) for name, pattern in facts.items() if pattern}


class BenchConfig(Section):
    """A whole bench file."""

    bench: BenchSection
    bus: dict[str, BusSection] = {}
    screen: dict[str, ScreenSection] = {}
    touch: dict[str, TouchSection] = {}
    keys: dict[str, KeysSection] = {}
    audio: dict[str, AudioSection] = {}
    console: dict[str, ConsoleSection] = {}
    supply: dict[str, SupplySection] = {}
    mqtt: dict[str, MqttSection] = {}
    update: dict[str, UpdateSection] = {}
    storage: dict[str, StorageSection] = {}
    relay: dict[str, RelaySection] = {}
    ecu: dict[str, EcuSection] = {}
    process: dict[str, ProcessSection] = {}
    ignition: IgnitionSection | None = None
    reset: ResetSection = ResetSection()
    monitors: MonitorsSection = MonitorsSection()
    dut: DutSection = DutSection()
    diag: dict[str, DiagSection] = {}
    _path: Path = PrivateAttr(default=Path())
    _variant: Variant | None = PrivateAttr(default=None)

    @property
    def path(self) -> Path:
        """The file itself."""
        return self._path

    @property
    def folder(self) -> Path:
        """The folder that the file's paths are relative to."""
        return self.path.parent

    @property
    def variant(self) -> Variant | None:
        """The variant under test, where the bench names one."""
        return self._variant

    def locate(self, path: Path | str) -> Path:
        """A path of the bench file, as the process sees it."""
        return self.folder / self.fill_variant(str(path))

    def fill_variant(self, text: str) -> str:
        """A text of the bench file with `{variant}` and `{variant_file}` filled in."""
        if self._variant is None:
            return text
        file = str(self._variant.path.resolve())
        return text.replace(VARIANT_FILE, file).replace(VARIANT, self._variant.name)

    @property
    def is_virtual(self) -> bool:
        """Whether time is virtual."""
        return self.bench.clock == "virtual"


DEFAULT_BENCH: Final = Path("fixtures/benches/virtual.toml")


@lines_named()
def load(path: Path, variant: str = "") -> BenchConfig:
    """Read and check a bench file.

    Args:
        path: the file.
        variant: the variant to take in the place of the one that the file names: a file, or the name of one beside it.

    Raises:
        UsageError: it is missing, is no TOML, or a key or value is wrong.
    """
    table = read_toml(path, "bench file", lambda: _benches_near(path))
    refuse_plain(table, str(path))
    try:
        config = BenchConfig.model_validate(table)
    except ValidationError as error:
        raise explain(error, str(path), BenchConfig) from None
    config._path = path
    config._variant = _variant(config, variant)
    _check_references(config)
    return config


def _variant(config: BenchConfig, chosen: str) -> Variant | None:
    own = config.folder / config.bench.variant if config.bench.variant else None
    if chosen:
        found = variants.load(variants.find(chosen, beside=own, where=str(config.path)))
    elif own is not None:
        found = variants.load(own, named_by=f"{config.path}: bench.variant")
    else:
        return None
    for bus in found.overlays:
        if bus not in config.bus:
            mend = f"this bench has {', '.join(config.bus) or 'none'}."
            raise UsageError(f"overlays.{bus}: the bench has no bus '{bus}'", where=str(found.path), remedy=mend)
    return found


def _benches_near(path: Path) -> str:
    found = [toml for toml in sorted(path.parent.glob("*.toml")) if "[bench]" in toml.read_text(errors="replace")]
    found = found or sorted(DEFAULT_BENCH.parent.glob("*.toml"))
    return f"found here: {', '.join(str(bench) for bench in found)}." if found else "give --bench FILE."


# What names something else --------------------------------------------------------------------------------------------


def _check_references(config: BenchConfig) -> None:
    for name, ecu in config.ecu.items():
        _check_ecu(config, name, ecu)
    for name, bus in config.bus.items():
        _check_file(config, f"bus.{name}.database", bus.database)
    for name, screen in config.screen.items():
        _check_file(config, f"screen.{name}.layout", screen.layout)
    _check_inputs(config)
    for name, supply in config.supply.items():
        if supply.voltage_V > supply.max_voltage_V:
            what = f"supply.{name}.voltage_V: {supply.voltage_V:g} V is beyond max_voltage_V"
            raise _refusal(config, what, f"that is {supply.max_voltage_V:g} V; correct one of the two.")
    for name, update in config.update.items():
        _check_name(config, f"update.{name}.mqtt", "mqtt", update.mqtt)
    check_relays(config.relay, config.ignition, config.reset.relay, str(config.path))
    _check_probe(config)
    _check_dut(config)


def _check_inputs(config: BenchConfig) -> None:
    for name, touch in config.touch.items():
        _check_name(config, f"touch.{name}.screen", "screen", touch.screen)
    for name, audio in config.audio.items():
        if audio.chimes is not None:
            _check_file(config, f"audio.{name}.chimes", audio.chimes)


def _refusal(config: BenchConfig, what: str, remedy: str) -> UsageError:
    return UsageError(what, where=str(config.path), remedy=remedy)


_OPTIONAL_PARTS: Final = ("touch", "keys", "audio", "mqtt", "update", "storage")
"""What a virtual ECU may lack."""


def _check_ecu(config: BenchConfig, name: str, ecu: EcuSection) -> None:
    for kind in ("bus", "screen", "console", "supply", *_OPTIONAL_PARTS):
        given = getattr(ecu, kind)
        targets = [given] if isinstance(given, str) else given
        for target in filter(None, targets):
            _check_name(config, f"ecu.{name}.{kind}", kind, target)
        if not any(targets) and ecu.kind == "virtual" and kind not in _OPTIONAL_PARTS:
            raise _refusal(config, f"ecu.{name}.{kind}: is needed by a virtual ECU", _there_is(config, kind))
    if len(ecu.screens) > 1 and set(ecu.screens) != {"cluster", "centre"}:
        what = f"ecu.{name}.screen: {', '.join(ecu.screens)} don't say which is which"
        raise _refusal(config, what, "call the two screens 'cluster' and 'centre'.")


def _check_name(config: BenchConfig, key: str, kind: str, target: str) -> None:
    if target not in getattr(config, kind):
        raise _refusal(config, f"{key}: '{target}' is no {kind} of this bench", _there_is(config, kind))


def _there_is(config: BenchConfig, kind: str) -> str:
    return f"there is: {', '.join(getattr(config, kind)) or 'none'}."


def _check_file(config: BenchConfig, key: str, path: Path) -> None:
    located = config.fill_variant(str(path))
    if VARIANT in located:
        mend = "name one with the key variant of [bench], or --variant."
        raise _refusal(config, f"{key}: '{path}' needs a variant, and there is none", mend)
    if not config.locate(path).is_file():
        raise _refusal(config, f"{key}: there is no file '{located}'", "paths are relative to the bench file.")


def _check_probe(config: BenchConfig) -> None:
    """A probe looks for a signal's value or for a line on a console."""
    probe = config.reset.probe
    if probe is None:
        return
    by_signal = bool(probe.signal or probe.value)
    if by_signal == bool(probe.console or probe.line):
        what = "reset.probe: it needs either a signal with its value or a line on a console"
        raise _refusal(config, what, "give the keys of one of the two.")
    for key in ("signal", "value") if by_signal else ("line",):
        if not getattr(probe, key):
            raise _refusal(config, f"the key 'reset.probe.{key}' is missing", "add it.")
    if probe.console:
        _check_name(config, "reset.probe.console", "console", probe.console)
    elif probe.line and not config.console:
        raise _refusal(config, "reset.probe.line: this bench has no console", "add one, or probe a signal.")


def _check_dut(config: BenchConfig) -> None:
    """The console that facts are read from must be there, or they would silently never be read."""
    if config.dut.console:
        _check_name(config, "dut.console", "console", config.dut.console)
    elif config.dut.patterns():
        fact = next(iter(config.dut.patterns()))
        raise _refusal(config, f"dut.{fact}: it needs a console to be read from", "add dut.console.")
