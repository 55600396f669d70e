"""Why a bus or a line was lost, in words; when a line carries no text."""

import errno
import random

import can
import pytest

from hil.can import losses
from hil.can.frames import ERROR
from hil.serial.flood import DEVICE_BURST, FloodGate, is_noise

WHERE = "bus.body (socketcan can0)"


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENETDOWN, "the interface is down"),
        (errno.ENODEV, "the adapter is gone"),
        (errno.EIO, "the adapter is gone"),
    ],
)
def test_a_drivers_error_number_is_told_in_words(number, said):
    error = can.CanOperationError("Error receiving: whatever", number)
    assert f"{WHERE}: broke: {said}. Remedy: " in str(losses.broke(error, where=WHERE))
    assert losses.broke(OSError(number, "x"), where=WHERE).what == f"broke: {said}"
    assert losses.cannot_send(error, where=WHERE).what == f"can't send: {said}"


def test_the_number_is_found_behind_the_drivers_own_error():
    error = can.CanOperationError("no number here")
    error.__cause__ = OSError(errno.ENETDOWN, "down")
    assert losses.broke(error, where=WHERE).what == "broke: the interface is down"


def test_another_error_is_told_as_it_is():
    assert losses.broke(ValueError("what?"), where=WHERE).what == "broke: what?"
    assert "acknowledging" in losses.cannot_send(OSError(errno.ENOBUFS, "full"), where=WHERE).remedy


def test_only_an_error_frame_with_the_class_bus_off_says_that_the_controller_gave_up():
    assert losses.bus_off(0x40, 0, b"\0" * 8, where=WHERE) is None
    assert losses.bus_off(0x88, ERROR, b"\0" * 8, where=WHERE) is None
    assert "bus-off" in losses.bus_off(0xC8, ERROR, b"\0" * 8, where=WHERE).what


def test_a_rate_is_kept_for_ever_and_a_burst_once():
    gate = FloodGate(100_000, DEVICE_BURST)
    assert not gate.floods(0, DEVICE_BURST)
    assert gate.floods(0, 1)
    gate = FloodGate(100_000, DEVICE_BURST)
    assert not any(gate.floods(10_000_000 * n, 1000) for n in range(10_000))
    assert any(gate.floods(10_000_000 * n, 2000) for n in range(10_000, 10_100))


def test_noise_is_told_from_text():
    noise = random.Random(1).randbytes(400).decode(errors="replace")
    assert is_noise(noise)
    assert not is_noise("[    1.024] Verbindung über CAN: kein Gerät, 23 °C\r\n\t* weiter" * 3)
    assert not is_noise("\ufffd" * 20)  # a few bytes at a reset
