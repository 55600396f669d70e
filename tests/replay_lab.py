"""Logs written in place and ports that note when they are handed what: for tests of replays."""

from can_lab import MS, msg, sig

from hil.can.e2e import Chain, E2e, check_all
from hil.can.log_frames import FrameList, channel_number
from hil.can.logs import open_writer

SAFETY = [
    msg("One", 0x401, 8, sig("OneCrc", "0|8@1+"), sig("OneCounter", "8|4@1+"), sig("OneLevel", "24|8@1+ (0.5,0)"),
        cycle=10, profile="P01", data_id=0x1234),
    msg("Two", 0x402, 8, sig("TwoCrc", "0|8@1+"), sig("TwoCounter", "8|4@1+"), sig("TwoLevel", "24|8@1+ (0.5,0)"),
        cycle=10, profile="P02", id_list=" ".join(str(17 * number) for number in range(16))),
    msg("Five", 0x405, 8, sig("FiveCrc", "0|16@1+"), sig("FiveCounter", "16|8@1+"),
        sig("FiveLevel", "24|8@1+ (0.5,0)"), cycle=10, profile="P05", data_id=0x2345),
    msg("Eleven", 0x40B, 8, sig("ElevenCrc", "0|8@1+"), sig("ElevenCounter", "8|4@1+"),
        sig("ElevenLevel", "24|8@1+ (0.5,0)"), cycle=10, profile="P11", data_id=0x3456),
    msg("Pages", 0x40F, 8, sig("PCrc", "0|8@1+"), sig("PCounter", "8|4@1+"), sig("Sheet", "16|8@1+", mux="M"),
        sig("First", "24|8@1+", mux="m1"), sig("Second", "24|16@1+", mux="m2"), cycle=10, profile="P01", data_id=7),
]  # fmt: skip
"""Messages with each of the profiles."""


def write_log(path, rows, start_ns=0):
    """A log of `(ms, channel, identifier, data)` or `(..., flags)`, in the format of its suffix, to the nanosecond."""
    frames, channels = FrameList(), []
    for ms, channel, can_id, data, *flags in rows:
        number = channel_number(channels, channel)
        frames.add(round(ms * MS), number, can_id, flags[0] if flags else 0, len(data), bytes(data))
    writer = open_writer(path, path.suffix, channels, start_ns)
    writer.write(frames.take())
    writer.close()
    return path


class Spy:
    """A port that notes what is handed to it, and hands it on."""

    def __init__(self, port, clock, seen):
        self._port, self._clock, self._seen = port, clock, seen

    def send(self, can_id, data, flags=0):
        self._seen.append((self._clock.now_ns, self._port.bus, can_id, bytes(data), flags))
        self._port.send(can_id, data, flags)

    def __getattr__(self, name):
        return getattr(self._port, name)


def spy_on(wiring):
    """What the ports of replays are handed from now on: (bench time, bus, identifier, data, flags)."""
    seen = []
    wiring.buses.update({bus: Spy(port, wiring.clock, seen) for bus, port in wiring.buses.items()})
    return seen


def heard_of(small, can_id, begin_ms=0.0, end_ms=1e9, bus=None):
    """(end of the frame on the wire in ms, payload) of an identifier, whoever sent it."""
    return [
        (frame.t_ns / MS, frame.data)
        for frame in small.heard
        if frame.can_id == can_id and bus in (None, frame.bus) and begin_ms <= frame.t_ns / MS < end_ms
    ]


def chain_of(small, name):
    bus, message = small.wiring.plan.network.message(name)
    return Chain([E2e(small.wiring.plan.network.traits(bus, message).e2e)])


def protected(chain, level, counters):
    """Payloads with these counters; `level` is their byte 3."""
    plain = bytes([0, 0, 0, level, 5, 6, 7, 8])
    return [chain.protect(plain, counter) for counter in counters]


def receive(chain, payloads):
    receivers = chain.receivers()
    return [check_all(receivers, payload) for payload in payloads]
