"""Update bundles: an image and the signed metadata that vouches for it, good or with one named fault. Pure.

Rules of this module: the metadata are TUF's (root, timestamp, snapshot, targets), signed with Ed25519 keys that follow
from a seed, so that equal orders give equal bytes. The keys protect a bench and nothing else. A fault changes one thing
and leaves the rest right, so that a suite knows what was refused.

Not for: reading a bundle; the ECU has code of its own for that, and shares none with this.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

from hil.errors import UsageError
from hil.seed import seeded

ROLES: Final = ("timestamp", "snapshot", "targets")
HARDWARE: Final = "B1"
FACTORY_RELEASE: Final = 100
"""Release counter of the software that the virtual ECU leaves the plant with."""
SIZE: Final = 128 * 1024
"""Bytes of an image, about."""
_EXPIRES: Final = datetime(2046, 1, 1, tzinfo=UTC)
_EXPIRED: Final = datetime(2026, 1, 1, tzinfo=UTC)
_HEADER: Final = struct.Struct(">8s8s4HII32s")
_HEADER_BYTES: Final = 256
FAULTS: Final = {
    "": "none: a good bundle",
    "wrong key": "targets.json is signed with a key that is not the role's",
    "unsigned": "targets.json carries no signature",
    "bit flip in image": "one bit of the image is wrong; the metadata are right",
    "bit flip in metadata": "one character of targets.json is wrong after it was signed",
    "older release": "the release counter is lower than that of the running software",
    "wrong hardware": "the bundle is for another hardware",
    "expired": "timestamp.json expired",
    "mixed": "snapshot.json is of another bundle",
    "too big": "the image is larger than a slot",
    "does not boot": "a good bundle, but the software in it never comes up",
    "sick": "a good bundle, but the self-test of the software in it fails",
}
"""Fault -> what is wrong with such a bundle."""
_PROGRAMS: Final = {"does not boot": "hangs", "sick": "sick"}


@dataclass(frozen=True, slots=True)
class Order:
    """What bundle is wanted.

    Attributes:
        version: `1.1.0`.
        number: counts up with each bundle; the version of its metadata.
        release: release counter; by default it counts up from the factory's with the number.
        hardware: whom it is for.
        size: bytes of the image, about.
        fault: one of `FAULTS`.
    """

    version: str
    number: int = 1
    release: int | None = None
    hardware: str = HARDWARE
    size: int = SIZE
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle: path -> file, and what is in it."""

    order: Order
    release: int
    image_path: str
    files: Mapping[str, bytes] = field(repr=False)

    @property
    def image(self) -> bytes:
        """The image as it is served."""
        return self.files[self.image_path]


def check_fault(fault: str) -> str:
    """A fault by its name.

    Raises:
        UsageError: there is none of that name.
    """
    if fault not in FAULTS:
        known = ", ".join(filter(None, FAULTS))
        raise UsageError(f"no bundle can have the fault '{fault}'", remedy=f"there is: {known}.")
    return fault


def make_bundle(order: Order) -> Bundle:
    """The files of a bundle.

    Raises:
        UsageError: the version is no `1.2.3`, or there is no such fault.
    """
    check_fault(order.fault)
    release = order.release or FACTORY_RELEASE + order.number
    if order.fault == "older release":
        release = FACTORY_RELEASE - 1
    hardware = "C9" if order.fault == "wrong hardware" else order.hardware
    order = replace(order, size=600 * 1024) if order.fault == "too big" else order
    image = make_image(order, hardware, release)
    path = f"cockpit-{order.version}.img"
    metadata = _metadata(order, path, image, {"hardware": hardware, "release": release, "version": order.version})
    if order.fault == "bit flip in image":
        middle = len(image) // 2
        image = image[:middle] + bytes([image[middle] ^ 0x10]) + image[middle + 1 :]
    return Bundle(order, release, path, {**metadata, path: image})


def make_image(order: Order, hardware: str, release: int) -> bytes:
    """An image: header of 256 bytes, then a payload that depends on nothing but the order."""
    program = f"program {_PROGRAMS.get(order.fault, 'ok')}\n".encode()
    payload = program + seeded(f"image {order.version} {release}").randbytes(order.size)
    digest, length = hashlib.sha256(payload).digest(), _HEADER_BYTES + len(payload)
    head = _HEADER.pack(b"COCKPIT1", hardware.encode(), *_numbers(order.version), 0, release, length, digest)
    return (head + zlib.crc32(head).to_bytes(4, "big")).ljust(_HEADER_BYTES, b"\xff") + payload


def _numbers(version: str) -> tuple[int, int, int]:
    parts = version.split(".")
    if len(parts) != 3 or not all(part.isdecimal() and int(part) < 256 for part in parts):
        raise UsageError(f"'{version}' is no version", remedy="write it as '1.2.3', each number below 256.")
    return int(parts[0]), int(parts[1]), int(parts[2])


# Metadata -------------------------------------------------------------------------------------------------------------


def _tuf() -> Any:
    """The library, imported when the first bundle is made: most benches never make one."""
    import tuf.api.metadata

    return tuf.api.metadata


@cache
def _signer(name: str) -> Any:
    """The key of a role, out of its name."""
    import securesystemslib.signer
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    signers: Any = securesystemslib.signer
    secret = hashlib.sha256(f"key of the bench's update backend: {name}".encode()).digest()
    return signers.CryptoSigner(Ed25519PrivateKey.from_private_bytes(secret))


def make_root() -> bytes:
    """The root metadata that an ECU on this bench trusts from the plant on (`hil/ecu/keys/root.json`)."""
    tuf = _tuf()
    root = tuf.Root(version=1, expires=_EXPIRES, consistent_snapshot=False)
    for role in ("root", *ROLES):
        root.add_key(_signer(role).public_key, role)
    metadata: Any = tuf.Metadata(root)
    metadata.sign(_signer("root"))
    return _bytes(metadata)


def _metadata(order: Order, path: str, image: bytes, custom: dict[str, Any]) -> dict[str, bytes]:
    tuf, number = _tuf(), order.number
    target = tuf.TargetFile.from_data(path, image, ["sha256"])
    target.unrecognized_fields["custom"] = custom
    targets = tuf.Targets(version=number, expires=_EXPIRES, targets={path: target})
    snapshot = tuf.Snapshot(version=number, expires=_EXPIRES, meta={"targets.json": tuf.MetaFile(version=number)})
    if order.fault == "mixed":
        snapshot.meta["targets.json"] = tuf.MetaFile(version=number + 1)
    expires = _EXPIRED if order.fault == "expired" else _EXPIRES
    timestamp = tuf.Timestamp(version=number, expires=expires, snapshot_meta=tuf.MetaFile(version=number))
    parts = {"timestamp": timestamp, "snapshot": snapshot, "targets": targets}
    return {f"{role}.json": _sign(role, part, order.fault) for role, part in parts.items()}


def _sign(role: str, part: Any, fault: str) -> bytes:
    metadata: Any = _tuf().Metadata(part)
    faulty = fault if role == "targets" else ""
    if faulty == "wrong key":  # the signature names the right key: only verifying it tells
        right = _signer(role).public_key.keyid
        made = _signer("somebody else").sign(metadata.signed_bytes)
        made.keyid = right
        metadata.signatures = {right: made}
    elif faulty != "unsigned":
        metadata.sign(_signer(role))
    data = _bytes(metadata)
    return data.replace(b'"release": 1', b'"release": 9', 1) if faulty == "bit flip in metadata" else data


def _bytes(metadata: Any) -> bytes:
    from tuf.api.serialization.json import JSONSerializer

    made: bytes = metadata.to_bytes(JSONSerializer(compact=False))
    return made
