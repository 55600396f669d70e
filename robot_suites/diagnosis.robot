*** Settings ***
Documentation    What the cockpit answers a tester: UDS over ISO-TP. Requirements: fixtures/requirements/diagnosis.toml.
Library          hil.robot


*** Test Cases ***
Part, serial and versions are read by identifier
    [Tags]    req:DIA-006    req:DIA-001
    Identifier Should Be    part number         68999001AA
    Identifier Should Be    serial number       VC000001
    Identifier Should Be    hardware number     B1
    Identifier Should Be    software version    1.0.0

The version that is read is the one that runs, also after an update
    [Tags]    req:DIA-006    needs:update    timeout:180 s
    Offer Update                 1.1.0
    Update Should Be Reported    committed    Success
    Ecu Should Answer            within=10 s
    Identifier Should Be         software version    1.1.0
    Identifier Should Be         active slot         B

A session ends five seconds after the last answer
    [Tags]    req:DIA-002
    Diagnostic Session      extended
    Sleep                   4.9 s
    Identifier Should Be    active session    3
    Sleep                   5.1 s
    Identifier Should Be    active session    1

Tester present keeps a session
    [Tags]    req:DIA-002
    Diagnostic Session      extended    keep=yes
    Sleep                   12 s
    Identifier Should Be    active session    3

A reset restarts the ECU
    [Tags]    req:DIA-003
    Reset Ecu
    Console Should Show     boot reason: software    within=1 s
    Ecu Should Answer       within=5 s

A request to all that is not meant for this ECU stays without an answer
    [Tags]    req:DIA-004
    Diagnostic Request    B5          answer=${EMPTY}    functional=yes
    Diagnostic Request    22 12 34    answer=${EMPTY}    functional=yes
    Diagnostic Request    22 F1 91    answer=62 F1 91    functional=yes

Every answer is in time
    [Tags]    req:DIA-005
    Diagnostic Request    3E 00
    Read Identifier       VIN
    Clear Trouble Codes
    Diagnostic Answers Should Be In Time

Wrong keys shut the ECU for ten seconds, also across a reset
    [Tags]    req:DIA-007    timeout:60 s
    Diagnostic Session    extended
    FOR    ${refusal}    IN    35    35    36
        Diagnostic Request    27 01
        Diagnostic Request    27 02 00 00 00 00    refusal=${refusal}
    END
    Reset Ecu
    Ecu Should Answer     within=5 s
    Diagnostic Session    extended    keep=yes
    Diagnostic Request    27 01    refusal=37
    Sleep                 10 s
    Unlock Ecu

Configuration is written behind security and stays
    [Tags]    req:DIA-008
    Diagnostic Session      extended
    Diagnostic Request      2E 03 00 27 10    refusal=33
    Unlock Ecu
    Write Identifier        service interval    27 10
    Power Off
    Sleep                   1 s
    Power On
    Ecu Should Answer       within=5 s
    Identifier Should Be    service interval    10000 km

What is not possible is refused with the right code
    [Tags]    req:DIA-009
    [Template]    Diagnostic Request
    B5          refusal=11
    10 04       refusal=12
    22 F1       refusal=13
    22 12 34    refusal=31
    10 02       refusal=7E
    27 01       refusal=7F

A lost control unit is stored, and cleared with its cause
    [Tags]    req:DIA-010    timeout:60 s
    Stop Node                          ESC
    Sleep                              3 s
    Trouble Code Should Be Stored      U0121
    Resume Node                        ESC
    Sleep                              2 s
    Clear Trouble Codes
    No Trouble Code Should Be Stored
    Reset Ecu
    Ecu Should Answer                  within=5 s
    No Trouble Code Should Be Stored
