"""The centre screen of the virtual ECU, driven over its wires: frames in, touches in, frames out, pictures out."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from hil.can import database
from hil.can.database import Network
from hil.can.e2e import E2e
from hil.can.wire import SimWire
from hil.clock import NS_PER_S, VirtualClock
from hil.ecu.app import Wires
from hil.ecu.centre_places import places
from hil.ecu.centre_state import CentreState
from hil.ecu.cluster_state import Screen
from hil.ecu.cockpit import CockpitEcu
from hil.ecu.defects_centre import CENTRE_DEFECTS
from hil.ecu.variant import FEATURES, EcuVariant
from hil.files import read_text
from hil.hmi.frames import Display
from hil.hmi.touch import KeyEvent, KeyPad, TouchEvent, TouchPanel
from hil.serial.line import PowerLine, pipe

DBC = Path(__file__).parents[2] / "dbc"
VSYNC_NS = NS_PER_S // 60
BRIO = EcuVariant("brio", "brio", FEATURES - {"navigation", "voice", "air_suspension"})


BUSES = ("chassis", "body")


@lru_cache(maxsize=1)
def _network() -> Network:
    paths = {bus: DBC / f"{bus}.dbc" for bus in BUSES}
    return Network({bus: database.load(read_text(path), path.suffix, str(path)) for bus, path in paths.items()})


class Car:
    """An ECU on its wires and a car around it that says what the test wants."""

    def __init__(self, *defects: str, variant: EcuVariant | None = None) -> None:
        self.clock = VirtualClock()
        self.network = _network()
        self.wires = {bus: SimWire(self.clock, bus, 500_000, 2_000_000) for bus in BUSES}
        self.ports = {bus: wire.port("bench") for bus, wire in self.wires.items()}
        self.sent: dict[str, list[dict[str, Any]]] = {}
        self.touch, self.keys = TouchPanel("centre", (1280, 800)), KeyPad()
        self.line = PowerLine()
        self.displays = {
            name: Display(name, size, VSYNC_NS) for name, size in (("cluster", (1280, 480)), ("centre", (1280, 800)))
        }
        ends = pipe(self.clock, "console")
        wires = Wires(
            power=self.line,
            can={bus: wire.port("ecu") for bus, wire in self.wires.items()},
            console=ends[1],
            displays=self.displays,
            touch=self.touch,
            keys=self.keys,
        )
        self.ecu = CockpitEcu(self.clock, wires, self.network, random.Random(1), defects, variant=variant)
        self.values: dict[str, dict[str, int]] = {}
        self.counts: dict[str, int] = {}
        self.brand = variant.brand if variant else "alta"
        self.features = tuple(sorted((variant or EcuVariant()).features))

    async def open(self) -> None:
        for bus, port in self.ports.items():
            await port.open(lambda frame, bus=bus: self._on_frame(bus, frame), lambda error: None)
        await self.ecu.start()

    def _on_frame(self, bus: str, frame: Any) -> None:
        for known_bus, message in self.network.messages():
            if known_bus == bus and message.frame_id == frame[2] and message.senders == ["COCKPIT"]:
                self.sent.setdefault(message.name, []).append(database.decode(message, frame[3]))

    def say(self, message: str, **raw: int) -> None:
        """One frame with these raw values, the others as at the start."""
        bus, known = next((b, m) for b, m in self.network.messages() if m.name == message)
        values = self.values.setdefault(message, dict(self.network.start_values(bus, known)))
        values.update(raw)
        data = database.encode(known, values)
        traits = self.network.traits(bus, known)
        if traits.e2e:
            self.counts[message] = self.counts.get(message, -1) + 1
            data = E2e(traits.e2e).protect(bytes(data), self.counts[message])
        self.ports[bus].send(known.frame_id, bytes(data), traits.flags)

    def run(self, seconds: float) -> None:
        """Time passes; what has a cycle of the car's goes on."""
        end = self.clock.now_ns + round(seconds * NS_PER_S)
        while self.clock.now_ns < end:
            for message in list(self.values):
                if message not in ONCE:
                    self.say(message)
            self.clock.run(_sleep(self.clock, min(0.05, (end - self.clock.now_ns) / NS_PER_S)))

    @property
    def state(self) -> CentreState:
        token = self.displays["centre"].frame.token
        return token if isinstance(token, CentreState) else CentreState(screen=Screen.OFF)

    def tap(self, name: str, hold_s: float = 0.1) -> None:
        place = places(self.brand, self.state.view, self.features)
        self.tap_at(*(place[name].middle), hold_s=hold_s)

    def tap_at(self, x: int, y: int, hold_s: float = 0.1) -> None:
        self.touch.touch(TouchEvent(self.clock.now_ns, "down", x, y))
        self.run(hold_s)
        self.touch.touch(TouchEvent(self.clock.now_ns, "up", x, y))
        self.run(0.1)

    def press(self, key: str) -> None:
        for pressed in (True, False):
            self.keys.press(KeyEvent(self.clock.now_ns, key, pressed))
            self.run(0.1)

    def asked(self, message: str, signal: str) -> list[int]:
        """Values of a signal that the ECU sent, without repetitions and without the value of rest."""
        values = [int(found[signal]) for found in self.sent.get(message, [])]
        return [v for i, v in enumerate(values) if i == 0 or v != values[i - 1]]


ONCE = {"NAV_RoadName", "MEDIA_Text", "MEDIA_Caller", "SWS_Scroll", "RVC_GuideLines", "PARK_Distances"}


async def _sleep(clock: VirtualClock, seconds: float) -> None:
    await clock.sleep(seconds)


@pytest.fixture
def make() -> Iterator[Any]:
    made: list[Car] = []

    def build(*defects: str, variant: EcuVariant | None = None) -> Car:
        car = Car(*defects, variant=variant)
        made.append(car)
        car.clock.run(car.open())
        car.line.set(13.5)
        for message in ("BCM_PowerMode", "TCM_Gear", "HVAC_Status", "MEDIA_Status", "MEDIA_Phone", "TCU_DateTime"):
            car.say(message)
        car.say("BCM_PowerMode", PowerMode=2)
        car.run(3.0)
        return car

    yield build
    for car in made:
        car.clock.close()


def text_pages(text: str) -> list[int]:
    """A text as raw pages of six characters, ended by a zero byte."""
    data = text.encode("latin-1") + b"\0"
    data += b"\0" * (-len(data) % 6)
    return [int.from_bytes(data[at : at + 6], "big") for at in range(0, len(data), 6)]


def say_title(car: Car, text: str) -> None:
    for page, raw in enumerate(text_pages(text)):
        car.say("MEDIA_Text", MediaTextKind=0, MediaTitlePage=page, **{f"MediaTitle{page + 1}": raw})
    car.run(0.05)


def say_road(car: Car, text: str, of: int = 1) -> None:
    pages = text_pages(text)
    for page, raw in enumerate(pages):
        car.say(
            "NAV_RoadName", RoadNamePage=page, RoadNameOf=of, RoadNamePages=len(pages), **{f"RoadName{page + 1}": raw}
        )
    car.run(0.05)


def guide(car: Car, **raw: int) -> None:
    car.say("NAV_Guidance", GuidanceState=2, Manoeuvre=5, ManoeuvreDistance=350, **raw)
    car.say("NAV_Route", RouteDistance=124, RouteTime=17, ArrivalHour=11, ArrivalMinute=47)


def stream(car: Car) -> None:
    car.say("RVC_Status", CameraState=2)
    car.say("PARK_State", ParkAidState=2)


# ---- what must hold; each is also run with the defects that break it


def camera_comes_in_time(car: Car) -> None:
    stream(car)
    car.say("TCM_Gear", Gear=1)
    car.run(2.0)
    assert car.state.view == "camera"
    assert car.state.body.fault == ""


def camera_goes(car: Car) -> None:
    stream(car)
    car.tap("dock_media")
    car.say("TCM_Gear", Gear=1)
    car.run(1.0)
    car.say("TCM_Gear", Gear=3)
    car.run(0.5)
    assert car.state.view == "media"


def camera_begins_with_default(car: Car) -> None:
    car.say("TCM_Gear", Gear=1)
    car.run(0.5)
    assert 2 in car.asked("CLU_BodyCommand", "CameraRequest")


def camera_is_not_black(car: Car) -> None:
    camera_comes_in_time(car)


def camera_moves(car: Car) -> None:
    stream(car)
    car.say("TCM_Gear", Gear=1)
    seen = set()
    for count in range(3):
        car.say("RVC_Status", CameraFrameCounter=10 * count)
        car.run(0.3)
        seen.add(car.state.body.counter)
    assert seen == {0, 10, 20}


def ecall_does_not_cover_camera(car: Car) -> None:
    stream(car)
    car.say("TCM_Gear", Gear=1)
    car.say("TCU_ECall", ECallState=4, ECallTrigger=2)
    car.run(0.5)
    assert car.state.view == "camera"
    assert car.state.status.alert == "ecall"
    car.say("TCM_Gear", Gear=0)
    car.run(0.5)
    assert car.state.view == "ecall"


def call_does_not_cover_camera(car: Car) -> None:
    stream(car)
    car.say("TCM_Gear", Gear=1)
    car.say("MEDIA_Phone", PhoneState=2)
    car.run(0.5)
    assert (car.state.view, car.state.popup) == ("camera", None)


def camera_fault_is_told(car: Car) -> None:
    car.say("RVC_Status", CameraState=3)
    car.say("TCM_Gear", Gear=1)
    car.run(0.5)
    assert car.state.body.fault == "camera_fault"


def touch_hits(car: Car) -> None:
    car.tap("dock_climate")
    assert car.state.view == "climate"


def feedback_is_quick(car: Car) -> None:
    x, y = places(car.brand, "home", car.features)["tile_media"].middle
    car.touch.touch(TouchEvent(car.clock.now_ns, "down", x, y))
    car.run(0.05)
    assert car.state.pressed == "tile_media"


def touch_works_after_wake(car: Car) -> None:
    car.say("BCM_PowerMode", PowerMode=0)
    car.run(0.3)
    kept = dict(car.values)
    car.values.clear()
    car.run(8.0)
    assert car.state.screen is Screen.OFF
    car.values.update(kept)
    car.say("BCM_PowerMode", PowerMode=2)
    car.run(3.0)
    car.tap("tile_climate")
    assert car.state.view == "climate"


def a_key_is_one_command(car: Car) -> None:
    car.press("volume_up")
    car.run(0.5)
    assert car.asked("CLU_MediaCommand", "MediaCommand").count(9) == 1


def left_is_left(car: Car) -> None:
    car.tap("dock_climate")
    car.tap("left_plus")
    assert 16 in car.asked("CLU_ClimateRequest", "SetTemperatureLeftRequest")
    assert car.state.body.left == "21.5"  # the car hasn't answered
    car.say("HVAC_Status", SetTemperatureLeft=16)
    car.run(0.1)
    assert car.state.body.left == "22.0"


def fahrenheit_is_only_shown(car: Car) -> None:
    car.tap("dock_settings")
    car.tap("unit_fahrenheit")
    car.tap("dock_climate")
    assert car.state.body.left == "71"
    car.tap("left_plus")
    assert 16 in car.asked("CLU_ClimateRequest", "SetTemperatureLeftRequest")


def profile_switches_all(car: Car) -> None:
    car.say("BCM_DriverId", DriverProfile=1, DriverRecognisedBy=1)
    car.run(0.5)
    car.say("BCM_DriverId", DriverProfile=3)
    car.run(0.8)
    assert car.state.language == "fr"
    assert "°F" in (car.state.status.outside or "°F")
    car.tap("dock_settings")
    body = car.state.body
    assert (body.language, body.miles, body.fahrenheit, body.hours12) == ("fr", True, True, True)
    assert 18 in car.asked("CLU_ClimateRequest", "SetTemperatureLeftRequest")
    assert car.asked("CLU_Profile", "ProfileActive")[-1] == 3


def language_is_everywhere(car: Car) -> None:
    car.tap("dock_settings")
    car.tap("language_de")
    for name in ("home", "climate", "media", "phone"):
        car.tap(f"dock_{name}")
        assert (car.state.view, car.state.language) == (name, "de")


def call_can_be_accepted(car: Car) -> None:
    car.say("MEDIA_Phone", PhoneState=2)
    for page, raw in enumerate(text_pages("Jürgen Groß")):
        car.say("MEDIA_Caller", CallerPage=page, CallerPages=2, **{f"CallerName{page + 1}": raw})
    car.run(0.3)
    assert car.state.popup is not None
    assert car.state.popup.text == "Jürgen Groß"
    car.tap("popup_yes")
    assert 1 in car.asked("CLU_PhoneCommand", "PhoneCommand")
    assert car.state.popup is not None  # until the telephone says so
    car.say("MEDIA_Phone", PhoneState=4)
    car.run(0.3)
    assert car.state.popup is None


def call_can_be_declined(car: Car) -> None:
    car.say("MEDIA_Phone", PhoneState=2)
    car.run(0.3)
    car.tap("popup_no")
    assert 3 in car.asked("CLU_PhoneCommand", "PhoneCommand")


def title_is_whole(car: Car) -> None:
    car.say("MEDIA_Status", AudioSource=4)
    car.tap("dock_media")
    say_title(car, "Für Elise in a-Moll")
    assert car.state.body.title == "Für Elise in a-Moll"
    say_title(car, "Für Elise")  # the same first page
    assert car.state.body.title == "Für Elise"


def next_is_next(car: Car) -> None:
    car.tap("dock_media")
    car.tap("next")
    assert 3 in car.asked("CLU_MediaCommand", "MediaCommand")


def volume_follows(car: Car) -> None:
    car.say("MEDIA_Status", AudioVolume=20)
    car.run(0.3)
    assert car.state.volume == 20
    car.run(2.5)
    assert car.state.volume is None


def road_follows(car: Car) -> None:
    guide(car)
    car.tap("dock_navigation")
    for road in ("Leopoldstraße", "Am Hof"):
        say_road(car, road)
        assert car.state.body.road == road


def guidance_is_in_miles(car: Car) -> None:
    guide(car)
    car.tap("dock_settings")
    car.tap("unit_mi")
    car.tap("dock_navigation")
    assert (car.state.body.distance, car.state.body.remaining) == ("380 yd", "7.7 mi")
    assert car.state.body.arrival == "11:47"


def heard_is_of_this_time(car: Car) -> None:
    car.say("MEDIA_Voice", VoiceState=1, VoiceCommand=6)
    car.run(0.3)
    assert (car.state.view, car.state.body.command) == ("voice", "")
    car.say("MEDIA_Voice", VoiceState=3)
    car.run(0.6)
    assert car.state.body.command == "Warmer"


def language_can_be_set(car: Car) -> None:
    car.tap("dock_settings")
    car.tap("language_es")
    assert (car.state.language, car.state.body.language) == ("es", "es")
    assert 3 in car.asked("CLU_Settings", "Language")


CASES: dict[str, Callable[[Car], None]] = {
    "camera_late": camera_comes_in_time,
    "camera_stays": camera_goes,
    "camera_view_kept": camera_begins_with_default,
    "camera_black": camera_is_not_black,
    "camera_frozen": camera_moves,
    "camera_covered_by_ecall": ecall_does_not_cover_camera,
    "camera_covered_by_call": call_does_not_cover_camera,
    "camera_fault_hidden": camera_fault_is_told,
    "touch_offset": touch_hits,
    "touch_feedback_slow": feedback_is_quick,
    "touch_dead_after_wake": touch_works_after_wake,
    "key_bounces": a_key_is_one_command,
    "climate_wrong_zone": left_is_left,
    "climate_wrong_unit": fahrenheit_is_only_shown,
    "profile_half_loaded": profile_switches_all,
    "language_half_translated": language_is_everywhere,
    "phone_popup_missing": call_can_be_accepted,
    "phone_decline_accepts": call_can_be_declined,
    "media_title_cut": title_is_whole,
    "media_next_goes_back": next_is_next,
    "media_volume_stands": volume_follows,
    "nav_road_kept": road_follows,
    "nav_units_ignored": guidance_is_in_miles,
    "voice_heard_stays": heard_is_of_this_time,
    "settings_language_dead": language_can_be_set,
}


@pytest.mark.parametrize("defect", CASES)
def test_it_holds_and_its_defect_breaks_it(make: Any, defect: str) -> None:
    CASES[defect](make())
    with pytest.raises(AssertionError):
        CASES[defect](make(defect))


def test_every_defect_has_a_case() -> None:
    assert sorted(CASES) == sorted(name for name, _, _ in CENTRE_DEFECTS)


def test_home_comes_after_the_boot(make: Any) -> None:
    car = make()
    assert (car.state.screen, car.state.view, car.state.brand) == (Screen.ON, "home", "alta")
    assert car.state.status.clock == "11:30"
    assert car.asked("CLU_Hmi", "CentreScreenView") == [0, 1, 2]


def test_brio_has_no_navigation_and_no_voice(make: Any) -> None:
    car = make(variant=BRIO)
    assert [tile[0] for tile in car.state.body.tiles] == ["media", "climate", "phone", "profiles", "camera", "update"]
    car.press("voice")
    assert car.state.view == "home"
    car.tap("tile_phone")
    assert car.state.view == "phone"


def test_what_is_lost_is_not_shown(make: Any) -> None:
    car = make()
    car.tap("dock_climate")
    assert car.state.body.left == "21.5"
    del car.values["HVAC_Status"]
    car.run(3.0)
    assert (car.state.body.left, car.state.body.fan) == (None, None)


def test_two_quick_taps_are_two_steps(make: Any) -> None:
    car = make()
    car.tap("dock_climate")
    car.tap("left_plus", hold_s=0.05)
    car.tap("left_plus", hold_s=0.05)
    car.run(0.5)
    assert car.asked("CLU_ClimateRequest", "SetTemperatureLeftRequest") == [16, 63, 17, 63]


def test_a_finger_that_slides_off_does_nothing(make: Any) -> None:
    car = make()
    rect = places("alta", "home", car.features)["tile_climate"]
    for action, x in (("down", rect.middle[0]), ("move", rect.x - 200), ("up", rect.x - 200)):
        car.touch.touch(TouchEvent(car.clock.now_ns, action, x, rect.middle[1]))
        car.run(0.1)
    assert (car.state.view, car.state.pressed) == ("home", "")


def test_the_volume_slider_is_dragged(make: Any) -> None:
    car = make()
    car.tap("dock_media")
    rect = places("alta", "media", car.features)["volume_slider"]
    for action, part in (("down", 0.1), ("move", 0.5), ("move", 0.8), ("up", 0.8)):
        car.touch.touch(TouchEvent(car.clock.now_ns, action, rect.x + round(part * (rect.w - 1)), rect.middle[1]))
        car.run(0.05)
    car.run(0.6)
    asked = [raw for raw in car.asked("CLU_MediaCommand", "AudioVolumeRequest") if raw != 63]
    assert asked[0] == 5
    assert asked[-1] == 40


def test_the_wheel_moves_a_frame_and_operates(make: Any) -> None:
    car = make()
    for signal in ("ButtonDown", "ButtonDown", "ButtonOk"):
        car.say("SWS_Buttons", **{signal: 1})
        car.run(0.2)
        car.say("SWS_Buttons", **{signal: 0})
        car.run(0.2)
    assert car.state.view == "media"  # the second tile


def test_touch_is_told_on_the_bus(make: Any) -> None:
    car = make()
    car.tap_at(123, 456)
    assert (123, 456) in [(int(f["TouchX"]), int(f["TouchY"])) for f in car.sent["CLU_Hmi"]]
    assert int(car.sent["CLU_Hmi"][-1]["TouchX"]) == 4095


def test_the_driver_cannot_leave_the_rear_picture(make: Any) -> None:
    car = make()
    stream(car)
    car.say("TCM_Gear", Gear=1)
    car.run(0.3)
    car.press("home")
    assert car.state.view == "camera"


def test_a_profile_keeps_what_its_driver_set(make: Any) -> None:
    car = make()
    for number in (1, 2):
        car.say("BCM_DriverId", DriverProfile=number)
        car.run(0.6)
    car.tap("dock_settings")
    car.tap("language_es")
    for number in (1, 2):
        car.say("BCM_DriverId", DriverProfile=number)
        car.run(0.6)
    assert car.state.language == "es"


def test_nothing_is_worked_out_while_nothing_changes(make: Any) -> None:
    car = make()
    car.run(0.5)
    before = car.displays["centre"].frame
    car.run(2.0)
    assert car.displays["centre"].frame is before
