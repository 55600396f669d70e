"""What single frames mean, for the table of frames around the verdict: message and signals as text. Pure."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from hil.can import database
from hil.can.database import Network, SignalRef
from hil.can.frames import ERROR, REMOTE, CanFrame
from hil.errors import UsageError

TEXT_CHARS: Final = 600


class FrameTexts:
    """Message name and signals of a frame, by the databases of its bus; equal payloads are decoded once."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._cached = lru_cache(maxsize=20_000)(self._text)

    def of(self, frame: CanFrame) -> tuple[str, str]:
        """Message and signals; empty where no database knows the frame."""
        return self._cached(frame._replace(t_ns=0))

    def _text(self, frame: CanFrame) -> tuple[str, str]:
        message = self._network.message_of(frame)
        if message is None:
            return "", ""
        if frame.flags & (ERROR | REMOTE) or message.is_container:
            return message.name, ""
        try:
            raw = database.decode(message, frame.data)
        except UsageError as error:
            return message.name, error.what
        shown = [f"{signal.name} {database.show(SignalRef(frame.bus, message, signal), raw[signal.name])}"
                 for signal in message.signals if signal.name in raw]  # fmt: skip
        return message.name, ", ".join(shown)[:TEXT_CHARS]
