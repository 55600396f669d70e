*** Settings ***
Documentation       Telltales: each follows its own signal, in its own colour, and says so when nobody knows better.
...
...                 The tables are fixtures/tables/telltales.csv (what lights each of them, and its colour) and
...                 safety_senders.csv (what is lit when a control unit is lost).
Library             hil.robot


*** Variables ***
# FMVSS 101 and UN R121 ask for a check of the lamps at ignition on; these take part in it on every variant.
@{BULB_CHECK}       engine    oil    coolant    battery    brake    park_brake    abs    esc    esc_off    tyre
...                 airbag    passenger_airbag_off    seat_belt    fuel    steering    brake_pad    immobiliser
...                 particulate_filter    transmission    ecall


*** Test Cases ***
Each telltale follows its signal and no other
    [Documentation]    Lit in its colour while its signal says so, and dark otherwise. Its neighbours stay dark.
    [Tags]    req:CLU-TT-005    req:CLU-TT-006    table:telltales.csv
    Lit Telltales Should Be
    Set Signal    ${signal}    ${lit_by}
    Telltale Should Be    ${telltale}    on    within=1 s    colour=${colour}
    Lit Telltales Should Be    ${telltale}    within=0 s
    Signal Should Be    CLU_Telltales.${lamp}    On    within=500 ms
    Set Signal    ${signal}    ${dark_by}
    Lit Telltales Should Be    within=1.5 s
    Signal Should Be    CLU_Telltales.${lamp}    Off    within=500 ms

Main beam lights its telltale
    [Documentation]    Blue lamp on with main beam, off without; its neighbours stay dark.
    [Tags]    req:CLU-TT-001    realtime    guest
    Telltale Should Be    high_beam    off
    Set Signal    HighBeam    On
    Telltale Should Be    high_beam    on    within=500 ms    colour=blue
    Telltale Should Be    low_beam    off
    Set Signal    HighBeam    Off
    Telltale Should Be    high_beam    off    within=500 ms

The main-beam telltale is fast
    [Documentation]    From the frame on the bus to the lit lamp, ten times, at any phase of the message.
    [Tags]    req:CLU-TT-002
    Telltale Should React    high_beam    HighBeam    On    rest=Off    limit=200 ms    samples=10

A fault that is gone leaves no lamp lit
    [Documentation]    Comes, goes and comes again: the lamp follows within 500 ms each time.
    [Tags]    req:CLU-TT-006    realtime
    FOR    ${_}    IN RANGE    2
        Set Signal    AbsFault    On
        Telltale Should Be    abs    on    within=500 ms
        Set Signal    AbsFault    Off
        Telltale Should Be    abs    off    within=500 ms
    END

Several faults light several lamps
    [Documentation]    No lamp hides another.
    [Tags]    req:CLU-TT-005    realtime
    Set Signals    AbsFault=On    BrakeWarning=On    AirbagFault=On    LowBeam=On    PositionLights=On
    Lit Telltales Should Be    abs    brake    airbag    low_beam    position_lights    within=1 s
    Set Signals    AbsFault=Off    BrakeWarning=Off    AirbagFault=Off    LowBeam=Off    PositionLights=Off
    Lit Telltales Should Be    within=1 s

What is not fitted is never lit
    [Documentation]    A vehicle without traction battery and air suspension has none of their lamps, whatever is sent.
    [Tags]    req:CLU-TT-005    variant:brio
    Set Signals    HvBatteryFault=On    ReadyToDrive=On    SuspensionFault=On    ChargePlug=Connected
    Sleep    1 s
    Lit Telltales Should Be    within=0 s

# Bulb check ----------------------------------------------------------------------------------------------------------

The lamps are checked at ignition on
    [Documentation]    The driver sees that no lamp is broken: all are lit for 3 s, then dark. Others stay dark.
    [Tags]    req:CLU-TT-003
    Switch The Ignition Off And On
    FOR    ${telltale}    IN    @{BULB_CHECK}
        Telltale Should Be    ${telltale}    on    within=300 ms
    END
    Telltale Should Be    low_beam    off    within=0 s
    Telltale Should Be    high_beam    off    within=0 s
    Telltale Should Be    turn_left    off    within=0 s
    Signal Should Be    LampBulbCheck    On    within=500 ms
    Telltale Should Stay    brake    on    during=2 s
    Lit Telltales Should Be    within=1.2 s
    Signal Should Be    LampBulbCheck    Off    within=500 ms

The lamp of the traction battery is checked at ignition on
    [Documentation]    As the others, on vehicles that have one.
    [Tags]    req:CLU-TT-003    needs:hybrid
    Switch The Ignition Off And On
    Telltale Should Be    hv_battery    on    within=300 ms
    Telltale Should Stay    hv_battery    on    during=2 s
    Telltale Should Be    hv_battery    off    within=1.5 s

A fault that is there at ignition on outlasts the lamp check
    [Documentation]    The check must not put out a lamp that has a reason.
    [Tags]    req:CLU-TT-003
    Set Signal    AirbagFault    On
    Switch The Ignition Off And On
    Telltale Should Be    airbag    on    within=1 s
    Telltale Should Stay    airbag    on    during=4 s
    Lit Telltales Should Be    airbag    within=0 s

# Lost and damaged senders --------------------------------------------------------------------------------------------

A silent control unit lights its lamps
    [Documentation]    Nobody can say that all is well, so the lamp says that it may not be. Others stay dark.
    [Tags]    req:CLU-TT-004    table:safety_senders.csv
    Stop Message    ${message}
    Lamps Should Be    ${telltales}    on    within=${within}
    Telltale Should Be    ${other}    off    within=0 s
    Resume Message    ${message}
    Lamps Should Be    ${telltales}    off    within=2 s

A control unit with a wrong checksum lights its lamps
    [Documentation]    What it says can't be trusted: as if it were silent.
    [Tags]    req:CLU-TT-011    table:safety_senders.csv e2e=yes
    Corrupt Crc    ${message}
    Lamps Should Be    ${telltales}    on    within=2 s
    Telltale Should Be    ${other}    off    within=0 s
    Corrupt Crc    ${message}    off
    Lamps Should Be    ${telltales}    off    within=2 s

A control unit whose counter stands lights its lamps
    [Documentation]    Its program hangs and its controller goes on sending: `all is well` means nothing.
    [Tags]    req:CLU-TT-011    realtime
    Freeze Counter    ESC_Speed
    Lamps Should Be    brake abs esc    on    within=2 s
    Freeze Counter    ESC_Speed    off
    Lamps Should Be    brake abs esc    off    within=2 s

A fault of the tyre monitor flashes, then stays lit
    [Documentation]    FMVSS 138 S4.4: it flashes for 60 to 90 s, then it is lit. Low pressure is lit at once (table).
    [Tags]    req:CLU-TT-007    timeout:150 s
    Set Signal    TyreLamp    Blinking
    Telltale Should Be    tyre    on    within=2 s
    Telltale Should Blink    tyre    1 Hz    tolerance=0.1 Hz    during=59 s
    Sleep    31 s
    Telltale Should Stay    tyre    on    during=3 s

# Indicators ----------------------------------------------------------------------------------------------------------

The indicators flash in their rhythm
    [Documentation]    UN R48: 60 to 120 flashes a minute. The other side stays dark.
    [Tags]    req:CLU-TT-008    realtime
    [Template]    Indicator ${side} Flashes And Not ${other}
    Left    Right
    Right    Left

With the hazard lights both indicators flash in step
    [Documentation]    Both lit, both dark, at the same instants.
    [Tags]    req:CLU-TT-009    req:CLU-TT-008
    Set Signals    Hazard=On    TurnLeft=On    TurnRight=On
    Telltale Should Be    turn_left    on    within=1 s
    Telltales Should Stay In Step    turn_left    turn_right    during=3 s
    Telltale Should Blink    turn_left    1.5 Hz    tolerance=0.5 Hz

A failed indicator lamp doubles the rhythm
    [Documentation]    UN R48 wants the failure told by a clearly different rhythm: here twice as fast.
    [Tags]    req:CLU-TT-010
    Set Signals    TurnLeft=On    FlasherFast=Yes
    Telltale Should Blink    turn_left    3 Hz    tolerance=0.3 Hz
    Set Signal    FlasherFast    No
    Sleep    500 ms
    Telltale Should Blink    turn_left    1.5 Hz    tolerance=0.3 Hz

The indicators follow the lamps outside
    [Documentation]    Where the body control says when its lamps are lit, the telltale is lit with them, and not by a
    ...    rhythm of its own.
    [Tags]    req:CLU-TT-012    realtime
    Set Signals    TurnLeft=On    FlasherMode=Left    FlasherLit=Yes
    Telltale Should Be    turn_left    on    within=500 ms
    FOR    ${_}    IN RANGE    3
        Telltale Should Stay    turn_left    on    during=450 ms
        Set Signal    FlasherLit    No
        Telltale Should Be    turn_left    off    within=200 ms
        Telltale Should Stay    turn_left    off    during=450 ms
        Set Signal    FlasherLit    Yes
        Telltale Should Be    turn_left    on    within=200 ms
    END


*** Keywords ***
Switch The Ignition Off And On
    Ignition    off
    Screen Should Be    off
    Ignition    on
    Screen Should Be    on

Lamps Should Be
    [Arguments]    ${telltales}    ${state}    ${within}
    ${names} =    Evaluate    $telltales.split()
    FOR    ${telltale}    IN    @{names}
        Telltale Should Be    ${telltale}    ${state}    within=${within}
    END

Indicator ${side} Flashes And Not ${other}
    ${lamp} =    Set Variable    turn_${side.lower()}
    ${dark} =    Set Variable    turn_${other.lower()}
    Set Signal    Turn${side}    On
    Telltale Should Blink    ${lamp}    1.5 Hz    tolerance=0.5 Hz    cycles=4
    Telltale Should Be    ${dark}    off    within=0 s
    Set Signal    Turn${side}    Off
    Telltale Should Be    ${lamp}    off    within=500 ms
    Telltale Should Stay    ${lamp}    off    during=1 s
