"""The plan on the terminal: what a planner would show first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console
from rich.table import Table

from kernels.lines import Line
from planner.candidates.named import rates_with_units
from planner.cli.price_summary import print_prices
from planner.cli.terminal import output
from planner.explaining.sentences import lines_of
from planner.explaining.unbounded import unbounded_ray_lines
from planner.explaining.why_lines import lines_of_reason
from planner.planning import Plan
from planner.plans.commitments import screen_of, soon
from planner.wording import fixed, irr_text, payback_text, percent


def print_summary(plan: Plan, out: Path | None) -> None:
    """Print the status, the money, sites, leases, what must be decided soon and what binds."""
    console = output()
    allocation = plan.allocation_result
    gap = "" if plan.gap is None else f", gap {percent(plan.gap, 4)}"
    seconds = sum(plan.seconds.values())
    console.print(f"[bold]{_plain(plan.case.settings.name)}[/]: {plan.status.label}{gap}, {allocation.solver}, {seconds:.1f} s")
    if plan.levels is None:
        known = plan.conflict is not None and bool(plan.conflict.infeasible_sets)
        console.print(str(plan.status).partition(" Usual causes")[0] if known else str(plan.status), markup=False)
        if allocation.message:
            console.print(allocation.message, markup=False)
        for line in [*([] if plan.conflict is None else lines_of(plan.conflict)), *unbounded_ray_lines(plan.unbounded_ray)]:
            console.print(line, markup=False, highlight=False)
        if out is not None:
            console.print(f"written to {out}", markup=False, highlight=False)
        return
    if plan.options.solver.relax:
        console.print("relaxed: 0/1 decisions are continuous, so this is a bound on plans, not a plan")
    _print_money(console, plan)
    if plan.options.why:
        _print_reasons(console, plan, out)
        return
    console.print(_sites(plan))
    _print_leases(console, plan)
    _print_on_demand(console, plan)
    console.print(_capex(plan))
    _print_soon(console, plan)
    print_prices(console, plan, millions)
    _print_binding(console, plan)
    if out is not None:
        console.print(f"written to {out}", markup=False, highlight=False)


def _print_reasons(console: Console, plan: Plan, out: Path | None) -> None:
    """Why each thing asked about is in or out, in place of the tables."""
    for reason in plan.reasons:
        for line in lines_of_reason(reason):
            console.print(line, markup=False, highlight=False)
    if out is not None:
        console.print(f"written to {out}", markup=False, highlight=False)


LEAST_OF_A_MILLION = 5e4
"""Dollars that one decimal of a million still shows."""


def millions(usd: float) -> str:
    """Dollars as $1.23B or $45.0M, small amounts to the dollar: $4,500, $0."""
    size = abs(usd)
    text = f"{size / 1e9:,.2f}B" if size >= 9.995e8 else f"{size / 1e6:,.1f}M" if size >= LEAST_OF_A_MILLION else fixed(size)
    return f"-${text}" if usd < 0 and text != "0" else f"${text}"


def _print_money(console: Console, plan: Plan) -> None:
    statement = plan.statement
    npv = statement.npv_usd
    rate, status = statement.irr_per_year
    carried = statement.npv_losses_carried_usd
    calendar = plan.candidates.outlook.calendar
    settings = plan.case.settings
    console.print(
        f"NPV [bold]{millions(npv)}[/] after tax at {percent(settings.discount_rate)}, cash at mid-month; "
        f"{_share(statement.tail_usd, npv)} of it after {calendar.written(plan.candidates.outlook.horizon - 1)} (tail: {plan.candidates.outlook.tail})"
    )
    warning = "  [bold red]the sign differs[/]" if carried * npv < 0 else ""
    console.print(f"NPV with losses carried forward {millions(carried)}; to equity {millions(statement.equity_npv_usd)}{warning}")
    back = payback_text(settings.start, statement.payback_month)
    console.print(f"IRR {irr_text(rate, status.name)}, payback {back}, deepest cumulative cash {millions(-statement.peak_funding_usd)}")


def _share(part: float, whole: float) -> str:
    return percent(part / whole) if whole else "0%"


def _sites(plan: Plan) -> Table:
    power = plan.power[plan.power["contracted_mw"] > 1e-6]
    kinds = list(dict.fromkeys(power["kind"]))
    table = Table(title="sites: contracted MW by power, GPUs bought and owned at the start", title_justify="left")
    table.add_column("site", overflow="fold")
    for kind in kinds:
        table.add_column(kind, justify="right")
    table.add_column("hall MW", justify="right")
    table.add_column("GPUs", overflow="fold")
    candidates, levels = plan.candidates.table, plan.levels
    assert levels is not None
    held = candidates.assign(level=levels)
    halls = held[held["kind"] == "shell"].groupby("site_id")["level"].sum()
    owned = held[held["kind"].isin(["own", "base"]) & (held["gpu_id"] != "")].groupby(["site_id", "gpu_id"])["level"].sum()
    for site_id in plan.case.tables["sites"]["site_id"]:
        here = power[power["site_id"] == site_id]
        gpus = owned[owned > 0.5].loc[lambda found, site=site_id: found.index.get_level_values(0) == site]
        if here.empty and gpus.empty:
            continue
        by_kind = here.groupby("kind")["contracted_mw"].sum()
        cells = [f"{by_kind[kind]:,.0f}" if kind in by_kind else "" for kind in kinds]
        names = ", ".join(f"{count:,.0f} {gpu_id}" for (_, gpu_id), count in gpus.items())
        table.add_row(_plain(site_id), *cells, f"{halls.get(site_id, 0.0):,.0f}", _plain(names))
    return table


def _print_leases(console: Console, plan: Plan) -> None:
    """Leases won, a line each; those declined in one line."""
    table = Table(title="leases won", title_justify="left")
    for name in ("lease", "term", "won", "of", "rate", "at"):
        table.add_column(name, justify="right" if name in ("won", "of", "rate") else "left", overflow="fold")
    served = plan.allocation[plan.allocation["use"].isin(["serve", "host"])]
    declined = []
    for row in plan.case.tables["leases"].itertuples():
        mine = served[served["lease_id"] == row.lease_id]
        if mine.empty:
            declined.append(row.lease_id)
            continue
        hosting = row.kind == "hosting"
        size = mine["it_mw"].sum() if hosting else mine["gpus"].sum()
        asked = f"{row.max_size:,.0f}{_size_unit(plan, row)}"
        rates = sorted(set(mine["rate"]))
        shown = f"${rates[0]:,.2f}" if len(rates) == 1 else f"${rates[0]:,.2f}-{rates[-1]:,.2f}"
        table.add_row(
            _plain(row.lease_id), f"{mine['from'].min()} to {mine['to'].max()}", f"{size:,.0f}" + (" MW" if hosting else " GPUs"),
            asked, shown + ("/kW-month" if hosting else "/GPU-hour"), _plain(", ".join(sorted(set(mine["site_id"])))),
        )
    console.print(table)
    if declined:
        console.print(f"declined: {', '.join(declined)}", markup=False, highlight=False)


def _size_unit(plan: Plan, lease: Any) -> str:
    """What the size of a lease counts: MW, GPUs (nothing is said), or units where a GPU is not one of them."""
    if lease.size_unit == "it_mw":
        return " MW"
    made = rates_with_units(plan.candidates.outlook)
    return "" if (made.loc[made["lease_id"] == lease.lease_id, "units_per_gpu"] == 1.0).all() else " units"


def _print_on_demand(console: Console, plan: Plan) -> None:
    revenue = plan.statement.line(Line.REVENUE).sum()
    candidates, levels = plan.candidates, plan.levels
    assert levels is not None
    rows = plan.allocation[plan.allocation["use"] == "sell"]
    if revenue > 0 and len(rows):
        sold = sum(
            float(candidates.valuation.npv(block, (Line.REVENUE,))[:, 0] @ levels[block.numbers])
            for block in candidates.blocks
            if block.kind == "sell"
        )
        everything = float(plan.statement.line(Line.REVENUE) @ plan.statement.discount) * (1.0 - plan.case.settings.tax_rate)
        console.print(f"on demand: {percent(sold / everything)} of discounted revenue, at most {_peak_on_demand(rows):,.0f} GPUs at once")


def _peak_on_demand(rows: pd.DataFrame) -> float:
    months = sorted({*rows["from"], *rows["to"]})
    return max(float(rows.loc[(rows["from"] <= month) & (rows["to"] >= month), "gpus"].sum()) for month in months)


def _capex(plan: Plan) -> Table:
    table = Table(title="money by year, $M", title_justify="left")
    lines = (Line.REVENUE, Line.CAPEX, Line.ENERGY, Line.FEES, Line.TAX, Line.RESALE)
    years = plan.statement.yearly(Line.CAPEX)
    table.add_column("")
    for year in years:
        table.add_column(year, justify="right")
    for line in lines:
        table.add_row(line.name.lower().replace("_", " "), *(fixed(usd / 1e6) for usd in plan.statement.yearly(line).values()))
    return table


def _print_soon(console: Console, plan: Plan) -> None:
    """What is new and must be decided within two quarters, with the dollars that it commits, on one screen."""
    near = soon(plan.decisions, plan.case.settings.start)
    if near.empty:
        console.print("to be decided within two quarters: nothing new; what the plan does until then is committed or owned already")
        return
    table = Table(title="to be decided within two quarters", title_justify="left", show_footer=True)
    for name, total in (("by", ""), ("decision", "in all"), ("at", ""), ("how much", ""), ("commits", millions(float(near["commits_usd"].sum())))):
        table.add_column(name, total, justify="right" if name == "commits" else "left", overflow="fold")
    for row in screen_of(near).itertuples():
        table.add_row(row.by, row.decision, _plain(row.at), _plain(row.how_much), millions(row.commits_usd))
    console.print(table)
    console.print("commits: undiscounted dollars before tax that can no longer be avoided: capex, deposits, charges, fees of the term or up to its cheapest exit; what is committed already is not listed", highlight=False)


def _print_binding(console: Console, plan: Plan) -> None:
    found = plan.binding.head(3)
    if len(found):
        console.print("what binds most (value of one per cent more):")
        for row in found.itertuples():
            console.print(f"  {millions(row.usd_per_percent)}  {row.name}: {row.what}", markup=False, highlight=False)


def _plain(text: str) -> str:
    from rich.markup import escape

    return escape(str(text))
