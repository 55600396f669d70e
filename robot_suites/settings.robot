*** Settings ***
Documentation       Settings on the centre screen: what the driver chooses takes effect at once, and the car is told.
Library             hil.robot


*** Test Cases ***
A setting goes out when it is touched
    [Documentation]    Each choice in turn, the one before it first; it can be seen which one is chosen.
    [Tags]    req:CTR-SET-001    realtime
    [Setup]    Touch    dock_settings
    [Template]    Touch Of ${button} Sends ${signal} ${sent} And Ends ${before}
    language_de        Language           German          language_en
    language_fr        Language           French          language_de
    language_es        Language           Spanish         language_fr
    language_en        Language           English         language_es
    unit_mi            SpeedUnit          MilesPerHour    unit_km
    unit_km            SpeedUnit          KmPerHour       unit_mi
    unit_fahrenheit    TemperatureUnit    Fahrenheit      unit_celsius
    unit_celsius       TemperatureUnit    Celsius         unit_fahrenheit
    clock_12           ClockFormat        Hours12         clock_24
    clock_24           ClockFormat        Hours24         clock_12
    design_night       DayNightMode       Night           design_auto
    design_day         DayNightMode       Day             design_night
    design_auto        DayNightMode       Automatic       design_day

The clock follows its setting
    [Documentation]    12:30 world time is half past one here in winter: in both ways of writing it.
    [Tags]    req:CTR-SET-001    realtime
    Set Signals    TCU_DateTime.Hour=12    TCU_DateTime.Minute=30    TCU_DateTime.Second=5
    Text Should Be    clock    13:30    within=2 s    screen=centre
    Touch    dock_settings
    Touch    clock_12
    Text Should Be    clock    1:30 pm    within=1 s    screen=centre

The driver makes the screen brighter and darker
    [Documentation]    The left end of the slider is dark, the right end bright; the car is told.
    [Tags]    req:CTR-SET-001    req:CTR-TCH-006
    Touch    dock_settings
    Swipe    brightness_slider    brightness_low
    Signal Should Be    BrightnessSetting    10 %    within=1 s
    ${low} =    Screen Brightness    screen=centre
    Use Theme    dimmed
    Swipe    brightness_slider    brightness_high
    Signal Should Be    BrightnessSetting    100 %    within=1 s
    Screen Should Be Brighter    than=${low}    within=500 ms    screen=centre
    Use Theme    day
    Text Should Be    brightness    100 %    screen=centre

The screen has a night design
    [Documentation]    It comes and goes with the light sensor; the driver's choice wins. All views are still known.
    [Tags]    req:CTR-SET-001    realtime
    Sleep    500 ms
    ${day} =    Screen Brightness    screen=centre
    Set Signal    DayNight    Night
    Screen Should Be Darker    than=${day}    within=2 s    screen=centre
    Use Theme    night
    Screen Should Show    home    within=500 ms    screen=centre
    ${night} =    Screen Brightness    screen=centre
    Touch    dock_settings
    Touch    design_day
    Press Key    home
    Use Theme    day
    Screen Should Show    home    within=500 ms    screen=centre
    Screen Should Be Brighter    than=${night}    within=500 ms    screen=centre


*** Keywords ***
Touch Of ${button} Sends ${signal} ${sent} And Ends ${before}
    Screen Should Show    ${before}_lit    within=1 s    screen=centre
    Touch    ${button}
    Signal Should Be    CLU_Settings.${signal}    ${sent}    within=1 s
    Use Theme    ${{'night' if $button == 'design_night' else 'day'}}
    Screen Should Show    ${button}_lit    within=500 ms    screen=centre
    Screen Should Not Show    ${before}_lit    within=0 s    screen=centre
