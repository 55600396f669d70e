*** Settings ***
Documentation       The rear camera on the centre screen: it comes with reverse and goes with it, and what it shows is true.
...
...                 FMVSS 111 wants a picture within 2 s of the selection of reverse, the default view each time, and no
...                 picture afterwards. Recall 21V077: late, and covered by the emergency call.
Library             hil.robot
Resource            centre.resource


*** Test Cases ***
# When it is shown ----------------------------------------------------------------------------------------------------

The rear picture comes over each view
    [Documentation]    Within 2 s, whatever the driver had opened; when reverse is left that view is back.
    [Tags]    req:CTR-CAM-001    req:CTR-CAM-002    realtime    table:views.csv
    The Camera Sends
    Touch    dock_${view}
    Screen Should Show    ${view}    screen=centre
    Set Signal    TCM_Gear.Gear    R
    Screen Should Show    camera    within=2 s    screen=centre
    Picture Should Not Be Black    camera_ground    screen=centre
    Set Signal    TCM_Gear.Gear    D
    Screen Should Show    ${view}    within=500 ms    screen=centre

The rear picture is gone after reverse
    [Documentation]    In any other gear, for good: it doesn't come back by itself.
    [Tags]    req:CTR-CAM-002
    The Camera Sends
    FOR    ${gear}    IN    N    D    P
        Set Signal    TCM_Gear.Gear    R
        Screen Should Show    camera    within=2 s    screen=centre
        Set Signal    TCM_Gear.Gear    ${gear}
        Screen Should Not Show    camera    within=500 ms    screen=centre
        Sleep    1 s
        Screen Should Show    home    within=0 s    screen=centre
    END

The driver cannot leave the rear picture in reverse
    [Documentation]    Neither with keys nor with the dock nor with the close button.
    [Tags]    req:CTR-CAM-010
    The Camera Sends
    Set Signal    TCM_Gear.Gear    R
    Screen Should Show    camera    within=2 s    screen=centre
    Press Key    home
    Press Key    back
    Touch    dock_media
    Touch    camera_close
    Set Signal    ButtonHome    Pressed
    Sleep    200 ms
    Set Signal    ButtonHome    Released
    Sleep    500 ms
    Screen Should Show    camera    within=0 s    screen=centre

Reversing begins with the default view
    [Documentation]    Also when the driver had chosen another one the last time; the camera is switched off in between.
    [Tags]    req:CTR-CAM-003    req:CTR-CAM-010    realtime
    The Camera Sends
    Set Signal    TCM_Gear.Gear    R
    Signal Should Be    CameraRequest    Default    within=500 ms
    Screen Should Show    camera    screen=centre
    Touch    view_wide
    Signal Should Be    CameraRequest    Wide    within=500 ms
    Set Signal    CameraView    Wide
    Sleep    500 ms
    Set Signal    TCM_Gear.Gear    D
    Signal Should Be    CameraRequest    Off    within=500 ms
    Sleep    500 ms
    Set Signal    TCM_Gear.Gear    R
    Signal Should Be    CameraRequest    Default    within=500 ms

The rear picture comes first when the cockpit boots in reverse
    [Documentation]    Supply on with reverse selected: after the splash picture the rear picture, no other view.
    [Tags]    req:CTR-CAM-011    start:off
    The Camera Sends
    Set Signal    TCM_Gear.Gear    R
    Power On
    Console Should Show    boot complete    within=3 s
    Screen Should Show    camera    within=2 s    screen=centre
    Picture Should Not Be Black    camera_ground    during=1 s    screen=centre

# What is shown -------------------------------------------------------------------------------------------------------

The rear picture is not black
    [Documentation]    While the camera sends, its picture is there in each frame, for three seconds.
    [Tags]    req:CTR-CAM-004    realtime
    The Camera Sends
    Set Signal    TCM_Gear.Gear    R
    Screen Should Show    camera    within=2 s    screen=centre
    Text Should Be    camera_text    Check the area around you    screen=centre
    Picture Should Not Be Black    camera_ground    during=3 s    screen=centre

The rear picture does not stand still
    [Documentation]    The camera counts its frames; the picture changes with them, and shows which one it is.
    [Tags]    req:CTR-CAM-005    realtime
    The Camera Sends
    Set Signal    TCM_Gear.Gear    R
    Screen Should Show    camera    within=2 s    screen=centre
    Ramp Signal    CameraFrameCounter    to=250    during=5 s    begin=0    wait=no
    Picture Should Not Be Frozen    rear_camera    during=4 s    every=500 ms    screen=centre
    Set Signal    CameraFrameCounter    123
    Text Should Be    frame_counter    123    within=500 ms    screen=centre

A soiled camera is told
    [Documentation]    The picture stays, the caption asks for cleaning.
    [Tags]    req:CTR-CAM-008
    The Camera Sends
    Set Signals    TCM_Gear.Gear=R    CameraSoiled=Yes
    Text Should Be    camera_text    Clean the camera    within=2 s    screen=centre
    Picture Should Not Be Black    camera_ground    screen=centre

Bars show how near the wall is
    [Documentation]    Green up to 2.5 m, yellow up to 1 m, red up to 0.5 m, each part of the bumper by itself.
    [Tags]    req:CTR-CAM-009
    The Camera Sends
    Set Signals    TCM_Gear.Gear=R    ParkAidState=Active
    Set Signals    ParkDistanceRearLeft=0.3 m    ParkDistanceRearMidLeft=0.8 m
    ...    ParkDistanceRearMidRight=2.0 m    ParkDistanceRearRight=raw 254
    Screen Should Show    camera    within=2 s    screen=centre
    Bars Should Be    rear_left    near=yes    mid=yes    far=yes
    Bars Should Be    rear_mid_left    near=no    mid=yes    far=yes
    Bars Should Be    rear_mid_right    near=no    mid=no    far=yes
    Bars Should Be    rear_right    near=no    mid=no    far=no
    Set Signals    ParkDistanceRearLeft=2.0 m    ParkDistanceRearRight=0.3 m
    Bars Should Be    rear_left    near=no    mid=no    far=yes
    Bars Should Be    rear_right    near=yes    mid=yes    far=yes

# What it isn't covered by --------------------------------------------------------------------------------------------

An emergency call does not cover the rear picture
    [Documentation]    The picture stays; a red field names the call. When reverse is left the call is shown.
    [Tags]    req:CTR-CAM-006    realtime
    The Camera Sends
    Set Signal    TCM_Gear.Gear    R
    Screen Should Show    camera    within=2 s    screen=centre
    Set Signals    ECallState=Talking    ECallTrigger=Automatic
    Text Should Be    alert    Emergency call    within=1 s    screen=centre
    Screen Should Show    camera    within=0 s    screen=centre
    Picture Should Not Be Black    camera_ground    during=1 s    screen=centre
    Set Signal    TCM_Gear.Gear    D
    Screen Should Show    ecall    within=500 ms    screen=centre

Reverse during an emergency call shows the rear picture
    [Documentation]    The other way round: the call goes on, the driver reverses out of the danger.
    [Tags]    req:CTR-CAM-006    req:CTR-CAM-001
    The Camera Sends
    Set Signals    ECallState=Talking    ECallTrigger=Manual
    Screen Should Show    ecall    within=1 s    screen=centre
    Set Signal    TCM_Gear.Gear    R
    Screen Should Show    camera    within=2 s    screen=centre
    Text Should Be    alert    Emergency call    within=1 s    screen=centre

An incoming call does not cover the rear picture
    [Documentation]    A green field names the caller; the dialog comes when reverse is left.
    [Tags]    req:CTR-CAM-007    realtime
    The Camera Sends
    Set Signal    TCM_Gear.Gear    R
    Screen Should Show    camera    within=2 s    screen=centre
    Caller Rings    Jürgen Groß
    Text Should Be    alert    Jürgen Groß    within=2 s    screen=centre
    No Warning Should Be Shown    during=2 s    popup=dialog    screen=centre
    Picture Should Not Be Black    camera_ground    screen=centre
    Set Signal    TCM_Gear.Gear    D
    Warning Should Be Shown    Jürgen Groß    severity=call    within=1 s    popup=dialog    screen=centre


*** Keywords ***
Bars Should Be
    [Documentation]    Which of the three bars of a part of the bumper are there.
    [Arguments]    ${place}    ${near}    ${mid}    ${far}
    FOR    ${bar}    ${there}    IN    near    ${near}    mid    ${mid}    far    ${far}
        IF    '${there}' == 'yes'
            Screen Should Show    ${place}_${bar}    within=500 ms    screen=centre
        ELSE
            Screen Should Not Show    ${place}_${bar}    within=500 ms    screen=centre
        END
    END
