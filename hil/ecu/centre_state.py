"""All that can be seen of the centre screen, as one value: what the ECU's logic hands to the picture. Pure.

Rules of this module: a state is hashable and holds only what can be seen, so equal states share one raster. Numbers
that depend on the driver's units are texts here; words that the ECU has in four languages are not, the picture looks
them up. None is what isn't available: it is shown as dashes.

Not for: what a touch or a signal does. That is `hil.ecu.centre` and what it uses.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field
from typing import Final

from hil.ecu.cluster_state import BRANDS, LANGUAGES, Screen
from hil.errors import UsageError

SIZE: Final = (1280, 800)
VIEWS: Final = (
    "home", "navigation", "climate", "media", "phone", "profiles", "settings", "camera", "voice", "update", "ecall",
)  # fmt: skip
DASHES: Final = "---"


@dataclass(frozen=True, slots=True)
class Status:
    """The status bar. `signal` is 0 to 5 bars; `alert` is a word of the text table shown in red, `call` a caller."""

    clock: str | None = None
    outside: str | None = None
    signal: int | None = None
    profile: int | None = None
    alert: str = ""
    call: str = ""


@dataclass(frozen=True, slots=True)
class HomeBody:
    """The tiles' live lines, by tile: (large, small). A tile that isn't in it isn't fitted."""

    tiles: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class NavigationBody:
    """Guidance. `status` is one of the labels of NAV_Guidance.GuidanceState or empty; `manoeuvre` one of its own."""

    status: str = ""
    manoeuvre: str = ""
    distance: str = DASHES
    road: str = ""
    destination: str = ""
    arrival: str = DASHES
    remaining: str = DASHES
    minutes: str = DASHES
    delay: str = ""
    zoom: int = 1
    voice_on: bool = True


@dataclass(frozen=True, slots=True)
class ClimateBody:
    """Climate, as HVAC_Status and the seats say. `on` holds the names of what is switched on."""

    left: str | None = None
    right: str | None = None
    unit: str = "°C"
    cabin: str | None = None
    fan: int | None = None
    air: int | None = None
    on: frozenset[str] = frozenset()
    seat_left: int | None = None
    seat_right: int | None = None
    fault: str = ""


@dataclass(frozen=True, slots=True)
class MediaBody:
    """Media. `source` is a label of MEDIA_Status.AudioSource in lower case, empty where nothing is known."""

    source: str = ""
    title: str = ""
    artist: str = ""
    station: str = ""
    frequency: str = ""
    playing: bool = False
    seconds: int | None = None
    duration: int | None = None
    volume: int | None = None
    muted: bool = False
    shuffle: bool = False
    repeat: int = 0


@dataclass(frozen=True, slots=True)
class PhoneBody:
    """Telephone. `status` is a label of MEDIA_Phone.PhoneState, empty where nothing is known."""

    status: str = ""
    caller: str = ""
    seconds: int | None = None
    battery: int | None = None
    signal: int | None = None
    muted: bool = False
    missed: int = 0


@dataclass(frozen=True, slots=True)
class ProfilesBody:
    """Profiles: the active one, how the driver was recognised (label of DriverRecognisedBy), one being loaded."""

    active: int | None = None
    recognised_by: str = ""
    loading: int | None = None
    details: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class SettingsBody:
    """Settings as they are in effect."""

    language: str = "en"
    miles: bool = False
    fahrenheit: bool = False
    hours12: bool = False
    day_night: int = 0
    brightness: int = 80
    chime: int = 3


@dataclass(frozen=True, slots=True)
class CameraBody:
    """Rear camera. `fault` is a word of the text table; with one the picture is dark.

    `radius` is the curvature of the guide lines in 1/m, None draws none; `distances` are the four at the rear, left to
    right, in m, None where nothing is near, negative where nothing is known.
    """

    fault: str = ""
    view: int = 0
    counter: int = 0
    radius: float | None = None
    distances: tuple[float | None, ...] = (None, None, None, None)
    soiled: bool = False
    muted: bool = False


@dataclass(frozen=True, slots=True)
class VoiceBody:
    """Speech. `status` is a label of MEDIA_Voice.VoiceState; `command` of VoiceCommand; `level` 0 to 10."""

    status: str = ""
    command: str = ""
    confidence: int | None = None
    level: int = 0


@dataclass(frozen=True, slots=True)
class UpdateBody:
    """Software update. `status` is a word of the text table; texts are as shown."""

    status: str = "update_none"
    installed: str = ""
    campaign: str = ""
    size: str = ""
    duration: str = ""
    progress: int | None = None
    result: str = ""
    may_consent: bool = False
    may_postpone: bool = False


@dataclass(frozen=True, slots=True)
class ECallBody:
    """Emergency call: label of TCU_ECall.ECallState, who triggered it, how long it lasts."""

    status: str = ""
    trigger: str = ""
    seconds: int | None = None


Body = (
    HomeBody | NavigationBody | ClimateBody | MediaBody | PhoneBody | ProfilesBody | SettingsBody | CameraBody
    | VoiceBody | UpdateBody | ECallBody
)  # fmt: skip
BODIES: Final[dict[str, type[Body]]] = dict(
    zip(
        VIEWS,
        (
            HomeBody, NavigationBody, ClimateBody, MediaBody, PhoneBody, ProfilesBody, SettingsBody, CameraBody,
            VoiceBody, UpdateBody, ECallBody,
        ),
        strict=True,
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PopUp:
    """A dialog over the view: `call`, `update` or `device`; with the caller's or the campaign's text."""

    kind: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class CentreState:
    """All that can be seen of the centre screen.

    Attributes:
        screen: dark, the boot splash, or a view; the rest counts only for a view.
        brand: one of `BRANDS`: the whole look.
        night: the dark theme.
        language: of the ECU's own words, one of `LANGUAGES`.
        features: what is fitted, sorted; decides about dock and tiles.
        view: one of `VIEWS`.
        body: what the view shows.
        status: the status bar.
        popup: the dialog; None shows none.
        pressed: name of the target under the finger, or empty.
        focus: name of the target that the steering wheel's buttons stand on, or empty.
        volume: shown for a while after it changed, 0 to 50; None shows nothing.
        dimming: backlight, 0.2 to 1, rounded to 0.05.
    """

    screen: Screen = Screen.ON
    brand: str = "alta"
    night: bool = False
    language: str = "en"
    features: tuple[str, ...] = ()
    view: str = "home"
    body: Body = field(default_factory=HomeBody)
    status: Status = field(default_factory=Status)
    popup: PopUp | None = None
    pressed: str = ""
    focus: str = ""
    volume: int | None = None
    dimming: float = 1.0

    def __post_init__(self) -> None:
        """Round to what can be seen; refuse what can't be drawn.

        Raises:
            UsageError: a brand, a language or a view that this screen doesn't have, or a body of another view.
        """
        _check("brand", self.brand, BRANDS)
        _check("language", self.language, LANGUAGES)
        _check("view", self.view, VIEWS)
        if not isinstance(self.body, BODIES[self.view]):
            raise UsageError(f"the view '{self.view}' can't show a {type(self.body).__name__}")
        object.__setattr__(self, "dimming", round(min(max(self.dimming, 0.2), 1.0) * 20) / 20)


def _check(what: str, word: str, known: Container[str]) -> None:
    if word not in known:
        words = ", ".join(known if isinstance(known, tuple) else ())
        raise UsageError(f"the centre screen has no {what} '{word}'", remedy=f"one of {words}.")
