"""`planner breakeven`: the rate at which each site, power path and SKU pays for itself."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from planner.cli.options import FILE, SHARE, AsJson, Base, CasePath, Edits, Force, Stress
from planner.cli.written import rate as rate_of
from planner.cli.written import yearly

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd
    from rich.table import Table

    from planner.quoting.breakeven import BreakevenOptions

SHOWN = 20
RATES = ("rate_npv_zero", "rate_npv_zero_months_used", "rate_hurdle_irr", "rate_least_dscr", "at_rate")
"""Rates at which a unit breaks even, in the order of the tables."""


def breakeven(
    path: CasePath,
    term: Annotated[int, typer.Option(min=1, metavar="MONTHS", help="months of the term for which the GPUs work")] = 48,
    hurdle: Annotated[
        float, typer.Option(parser=yearly, metavar=SHARE, help="IRR after tax to meet, yearly: 20% or 0.2"),
    ] = 0.2,
    dscr: Annotated[
        float, typer.Option(metavar="TIMES", help="debt service cover to keep in every year of the term"),
    ] = 1.3,
    rate: Annotated[
        float | None,
        typer.Option(
            parser=rate_of, metavar="USD",
            help="$ per GPU-hour, such as $2.35, for which to tell breakeven utilisation, power price and residual "
            "value [default: the SKU's dearest on-demand tier]",
        ),
    ] = None,
    edits: Edits = None,
    stress: Stress = None,
    base: Base = "expected",
    out: Annotated[
        Path | None, typer.Option("--out", metavar=FILE, help="CSV file to write the whole table into"),
    ] = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Find the rate at which a GPU pays for itself on each site, power path and SKU, and a MW let to each hosting
    lease, standing alone.

    Example: planner breakeven fixtures/neocloud --term 48 --hurdle 0.2
    """
    import json

    from planner.case.read import read_case
    from planner.errors import PlannerError
    from planner.quoting.breakeven import BreakevenOptions
    from planner.quoting.breakeven import breakeven as table_of

    if out is not None and out.exists() and not (force and out.is_file()):
        raise PlannerError(f"{out} exists already; choose another --out, or replace that file with --force")
    options = BreakevenOptions(term, hurdle, dscr, rate, base, tuple(edits or ()), stress)
    found = table_of(read_case(path), options)
    if out is not None:
        _write(found, out)
    if as_json:
        records = [
            {
                key: None if isinstance(value, float) and not math.isfinite(value) else value
                for key, value in row.items()
            }
            for row in found.to_dict("records")
        ]
        typer.echo(json.dumps(records, indent=2, allow_nan=False))
    else:
        _print(found, options, out)


def _write(found: pd.DataFrame, out: Path) -> None:
    """The table as CSV, whole or not at all."""
    from planner.storage.folders import CSV, file_in_place_of

    with file_in_place_of(out) as scratch:
        found.to_csv(scratch, **CSV)


def _print(found: pd.DataFrame, options: BreakevenOptions, out: Path | None) -> None:

    from planner.cli.terminal import output, say_written, show

    console = output()
    if found.empty:
        console.print(
            f"no site has power for {options.term_months} months and a hall to put a GPU into; ask for a shorter --term"
        )
        return
    halls, found = found[found["lease_id"] != ""], found[found["lease_id"] == ""]
    best = found.drop_duplicates(["site_id", "gpu_id"])
    if len(found):
        show(console, _gpus(best, options))
    if len(halls):
        show(console, _halls(halls, options))
    console.print(
        "by month: the fee of power for the months of work alone; $M/MW: the NPV at its rate; used, +$/MWh, fees, "
        "resale: what the hours let, the price of power, its fees and the resale may be at that rate",
        highlight=False,
    )
    rest = len(found) - min(len(best), SHOWN) + len(halls) - min(len(_best_halls(halls)), SHOWN)
    if rest:
        console.print(
            f"the cheapest path of each site and SKU, or hosting lease; --json and --out have {rest} more",
            highlight=False,
        )
    if out is not None:
        say_written(console, out)


def _best_halls(halls: pd.DataFrame) -> pd.DataFrame:
    return halls.drop_duplicates(["site_id", "lease_id"])


def _gpus(best: pd.DataFrame, options: BreakevenOptions) -> Table:
    """GPUs let on the cheapest path of each site and SKU."""
    rows = (
        (
            row["power_path"], row["gpu_id"], row["from"], *(_shown(row[name], ".2f") for name in RATES),
            _shown(row["breakeven_utilisation"], ".0%"), _shown(row["breakeven_power_usd_per_mwh"], "+,.0f"),
            _shown(row["breakeven_residual_share"], ".0%"),
        )
        for row in best.head(SHOWN).to_dict("records")
    )
    title = f"a GPU let for {options.term_months} months breaks even at, $/GPU-hour"
    return _of_paths(title, "SKU", options, ("let at", "used", "+$/MWh", "resale"), rows, width=16)


def _of_paths(
    title: str, what: str, options: BreakevenOptions, more: tuple[str, ...], rows: Iterable[tuple[str, ...]], width: int
) -> Table:
    """A table of power paths with the rates RATES and more."""
    from planner.cli.terminal import table_of

    text = ("power path", what, "from")
    rates = ("NPV 0", "by month", f"IRR {options.hurdle:.0%}", f"DSCR {options.least_dscr:g}")
    table = table_of(title, (*text, *rates, *more), rows, text=text)
    table.columns[0].min_width = width
    return table


def _halls(halls: pd.DataFrame, options: BreakevenOptions) -> Table:
    """MW of hall let to the hosting leases."""
    rows = (
        (
            row["power_path"], row["lease_id"], row["from"], *(_shown(row[name], ",.0f") for name in RATES),
            _shown(row["npv_usd_per_unit"] / 1e6, ",.2f"), _shown(row["breakeven_power_usd_per_mwh"], "+,.0f"),
            _shown(row["breakeven_fees_times"], ".2f") + ("x" if not math.isnan(row["breakeven_fees_times"]) else ""),
        )
        for row in _best_halls(halls).head(SHOWN).to_dict("records")
    )
    title = "a MW let to a hosting lease, on its terms, breaks even at, $/kW-month"
    return _of_paths(title, "lease", options, ("its rate", "$M/MW", "+$/MWh", "fees"), rows, width=14)


def _shown(number: float, form: str) -> str:
    return "" if math.isnan(number) else format(number, form)
