"""Whether the ECU trusts a bundle: the chain root, timestamp, snapshot, targets of TUF, with the time handed in. Pure.

Rules of this module: every file has a cap on its length, a signature by the key of its role, an expiry, and a version
that never falls. Nothing is used before it was checked. What is refused says why, in the words that the report uses.

Not for: fetching; `hil.ecu.updater` does that. The image itself is checked by length and hash, against what is found
here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

FILES: Final = {"timestamp": 16_384, "snapshot": 65_536, "targets": 65_536}
"""Role -> the most bytes that are read, in the order in which they are checked."""
REASONS: Final = ("BadSignature", "BadHash", "WrongDevice", "Rollback", "NoSpace")
"""Why something is refused, in the words of the report."""
_ROOT: Final = Path(__file__).parent / "keys" / "root.json"


class RefusedError(Exception):
    """A bundle is refused.

    Args:
        result: the word for the report: `BadSignature`, `BadHash`, `WrongDevice`, `Rollback`, `NoSpace`.
        why: what is wrong with it.
    """

    def __init__(self, result: str, why: str) -> None:
        super().__init__(f"{result}: {why}")
        self.result, self.why = result, why


@dataclass(frozen=True, slots=True)
class Device:
    """What a bundle must suit.

    Attributes:
        hardware: hardware id.
        release: release counter of the running software.
        capacity: bytes of a slot.
        versions: role -> version of the metadata that was trusted last.
    """

    hardware: str
    release: int
    capacity: int
    versions: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Release:
    """A target that is trusted, and the versions of the metadata that say so."""

    path: str
    version: str
    release: int
    length: int
    sha256: str
    versions: dict[str, int]


def check_bundle(
    files: Mapping[str, bytes],
    device: Device,
    now: datetime,
    *,
    signatures: bool = True,
    expiries: bool = True,
    chain: bool = True,
) -> Release:
    """The one release that a bundle offers to this device.

    Args:
        files: role -> metadata file, as fetched.
        device: what it must suit.
        now: the time that expiries are compared with.
        signatures: False leaves the signatures unchecked (a defect).
        expiries: False takes what has expired (a defect).
        chain: False takes files that don't belong together (a defect).

    Raises:
        RefusedError: it is not to be trusted, or not for this device.
    """
    from tuf.api.exceptions import RepositoryError
    from tuf.api.metadata import Metadata

    try:
        root: Any = Metadata.from_bytes(_ROOT.read_bytes()).signed
        latest = now if expiries else datetime.min.replace(tzinfo=now.tzinfo)
        signed = {role: _signed(root, role, files[role], latest, signatures) for role in FILES}
        if chain:
            _check_chain(signed, device)
    except (RepositoryError, ValueError) as error:
        raise RefusedError("BadSignature", _short(error)) from error
    return _check_release(signed, device)


def _signed(root: Any, role: str, data: bytes, now: datetime, signatures: bool) -> Any:
    """The signed part of one file, if the role's key signed it and it has not expired."""
    from tuf.api.metadata import Metadata

    metadata: Any = Metadata.from_bytes(data)
    if metadata.signed.type != role:
        raise RefusedError("BadSignature", f"{role}.json is no {role}")
    if signatures:
        root.verify_delegate(role, metadata.signed_bytes, metadata.signatures)
    if metadata.signed.is_expired(now):
        raise RefusedError("BadSignature", f"{role}.json expired on {metadata.signed.expires:%Y-%m-%d}")
    return metadata.signed


def _check_chain(signed: Mapping[str, Any], device: Device) -> None:
    """Each file names the version of the next, and none is older than what was trusted before."""
    named = {
        "snapshot": signed["timestamp"].snapshot_meta.version,
        "targets": signed["snapshot"].meta["targets.json"].version,
    }
    for role, part in signed.items():
        if part.version != named.get(role, part.version):
            raise RefusedError("BadSignature", f"{role}.json is version {part.version}, not {named[role]} as signed")
        if part.version < device.versions.get(role, 0):
            trusted = device.versions[role]
            raise RefusedError("Rollback", f"{role}.json is version {part.version}, but {trusted} was trusted")


def _check_release(signed: Mapping[str, Any], device: Device) -> Release:
    targets = signed["targets"].targets
    if len(targets) != 1:
        raise RefusedError("BadSignature", f"targets.json names {len(targets)} images")
    ((path, target),) = targets.items()
    custom = target.custom or {}
    hardware, release = custom.get("hardware"), custom.get("release")
    if hardware != device.hardware:
        raise RefusedError("WrongDevice", f"made for hardware {hardware}, this is {device.hardware}")
    if target.length > device.capacity:
        raise RefusedError("NoSpace", f"{target.length} bytes do not fit into {device.capacity}")
    if not isinstance(release, int) or "sha256" not in target.hashes:
        raise RefusedError("BadSignature", "targets.json has no release counter or no hash")
    versions = {role: part.version for role, part in signed.items()}
    return Release(path, str(custom.get("version")), release, target.length, target.hashes["sha256"], versions)


def check_release_counter(release: Release, device: Device) -> None:
    """An update must be newer than what runs.

    Raises:
        RefusedError: it is not.
    """
    if release.release <= device.release:
        raise RefusedError("Rollback", f"release {release.release} is not newer than {device.release}")


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__
