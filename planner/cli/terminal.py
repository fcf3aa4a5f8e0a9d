"""Where tables are printed: as wide as the terminal, or as COLUMNS says, or 80 columns; and how a wide table fits."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from rich.console import Console
    from rich.table import Column, Table

PIPE_WIDTH = 80
"""Columns where the output does not go to a terminal and COLUMNS does not say how many there are."""
BORDERS = 3
"""Columns that a table spends beside each of its columns, and one more at its end."""
KEYS = 0.6
"""Share of the room that the columns repeated in every part of a wide table may take."""


def output() -> Console:
    """The console of a verb's tables."""
    from rich.console import Console

    given = os.environ.get("COLUMNS", "")
    if given.isdecimal() and int(given) > 0:
        return Console(width=int(given))
    return Console() if sys.stdout.isatty() else Console(width=PIPE_WIDTH)


def table_of(
    title: str | None, names: Sequence[str], rows: Iterable[Sequence[str]], *, text: Collection[str] = (),
    lines: bool = False
) -> Table:
    """A table of cells as they are, whatever brackets they hold. text: columns that stand at the left; the others are
    numbers. lines: one below each row."""
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=None if title is None else escape(title), title_justify="left", show_lines=lines)
    for name in names:
        table.add_column(escape(name), justify="left" if name in text else "right", overflow="fold")
    for row in rows:
        table.add_row(*map(escape, row))
    return table


def show(console: Console, table: Table | str) -> None:
    """Print a table so that no cell is cut and no number broken: one too wide as several, each with what names its
    rows.

    A line in place of a table is printed as it is.
    """
    if isinstance(table, str):
        console.print(table, markup=False, highlight=False)
        return
    for part in fitting(table, console):
        console.print(part)


def say_written(console: Console, what: object) -> None:
    """Say where something was written; a path is never broken into lines."""
    console.print(f"written to {what}", markup=False, highlight=False, soft_wrap=True)


def fitting(table: Table, console: Console) -> list[Table]:
    """The table, or the tables into which its columns are parted to fit the console."""
    columns = table.columns
    least, most = zip(*(_widths(column, table, console) for column in columns), strict=True)
    room = console.width - 1
    if sum(most) + BORDERS * len(columns) <= room:
        return [table]
    keys = _keys(columns, least, room)
    held = sum(least[at] for at in keys)
    parts: list[list[int]] = [[]]
    for at in range(len(keys), len(columns)):
        wide = held + sum(least[each] for each in (*parts[-1], at)) + BORDERS * (len(keys) + len(parts[-1]) + 1)
        if parts[-1] and wide > room:
            parts.append([])
        parts[-1].append(at)
    return [_part(table, [*keys, *part], least, most, room, first=part is parts[0]) for part in parts]


def _keys(columns: Sequence[Column], least: Sequence[int], room: int) -> list[int]:
    """The columns that name a row, which every part repeats: the first, and text beside it up to KEYS of the room."""
    text = [column.justify != "right" for column in columns]
    keys = 1
    while (
        keys < len(columns)
        and not all(text)
        and text[keys]
        and sum(least[: keys + 1]) + BORDERS * (keys + 1) <= KEYS * room
    ):
        keys += 1
    return list(range(min(keys, max(len(columns) - 1, 1))))


def _part(
    table: Table, chosen: Sequence[int], least: Sequence[int], most: Sequence[int], room: int, *, first: bool
) -> Table:
    """Some columns of a table, each as wide as there is room for."""
    from dataclasses import replace

    from rich.table import Table

    widths = _shared(room - BORDERS * len(chosen), [least[at] for at in chosen], [most[at] for at in chosen])
    part = Table(
        title=table.title if first else None,
        title_justify="left",
        show_footer=table.show_footer,
        show_lines=table.show_lines,
    )
    part.columns = [
        replace(table.columns[at], width=width, min_width=None, overflow="fold", _index=place)
        for place, (at, width) in enumerate(zip(chosen, widths, strict=True))
    ]
    part.rows = table.rows
    return part


def _shared(room: int, least: list[int], most: list[int]) -> list[int]:
    """Widths of columns: what each needs at least; the rest of the room goes, step by step, to the one that lacks
    most."""
    widths = list(least)
    for _ in range(room - sum(widths)):
        lacking = max(range(len(widths)), key=lambda at: most[at] - widths[at])
        if most[lacking] <= widths[lacking]:
            break
        widths[lacking] += 1
    return widths


def _widths(column: Column, table: Table, console: Console) -> tuple[int, int]:
    """Least and greatest width of a column: text may be broken between words, numbers may not, their headings may."""
    from rich.measure import Measurement

    heads = [column.header, *([column.footer] if table.show_footer else [])]
    measured = [Measurement.get(console, console.options.update(width=10_000), cell) for cell in column._cells]
    headed = [Measurement.get(console, console.options.update(width=10_000), cell) for cell in heads]
    broken = column.justify != "right"
    least = max(
        [each.minimum if broken else each.maximum for each in measured] + [each.minimum for each in headed], default=1
    )
    return max(least, column.min_width or 1), max([each.maximum for each in (*measured, *headed)], default=1)
