"""ISO-TP against can-isotp, an implementation that shares no code with ours: each sends, the other receives."""

import isotp
import pytest

from hil.diag.isotp import IsoTp, Options, Received, Send, Sent

OURS, THEIRS = 0x720, 0x728


class Against:
    """Our machine and theirs on one wire. Their timers read the host's clock, so nothing here depends on time."""

    def __init__(self, options, **parameters):
        self.ours, self.to_ours, self.to_theirs, self.told, self.frames = IsoTp(options), [], [], [], []
        address = isotp.Address(isotp.AddressingMode.Normal_11bits, txid=THEIRS, rxid=OURS)
        given = {
            "stmin": 0,
            "blocksize": 0,
            "tx_padding": 0xCC,
            "tx_data_min_length": 8,
            "max_frame_size": 100_000,
        } | parameters
        self.errors = []
        self.theirs = isotp.TransportLayerLogic(
            self._take, self._give, address=address, params=given, error_handler=self.errors.append
        )

    def _take(self, timeout):
        return self.to_theirs.pop(0) if self.to_theirs else None

    def _give(self, message):
        self.frames.append(bytes(message.data))
        self.to_ours.append(bytes(message.data))

    def act(self, actions):
        for action in actions:
            if not isinstance(action, Send):
                self.told.append(action)
                continue
            self.frames.append(action.data)
            fd = len(action.data) > 8
            self.to_theirs.append(isotp.CanMessage(arbitration_id=OURS, data=action.data, is_fd=fd))
            self.act(self.ours.transmitted(0, action.data))

    def run(self, done):
        for _ in range(20_000):
            while self.to_ours:
                self.act(self.ours.frame(0, self.to_ours.pop(0)))
            self.theirs.process()
            if done():
                return
        raise AssertionError(f"it hangs: {self.told} {self.errors}")


SIZES = [1, 6, 7, 8, 9, 13, 14, 20, 61, 62, 63, 64, 100, 255, 4095, 4096, 5000]
WAYS = [(8, 0), (8, 1), (8, 3), (64, 0), (64, 2), (16, 0)]


def made(size):
    return bytes(number * 11 + size & 0xFF for number in range(size))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("frame_bytes", "block"), WAYS)
def test_what_we_send_they_receive(size, frame_bytes, block):
    pair = Against(
        Options(frame_bytes=frame_bytes), blocksize=block, tx_data_length=frame_bytes, can_fd=frame_bytes > 8
    )
    pair.act(pair.ours.send(0, made(size)))
    pair.run(lambda: pair.theirs.available() and pair.told)
    assert pair.theirs.recv() == made(size)
    assert pair.told == [Sent(made(size))]
    assert pair.errors == []


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("frame_bytes", "block"), WAYS)
def test_what_they_send_we_receive(size, frame_bytes, block):
    pair = Against(
        Options(frame_bytes=frame_bytes, block_size=block, most_bytes=100_000),
        tx_data_length=frame_bytes, can_fd=frame_bytes > 8,
    )  # fmt: skip
    pair.theirs.send(made(size))
    pair.run(lambda: any(isinstance(action, Received) for action in pair.told))
    assert pair.told[-1] == Received(made(size))
    assert pair.errors == []


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("frame_bytes", [8, 64])
def test_both_make_the_same_frames_of_a_message(size, frame_bytes):
    ours = Against(Options(frame_bytes=frame_bytes), tx_data_length=frame_bytes, can_fd=frame_bytes > 8)
    ours.act(ours.ours.send(0, made(size)))
    ours.run(lambda: ours.told)
    theirs = Against(
        Options(frame_bytes=frame_bytes, most_bytes=100_000), tx_data_length=frame_bytes, can_fd=frame_bytes > 8
    )
    theirs.theirs.send(made(size))
    theirs.run(lambda: any(isinstance(action, Received) for action in theirs.told))
    assert ours.frames == theirs.frames


def test_a_wrong_sequence_number_ends_a_reception_on_both_sides():
    pair = Against(Options())
    pair.to_theirs += [
        isotp.CanMessage(arbitration_id=OURS, data=bytes.fromhex(text))
        for text in ("1014000102030405", "22060708090a0b0c", "21060708090a0b0c", "220d0e0f10111213")
    ]
    for _ in range(20):
        pair.theirs.process()
    assert not pair.theirs.available()
    assert "WrongSequenceNumberError" in [type(error).__name__ for error in pair.errors]
    ends = [pair.ours.frame(0, bytes.fromhex(text)) for text in ("1014000102030405", "22060708090a0b0c")]
    assert ends[1][0].reason == "N_WRONG_SN"
