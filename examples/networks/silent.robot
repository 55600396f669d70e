*** Settings ***
Library    hil.robot

*** Test Cases ***
Nobody asks for the status
    Sleep    5 s
