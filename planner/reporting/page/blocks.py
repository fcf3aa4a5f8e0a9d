"""The pieces that a page is made of: answers, tables, figures, notes, in sections."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from planner.reporting.charts.look import Figure

MOST_ROWS = 1200
"""Rows of a table on the page; a longer one is cut, says so, and stands whole in the workbook."""


WIDEST_WORD = 24


@dataclass(frozen=True)
class Answer:
    """One figure of the answer: its name, its value in words, what it rests on; `key` and `exact` as in plan.json."""

    name: str
    shown: str
    rests_on: str
    key: str = ""
    exact: Any = None


@dataclass(frozen=True)
class Cell:
    """What is shown, and what the column is sorted by: a number, or text."""

    shown: str
    order: float | str


@dataclass(frozen=True)
class Shown:
    """How a column of a table is shown: its heading, and how its values are written; numbers stand to the right."""

    column: str
    heading: str
    write: Callable[[Any], str] = str
    numeric: bool = False


@dataclass(frozen=True)
class Table:
    """A table that sorts and filters."""

    name: str
    title: str
    headings: tuple[tuple[str, bool], ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""

    def least_width(self, column: int) -> int:
        """Letters that a column of text must show side by side: its longest cell where that is short, its longest word
        where it is a few words, WIDEST_WORD where it is a sentence."""
        texts = [row[column].shown for row in self.rows]
        longest = max(map(len, texts), default=0)
        if WIDEST_WORD < longest <= 2 * WIDEST_WORD:
            longest = max(len(word) for text in texts for word in text.split())
        return min(longest, WIDEST_WORD) + 3


@dataclass(frozen=True)
class Section:
    """A part of the page: figures and tables in order under a heading."""

    name: str
    title: str
    blocks: tuple[Any, ...]
    lead: str = ""
    answers: tuple[Answer, ...] = field(default=())


@dataclass(frozen=True)
class Drawn:
    """A figure on the page, by its name."""

    name: str
    figure: Figure


@dataclass(frozen=True)
class Note:
    """A paragraph."""

    text: str


def number(column: str, heading: str, write: Callable[[Any], str]) -> Shown:
    """A column of numbers."""
    return Shown(column, heading, write, numeric=True)


def table_of(
    name: str, title: str, frame: pd.DataFrame, columns: Sequence[Shown], note: str = "", most: int = MOST_ROWS
) -> Table:
    """A table of some columns of a frame, cut at `most` rows."""
    cut = f"{len(frame) - most:,} more rows stand in the workbook. " if len(frame) > most else ""
    shown = frame.head(most)
    cells = [[_cell(column, value) for value in shown[column.column]] for column in columns]
    return Table(
        name, title, tuple((column.heading, column.numeric) for column in columns),
        tuple(zip(*cells, strict=True)) if len(shown) else (), cut + note,
    )


def _cell(column: Shown, value: Any) -> Cell:
    if not column.numeric:
        text = "" if value is None or (isinstance(value, float) and value != value) else column.write(value)
        return Cell(text, text)
    exact = float(value) if value is not None and not pd.isna(value) else float("-inf")
    return Cell(column.write(float(value)) if exact != float("-inf") else column.write(float("nan")), exact)


def present(blocks: Iterable[Any]) -> tuple[Any, ...]:
    """The blocks that there are: no tables without rows, nothing that is None."""
    return tuple(block for block in blocks if block is not None and not (isinstance(block, Table) and not block.rows))
