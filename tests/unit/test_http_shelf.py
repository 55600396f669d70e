"""The artefact server over HTTP, asked by a client that shares nothing with it: http.client."""

import http.client

import pytest

from hil.clock import RealClock
from hil.cloud.http_shelf import HttpShelf
from hil.errors import BenchError

IMAGE = bytes(range(256)) * 40


@pytest.fixture
def shelf():
    clock = RealClock()
    shelf = HttpShelf(name="lab", host="127.0.0.1", port=0)
    shelf.shelf.files["1/image.img"] = IMAGE
    clock.run(shelf.open())
    yield shelf
    clock.run(shelf.close())
    clock.close()


def get(shelf, path, asked="", method="GET"):
    connection = http.client.HTTPConnection("127.0.0.1", shelf.port, timeout=5)
    connection.request(method, path, headers={"Range": asked} if asked else {})
    answer = connection.getresponse()
    try:
        return answer.status, answer.read(), answer.getheader("Content-Range")
    finally:
        connection.close()


def test_a_file_and_its_parts(shelf):
    assert get(shelf, "/1/image.img") == (200, IMAGE, None)
    assert get(shelf, "/1/image.img", "bytes=100-199") == (206, IMAGE[100:200], f"bytes 100-199/{len(IMAGE)}")
    assert get(shelf, "/1/image.img", "bytes=10000-") == (206, IMAGE[10000:], f"bytes 10000-10239/{len(IMAGE)}")


def test_what_is_not_there(shelf):
    assert get(shelf, "/1/other.img")[0] == 404
    assert get(shelf, "/1/image.img", "bytes=99999-")[0] == 416
    assert get(shelf, "/1/image.img", method="DELETE")[0] == 405


def test_several_requests_over_one_connection(shelf):
    connection = http.client.HTTPConnection("127.0.0.1", shelf.port, timeout=5)
    for first in range(0, 1000, 100):
        connection.request("GET", "/1/image.img", headers={"Range": f"bytes={first}-{first + 99}"})
        assert connection.getresponse().read() == IMAGE[first : first + 100]
    connection.close()


def test_faults_show_as_a_client_sees_them(shelf):
    for fault in ("server error", "range ignored", "dropped", "cut short"):
        shelf.shelf.fail_next(fault)
    assert get(shelf, "/1/image.img", "bytes=0-99")[0] == 500
    assert get(shelf, "/1/image.img", "bytes=0-99")[:2] == (200, IMAGE)
    with pytest.raises(OSError, match=r"closed|reset"):
        get(shelf, "/1/image.img", "bytes=0-99")
    with pytest.raises(http.client.IncompleteRead):
        get(shelf, "/1/image.img", "bytes=0-99")
    assert get(shelf, "/1/image.img", "bytes=0-99")[0] == 206


def test_a_port_that_is_taken_is_the_benchs_fault(shelf):
    clock = RealClock()
    try:
        with pytest.raises(BenchError, match="can't listen"):
            clock.run(HttpShelf(name="twin", host="127.0.0.1", port=shelf.port).open())
    finally:
        clock.close()
