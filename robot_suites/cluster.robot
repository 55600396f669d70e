*** Settings ***
Documentation       The instrument cluster comes up and stays up.
Library             hil.robot


*** Test Cases ***
The ECU boots when the supply is switched on
    [Documentation]    Boot log on the console, then a lit screen.
    [Tags]    req:CLU-BOOT-001    req:CLU-PWR-001    start:off    realtime    guest
    Screen Should Be    off
    Power On
    Console Should Show    boot complete    within=3 s
    Screen Should Be    on    within=2 s
    ${version} =    Console Version
    Should Be Equal    ${version}    1.0.0
    Current Should Be    above=1 A    below=3 A

The ECU stays up after its start
    [Documentation]    A restart shows as a second boot log and a dark screen.
    [Tags]    req:CLU-BOOT-001    realtime
    Console Should Show    boot complete
    Console Should Not Show    bootloader    during=5 s
    Screen Should Be    on


*** Keywords ***
Console Version
    Send To Console    version
    ${version} =    Console Should Match    software (\\S+)\\s
    RETURN    ${version}
