*** Settings ***
Documentation       Fingers and keys on the centre screen: what is touched is answered at once, and does what it says.
Library             hil.robot


*** Test Cases ***
A touch is answered within 250 ms
    [Documentation]    From the finger on the glass to the bright frame round the button, while the finger is still down.
    [Tags]    req:CTR-TCH-002    realtime
    Screen Should React To Touch    touched_climate    button=dock_climate    rest=dock_home    limit=250 ms
    ...    samples=10    source=AAM 3.5, from memory    screen=centre    hold=500 ms
    Screen Should React To Touch    touched_settings    button=dock_settings    rest=dock_home    limit=250 ms
    ...    samples=10    source=AAM 3.5, from memory    screen=centre    hold=500 ms

A button of the dock opens its view
    [Documentation]    The view whose button is under the finger, each in turn.
    [Tags]    req:CTR-TCH-001    realtime
    FOR    ${view}    IN    media    phone    settings    climate    home
        Touch    dock_${view}
        Screen Should Show    ${view}    within=500 ms    screen=centre
    END

A finger that slides off operates nothing
    [Documentation]    Down on a button, lifted in the middle of the screen, and the other way round.
    [Tags]    req:CTR-TCH-006
    Swipe    dock_climate    700,150
    Sleep    500 ms
    Screen Should Show    home    within=0 s    screen=centre
    Swipe    700,150    dock_climate
    Sleep    500 ms
    Screen Should Show    home    within=0 s    screen=centre

Touch works after sleep
    [Documentation]    The car slept; the driver comes back and touches. What was open before is still open.
    [Tags]    req:CTR-TCH-003    start:sleep
    Ignition    on
    Wake Network
    Screen Should Show    home    within=3 s    screen=centre
    Touch    dock_climate
    Screen Should Show    climate    within=500 ms    screen=centre
    Press Key    home
    Screen Should Show    home    within=500 ms    screen=centre

One press of Back is one step back
    [Documentation]    From climate to media; a second press would lead to climate again.
    [Tags]    req:CTR-TCH-004    realtime
    Touch    dock_media
    Screen Should Show    media    screen=centre
    Touch    dock_climate
    Screen Should Show    climate    screen=centre
    Press Key    back
    Screen Should Show    media    within=500 ms    screen=centre
    Sleep    500 ms
    Screen Should Show    media    within=0 s    screen=centre

The place of a touch is told on the bus
    [Documentation]    While the finger is down; afterwards none.
    [Tags]    req:CTR-TCH-005
    Touch    700    500    hold=500 ms
    Signal Should Be    CLU_Hmi.TouchX    700    within=0 s
    Signal Should Be    CLU_Hmi.TouchY    500    within=0 s
    Signal Should Be    CLU_Hmi.TouchX    SNA    within=500 ms
    Signal Should Be    ScreenTouched    No    within=500 ms
