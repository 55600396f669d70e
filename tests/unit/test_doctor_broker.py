"""`hil doctor` and the broker: down, refusing, or what it should be."""

import socket

import pytest
from brokers import mosquitto
from doctor_lab import Rows

from hil.bench import config
from hil.bench.checkup import Wishes, check_up
from hil.bench.checkup_finding import Mark
from hil.cloud import listener
from hil.cloud.listener import broker_remedy

BENCH = """[bench]
name = "broker"
clock = "real"

[mqtt.cloud]
port = "broker"
host = "127.0.0.1"
port_number = {}
{}
"""
LOGIN = 'user = "bench"\npassword = "env:DOCTOR_SECRET"'


@pytest.fixture
def look(tmp_path, monkeypatch):
    monkeypatch.setattr(listener, "CONNECT_WITHIN_S", 2.0)
    monkeypatch.setenv("DOCTOR_SECRET", "not-to-be-shown")

    def look(port, more=""):
        path = tmp_path / "bench.toml"
        path.write_text(BENCH.format(port, more))
        rows = Rows(check_up(config.load(path), Wishes(listen_s=0.1)))
        assert all("not-to-be-shown" not in f"{row.found} {row.remedy}" for row in rows.findings)
        return rows

    return look


def test_a_broker_that_is_there(look, tmp_path):
    with mosquitto(tmp_path) as port:
        rows = look(port)
    assert rows.one("mqtt.cloud", "opened").found == f"broker 127.0.0.1 {port}"
    assert rows.one("mqtt.cloud", "link").found == "connected; heard 0 of cockpit/#"


def test_a_broker_that_is_down(look):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        row = look(probe.getsockname()[1]).one("mqtt.cloud", "opened")
    assert row.mark is Mark.FAULT
    assert row.remedy == "start the broker, or correct host and port_number: nobody listens there."


def test_a_broker_that_refuses_the_login(look, tmp_path):
    with mosquitto(tmp_path, "allow_anonymous false") as port:
        row = look(port, LOGIN).one("mqtt.cloud", "opened")
    assert row.mark is Mark.FAULT
    assert row.remedy == "correct the user and the password."


@pytest.mark.parametrize(
    ("why", "mend"),
    [
        ("[Errno -2] Name or service not known", "correct host"),
        ("certificate verify failed: self-signed certificate", "check ca_file"),
        ("timed out", "check host, port_number and firewall"),
        ("", "check host, port_number and firewall"),
    ],
)
def test_a_remedy_follows_from_what_the_broker_said(why, mend):
    assert broker_remedy(f"the broker can't be reached: {why}").startswith(mend)
