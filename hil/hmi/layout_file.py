"""Reads a layout file and the reference pictures that it names. What they mean is `hil.hmi.layout`'s."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from hil.errors import UsageError
from hil.hmi.layout import Layout, Shape, parse


def load(path: Path, overlays: Sequence[str] = ()) -> Layout:
    """The layout of a file, with overlays laid on in order.

    Raises:
        UsageError: the file or a picture can't be read, or says something wrong; one line with place and remedy.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"can't be read: {error.strerror}", where=str(path), remedy="mend the path.") from error
    except UnicodeDecodeError as error:
        raise UsageError("is no UTF-8 text", where=str(path), remedy="save it as UTF-8.") from error
    return parse(text, path.name, overlays, lambda reference: _shape(path, reference))


def _shape(layout: Path, reference: str) -> Shape:
    where = f"{layout.name}: reference = '{reference}'"
    try:
        data = (layout.parent / reference).read_bytes()
    except OSError as error:
        remedy = "paths are relative to the layout file."
        raise UsageError(f"can't be read: {error.strerror}", where=where, remedy=remedy) from error
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    if picture is None:
        raise UsageError("is no picture", where=where, remedy="give a PNG: white on black.")
    return np.asarray(picture.max(axis=2), np.uint8)
