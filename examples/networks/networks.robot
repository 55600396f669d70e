*** Settings ***
Documentation       Networks, a subject a case: what docs/can.md explains.
Library             hil.robot


*** Test Cases ***
Values and units
    Set Signal    VehicleSpeed    24 m/s
    Set Signal    TCM_Gear.Gear    D
    Set Signal    chassis::ESC_Speed.Standstill    raw 0
    Text Should Be    speed    87
    Signal Should Be    DisplayedSpeed    87 km/h    tolerance=1

Several signals at one instant
    Set Signals    VehicleSpeed=42 km/h    EngineSpeed=1800 rpm    Gear=D
    Text Should Be    speed    42

A ramp
    Ramp Signal    VehicleSpeed    to=100 km/h    during=8 s    begin=0 km/h
    Text Should Be    speed    100

A drive goes on beside the checks
    Drive    fixtures/drives/town.csv    wait=no
    Text Should Show    speed    50    tolerance=1    within=15 s
    Text Should Be    gear    D

A gateway repeats, and errs
    Set Signal    VehicleSpeed    87 km/h
    ${copy} =    Get Signal    CGW_VehicleMotion.VehicleSpeedGw
    Should Be Equal As Numbers    ${copy}    87
    Set Signals    VehicleSpeed=50 km/h    CGW_VehicleMotion.VehicleSpeedGw=60 km/h

A speed that can't be trusted
    Set Signal    VehicleSpeed    55 km/h
    Text Should Be    speed    55
    Corrupt Crc    ESC_Speed
    Text Should Be    speed    ---
    Corrupt Crc    ESC_Speed    off
    Text Should Be    speed    55

The networks sleep and wake
    Ignition    off
    Release Network
    Network Should Be    asleep    within=12 s
    Ignition    on
    Wake Network
    Network Should Be    awake    within=1 s

A partial network is off
    Partial Network    17    off
    Sleep    3 s
    Partial Network    17    on

A flooded bus
    Allow Findings    body::CLU_*    kinds=cycle
    Flood Bus    body    0x000    250 us
    Sleep    1 s
    Stop Flood    body
