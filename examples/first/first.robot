*** Settings ***
Library    hil.robot

*** Test Cases ***
The speed is shown in figures
    [Tags]    req:CLU-SPD-002    req:CLU-SPD-003
    Set Signal        VehicleSpeed    87 km/h
    Text Should Be    speed           87    within=1 s
    Set Signal        VehicleSpeed    SNA
    Text Should Be    speed           ---   within=1 s
