"""Files of other verbs that a report shows beside its run: sweeps, a frontier, quotes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from planner.case.faults import PlannerError
from planner.report.findings import Findings

FRONTIER = "frontier.parquet"
FRONTIER_COLUMNS = ("expected_npv_usd", "cvar_usd")


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
        raise PlannerError(f"{folder} is not a sweep; make one with planner sweep CASE --set NAME=low:high:count --out {folder}")
    read = json.loads(record.read_text(encoding="utf-8"))
    if read["case_hash"] != found.record["case_hash"]:
        raise PlannerError(f"{folder} is a sweep of another case than {found.name} planned; sweep that case again")
    return Swept(read, pd.read_csv(points))


def read_frontier(path: Path, found: Findings) -> pd.DataFrame:
    """Read a frontier: the Parquet file, or the folder that holds it with a run.json that names the case."""
    file = path / FRONTIER if path.is_dir() else path
    if not file.is_file():
        raise PlannerError(f"{path} holds no frontier; make one with planner frontier CASE --out {path}")
    record = file.with_name("run.json")
    if record.is_file():
        made = json.loads(record.read_text(encoding="utf-8")).get("case_hash")
        if made is not None and made != found.record["case_hash"]:
            raise PlannerError(f"{path} is a frontier of another case than {found.name} planned; make it again for that case")
    table = pd.read_parquet(file)
    missing = [name for name in FRONTIER_COLUMNS if name not in table.columns]
    if missing:
        raise PlannerError(f"{file} is not a frontier: it has no column {', '.join(missing)}; give the file that planner frontier wrote")
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
            read = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise PlannerError(f"{file} cannot be read as quotes ({error}); make them with planner quote CASE ... --out {path}") from None
        if isinstance(read, dict) and read.get("case_hash") not in (None, found.record["case_hash"]):
            raise PlannerError(f"{path} quotes another case than {found.name} planned; quote again for that case")
        listed = read.get("quotes", [read]) if isinstance(read, dict) else read
        if not isinstance(listed, list) or not all(isinstance(entry, dict) and "floor" in entry and "name" in entry for entry in listed):
            raise PlannerError(f"{file} is not what planner quote writes; give its folder, or what its --json printed")
        rows += listed
    table = pd.DataFrame([{name: row.get(name) for name in QUOTE_COLUMNS} for row in rows], columns=list(QUOTE_COLUMNS))
    rates = ["size", "floor", "low", "high", "standalone", "floor_keeping_leases"]
    return table.astype(dict.fromkeys(rates, "float64"))


def floors_of(quotes: pd.DataFrame | None) -> dict[str, float]:
    """Floors by name of inquiry; those named like a lease stand beside it."""
    return {} if quotes is None else dict(zip(quotes["name"].astype(str), quotes["floor"], strict=True))
