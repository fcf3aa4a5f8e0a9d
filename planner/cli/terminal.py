"""Where tables are printed: a terminal at its own width, anything else at one that holds them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

FILE_WIDTH = 118
"""Columns where the output does not go to a terminal."""


def output() -> Console:
    """The console of a verb's tables."""
    from rich.console import Console

    console = Console()
    return console if console.is_terminal else Console(width=FILE_WIDTH)
