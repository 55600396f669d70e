*** Settings ***
Documentation       What the cluster shows by the driver's choice and by the light: languages, units, day and night; and
...                 what it counts and measures: distance, temperature.
...
...                 The settings are made on the workshop's console; the driver makes them on the centre screen.
Library             hil.robot


*** Test Cases ***
# Language and units --------------------------------------------------------------------------------------------------

The language of warnings follows the setting
    [Documentation]    A warning that is on the screen is translated at once, and so are later ones.
    [Tags]    req:CLU-LANG-001    realtime
    Set Signal    AbsFault    On
    Warning Should Be Shown    ABS fault Drive carefully    within=1 s
    Setting Is    language    fr
    Warning Should Be Shown    ABS défectueux Roulez prudemment    within=500 ms
    Signal Should Be    CLU_Settings.Language    French    within=1 s
    Set Signal    BrakeWarning    On
    Warning Should Be Shown    Frein défectueux Arrêtez-vous    within=1 s

Language and units survive a power cut
    [Documentation]    The battery was disconnected; the driver's choice is still there.
    [Tags]    req:CLU-LANG-002    realtime
    Setting Is    language    de
    Setting Is    speed_unit    mph
    Sleep    1 s
    Power Off
    Screen Should Be    off
    Power On
    Text Should Be    speed_unit    mph    within=6 s
    Signal Should Be    CLU_Settings.Language    German    within=2 s
    Set Signal    AbsFault    On
    Warning Should Be Shown    ABS defekt Vorsichtig fahren    within=6 s

With miles everything counts in miles
    [Documentation]    Speed, odometer, trip, range and speed limit, all at once, and back again.
    [Tags]    req:CLU-UNIT-001    req:CLU-UNIT-002    req:CLU-UNIT-003
    Set Signals    VehicleSpeed=100 km/h    SpeedLimitSign=80 km/h    FuelRange=500 km    ElectricRange=0 km
    Text Should Be    speed    100
    Text Should Be    range    500
    Text Should Show    odometer    12345 km    tolerance=1 km
    Setting Is    speed_unit    mph
    Use Unit    mph
    Text Should Be    speed_unit    mph    within=500 ms
    # 100 km/h are 62.1 mph, 500 km 310.7 miles, 80 km/h 49.7 mph, 12345 km 7670.8 miles, 67.8 km 42.1 miles
    Text Should Be    speed    63    within=500 ms
    Text Should Show    range    310.7 mi    tolerance=1 mi
    Text Should Be    speed_limit    50
    Text Should Show    odometer    7670 mi    tolerance=1 mi
    Text Should Show    trip    42.2 mi    tolerance=0.3 mi
    Setting Is    speed_unit    km/h
    Use Unit    km/h
    Text Should Be    speed_unit    km/h    within=500 ms
    Text Should Be    speed    100    within=500 ms

The set speed of the cruise control is in the driver's unit
    [Documentation]    112 km/h are 70 mph.
    [Tags]    req:CLU-UNIT-001    req:CLU-ADAS-001    needs:acc
    Set Signals    AccState=Active    AccSetSpeed=112 km/h
    Text Should Be    acc_speed    112    within=1 s
    Setting Is    speed_unit    mph
    Text Should Be    acc_speed    70    within=500 ms

# Day and night -------------------------------------------------------------------------------------------------------

At night the cluster is darker
    [Documentation]    The night design comes and goes with the light sensor; the lamps can still be told apart.
    [Tags]    req:CLU-NIGHT-001    realtime
    Set Signal    AbsFault    On
    Sleep    1 s
    ${day} =    Screen Brightness    screen=cluster
    Set Signal    DayNight    Night
    Screen Should Be Darker    than=${day}    within=1500 ms    screen=cluster
    Signal Should Be    NightDesignShown    Night    within=1 s
    Use Theme    night
    Telltale Should Be    abs    on    within=1 s
    ${night} =    Screen Brightness    screen=cluster
    Set Signal    DayNight    Day
    Screen Should Be Brighter    than=${night}    within=1500 ms    screen=cluster
    Signal Should Be    NightDesignShown    Day    within=1 s

The driver chooses day or night
    [Documentation]    The setting wins over the light sensor.
    [Tags]    req:CLU-NIGHT-001
    Sleep    500 ms
    ${day} =    Screen Brightness    screen=cluster
    Setting Is    day_night    night
    Screen Should Be Darker    than=${day}    within=500 ms    screen=cluster
    Setting Is    day_night    day
    Set Signal    DayNight    Night
    Sleep    1500 ms
    Signal Should Be    NightDesignShown    Day    within=1 s
    Screen Should Be Brighter    than=${day * 0.8}    within=0 s    screen=cluster

The dimmer makes the cluster brighter and darker
    [Documentation]    At night: from 30 % to 90 % and to 50 %.
    [Tags]    req:CLU-NIGHT-002
    Set Signals    DayNight=Night    Dimming=30 %
    Signal Should Be    DisplayBrightness    30 %    within=2 s
    ${low} =    Screen Brightness    screen=cluster
    Set Signal    Dimming    90 %
    Screen Should Be Brighter    than=${low}    within=1 s    screen=cluster
    ${high} =    Screen Brightness    screen=cluster
    Set Signal    Dimming    50 %
    Screen Should Be Darker    than=${high}    within=1 s    screen=cluster
    Screen Should Be Brighter    than=${low}    within=0 s    screen=cluster

# Distance and temperature --------------------------------------------------------------------------------------------

Odometer and trip count the distance
    [Documentation]    33 s at 240 km/h are 2.2 km. It doesn't count at a standstill.
    [Tags]    req:CLU-ODO-003    timeout:120 s
    Sleep    2 s
    Text Should Be    odometer    012345
    Text Should Be    trip    67.8
    Set Signal    VehicleSpeed    240 km/h
    Sleep    33 s
    Set Signal    VehicleSpeed    0 km/h
    Text Should Show    odometer    12347 km    tolerance=0 km
    Text Should Show    trip    70.0 km    tolerance=0.1 km
    Signal Should Be    TripA    70.0 km    within=2 s    tolerance=0.1

The trip is set to zero with a long press of OK
    [Documentation]    A short press doesn't; the odometer stays as it is.
    [Tags]    req:CLU-ODO-003    realtime
    Set Signal    ButtonOk    Pressed
    Sleep    500 ms
    Set Signal    ButtonOk    Released
    Sleep    500 ms
    Text Should Be    trip    67.8
    Set Signal    ButtonOk    Pressed
    Sleep    2500 ms
    Set Signal    ButtonOk    Released
    Text Should Be    trip    0.0    within=1 s
    Text Should Be    odometer    012345

The odometer survives a power cut
    [Documentation]    It never goes back, and loses less than a kilometre. Driven are 3 km.
    [Tags]    req:CLU-ODO-001    timeout:120 s
    Set Signal    VehicleSpeed    250 km/h
    Sleep    44 s
    Text Should Show    odometer    12348 km    tolerance=0 km
    Power Off
    Screen Should Be    off
    Power On
    Set Signal    VehicleSpeed    0 km/h
    Text Should Show    odometer    12347.5 km    tolerance=0.5 km    within=6 s

The odometer counts on when the wheels' counter wraps
    [Documentation]    After 6553.5 m it begins at 0 again; 200 m are driven across that point.
    [Tags]    req:CLU-ODO-002
    Set Signals    VehicleSpeed=100 km/h    TravelledDistance=6450 m
    Sleep    2 s
    ${before} =    Get Signal    CLU_Odometer.Odometer
    Ramp Signal    TravelledDistance    6553 m    during=3700 ms
    Ramp Signal    TravelledDistance    100 m    during=3600 ms    begin=0 m
    Signal Should Be    CLU_Odometer.Odometer    ${before + 0.2} km    within=2 s    tolerance=0.11
    Text Should Show    odometer    12345 km    tolerance=1 km    within=0 s

The temperature outside is shown with its sign
    [Documentation]    In the unit of the setting; unknown is not shown as a number.
    [Tags]    req:CLU-GAU-003    realtime
    Set Signal    BCM_Ambient.OutsideTemperature    -10 degC
    Text Should Be    outside    -10.0 °C    within=2 s    screen=cluster
    Setting Is    temperature_unit    F
    Text Should Be    outside    14 °F    within=1 s    screen=cluster
    Setting Is    temperature_unit    C
    Set Signal    BCM_Ambient.OutsideTemperature    21.5 degC
    Text Should Be    outside    21.5 °C    within=2 s    screen=cluster

The telltale of ice follows the temperature
    [Documentation]    Lit below 3 degC, dark from 5 degC on, and unchanged between them.
    [Tags]    req:CLU-GAU-005
    FOR    ${temperature}    ${state}    IN    4    off    3    off    2.5    on    4    on    5    off    4    off
        Set Signal    BCM_Ambient.OutsideTemperature    ${temperature} degC
        Sleep    1 s
        Telltale Should Be    ice    ${state}    within=0 s
    END


*** Keywords ***
Setting Is
    [Arguments]    ${name}    ${value}
    Send To Console    set ${name} ${value}
    Console Should Show    ${name} = ${value}
