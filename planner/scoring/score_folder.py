"""What scoring writes, piece by piece: a folder of scores, limits broken and how they were made; or one file of
scores."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from types import TracebackType

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from planner.case.case import Case
from planner.errors import PlannerError
from planner.scoring.leading import Leading, futures_table
from planner.scoring.score import ScoredPiece, Scoring
from planner.storage.folders import (
    CSV,
    file_in_place_of,
    folder_in_place_of,
    refuse_other_folders,
    versions,
    write_record,
    write_tables,
)
from planner.storage.stored_paths import stored_path

FILES = (".parquet", ".csv")


def refuse_other_results(target: Path, *, force: bool) -> None:
    """Raise PlannerError unless the folder, or the file, is free or may be replaced."""
    if target.suffix not in FILES:
        refuse_other_folders(target.resolve(), force=force)
    elif target.exists() and not (force and target.is_file()):
        raise PlannerError(f"{target} exists already; choose another --out, or replace it with --force")


def write_scores(
    scoring: Scoring, pieces: Iterable[ScoredPiece], case: Case, target: Path, *, read_from: str = "",
    force: bool = False,
) -> Iterator[ScoredPiece]:
    """Hand the pieces on while they are written, row group by row group; the result appears whole, at the end, or not
    at all.

    A name that ends in .parquet or .csv becomes one file of scores; any other a folder with scores.parquet,
    broken.parquet, futures.parquet (the leading portfolios future by future) and run.json, which says where the
    portfolios were read from.
    """
    if target.suffix in FILES:
        with file_in_place_of(target) as scratch, TableWriter(scratch) as scores:
            for piece in pieces:
                scores.write(piece.table)
                yield piece
        return
    count, leading = 0, Leading()
    with folder_in_place_of(target, force=force) as folder:
        with TableWriter(folder / "scores.parquet") as scores, TableWriter(folder / "broken.parquet") as broken:
            for piece in pieces:
                scores.write(piece.table)
                broken.write(piece.broken)
                count += len(piece.table)
                leading = leading.joined(piece.leading)
                yield piece
        write_tables(folder, {"futures.parquet": futures_table(leading, scoring.futures)})
        record = {**score_record(scoring, case, count), "portfolios_read_from": stored_path(read_from, target)}
        write_record(folder / "run.json", record)


def score_record(scoring: Scoring, case: Case, count: int) -> dict[str, object]:
    """What run.json holds: everything needed to score again."""
    outlook, options = scoring.candidates.outlook, scoring.options
    return {
        "command": "score",
        "case": case.settings.name,
        "case_hash": case.source_hash,
        "versions": versions(),
        "options": {**asdict(options), "base": outlook.base, "tail": outlook.tail},
        "seed": case.settings.seed if options.seed is None else options.seed,
        "seconds": scoring.seconds,
        "stresses_left_out": scoring.left_out,
        "device": scoring.device.why,
        "not_fused": scoring.not_fused,
        "draw_gain": None if scoring.gain is None else asdict(scoring.gain),
        "portfolios": count,
        "futures": len(scoring.futures),
    }


class TableWriter:
    """A table that grows by row groups: CSV where the name ends so, else Parquet. Its columns are those of the first
    piece."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._writer: pq.ParquetWriter | None = None
        self._begun = False

    def __enter__(self) -> TableWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is not None:
            self._writer.close()

    def write(self, table: pd.DataFrame) -> None:
        """Add rows."""
        if self.path.suffix == ".csv":
            mode = "a" if self._begun else "w"
            table.to_csv(self.path, **CSV, header=not self._begun, mode=mode)
        else:
            rows = as_arrow(table)
            if self._writer is None:
                self._writer = pq.ParquetWriter(self.path, rows.schema)
            self._writer.write_table(rows)
        self._begun = True


def as_arrow(table: pd.DataFrame) -> pa.Table:
    """The table for Parquet; a piece without rows has the types of one with rows."""
    schema = pa.schema([pa.field(str(name), _type(table[name])) for name in table.columns])
    columns = [_array(table[name], kind.type) for name, kind in zip(table.columns, schema, strict=True)]
    return pa.Table.from_arrays(columns, schema=schema)


def _array(column: pd.Series, kind: pa.DataType) -> pa.Array:
    if isinstance(column.dtype, pd.CategoricalDtype):
        return pa.DictionaryArray.from_arrays(
            pa.array(column.cat.codes, pa.int32()), pa.array(column.cat.categories, pa.string())
        )
    return pa.array(column, kind)


def _type(column: pd.Series) -> pa.DataType:
    """By kind alone, so that a piece without rows has the types of one with rows."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return pa.dictionary(pa.int32(), pa.string())
    if column.dtype.kind in "iu":
        return pa.int64()
    if column.dtype.kind == "f":
        return pa.float32() if column.dtype.itemsize == 4 else pa.float64()
    return pa.string()
