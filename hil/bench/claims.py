"""Who runs which case: the children of a run share its cases by claiming each before it begins.

A claim is a file that only one can make. What was claimed is never given back: a case whose child died is not tried
again by another.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

FOLDER: Final = ".claims"
"""In the results folder, while a run is shared."""


class Claims:
    """The claims of one run.

    Args:
        folder: where they lie; it must be there. None where nobody shares, so that every claim holds.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def take(self, case_id: str) -> bool:
        """Claim a case; False if another has it."""
        if self._folder is None:
            return True
        try:
            (self._folder / case_id).touch(exist_ok=False)
        except FileExistsError:
            return False
        return True
