"""One line of text from a crop: RapidOCR in this process, or in another one at HIL_OCR=host:port.

Rules of this module: the models come with the wheel and are loaded at the first use; one thread, so equal crops give
equal answers, and a crop that was read before, by this version of everything, is not read again, neither in this
process nor in a later one of this user (`hil.cache`); nothing is logged. A slow machine (an emulated guest)
asks a fast one, which runs `python -m hil.hmi.ocr serve --port N`: same code, same models, same answers.

Protocol: 4 bytes length and a payload, either way, big-endian. Request: height, width, channels (each 2 bytes), raw
pixels. Answer: JSON, {"text": ..., "confidence": ...} or {"error": ...}. One connection carries many requests.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import socket
import socketserver
import struct
import sys
import threading
from collections.abc import Callable, Mapping
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from itertools import islice
from pathlib import Path
from typing import Any, Final, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from hil import cache
from hil.errors import BenchError, UsageError

ENVIRONMENT: Final = "HIL_OCR"
TIMEOUT_S: Final = 10.0
_REMEMBERED: Final = 16_384
"""Different crops whose text is kept (some 200 bytes each); then all are forgotten."""
_LARGEST: Final = 16 << 20
_PARAMETERS: Final[dict[str, Any]] = {
    "Global.log_level": "critical",
    "Global.text_score": 0.0,
    "Global.use_det": False,
    "Global.use_cls": False,
    "EngineConfig.onnxruntime.intra_op_num_threads": 1,
    "EngineConfig.onnxruntime.inter_op_num_threads": 1,
    "Rec.rec_img_shape": [3, 48, 96],
}
"""The shape is the least that a crop is padded to; at the default of 320 a short number takes twice the time."""

Crop = NDArray[np.uint8]
Recognition = tuple[str, float]
_NOTHING: Final[Crop] = np.zeros((48, 96, 3), np.uint8)


class Recogniser(Protocol):
    """Reads one line of text."""

    def __call__(self, crop: Crop, /) -> Recognition:
        """The text of a crop (height x width grey, or x 3 RGB, uint8), and the confidence, 0..1."""


class LocalRecogniser:
    """RapidOCR's recognition model in this process, on one thread.

    It remembers what it read: the same words stand on the screen in case after case, and are looked at again and again.

    Args:
        known: what it read earlier, by crop.
    """

    def __init__(self, known: Mapping[bytes, Recognition] | None = None) -> None:
        self._lock = threading.Lock()
        self._engine: Any = None
        self._known: dict[bytes, Recognition] = dict(known or {})

    def __call__(self, crop: Crop, /) -> Recognition:
        """As the protocol."""
        key = hashlib.blake2b(b"%d %d %d " % (*crop.shape[:2], crop.ndim) + crop.tobytes(), digest_size=16).digest()
        with self._lock:
            found = self._known.get(key)
            if found is None:
                if len(self._known) >= _REMEMBERED:
                    self._known.clear()
                found = self._known[key] = self._read(crop)
        return found

    def _read(self, crop: Crop) -> Recognition:
        picture = cv2.cvtColor(crop, cv2.COLOR_GRAY2BGR if crop.ndim == 2 else cv2.COLOR_RGB2BGR)
        result = self._loaded()(picture, use_det=False, use_cls=False, use_rec=True)
        texts, scores = result.txts, result.scores
        return (str(texts[0]), float(scores[0])) if texts else ("", 0.0)

    @property
    def count(self) -> int:
        """How many different crops are known."""
        return len(self._known)

    def known(self, since: int = 0) -> dict[bytes, Recognition]:
        """What was read since so many were known, by crop; for another one's `learn`."""
        with self._lock:
            return dict(islice(self._known.items(), since, None))

    def learn(self, known: Mapping[bytes, Recognition]) -> None:
        """Know what another process read; the model is loaded, since there are texts to be read."""
        with self._lock:
            self._warm_up()
            self._known |= known

    def warm_up(self) -> None:
        """Load the models now."""
        with self._lock:
            self._warm_up()

    def _warm_up(self) -> None:
        if self._engine is None:
            self._read(_NOTHING)  # the models are loaded with the first text, not with the engine

    def forget(self) -> None:
        """Read every crop anew, for who measures how long it takes."""
        with self._lock:
            self._known.clear()

    def _loaded(self) -> Any:
        if self._engine is None:
            from rapidocr import RapidOCR

            self._engine = RapidOCR(params=_PARAMETERS)
        return self._engine


class RemoteRecogniser:
    """A recogniser process at an address. Connects at the first use and again after a break.

    Args:
        host: name or address.
        port: TCP port.
        timeout_s: for connecting, and for each answer.
    """

    def __init__(self, host: str, port: int, timeout_s: float = TIMEOUT_S) -> None:
        self._address, self._timeout_s = (host, port), timeout_s
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None

    def __call__(self, crop: Crop, /) -> Recognition:
        """As the protocol. Raises: BenchError: nobody answers, or with an error."""
        with self._lock:
            try:
                answer = self._ask(_packed(crop))
            except (OSError, ValueError) as error:
                self._hang_up()
                raise self._broken(str(error)) from error
        if "error" in answer:
            raise self._broken(str(answer["error"]))
        return str(answer["text"]), float(answer["confidence"])

    def _ask(self, request: bytes) -> dict[str, Any]:
        if self._socket is None:
            self._socket = socket.create_connection(self._address, self._timeout_s)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(request)
        answer: dict[str, Any] = json.loads(_message(self._socket))
        return answer

    def _hang_up(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def close(self) -> None:
        """Let the connection go; the next call makes a new one."""
        with self._lock:
            self._hang_up()

    def _broken(self, why: str) -> BenchError:
        host, port = self._address
        remedy = f"start it with `python -m hil.hmi.ocr serve --port {port}`, or unset {ENVIRONMENT}."
        return BenchError(f"the recogniser doesn't answer: {why}", where=f"{ENVIRONMENT}={host}:{port}", remedy=remedy)


def recognise(crop: Crop) -> Recognition:
    """The text of a crop and the confidence, 0..1, by the engine that the environment names.

    Args:
        crop: one line of text, height x width (grey) or height x width x 3 (RGB), uint8.

    Raises:
        UsageError: HIL_OCR is no host:port.
        BenchError: the recogniser there doesn't answer.
    """
    return engine(os.environ.get(ENVIRONMENT, ""))(crop)


def warm_up() -> None:
    """Load the recogniser now, so that the first text is read as fast as later ones."""
    recogniser = engine(os.environ.get(ENVIRONMENT, ""))
    if isinstance(recogniser, LocalRecogniser):
        recogniser.warm_up()
    else:
        recogniser(_NOTHING)


def keep_known() -> None:
    """Keep what was read in this process, and in those that told it, for later ones of this user."""
    recogniser = engine("")
    if not isinstance(recogniser, LocalRecogniser) or not recogniser.count:
        return
    known, kept, makers = recogniser.known(), _kept(), _makers()
    if makers is None or known.keys() <= kept.keys():
        return
    others = [(crop, text) for crop, text in kept.items() if crop not in known]
    room = max(0, _REMEMBERED - len(known))
    cache.keep("texts", makers, dict(others[max(0, len(others) - room) :]) | known)


def _kept() -> dict[bytes, Recognition]:
    makers = _makers()
    found = None if makers is None else cache.kept("texts", makers)
    return found if isinstance(found, dict) else {}


def _makers() -> tuple[str | bytes, ...] | None:
    """All that a text depends on beside its crop; None where it isn't known, so that nothing is kept."""
    try:
        libraries = [f"{name} {version(name)}" for name in ("rapidocr", "onnxruntime")]
    except PackageNotFoundError:  # another build of it, of another name
        return None
    return (*libraries, cv2.__version__, np.__version__, Path(__file__).read_bytes())


@lru_cache(maxsize=4)
def engine(address: str) -> Recogniser:
    """The recogniser at an address, `host:port`; the local one where it is empty. One each, kept.

    Raises:
        UsageError: the address is no host:port.
    """
    if not address:
        return LocalRecogniser(_kept())
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise UsageError(f"'{address}' is no host:port", where=ENVIRONMENT, remedy="write it like 10.0.2.2:7070.")
    return RemoteRecogniser(host.strip("[]"), int(port))


# ---- the wire


def _packed(crop: Crop) -> bytes:
    channels = 1 if crop.ndim == 2 else crop.shape[2]
    payload = struct.pack(">HHH", crop.shape[0], crop.shape[1], channels) + crop.tobytes()
    return struct.pack(">I", len(payload)) + payload


def _unpacked(payload: bytes) -> Crop:
    height, width, channels = struct.unpack_from(">HHH", payload)
    if channels not in (1, 3) or height * width == 0 or len(payload) != 6 + height * width * channels:
        raise ValueError(f"no crop of {height} x {width} x {channels} in {len(payload)} bytes")
    crop = np.frombuffer(payload, np.uint8, offset=6).reshape(height, width, channels)
    return crop[:, :, 0] if channels == 1 else crop


def _message(connection: socket.socket) -> bytes:
    """The next message.

    Raises:
        ConnectionError: the peer hung up.
        ValueError: it announces more than any crop has.
    """
    (length,) = struct.unpack(">I", _exactly(connection, 4))
    if length > _LARGEST:
        raise ValueError(f"a message of {length} bytes")
    return _exactly(connection, length)


def _exactly(connection: socket.socket, count: int) -> bytes:
    parts = bytearray()
    while len(parts) < count:
        part = connection.recv(min(count - len(parts), 1 << 16))
        if not part:
            raise ConnectionError("the connection was closed")
        parts += part
    return bytes(parts)


# ---- the server


class _Handler(socketserver.BaseRequestHandler):
    """One connection."""

    def handle(self) -> None:
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while True:
            try:
                request = _message(self.request)
            except (OSError, ValueError):
                return
            answer = json.dumps(_answer(request)).encode()
            self.request.sendall(struct.pack(">I", len(answer)) + answer)


def _answer(request: bytes) -> dict[str, Any]:
    try:
        crop = _unpacked(request)
    except (ValueError, struct.error) as error:
        return {"error": str(error)}
    text, confidence = engine("")(crop)
    return {"text": text, "confidence": confidence}


class OcrServer(socketserver.ThreadingTCPServer):
    """Answers on a TCP port; port 0 takes a free one. `serve_forever` blocks, `shutdown` ends it from a thread."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        try:
            super().__init__((host, port), _Handler)
        except OSError as error:
            what = f"can't listen: {error.strerror}"
            raise BenchError(what, where=f"{host}:{port}", remedy="give a free port.") from error

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self.server_address[1])


def serve(port: int, announce: Callable[[int], object], host: str = "127.0.0.1") -> None:
    """Answer until interrupted.

    Args:
        port: TCP port; 0 takes a free one.
        announce: called with the port once the model is loaded and connections are accepted.
        host: address to listen on.

    Raises:
        BenchError: the port is taken.
    """
    with OcrServer(port, host) as server:
        engine("")(np.zeros((48, 96), np.uint8))
        announce(server.port)
        server.serve_forever()


def main(arguments: list[str] | None = None) -> None:
    """`python -m hil.hmi.ocr serve --port N [--host H]`."""
    parser = argparse.ArgumentParser(prog="python -m hil.hmi.ocr", description="Recognise text for other processes.")
    parser.add_argument("command", choices=["serve"])
    parser.add_argument("--port", type=int, default=7070)
    parser.add_argument("--host", default="127.0.0.1")
    options = parser.parse_args(arguments)

    def announce(port: int) -> None:
        sys.stdout.write(f"{options.host}:{port}\n")
        sys.stdout.flush()

    serve(options.port, announce, options.host)


if __name__ == "__main__":
    main()
