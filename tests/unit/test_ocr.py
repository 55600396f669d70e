"""OCR here and elsewhere: equal answers, one thread, silent, and clear words when nobody answers."""

import json
import logging
import os
import socket
import struct
import subprocess
import sys
import threading

import cv2
import numpy as np
import pytest

from hil.errors import BenchError, UsageError
from hil.hmi import ocr
from hil.hmi.layout import Text
from hil.hmi.layout_items import NAME_KEY
from hil.hmi.read_text import read_text


def written(text, colour=True):
    crop = np.full((48, 40 + 28 * len(text)), 255, np.uint8)
    cv2.putText(crop, text, (12, 36), cv2.FONT_HERSHEY_SIMPLEX, 1.1, 0, 3, cv2.LINE_AA)
    return cv2.cvtColor(crop, cv2.COLOR_GRAY2RGB) if colour else crop


@pytest.fixture(scope="module")
def server():
    with ocr.OcrServer(0) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def remote(server):
    recogniser = ocr.RemoteRecogniser("127.0.0.1", server.port)
    yield recogniser
    recogniser.close()


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch):
    monkeypatch.delenv(ocr.ENVIRONMENT, raising=False)


@pytest.mark.parametrize("text", ["0", "87", "260", "DOOR", "12.5"])
def test_here_and_elsewhere_say_the_same(remote, text):
    for crop in (written(text), written(text, colour=False)):
        here = ocr.recognise(crop)
        assert here[0] == text
        assert here[1] > 0.8
        assert remote(crop) == here


def test_equal_crops_give_equal_answers_whatever_came_between():
    engine = ocr.LocalRecogniser()
    first = engine(written("123"))
    engine(written("987654321"))
    engine.forget()
    assert engine(written("123")) == first


def test_a_crop_is_read_once(monkeypatch):
    engine, read = ocr.LocalRecogniser(), []
    monkeypatch.setattr(engine, "_read", lambda crop: read.append(crop) or (f"text {len(read)}", 1.0))
    square, wide, tall = (np.zeros(shape, np.uint8) for shape in ((4, 4), (2, 8), (8, 2)))
    assert [engine(crop)[0] for crop in (square, wide, tall, square.copy(), wide)] == [
        "text 1", "text 2", "text 3", "text 1", "text 2",
    ]  # fmt: skip
    square[0, 0] = 1
    assert engine(square)[0] == "text 4"


def test_so_many_crops_are_kept_and_no_more(monkeypatch):
    monkeypatch.setattr(ocr, "_REMEMBERED", 3)
    engine = ocr.LocalRecogniser()
    monkeypatch.setattr(engine, "_read", lambda crop: (str(crop[0, 0]), 1.0))
    for level in (*range(10), 0, 9):
        assert engine(np.full((2, 2), level, np.uint8))[0] == str(level)
        assert len(engine._known) <= 3


def test_nothing_is_nothing():
    assert ocr.recognise(np.full((48, 120), 255, np.uint8))[0] == ""


@pytest.mark.parametrize("ground", [(232, 60, 62), (46, 196, 120), (8, 12, 20)])
def test_white_writing_is_read_on_any_colour(ground):
    ink = 255 - written("HELP", colour=False).astype(int)
    pixels = np.clip(np.array(ground) + ink[..., None], 0, 255).astype(np.uint8)
    fields = {NAME_KEY: "alert", "brightness": 1.0, "region": (0, 0, pixels.shape[1], pixels.shape[0])}
    item = Text.model_validate(fields)
    assert read_text(pixels, item).value == "HELP"


def test_the_environment_chooses(monkeypatch, server):
    asked = []
    monkeypatch.setattr(
        ocr.RemoteRecogniser, "_ask", lambda self, request: asked.append(self) or {"text": "x", "confidence": 1}
    )
    monkeypatch.setenv(ocr.ENVIRONMENT, f"127.0.0.1:{server.port}")
    assert ocr.recognise(written("1")) == ("x", 1.0)
    assert len(asked) == 1
    monkeypatch.delenv(ocr.ENVIRONMENT)
    assert ocr.recognise(written("1"))[0] == "1"
    assert len(asked) == 1


@pytest.mark.parametrize("address", ["guest", ":7070", "guest:port", "guest:0", "guest:70700"])
def test_an_address_that_is_none_is_a_usage_error(monkeypatch, address):
    monkeypatch.setenv(ocr.ENVIRONMENT, address)
    with pytest.raises(UsageError, match=f"HIL_OCR: '{address}' is no host:port. Remedy: write it like"):
        ocr.recognise(written("1"))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_nobody_there_is_a_bench_fault():
    with pytest.raises(
        BenchError, match=r"HIL_OCR=127\.0\.0\.1:\d+: the recogniser doesn't answer: .*refused.*Remedy: start it"
    ):
        ocr.RemoteRecogniser("127.0.0.1", free_port())(written("1"))


def test_a_silent_server_is_a_bench_fault_after_the_time_out():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        recogniser = ocr.RemoteRecogniser("127.0.0.1", silent.getsockname()[1], timeout_s=0.05)
        with pytest.raises(BenchError, match="timed out"):
            recogniser(written("1"))


def hang_up(listener):
    connection, _ = listener.accept()
    connection.close()


def test_a_server_that_hangs_up_is_a_bench_fault_and_the_next_call_connects_anew(server):
    with socket.create_server(("127.0.0.1", 0)) as rude:
        thread = threading.Thread(target=hang_up, args=(rude,))
        thread.start()
        recogniser = ocr.RemoteRecogniser("127.0.0.1", rude.getsockname()[1])
        with pytest.raises(BenchError, match="doesn't answer"):
            recogniser(written("1"))
        thread.join()
    recogniser._address = ("127.0.0.1", server.port)
    assert recogniser(written("1"))[0] == "1"
    recogniser.close()


def raw_exchange(server, payload):
    with socket.create_connection(("127.0.0.1", server.port), 5) as connection:
        connection.sendall(struct.pack(">I", len(payload)) + payload)
        return json.loads(ocr._message(connection))


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\x00",
        struct.pack(">HHH", 2, 2, 1) + b"abc",
        struct.pack(">HHH", 0, 0, 1),
        struct.pack(">HHH", 1, 1, 2) + b"ab",
    ],
)
def test_a_broken_request_is_answered_with_an_error(server, payload):
    assert set(raw_exchange(server, payload)) == {"error"}


def test_a_huge_announcement_ends_the_connection(server):
    with socket.create_connection(("127.0.0.1", server.port), 5) as connection:
        connection.sendall(struct.pack(">I", 1 << 31))
        assert connection.recv(1) == b""


def test_an_error_of_the_server_is_a_bench_fault(monkeypatch):
    recogniser = ocr.RemoteRecogniser("h", 1)
    monkeypatch.setattr(recogniser, "_ask", lambda request: {"error": "no model"})
    with pytest.raises(BenchError, match="no model"):
        recogniser(written("1"))


def test_a_port_that_is_taken_is_a_bench_fault(server):
    with pytest.raises(BenchError, match="can't listen"):
        ocr.OcrServer(server.port)


def test_it_says_and_logs_nothing(capfd, caplog):
    with caplog.at_level(logging.DEBUG):
        fresh = ocr.LocalRecogniser()
        assert fresh(written("42"))[0] == "42"
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "")
    assert [record for record in caplog.records if record.levelno > logging.DEBUG] == []


def test_the_module_serves_as_a_process():
    command = [sys.executable, "-m", "hil.hmi.ocr", "serve", "--port", "0"]
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(ocr.__file__))))
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as process:
        try:
            host, _, port = process.stdout.readline().strip().partition(":")
            recogniser = ocr.RemoteRecogniser(host, int(port))
            assert recogniser(written("87")) == ocr.recognise(written("87"))
            recogniser.close()
        finally:
            process.kill()


def test_the_recogniser_of_an_address_is_made_once():
    assert ocr.engine("") is ocr.engine("")
    ocr.warm_up()
    loaded = ocr.engine("")._engine
    ocr.warm_up()
    assert ocr.engine("")._engine is loaded is not None


@pytest.fixture
def anew(tmp_path, monkeypatch):
    """A process that begins: an engine that knows what is kept, and nothing else; engines that read are counted."""
    monkeypatch.setenv("HIL_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("HIL_OCR", raising=False)
    read = ocr.LocalRecogniser._read
    reads = []
    monkeypatch.setattr(
        ocr.LocalRecogniser, "_read", lambda self, crop: (reads.append(crop.shape), read(self, crop))[1]
    )

    def begin():
        ocr.engine.cache_clear()
        reads.clear()
        return reads

    yield begin
    ocr.engine.cache_clear()


def test_what_one_process_read_the_next_knows_and_none_that_is_made_otherwise(anew, monkeypatch):
    reads = anew()
    said = ocr.recognise(written("87"))
    assert (said[0], len(reads)) == ("87", 1)
    ocr.keep_known()
    reads = anew()
    assert ocr.recognise(written("87")) == said
    assert not reads
    assert ocr.recognise(written("88"))[0] == "88"
    assert len(reads) == 1
    ocr.keep_known()
    reads = anew()
    ocr.recognise(written("87"))
    ocr.recognise(written("88"))
    assert not reads
    monkeypatch.setattr(ocr, "version", lambda name: f"another {name}")
    reads = anew()
    assert ocr.recognise(written("87")) == said
    assert len(reads) == 1


def test_a_known_text_does_not_stand_for_a_model_that_is_loaded(anew):
    anew()
    ocr.recognise(written("87"))
    ocr.keep_known()
    reads = anew()
    ocr.recognise(written("87"))
    ocr.warm_up()
    assert len(reads) == 1


def test_what_a_child_read_is_known_to_its_runner(anew):
    anew()
    child, runner = ocr.LocalRecogniser(), ocr.LocalRecogniser()
    child(written("1"))
    before = child.count
    child(written("87"))
    told = child.known(before)
    assert [text for text, _ in told.values()] == ["87"]
    runner.learn(told)
    reads = anew()
    assert runner(written("87"))[0] == "87"
    assert not reads


def test_no_more_texts_are_kept_than_a_recogniser_remembers_the_own_and_the_newest(anew, monkeypatch):
    monkeypatch.setattr(ocr, "_REMEMBERED", 3)
    for numbers, kept in (("12", ["1", "2"]), ("3", ["1", "2", "3"]), ("4", ["2", "3", "4"])):
        anew()
        engine = ocr.engine("")
        engine.forget()
        for number in numbers:
            engine(written(number))
        ocr.keep_known()
        assert [text for text, _ in ocr._kept().values()] == kept


def test_a_build_of_another_name_reads_and_keeps_nothing(anew, monkeypatch):
    def unknown(name):
        raise ocr.PackageNotFoundError(name)

    monkeypatch.setattr(ocr, "version", unknown)
    anew()
    assert ocr.recognise(written("87"))[0] == "87"
    ocr.keep_known()
    reads = anew()
    assert ocr.recognise(written("87"))[0] == "87"
    assert len(reads) == 1
