"""For every pytest run in this repository: the project's own tests and the suites."""

from __future__ import annotations

from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent


@pytest.fixture
def repository() -> Path:
    """The folder that this repository is checked out in."""
    return REPOSITORY
