*** Settings ***
Documentation       The gear display (FMVSS 102): the driver always sees which gear he has, or that nobody knows it.
Library             hil.robot


*** Test Cases ***
Each position of the lever is shown
    [Documentation]    Within 300 ms, forth and back; the cluster says the same on the bus.
    [Tags]    req:CLU-GEAR-001    realtime
    [Template]    Gear ${gear} Is Shown
    R
    N
    D
    N
    R
    P

The gear is shown when the vehicle is switched on
    [Documentation]    FMVSS 102: whenever the lever can be moved. The ignition comes on with the lever in N.
    [Tags]    req:CLU-GEAR-004
    Set Signal    TCM_Gear.Gear    N
    Ignition    off
    Screen Should Be    off
    Ignition    on
    Text Should Be    gear    N    within=1 s

The gear stays shown while the speed changes
    [Documentation]    From a standstill to 60 km/h and back.
    [Tags]    req:CLU-GEAR-001
    Set Signal    TCM_Gear.Gear    D
    Text Should Be    gear    D    within=500 ms
    Ramp Signal    VehicleSpeed    60 km/h    3 s    wait=no
    Text Should Stay    gear    D    during=3 s
    Ramp Signal    VehicleSpeed    0 km/h    3 s    wait=no
    Text Should Stay    gear    D    during=3 s

No gear is shown when the transmission is silent
    [Documentation]    The last gear may be wrong by now. It comes back with its sender.
    [Tags]    req:CLU-GEAR-002    realtime
    Set Signal    TCM_Gear.Gear    D
    Text Should Be    gear    D    within=1 s
    Stop Message    TCM_Gear
    No Gear Is Shown
    Warning Should Be Shown    Gear display fault Visit workshop    severity=caution    within=1 s
    Resume Message    TCM_Gear
    Text Should Be    gear    D    within=1 s

No gear is shown when the transmission can't be trusted
    [Documentation]    A wrong checksum, then a counter that stands.
    [Tags]    req:CLU-GEAR-002    req:NET-E2E-001
    Set Signal    TCM_Gear.Gear    D
    Text Should Be    gear    D    within=1 s
    Corrupt Crc    TCM_Gear
    No Gear Is Shown
    Corrupt Crc    TCM_Gear    off
    Text Should Be    gear    D    within=1 s
    Freeze Counter    TCM_Gear
    No Gear Is Shown

No gear is shown when the transmission doesn't know it
    [Documentation]    Not available on the bus.
    [Tags]    req:CLU-GEAR-002
    Set Signal    TCM_Gear.Gear    D
    Text Should Be    gear    D    within=1 s
    Set Signal    TCM_Gear.Gear    SNA
    No Gear Is Shown

R is not shown on the motorway
    [Documentation]    Above 30 km/h that can't be: no gear and a warning. At 20 km/h it can.
    [Tags]    req:CLU-GEAR-003    req:CLU-WRN-007    table:warnings.csv warning=gear_implausible
    Set Signal    VehicleSpeed    20 km/h
    Set Signal    TCM_Gear.Gear    R
    Text Should Be    gear    R    within=500 ms
    Ramp Signal    VehicleSpeed    100 km/h    2 s
    No Gear Is Shown
    Warning Should Be Shown    ${en.replace(' | ', ' ')}    severity=${priority}    symbol=${symbol}    within=1 s


*** Keywords ***
Gear ${gear} Is Shown
    Set Signal    TCM_Gear.Gear    ${gear}
    Text Should Be    gear    ${gear}    within=300 ms
    Signal Should Be    DisplayedGear    ${gear}    within=200 ms

No Gear Is Shown
    Text Should Be    gear    ${EMPTY}    within=1 s
    Signal Should Be    DisplayedGear    Blank    within=200 ms
