"""What must be installed beside python-can for an adapter of each interface: the remedy where it can't be opened. Pure.

Rules of this module: what the maker calls it, and where python-can looks for it; no addresses, since these
move. Source: python-can 4.6.1, its interfaces and the page of each.

Not for: what an interface can do (`hil.can.interfaces`).
"""

from __future__ import annotations

from typing import Final

_SERIAL: Final = "the adapter's serial port and the right to use it (on Linux the group dialout)"
DRIVERS: Final[dict[str, str]] = {
    "pcan": "PEAK's driver with PCAN-Basic (PCANBasic.dll; libpcanbasic.so on Linux, where socketcan needs neither)",
    "vector": "Vector's driver of the adapter and the XL Driver Library (vxlapi64.dll), and the channel assigned to "
    "app_name in Vector Hardware Configuration",
    "kvaser": "Kvaser's CANlib (canlib32.dll; libcanlib.so of linuxcan on Linux, where socketcan doesn't need it)",
    "ixxat": "HMS's VCI driver for Ixxat adapters (vcinpl.dll, for CAN FD vcinpl2.dll)",
    "gs_usb": "the extra python-can[gs-usb] and libusb (on Windows the WinUSB driver for the adapter; on Linux "
    "socketcan needs neither)",
    "usb2can": "8devices' USB2CAN driver with its CANAL library (usb2can.dll)",
    "cantact": "the extra python-can[cantact]",
    "canalystii": "the extra python-can[canalystii] and libusb (on Windows the WinUSB driver for the adapter)",
    "neovi": "the extra python-can[neovi] and Intrepid's driver (icsneo40)",
    "nixnet": "the extra python-can[nixnet] and NI-XNET",
    "nican": "NI-CAN (nican.dll)",
    "systec": "SYS TEC's driver for USB-CANmodul (USBCAN64.dll)",
    "etas": "ETAS BOA (dll-csiBind, dll-ocdProxy)",
    "iscan": "Thorsis's isCAN driver (iscandrv)",
    "neousys": "Neousys's WDT_DIO library (WDT_DIO.dll in the folder of the call; libwdt_dio.so on Linux)",
    "seeedstudio": _SERIAL,
    "robotell": _SERIAL,
    "serial": _SERIAL,
    "slcan": _SERIAL,
    "socketcan": "the interface up, with its bit rate: ip link set can0 up type can bitrate 500000",
    "socketcand": "socketcand running at host and port",
}
_CHECK: Final = "check interface and channel in the bench file"


def remedy(interface: str) -> str:
    """What to do where an interface can't be opened."""
    driver = DRIVERS.get(interface)
    return f"{_CHECK}; '{interface}' needs {driver}." if driver else f"{_CHECK}, and that the interface is up."


__all__ = ["DRIVERS", "remedy"]
