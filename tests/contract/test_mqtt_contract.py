"""The MQTT contract on the simulated broker, and by aiomqtt on ours and on mosquitto where that is installed."""

import asyncio
import contextlib
import itertools

import pytest
from brokers import mosquitto

from hil.clock import RealClock, VirtualClock
from hil.cloud.mqtt_aio import AioMqtt, BrokerAddress
from hil.cloud.mqtt_server import MqttServer
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
def mosquitto_port(tmp_path_factory):
    with mosquitto(tmp_path_factory.mktemp("mosquitto")) as port:
        yield port


class TestAiomqttOnOurBroker(MqttPortContract):
    @pytest.fixture
    def mqtt_pair(self):
        clock = RealClock()
        server = MqttServer(clock=clock, name="ours")
        clock.run(server.open())
        tap = Tap(clock, server.port)
        tapped = clock.run(tap.open())
        near = AioMqtt(clock=clock, name="near", address=BrokerAddress("127.0.0.1", tapped))
        far = AioMqtt(clock=clock, name="far", address=BrokerAddress("127.0.0.1", server.port))
        yield MqttPair(clock, near, far, tap.cut)
        clock.run(server.close())
        clock.close()


class TestAiomqttOnMosquitto(MqttPortContract):
    @pytest.fixture
    def mqtt_pair(self, mosquitto_port):
        clock = RealClock()
        tap = Tap(clock, mosquitto_port)
        tapped = clock.run(tap.open())
        number = next(_NUMBERS)
        names = [f"{name}-{number}" for name in ("near", "far")]  # a broker remembers the clients of earlier tests
        near = AioMqtt(clock=clock, name=names[0], address=BrokerAddress("127.0.0.1", tapped))
        far = AioMqtt(clock=clock, name=names[1], address=BrokerAddress("127.0.0.1", mosquitto_port))
        yield MqttPair(clock, near, far, tap.cut)
        clock.close()
