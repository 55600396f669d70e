"""For every pytest run in this repository: the project's own tests and the suites."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent


@pytest.fixture
def repository() -> Path:
    """The folder that this repository is checked out in."""
    return REPOSITORY


def pytest_collection_finish() -> None:
    """What collecting made stays to the end: no later look for garbage needs to go through it."""
    gc.collect()
    gc.freeze()
