*** Settings ***
Documentation       The instrument cluster: what the driver sees follows what is on the bus.
Library             hil.robot


*** Test Cases ***
Speedometer shows the vehicle speed
    [Documentation]    Needle and digital speed, at the points of UN R39.
    [Tags]    req:CLU-SPD-001    req:CLU-SPD-002    realtime    guest
    [Template]    Speed Of ${speed} Is Shown
    40
    80
    120

No speed is shown when its sender is silent
    [Documentation]    A speed that is no longer known must not stay on the screen.
    [Tags]    req:CLU-SPD-003    realtime    guest
    Set Signal    VehicleSpeed    55 km/h
    Text Should Be    speed    55
    Stop Message    ESC_Speed
    Text Should Be    speed    ---    within=2 s
    Resume Message    ESC_Speed
    Text Should Be    speed    55    within=2 s

The ECU boots when the supply is switched on
    [Documentation]    Boot log on the console, then a lit screen.
    [Tags]    req:CLU-BOOT-001    req:CLU-PWR-001    start:off    realtime    guest
    Screen Should Be    off
    Power On
    Console Should Show    boot complete    within=3 s
    Screen Should Be    on    within=2 s
    ${version} =    Console Version
    Should Be Equal    ${version}    1.0.0
    Current Should Be    above=1 A    below=3 A

The ECU stays up after its start
    [Documentation]    A restart shows as a second boot log and a dark screen.
    [Tags]    req:CLU-BOOT-001    realtime
    Console Should Show    boot complete
    Console Should Not Show    bootloader    during=5 s
    Screen Should Be    on


*** Keywords ***
Speed Of ${speed} Is Shown
    Set Signal    VehicleSpeed    ${speed} km/h
    # UN R39 5.3: 0 <= V1 - V2 <= 0.1 V2 + 4 km/h; read within 1 km/h
    Needle Should Show    speed_needle    ${speed} km/h    tolerance=1 km/h    within=2 s
    Text Should Be    speed    ${speed}    within=2 s

Console Version
    Send To Console    version
    ${version} =    Console Should Match    software (\\S+)\\s
    RETURN    ${version}
