"""A quote as plain data for machines, and the folder that quotes are written into."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from planner.case.case import Case
from planner.planning.options import PlanOptions
from planner.quoting.quote import Quote
from planner.quoting.stands import sites_of
from planner.storage.folders import folder_in_place_of, versions, write_record, write_tables

QUOTE_COLUMNS = (
    "name", "answer", "size", "unit", "rate_unit", "floor", "low", "high", "proven", "held_floor",
    "floor_keeping_leases", "floor_keeping_leases_at_most",
    "standalone_rate", "sites", "mean_floor", "tail_floor", "risk_floor", "usd_per_dollar_of_rate", "npv_without_usd",
    "bound_without_usd", "searches", "note",
)
"""Columns of quotes.csv, a row per inquiry; `sites`: where it stands at its floor, the largest first, separated by
;."""
TABLES = ("stands", "standalone", "displaced", "curve")
"""Tables of a quote that have a file of their own, `inquiry` their first column."""


def quote_row(quote: Quote) -> dict[str, Any]:
    """One quote in the columns QUOTE_COLUMNS; numbers that do not exist are NaN."""
    risk = quote.risk
    none = float("nan")
    return {
        "name": quote.inquiry.name, "answer": quote.answer.value, "size": quote.inquiry.size,
        "unit": quote.inquiry.unit,
        "rate_unit": quote.inquiry.rate_unit, "floor": quote.floor, "low": quote.low, "high": quote.high,
        "proven": quote.proven,
        "held_floor": quote.held_floor, "floor_keeping_leases": quote.keeping.rate,
        "floor_keeping_leases_at_most": quote.keeping.high,
        "standalone_rate": quote.standalone_rate, "sites": ";".join(sites_of(quote.stands)),
        "mean_floor": none if risk is None else risk.mean_rate,
        "tail_floor": none if risk is None else risk.tail_rate, "risk_floor": none if risk is None else risk.rate,
        "usd_per_dollar_of_rate": quote.usd_per_dollar, "npv_without_usd": quote.npv_without_usd,
        "bound_without_usd": quote.bound_without_usd, "searches": quote.searches, "note": quote.note,
    }


def quote_record(quote: Quote) -> dict[str, Any]:
    """A quote for JSON: its row with its tables, None for numbers that do not exist."""
    asked = {name: value for name, value in asdict(quote.inquiry).items() if value not in (None, "", False)}
    tables = {
        "curve": quote.curve, "standalone": quote.standalone, "displaced": quote.displaced, "stands": quote.stands
    }
    risk = None if quote.risk is None else asdict(quote.risk)
    plain: dict[str, Any] = _finite(
        {
            **quote_row(quote), "inquiry": asked, "risk": risk,
            **{name: table.to_dict("records") for name, table in tables.items()},
        }
    )
    return plain


def write_quotes(quotes: Sequence[Quote], case: Case, options: PlanOptions, folder: Path, *, force: bool) -> None:
    """Write quotes.csv, stands.csv, standalone.csv, displaced.csv, curve.csv and run.json into a folder that appears
    whole or not at all."""
    record = {
        "format": 1, "command": "quote", "case": case.settings.name, "case_hash": case.source_hash,
        "versions": versions(),
        "gap_asked": options.solver.gap, "quotes": [quote_record(quote) for quote in quotes],
        "options": {
            "base": options.base, "tail": options.tail, "equity": options.equity, "edits": list(options.edits),
            "stress": options.stress,
            "fixes": list(options.fixes), "excludes": list(options.excludes), "relax": options.solver.relax,
        },
    }
    tables = {"quotes.csv": pd.DataFrame([quote_row(quote) for quote in quotes], columns=list(QUOTE_COLUMNS))}
    for name in TABLES:
        named = [_named(getattr(quote, name), quote.inquiry.name) for quote in quotes]
        tables[f"{name}.csv"] = pd.concat(named, ignore_index=True)
    with folder_in_place_of(folder, force=force) as scratch:
        write_tables(scratch, tables)
        write_record(scratch / "run.json", record)


def _named(table: pd.DataFrame, inquiry: str) -> pd.DataFrame:
    """A table of one inquiry with its name in a column of its own: `name` is that of a lease or SKU in some tables."""
    return pd.concat([pd.Series(inquiry, index=table.index, name="inquiry", dtype=object), table], axis=1)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_finite(entry) for entry in value]
    if isinstance(value, (float, np.floating)):
        return float(value) if np.isfinite(value) else None
    return value.item() if isinstance(value, np.generic) else value
