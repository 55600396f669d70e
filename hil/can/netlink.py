"""What is said to the Linux kernel about one network interface: rtnetlink, as much of it as CAN needs.

Rules of this module: a request is one message with one answer; attributes are `{type: bytes}`, nested ones packed by
the same function. Layouts: linux/netlink.h, linux/rtnetlink.h.

Not for: what the attributes mean (`hil.can.link`); watching an interface (error frames come over the CAN socket).
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Mapping
from typing import Any, Final

RTM_NEWLINK, RTM_GETLINK = 16, 18
IFF_UP: Final = 1
_REQUEST, _ACK = 1, 4
_ERROR: Final = 2
_MESSAGE: Final = 1
_ANSWERED_WITH_REQUEST_LEFT_OUT: Final = 0x100
_TEXTS_FOLLOW: Final = 0x200
_SOL_NETLINK, _CAP_ACK, _EXT_ACK = 270, 10, 11
_NESTED: Final = 0x8000
_TYPE: Final = 0x3FFF
_HEAD: Final = struct.Struct("=IHHII")
_LINK: Final = struct.Struct("=BxHiII")
_ATTRIBUTE: Final = struct.Struct("=HH")
_ANSWER_SIZE: Final = 65536

Attributes = Mapping[int, bytes]


def pack(attributes: Attributes, *, nested: bool = False) -> bytes:
    """Attributes one after the other, each padded to four bytes."""
    mark = _NESTED if nested else 0
    return b"".join(
        _ATTRIBUTE.pack(_ATTRIBUTE.size + len(value), kind | mark) + value + bytes(-len(value) % 4)
        for kind, value in attributes.items()
    )


def unpack(data: bytes) -> dict[int, bytes]:
    """The attributes in `data`; what is cut off is left out."""
    found, at = {}, 0
    while at + _ATTRIBUTE.size <= len(data):
        size, kind = _ATTRIBUTE.unpack_from(data, at)
        if size < _ATTRIBUTE.size or at + size > len(data):
            break
        found[kind & _TYPE] = data[at + _ATTRIBUTE.size : at + size]
        at += size + -size % 4
    return found


def request(kind: int, index: int, body: bytes, *, flags: int = 0, change: int = 0) -> bytes:
    """A message about the interface with this index."""
    acknowledge = _ACK if kind == RTM_NEWLINK else 0
    size = _HEAD.size + _LINK.size + len(body)
    return _HEAD.pack(size, kind, _REQUEST | acknowledge, 1, 0) + _LINK.pack(0, 0, index, flags, change) + body


def answer(data: bytes) -> tuple[int, dict[int, bytes]]:
    """Flags and attributes of the interface that an answer tells of; none of an acknowledgement.

    Raises:
        OSError: the kernel refuses, in its own words where it says more than a number.
    """
    size, kind, flags, *_ = _HEAD.unpack_from(data)
    if kind != _ERROR:
        link_flags = _LINK.unpack_from(data, _HEAD.size)[3]
        return link_flags, unpack(data[_HEAD.size + _LINK.size : size])
    (number,) = struct.unpack_from("=i", data, _HEAD.size)
    if number:
        raise OSError(-number, _words(data[_HEAD.size + 4 : size], flags) or os.strerror(-number))
    return 0, {}


def _words(rest: bytes, flags: int) -> str:
    """What the kernel says beside the number of an error (its extended acknowledgement)."""
    if not flags & _TEXTS_FOLLOW:
        return ""
    asked = _HEAD.size if flags & _ANSWERED_WITH_REQUEST_LEFT_OUT else _HEAD.unpack_from(rest)[0]
    return unpack(rest[asked + -asked % 4 :]).get(_MESSAGE, b"").rstrip(b"\0").decode(errors="replace")


def ask(message: bytes) -> tuple[int, dict[int, bytes]]:
    """Send a request and take its answer; the kernel gives it at once.

    Raises:
        OSError: the kernel refuses, or this is no Linux.
    """
    family = getattr(socket, "AF_NETLINK", None)
    if family is None:
        raise OSError(errno.ENOSYS, "only Linux has netlink")
    with socket.socket(family, socket.SOCK_RAW, 0) as link:
        _say_more(link)
        link.bind((0, 0))
        link.send(message)
        return answer(link.recv(_ANSWER_SIZE))


def _say_more(link: Any) -> None:
    for option in (_CAP_ACK, _EXT_ACK):
        link.setsockopt(_SOL_NETLINK, option, 1)


__all__ = ["IFF_UP", "RTM_GETLINK", "RTM_NEWLINK", "Attributes", "answer", "ask", "pack", "request", "unpack"]
