"""Factories of the ports to the cloud: brokers, artefact servers, storage images."""

from __future__ import annotations

from typing import TypeVar

from pydantic import Field, model_validator

from hil.bench.ports import NoOptions, Options, Site
from hil.bench.secrets import Secret
from hil.bench.sections import Mistake, Seconds
from hil.cloud.artefacts import ShelfServer, SimShelf
from hil.cloud.mqtt import MqttPort
from hil.cloud.storage import SimStorage, StoragePort
from hil.cloud.tls import TlsFiles


class SimMqttFactory:
    """`[mqtt.*] port = "virtual"`: a simulated broker."""

    Options = NoOptions
    real = False

    @staticmethod
    def resources(options: NoOptions) -> list[str]:
        """Nothing physical."""
        return []

    @staticmethod
    def make(site: Site, options: NoOptions) -> MqttPort:
        """The bench's client."""
        return site.copper.broker(site.name).port("bench")


_O = TypeVar("_O", "BrokerOptions", "EmbeddedOptions")


def _with_password(options: _O) -> _O:
    if bool(options.user) != bool(options.password):
        raise Mistake("user and password go together", 'give both: user = "bench", password = "env:NAME".')
    return options


class BrokerOptions(Options):
    """Options of a real broker: its `url`, or `host` and `port_number`."""

    url: str = Field("", pattern=r"^$|^mqtts?://[^/:@\s]+(:\d+)?$|\{")
    host: str = ""
    port_number: int = Field(1883, gt=0, lt=65_536)
    ca_file: str = ""
    certificate_file: str = ""
    key_file: str = ""
    key_password: Secret = ""
    user: str = ""
    password: Secret = ""
    client: str = "bench"

    @model_validator(mode="after")
    def _one_address(self) -> BrokerOptions:
        if bool(self.url) == bool(self.host):
            raise Mistake("needs either url or host", 'write host = "broker.lab", or url = "mqtt://broker.lab:1883".')
        if self.url.startswith("mqtts:") and not self.ca_file:
            raise Mistake(
                "mqtts needs a ca_file", "name the PEM file of the authority that signed the broker's certificate."
            )
        return _with_password(self)

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        if not self.url:
            return self.host, self.port_number
        host, _, number = self.url.partition("://")[2].partition(":")
        return host, int(number or (8883 if self.url.startswith("mqtts:") else 1883))


def _files(site: Site, options: BrokerOptions) -> TlsFiles:
    ca, certificate, key = (
        str(site.folder / name) if name else ""
        for name in (options.ca_file, options.certificate_file, options.key_file)
    )
    return TlsFiles(ca, certificate, key, site.reveal(options.key_password, f"mqtt.{site.name}.key_password"))


class AioMqttFactory:
    """`[mqtt.*] port = "broker"`: a real broker, by aiomqtt."""

    Options = BrokerOptions
    real = True

    @staticmethod
    def resources(options: BrokerOptions) -> list[str]:
        """The client's name: a broker throws the older of two clients with one name out."""
        host, port = options.address
        return [f"mqtt:{host}:{port}:{options.client}"]

    @staticmethod
    def make(site: Site, options: BrokerOptions) -> MqttPort:
        """An `AioMqtt`."""
        from hil.cloud.mqtt_aio import AioMqtt, BrokerAddress

        password = site.reveal(options.password, f"mqtt.{site.name}.password")
        address = BrokerAddress(*options.address, _files(site, options), options.user, password)
        return AioMqtt(clock=site.real_clock, name=options.client, address=address)


class EmbeddedOptions(Options):
    """Options of a broker that the bench brings along. It speaks no TLS: `hil broker` does."""

    host: str = "127.0.0.1"
    port_number: int = Field(1883, gt=0, lt=65_536)
    user: str = ""
    password: Secret = ""
    client: str = "bench"

    @model_validator(mode="after")
    def _whole_login(self) -> EmbeddedOptions:
        return _with_password(self)


class EmbeddedMqttFactory:
    """`[mqtt.*] port = "embedded"`: a small broker in the bench's own process."""

    Options = EmbeddedOptions
    real = True

    @staticmethod
    def resources(options: EmbeddedOptions) -> list[str]:
        """The TCP port."""
        return [f"tcp:{options.host}:{options.port_number}"]

    @staticmethod
    def make(site: Site, options: EmbeddedOptions) -> MqttPort:
        """An `EmbeddedMqtt`."""
        from hil.cloud.mqtt_aio import AioMqtt, BrokerAddress
        from hil.cloud.mqtt_embedded import EmbeddedMqtt
        from hil.cloud.mqtt_server import MqttServer

        password = site.reveal(options.password, f"mqtt.{site.name}.password")
        logins = {options.user: password} if options.user else {}
        clock, host, port = site.real_clock, options.host, options.port_number
        near = "127.0.0.1" if host == "0.0.0.0" else host
        server = MqttServer(clock=clock, name=site.name, logins=logins)
        client = AioMqtt(
            clock=clock, name=options.client, address=BrokerAddress(near, port, user=options.user, password=password)
        )
        return EmbeddedMqtt(clock=clock, server=server, client=client, host=host, port=port)


class SimShelfFactory:
    """`[update.*] port = "virtual"`: a simulated artefact server."""

    Options = NoOptions
    real = False

    @staticmethod
    def resources(options: NoOptions) -> list[str]:
        """Nothing physical."""
        return []

    @staticmethod
    def make(site: Site, options: NoOptions) -> ShelfServer:
        """The shelf that the virtual ECU fetches from."""
        return SimShelf(site.copper.shelf(site.name))


class HttpShelfOptions(Options):
    """Options of an artefact server over HTTP."""

    host: str = "127.0.0.1"
    port_number: int = Field(8080, ge=0, lt=65_536)


class HttpShelfFactory:
    """`[update.*] port = "http"`: the bench serves the artefacts over HTTP."""

    Options = HttpShelfOptions
    real = True

    @staticmethod
    def resources(options: HttpShelfOptions) -> list[str]:
        """The TCP port."""
        return [f"tcp:{options.host}:{options.port_number}"]

    @staticmethod
    def make(site: Site, options: HttpShelfOptions) -> ShelfServer:
        """A server, not yet listening."""
        from hil.cloud.http_shelf import HttpShelf

        return HttpShelf(name=site.name, host=options.host, port=options.port_number)


class SimStorageFactory:
    """`[storage.*] port = "virtual"`: the flash of the virtual ECU, read only."""

    Options = NoOptions
    real = False

    @staticmethod
    def resources(options: NoOptions) -> list[str]:
        """Nothing physical."""
        return []

    @staticmethod
    def make(site: Site, options: NoOptions) -> StoragePort:
        """A probe on the simulated chip."""
        return SimStorage(site.name, site.copper.chip(site.name))


class HttpStorageOptions(Options):
    """Options of a probe that serves the parts of the flash over HTTP."""

    url: str
    timeout: Seconds = Field(10.0, gt=0)


class HttpStorageFactory:
    """`[storage.*] port = "http"`."""

    Options = HttpStorageOptions
    real = True

    @staticmethod
    def resources(options: HttpStorageOptions) -> list[str]:
        """A probe that reads may serve several."""
        return []

    @staticmethod
    def make(site: Site, options: HttpStorageOptions) -> StoragePort:
        """A probe that is asked."""
        from hil.cloud.http_storage import HttpStorage

        return HttpStorage(name=site.name, url=options.url, timeout_s=options.timeout)
