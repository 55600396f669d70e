*** Settings ***
Documentation       The networks: what the cluster makes of senders that fail, and how it wakes and sleeps.
Library             hil.robot


*** Test Cases ***
No speed is shown when its checksum is wrong
    [Documentation]    A speed that can't be trusted must not stay on the screen.
    [Tags]    req:NET-E2E-001    realtime
    Set Signal    VehicleSpeed    55 km/h
    Text Should Be    speed    55
    Corrupt Crc    ESC_Speed
    Text Should Be    speed    ---    within=2 s
    Corrupt Crc    ESC_Speed    off
    Text Should Be    speed    55    within=2 s

No speed is shown when its counter stands still
    [Documentation]    The sender's program hangs, its controller goes on sending.
    [Tags]    req:NET-E2E-001    realtime
    Set Signal    VehicleSpeed    55 km/h
    Text Should Be    speed    55
    Freeze Counter    ESC_Speed
    Text Should Be    speed    ---    within=2 s

No speed is shown when the brake control is silent
    [Documentation]    The whole node has lost its supply.
    [Tags]    req:CLU-SPD-003    realtime
    Set Signal    VehicleSpeed    55 km/h
    Text Should Be    speed    55
    Stop Node    ESC
    Text Should Be    speed    ---    within=2 s
    Resume Node    ESC
    Text Should Be    speed    55    within=2 s

The cluster goes on while its chassis network is open
    [Documentation]    A plug comes loose: nothing of that network is shown; the body network's lamp stays.
    [Tags]    req:NET-BUS-003
    Allow Findings    CLU_*    kinds=cycle,e2e
    Set Signal    VehicleSpeed    70 km/h
    Set Signal    HighBeam    On
    Text Should Be    speed    70
    Close Relay    chassis open
    Text Should Be    speed    ---    within=2 s
    Telltale Should Stay    high_beam    on    during=1 s
    Open Relay    chassis open
    Text Should Be    speed    70    within=1 s

The cluster is heard again after its body network was open
    [Documentation]    Nobody acknowledges what it sends for 3 s; what it says afterwards is what it is told then.
    [Tags]    req:NET-BUS-003
    Allow Findings    CLU_*    kinds=cycle,e2e
    Close Relay    body open
    Sleep    3 s
    Open Relay    body open
    Sleep    1 s
    Set Signal    HighBeam    On
    Signal Should Be    LampHighBeam    1    within=1 s

The cluster sleeps when nobody wants the networks
    [Documentation]    Ignition off, network released: both buses and the ECU go to sleep, the current says so.
    [Tags]    req:NET-NM-001
    Ignition    off
    Release Network
    Network Should Be    asleep    within=12 s
    Sleep    1 s
    Current Should Be    below=10 mA

The cluster wakes with the networks
    [Documentation]    It sleeps; the body control module wakes the buses.
    [Tags]    req:NET-NM-002    start:sleep
    Screen Should Be    off
    Ignition    on
    Wake Network
    Network Should Be    awake    within=1 s
    Screen Should Be    on    within=2 s
