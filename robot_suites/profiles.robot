*** Settings ***
Documentation       Drivers and their profiles on the centre screen: who is recognised finds the car as he left it.
Library             hil.robot


*** Test Cases ***
A driver who is recognised finds all his settings
    [Documentation]    Language, units, clock and climate together, on the screen and on the bus.
    [Tags]    req:CTR-PRO-001    realtime    needs:profiles    table:profiles.csv
    Set Signals    DriverProfile=${before}    DriverRecognisedBy=Key    BCM_Ambient.OutsideTemperature=20 degC
    Signal Should Be    ProfileActive    ${before}    within=2 s
    Sleep    1 s
    Set Signal    DriverProfile    ${profile}
    Signal Should Be    SetTemperatureLeftRequest    ${left}    within=1 s
    Signal Should Be    SetTemperatureRightRequest    ${right}    within=0 s
    Signal Should Be    ProfileActive    ${profile}    within=1 s
    Text Should Be    profile    ${name}    screen=centre
    Text Should Be    outside    ${outside}    screen=centre
    Touch    dock_settings
    Text Should Be    language_label    ${word}    screen=centre
    Signal Should Be    CLU_Settings.Language    ${language}    within=1 s
    Signal Should Be    CLU_Settings.SpeedUnit    ${speed_unit}    within=0 s
    Signal Should Be    CLU_Settings.TemperatureUnit    ${temperature_unit}    within=0 s
    Signal Should Be    CLU_Settings.ClockFormat    ${clock}    within=0 s

A profile is asked for on the screen
    [Documentation]    The car decides who drives: the screen asks, and follows what the car says.
    [Tags]    req:CTR-PRO-001    needs:profiles
    Set Signals    DriverProfile=1    DriverRecognisedBy=Key
    Touch    tile_profiles
    Screen Should Show    profiles    screen=centre
    Text Should Be    profile_1_state    Active    screen=centre
    Touch    profile_2
    Signal Should Be    ProfileCommand    Load    within=300 ms
    Signal Should Be    ProfileTarget    2    within=0 s
    Sleep    300 ms
    Text Should Be    profile_2_state    Select    within=0 s    screen=centre
    Set Signal    DriverProfile    2
    Text Should Be    profile_2_state    Aktiv    within=2 s    screen=centre

What a driver sets is his own
    [Documentation]    He sets Spanish and miles, another one drives, the battery is disconnected, he comes back.
    [Tags]    req:CTR-PRO-002    needs:profiles
    Driver Is    1
    Driver Is    2
    Touch    dock_settings
    Touch    language_es
    Touch    unit_mi
    Signal Should Be    CLU_Settings.Language    Spanish    within=1 s
    Driver Is    1
    Signal Should Be    CLU_Settings.Language    English    within=1 s
    Signal Should Be    CLU_Settings.SpeedUnit    KmPerHour    within=1 s
    Power Off
    Screen Should Be    off
    Power On
    Screen Should Show    home    within=6 s    screen=centre
    Driver Is    2
    Signal Should Be    CLU_Settings.Language    Spanish    within=2 s
    Signal Should Be    CLU_Settings.SpeedUnit    MilesPerHour    within=1 s

A guest leaves nothing behind
    [Documentation]    What a guest sets is gone for the next guest.
    [Tags]    req:CTR-PRO-002    needs:profiles
    Driver Is    0
    Touch    dock_settings
    Touch    language_fr
    Signal Should Be    CLU_Settings.Language    French    within=1 s
    Driver Is    1
    Driver Is    0
    Signal Should Be    CLU_Settings.Language    English    within=1 s
    Text Should Be    profile    Guest    screen=centre


*** Keywords ***
Driver Is
    [Arguments]    ${profile}
    Set Signals    DriverProfile=${profile}    DriverRecognisedBy=Key
    Signal Should Be    ProfileActive    ${profile}    within=2 s
    Sleep    600 ms
