"""What is said on a bus of a lab (the ECU's status, and a speed for it), and how its bench file ends."""

from typing import Final

STATUS_ID: Final = 0x300
BUSES: Final = """VERSION ""
NS_ :
BS_:
BU_: ECU CAR
BO_ 768 Status: 1 ECU
 SG_ Ready : 0|2@1+ (1,0) [0|3] "" CAR
BO_ 256 Speed: 2 CAR
 SG_ Kmh : 0|16@1+ (0.01,0) [0|300] "km/h" ECU
BA_DEF_ BO_ "GenMsgCycleTime" INT 0 65535;
BA_DEF_DEF_ "GenMsgCycleTime" 0;
BA_ "GenMsgCycleTime" BO_ 768 20;
BA_ "GenMsgCycleTime" BO_ 256 20;
VAL_ 768 Ready 0 "No" 1 "Yes" ;
"""
BENCH_END: Final = """
[reset]
steps = ["start values"]
off_time = "10 ms"
probe = { signal = "Ready", value = "Yes", within = "3 s" }

[monitors]
cycle = "off"
"""
