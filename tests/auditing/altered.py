"""Runs whose published tables are changed and sealed anew, as a planner that errs would have written them."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from planner.storage.seals import seal

Rows = list[dict[str, str]]


def altered(folder: Path, table: str, change: Callable[[Rows], Rows]) -> None:
    """Rewrite one table of a run by what `change` makes of its rows."""
    path = folder / f"{table}.csv"
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        columns, rows = list(reader.fieldnames or ()), list(reader)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(change(rows))
    seal(folder)


def altered_summary(folder: Path, **values: Any) -> None:
    """Replace figures of plan.json."""
    path = folder / "plan.json"
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), **values}), encoding="utf-8")
    seal(folder)


def line(rows: Rows, name: str) -> Rows:
    """Rows of cashflow.csv of one line."""
    return [row for row in rows if row["line"] == name]


def moved(rows: Rows, name: str, months: int) -> Rows:
    """cashflow.csv with one line some months later; what would come before the start falls into its first month."""
    found = []
    for row in rows:
        at = max(int(row["month"]) + months, 0) if row["line"] == name else int(row["month"])
        year, month = divmod(2027 * 12 + at, 12)
        found.append({**row, "month": str(at), "period": f"{year:04d}-{month + 1:02d}"} if row["line"] == name else row)
    return found


def without(rows: Rows, **values: str) -> Rows:
    """Rows that do not have all these values."""
    return [row for row in rows if any(row[name] != value for name, value in values.items())]
