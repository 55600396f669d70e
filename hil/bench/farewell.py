"""What a case that ran in a process of its own leaves to the runner: verdicts, and what the next need not do again.

Rules of this module: nothing here changes a verdict or a journal; it only saves time. Modules that a case was the first
to need are imported in the runner too, and texts that it read are known there, so that the next child begins with them.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from itertools import islice
from typing import Any, Final

from hil.errors import Verdict
from hil.hmi import ocr

_LIBRARIES: Final = frozenset(
    [
        "hil",
        "numpy",
        "cv2",
        "PIL",
        "rapidocr",
        "onnxruntime",
        "tuf",
        "securesystemslib",
        "cryptography",
        "udsoncan",
        "e2e",
        "cantools",
    ]
)
"""And Python's own. None of them starts a thread when it is imported."""


@dataclass(frozen=True, slots=True)
class Farewell:
    """The message.

    Attributes:
        verdicts: of the case, and of a bench that could not be left safe.
        told: what the runner's plugin has to say.
        texts: that were read.
        modules: that were imported.
    """

    verdicts: tuple[Verdict, ...] = ()
    told: Any = None
    texts: Mapping[bytes, ocr.Recognition] = field(default_factory=dict)
    modules: tuple[str, ...] = ()

    def heed(self) -> None:
        """In the runner: have ready what the child had to make."""
        if self.texts:
            _engine().learn(self.texts)
        for name in self.modules:
            with contextlib.suppress(ImportError):
                import_module(name)


class Notes:
    """In the child: what is new since it was forked. Both are counted, not copied: a copy touches all memory of it."""

    def __init__(self) -> None:
        self._modules, self._texts = len(sys.modules), _engine().count

    def farewell(self, verdicts: tuple[Verdict, ...], told: Any) -> Farewell:
        """The message to the runner."""
        modules = tuple(name for name in islice(sys.modules, self._modules, None) if _is_library(name))
        return Farewell(verdicts, told, _engine().known(self._texts), modules)


def get_ready() -> None:
    """In the runner, before it forks: have the texts of earlier runs, or each child would read them from the disk."""
    _engine()


def _engine() -> ocr.LocalRecogniser:
    engine = ocr.engine("")
    assert isinstance(engine, ocr.LocalRecogniser)
    return engine


def _is_library(name: str) -> bool:
    top = name.partition(".")[0]
    return top in _LIBRARIES or top in sys.stdlib_module_names
