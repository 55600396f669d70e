*** Settings ***
Documentation       A cluster that is not ours: one lamp and one number, as its specification says.
Library             hil.robot


*** Test Cases ***
Low insulation lights the amber lamp
    [Documentation]    The lamp is lit while the warning is there, and only then.
    [Tags]    req:DASH-010
    Telltale Should Be    insulation    off
    Set Signal    Wrn_HvIsol    Warning
    Telltale Should Be    insulation    on    within=2 s
    Set Signal    Wrn_HvIsol    NoWarning
    Telltale Should Be    insulation    off    within=2 s

The range is shown in whole kilometres
    [Documentation]    One, two and three digits; half a kilometre is rounded down.
    [Tags]    req:DASH-020
    [Template]    Range Of ${sent} Is Shown As ${shown}
    7 km        7
    42.5 km     42
    380 km      380

A range that is not valid is not shown
    [Documentation]    Dashes instead of a number when the car says that it doesn't know its range.
    [Tags]    req:DASH-021
    Set Signal    Rng_Disp    120 km
    Text Should Be    range    120    within=2 s
    Set Signal    Rng_Disp    NotAvailable
    Text Should Be    range    ---    within=2 s

No range is shown when nobody sends it
    [Documentation]    A range that is no longer known must not stay on the screen.
    [Tags]    req:DASH-022
    Set Signal    Rng_Disp    55 km
    Text Should Be    range    55    within=2 s
    Stop Message    VCU_EnergyInfo_A
    Text Should Be    range    ---    within=2 s
    Resume Message    VCU_EnergyInfo_A
    Text Should Be    range    55    within=2 s


*** Keywords ***
Range Of ${sent} Is Shown As ${shown}
    Set Signal    Rng_Disp    ${sent}
    Text Should Be    range    ${shown}    within=2 s
