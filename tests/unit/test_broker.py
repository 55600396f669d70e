"""The broker of ours: packets cut anywhere, sessions, wills, what is no MQTT; as a port and as a program."""

import json
import random
import subprocess
import sys

import pytest

from hil.bench import cloud_ports
from hil.bench.ports import Copper, Site
from hil.clock import RealClock, VirtualClock
from hil.cloud import mqtt_hub, mqtt_server
from hil.cloud import mqtt_packets as packets
from hil.cloud.mqtt import Message
from hil.cloud.mqtt_hub import Hub
from hil.cloud.mqtt_packets import Acknowledged, Connect, Malformed, PacketReader, Publish, Subscribe, Unsubscribe
from hil.contract.mqtt import MqttEar

HELLO = bytes.fromhex("10 0d 0004 4d515454 04 02 003c 0001 61")  # client "a", clean, keep-alive 60 s


class Line:
    """What a client gets."""

    def __init__(self):
        self.sent, self.ended = b"", False

    def send(self, data):
        self.sent += data

    def end(self):
        self.ended = True

    def take(self):
        """The messages sent since the last look: topic, payload, QoS, duplicate, retain."""
        sent, self.sent = self.sent, b""
        found = []
        while sent:
            size = 2 + sent[1]
            if sent[0] >> 4 == packets.PUBLISH:
                found.append(next(PacketReader().feed(sent[:size])))
            sent = sent[size:]
        return found


def hello(client="a", *, clean=True, will=b"", user=b"", password=b""):
    flags = (2 if clean else 0) | (0x0E if will else 0) | (0xC0 if user else 0)
    body = b"\x00\x04MQTT\x04" + bytes((flags, 0, 60)) + field(client.encode())
    body += (field(b"will") + field(will) if will else b"") + (field(user) + field(password) if user else b"")
    return bytes((0x10, len(body))) + body


def field(data):
    return len(data).to_bytes(2, "big") + data


def subscribe(topic_filter, qos=1):
    body = b"\x00\x01" + field(topic_filter.encode()) + bytes((qos,))
    return bytes((0x82, len(body))) + body


def publish(topic, payload, *, qos=0, retain=False, packet=7):
    return packets.publish(Message(0, topic, payload, qos, retain), packet)


def puback(packet):
    return packets.puback(packet)


def client(hub, name="a", **options):
    line = Line()
    link = hub.link(line)
    link.receive(hello(name, **options))
    return line, link


# Packets --------------------------------------------------------------------------------------------------------------


def test_packets_are_read_wherever_they_are_cut():
    """Each packet kind, byte by byte and all at once; the bytes are the standard's own."""
    stream = b"".join(
        [
            HELLO, subscribe("a/+", 2), publish("t", b"0"), publish("t", b"x" * 300, qos=1, retain=True), puback(9),
            bytes.fromhex("a2 06 0002 0002 612f"), bytes.fromhex("c000"), bytes.fromhex("e000"),
        ]
    )  # fmt: skip
    wanted = [
        Connect("a", clean=True, keepalive_s=60), Subscribe(1, (("a/+", 1),)), Publish("t", b"0"),
        Publish("t", b"x" * 300, 1, True, False, 7), Acknowledged(9), Unsubscribe(2, ("a/",)), packets.Ping(),
        packets.Farewell(),
    ]  # fmt: skip
    reader = PacketReader()
    assert [packet for byte in stream for packet in reader.feed(bytes((byte,)))] == wanted
    assert list(PacketReader().feed(stream)) == wanted


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("0000", "begins with 0x00"),
        ("80 05 0001 0001 61", "begins with 0x80"),  # SUBSCRIBE without its flag
        ("82 02 0001", "no topic filter"),
        ("82 06 0001 0001 61 03", "QoS 3"),
        ("82 06 0000 0001 61 01", "packet number 0"),
        ("34 05 0001 61 0001", "QoS 2"),
        ("30 03 0001 2b", "topic"),  # published at +
        ("30 03 0009 61", "ends too early"),
        ("30 04 0002 ff61", "UTF-8"),
        ("30 ff ff ff ff 7f", "more than four bytes"),
        ("30 ff ff ff 7f", "a packet of"),
    ],
)
def test_what_is_no_packet_is_refused(data, words):
    with pytest.raises(Malformed, match=words):
        list(PacketReader().feed(bytes.fromhex(data)))


def test_noise_ends_the_link_and_harms_nobody_else():
    """Seeded noise and cut packets: nothing but the end of that link, and the others go on."""
    rng, hub = random.Random(5), Hub()
    good, link = client(hub, "good")
    link.receive(subscribe("ok"))
    for _ in range(300):
        line, noisy = client(hub, f"noisy{rng.randrange(5)}")
        noisy.receive(rng.choice((subscribe("n/#"), publish("n/a", b"1", qos=1), b""))[: rng.randrange(30)])
        noisy.receive(rng.randbytes(rng.randrange(40)))
        if not line.ended:
            noisy.gone()
    good.take()
    link.receive(publish("ok", b"1"))
    assert [(p.topic, p.payload) for p in good.take()] == [("ok", b"1")]
    assert hub.clients == ["good"]


# Sessions -------------------------------------------------------------------------------------------------------------


def test_who_may_connect():
    """Versions, names and logins, with the standard's answers."""
    hub = Hub({"anna": "secret word"})
    for data, code in (
        (hello(user=b"anna", password=b"secret word"), 0),
        (hello(user=b"anna", password=b"another"), 5),
        (hello(user=b"otto", password=b"secret word"), 5),
        (hello(), 5),
        (hello("", clean=False), 2),
        (bytes.fromhex("10 0e 0004 4d515454 05 02 003c 00 0001 61"), 1),  # MQTT 5
    ):
        line = Line()
        hub.link(line).receive(data)
        assert line.sent == bytes((0x20, 2, 0, code))
        assert line.ended is bool(code)


def test_something_before_the_greeting_and_a_second_greeting_end_the_link():
    hub = Hub()
    early = Line()
    hub.link(early).receive(subscribe("a"))
    again, link = client(hub)
    link.receive(hello())
    assert early.ended
    assert again.ended
    assert hub.clients == []


def test_a_second_client_of_one_name_takes_over_and_the_first_leaves_its_will():
    hub = Hub()
    ear, link = client(hub, "ear")
    link.receive(subscribe("will"))
    first, _ = client(hub, "one", will=b"gone")
    second, _ = client(hub, "one")
    assert first.ended
    assert not second.ended
    assert [(p.topic, p.payload) for p in ear.take()] == [("will", b"gone")]


def test_what_was_not_acknowledged_comes_again_as_a_duplicate_before_what_waited():
    hub = Hub()
    first, link = client(hub, "car", clean=False)
    link.receive(subscribe("t"))
    sender, out = client(hub, "sender")
    out.receive(publish("t", b"1", qos=1) + publish("t", b"2", qos=1))
    one, two = first.take()
    link.receive(puback(one.packet))
    link.gone()
    out.receive(publish("t", b"3", qos=1) + publish("t", b"lost", qos=0))
    second, _ = client(hub, "car", clean=False)
    assert second.sent[:4] == bytes((0x20, 2, 1, 0))  # the session was there
    again = second.take()
    assert [(p.payload, p.duplicate) for p in again] == [(b"2", True), (b"3", False)]
    assert again[0].packet == two.packet
    assert sender.sent.count(bytes((0x40, 2))) == 3


def test_a_clean_greeting_forgets_the_session():
    hub = Hub()
    _, link = client(hub, "car", clean=False)
    link.receive(subscribe("t"))
    link.gone()
    client(hub, "car")[1].gone()
    line, _ = client(hub, "car", clean=False)
    client(hub, "sender")[1].receive(publish("t", b"1", qos=1))
    assert line.take() == []


def test_overlapping_filters_deliver_once_with_the_better_quality():
    hub = Hub()
    line, link = client(hub)
    link.receive(subscribe("a/#", 0) + subscribe("a/+", 1))
    link.receive(publish("a/b", b"1", qos=1))
    (message,) = line.take()
    assert message.qos == 1
    link.receive(bytes.fromhex("a2 07 0002 0003 612f2b"))
    link.receive(publish("a/b", b"2", qos=1))
    assert [message.qos for message in line.take()] == [0]


def test_a_session_that_is_full_drops_and_counts(monkeypatch):
    monkeypatch.setattr(mqtt_hub, "MOST_WAITING", 2)
    hub = Hub()
    _, link = client(hub, "car", clean=False)
    link.receive(subscribe("t"))
    link.gone()
    client(hub, "sender")[1].receive(b"".join(publish("t", bytes((n,)), qos=1) for n in range(5)))
    line, _ = client(hub, "car", clean=False)
    assert [message.payload for message in line.take()] == [b"\0", b"\1"]
    assert hub.dropped == 3


def test_more_messages_than_packet_numbers_wait_for_acknowledgements(monkeypatch):
    monkeypatch.setattr(mqtt_hub, "_LAST_PACKET", 2)
    hub = Hub()
    line, link = client(hub)
    link.receive(subscribe("t"))
    client(hub, "sender")[1].receive(b"".join(publish("t", bytes((n,)), qos=1) for n in range(4)))
    seen = []
    while sent := line.take():
        seen += sent
        link.receive(puback(sent[0].packet))
    assert [message.payload for message in seen] == [b"\0", b"\1", b"\2", b"\3"]


# Time -----------------------------------------------------------------------------------------------------------------


class Transport(mqtt_server.asyncio.WriteTransport):
    """The transport of a connection, in virtual time."""

    def __init__(self, connection):
        super().__init__()
        self.connection, self.gone, self.unread = connection, False, 0

    def write(self, data):
        pass

    def is_closing(self):
        return self.gone

    def get_write_buffer_size(self):
        return self.unread

    def abort(self):
        if not self.gone:
            self.gone = True
            self.connection.connection_lost(None)

    close = abort


@pytest.fixture
def connection():
    clock = VirtualClock()
    made = mqtt_server._Connection(clock, Hub(), set())
    transport = Transport(made)
    made.connection_made(transport)
    yield clock, made, transport
    clock.close()


def test_a_client_that_does_not_greet_is_let_go(connection):
    clock, _, transport = connection
    clock.run(clock.sleep(9.9))
    assert not transport.gone
    clock.run(clock.sleep(0.2))
    assert transport.gone


def test_a_client_that_falls_silent_is_gone_after_one_and_a_half_times_its_keep_alive(connection):
    clock, made, transport = connection
    made.data_received(HELLO)
    for _ in range(3):
        clock.run(clock.sleep(80.0))
        made.data_received(b"\xc0\x00")
        assert not transport.gone
    clock.run(clock.sleep(89.0))
    assert not transport.gone
    clock.run(clock.sleep(2.0))
    assert transport.gone


def test_a_client_that_takes_no_bytes_is_let_go(connection):
    _, made, transport = connection
    made.data_received(HELLO)
    transport.unread = mqtt_server.MOST_UNREAD + 1
    made.data_received(b"\xc0\x00")
    assert transport.gone


# As a port and as a program ----------------------------------------------------------------------------------------


def free_port():
    with mqtt_server.socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_the_embedded_port_brings_its_broker_along_and_takes_it_away(tmp_path, monkeypatch):
    monkeypatch.setenv("BROKER_WORD", "open sesame")
    clock, number = RealClock(), free_port()
    chosen = {"port_number": number, "user": "bench", "password": "env:BROKER_WORD"}
    options = cloud_ports.EmbeddedOptions.model_validate(chosen)
    site = Site(name="cloud", clock=clock, copper=Copper(clock), folder=tmp_path)

    async def scenario():
        port, other = (cloud_ports.EmbeddedMqttFactory.make(site, options) for _ in range(2))
        ear = MqttEar(clock)
        port.subscribe("a")
        port.connect(ear.on_message, ear.on_link)
        await ear.until(lambda: port.connected, 5.0)
        port.publish("a", b"1", qos=1)
        await ear.until(lambda: ear.said == [("a", b"1")], 5.0)
        other.connect(ear.on_message, ear.on_link)
        await other._task
        assert f"can't listen on 127.0.0.1:{number}" in other.last_error
        await port.close()
        await other.close()
        again = mqtt_server.MqttServer(clock=clock, name="again")
        await again.open(port=number)
        await again.close()

    clock.run(scenario())
    clock.close()
    assert site.vault.hide("say open sesame") == "say (secret)"


def test_the_program_announces_itself_and_ends_with_its_bench(tmp_path):
    (tmp_path / "word").write_text("open sesame\n")
    command = [sys.executable, "-m", "hil.cli.main", "broker", "--until-eof", "--login", f"bench=file:{tmp_path}/word"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
        said = json.loads(program.stdout.readline())
        options = cloud_ports.BrokerOptions.model_validate({"url": said["mqtt"]})
        with mqtt_server.socket.create_connection(options.address) as link:
            link.sendall(hello(user=b"bench", password=b"open sesame"))
            assert link.recv(4) == b"\x20\x02\x00\x00"
        program.stdin.close()
        assert program.wait(10) == 0
