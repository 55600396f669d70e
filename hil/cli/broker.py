"""`hil broker`: the small MQTT broker as a program, for a bench where none is installed.

It announces itself by one line of JSON, `{"mqtt": "mqtt://127.0.0.1:40213"}`, as a `[process.NAME]` of a bench file
does; SIGTERM or Ctrl-C ends it. Secrets come from the environment or a file: `env:NAME`, `file:PATH`.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from hil.bench.secrets import resolve
from hil.cli.until import wait_for_end
from hil.clock import RealClock
from hil.cloud.mqtt_server import MqttServer
from hil.cloud.tls import TlsFiles
from hil.errors import UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=0, help="TCP port; 0 takes a free one (default)")
    parser.add_argument(
        "--login", action="append", default=[], metavar="USER=SECRET", help="who may connect: anna=env:NAME"
    )
    parser.add_argument(
        "--certificate", default="", metavar="FILE", help="PEM file of the broker's certificate: it speaks TLS"
    )
    parser.add_argument("--key", default="", metavar="FILE", help="PEM file of its key, if not in the same file")
    parser.add_argument("--key-password", default="", metavar="SECRET", help="pass phrase of the key: env:NAME")
    parser.add_argument(
        "--client-ca", default="", metavar="FILE", help="authority of the clients: they need certificates"
    )
    parser.add_argument("--until-eof", action="store_true", help="end when standard input does: with its bench")


def run(arguments: argparse.Namespace) -> int:
    """Serve until a signal comes.

    Raises:
        UsageError: an argument is wrong.
        BenchError: it can't listen.
    """
    password = resolve(arguments.key_password, Path(), "--key-password") if arguments.key_password else ""
    files = TlsFiles(arguments.client_ca, arguments.certificate, arguments.key, password)
    if arguments.client_ca and not arguments.certificate:
        raise UsageError("--client-ca needs --certificate", remedy="name the broker's own certificate too.")
    logins = dict(_login(text) for text in arguments.login)
    tls, clock = files.server(), RealClock()
    server = MqttServer(clock=clock, name="broker", logins=logins, tls=tls)
    try:
        clock.run(server.open(arguments.host, arguments.port))
        scheme = "mqtt" if tls is None else "mqtts"
        print(json.dumps({"mqtt": f"{scheme}://{arguments.host}:{server.port}", "port": str(server.port)}), flush=True)
        wait_for_end(until_eof=arguments.until_eof)
    finally:
        clock.run(server.close())
        clock.close()
    return 0


def _login(text: str) -> tuple[str, str]:
    user, sign, secret = text.partition("=")
    if not sign or not user:
        raise UsageError("--login needs USER=SECRET", remedy="write --login anna=env:ANNAS_PASSWORD.")
    return user, resolve(secret, Path(), f"--login {user}")
