"""An slcan adapter on a pseudo terminal, with an ECU behind it that says each 50 ms whether it is ready.

What the bench sends as speed says what goes wrong: 100 km/h: the adapter loses all that it receives, and the ECU is no
longer ready; 200 km/h: the adapter is unplugged.
"""

import json
import threading

from hil.clock import wait_wall, wall_ns
from hil.contract.slcan import AdapterBus, LawicelAdapter, PtyAdapter

LOSE, UNPLUG = "t10021027", "t1002204E"


class Ecu(LawicelAdapter):
    def __init__(self, bus, adapter):
        super().__init__(bus, wall_ns)
        self.adapter, self.unplugged, self.ready = adapter, threading.Event(), 1
        for command in (b"S6\r", b"O\r"):
            self.feed(command)

    def hear(self, text):
        if text == LOSE:
            self.ready, self.adapter.loses = 0, 1_000_000
        if text == UNPLUG:
            self.unplugged.set()


def main():
    bus = AdapterBus()
    adapter = LawicelAdapter(bus, wall_ns)
    plug, ecu = PtyAdapter(adapter), Ecu(bus, adapter)
    print(json.dumps({"line": plug.path}), flush=True)
    while not wait_wall(0.05, 0) and not ecu.unplugged.is_set():
        ecu.feed(b"t2001%02X\r" % ecu.ready)
    plug.unplug()
    while not wait_wall(1.0, 0):
        pass


if __name__ == "__main__":
    main()
