"""Each defect of the cluster is seen from outside, and the ECU without it passes the same probe."""

from io import StringIO
from itertools import pairwise

import pytest
from cockpit_lab import CockpitLab
from defect_probes import PROBES, probe
from rich.console import Console

from hil.bench.reset import Start
from hil.cli.ecu import defects_table
from hil.ecu.defects import CATALOGUE
from hil.errors import EcuError

# Telltales ------------------------------------------------------------------------------------------------------------


@probe("high_beam_dark", "high_beam_late")
def main_beam(lab):
    lab.set(HighBeam="On", then=0.2)
    assert "high_beam" in lab.lit


@probe("bulb_check_skipped")
def bulb_check(lab):
    lab.ignition_cycle(then=1.0)
    assert {"brake", "airbag", "oil", "abs"} <= set(lab.lit)
    assert lab.said("LampBulbCheck") == "On"
    lab.run(3)
    assert lab.lit == []


@probe("lost_sender_lamps_dark")
def lost_brakes(lab):
    lab.bench.stop_message("ESC_Speed")
    lab.run(1)
    assert {"abs", "esc", "brake"} <= set(lab.lit)


@probe("esc_and_abs_swapped")
def abs_only(lab):
    lab.set(AbsFault="On")
    assert lab.lit == ["abs"]


@probe("telltale_sticks")
def comes_and_goes(lab):
    lab.set(AbsFault="On")
    lab.set(AbsFault="Off")
    assert lab.lit == []


@probe("tyre_lamp_never_blinks")
def tyre_blinks(lab):
    lab.set(TyreLamp="Blinking", then=1)
    assert lab.flips(4, "tyre") in (7, 8, 9)
    lab.run(75)
    assert lab.flips(3, "tyre") == 0
    assert "tyre" in lab.lit


@probe("indicator_too_slow")
def indicator_rate(lab):
    lab.set(TurnLeft="On", then=0.1)
    assert 60 <= lab.flips(10, "turn_left") / 2 * 6 <= 120


@probe("hazard_out_of_step")
def hazard(lab):
    lab.set(TurnLeft="On", TurnRight="On", then=0.1)
    both = set(lab.watch(2, lambda: tuple(name for name in lab.lit if name.startswith("turn"))))
    assert both == {(), ("turn_left", "turn_right")}


# Speed ----------------------------------------------------------------------------------------------------------------


@probe("speed_reads_low", "speed_reads_high", "speed_number_frozen")
def within_r39(lab):
    for kmh in (40, 80, 120):
        lab.set(VehicleSpeed=f"{kmh} km/h", then=1.5)
        assert 0 <= lab.shown.speed_number - kmh <= 0.1 * kmh + 4
        assert 0 <= lab.shown.speed - kmh <= 0.1 * kmh + 4


@probe("speed_at_standstill")
def standing(lab):
    lab.set(VehicleSpeed=0, then=1)
    assert (lab.shown.speed_number, lab.shown.speed) == (0, 0)


@probe("speed_kept_on_loss")
def speed_lost(lab):
    lab.set(VehicleSpeed="50 km/h", then=1)
    lab.bench.stop_message("ESC_Speed")
    lab.run(1)
    assert lab.shown.speed_number is None
    assert lab.said("DisplayedSpeed") == "SNA"


@probe("speed_sna_as_number")
def speed_unknown(lab):
    lab.set(VehicleSpeed="SNA", then=1)
    assert (lab.shown.speed_number, lab.shown.speed) == (None, 0)


@probe("speed_spike_shown")
def one_wrong_sample(lab):
    lab.set(VehicleSpeed="50 km/h", then=1)
    lab.set(VehicleSpeed="250 km/h", then=0.02)
    lab.bench.set_signal("VehicleSpeed", "50 km/h")
    assert max(lab.watch(0.5, lambda: lab.shown.speed_number, 0.01)) <= 51
    lab.set(VehicleSpeed="150 km/h", then=1)
    assert lab.shown.speed_number == 150


@probe("speed_e2e_ignored")
def speed_damaged(lab):
    lab.set(VehicleSpeed="50 km/h", then=1)
    lab.bench.corrupt_crc("ESC_Speed")
    lab.run(0.5)
    assert lab.shown.speed_number is None
    assert any("U0415-83" in line for line in lab.ask("dtc"))


@probe("mph_label_on_kmh")
def miles(lab):
    lab.ask("set speed_unit mph")
    lab.set(VehicleSpeed="100 km/h", then=1.5)
    assert (lab.shown.speed_unit, lab.shown.speed_number) == ("mph", 63)
    assert lab.shown.speed == pytest.approx(62.4, abs=0.1)
    assert lab.said("SpeedUnit") == "MilesPerHour"


@probe("range_stays_in_km")
def miles_to_go(lab):
    before = lab.shown.range_km
    lab.ask("set speed_unit mph")
    lab.run(0.2)
    assert lab.shown.range_km == pytest.approx(before / 1.609344, abs=1)
    assert lab.shown.distance_unit == "mi"
    assert lab.shown.odometer == 7670


# Warnings -------------------------------------------------------------------------------------------------------------


@probe("warning_priority_ignored")
def urgent_first(lab):
    lab.set(WasherFluidLow="On", then=1)
    assert lab.said("WarningShown") == 27
    lab.set(BrakeWarning="On", then=0.5)
    assert lab.said("WarningPriority") == "Critical"
    assert lab.shown.warning.symbol == "brake"


@probe("warning_queue_of_one")
def queue(lab):
    lab.set(BulbFault="On", then=0.3)
    lab.set(ServiceDue="On", then=1.4)
    assert (lab.shown.warning.symbol, lab.shown.warnings_queued, lab.said("WarningsQueued")) == ("bulb", 1, 1)
    lab.run(5)
    assert lab.shown.warning.symbol == "service"


@probe("acknowledge_ignored")
def acknowledge(lab):
    lab.set(AbsFault="On", then=1)
    assert lab.shown.warning is not None
    lab.set(ButtonOk="Pressed", then=0.3)
    assert lab.shown.warning is None
    assert lab.said("WarningAcknowledged") == "Yes"
    assert any("acknowledged" in line for line in lab.ask("warnings"))


@probe("warning_too_short")
def long_enough(lab):
    lab.set(AbsFault="On", then=0.5)
    lab.set(AbsFault="Off", then=1.5)
    assert lab.shown.warning is not None
    lab.run(2)
    assert lab.shown.warning is None


@probe("warning_while_cranking")
def cranking(lab):
    lab.set(PowerMode="Crank")
    lab.set(AbsFault="On", then=1)
    assert lab.shown.warning is None
    lab.set(PowerMode="On", then=1)
    assert lab.shown.warning is not None


@probe("ice_warning_repeats")
def ice_once(lab):
    for outside in ("2 degC", "8 degC", "2 degC"):
        lab.set(("BCM_Ambient.OutsideTemperature", outside), then=8)
        lab.pulse("ButtonOk")
    shown = [sound for sound in lab.heard if sound.name == "gong"]
    assert len(shown) == 1


@probe("french_in_english")
def french(lab):
    lab.ask("set language fr")
    lab.set(AbsFault="On", then=1)
    assert lab.shown.warning.lines == ("ABS défectueux", "Roulez prudemment")


@probe("settings_not_kept")
def settings_kept(lab):
    lab.ask("set language de")
    lab.power_cycle()
    assert (lab.shown.language, lab.said("CLU_Settings.Language")) == ("de", "German")


# Gauges ---------------------------------------------------------------------------------------------------------------


@probe("fuel_undamped")
def fuel(lab):
    lab.set(VehicleSpeed="50 km/h", then=1)
    lab.set(FuelLevel="90 %", then=2)
    assert 0.5 < lab.shown.fuel < 0.62
    lab.run(40)
    assert lab.shown.fuel > 0.88


@probe("coolant_held_for_ever")
def coolant(lab):
    lab.bench.stop_message("ECM_Engine")
    lab.run(5)
    assert lab.shown.coolant_C == 90
    assert lab.shown.rpm == 0
    lab.run(7)
    assert lab.shown.coolant_C is None


@probe("cold_shown_as_warm")
def cold(lab):
    lab.set(("BCM_Ambient.OutsideTemperature", "-10 degC"), then=1)
    assert lab.shown.outside == "-10.0 °C"
    lab.ask("set temperature_unit F")
    assert lab.shown.outside == "14 °F"


@probe("clock_stands")
def clock(lab):
    lab.bench.stop_message("TCU_DateTime")
    before = lab.shown.clock
    assert before == "11:30"
    lab.run(60)
    assert lab.shown.clock == "11:31"


@probe("gear_late")
def gear(lab):
    lab.set(("TCM_Gear.Gear", "D"), then=0.3)
    assert (lab.shown.gear, lab.said("DisplayedGear")) == ("D", "D")


@probe("gear_kept_on_loss")
def gear_lost(lab):
    lab.bench.stop_message("TCM_Gear")
    lab.run(2)
    assert (lab.shown.gear, lab.said("DisplayedGear")) == (None, "Blank")


@probe("implausible_gear_shown")
def reverse_on_the_motorway(lab):
    lab.set(VehicleSpeed="100 km/h", then=1)
    lab.set(("TCM_Gear.Gear", "R"), then=1)
    assert lab.shown.gear is None
    assert lab.said("WarningShown") == 32


# Chimes ---------------------------------------------------------------------------------------------------------------


@probe("belt_chime_too_short")
def belt(lab):
    lab.set(SeatBeltDriver="Unbuckled")
    lab.ignition_cycle(then=12)
    tones = lab.sounds("seat_belt", lab.now - 12)
    length = (tones[-1].t_ns + tones[-1].duration_ns - tones[0].t_ns) / 1e9
    assert 4 <= length <= 8
    assert all("seat_belt" in lit for lit in lab.watch(60, lambda: lab.lit, 1))


@probe("belt_level2_missing")
def belt_driving(lab):
    lab.set(SeatBeltDriver="Unbuckled", then=8)
    lab.set(VehicleSpeed="30 km/h", then=1)
    assert lab.said("SeatBeltWarningLevel") == 2
    begin = lab.now
    lab.run(40)
    tones = lab.sounds("seat_belt_level2")
    assert (tones[-1].t_ns / 1e9) - begin >= 30
    assert lab.said("SeatBeltWarningLevel") == 0


@probe("indicator_silent")
def tick_tock(lab):
    lab.set(TurnRight="On", then=3)
    assert len(lab.sounds("tick")) in (4, 5)
    assert len(lab.sounds("tock")) in (4, 5)


@probe("parking_tone_constant")
def parking(lab):
    counts = []
    for level in (1, 6):
        lab.set(ParkAidState="Active", ParkToneRear=level, then=0.5)
        before = len(lab.sounds("parking_rear"))
        lab.run(4)
        counts.append(len(lab.sounds("parking_rear")) - before)
    assert counts[1] > 2 * counts[0]


@probe("safety_chimes_muted")
def muted(lab):
    lab.ask("set chime_volume 0")
    lab.set(AbsFault="On", then=1)
    assert lab.sounds("gong") == []
    lab.set(CollisionWarning="Acute", then=1)
    assert len(lab.sounds("collision")) > 4
    assert max(lab.sounds("collision")[0].render()) > 8000


@probe("chimes_all_alike")
def its_own_sound(lab):
    lab.set(TakeOverRequest="Requested", then=1)
    sound = lab.sounds("take_over")[0]
    samples = sound.render()
    crossings = sum(1 for a, b in pairwise(samples) if a < 0 <= b)
    assert crossings / (len(samples) / 48_000) == pytest.approx(1320, rel=0.03)
    assert (lab.said("ChimePlaying"), lab.said("TakeOverHeard"), lab.said("TakeOverShown")) == (
        "TakeOver",
        "Yes",
        "Yes",
    )


# Power, boot, networks ------------------------------------------------------------------------------------------------


@probe("console_mute", "boots_slowly", start=Start.OFF)
def boots(lab):
    heard = lab.bench.console()
    lab.bench.power_on()
    heard.expect("boot reason: power", within="1 s")
    heard.expect("boot complete", within="2.5 s")


@probe("reboot_loop", start=Start.OFF)
def stays_up(lab):
    lab.bench.power_on()
    lab.run(3.1)
    assert lab.said("ClusterState") != "Booting"
    assert lab.ecu.life.phase == "on"


@probe("survives_power_off")
def off_is_dark(lab):
    lab.bench.power_off()
    lab.run(0.1)
    assert lab.shown is None
    assert lab.current_A == 0


@probe("watchdog_dead")
def watchdog(lab):
    lab.ask("hang cluster")
    lab.run(8)
    assert lab.shown is not None
    assert lab.said("ResetReasonBody") == "Watchdog"
    lab.set(VehicleSpeed="50 km/h", then=1)
    assert lab.shown.speed_number == 50
    assert any("B1A00-47" in line for line in lab.ask("dtc"))


@probe("reset_reason_lost")
def brown_out(lab):
    lab.voltage(4.0)
    lab.voltage(13.5, then=5)
    assert lab.said("ResetReasonChassis") == "Undervoltage"
    lab.ask("reboot")
    lab.run(6)
    assert lab.said("ResetReasonChassis") == "Software"


@probe("resets_while_cranking")
def crank(lab):
    lab.set(PowerMode="Crank")
    for volts, then in ((6.5, 0.05), (8.0, 0.8), (11.0, 0.3), (13.5, 0.3)):
        lab.voltage(volts, then)
        assert lab.shown is not None
    lab.voltage(5.9, 0.1)
    assert lab.shown is None


@probe("undervoltage_flickers")
def around_nine_volts(lab):
    lab.voltage(8.8)
    assert lab.shown is None
    lab.voltage(9.2)
    assert lab.shown is None
    lab.voltage(9.6)
    assert lab.shown is not None


@probe("quiescent_current_high", start=Start.SLEEP)
def quiescent(lab):
    lab.run(3)
    assert 0 < lab.current_A < 0.005


@probe("overvoltage_ignored")
def overvoltage(lab):
    lab.voltage(15.8, then=2)
    assert lab.shown.dimming == 0.5
    assert lab.said("WarningShown") == 35
    assert any("U3003-17" in line for line in lab.ask("dtc"))


@probe("never_sleeps")
def falls_asleep(lab):
    lab.bench.ignition(False)
    lab.bench.restbus(False)
    lab.run(15)
    assert lab.current_A < 0.01


@probe("wakes_slowly", start=Start.SLEEP)
def wakes(lab):
    lab.bench.restbus(True)
    lab.bench.ignition(True)
    lab.run(1)
    assert lab.shown is not None
    lab.run(1)
    assert lab.said("ResetReasonBody") == "Wake"


# Diagnosis, night, distance, assistance -------------------------------------------------------------------------------


@probe("dtc_not_stored", "dtcs_lost_on_power_cut")
def trouble_codes(lab):
    lab.bench.stop_message("SRS_Occupants")
    lab.run(3)
    lab.bench.resume_message("SRS_Occupants")
    lab.power_cycle()
    assert any("U0151-87" in line for line in lab.ask("dtc"))
    assert lab.said("CockpitFaults") >= 1


@probe("dtc_clear_ignored")
def cleared(lab):
    lab.bench.stop_message("SRS_Occupants")
    lab.run(3)
    lab.bench.resume_message("SRS_Occupants")
    lab.run(1)
    lab.ask("dtc clear")
    assert not any("U0151-87" in line for line in lab.ask("dtc"))


@probe("night_ignored")
def night(lab):
    lab.set(DayNight="Night", then=1)
    assert lab.shown.night
    assert lab.said("NightDesignShown") == "Night"
    lab.ask("set day_night day")
    assert not lab.shown.night


@probe("dimming_inverted")
def dimmer(lab):
    lab.set(DayNight="Night", Dimming="30 %", then=1)
    low = lab.shown.dimming
    lab.set(Dimming="90 %", then=1)
    assert low < lab.shown.dimming
    assert (low, lab.shown.dimming) == (0.3, 0.9)


@probe("odometer_never_saved")
def odometer_kept(lab):
    lab.set(VehicleSpeed="180 km/h", then=65)
    before = lab.shown.odometer
    assert before == 12_348
    lab.power_cycle(then=7)
    assert before - 1 <= lab.shown.odometer <= before


@probe("odometer_loses_wrap")
def wrap(lab):
    lab.set(VehicleSpeed="100 km/h", TravelledDistance="6550 m", then=1)
    before = float(lab.said("CLU_Odometer.Odometer"))
    for metres in range(0, 300, 7):
        lab.set(TravelledDistance=f"{metres} m", then=0.25)
    lab.run(1)
    assert lab.said("CLU_Odometer.Odometer") >= before + 0.2


@probe("acc_speed_frozen")
def acc(lab):
    lab.set(AccState="Active", AccSetSpeed="120 km/h", then=0.5)
    assert lab.shown.acc_speed == 120
    lab.set(AccSetSpeed="130 km/h", then=0.5)
    assert lab.shown.acc_speed == 130
    lab.set(AccState="Off", then=0.5)
    assert lab.shown.acc_speed is None


@probe("speed_limit_kept")
def limit(lab):
    lab.set(SpeedLimitSign="80 km/h", then=0.5)
    assert lab.shown.speed_limit == 80
    lab.set(SpeedLimitSign="EndOfLimit", then=0.5)
    assert lab.shown.speed_limit is None


# ----------------------------------------------------------------------------------------------------------------------

CLUSTER = [d.name for d in CATALOGUE.values() if d.name in PROBES]


@pytest.fixture
def lab(tmp_path):
    labs = []

    def make(*defects, start):
        labs.append(CockpitLab(tmp_path, *defects, start=start))
        return labs[-1]

    yield make
    for one in labs:
        one.close()


@pytest.mark.parametrize("function", dict.fromkeys(f for f, _ in PROBES.values()), ids=lambda f: f.__name__)
def test_without_a_defect_the_ecu_does_it_right(lab, function):
    start = next(start for known, start in PROBES.values() if known is function)
    function(lab(start=start))


@pytest.mark.parametrize("defect", CLUSTER)
def test_the_defect_is_seen(lab, defect):
    function, start = PROBES[defect]
    with pytest.raises((AssertionError, EcuError)):
        function(lab(defect, start=start))


def test_every_defect_of_the_cluster_has_a_probe():
    ours = {d.name for d in CATALOGUE.values() if d.requirement.startswith("CLU-")}
    assert ours - PROBES.keys() == set()


@pytest.mark.parametrize("width", [80, 100, 120])
def test_the_catalogue_fits_a_terminal(width):
    out = StringIO()
    Console(file=out, width=width, force_terminal=True, color_system=None).print(defects_table())
    lines = out.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    assert {line.split(" ")[0] for line in lines} - {""} == set(CATALOGUE)
