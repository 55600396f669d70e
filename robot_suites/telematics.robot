*** Settings ***
Documentation       Telematics: what the car tells its owner's backend, what it keeps to itself, and what the owner may
...                 ask of it from afar.
Library             hil.robot


*** Variables ***
${TELEMETRY}    cockpit/+/telemetry
${EVENT}        cockpit/+/event
${COMMAND}      cockpit/VC000001/command
${ANSWER}       cockpit/+/answer


*** Test Cases ***
The car tells its state every ten seconds
    [Documentation]    All fields of the schema are there and say what the networks say. Between two messages there is
    ...    none, and the second comes in time.
    [Tags]    req:TEL-001
    Set Signals    VehicleSpeed=72.5 km/h    Gear=D    FuelLevel=40 %
    Telemetry Should Arrive    within=15 s    speed=72.5    fuel=40    ignition=true    schema=1    privacy=false
    Message Should Not Arrive    ${TELEMETRY}    during=9.5 s
    ${told} =    Telemetry Should Arrive    within=1 s    time=present    warnings=present    queued=0    dropped=0
    ${vin} =    Read Identifier    VIN
    Should Be Equal    ${told}[vin]    ${vin}
    ${odometer} =    Get Signal    CLU_Odometer.Odometer
    Should Be Equal As Numbers    ${told}[odometer]    ${odometer}
    Should Be Equal As Numbers    ${told}[position][latitude]    48.13715
    Should Be Equal As Numbers    ${told}[position][longitude]    11.57612

What the car does not know it does not invent
    [Documentation]    Speed and position are not available: the message says null, not zero, and not the last value.
    [Tags]    req:TEL-001    realtime
    Set Signals    VehicleSpeed=72.5 km/h    Gear=D
    Sleep    1 s
    Set Signals    VehicleSpeed=SNA    Latitude=SNA    Longitude=SNA
    Telemetry Should Arrive    within=15 s    speed=null    position=null

A warning is told at once
    [Documentation]    The owner need not wait for the next ten seconds.
    [Tags]    req:TEL-007    realtime
    Telemetry Should Arrive    within=15 s    warnings=0
    Set Signal    EngineOverheat    On
    Message Should Arrive    ${EVENT}    within=5 s    reason=warnings    warnings=1

In privacy mode no position leaves the car
    [Documentation]    Neither with the telemetry nor with an event; and not after the battery was disconnected either.
    [Tags]    req:TEL-002    realtime
    Send To Console    privacy on
    Signal Should Be    PrivacyMode    On    within=2 s
    Telemetry Should Arrive    within=15 s    position=absent    privacy=true
    Ignition    off
    Message Should Arrive    ${EVENT}    within=2 s    reason=ignition    position=absent
    Power Off
    Sleep    1 s
    Power On
    Telemetry Should Arrive    within=20 s    position=absent    privacy=true

What happens without a network is told later
    [Documentation]    A drive through a tunnel. The backend learns that the link broke; afterwards it gets what
    ...    happened meanwhile, in order and without a gap.
    [Tags]    req:TEL-003    req:TEL-006
    ${before} =    Telemetry Should Arrive    within=15 s    speed=0
    Cut Mqtt Link    12 s
    Set Signal    VehicleSpeed    33 km/h
    Message Should Arrive    cockpit/+/status    within=20 s    state=offline
    Sleep    11 s    one telemetry falls into it
    Set Signal    VehicleSpeed    0 km/h
    ${late} =    Telemetry Should Arrive    within=30 s    speed=33
    ${next} =    Evaluate    ${before}[seq] + 1
    Should Be Equal As Integers    ${late}[seq]    ${next}
    Should Be Equal As Integers    ${late}[dropped]    0

The owner locks the car
    [Documentation]    The ECU asks the body control module, and says 'done' only when the locks are locked.
    [Tags]    req:TEL-004    realtime
    The Backend Is There
    Ask For    lock    request=r1
    Signal Should Be    LockRequest    Lock    within=500 ms
    Message Should Not Arrive    ${ANSWER}    during=1 s
    Set Signal    CentralLock    Locked
    Message Should Arrive    ${ANSWER}    within=1 s    request=r1    result=done    repeated=false

A car that does not follow is not called locked
    [Documentation]    The body control module doesn't lock: after 5 s the answer is 'failed'.
    [Tags]    req:TEL-004
    The Backend Is There
    Ask For    lock    request=r2
    Message Should Arrive    ${ANSWER}    within=6 s    request=r2    result=failed

A car on the move is not locked or unlocked from afar
    [Documentation]    The answer says why, and the body control module isn't asked.
    [Tags]    req:TEL-004    realtime
    The Backend Is There
    Set Signal    VehicleSpeed    50 km/h
    Sleep    500 ms
    Ask For    unlock    request=r3
    Message Should Arrive    ${ANSWER}    within=1 s    request=r3    result=refused    why=the car is moving
    Check Should Fail    Signal Should Be    LockRequest    Unlock    within=1 s

A command that arrives twice is done once
    [Documentation]    The broker delivers the command twice; later, after the owner unlocked the car with the key, it
    ...    comes a third time. The car must not lock itself again. Every arrival is answered.
    [Tags]    req:TEL-005
    The Backend Is There
    Duplicate Next Message    ${COMMAND}
    Ask For    lock    request=r4
    Signal Should Be    LockRequest    Lock    within=500 ms
    Set Signal    CentralLock    Locked
    Message Should Arrive    ${ANSWER}    within=2 s    request=r4    result=done
    Signal Should Be    LockRequest    None    within=1 s
    Set Signal    CentralLock    Unlocked
    Ask For    lock    request=r4
    Check Should Fail    Signal Should Be    LockRequest    Lock    within=1 s
    Message Should Arrive    ${ANSWER}    within=1 s    request=r4    result=done    repeated=true


*** Keywords ***
The Backend Is There
    Message Should Arrive    cockpit/+/status    within=10 s    state=online

Ask For
    [Arguments]    ${what}    ${request}
    Publish Message    ${COMMAND}    {"schema": 1, "request": "${request}", "command": "${what}"}
