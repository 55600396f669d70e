"""Factories of the ports to the cloud: brokers, artefact servers, storage images."""

from __future__ import annotations

from pydantic import Field

from hil.bench.ports import NoOptions, Options, Site
from hil.cloud.artefacts import ShelfServer, SimShelf
from hil.cloud.mqtt import MqttPort
from hil.cloud.storage import SimStorage, StoragePort


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


class BrokerOptions(Options):
    """Options of a real broker."""

    host: str
    port_number: int = Field(1883, gt=0, lt=65_536)
    ca_file: str = ""
    certificate_file: str = ""
    client: str = "bench"


class AioMqttFactory:
    """`[mqtt.*] port = "broker"`: a real broker, by aiomqtt."""

    Options = BrokerOptions
    real = True

    @staticmethod
    def resources(options: BrokerOptions) -> list[str]:
        """The client's name: a broker throws the older of two clients with one name out."""
        return [f"mqtt:{options.host}:{options.port_number}:{options.client}"]

    @staticmethod
    def make(site: Site, options: BrokerOptions) -> MqttPort:
        """An `AioMqtt`."""
        from hil.cloud.mqtt_aio import AioMqtt, BrokerAddress

        files = [str(site.folder / name) if name else "" for name in (options.ca_file, options.certificate_file)]
        address = BrokerAddress(options.host, options.port_number, *files)
        return AioMqtt(clock=site.real_clock, name=options.client, address=address)


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
