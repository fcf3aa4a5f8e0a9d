"""Files of other verbs that a report shows beside its run: sweeps, a frontier, quotes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from planner.errors import PlannerError
from planner.reporting.findings import Findings
from planner.scenarios.imported_table import imported_table
from planner.storage.own_tables import read_own_table
from planner.storage.seals import refuse_changed, sealed_record
from planner.sweeping.axes import STRESS, numbers_of

FRONTIER = "frontier.parquet"
FRONTIER_COLUMNS = ("expected_npv_usd", "cvar_usd")
_SWEPT_NUMBERS = (
    "point", "held_npv_usd", "held_limits_broken", "redone_npv_usd", "redone_bound_usd", "redone_gap",
    "worth_of_redoing_usd", "held_less_base_usd",
    "redone_less_base_usd", "contracted_mw",
)
"""Columns of points.csv that hold numbers, beside axes whose values are numbers."""


@dataclass(frozen=True)
class Swept:
    """A sweep: `record` as in sweep.json, and its table of points."""

    record: Mapping[str, Any]
    points: pd.DataFrame

    @property
    def axes(self) -> list[str]:
        """Names of what was varied."""
        return [str(axis["name"]) for axis in self.record["axes"]]


def read_sweep(folder: Path, found: Findings) -> Swept:
    """Read a folder of planner sweep; raises PlannerError when it is none, or of another case than the run."""
    record, points = folder / "sweep.json", folder / "points.csv"
    if not record.is_file() or not points.is_file():
        raise PlannerError(
            f"{folder} is not a sweep; make one with planner sweep CASE --set NAME=low:high:count --out {folder}"
        )
    read = sealed_record(record, remedy="sweep again")
    refuse_changed(points, read, remedy="sweep again")
    if read["case_hash"] != found.record["case_hash"]:
        raise PlannerError(f"{folder} is a sweep of another case than {found.name} planned; sweep that case again")
    numeric = {
        axis["name"] for axis in read["axes"] if axis["name"] != STRESS and numbers_of(axis["values"]) is not None
    }
    return Swept(read, read_own_table(points, is_number=lambda column: column in _SWEPT_NUMBERS or column in numeric))


def read_frontier(path: Path, found: Findings) -> pd.DataFrame:
    """Read a frontier: the Parquet file, or the folder that holds it with a run.json that names the case."""
    file = path / FRONTIER if path.is_dir() else path
    if not file.is_file():
        raise PlannerError(f"{path} holds no frontier; make one with planner frontier CASE --out {path}")
    record = file.with_name("run.json")
    if record.is_file():
        read = sealed_record(record, remedy="make the frontier again")
        if read.get("case_hash") not in (None, found.record["case_hash"]):
            raise PlannerError(
                f"{path} is a frontier of another case than {found.name} planned; make it again for that case"
            )
        refuse_changed(file, read, remedy="make the frontier again")
    table = imported_table(file, "points of a frontier")
    missing = [name for name in FRONTIER_COLUMNS if name not in table.columns]
    if missing:
        raise PlannerError(
            f"{file} is not a frontier: it has no column {', '.join(missing)}; give the file that planner frontier "
            "wrote"
        )
    if any(
        not pd.api.types.is_float_dtype(table[name]) or not np.isfinite(table[name]).all() for name in FRONTIER_COLUMNS
    ):
        raise PlannerError(
            f"{file} is not a frontier: its NPVs and CVaRs are not all numbers; give the file that planner frontier "
            "wrote"
        )
    return table


def read_quotes(paths: Iterable[Path], found: Findings) -> pd.DataFrame:
    """Quotes, a row per inquiry in QUOTE_COLUMNS: folders of planner quote, or what its --json printed.

    Raises PlannerError for a file that is none, and for quotes of another case than the run planned.
    """
    from planner.quoting.quote_files import QUOTE_COLUMNS

    rows: list[Mapping[str, Any]] = []
    for path in paths:
        file = path / "run.json" if path.is_dir() else path
        try:
            read = (
                sealed_record(file, remedy="quote again") if path.is_dir()
                else json.loads(file.read_text(encoding="utf-8"))
            )
        except (OSError, ValueError, RecursionError) as error:
            raise PlannerError(
                f"{file} cannot be read as quotes ({str(error)[:200]}); make them with planner quote CASE ... --out "
                f"{path}"
            ) from None
        if isinstance(read, dict) and read.get("case_hash") not in (None, found.record["case_hash"]):
            raise PlannerError(f"{path} quotes another case than {found.name} planned; quote again for that case")
        listed = read.get("quotes", [read]) if isinstance(read, dict) else read
        if not isinstance(listed, list) or not all(
            isinstance(entry, dict) and "floor" in entry and "name" in entry for entry in listed
        ):
            raise PlannerError(f"{file} is not what planner quote writes; give its folder, or what its --json printed")
        rows += listed
    table = pd.DataFrame([{name: row.get(name) for name in QUOTE_COLUMNS} for row in rows], columns=list(QUOTE_COLUMNS))
    rates = ["size", "floor", "low", "high", "standalone_rate", "floor_keeping_leases"]
    try:
        return table.astype(dict.fromkeys(rates, "float64"))
    except (ValueError, TypeError, OverflowError) as error:
        raise PlannerError(
            f"{', '.join(map(str, paths))}: a rate of a quote is no number ({str(error)[:200]}); quote again"
        ) from None


def floors_of(quotes: pd.DataFrame | None) -> dict[str, float]:
    """Floors by name of inquiry; those named like a lease stand beside it."""
    return {} if quotes is None else dict(zip(quotes["name"].astype(str), quotes["floor"], strict=True))
