"""The MQTT contract on the simulated broker, and by aiomqtt on mosquitto where that is installed."""

import asyncio
import contextlib
import itertools
import shutil
import socket
import subprocess

import pytest

from hil.clock import RealClock, VirtualClock
from hil.cloud.mqtt_aio import AioMqtt, BrokerAddress
from hil.cloud.mqtt_sim import Broker
from hil.contract.mqtt import MqttPair, MqttPortContract
from hil.seed import seeded

_NUMBERS = itertools.count()


class TestSimulatedBroker(MqttPortContract):
    @pytest.fixture
    def mqtt_pair(self):
        clock = VirtualClock()
        broker = Broker(clock, "cloud", seeded("contract"))
        near, far = broker.port("near"), broker.port("far")
        yield MqttPair(clock, near, far, lambda duration_s: broker.cut("near", duration_s))
        clock.close()


class Tap:
    """A TCP relay to the broker that can be cut: what breaks a link is between the two, as on the road."""

    def __init__(self, clock, port):
        self._clock, self._port, self._writers, self._until_ns = clock, port, set(), 0

    async def open(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self._server.sockets[0].getsockname()[1]

    async def _serve(self, reader, writer):
        if self._clock.now_ns < self._until_ns:
            writer.close()
            return
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._writers |= {writer, far_writer}
        await asyncio.gather(self._relay(reader, far_writer), self._relay(far_reader, writer))

    @staticmethod
    async def _relay(reader, writer):
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
        writer.close()

    def cut(self, duration_s):
        self._until_ns = self._clock.now_ns + round(duration_s * 1e9)
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()


@pytest.fixture(scope="module")
def mosquitto(tmp_path_factory):
    """A mosquitto of our own on a free port."""
    if shutil.which("mosquitto") is None:
        pytest.skip("mosquitto is not installed")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = tmp_path_factory.mktemp("mosquitto") / "mosquitto.conf"
    lines = (f"listener {port} 127.0.0.1", "allow_anonymous true", "max_queued_messages 0", "max_inflight_messages 0")
    config.write_text("\n".join(lines) + "\n")
    broker = subprocess.Popen(["mosquitto", "-c", str(config)], stderr=subprocess.PIPE, text=True)
    for line in broker.stderr:
        if "running" in line:
            break
    yield port
    broker.terminate()
    broker.wait()


class TestAiomqttOnMosquitto(MqttPortContract):
    @pytest.fixture
    def mqtt_pair(self, mosquitto):
        clock = RealClock()
        tap = Tap(clock, mosquitto)
        tapped = clock.run(tap.open())
        number = next(_NUMBERS)
        names = [f"{name}-{number}" for name in ("near", "far")]  # a broker remembers the clients of earlier tests
        near = AioMqtt(clock=clock, name=names[0], address=BrokerAddress("127.0.0.1", tapped))
        far = AioMqtt(clock=clock, name=names[1], address=BrokerAddress("127.0.0.1", mosquitto))
        yield MqttPair(clock, near, far, tap.cut)
        clock.close()
