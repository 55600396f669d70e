"""The device's client of an artefact server, and the probe: on our own shelf, and on servers that misbehave."""

import asyncio
import contextlib

import pytest

from hil.bench.cloud_ports import HttpStorageFactory
from hil.bench.ports import Copper, Site
from hil.clock import RealClock
from hil.cloud import http_artefacts
from hil.cloud.artefacts import Failure, Part
from hil.cloud.http_artefacts import HttpArtefacts
from hil.cloud.http_shelf import HttpShelf
from hil.ecu.http_face import HttpFace
from hil.errors import BenchError, UsageError

IMAGE = bytes(range(256)) * 64


@pytest.fixture
def clock():
    made = RealClock()
    yield made
    made.close()


async def fetched(client, path, offset, length):
    """What a fetch answers."""
    answer = asyncio.get_running_loop().create_future()
    client.fetch(path, offset, length, answer.set_result)
    return await answer


@pytest.fixture
def shelf(clock):
    made = HttpShelf(name="shelf", host="127.0.0.1", port=0)
    made.shelf.files["1/a image.bin"] = IMAGE
    clock.run(made.open())
    yield made
    clock.run(made.close())


@pytest.fixture
def client(clock, shelf):
    made = HttpArtefacts(clock=clock, url=f"http://127.0.0.1:{shelf.port}/")
    yield made
    clock.run(made.close())


@pytest.mark.parametrize(("offset", "length"), [(0, 100), (100, 4096), (16_000, 4096), (0, 16_384)])
def test_a_part_is_the_bytes_that_were_asked_for(clock, client, offset, length):
    part = clock.run(fetched(client, "1/a image.bin", offset, length))
    assert part == Part(offset, IMAGE[offset : offset + length], len(IMAGE))


def test_a_whole_file_in_parts_over_one_connection(clock, client, shelf):
    async def main():
        return b"".join([(await fetched(client, "1/a image.bin", at, 1000)).data for at in range(0, len(IMAGE), 1000)])

    assert clock.run(main()) == IMAGE
    assert len(shelf._writers) == 1


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("dropped", Failure),
        ("server error", Failure("500 internal server error")),
        ("cut short", Part(1000, IMAGE[1000:1500], len(IMAGE))),
        ("range ignored", Part(0, IMAGE[:1000], len(IMAGE))),
    ],
)
def test_faults_of_the_shelf_are_what_they_are_in_virtual_time(clock, client, shelf, fault, expected):
    """And after each of them the next answer is good."""
    shelf.shelf.fail_next(fault)
    answer = clock.run(fetched(client, "1/a image.bin", 1000, 1000))
    assert isinstance(answer, expected) if isinstance(expected, type) else answer == expected
    assert clock.run(fetched(client, "1/a image.bin", 1000, 1000)) == Part(1000, IMAGE[1000:2000], len(IMAGE))


def test_what_is_not_there(clock, client):
    assert clock.run(fetched(client, "2/x", 0, 10)) == Failure("404 not found")


def test_a_part_that_is_no_longer_wanted_does_not_come(clock, client):
    """A new request takes the place of the old; stop takes the place of an answer."""

    async def main():
        came = []
        client.fetch("1/a image.bin", 0, 10, came.append)
        second = await fetched(client, "1/a image.bin", 5, 10)
        client.fetch("1/a image.bin", 0, 10, came.append)
        client.stop()
        third = await fetched(client, "1/a image.bin", 7, 10)
        return came, second.offset, third.offset

    assert clock.run(main()) == ([], 5, 7)


def test_the_answer_may_ask_for_the_next(clock, client):
    """As the updater does: the next request is made where the answer came."""

    async def main():
        parts, done = [], asyncio.get_running_loop().create_future()

        def take(part):
            parts.append(part)
            if len(parts) == 3:
                done.set_result(None)
            else:
                client.fetch("1/a image.bin", 10 * len(parts), 10, take)

        client.fetch("1/a image.bin", 0, 10, take)
        await done
        return [part.offset for part in parts]

    assert clock.run(main()) == [0, 10, 20]


def scripted(clock, pieces, *, stays=False, length=100):
    """What a fetch gives on a server that sends these bytes."""

    async def serve(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        for piece in pieces:
            writer.write(piece)
        if stays:
            with contextlib.suppress(ConnectionResetError):  # the client leaves with bytes unread: a reset is its right
                await reader.read()
        writer.close()

    async def main():
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        client = HttpArtefacts(clock=clock, url=url)
        try:
            return await fetched(client, "x", 0, length)
        finally:
            await client.close()
            server.close()

    return clock.run(main())


def test_no_more_is_read_than_was_asked_for(clock):
    """A server that sends without end, though it says a length: what was asked for is taken, the rest is not."""
    flood = [b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", b"y" * 1_000_000]
    assert scripted(clock, flood, stays=True) == Part(0, b"y" * 100, 99_999_999_999)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"HTTP/1.1 302 Found\r\nLocation: http://elsewhere/\r\nContent-Length: 0\r\n\r\n", "302 found"),
        (b"HTTP/1.1 206 Partial Content\r\nContent-Length: 1\r\n\r\nx", "206 without saying where or how long"),
        (b"HTTP/1.1 206 Partial Content\r\nContent-Range: lines 1-2/3\r\nContent-Length: 1\r\n\r\nx", "206 without"),
        (b"HTTP/1.1 200 OK\r\n\r\nx", "200 without saying where or how long"),
        (b"no HTTP at all\r\n\r\n", "doesn't answer"),
        (b"", "doesn't answer"),
    ],
)
def test_an_answer_that_says_too_little_is_a_failure(clock, answer, why):
    failure = scripted(clock, [answer])
    assert isinstance(failure, Failure)
    assert why in failure.why


def test_a_server_that_is_silent_is_given_up(clock, monkeypatch):
    monkeypatch.setattr(http_artefacts, "TIMEOUT_S", 0.1)
    assert scripted(clock, [], stays=True) == Failure("no answer")


# --- the probe ----------------------------------------------------------------------------------------------------


@pytest.fixture
def probe(clock, tmp_path):
    face = HttpFace(clock=clock, displays=[], flash={"slot A": lambda: IMAGE})
    clock.run(face.open())
    options = HttpStorageFactory.Options(url=f"http://127.0.0.1:{face.port}/flash")
    made = HttpStorageFactory.make(Site(name="chip", clock=clock, copper=Copper(clock), folder=tmp_path), options)
    yield made
    clock.run(made.close())
    clock.run(face.close())


def test_a_dump_is_every_byte_and_other_parts_are_the_tests_fault(clock, probe):
    assert clock.run(probe.dump("slot A")) == IMAGE
    with pytest.raises(UsageError, match="no part 'slot C'"):
        clock.run(probe.dump("slot C"))
    assert clock.run(probe.dump("slot A")) == IMAGE


def test_a_probe_that_is_not_there_is_a_bench_fault(clock, tmp_path):
    options = HttpStorageFactory.Options(url="http://127.0.0.1:1/flash")
    made = HttpStorageFactory.make(Site(name="chip", clock=clock, copper=Copper(clock), folder=tmp_path), options)
    with pytest.raises(BenchError, match="doesn't answer"):
        clock.run(made.dump("slot A"))
