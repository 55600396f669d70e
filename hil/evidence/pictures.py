"""Pictures for the page, as data URIs: crops and JPEG as they are, other whole frames as JPEG. Pure."""

from __future__ import annotations

import base64
import hashlib
import io
from dataclasses import dataclass
from typing import Final

from PIL import Image

from hil.evidence.model import Shot

CROP_BYTES: Final = 150_000
WHOLE_WIDTH: Final = 1280
_MEDIA: Final = {"PNG": "image/png", "JPEG": "image/jpeg"}


@dataclass(frozen=True, slots=True)
class Embedded:
    """A picture as it stands in the page; `note` says what was changed, `full` how large it was.

    Only equal pictures have one name.
    """

    name: str
    uri: str
    width: int
    height: int
    note: str
    full: tuple[int, int]


def embed(shot: Shot, quality: int = 80) -> Embedded | None:
    """A picture as data URI; None if its bytes are no picture."""
    data = shot.picture.data
    try:
        with Image.open(io.BytesIO(data), formats=list(_MEDIA)) as image:
            media = _MEDIA[image.format or "PNG"]
            small = len(data) <= CROP_BYTES and image.width <= WHOLE_WIDTH
            if small and (shot.is_crop or media == "image/jpeg"):
                return _embedded(media, data, image.size, "")
            return _as_jpeg(image, quality)
    except Exception:  # the bytes are whatever a source gave; Pillow raises many kinds of errors
        return None


def _as_jpeg(image: Image.Image, quality: int) -> Embedded:
    small = image.convert("RGB")
    small.thumbnail((WHOLE_WIDTH, WHOLE_WIDTH))
    out = io.BytesIO()
    small.save(out, "JPEG", quality=quality)
    scaled = f", scaled from {image.width}x{image.height}" if small.size != image.size else ""
    note = f"JPEG for this page{scaled}; the original is in the journal"
    return _embedded("image/jpeg", out.getvalue(), small.size, note, full=image.size)


def _embedded(
    media: str, data: bytes, size: tuple[int, int], note: str, *, full: tuple[int, int] | None = None
) -> Embedded:
    name = hashlib.sha256(media.encode() + data).hexdigest()[:16]
    return Embedded(name, f"data:{media};base64,{base64.b64encode(data).decode()}", *size, note, full or size)
