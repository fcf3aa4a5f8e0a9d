"""Which columns a check reads, noted while it reads them: what it says cannot change before one of them does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from typing import Any

import pandas as pd

from planner.case.reading.given import Given
from planner.errors import Fault

Cell = tuple[str, str]
"""A table and a column of it."""
_ROWS_ALONE = frozenset({"index", "empty"})
"""What is asked of a frame that no value of a column changes."""


class WatchedTables(Mapping[str, Any]):
    """Tables that note which of their columns are read."""

    def __init__(self, tables: Mapping[str, pd.DataFrame]) -> None:
        self.read: set[Cell] = set()
        self._frames = {name: _WatchedFrame(name, frame, self) for name, frame in tables.items()}

    def __getitem__(self, name: str) -> Any:
        return self._frames[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._frames)

    def __len__(self) -> int:
        return len(self._frames)


class _WatchedFrame:
    """A frame behind a note of what is read of it: a column by its name, or all of them by anything else."""

    def __init__(self, name: str, frame: pd.DataFrame, tables: WatchedTables) -> None:
        self._name, self._frame, self._tables = name, frame, tables
        self._columns = frozenset(frame.columns)

    def __getitem__(self, key: Any) -> Any:
        self._note(key)
        return self._frame[key]

    def __getattr__(self, name: str) -> Any:
        if name not in _ROWS_ALONE:
            self._note(name)
        return getattr(self._frame, name)

    def __len__(self) -> int:
        return len(self._frame)

    def __contains__(self, column: str) -> bool:
        return column in self._columns

    def _note(self, key: Any) -> None:
        if isinstance(key, str) and key in self._columns:
            self._tables.read.add((self._name, key))
        else:
            self._tables.read.update((self._name, column) for column in self._columns)


Check = Callable[[Given], Iterator[Fault]]


def about_rows_of(*tables: str) -> Callable[[Check], Check]:
    """Marks a check that blames rows of these tables alone: it isn't asked where they have none, and has then read
    whether they have."""

    def marked(ask: Check) -> Check:
        @wraps(ask)
        def asked(given: Given) -> Iterator[Fault]:
            if any(len(given.tables[name]) for name in tables):
                yield from ask(given)
            else:
                for name in tables:
                    tuple(given.tables[name].columns)  # notes that the answer stands while they stay as they are

        return asked

    return marked
