"""Tables that come from elsewhere (futures, pools, bundles) as Parquet or CSV, read whole once their size is known."""

from __future__ import annotations

import csv
import stat
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from planner.case.reading.foreign import comment, encoding_without_mark, separator_hint
from planner.case.reading.sizes import TABLE_COLUMNS
from planner.errors import PlannerError
from planner.runtime.memory import usable_memory, written_size

BYTES_OF_A_CELL = 64
"""What a cell of text takes while a table is understood."""
_HEADER_BYTES = 1 << 20
PARQUET = (".parquet", ".pq")
UNREADABLE = (
    pa.ArrowException, csv.Error, OSError, ValueError, TypeError, KeyError, NotImplementedError, OverflowError
)
"""What reading a broken file raises; UnicodeDecodeError and pandas' ParserError are ValueErrors."""


def imported_table(path: Path, what: str) -> pd.DataFrame:
    """The table of a Parquet file with its own types, or of a CSV file as text, blanks as ""; `what` it should hold,
    for messages.

    Raises PlannerError for a file that cannot be read, and before it is read for one that does not fit into memory.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise PlannerError(f"{path}: not a regular file; give a Parquet or CSV file of {what}")
        _refuse_beyond_memory(path)
        if path.suffix.lower() in PARQUET:
            file = pq.ParquetFile(path)
            refuse_odd_columns(path, file.schema_arrow)
            table = plain_frame(file.read())
            return table[[name for name in table if not str(name).startswith("__index_level_")]]
        return _text_table(path)
    except UNREADABLE as error:
        raise PlannerError(
            f"{path}: cannot be read as a table ({_first_line(error)}); give a Parquet file, or a CSV file with a "
            f"header, of {what}"
        ) from error


def _text_table(path: Path) -> pd.DataFrame:
    """A CSV file as text; a row of more or fewer cells than the header is refused."""
    with path.open("rb") as beginning:
        unmarked = encoding_without_mark(beginning.read(_HEADER_BYTES))
    with path.open(encoding="utf-8-sig", newline="") as file:
        header = [] if unmarked else next(csv.reader(file), [])
    if reason := unmarked or separator_hint(header) or comment(header):
        raise PlannerError(f"{path}: {reason[0]}; {reason[1]}")
    kept = pyarrow.csv.ConvertOptions(column_types={name: pa.string() for name in header})
    table = pyarrow.csv.read_csv(path, convert_options=kept)
    refuse_odd_columns(path, table.schema)
    if any(field.type != pa.string() for field in table.schema):
        raise PlannerError(
            f"{path}: its header cannot be read; write the names of the columns in the first row, parted by commas"
        )
    return plain_frame(table)


def plain_frame(table: pa.Table) -> pd.DataFrame:
    """The columns alone: what the file says of itself beside them is not listened to."""
    return table.replace_schema_metadata(None).to_pandas(ignore_metadata=True)


def refuse_odd_columns(path: Path | str, schema: pa.Schema) -> None:
    """Raise PlannerError for a column that stands twice, or whose cells are neither text nor numbers."""
    for field in schema:
        if len(schema.get_all_field_indices(field.name)) > 1:
            raise PlannerError(f"{path}: the column {field.name!r} stands twice; remove one of the two")
        kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        if not any(is_kind(kind) for is_kind in _PLAIN):
            raise PlannerError(f"{path}: the column {field.name!r} holds {field.type}; write it as text or numbers")


_PLAIN = (
    pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view, pa.types.is_integer, pa.types.is_floating,
    pa.types.is_decimal,
    pa.types.is_boolean, pa.types.is_null,
)


def _refuse_beyond_memory(path: Path) -> None:
    """A few kilobytes of Parquet can hold a thousand million rows, so its own count is asked before anything is
    read."""
    usable = usable_memory()
    if path.suffix.lower() in PARQUET:
        footer = pq.read_metadata(path)
        _refuse_many_columns(path, footer.num_columns)
        stated = sum(footer.row_group(group).total_byte_size for group in range(footer.num_row_groups))
        needed, size = max(
            footer.num_rows * footer.num_columns * BYTES_OF_A_CELL, stated
        ), f"{footer.num_rows:,} rows of {footer.num_columns:,} columns"
    else:
        found = path.stat().st_size
        with path.open("rb") as file:
            _refuse_many_columns(path, file.readline(_HEADER_BYTES).count(b",") + 1)
        needed, size = 8 * found, f"{found:,} bytes of text"
    if needed > usable:
        raise PlannerError(
            f"{path}: {size} take about {written_size(needed)}, of {written_size(usable)} that may be used; "
            f"leave out rows or columns, so that at most {usable / needed:.0%} of it is left, or use a machine with "
            "more memory"
        )


def _refuse_many_columns(path: Path, columns: int) -> None:
    if columns > TABLE_COLUMNS:
        raise PlannerError(
            f"{path}: {columns:,} columns; a table has at most {TABLE_COLUMNS}, leave out those that it does not need"
        )


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0][:200]
