"""Probes of the cluster's defects: what is seen from outside while all is well, and not with the defect.

A probe is a function of a `CockpitLab`; it asserts. One may serve several defects.
"""

from hil.bench.reset import Start

PROBES = {}


def probe(*defects, start=Start.ON):
    """Keep a function as the probe of these defects."""

    def keep(function):
        for defect in defects:
            PROBES[defect] = (function, start)
        return function

    return keep


# Lamps and indicators -------------------------------------------------------------------------------------------------


@probe("telltale_rows_shifted")
def washer_only(lab):
    lab.set(WasherFluidLow="On")
    assert lab.lit == ["washer"]


@probe("lamp_coding_inverted")
def fitted_lamp(lab):
    lab.set(SuspensionFault="On")
    assert lab.lit == ["suspension"]


@probe("lamp_check_puts_out")
def fault_outlasts_the_check(lab):
    lab.set(AirbagFault="On")
    lab.ignition_cycle(then=3.5)
    assert lab.lit == ["airbag"]


@probe("low_pressure_flashes")
def low_pressure(lab):
    lab.set(TyreLamp="On", then=0.5)
    assert lab.flips(2, "tyre") == 0


@probe("failed_indicator_untold", "indicator_own_rhythm")
def flasher(lab):
    lab.set(TurnLeft="On", FlasherFast="Yes", then=0.1)
    assert lab.flips(2, "turn_left") > 10
    lab.set(FlasherFast="No", FlasherMode="Left", FlasherLit="Yes", then=0.1)
    assert all(lab.watch(0.8, lambda: "turn_left" in lab.lit))


@probe("checksum_unchecked", "doubted_speed_shown", "timeouts_too_long")
def speed_that_is_none(lab):
    lab.set(VehicleSpeed="50 km/h", then=1)
    for spoil, mend in (
        (lambda: lab.bench.corrupt_crc("ESC_Speed"), lambda: lab.bench.corrupt_crc("ESC_Speed", False)),
        (lambda: lab.bench.stop_message("ESC_Speed"), lambda: lab.bench.resume_message("ESC_Speed")),
        (lambda: lab.set(SpeedPlausible="No"), lambda: lab.set(SpeedPlausible="Yes")),
    ):
        spoil()
        lab.run(1)
        assert lab.shown.speed_number is None
        mend()
        lab.run(1)
        assert lab.shown.speed_number == 50


# Speed, gauges, gear --------------------------------------------------------------------------------------------------


@probe("jump_never_believed", "needle_sluggish")
def jumps(lab):
    lab.set(VehicleSpeed="50 km/h", then=1)
    lab.set(VehicleSpeed="150 km/h", then=0.6)
    assert lab.shown.speed_number == 150
    assert 150 <= lab.shown.speed <= 152


@probe("picture_late")
def lamp_on_the_glass(lab):
    lab.set(WasherFluidLow="On", then=0.2)
    assert "washer" in lab.lit


@probe("gauges_far_behind")
def gauges_arrive(lab):
    lab.set(EngineSpeed="3000 rpm", FuelLevel="90 %", then=7)
    assert abs(lab.shown.rpm - 3000) < 30
    assert abs(lab.shown.fuel - 0.9) < 0.02


@probe("low_fuel_untold")
def low_fuel(lab):
    lab.set(FuelLow="On")
    assert lab.lit == ["fuel"]
    assert lab.said("WarningPriority") == "Caution"
    assert lab.sounds("gong")


@probe("range_unknown_as_zero", "range_forgets_battery")
def driving_range(lab):
    lab.set(("ECM_Fuel.FuelRange", "400 km"), ("BMS_State.ElectricRange", "30 km"))
    assert lab.shown.range_km == 430
    lab.set(("ECM_Fuel.FuelRange", "SNA"))
    assert lab.shown.range_km is None


@probe("gear_unknown_as_n", "gear_hidden_in_lamp_check")
def gear(lab):
    lab.ignition_cycle(then=1)
    assert lab.shown.gear == "P"
    lab.set(("TCM_Gear.Gear", "SNA"))
    assert lab.shown.gear is None


@probe("ice_without_hysteresis")
def ice(lab):
    for degrees, is_lit in ((4, False), (2, True), (4, True), (6, False)):
        lab.set(("BCM_Ambient.OutsideTemperature", f"{degrees} degC"), then=1)
        assert ("ice" in lab.lit) is is_lit


@probe("day_night_choice_ignored")
def chosen_night(lab):
    lab.ask("set day_night night")
    lab.run(0.2)
    assert lab.shown.night


@probe("odometer_counts_short")
def counted(lab):
    before = float(lab.said("CLU_Odometer.Odometer"))
    lab.set(VehicleSpeed="240 km/h", then=20)
    lab.set(VehicleSpeed=0, then=1)
    assert 1.25 <= lab.said("CLU_Odometer.Odometer") - before <= 1.4


@probe("trip_reset_by_short_press")
def short_press(lab):
    lab.pulse("ButtonOk")
    assert lab.shown.trip == 67.8


@probe("guidance_stays")
def guidance(lab):
    lab.set(("NAV_Guidance.Manoeuvre", "Left"), GuidanceState="Guiding", ManoeuvreDistance=350)
    assert lab.shown.guidance.manoeuvre == "Left"
    lab.set(GuidanceState="Arrived")
    assert lab.shown.guidance is None


@probe("take_over_unconfirmed")
def take_over(lab):
    lab.set(TakeOverRequest="Requested", then=0.5)
    assert lab.said("TakeOverShown") == "Yes"


# Warnings and sounds --------------------------------------------------------------------------------------------------


@probe("driving_limits_in_m_per_s")
def open_door(lab):
    lab.set(DoorFrontLeft="Open", VehicleSpeed="4 km/h", then=0.5)
    assert lab.shown.warning is None
    lab.set(VehicleSpeed="10 km/h", then=0.5)
    assert lab.said("WarningPriority") == "Warning"


@probe("information_stays")
def information(lab):
    lab.set(WasherFluidLow="On")
    assert lab.shown.warning.severity == "information"
    lab.run(6)
    assert lab.shown.warning is None


@probe("newest_warning_first")
def most_urgent(lab):
    lab.set(BrakeWarning="On")
    lab.set(FuelLow="On", then=4)
    assert lab.shown.warning.severity == "critical"


@probe("belt_chime_always", "belt_chime_plays_on")
def belt_chimes(lab):
    lab.ignition_cycle(then=2)
    assert not lab.sounds("seat_belt")
    lab.set(SeatBeltDriver="Unbuckled")
    lab.ignition_cycle(then=2)
    assert lab.sounds("seat_belt")
    lab.set(SeatBeltDriver="Buckled", then=0.3)
    since = lab.now
    lab.run(2)
    assert not lab.sounds("seat_belt", since)


@probe("parking_mute_ignored", "take_over_waits")
def parking(lab):
    lab.set(ParkAidState="Muted", ParkToneRear=6, then=1)
    assert not lab.sounds("parking_rear")
    lab.set(ParkAidState="Active", then=1)
    assert lab.sounds("parking_rear")
    lab.set(TakeOverRequest="Requested", then=1)
    assert lab.sounds("take_over")


# Supply, sleep, trouble codes -----------------------------------------------------------------------------------------


@probe("dark_while_cranking")
def cranks(lab):
    lab.set(PowerMode="Crank", then=0.5)
    assert lab.shown is not None


@probe("overvoltage_at_once")
def peak(lab):
    lab.voltage(16, then=0.3)
    lab.voltage(13.5, then=1)
    assert not any("U3003-17" in line for line in lab.ask("dtc"))


@probe("ignition_boots_anew")
def ignition(lab):
    lab.ignition_cycle(then=1)
    assert lab.shown is not None
    assert lab.said("ResetReasonBody") == "PowerOn"


@probe("sleeps_by_itself")
def kept_awake(lab):
    lab.bench.ignition(False)
    lab.run(8)
    assert lab.current_A > 0.1
    assert not any("suspend" in line for line in lab.ecu.platform.log)


@probe("chassis_bus_wakes_not", "wake_lights_screen", start=Start.SLEEP)
def woken(lab):
    lab.run(3)
    lab.bench.wake_network("chassis")
    lab.run(1)
    assert lab.current_A > 0.1
    assert lab.shown is None


@probe("partial_networks_missed", "dtc_with_ignition_off")
def nobody_is_missed(lab):
    lab.bench.partial_network(17, False)
    lab.run(12)
    lab.bench.ignition(False)
    lab.run(1)
    lab.bench.stop_message("SRS_Occupants")
    lab.run(3)
    assert any("dtc: none" in line for line in lab.ask("dtc"))


@probe("snapshot_of_now")
def snapshot(lab):
    lab.voltage(12)
    lab.bench.stop_message("ESC_Speed")
    lab.run(2)
    lab.voltage(14)
    assert lab.ecu.platform.dtcs.snapshot(0xC12187)["voltage_V"] == 12
