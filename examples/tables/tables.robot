*** Settings ***
Library    hil.robot


*** Test Cases ***
The digital speed is what is sent
    [Tags]    table:speeds.csv
    Set Signal    VehicleSpeed    ${sent} km/h
    Text Should Be    speed    ${sent}    within=1 s

The needle never shows too little
    [Tags]    table:speeds.csv
    [Template]    ${sent} km/h Is Shown Up To ${shown_at_most} km/h


*** Keywords ***
${sent} km/h Is Shown Up To ${most} km/h
    Set Signal    VehicleSpeed    ${sent} km/h
    ${middle} =    Evaluate    (${sent} + ${most}) / 2
    ${half} =    Evaluate    (${most} - ${sent}) / 2 + 0.5
    Needle Should Show    speed_needle    ${middle} km/h    tolerance=${half} km/h    within=2 s
