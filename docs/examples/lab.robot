*** Settings ***
Library    hil.robot

*** Test Cases ***
The console answers
    Send To Console        version
    Console Should Show    software
