"""Portfolios from a long table: candidate_id, level, and portfolio where there are several; whole or piece by piece."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from planner.arrays import Floats, Ints
from planner.candidates.build import CandidateSet
from planner.candidates.packages import Package
from planner.did_you_mean import closest
from planner.errors import PlannerError
from planner.scenarios.imported_table import plain_frame, refuse_odd_columns
from planner.scoring.items import Bunch, each_an_item

ROWS_AT_ONCE = 500_000
"""Rows of a table that are read at once, and up to which portfolios may stand in it in any order."""
MOST_LEVEL = 1e12
"""Levels are GPUs, MW and units; beyond it sums lose their cents, and then overflow."""
ONE = "plan"
"""Name of the portfolio of a table without a column of portfolios."""


def from_table(candidates: CandidateSet, table: pd.DataFrame) -> Bunch:
    """Portfolios from a long table in memory, each an item of its own.

    Raises PlannerError for columns that are missing, candidates that the case does not have, and levels that are not
    numbers.
    """
    return _Reader(candidates).bunch(table, 0)


@dataclass(frozen=True)
class LongTable:
    """Portfolios of a long Parquet or CSV file, read piece by piece.

    A file of more than `ROWS_AT_ONCE` rows has the rows of a portfolio one after another; one that comes again is
    refused.
    """

    path: Path
    candidates: CandidateSet

    @property
    def count(self) -> int | None:
        """Not known before the file is read."""
        return None

    def pieces(self, most: int) -> Iterator[Bunch]:
        """The portfolios in the order of their first rows."""
        reader, rest, read, seen = _Reader(self.candidates), None, 0, _Seen()
        batches = _batches(self.path)
        following = next(batches, None)
        if following is None:
            nothing = (
                "; the plan does nothing, so there is nothing to score" if (self.path.parent / "plan.json").is_file()
                else "; give at least one portfolio"
            )
            raise PlannerError(f"{self.path} has no rows{nothing}")
        while following is not None:
            table, following = following, next(batches, None)
            whole = table if rest is None else pd.concat([rest, table], ignore_index=True)
            rest, read = None, read + len(table)
            if following is not None and "portfolio" in whole:
                # The last portfolio may go on in the next rows.
                last = whole["portfolio"].astype(str) == str(whole["portfolio"].iloc[-1])
                rest, whole = whole[last], whole[~last]
            if len(whole):
                bunch = reader.bunch(whole, read - len(table))
                seen.add(bunch.names, self.path)
                yield from bunch.pieces(most)


@dataclass
class _Seen:
    """Names that have been read, as 64-bit hashes: eight bytes a portfolio."""

    hashes: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.uint64))

    def add(self, names: tuple[str, ...], path: Path) -> None:
        new = pd.util.hash_array(np.array(names, dtype=object))
        again = np.isin(new, self.hashes)
        if again.any():
            name = names[int(np.flatnonzero(again)[0])]
            raise PlannerError(
                f"{path}: the rows of portfolio {name!r} do not stand together; sort the table by portfolio"
            )
        self.hashes = np.sort(np.concatenate([self.hashes, new]))


def _batches(path: Path) -> Iterator[pd.DataFrame]:
    """The file in tables of at most `ROWS_AT_ONCE` rows, the first as large as that where the file is."""
    if path.suffix == ".csv":
        kept = pyarrow.csv.ConvertOptions(
            column_types={"portfolio": pa.string(), "candidate_id": pa.string(), "level": pa.string()}
        )
        with readable(path), pyarrow.csv.open_csv(path, convert_options=kept) as file:
            yield from _gathered(batch for batch in file)
        return
    with readable(path), pq.ParquetFile(path, pre_buffer=False) as file:
        refuse_odd_columns(path, file.schema_arrow)
        yield from _gathered(file.iter_batches(ROWS_AT_ONCE))


@contextmanager
def readable(path: Path | str) -> Iterator[None]:
    """What goes wrong while a file is read, as a PlannerError that names it."""
    try:
        yield
    except pa.ArrowCancelled:
        raise
    except (pa.ArrowException, OSError, UnicodeError) as error:
        said = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise PlannerError(
            f"{path} cannot be read ({said}); portfolio.csv of a run shows the form, planner portfolios makes such "
            "files"
        ) from None


def _gathered(batches: Iterator[pa.RecordBatch]) -> Iterator[pd.DataFrame]:
    waiting: list[pa.RecordBatch] = []
    for batch in batches:
        if waiting and sum(len(each) for each in waiting) + len(batch) > ROWS_AT_ONCE:
            yield plain_frame(pa.Table.from_batches(waiting))
            waiting = []
        waiting.append(batch)
    if sum(len(each) for each in waiting):
        yield plain_frame(pa.Table.from_batches(waiting))


@dataclass
class _Reader:
    """Turns rows into portfolios of a candidate set."""

    candidates: CandidateSet
    number: pd.Series = field(init=False)

    def __post_init__(self) -> None:
        self.number = pd.Series(np.arange(len(self.candidates)), index=self.candidates.table["candidate_id"])

    def bunch(self, table: pd.DataFrame, first_row: int) -> Bunch:
        """Portfolios in the order of their first rows; the levels of a candidate named twice add up."""
        missing = {"candidate_id", "level"} - set(table.columns)
        if missing:
            raise PlannerError(
                f"the portfolios lack the column {', '.join(sorted(missing))}; portfolio.csv of a run shows the form"
            )
        if table.empty:
            raise PlannerError("the table of portfolios has no rows; give at least one portfolio")
        level = pd.to_numeric(table["level"], errors="coerce").to_numpy(np.float64)
        wrong = ~(np.abs(level) <= MOST_LEVEL)
        if wrong.any():
            raise PlannerError(
                f"row {first_row + int(np.flatnonzero(wrong)[0]) + 2} of the portfolios has no number as its level, or "
                f"one above {MOST_LEVEL:g}"
            )
        number = self._numbers(table["candidate_id"])
        names = table["portfolio"] if "portfolio" in table else pd.Series([ONE] * len(table))
        blank = names.isna() | (names.astype(str).str.strip() == "")
        if blank.any():
            raise PlannerError(
                f"row {first_row + int(np.flatnonzero(blank)[0]) + 2} of the portfolios has no portfolio; name each"
            )
        code, unique = pd.factorize(names.astype(str))
        return _each(number, level, np.asarray(code, dtype=np.int64), [str(name) for name in unique])

    def _numbers(self, ids: pd.Series) -> Ints:
        found = ids.map(self.number)
        if found.isna().any():
            name = str(ids[found.isna()].iloc[0])
            near = closest(name, self.candidates.table["candidate_id"])
            raise PlannerError(
                f"the case has no candidate {name!r}"
                + (f"; did you mean {near!r}?" if near else "; candidates.parquet of a run lists them")
            )
        return found.to_numpy(np.int64)


def _each(number: Ints, level: Floats, code: Ints, names: list[str]) -> Bunch:
    order = np.lexsort((number, code))
    number, level, code = number[order], level[order], code[order]
    edges = np.searchsorted(code, np.arange(len(names) + 1))
    return each_an_item(
        [
            Package(name, number[edges[at] : edges[at + 1]], level[edges[at] : edges[at + 1]])
            for at, name in enumerate(names)
        ]
    )
