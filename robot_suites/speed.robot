*** Settings ***
Documentation       The speedometer: right over its range, in both units, and silent about what it doesn't know.
...
...                 The table fixtures/tables/speed.csv has the points and what UN R39 lets be shown at each.
Library             hil.robot


*** Test Cases ***
The speed that is shown is never too low and hardly too high
    [Documentation]    Needle and digits at each point of the range, within the limits of UN R39.
    [Tags]    req:CLU-SPD-001    req:CLU-SPD-002    req:CLU-UNIT-001    table:speed.csv
    Speed Is Shown In    ${unit}
    Set Signal    VehicleSpeed    ${speed} ${unit}
    ${middle} =    Evaluate    (${least} + ${most}) / 2
    ${half} =    Evaluate    (${most} - ${least}) / 2
    # half a km/h more for the reading of the needle
    ${width} =    Evaluate    ${half} + 0.5
    Sleep    1 s
    Text Should Show    speed    ${middle} ${unit}    tolerance=${half} ${unit}
    Needle Should Show    speed_needle    ${middle} ${unit}    tolerance=${width} ${unit}

Speedometer shows the vehicle speed
    [Documentation]    Needle and digital speed at the test speeds of UN R39.
    [Tags]    req:CLU-SPD-001    req:CLU-SPD-002    realtime    guest
    [Template]    Speed Of ${speed} Is Shown
    40
    80
    120

The needle follows a ramp
    [Documentation]    From 0 to 100 km/h in 5 s: within 5 km/h, a quarter of a second, of the true speed.
    [Tags]    req:CLU-SPD-001    req:CLU-SPD-002
    Ramp Signal    VehicleSpeed    100 km/h    5 s    begin=0 km/h    wait=no
    FOR    ${second}    IN RANGE    1    5
        Sleep    1 s
        ${true} =    Evaluate    20 * ${second}
        Text Should Show    speed    ${true} km/h    tolerance=5 km/h    within=0 s
        Needle Should Show    speed_needle    ${true} km/h    tolerance=5 km/h    within=0 s
    END
    Text Should Be    speed    100    within=2 s

A drive through town is followed
    [Documentation]    Speed, engine speed and gear out of a table.
    [Tags]    req:CLU-SPD-001
    Drive    fixtures/drives/town.csv    wait=no
    Sleep    18 s    half-way along the straight
    Text Should Be    speed    50    within=0 s
    Needle Should Show    rpm_needle    1800    tolerance=60    within=0 s
    Text Should Be    gear    D    within=0 s
    Sleep    40 s
    Text Should Be    speed    0    within=0 s
    Text Should Be    gear    P    within=0 s

No speed is shown when its sender is silent
    [Documentation]    A speed that is no longer known must not stay on the screen.
    [Tags]    req:CLU-SPD-003    realtime    guest
    Set Signal    VehicleSpeed    55 km/h
    Text Should Be    speed    55
    Stop Message    ESC_Speed
    Text Should Be    speed    ---    within=2 s
    Signal Should Be    DisplayedSpeed    SNA    within=500 ms
    Resume Message    ESC_Speed
    Text Should Be    speed    55    within=2 s

A speed that is not available is not shown
    [Documentation]    The sender says that it doesn't know: dashes, and the needle rests at 0.
    [Tags]    req:CLU-SPD-004    realtime
    Set Signal    VehicleSpeed    72 km/h
    Text Should Be    speed    72
    Set Signal    VehicleSpeed    SNA
    Text Should Be    speed    ---    within=500 ms
    Needle Should Show    speed_needle    0 km/h    tolerance=1 km/h    within=2 s

A speed that its sender calls implausible is not shown
    [Documentation]    The brake control has found that its own speed can't be right.
    [Tags]    req:CLU-SPD-007
    Set Signal    VehicleSpeed    72 km/h
    Text Should Be    speed    72
    Set Signal    SpeedPlausible    No
    Text Should Be    speed    ---    within=500 ms
    Set Signal    SpeedPlausible    Yes
    Text Should Be    speed    72    within=1 s

One wrong sample is not shown, a jump that stays is
    [Documentation]    One frame says 250 km/h at a speed of 50. Then the speed really jumps.
    [Tags]    req:CLU-SPD-005
    Set Signal    VehicleSpeed    50 km/h
    Text Should Be    speed    50
    Sleep    1 s
    Set Signal    VehicleSpeed    250 km/h
    Sleep    20 ms
    Set Signal    VehicleSpeed    50 km/h
    Text Should Stay    speed    50    during=500 ms
    Needle Should Show    speed_needle    50 km/h    tolerance=2 km/h    within=0 s
    Set Signal    VehicleSpeed    150 km/h
    Text Should Be    speed    150    within=200 ms

No speed is shown when it can't be trusted
    [Documentation]    A wrong checksum, then a counter that stands: dashes within 500 ms, and never the damaged value.
    [Tags]    req:CLU-SPD-006
    Set Signal    VehicleSpeed    55 km/h
    Text Should Be    speed    55
    Corrupt Crc    ESC_Speed
    Text Should Be    speed    ---    within=500 ms
    Corrupt Crc    ESC_Speed    off
    Text Should Be    speed    55    within=1 s
    Freeze Counter    ESC_Speed
    Text Should Be    speed    ---    within=500 ms


*** Keywords ***
Speed Is Shown In
    [Arguments]    ${unit}
    IF    $unit == 'mph'    Use Unit    mph
    Send To Console    set speed_unit ${unit}
    Console Should Show    speed_unit = ${unit}
    Text Should Be    speed_unit    ${unit}    within=1 s

Speed Of ${speed} Is Shown
    Set Signal    VehicleSpeed    ${speed} km/h
    # UN R39 5.3: 0 <= V1 - V2 <= 0.1 V2 + 4 km/h; read within 1 km/h
    Needle Should Show    speed_needle    ${speed} km/h    tolerance=1 km/h    within=2 s
    Text Should Be    speed    ${speed}    within=2 s
