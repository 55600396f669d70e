*** Settings ***
Documentation       Media and telephone on the centre screen, with the steering wheel's help.
Library             hil.robot
Resource            centre.resource


*** Test Cases ***
# Media ---------------------------------------------------------------------------------------------------------------

Titles and artists are shown whole
    [Documentation]    Up to 30 and 24 characters, with accents; a shorter one leaves nothing of the longer one.
    [Tags]    req:CTR-MED-001    realtime
    Set Signals    AudioSource=Usb    PlayState=Playing
    Touch    dock_media
    Media Text Comes    Title    Für Elise: Bagatelle in a-Moll    ${5}
    Media Text Comes    Artist    Ludwig van Beethoven    ${4}
    Text Should Be    title    Für Elise: Bagatelle in a-Moll    within=1 s    screen=centre
    Text Should Be    artist    Ludwig van Beethoven    within=1 s    screen=centre
    Media Text Comes    Title    Für Elise    ${5}
    Text Should Be    title    Für Elise    within=1 s    screen=centre
    Media Text Comes    Title    Concierto de Aranjuez: Adagio    ${5}
    Text Should Be    title    Concierto de Aranjuez: Adagio    within=1 s    screen=centre

A button of the media view sends its command
    [Documentation]    Next is next, previous is previous; a source is asked for, not assumed.
    [Tags]    req:CTR-MED-002    table:media_buttons.csv
    Set Signals    AudioSource=Usb    PlayState=${play_state}
    Touch    dock_media
    Screen Should Show    media    screen=centre
    Sleep    500 ms
    ${buttons} =    Evaluate    $touches.split()
    FOR    ${touch}    IN    @{buttons}
        ${button}    ${asked} =    Evaluate    $touch.split('=')
        Touch    ${button}
        Signal Should Be    CLU_MediaCommand.${signal}    ${asked}    within=300 ms
        Signal Should Be    CLU_MediaCommand.${signal}    None    within=500 ms
    END

The volume that is shown follows the media unit
    [Documentation]    In the media view at all times; over other views for two seconds while it changes.
    [Tags]    req:CTR-MED-003    realtime
    Set Signal    AudioVolume    12
    Sleep    3 s
    Set Signal    AudioVolume    20
    Text Should Be    volume_shown    20    within=1 s    screen=centre
    Touch    dock_media
    Text Should Be    volume    20    within=1 s    screen=centre
    Set Signal    AudioVolume    7
    Text Should Be    volume    7    within=1 s    screen=centre

The volume is set with a finger
    [Documentation]    The slider asks while it is dragged; at its right end for the loudest, 50.
    [Tags]    req:CTR-TCH-006    req:CTR-MED-003
    Set Signals    AudioSource=Usb    AudioVolume=10
    Touch    dock_media
    Screen Should Show    media    screen=centre
    Swipe    volume_low    volume_high    duration=600 ms
    Signal Should Be    AudioVolumeRequest    50    within=500 ms
    Text Should Be    volume    10    within=0 s    screen=centre
    Set Signal    AudioVolume    50
    Text Should Be    volume    50    within=1 s    screen=centre

# Telephone -----------------------------------------------------------------------------------------------------------

An incoming call shows who calls, over each view
    [Documentation]    A dialog with the caller's name, whatever is open; in the telephone's own view without a dialog.
    [Tags]    req:CTR-PHN-001    realtime
    FOR    ${view}    IN    home    climate    media    settings
        Touch    dock_${view}
        Screen Should Show    ${view}    screen=centre
        Caller Rings    Jürgen Groß
        Warning Should Be Shown    Jürgen Groß    severity=call    within=2 s    popup=dialog    screen=centre
        Set Signal    MEDIA_Phone.PhoneState    Idle
        No Warning Should Be Shown    within=1 s    popup=dialog    screen=centre
    END
    Touch    dock_phone
    Caller Rings    Zoé Lefèvre
    Text Should Be    phone_state    Incoming call    within=2 s    screen=centre
    Text Should Be    caller    Zoé Lefèvre    within=1 s    screen=centre

Accepting and declining send what was touched
    [Documentation]    The dialog stays until the telephone says what became of the call.
    [Tags]    req:CTR-PHN-002    realtime    table:phone_answers.csv
    Caller Rings    Zoé
    Warning Should Be Shown    Zoé    severity=call    within=2 s    popup=dialog    screen=centre
    Touch    ${button}
    Signal Should Be    PhoneCommand    ${asked}    within=300 ms
    Signal Should Be    PhoneCommand    None    within=500 ms
    Warning Should Be Shown    severity=call    within=0 s    popup=dialog    screen=centre
    Set Signal    MEDIA_Phone.PhoneState    ${answer}
    No Warning Should Be Shown    within=1 s    popup=dialog    screen=centre

# Emergency call ------------------------------------------------------------------------------------------------------

An emergency call comes before everything but the rear picture
    [Documentation]    Over a call's dialog too, and the driver can't leave it. When it has ended, media is back.
    [Tags]    req:CTR-ECL-001    realtime
    Touch    dock_media
    Screen Should Show    media    screen=centre
    Caller Rings    Zoé
    Warning Should Be Shown    severity=call    within=2 s    popup=dialog    screen=centre
    Set Signals    ECallState=Dialling    ECallTrigger=Automatic
    Screen Should Show    ecall    within=1 s    screen=centre
    No Warning Should Be Shown    within=0 s    popup=dialog    screen=centre
    Text Should Be    ecall_title    Emergency call    screen=centre
    Text Should Be    ecall_state    Dialling 112    screen=centre
    Text Should Be    ecall_trigger    Started by the car    screen=centre
    Press Key    home
    Touch    dock_climate
    Sleep    500 ms
    Screen Should Show    ecall    within=0 s    screen=centre
    Set Signal    ECallState    Talking
    Text Should Be    ecall_state    Connected    within=1 s    screen=centre
    Set Signals    ECallState=Ended    MEDIA_Phone.PhoneState=Idle
    Screen Should Show    media    within=1 s    screen=centre
