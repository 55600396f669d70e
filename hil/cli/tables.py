"""Tables on the terminal, and whole lines where the output goes to a file or a pipe."""

from __future__ import annotations

from typing import Final

from rich.console import Console
from rich.table import Table

WIDE: Final = 320


def print_table(table: Table) -> None:
    """Print a table; cells are wrapped only where somebody looks."""
    console = Console()
    (console if console.is_terminal else Console(width=WIDE)).print(table)
