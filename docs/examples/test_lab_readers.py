"""The lab's reader, found by name as a layout names it, on a picture drawn for it."""

import numpy as np

from hil.hmi.layout import parse
from hil.hmi.reader import reader_for

LAYOUT = """
[screen]
size = [200, 50]

[text.fuel]
region = [10, 10, 100, 20]
reader = "lab_readers:read_bar"
unit = "%"
"""


def test_a_bar_is_read_in_percent() -> None:
    """A bar of 40 of 100 columns."""
    pixels = np.zeros((50, 200, 3), np.uint8)
    pixels[10:30, 10:50] = (0, 200, 0)
    item = parse(LAYOUT).text("fuel")
    reading = reader_for(item)(pixels, item)
    assert (reading.value, reading.score) == ("40", 1.0)
    assert reading.margin > 0.2
