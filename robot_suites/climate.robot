*** Settings ***
Documentation       Climate on the centre screen: what is touched is asked of the climate control, in its unit and for the
...                 right side; what is shown is what the climate control answers.
Library             hil.robot
Test Setup          Driver Opens Climate


*** Test Cases ***
A step asks for its side of the climate
    [Documentation]    One touch, one request: for this side and no other. The screen shows the answer of the car, not the
    ...    request.
    [Tags]    req:CTR-CLI-001
    [Template]    Touch Of ${button} Makes ${signal} From ${before} To ${asked} Shown As ${shown} In ${item} Without ${other}
    left_plus      SetTemperatureLeft     21.5 degC    22 degC      22.0 °C    temperature_left     SetTemperatureRight
    left_minus     SetTemperatureLeft     21.5 degC    21 degC      21.0 °C    temperature_left     SetTemperatureRight
    right_plus     SetTemperatureRight    19 degC      19.5 degC    19.5 °C    temperature_right    SetTemperatureLeft
    right_minus    SetTemperatureRight    19 degC      18.5 degC    18.5 °C    temperature_right    SetTemperatureLeft
    fan_plus       FanLevel               3            4            4          fan                  SetTemperatureLeft

A switch of the climate is lit when the car says so
    [Documentation]    Each asks for itself, and is lit only by the answer.
    [Tags]    req:CTR-CLI-001
    [Template]    Switch ${button} Asks For ${signal}
    ac    AirConditioning
    sync    ClimateSync
    recirculation    Recirculation
    defrost_front    DefrostFront
    defrost_rear    DefrostRear
    auto    ClimateAuto

Two quick touches are two steps
    [Documentation]    The second builds on the first, though the car hasn't answered yet.
    [Tags]    req:CTR-CLI-001
    Set Signal    SetTemperatureLeft    21.5 degC
    Text Should Be    temperature_left    21.5 °C    screen=centre
    Touch    left_plus
    Signal Should Be    SetTemperatureLeftRequest    22 degC    within=300 ms
    Touch    left_plus
    Signal Should Be    SetTemperatureLeftRequest    22.5 degC    within=500 ms

With both sides in step both are asked for
    [Documentation]    Sync is on: the driver's step counts for the passenger too.
    [Tags]    req:CTR-CLI-004
    Set Signals    ClimateSync=On    SetTemperatureLeft=21.5 degC    SetTemperatureRight=21.5 degC
    Screen Should Show    sync_lit    within=1 s    screen=centre
    Touch    left_plus
    Signal Should Be    SetTemperatureLeftRequest    22 degC    within=500 ms
    Signal Should Be    SetTemperatureRightRequest    22 degC    within=0 s

No temperature beyond the ends is asked for
    [Documentation]    At 29 degC warmer stays 29, at 15 degC colder stays 15.
    [Tags]    req:CTR-CLI-004
    Set Signals    SetTemperatureLeft=29 degC    SetTemperatureRight=15 degC
    Text Should Be    temperature_left    29.0 °C    screen=centre
    Text Should Be    temperature_right    15.0 °C    screen=centre
    Touch    left_plus
    Signal Should Be    SetTemperatureLeftRequest    29 degC    within=500 ms
    Sleep    500 ms
    Touch    right_minus
    Signal Should Be    SetTemperatureRightRequest    15 degC    within=500 ms

With degrees Fahrenheit the car is asked in degrees Celsius
    [Documentation]    71 °F are shown for 21.5 degC; one step warmer asks for 22 degC, and 72 °F are shown.
    [Tags]    req:CTR-CLI-002    realtime
    Set Signal    SetTemperatureLeft    21.5 degC
    Touch    dock_settings
    Touch    unit_fahrenheit
    Signal Should Be    TemperatureUnit    Fahrenheit    within=1 s
    Touch    dock_climate
    Text Should Be    temperature_left    71 °F    within=1 s    screen=centre
    Touch    left_plus
    Signal Should Be    SetTemperatureLeftRequest    22 degC    within=500 ms
    Set Signal    SetTemperatureLeft    22 degC
    Text Should Be    temperature_left    72 °F    within=1 s    screen=centre

Without the climate control nothing is made up
    [Documentation]    Its sender is silent: dashes, and a touch asks for nothing it can't know.
    [Tags]    req:CTR-CLI-003    realtime
    Text Should Be    temperature_left    21.5 °C    screen=centre
    Stop Message    HVAC_Status
    Text Should Be    temperature_left    ---    within=3 s    screen=centre
    Text Should Be    temperature_right    ---    within=0 s    screen=centre
    Text Should Be    fan    ---    within=0 s    screen=centre
    Touch    left_plus
    Check Should Fail    Signal Should Be    SetTemperatureLeftRequest    22 degC    within=500 ms
    Resume Message    HVAC_Status
    Text Should Be    temperature_left    21.5 °C    within=1 s    screen=centre


*** Keywords ***
Driver Opens Climate
    Touch    dock_climate
    Screen Should Show    climate    within=1 s    screen=centre

Touch Of ${button} Makes ${signal} From ${before} To ${asked} Shown As ${shown} In ${item} Without ${other}
    Set Signal    HVAC_Status.${signal}    ${before}
    # until the answer to an earlier request isn't awaited any more
    Sleep    2 s
    Touch    ${button}
    Signal Should Be    ${signal}Request    ${asked}    within=500 ms
    Signal Should Be    ${other}Request    SNA    within=0 s
    Sleep    500 ms
    Check Should Fail    Text Should Be    ${item}    ${shown}    within=0 s    screen=centre
    Set Signal    HVAC_Status.${signal}    ${asked}
    Text Should Be    ${item}    ${shown}    within=1 s    screen=centre

Switch ${button} Asks For ${signal}
    Set Signal    HVAC_Status.${signal}    Off
    Sleep    400 ms
    Touch    ${button}
    Signal Should Be    ${signal}Request    On    within=500 ms
    Sleep    200 ms
    Screen Should Not Show    ${button}_lit    within=0 s    screen=centre
    Set Signal    HVAC_Status.${signal}    On
    Screen Should Show    ${button}_lit    within=1 s    screen=centre
