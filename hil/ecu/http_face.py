"""The ECU's screens, loudspeaker and flash over HTTP: what a camera, a microphone and a probe would give of a real one.

    GET /                 a page with the screens and the sound
    GET /<screen>.png     the picture on the glass now; .jpg likewise
    GET /<screen>.mjpeg   each new picture, as multipart/x-mixed-replace
    GET /<speaker>.wav    what sounds from now on, without end
    GET /flash/<part>     the bytes of a part of the flash, as a probe reads them: /flash/slot%20A

Rules of this module: h11 is the protocol, asyncio moves the bytes. `ETag` stands for the state of the glass: it
changes with the frame's token, so an unchanged picture costs a 304 and is encoded once. `X-Frame-Age-Us` says how long
ago the frame was put on the glass, also with a 304; `X-Sample-Age-Us` how old the first sample of a sound is. A slow
client of a stream gets fewer pictures, never old ones; of a sound it gets every sample, late.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import html
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from typing import Any, Final
from urllib.parse import quote, unquote

import cv2
import h11
import numpy as np

from hil.clock import Clock
from hil.ecu import http_sound
from hil.ecu.listener import Listener
from hil.errors import BenchError
from hil.hmi.audio import Speaker
from hil.hmi.frames import Display, Frame, Pixels

_READ_BYTES: Final = 65536
_BOUNDARY: Final = b"frame"
_JPEG_QUALITY: Final = 90
_PNG_LEVEL: Final = 1
_TYPES: Final = {"png": "image/png", "jpg": "image/jpeg"}
_METHODS: Final = (b"GET", b"HEAD")
Headers = list[tuple[str, str]]


class HttpFace(Listener):
    """Serves displays, loudspeakers and flash over HTTP/1.1 on 127.0.0.1.

    Args:
        clock: a real clock.
        displays: the glass of each screen; its name is its path.
        speakers: likewise.
        flash: part -> what reads it.
        name: what messages call it.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        displays: Iterable[Display],
        speakers: Iterable[Speaker] = (),
        flash: Mapping[str, Callable[[], bytes]] | None = None,
        name: str = "http",
    ) -> None:
        super().__init__(clock=clock, name=name)
        self._screens = {display.name: _Screen(display) for display in displays}
        self._speakers = {speaker.name: speaker for speaker in speakers}
        self._flash = dict(flash or {})

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = _Peer(reader, writer)
        try:
            while (request := await peer.next_request()) is not None:
                await self._answer(peer, request)
        except h11.RemoteProtocolError as error:
            await peer.refuse(error.error_status_hint)

    async def _answer(self, peer: _Peer, request: h11.Request) -> None:
        path = unquote(request.target.decode("ascii").partition("?")[0])
        if request.method not in _METHODS:
            await peer.respond(405, [("Allow", "GET, HEAD"), ("Content-Type", "text/plain")], b"only GET and HEAD\n")
        elif path == "/":
            await peer.respond(200, [("Content-Type", "text/html; charset=utf-8")], self._page())
        elif (part := path.removeprefix("/flash/")) in self._flash:
            await peer.respond(200, [("Content-Type", "application/octet-stream")], self._flash[part]())
        elif (speaker := self._speakers.get(path[1:].removesuffix(".wav"))) is not None and path.endswith(".wav"):
            await self._sound(peer, speaker)
        else:
            await self._answer_screen(peer, request, path)

    async def _sound(self, peer: _Peer, speaker: Speaker) -> None:
        tape = http_sound.Tape(speaker, self._clock.now_ns)
        age = [("X-Sample-Age-Us", str(tape.age_us(self._clock.now_ns)))]
        await peer.begin(
            [("Content-Type", http_sound.KIND), *age, ("Cache-Control", "no-store"), ("Connection", "close")]
        )
        if not peer.wants_head:
            await peer.send(h11.Data(data=http_sound.head()))
            gone = asyncio.ensure_future(peer.gone())
            try:
                while not gone.done():
                    await self._clock.sleep(http_sound.PIECE_S)
                    await peer.send(h11.Data(data=tape.piece(self._clock.now_ns)))
            finally:
                gone.cancel()
        await peer.send(h11.EndOfMessage())

    async def _answer_screen(self, peer: _Peer, request: h11.Request, path: str) -> None:
        name, _, kind = path[1:].rpartition(".")
        screen = self._screens.get(name)
        if screen is None or kind not in (*_TYPES, "mjpeg"):
            await peer.respond(404, [("Content-Type", "text/plain")], self._known().encode())
        elif kind == "mjpeg":
            await self._stream(peer, screen)
        else:
            await self._picture(peer, request, screen, kind)

    async def _picture(self, peer: _Peer, request: h11.Request, screen: _Screen, kind: str) -> None:
        frame = screen.display.frame
        tag = screen.tag(frame)
        headers = [("ETag", tag), ("Cache-Control", "no-cache"), ("X-Frame-Age-Us", self._age_us(frame))]
        asked = dict(request.headers).get(b"if-none-match", b"").decode("ascii", "replace")
        if asked == "*" or tag in (one.strip().removeprefix("W/") for one in asked.split(",")):
            await peer.respond(304, headers, b"")
        else:
            body = await screen.encoded(frame, kind)
            await peer.respond(200, [*headers, ("Content-Type", _TYPES[kind])], body)

    async def _stream(self, peer: _Peer, screen: _Screen) -> None:
        kind = f"multipart/x-mixed-replace; boundary={_BOUNDARY.decode()}"
        await peer.begin([("Content-Type", kind), ("Cache-Control", "no-store"), ("Connection", "close")])
        if not peer.wants_head:
            async with contextlib.aclosing(peer.while_connected(screen)) as frames:
                async for frame in frames:
                    await peer.send(h11.Data(data=await self._part(screen, frame)))
        await peer.send(h11.EndOfMessage())

    async def _part(self, screen: _Screen, frame: Frame) -> bytes:
        picture = await screen.encoded(frame, "jpg")
        header = f"Content-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\nX-Frame-Age-Us: {self._age_us(frame)}"
        return b"--%s\r\n%s\r\n\r\n%s\r\n" % (_BOUNDARY, header.encode(), picture)

    def _age_us(self, frame: Frame) -> str:
        return str(max(0, self._clock.now_ns - frame.t_ns) // 1000)

    def _known(self) -> str:
        paths = [f"/{name}.{kind}" for name in self._screens for kind in (*_TYPES, "mjpeg")]
        paths += [f"/{name}.wav" for name in self._speakers]
        return "".join(f"{path}\n" for path in [*paths, *(f"/flash/{quote(part)}" for part in self._flash)])

    def _page(self) -> bytes:
        names = [html.escape(name, quote=True) for name in self._screens]
        screens = "".join(f'<h2>{name}</h2><img src="/{name}.mjpeg" alt="{name}">\n' for name in names)
        sounds = "".join(f'<audio controls src="/{html.escape(name)}.wav"></audio>\n' for name in self._speakers)
        return f"<!doctype html><title>Cockpit</title>\n{screens}{sounds}".encode()


class _Screen:
    """One display, with its last picture as it was encoded."""

    def __init__(self, display: Display) -> None:
        self.display = display
        self._shown: Frame | None = None
        self._tag = 0
        self._encoded: dict[str, bytes] = {}

    def tag(self, frame: Frame) -> str:
        """The ETag of a frame: new when the token is, or when there is none and the frame is another."""
        shown = self._shown
        same = shown is not None and (frame is shown or (frame.token is not None and frame.token == shown.token))
        if not same:
            self._tag += 1
            self._encoded.clear()
        self._shown = frame
        return f'"{self._tag:x}-{id(self):x}"'

    async def encoded(self, frame: Frame, kind: str) -> bytes:
        """The picture as PNG or JPEG bytes; made once for equal frames, in a thread: the ECU goes on meanwhile."""
        tag = self.tag(frame)
        data = self._encoded.get(kind)
        if data is None:
            data = await asyncio.to_thread(lambda: _encode(frame.pixels, kind))
            if self.tag(self._shown or frame) == tag:
                self._encoded[kind] = data
        return data


class _Peer:
    """One connection: moves bytes between the socket and h11."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._http = h11.Connection(h11.SERVER)
        self.wants_head = False

    async def next_request(self) -> h11.Request | None:
        """The next request, its body read and dropped; None when the peer has gone or no other may follow."""
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
        if self._http.our_state is not h11.IDLE:
            return None
        request = await self._event()
        if not isinstance(request, h11.Request):
            return None
        self.wants_head = request.method == b"HEAD"
        while not isinstance(event := await self._event(), h11.EndOfMessage):
            if isinstance(event, h11.ConnectionClosed):
                return None
        return request

    async def _event(self) -> Any:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            if self._http.they_are_waiting_for_100_continue:
                await self.send(h11.InformationalResponse(status_code=100, headers=[]))
            self._http.receive_data(await self._reader.read(_READ_BYTES))
        return event

    async def send(self, event: Any) -> None:
        self._writer.write(self._http.send(event) or b"")
        await self._writer.drain()

    async def begin(self, headers: Headers, status: int = 200) -> None:
        await self.send(h11.Response(status_code=status, headers=headers))

    async def respond(self, status: int, headers: Headers, body: bytes) -> None:
        length = [] if status == 304 else [("Content-Length", str(len(body)))]
        await self.begin([*headers, *length], status)
        if body and not self.wants_head:
            await self.send(h11.Data(data=body))
        await self.send(h11.EndOfMessage())

    async def refuse(self, status: int) -> None:
        """Answer what was no HTTP; the connection ends."""
        if self._http.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            await self.respond(status, [("Connection", "close")], b"")

    async def gone(self) -> None:
        """Return when the peer has gone, or says more than it may."""
        await self._reader.read(1)

    async def while_connected(self, screen: _Screen) -> AsyncGenerator[Frame, None]:
        """The frame on the glass now, and each later one that differs, until the peer goes."""
        gone = asyncio.ensure_future(self.gone())
        try:
            frame = screen.display.frame
            while not gone.done():
                yield frame
                frame = await _next_frame(screen.display, frame, gone)
        finally:
            gone.cancel()


async def _next_frame(display: Display, shown: Frame, gone: asyncio.Future[Any]) -> Frame:
    """The next frame that differs from `shown`; any, once the peer has gone."""
    while not gone.done() and _same(display.frame, shown):
        presented: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        display.on_next(functools.partial(_wake, presented))
        await asyncio.wait({presented, gone}, return_when=asyncio.FIRST_COMPLETED)
        presented.cancel()
    return display.frame


def _wake(presented: asyncio.Future[None], _: Frame) -> None:
    if not presented.done():
        presented.set_result(None)


def _same(frame: Frame, other: Frame) -> bool:
    return frame is other or (frame.token is not None and frame.token == other.token)


def _encode(pixels: Pixels, kind: str) -> bytes:
    option = (cv2.IMWRITE_PNG_COMPRESSION, _PNG_LEVEL) if kind == "png" else (cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY)
    done, encoded = cv2.imencode(f".{kind}", np.ascontiguousarray(pixels[:, :, ::-1]), option)
    if not done:
        raise BenchError(f"a picture could not be encoded as {kind}")
    return bytes(encoded)
