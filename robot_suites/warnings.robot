*** Settings ***
Documentation       Warnings: what the driver is told, in which words, how urgent, in which order, and for how long.
...
...                 The table is fixtures/tables/warnings.csv. Lines are parted by a bar in it.
Library             hil.robot


*** Test Cases ***
Each warning is shown in each language
    [Documentation]    Words, severity and symbol of the table; the words change with the language of the setting.
    [Tags]    req:CLU-WRN-007    req:CLU-LANG-001    table:warnings.csv rule=
    Set Signal    ${signal}    ${value}
    The Warning Should Be Shown In Each Language

A warning of a control unit that is silent is shown
    [Documentation]    The brake control sends no more: the driver is told, in each language.
    [Tags]    req:CLU-WRN-007    req:CLU-LANG-001    table:warnings.csv warning=brakes_unknown
    Stop Message    ${lost_message}
    The Warning Should Be Shown In Each Language

A warning of an open door is shown while driving
    [Documentation]    Not at a standstill, where everybody opens doors.
    [Tags]    req:CLU-WRN-009    table:warnings.csv warning=door_open_driving
    Set Signal    DoorFrontRight    Open
    No Warning Should Be Shown    during=1 s
    Set Signal    VehicleSpeed    10 km/h
    The Warning Should Be Shown In Each Language

A warning of the parking brake is shown while driving
    [Documentation]    Not at a standstill.
    [Tags]    req:CLU-WRN-009    table:warnings.csv warning=park_brake_driving
    Set Signal    ParkBrakeState    Applied
    No Warning Should Be Shown    during=1 s
    Set Signal    VehicleSpeed    10 km/h
    The Warning Should Be Shown In Each Language

A warning of the seat belt is shown while driving
    [Documentation]    Above 25 km/h with the driver unbelted, until the belt is buckled.
    [Tags]    req:CLU-WRN-009    table:warnings.csv warning=seat_belt
    Set Signal    SeatBeltDriver    Unbuckled
    Set Signal    VehicleSpeed    20 km/h
    No Warning Should Be Shown    during=1 s
    Set Signal    VehicleSpeed    30 km/h
    The Warning Should Be Shown In Each Language
    Set Signal    SeatBeltDriver    Buckled
    No Warning Should Be Shown    within=4 s

A more urgent warning replaces a less urgent one
    [Documentation]    Washer fluid must not hide the brakes. When they are well again it comes back.
    [Tags]    req:CLU-WRN-001    realtime
    Set Signal    WasherFluidLow    On
    Warning Should Be Shown    Washer fluid low    severity=information    within=1 s
    Set Signal    BrakeWarning    On
    Warning Should Be Shown    Brake fault Stop safely    severity=critical    symbol=brake    within=500 ms

A less urgent warning doesn't replace a more urgent one
    [Documentation]    The brakes stay on the screen, whatever comes after them.
    [Tags]    req:CLU-WRN-001
    Set Signal    BrakeWarning    On
    Warning Should Be Shown    Brake fault Stop safely    severity=critical    within=1 s
    Set Signals    WasherFluidLow=On    AbsFault=On    FuelLow=On
    Signal Should Be    WarningsQueued    3    within=1 s
    Warning Should Be Shown    Brake fault Stop safely    within=0 s
    No Warning Should Be Shown    text=Washer fluid low    during=2 s
    Warning Should Be Shown    Brake fault Stop safely    severity=critical    within=0 s

Warnings of several severities are shown in their order
    [Documentation]    Acknowledged one by one: critical, warning, caution, information.
    [Tags]    req:CLU-WRN-001    req:CLU-WRN-003
    Set Signals    ServiceDue=On    FuelLow=On    AirbagFault=On    OilPressureLow=On
    Warning Should Be Shown    Oil pressure low Stop the engine    severity=critical    within=1 s
    Press Ok
    Warning Should Be Shown    Airbag fault Visit workshop    severity=warning    within=1 s
    Press Ok
    Warning Should Be Shown    Fuel low Please refuel    severity=caution    within=1 s
    Press Ok
    Warning Should Be Shown    Service due    severity=information    within=1 s
    Press Ok
    No Warning Should Be Shown    within=1 s

A warning that comes while another is shown waits
    [Documentation]    It is counted, and shown after the first.
    [Tags]    req:CLU-WRN-002    realtime
    Set Signal    BulbFault    On
    Warning Should Be Shown    Check lights    within=1 s
    Set Signal    ServiceDue    On
    Signal Should Be    WarningsQueued    1    within=2 s
    Warning Should Be Shown    Check lights    within=0 s
    Warnings Should Come In Order    Check lights    Service due    within=8 s
    Signal Should Be    WarningsQueued    0    within=500 ms

The driver acknowledges a warning
    [Documentation]    OK on the wheel: it goes and stays away. The lamp stays lit as long as the fault is there.
    [Tags]    req:CLU-WRN-003    realtime
    Set Signal    AbsFault    On
    Warning Should Be Shown    ABS fault Drive carefully    within=1 s
    Sleep    500 ms
    Set Signal    ButtonOk    Pressed
    No Warning Should Be Shown    within=500 ms
    Signal Should Be    WarningAcknowledged    Yes    within=500 ms
    Set Signal    ButtonOk    Released
    No Warning Should Be Shown    during=3 s
    Telltale Should Be    abs    on    within=0 s

An acknowledged warning is shown again at the next ignition on
    [Documentation]    Its cause is still there, and perhaps another driver.
    [Tags]    req:CLU-WRN-003
    Set Signal    AbsFault    On
    Warning Should Be Shown    ABS fault Drive carefully    within=1 s
    Press Ok
    No Warning Should Be Shown    within=500 ms
    Ignition    off
    Screen Should Be    off
    Ignition    on
    Warning Should Be Shown    ABS fault Drive carefully    within=6 s

A warning stays long enough to be read
    [Documentation]    Its cause is gone after half a second; it stays for 3 s, and then it goes.
    [Tags]    req:CLU-WRN-004    realtime
    Set Signal    AbsFault    On
    Warning Should Be Shown    ABS fault Drive carefully    within=1 s
    Sleep    500 ms
    Set Signal    AbsFault    Off
    Warning Should Stay    during=2 s
    No Warning Should Be Shown    within=1500 ms

An information goes by itself, a warning does not
    [Documentation]    Information after 5 s; a warning as long as its cause is there.
    [Tags]    req:CLU-WRN-008
    Set Signal    WasherFluidLow    On
    Warning Should Be Shown    Washer fluid low    within=1 s
    Warning Should Stay    during=4 s
    No Warning Should Be Shown    within=2 s
    Set Signal    AbsFault    On
    Warning Should Be Shown    ABS fault Drive carefully    within=1 s
    Warning Should Stay    during=8 s

No warning is shown while the engine is cranked
    [Documentation]    Control units without voltage are no news. What is still there afterwards is shown.
    [Tags]    req:CLU-WRN-005
    Set Signal    PowerMode    Crank
    Sleep    200 ms
    Set Signal    AbsFault    On
    No Warning Should Be Shown    during=1500 ms
    Set Signal    PowerMode    On
    Warning Should Be Shown    ABS fault Drive carefully    within=2 s

The warning of ice comes once an ignition cycle
    [Documentation]    Below 3 degC; around that limit it must not come again and again. The lamp follows.
    [Tags]    req:CLU-WRN-006    table:warnings.csv warning=ice
    Outside Temperature Is    4 degC
    No Warning Should Be Shown    during=1 s
    Outside Temperature Is    2 degC
    The Warning Should Be Shown In Each Language
    Telltale Should Be    ice    on    within=0 s
    Press Ok
    No Warning Should Be Shown    within=500 ms
    Outside Temperature Is    8 degC
    Telltale Should Be    ice    off    within=1 s
    Outside Temperature Is    2 degC
    Telltale Should Be    ice    on    within=1 s
    No Warning Should Be Shown    during=2 s


*** Keywords ***
The Warning Should Be Shown In Each Language
    [Documentation]    The row's words, severity and symbol; English is the setting of a new vehicle.
    ${sign} =    Evaluate    $symbol or $priority
    Warning Should Be Shown    ${en.replace(' | ', ' ')}    severity=${priority}    symbol=${sign}    within=1500 ms
    Signal Should Be    WarningShown    ${number}    within=500 ms
    Use Words Of    de    ${de}
    Use Words Of    fr    ${fr}
    Use Words Of    es    ${es}

Use Words Of
    [Arguments]    ${language}    ${words}
    Send To Console    set language ${language}
    Console Should Show    language = ${language}
    Warning Should Be Shown    ${words.replace(' | ', ' ')}    within=500 ms

Press Ok
    [Documentation]    A warning must have been there for a moment: nobody acknowledges what he can't have seen.
    Sleep    400 ms
    Set Signal    ButtonOk    Pressed
    Sleep    200 ms
    Set Signal    ButtonOk    Released

Outside Temperature Is
    [Arguments]    ${temperature}
    Set Signal    BCM_Ambient.OutsideTemperature    ${temperature}
    Sleep    800 ms
