*** Settings ***
Documentation       Software updates over the air: what is good runs afterwards, what is not is refused, nobody is left
...                 with a dead screen, and the backend learns how it ended.
Library             hil.robot
Test Tags           needs:update


*** Test Cases ***
A good update runs, and everybody tells the new version
    [Documentation]    Diagnosis, console, CAN and backend agree, before and after. The new software runs from slot B;
    ...    slot A stays as it was, as the way back.
    [Tags]    req:OTA-001    req:OTA-007    req:OTA-009    req:DIA-006    realtime
    Version Should Be Told Everywhere    1.0.0    slot=A
    Remember Storage    slot A
    Offer Update    1.1.0
    Update Should Be Reported    committed    Success
    Version Should Be Told Everywhere    1.1.0    slot=B
    Signal Should Be    OtaState    Committed
    Signal Should Be    OtaResult    Success
    Storage Should Be Unchanged    slot A
    Update Reports Should Be    1

A bad bundle is refused
    [Documentation]    The reason is reported, once. Not one byte of the running software or of the boot environment
    ...    changes: nothing was activated, not even for a moment.
    [Tags]    table:bad_bundles.csv
    Remember Storage    slot A
    Remember Storage    boot environment
    Offer Update    ${version}    fault=${fault}
    Update Should Be Reported    failed    ${result}
    Sleep    1 s    an activation would have begun
    Storage Should Be Unchanged    slot A
    Storage Should Be Unchanged    boot environment
    Update Reports Should Be    1
    Identifier Should Be    software version    1.0.0

Software that fails its self-test is given up
    [Documentation]    It starts, but finds itself ill. After three tries the old software runs again, and says so.
    [Tags]    req:OTA-006    req:OTA-007    req:OTA-009    realtime
    The Old Software Should Run Again After    sick

Software that does not start is given up
    [Documentation]    It hangs before it comes up; the watchdog and the boot loader bring the old software back.
    [Tags]    req:OTA-006    req:OTA-007    req:OTA-009
    The Old Software Should Run Again After    does not boot

Nothing is installed unless the car is parked and has power
    [Documentation]    The update waits, says what it waits for, and goes on by itself when it may.
    [Tags]    req:OTA-008    table:update_conditions.csv
    Set Signal    ${signal}    ${value}
    Offer Update    1.1.0
    Update Should Reach    installing    condition=${condition}
    Remember Storage    slot B
    Sleep    3 s    it must go on waiting
    Update Should Reach    installing    condition=${condition}    within=0 s
    Storage Should Be Unchanged    slot B
    Set Signal    ${signal}    ${again}
    Update Should Reach    activating    within=5 s

The driver agrees on the centre screen
    [Documentation]    The offer comes up as a dialog. A touch of the left button agrees; the screen then shows how far
    ...    the update is.
    [Tags]    req:OTA-010    realtime
    Offer Update    1.1.0    consent=hmi
    Warning Should Be Shown    severity=update    popup=dialog    screen=centre
    Text Should Be    dialog_title    Update available    screen=centre
    Update Should Reach    offered    within=1 s
    Touch    dialog_yes
    Screen Should Show    update    within=500 ms    screen=centre
    Signal Should Be    OtaConsent    Accepted
    Text Should Be    update_state    Downloading    within=5 s    screen=centre
    Text Should Be    update_state    Installing    within=30 s    screen=centre
    Update Should Be Reported    committed    Success

The driver says: not now
    [Documentation]    The dialog goes, the offer stands, and nothing is fetched. Later the driver finds it on the
    ...    update view and agrees there.
    [Tags]    req:OTA-010
    Offer Update    1.1.0    consent=hmi
    Warning Should Be Shown    severity=update    popup=dialog    screen=centre
    Touch    dialog_no
    No Warning Should Be Shown    popup=dialog    screen=centre
    Signal Should Be    OtaConsent    Postponed
    Sleep    5 s    nothing may happen
    Update Should Reach    offered    within=0 s
    Touch    tile_update
    Screen Should Show    update    screen=centre
    Text Should Be    update_state    Update available    screen=centre
    Touch    install
    Update Should Reach    downloading    within=5 s

A power cut in the middle of the installation does no harm
    [Documentation]    The old software starts again and finishes the update by itself.
    [Tags]    req:OTA-005    req:OTA-009    realtime
    Remember Storage    slot A
    Console Should Show    boot complete
    Offer Update    1.1.0
    Cut Power At    installing 50 %
    Console Should Show    boot complete    within=5 s
    Screen Should Be    on
    Storage Should Be Unchanged    slot A
    Update Should Be Reported    committed    Success    within=60 s
    Identifier Should Be    software version    1.1.0
    Update Reports Should Be    1

A campaign that is taken back ends, and is reported
    [Documentation]    The backend takes it back while the image is loaded.
    [Tags]    req:OTA-007
    Remember Storage    boot environment
    Offer Update    1.1.0
    Update Should Reach    downloading    within=5 s
    Cancel Update
    Update Should Be Reported    failed    Cancelled    within=5 s
    Sleep    1 s    a second report would come now
    Storage Should Be Unchanged    boot environment
    Update Reports Should Be    1


*** Keywords ***
Version Should Be Told Everywhere
    [Arguments]    ${version}    ${slot}
    ${major}    ${minor}    ${patch} =    Evaluate    $version.split(".")
    Message Should Arrive    cockpit/+/status    within=10 s    state=online    version=${version}
    Identifier Should Be    software version    ${version}
    Identifier Should Be    active slot    ${slot}
    Send To Console    version
    Console Should Match    part \\S+ serial \\S+ hardware \\S+ software ${version}\\b
    Signal Should Be    VersionSoftwareMajor    ${major}    within=5 s
    Signal Should Be    VersionSoftwareMinor    ${minor}    within=5 s
    Signal Should Be    VersionSoftwarePatch    ${patch}    within=5 s
    Signal Should Be    OtaActiveSlot    ${slot}

The Old Software Should Run Again After
    [Arguments]    ${fault}
    Remember Storage    slot A
    Offer Update    1.1.0    fault=${fault}
    Update Should Be Reported    rolled_back    Unhealthy    within=90 s
    Sleep    1 s    a second report would come now
    Update Reports Should Be    1
    Storage Should Be Unchanged    slot A
    Identifier Should Be    software version    1.0.0
    Identifier Should Be    active slot    A
    Screen Should Be    on
