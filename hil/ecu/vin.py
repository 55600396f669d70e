"""Which vehicle the ECU is in, for all who tell it.

Rules of this module: the gateway tells the number in three pages (`CGW_Vin`); until all of them were heard that of the
plant counts.
"""

from __future__ import annotations

from typing import Final

from hil.ecu.app import Platform

PLANT_VIN: Final = "WHLCKPT1ZA0000001"
"""What the plant wrote into it."""


def vin(platform: Platform) -> str:
    """The vehicle identification number."""
    pages = [platform.com.raw("CGW_Vin", f"Vin{page}", stale=True) for page in (1, 2, 3)]
    if None in pages:
        return PLANT_VIN
    text = b"".join(int(page).to_bytes(6, "big").lstrip(b"\0") for page in pages)
    return text.decode("ascii", errors="replace")
