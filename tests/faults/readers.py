"""Every reader of files that a person brings, and a plain second reading of what it understood."""

from __future__ import annotations

import csv
import datetime as dt
import tomllib
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pyarrow.parquet as pq
from faults import results
from faults.seeds import World

from planner.case.case import Case
from planner.case.read import read_case
from planner.case.schema import ColumnType
from planner.case.tables import TABLES
from planner.quoting.inquiry_file import read_inquiries
from planner.risk.pool_file import read_pool
from planner.scenarios.imported import read_imported
from planner.scoring.bundles import read_bundles
from planner.scoring.files import decisions_of, open_portfolios


@dataclass(frozen=True)
class Reader:
    """seed: the sound file it starts from. mutated: the file within it that is changed ("" for itself). read: reads a
    file and returns what is wrong with what it understood, "" where a plain reading of the file says the same."""

    name: str
    seed: str
    mutated: str
    read: Callable[[Path, World], str]


def _case_folder(path: Path, _: World) -> str:
    case = read_case(path)
    written = tomllib.loads((path / "case.toml").read_text(encoding="utf-8-sig"))
    for name in ("months", "discount_rate", "tax_rate", "seed"):
        if name in written and getattr(case.settings, name) != written[name]:
            return f"setting {name} is {getattr(case.settings, name)}, the file says {written[name]}"
    for name in TABLES:
        file = path / f"{name}.csv"
        if file.exists():
            with file.open(encoding="utf-8-sig", newline="") as lines:
                rows = [row for row in csv.reader(lines) if any(cell.strip() for cell in row)]
            if wrong := _differs(case, name, rows):
                return wrong
    return ""


def _workbook(path: Path, _: World) -> str:
    case = read_case(path)
    book = openpyxl.load_workbook(path, data_only=True, read_only=True)
    for name in TABLES:
        if name in book.sheetnames:
            rows = [[_plain(cell) for cell in row] for row in book[name].iter_rows(values_only=True)]
            if wrong := _differs(case, name, [row for row in rows if any(cell.strip() for cell in row)]):
                return wrong
    return ""


def _plain(cell: object) -> str:
    if isinstance(cell, dt.datetime):
        return f"{cell:%Y-%m}"
    return "" if cell is None else repr(cell) if isinstance(cell, float) else str(cell)


def _differs(case: Case, name: str, rows: list[list[str]]) -> str:
    """Where a table differs from cells read as plain text: numbers by `float`, text as it stands."""
    frame, header = case.tables[name], [cell.strip() for cell in rows[0]]
    if len(frame) != len(rows) - 1:
        return f"{name} has {len(frame)} rows, the file {len(rows) - 1}"
    for column in TABLES[name].columns:
        if column.name not in header or column.type in (ColumnType.LIST, ColumnType.FLAG):
            continue
        at = header.index(column.name)
        for line, row in enumerate(rows[1:]):
            cell, value = (row[at] if at < len(row) else "").strip(), frame[column.name].iloc[line]
            if not cell:
                continue
            same = (
                float(cell) == float(value) if column.type in (ColumnType.NUMBER, ColumnType.WHOLE)
                else _same_text(cell, str(value))
            )
            if not same:
                return f"{name} row {line + 2} {column.name} is {value!r}, the file says {cell!r}"
    return ""


def _same_text(cell: str, value: str) -> bool:
    return unicodedata.normalize("NFC", cell) == value or (cell.endswith(".0") and cell[:-2] == value)


def _cells(path: Path) -> pd.DataFrame:
    if path.suffix == ".csv":
        usual = csv.field_size_limit(1 << 30)
        try:
            with path.open(encoding="utf-8-sig", newline="") as lines:
                header, *rows = (row for row in csv.reader(lines) if row)
        finally:
            csv.field_size_limit(usual)  # the reader under test has it too
        return pd.DataFrame(rows, columns=header, dtype=object)
    return pq.read_table(path).replace_schema_metadata(None).to_pandas(ignore_metadata=True)


def _futures(path: Path, world: World) -> str:
    found = read_imported(path, world.case, make_calendar(world))
    table = _cells(path)
    if len(found) != table["scenario"].map(lambda cell: str(cell).strip()).nunique():
        return f"{len(found)} scenarios, the file has {table['scenario'].nunique()}"
    good = all(np.isfinite(values).all() and (values >= 0.0).all() for values in found.paths.values())
    return "" if good and abs(found.weights.sum() - 1.0) < 1e-9 else "weights or multipliers that are no numbers"


def make_calendar(world: World) -> Any:
    return world.candidates.outlook.calendar


def _portfolios(path: Path, world: World) -> str:
    decisions_of(path)
    levels, names = 0.0, 0
    for bunch in open_portfolios(path, world.candidates).pieces(1000):
        dense = bunch.items.levels @ np.ones(bunch.items.levels.shape[1])
        levels += float((dense[bunch.portfolios.candidates] * bunch.portfolios.levels).sum())
        names += len(bunch)
    if not np.isfinite(levels):
        return "levels that are no numbers"
    if "level" in (table := _cells(path)):
        whole = float(pd.to_numeric(table["level"]).sum())
        if abs(levels - whole) > 1e-9 * max(abs(whole), float(pd.to_numeric(table["level"]).abs().sum())):
            return f"levels add to {levels}, those of the file to {whole}"
    elif names != len(table):
        return f"{names} portfolios, the file has {len(table)}"
    return ""


def _inquiries(path: Path, _: World) -> str:
    found = read_inquiries(path)
    with path.open(encoding="utf-8-sig", newline="") as lines:
        rows = [
            row for row in csv.DictReader(lines) if any(cell.strip() for name, cell in row.items() if name and cell)
        ]
    for inquiry, row in zip(found, rows, strict=True):
        if (row["gpus"] or "").strip() and float(row["gpus"]) != inquiry.gpus:
            return f"{inquiry.gpus} GPUs, the file says {row['gpus']}"
        if int(float(row["term_months"])) != inquiry.term_months:
            return f"a term of {inquiry.term_months}, the file says {row['term_months']}"
    return ""


def _bundles(path: Path, world: World) -> str:
    found = read_bundles(path, world.candidates)
    return "" if all(np.isfinite(package.levels).all() for package in found) else "levels that are no numbers"


def _pool(path: Path, world: World) -> str:
    found = read_pool(path, world.candidates)
    return "" if len(found) == len(_cells(path)) else f"{len(found)} bundles, the file has {len(_cells(path))}"


def _of(differs: Callable[[Path, Path], str]) -> Callable[[Path, World], str]:
    """A reader of results, which looks at the sound ones beside."""
    return lambda path, world: differs(path, world.folder)


READERS = (
    Reader("case.toml", "case", "case.toml", _case_folder),
    Reader("case CSV", "case", "power.csv", _case_folder),
    Reader("case CSV, small", "case", "resale.csv", _case_folder),
    Reader("case workbook", "case.xlsx", "", _workbook),
    Reader("futures CSV", "futures.csv", "", _futures),
    Reader("futures Parquet", "futures.parquet", "", _futures),
    Reader("portfolios CSV", "portfolios.csv", "", _portfolios),
    Reader("portfolios Parquet", "portfolios.parquet", "", _portfolios),
    Reader("packages Parquet", "packages.parquet", "", _portfolios),
    Reader("bundles CSV", "bundles.csv", "", _bundles),
    Reader("bundles Parquet", "bundles.parquet", "", _bundles),
    Reader("pool CSV", "pool.csv", "", _pool),
    Reader("pool Parquet", "pool.parquet", "", _pool),
    Reader("inquiries CSV", "inquiries.csv", "", _inquiries),
    *(
        Reader(f"run: {name}", "run", name, _of(results.run_differs))
        for name in ("run.json", "plan.json", "portfolio.csv", "cashflow.csv", "candidates.parquet")
    ),
    *(
        Reader(f"scores: {name}", "scores", name, _of(results.scores_differ))
        for name in ("run.json", "scores.parquet", "futures.parquet")
    ),
    Reader("scores by parts", "parts", "scores.parquet/part-000000.parquet", _of(results.scores_differ)),
    *(
        Reader(f"begun: {name.split('/')[0]}", "begun", name, _of(results.partition_differs))
        for name in ("job.json", "done/000000.json", "scores.parquet/part-000000.parquet")
    ),
    *(Reader(f"sweep: {name}", "sweep", name, _of(results.sweep_differs)) for name in ("sweep.json", "points.csv")),
    *(
        Reader(f"resumed: {name}", "unfinished", name, _of(results.journal_differs))
        for name in ("job.json", "done/base.json", "base.npz", "done/point-0001.json", "point-0001.npz")
    ),
    *(
        Reader(f"pool: {name.split('/')[0]}", "pool", name, _of(results.pool_differs))
        for name in ("run.json", "values.parquet/part-000000.parquet")
    ),
    Reader("portfolios, report", "subsets.parquet", "", _of(results.members_are_wrong)),
    Reader("frontier Parquet", "frontier.parquet", "", _of(results.frontier_is_wrong)),
    Reader("quotes JSON", "quotes.json", "", _of(results.quotes_are_wrong)),
)
