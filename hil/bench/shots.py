"""The pictures that a check leaves in the journal: what was judged, lossless; of a failed check the whole frame too."""

from __future__ import annotations

from typing import Final

import cv2

from hil.bench.portal import Portal
from hil.hmi.checks import CheckResult
from hil.hmi.frames import Pixels

_JPEG_QUALITY: Final = 85


def keep_pictures(bench: Portal, source: str, result: CheckResult) -> None:
    """Keep what a check of a screen, or of an ear, looked at."""
    journal = bench.wiring.recorder.journal
    if journal is None:
        return
    region = result.target.partition(": ")[2].replace(" ", ".")
    journal.picture(result.t_ns, f"{source}/{region}", "png", png(result.crop))
    if not result.ok and source in bench.wiring.screens:
        journal.picture(result.t_ns, source, "jpeg", _jpeg(result.frame.pixels))


def png(pixels: Pixels) -> bytes:
    """Pixels as PNG, packed in a hurry."""
    return bytes(cv2.imencode(".png", pixels[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 1])[1])


def _jpeg(pixels: Pixels) -> bytes:
    return bytes(cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])[1])
