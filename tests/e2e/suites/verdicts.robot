*** Settings ***
Library     hil.robot


*** Test Cases ***
Passes
    [Tags]    req:T-1
    Set Signal    HighBeam    On
    Telltale Should Be    high_beam    on

Fails
    [Tags]    req:T-1
    Telltale Should Be    high_beam    on    within=100 ms

Catches a failed check
    [Tags]    req:T-2
    Run Keyword And Ignore Error    Telltale Should Be    high_beam    on    within=100 ms

Declares a failed check
    Check Should Fail    Telltale Should Be    high_beam    on    within=100 ms

Declares a failed check that passes
    Check Should Fail    Telltale Should Be    high_beam    off

Catches a bench fault
    Run Keyword And Ignore Error    Send To Console    x    console=spare
    Run Keyword And Ignore Error    Sleep    1 s
    Run Keyword And Ignore Error    Telltale Should Be    high_beam    off

Retries a bench fault
    Run Keyword And Ignore Error
    ...    Wait Until Keyword Succeeds    5 s    1 s    Send To Console And Wait

Is inconclusive
    Telltale Should React    high_beam    HighBeam    On    rest=Off    limit=30 ms    samples=12

Catches an inconclusive measurement
    Run Keyword And Ignore Error
    ...    Telltale Should React    high_beam    HighBeam    On    rest=Off    limit=30 ms    samples=12

Does not apply
    Skip    this variant has no head-up display

Names an unknown signal
    Set Signal    HighBeem    On

Catches its own mistake
    Run Keyword And Ignore Error    Set Signal    VehicleSpeed    9999 km/h

Waits in wall time
    BuiltIn.Sleep    1 s

Retries until it succeeds
    Set Signal    HighBeam    On
    Wait Until Keyword Succeeds    2 s    50 ms    Telltale Should Be    high_beam    on    within=0 s

Uses up its time
    [Tags]    timeout:2 s
    Sleep    10 s

Makes no check
    Set Signal    HighBeam    On

Compares by itself
    ${state}=    Get Signal    ClusterState
    Should Be Equal As Numbers    ${state}    2


*** Keywords ***
Send To Console And Wait
    Send To Console    x    console=spare
    Sleep    1 s
