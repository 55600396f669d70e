*** Settings ***
Documentation       What the driver hears: when a chime sounds, for how long, how fast, and when not.
...
...                 The sounds are told apart by their frequencies (fixtures/tables/chimes.csv).
Library             hil.robot


*** Test Cases ***
The belt chime sounds at ignition on
    [Documentation]    FMVSS 208 S7.3: driver unbelted: a chime for 4 to 8 s, and the lamp for at least 60 s.
    [Tags]    req:CLU-CHM-001    timeout:120 s
    Set Signal    SeatBeltDriver    Unbuckled
    Switch The Ignition Off And On
    Chime Should Be Heard    seat_belt    within=1 s    at_least=4 s    at_most=8 s
    No Chime Should Be Heard    during=2 s
    Telltale Should Stay    seat_belt    on    during=52 s

No belt chime sounds for a belted driver
    [Documentation]    Nor does the lamp stay lit after the lamp check.
    [Tags]    req:CLU-CHM-001
    Switch The Ignition Off And On
    No Chime Should Be Heard    during=4 s
    Telltale Should Be    seat_belt    off    within=0 s

The belt chime ends with the belt buckled
    [Documentation]    Who has understood is left in peace.
    [Tags]    req:CLU-CHM-007
    Set Signal    SeatBeltDriver    Unbuckled
    Switch The Ignition Off And On
    Chime Should Be Heard    seat_belt    within=1 s
    Set Signal    SeatBeltDriver    Buckled
    Sleep    500 ms
    No Chime Should Be Heard    during=3 s
    Telltale Should Be    seat_belt    off    within=500 ms

The belt is reminded of while driving
    [Documentation]    UN R16: above 25 km/h with the driver unbelted a second level sounds for at least 30 s.
    [Tags]    req:CLU-CHM-002    timeout:90 s
    Set Signal    SeatBeltDriver    Unbuckled
    Sleep    8 s
    Set Signal    VehicleSpeed    24 km/h
    No Chime Should Be Heard    during=2 s
    Set Signal    VehicleSpeed    30 km/h
    Chime Should Be Heard    seat_belt_level2    within=1 s    at_least=30 s    at_most=60 s

The indicators are heard
    [Documentation]    A tick when they light, a tock when they go dark; nothing after they are off.
    [Tags]    req:CLU-CHM-003    realtime
    Set Signal    TurnRight    On
    Chime Should Be Heard    tick    within=1 s
    Chime Should Be Heard    tock    within=1 s
    Chime Should Repeat    tick    1.5 Hz    tolerance=0.5 Hz
    Chime Should Repeat    tock    1.5 Hz    tolerance=0.5 Hz
    Set Signal    TurnRight    Off
    Sleep    700 ms
    No Chime Should Be Heard    during=2 s

The parking tone gets faster as the wall comes nearer
    [Documentation]    From slow to one tone without a pause; behind and in front have tones of their own.
    [Tags]    req:CLU-CHM-004
    Set Signal    ParkAidState    Active
    FOR    ${level}    ${rate}    IN    1    1.25 Hz    4    2 Hz    7    5 Hz
        Set Signal    ParkToneRear    ${level}
        Sleep    1 s
        Chime Should Repeat    parking_rear    ${rate}    tolerance=0.2 Hz
    END
    Set Signal    ParkToneRear    Continuous
    Sleep    1 s
    Chime Should Be Continuous    parking_rear
    Set Signals    ParkToneRear=Silent    ParkToneFront=4
    Sleep    500 ms
    Chime Should Repeat    parking_front    2 Hz    tolerance=0.2 Hz
    Set Signal    ParkToneFront    Silent
    Sleep    500 ms
    No Chime Should Be Heard    during=2 s

A muted parking aid is silent
    [Documentation]    Whatever its distance says.
    [Tags]    req:CLU-CHM-004
    Set Signals    ParkAidState=Muted    ParkToneRear=6
    No Chime Should Be Heard    during=2 s
    Set Signal    ParkAidState    Active
    Chime Should Be Heard    parking_rear    within=500 ms

A collision warning is heard at volume 0
    [Documentation]    Volume 0 silences the gong of a fault; what saves lives is heard all the same.
    [Tags]    req:CLU-CHM-005    realtime
    Send To Console    set chime_volume 0
    Console Should Show    chime_volume = 0
    Set Signal    AbsFault    On
    No Chime Should Be Heard    during=2 s
    Set Signal    CollisionWarning    Acute
    Chime Should Be Heard    collision    within=500 ms

The belt chime is heard at volume 0
    [Documentation]    The driver can't turn down the law.
    [Tags]    req:CLU-CHM-005
    Send To Console    set chime_volume 0
    Console Should Show    chime_volume = 0
    Set Signal    SeatBeltDriver    Unbuckled
    Switch The Ignition Off And On
    Chime Should Be Heard    seat_belt    within=1 s    at_least=4 s    at_most=8 s

A request to take over is heard until the driver has taken over
    [Documentation]    Shown, heard, more urgent if need be; confirmed on the bus; silent when the driver drives.
    [Tags]    req:CLU-ADAS-003    req:CLU-CHM-006    realtime
    Set Signal    TakeOverRequest    Requested
    Chime Should Be Heard    take_over    within=500 ms
    Warning Should Be Shown    Take over now Hold the wheel    severity=critical    within=500 ms
    Signal Should Be    TakeOverShown    Yes    within=500 ms
    Signal Should Be    TakeOverHeard    Yes    within=500 ms
    Set Signal    TakeOverRequest    Urgent
    Chime Should Be Heard    take_over_urgent    within=1 s
    Set Signal    DriverTookOver    Yes
    Sleep    500 ms
    No Chime Should Be Heard    during=1 s
    Signal Should Be    TakeOverHeard    No    within=500 ms

A request to take over comes before any other sound
    [Documentation]    The belt and the parking aid are silent meanwhile.
    [Tags]    req:CLU-CHM-008
    Set Signals    ParkAidState=Active    ParkToneRear=3
    Chime Should Be Heard    parking_rear    within=1 s
    Set Signal    TakeOverRequest    Requested
    Chime Should Be Heard    take_over    within=1 s
    No Chime Should Be Heard    chime=parking_rear    during=2 s
    Set Signals    TakeOverRequest=None    DriverTookOver=Yes
    Chime Should Be Heard    parking_rear    within=1500 ms

A warning comes with a gong, an information in silence
    [Documentation]    One strike for a warning, another sound for a critical one.
    [Tags]    req:CLU-CHM-006    req:CLU-CHM-009
    Set Signal    WasherFluidLow    On
    Warning Should Be Shown    Washer fluid low    within=1 s
    No Chime Should Be Heard    during=1 s
    Set Signal    AbsFault    On
    Chime Should Be Heard    gong    within=1 s
    Set Signal    OilPressureLow    On
    Chime Should Be Heard    gong_critical    within=1 s

An open door is heard while driving
    [Documentation]    Above 5 km/h, not at a standstill.
    [Tags]    req:CLU-CHM-006    req:CLU-CHM-010
    Set Signal    DoorRearLeft    Open
    No Chime Should Be Heard    during=1 s
    Set Signal    VehicleSpeed    10 km/h
    Chime Should Be Heard    door_open    within=2 s

The key left inside is heard when the ignition is off
    [Documentation]    And not while the ignition is on.
    [Tags]    req:CLU-CHM-006    req:CLU-CHM-010
    Set Signal    KeyMessage    KeyLeftInside
    No Chime Should Be Heard    during=1 s
    Ignition    off
    Chime Should Be Heard    key_inside    within=1 s

Lights left on are heard when the ignition is off
    [Documentation]    And not while the ignition is on.
    [Tags]    req:CLU-CHM-006    req:CLU-CHM-010
    Set Signals    LightOnWarning=Yes    PositionLights=On
    No Chime Should Be Heard    during=1 s
    Ignition    off
    Chime Should Be Heard    light_on    within=1 s

Assistance has sounds of its own
    [Documentation]    Overspeed, leaving the lane, collision, emergency call.
    [Tags]    req:CLU-CHM-006
    [Template]    Setting ${signal} To ${value} Sounds ${chime}
    SpeedLimitExceeded    Yes    overspeed
    LaneDeparture    Left    lane_departure
    ECallState    Triggered    ecall
    CollisionWarning    Braking    collision


*** Keywords ***
Switch The Ignition Off And On
    Ignition    off
    Screen Should Be    off
    Ignition    on
    Screen Should Be    on

Chime Should Be Continuous
    [Arguments]    ${chime}
    Chime Should Be Heard    ${chime}    within=100 ms
    Check Should Fail    No Chime Should Be Heard    chime=${chime}    during=100 ms

Setting ${signal} To ${value} Sounds ${chime}
    Set Signal    ${signal}    ${value}
    Chime Should Be Heard    ${chime}    within=1 s
