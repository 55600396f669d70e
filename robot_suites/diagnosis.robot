*** Settings ***
Documentation       Diagnosis: what a workshop reads, changes and resets, and what the ECU refuses.
Library             hil.robot


*** Test Cases ***
The ECU says who it is
    [Documentation]    What is read by identifier is what the ECU says on its console and on the network.
    [Tags]    req:DIA-006    realtime
    Send To Console    version
    ${part} =    Console Should Match    part (\\S+) serial \\S+ hardware \\S+ software \\S+
    Identifier Should Be    part number    ${part}
    Send To Console    version
    ${serial} =    Console Should Match    serial (\\S+) hardware
    Identifier Should Be    serial number    ${serial}
    Send To Console    version
    ${hardware} =    Console Should Match    hardware (\\S+) software
    Identifier Should Be    hardware number    ${hardware}
    Send To Console    version
    ${software} =    Console Should Match    software (\\d+\\.\\d+\\.\\d+)
    Identifier Should Be    software version    ${software}
    ${major}    ${minor}    ${patch} =    Evaluate    $software.split(".")
    Signal Should Be    VersionSoftwareMajor    ${major}    within=5 s
    Signal Should Be    VersionSoftwareMinor    ${minor}    within=5 s
    Signal Should Be    VersionSoftwarePatch    ${patch}    within=5 s

A session ends five seconds after the last answer
    [Documentation]    The tester was unplugged.
    [Tags]    req:DIA-002    realtime
    Diagnostic Session    extended
    Sleep    4.5 s
    Identifier Should Be    active session    3
    Sleep    5.5 s
    Identifier Should Be    active session    1

A session stays while the tester says that it is there
    [Documentation]    Tester present every 2 s, without an answer.
    [Tags]    req:DIA-002    realtime
    Diagnostic Session    extended    keep=yes
    Sleep    8 s
    Identifier Should Be    active session    3
    Diagnostic Session    default
    Identifier Should Be    active session    1

A reset is answered, then the ECU restarts
    [Documentation]    The positive answer comes first; then the boot log, the screen, and diagnosis in the default
    ...    session within 5 s.
    [Tags]    req:DIA-003    realtime
    Console Should Show    boot complete
    Diagnostic Session    extended
    Reset Ecu    hard
    Console Should Show    boot reason: software    within=2 s
    Console Should Show    boot complete    within=5 s
    Ecu Should Answer    within=5 s
    Identifier Should Be    active session    1
    Screen Should Be    on

Who is asked together with all others keeps silent about what it does not know
    [Documentation]    A functional request for something unknown would otherwise be answered by every ECU of the car
    ...    with a refusal. The same request to this ECU alone is refused.
    [Tags]    req:DIA-004    realtime
    Diagnostic Request    3E 00    answer=7E 00    functional=yes
    Diagnostic Request    22 F1 89    answer=62 F1 89    functional=yes
    Diagnostic Request    B5    answer=${EMPTY}    functional=yes
    Diagnostic Request    10 05    answer=${EMPTY}    functional=yes
    Diagnostic Request    22 12 34    answer=${EMPTY}    functional=yes
    Diagnostic Request    B5    refusal=11
    Diagnostic Request    10 05    refusal=12
    Diagnostic Request    22 12 34    refusal=31

Answers come in time
    [Documentation]    Within 50 ms; clearing takes longer, and the ECU says so with 'response pending'.
    [Tags]    req:DIA-005
    Diagnostic Request    3E 00
    Read Identifier    VIN
    Diagnostic Session    extended
    Diagnostic Request    27 01
    Clear Trouble Codes
    Diagnostic Answers Should Be In Time

Each refusal has its code
    [Documentation]    The order of checks: service, session, subfunction, length, range, security, condition.
    [Tags]    req:DIA-009    realtime
    [Template]    Refused With
    # session    request    code    why
    default    BA    11    there is no such service
    default    19 55    12    there is no such subfunction
    default    10    13    too short
    default    10 03 00    13    too long
    default    22 F1    13    half an identifier
    default    22 12 34    31    there is no such identifier
    default    14 12 34 56    31    there is no such group of trouble codes
    default    10 02    7E    programming begins from the extended session
    default    27 01    7F    no security in the default session
    default    2E 03 00 27 10    7F    nothing is written in the default session
    extended    27 02 00 00 00 00    24    a key without a seed
    extended    2E 03 00 27 10    33    locked
    extended    2E F1 89 31    31    read only
    extended    2E 03 00 27    13    one byte too few
    extended    28 03    13    too short
    extended    85 03    12    neither on nor off

Nobody resets or programs a car that drives
    [Documentation]    Refused with 'conditions not correct', and the ECU goes on.
    [Tags]    req:DIA-009
    Set Signals    VehicleSpeed=50 km/h    Gear=D
    Text Should Be    speed    50
    Diagnostic Request    11 01    refusal=22
    Diagnostic Session    extended
    Diagnostic Request    10 02    refusal=22
    Console Should Show    boot complete
    Console Should Not Show    bootloader    during=2 s

Wrong keys lock the lock
    [Documentation]    The third wrong key is answered with 'exceeded number of attempts'. Neither asking again nor a
    ...    reset gives a new seed; after ten seconds it comes.
    [Tags]    req:DIA-007
    Diagnostic Session    extended
    Wrong Key Is Refused With    35
    Wrong Key Is Refused With    35
    Wrong Key Is Refused With    36
    Diagnostic Request    27 01    refusal=37
    Reset Ecu    hard
    Ecu Should Answer    within=5 s
    Diagnostic Session    extended    keep=yes
    Diagnostic Request    27 01    refusal=37
    Sleep    10 s
    Unlock Ecu

Configuration is written behind the lock, and stays
    [Documentation]    Refused while locked; after the key it is written, and a power cut right after the answer does
    ...    not lose it. What is out of range is refused.
    [Tags]    req:DIA-008    realtime
    Identifier Should Be    service interval    20000 km
    Diagnostic Session    extended
    Diagnostic Request    2E 03 00 27 10    refusal=33
    Unlock Ecu
    Write Identifier    service interval    27 10
    Diagnostic Request    2E 03 00 00 01    refusal=31
    Power Off
    Sleep    1 s
    Power On
    Ecu Should Answer    within=8 s
    Identifier Should Be    service interval    10000 km

A lost control unit is stored, and cleared with its cause
    [Documentation]    It stays across a power cut, and across the control unit's return. Cleared it is gone, also
    ...    after a restart.
    [Tags]    req:CLU-DTC-001    req:CLU-DTC-002    req:CLU-DTC-003    req:DIA-010
    No Trouble Code Should Be Stored
    Stop Node    ESC
    Sleep    3 s    the time-out, and the debouncing
    Trouble Code Should Be Stored    U0121-87
    Resume Node    ESC
    Power Off
    Sleep    1 s
    Power On
    Ecu Should Answer    within=8 s
    Trouble Code Should Be Stored    U0121-87
    Clear Trouble Codes
    No Trouble Code Should Be Stored
    Reset Ecu    hard
    Ecu Should Answer    within=5 s
    No Trouble Code Should Be Stored

While a workshop reprograms the car no trouble code is stored
    [Documentation]    Storing is switched off, a control unit falls silent, and leaves none. With the default session
    ...    storing is on again.
    [Tags]    req:DIA-011
    Diagnostic Session    extended    keep=yes
    Diagnostic Request    85 02
    Stop Node    ESC
    Sleep    3 s
    No Trouble Code Should Be Stored    U0121
    Resume Node    ESC
    Sleep    1 s
    Diagnostic Session    default
    Stop Node    ESC
    Sleep    3 s
    Trouble Code Should Be Stored    U0121-87


*** Keywords ***
Refused With
    [Arguments]    ${session}    ${request}    ${code}    ${why}
    Diagnostic Session    ${session}
    Diagnostic Request    ${request}    refusal=${code}

Wrong Key Is Refused With
    [Arguments]    ${code}
    Diagnostic Request    27 01    answer=67 01
    Diagnostic Request    27 02 00 00 00 00    refusal=${code}
