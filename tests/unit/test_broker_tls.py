"""TLS and logins at a broker, ours and mosquitto: who may connect does, and who may not is told why in one line."""

import asyncio
import contextlib
import socket

import pytest
from brokers import mosquitto
from tls_lab import BEGIN, Authority

from hil.clock import RealClock
from hil.cloud import mqtt_aio
from hil.cloud.mqtt_aio import AioMqtt, BrokerAddress
from hil.cloud.mqtt_server import MqttServer
from hil.cloud.tls import TlsFiles
from hil.errors import BenchError

PASS_PHRASE = "a pass phrase that nobody may see"


@pytest.fixture(scope="module")
def papers(tmp_path_factory):
    """Two authorities, and certificates of both."""
    folder = tmp_path_factory.mktemp("tls")
    ours, other = Authority(folder, "lab-ca"), Authority(folder, "other-ca")
    return {
        "ca": ours.file, "other ca": other.file, "broker": ours.certify("broker"), "client": ours.certify("client"),
        "locked": ours.certify("locked", password=PASS_PHRASE), "stranger": other.certify("stranger"),
        "old": ours.certify("old", until=BEGIN.replace(year=2021)), "none": ("", ""),
    }  # fmt: skip


@pytest.fixture
def clock():
    clock = RealClock()
    yield clock
    clock.close()


@contextlib.contextmanager
def our_broker(clock, papers, folder):
    server = MqttServer(clock=clock, name="ours", tls=TlsFiles(papers["ca"], *papers["broker"]).server())
    clock.run(server.open())
    yield server.port
    clock.run(server.close())


@contextlib.contextmanager
def its_broker(clock, papers, folder):
    certificate, key = papers["broker"]
    lines = ("allow_anonymous true", f"cafile {papers['ca']}", f"certfile {certificate}", f"keyfile {key}")
    with mosquitto(folder, *lines, "require_certificate true") as port:
        yield port


async def link(client, seconds=15.0):
    """Connect; why there is no link, empty if there is."""
    changed = asyncio.Event()
    client.connect(lambda message: None, lambda up, why: changed.set())
    async with asyncio.timeout(seconds):
        while not client.connected and not client.last_error:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(changed.wait(), 0.02)
    why = "" if client.connected else client.last_error
    await client.close()
    return why


def tried(clock, port, files, **login):
    address = BrokerAddress("127.0.0.1", port, files, **login)
    return clock.run(link(AioMqtt(clock=clock, name="client", address=address)))


@pytest.mark.parametrize("broker", [our_broker, its_broker])
def test_certificates_decide_who_may_connect(broker, clock, papers, tmp_path):
    with broker(clock, papers, tmp_path) as port:
        said = {
            who: tried(clock, port, TlsFiles(papers["ca"], *papers[who]))
            for who in ("client", "none", "stranger", "old")
        }
        said["locked"] = tried(clock, port, TlsFiles(papers["ca"], *papers["locked"], PASS_PHRASE))
        said["wrong ca"] = tried(clock, port, TlsFiles(papers["other ca"], *papers["client"]))
    assert said["client"] == said["locked"] == ""
    for who, words in (("none", "client certificate"), ("stranger", "authority"), ("old", "expired")):
        assert words in said[who] or "may not accept our certificate" in said[who]  # asyncio's servers send no alert
        assert words in said[who] or broker is our_broker
    assert "we don't accept its certificate" in said["wrong ca"]


def test_a_socket_that_was_closed_meanwhile_is_not_watched(clock):
    """A broker that refuses a certificate closes the link while the greeting still waits to be written."""

    async def close_at_once():
        client = mqtt_aio._Client("127.0.0.1", 1)
        ours, theirs = socket.socketpair()
        client._on_socket_register_write(None, None, ours)
        ours.close()
        theirs.close()
        await clock.sleep(0)

    clock.run(close_at_once())
    clock.run(clock.sleep(0.01))


def test_tls_at_a_port_without_it_and_the_reverse(clock, papers, tmp_path):
    plain = MqttServer(clock=clock, name="plain")
    clock.run(plain.open())
    assert tried(clock, plain.port, TlsFiles(papers["ca"])) == "it ended the link in the handshake"
    clock.run(plain.close())
    with our_broker(clock, papers, tmp_path) as port:
        assert "before it greeted" in tried(clock, port, TlsFiles())


def test_a_wrong_password_is_said_and_not_shown(clock):
    server = MqttServer(clock=clock, name="ours", logins={"bench": "the right one"})
    clock.run(server.open())
    assert tried(clock, server.port, TlsFiles(), user="bench", password="the right one") == ""
    for login in ({"user": "bench", "password": "a wrong one"}, {"user": "eve", "password": "the right one"}, {}):
        why = tried(clock, server.port, TlsFiles(), **login)
        assert "authori" in why.lower()
        assert "wrong one" not in why
        assert "right one" not in why
    clock.run(server.close())


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (("nowhere.pem", "", "", ""), ("nowhere.pem", "No such file")),
        (("key", "", "", ""), ("no certificate of an authority",)),
        (("ca", "nowhere.crt", "", ""), ("nowhere.crt", "No such file")),
        (("ca", "client", "", ""), ("no certificate with its key",)),
        (("ca", "client", "stranger key", ""), ("not that of the certificate",)),
        (("ca", "locked", "locked key", ""), ("give key_password",)),
        (("ca", "locked", "locked key", "not this one"), ("pass phrase is wrong",)),
    ],
)
def test_files_that_cannot_be_used_are_named(papers, files, words):
    known = {
        "ca": papers["ca"], "key": papers["client"][1], "client": papers["client"][0], "locked": papers["locked"][0],
        "locked key": papers["locked"][1], "stranger key": papers["stranger"][1],
    }  # fmt: skip
    *paths, password = files
    with pytest.raises(BenchError) as refusal:
        TlsFiles(*(known.get(path, path) for path in paths), password).client()
    for word in words:
        assert word in str(refusal.value)
    assert "not this one" not in str(refusal.value)


def test_a_pass_phrase_is_in_no_representation(papers):
    files = TlsFiles(papers["ca"], *papers["locked"], PASS_PHRASE)
    assert PASS_PHRASE not in f"{files!r} {files} {BrokerAddress('host', 1, files, 'bench', PASS_PHRASE)!r}"
