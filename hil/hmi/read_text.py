"""Reads a line of text, or a few: the region is made grey, trimmed to its ink and handed to OCR. Pure but for that.

Rules of this module: the text is read as it stands; the layout's charset only turns look-alikes that it doesn't hold
into those that it does (O into 0), so an ECU that shows ERR where a number belongs is read as ERR. An empty region and
dashes (`---`) are told by their geometry, since OCR has no reliable word for either.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from hil.hmi.colour import highest
from hil.hmi.frames import Pixels
from hil.hmi.layout import Text
from hil.hmi.ocr import Crop, recognise
from hil.hmi.reader import Reading, crop

CONFIDENCE: Final = 0.5
"""Less than this is unreadable."""
CONTRAST: Final = 40.0
"""Levels (of 255) between ink and ground; a region with less is empty."""
_LINE_PX: Final = 48
_DIGITS: Final = frozenset("0123456789-")
_CHARSETS: Final = {"digits": _DIGITS, "number": _DIGITS | frozenset(".,+ ")}
_LOOKALIKES: Final = dict(zip("OoQIl|\u2014\u2013_", "000111---", strict=True))
_STAMMER: Final = re.compile(r"°+([CF]?)\1*")
"""OCR says small degrees twice: `8 °°C`, or U+2103 beside a C or a degree sign of its own."""

Ink = NDArray[np.uint8]


def read_text(pixels: Pixels, item: Text) -> Reading:
    """The text of a region; an empty one is `""`. Lines are joined by a blank.

    Raises:
        UsageError, BenchError: the OCR that the environment names is not there.
    """
    region = crop(pixels, item.region)
    ink = _ink(region)
    if ink is None:
        return Reading("", 1.0, 1.0, "empty", region)
    dashes = _dashes(_tight(ink))
    found = [(dashes, 1.0)] if dashes else [_line(line) for line in _lines(ink)]
    text, score = " ".join(text for text, _ in found if text), min(confidence for _, confidence in found)
    if score < CONFIDENCE:
        return Reading(None, 1 - score, CONFIDENCE - score, f"unreadable, perhaps '{text}'", region)
    text = _in_charset(text, item.charset)
    return Reading(text, score, score - CONFIDENCE, _detail(text, item), region)


def _ink(region: Pixels) -> Ink | None:
    """Ink as 255 on a ground of 0, whatever the polarity and the colours; None where there is none."""
    levels = region.astype(np.float32)
    ground = np.median(levels, axis=(0, 1))
    away = highest(np.abs(levels - ground))
    contrast = float(np.percentile(away, 99.5))
    if contrast < CONTRAST:
        return None
    return np.asarray(np.clip(away * (255 / contrast), 0, 255), np.uint8)


def _lines(ink: Ink) -> list[Ink]:
    """The lines from top to bottom; dots and accents stay with their letters."""
    rows = np.flatnonzero((ink > 110).any(axis=1))
    bands = [(int(band[0]), int(band[-1]) + 1) for band in np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1)]
    tallest = max(bottom - top for top, bottom in bands)
    joined: list[tuple[int, int]] = []
    for band in bands:
        small = band[1] - band[0] < 0.45 * tallest or (joined and joined[-1][1] - joined[-1][0] < 0.45 * tallest)
        if joined and small and band[0] - joined[-1][1] < 0.35 * tallest:
            joined[-1] = joined[-1][0], band[1]
        else:
            joined.append(band)
    return [ink[top:bottom] for top, bottom in joined]


def _line(ink: Ink) -> tuple[str, float]:
    dashes = _dashes(_tight(ink))
    return (dashes, 1.0) if dashes else recognise(_prepared(_tight(ink)))


def _tight(ink: Ink) -> Ink:
    """Without the empty columns beside it."""
    columns = np.flatnonzero((ink > 110).any(axis=0))
    return ink[:, columns[0] : columns[-1] + 1]


def _dashes(ink: Ink) -> str:
    """The text where the ink is nothing but dashes, with colons and points between (`---`, `--:--`); else empty."""
    count, _, stats, _ = cv2.connectedComponentsWithStats((ink > 110).astype(np.uint8), connectivity=8)
    boxes = np.asarray(stats[1:count], np.int32)
    boxes = boxes[np.argsort(boxes[:, cv2.CC_STAT_LEFT], kind="stable")]
    width, height, area = boxes[:, cv2.CC_STAT_WIDTH], boxes[:, cv2.CC_STAT_HEIGHT], boxes[:, cv2.CC_STAT_AREA]
    full = area >= 0.7 * width * height
    bars = (width >= 1.3 * height) & (width <= 6 * height) & full
    dots = (width < 1.3 * height) & (height < 1.6 * width) & full
    if not bars.any() or not (bars | dots).all() or not _alike(boxes[bars]) or (dots.any() and bars.sum() < 2):
        return ""
    if dots.any() and height[dots].max() > 2.2 * height[bars].max():
        return ""
    return _spelt(boxes, bars)


def _alike(bars: NDArray[np.int32]) -> bool:
    """Whether bars are as wide, and at one height."""
    width = bars[:, cv2.CC_STAT_WIDTH]
    return bool(np.ptp(width) <= max(2, 0.3 * width.max()) and np.ptp(bars[:, cv2.CC_STAT_TOP]) <= 2)


def _spelt(boxes: NDArray[np.int32], bars: NDArray[np.bool_]) -> str:
    """Dashes and dots from left to right; two dots at one place are a colon."""
    text, last_dot = "", -100
    for box, is_bar in zip(boxes, bars, strict=True):
        left, width = int(box[cv2.CC_STAT_LEFT]), int(box[cv2.CC_STAT_WIDTH])
        if not is_bar and left - last_dot < width:
            text = f"{text[:-1]}:"
        else:
            text += "-" if is_bar else "."
        last_dot = -100 if is_bar else left
    return text


def _prepared(ink: Ink) -> Crop:
    """A line as the model likes it: black on white, 48 px high, with a margin."""
    margin = max(2, round(0.25 * ink.shape[0]))
    framed = cv2.copyMakeBorder(255 - ink, margin, margin, margin, margin, cv2.BORDER_CONSTANT, value=255)
    scale = _LINE_PX / framed.shape[0]
    shape = max(1, round(framed.shape[1] * scale)), _LINE_PX
    return np.asarray(cv2.resize(framed, shape, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC))


def _in_charset(text: str, charset: str) -> str:
    text = _STAMMER.sub(r"°\1", unicodedata.normalize("NFKC", text).strip())
    allowed = _CHARSETS.get(charset)
    if allowed is None:
        return text
    fitted = "".join(c if c in allowed else _LOOKALIKES.get(c, c) for c in text)
    return fitted.replace(" ", "")


def _detail(text: str, item: Text) -> str:
    allowed = _CHARSETS.get(item.charset)
    strange = sorted({c for c in text if allowed is not None and c not in allowed})
    if item.charset == "letters":
        strange = sorted({c for c in text if not (c.isalpha() or c in " -")})
    if strange:
        return f"reads '{text}', which has {' '.join(strange)}: not {item.charset}"
    if item.pattern and not re.fullmatch(item.pattern, text):
        return f"reads '{text}', which is not of the form {item.pattern}"
    return f"reads '{text}'"
