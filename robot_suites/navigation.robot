*** Settings ***
Documentation       Guidance and speech on the centre screen, for cars that are fitted with them.
Library             hil.robot
Resource            centre.resource


*** Test Cases ***
Guidance follows the navigation
    [Documentation]    Arrow, distance, road, time of arrival: of the next manoeuvre, and of the one after it.
    [Tags]    req:CTR-NAV-001    needs:navigation    realtime
    Touch    dock_navigation
    Set Signals    GuidanceState=Guiding    NAV_Guidance.Manoeuvre=Right    ManoeuvreDistance=350
    Set Signals    RouteDistance=12.4    RouteTime=17    ArrivalHour=11    ArrivalMinute=47
    Road Comes    Leopoldstraße
    Road Comes    Frankfurt Flughafen    of=2
    Icon Should Be    manoeuvre    Right    within=1 s    screen=centre
    Text Should Be    guidance_distance    350 m    screen=centre
    Text Should Be    guidance_road    Leopoldstraße    screen=centre
    Text Should Be    destination    Frankfurt Flughafen    screen=centre
    Text Should Be    arrival    11:47    screen=centre
    Text Should Be    remaining    12.4 km    screen=centre
    Text Should Be    route_time    17 min    screen=centre
    Set Signals    NAV_Guidance.Manoeuvre=RoundaboutEnter    ManoeuvreDistance=1200
    Road Comes    Am Hof
    Icon Should Be    manoeuvre    RoundaboutEnter    within=1 s    screen=centre
    Text Should Be    guidance_distance    1.2 km    screen=centre
    Text Should Be    guidance_road    Am Hof    screen=centre

Guidance is in the driver's unit
    [Documentation]    350 m are 380 yd, 12.4 km 7.7 miles; the arrow and the time stay.
    [Tags]    req:CTR-NAV-002    needs:navigation
    Set Signals    GuidanceState=Guiding    NAV_Guidance.Manoeuvre=Left    ManoeuvreDistance=350
    Set Signals    RouteDistance=12.4    RouteTime=17    ArrivalHour=15    ArrivalMinute=7
    Touch    dock_settings
    Touch    unit_mi
    Touch    clock_12
    Touch    dock_navigation
    Text Should Be    guidance_distance    380 yd    within=1 s    screen=centre
    Text Should Be    remaining    7.7 mi    within=2 s    screen=centre
    Text Should Be    arrival    3:07 pm    screen=centre
    Icon Should Be    manoeuvre    Left    screen=centre

Without guidance it is said why
    [Documentation]    And nothing of the last manoeuvre stays.
    [Tags]    req:CTR-NAV-001    needs:navigation
    [Template]    Guidance That Is ${state} Says ${shown}
    Off    No route
    Calculating    Calculating route
    OffRoute    Off route
    Arrived    You have arrived
    NoSignal    No satellite signal

Speech shows what it heard this time
    [Documentation]    While it listens nothing of the last command is shown; with the answer what was heard.
    [Tags]    req:CTR-VOI-001    needs:voice    realtime
    Set Signals    VoiceState=Listening    VoiceCommand=NextTrack    VoiceConfidence=80 %
    Screen Should Show    voice    within=1 s    screen=centre
    Text Should Be    voice_state    Listening    screen=centre
    Text Should Be    voice_heard    ${EMPTY}    within=0 s    screen=centre
    Set Signals    VoiceState=Speaking    VoiceCommand=Warmer    VoiceConfidence=94 %
    Text Should Be    voice_state    Done    within=2 s    screen=centre
    Text Should Be    voice_heard    “Warmer”    screen=centre
    Text Should Be    voice_answer    Heard 94 %    screen=centre
    Set Signal    VoiceState    Listening
    Text Should Be    voice_state    Listening    within=2 s    screen=centre
    Text Should Be    voice_heard    ${EMPTY}    within=0 s    screen=centre

The key for speech starts it
    [Documentation]    Speak on the screen and the key ask for it; Stop ends it.
    [Tags]    req:CTR-VOI-001    req:CTR-TCH-004    needs:voice
    Press Key    voice
    Signal Should Be    VoiceRequest    Start    within=300 ms
    Screen Should Show    voice    within=500 ms    screen=centre
    Signal Should Be    VoiceRequest    None    within=500 ms
    Touch    voice_stop
    Signal Should Be    VoiceRequest    Stop    within=300 ms


*** Keywords ***
Guidance That Is ${state} Says ${shown}
    Touch    dock_navigation
    Set Signals    GuidanceState=Guiding    NAV_Guidance.Manoeuvre=Left    ManoeuvreDistance=350
    Icon Should Be    manoeuvre    Left    within=1 s    screen=centre
    Set Signal    GuidanceState    ${state}
    Icon Should Be    manoeuvre    none    within=1 s    screen=centre
    Text Should Be    guidance_status    ${shown}    screen=centre
