"""All tables of a plan on the terminal, as `planner plan --details` prints them."""

from __future__ import annotations

from typing import Any

import pandas as pd
from rich.console import Console
from rich.table import Table

from kernels.lines import Line
from planner.candidates.named import rates_with_units
from planner.cli.price_summary import print_prices
from planner.cli.terminal import show, table_of
from planner.planning.plan import Plan
from planner.plans.commitments import screen_of, soon
from planner.wording import fixed, millions, percent


def print_details(console: Console, plan: Plan) -> None:
    """Sites, leases, money by year, what must be decided soon, what a MW is worth and what binds."""
    show(console, _sites(plan))
    _print_leases(console, plan)
    said = on_demand(plan)
    if said:
        console.print(f"on demand: {said}")
    show(console, _capex(plan))
    _print_soon(console, plan)
    print_prices(console, plan, millions)
    _print_binding(console, plan)


def _sites(plan: Plan) -> Table:
    power = plan.power[plan.power["contracted_mw"] > 1e-6]
    kinds = list(dict.fromkeys(power["kind"]))
    rows = []
    candidates, levels = plan.candidates.table, plan.levels
    assert levels is not None
    held = candidates.assign(level=levels)
    halls = held[held["kind"] == "shell"].groupby("site_id")["level"].sum()
    owned = (
        held[held["kind"].isin(["own", "base"]) & (held["gpu_id"] != "")].groupby(["site_id", "gpu_id"])["level"].sum()
    )
    for site_id in plan.case.tables["sites"]["site_id"]:
        here = power[power["site_id"] == site_id]
        gpus = owned[owned > 0.5].loc[lambda found, site=site_id: found.index.get_level_values(0) == site]
        if here.empty and gpus.empty:
            continue
        by_kind = here.groupby("kind")["contracted_mw"].sum()
        cells = [f"{by_kind[kind]:,.0f}" if kind in by_kind else "" for kind in kinds]
        names = ", ".join(f"{count:,.0f} {gpu_id}" for (_, gpu_id), count in gpus.items())
        rows.append((str(site_id), *cells, f"{halls.get(site_id, 0.0):,.0f}", names))
    title = "sites: contracted MW by power, GPUs bought and owned at the start"
    return table_of(title, ("site", *kinds, "hall MW", "GPUs"), rows, text=("site", "GPUs"))


def _print_leases(console: Console, plan: Plan) -> None:
    """Leases won, a line each; those declined in one line."""
    served = plan.allocation[plan.allocation["use"].isin(["serve", "host"])]
    declined, rows = [], []
    for row in plan.case.tables["leases"].itertuples():
        mine = served[served["lease_id"] == row.lease_id]
        if mine.empty:
            declined.append(row.lease_id)
            continue
        hosting = row.kind == "hosting"
        size = mine["it_mw"].sum() if hosting else mine["gpus"].sum()
        asked = f"{row.max_size:,.0f}{size_unit(plan, row)}"
        rates = sorted(set(mine["rate"]))
        shown = f"${rates[0]:,.2f}" if len(rates) == 1 else f"${rates[0]:,.2f}-{rates[-1]:,.2f}"
        cells = (
            str(row.lease_id),
            f"{mine['from'].min()} to {mine['to'].max()}",
            f"{size:,.0f}" + (" MW" if hosting else " GPUs"),
            asked,
            shown + ("/kW-month" if hosting else "/GPU-hour"),
            ", ".join(sorted(set(mine["site_id"]))),
        )
        rows.append(cells)
    names = ("lease", "term", "won", "of", "rate", "at")
    show(console, table_of("leases won", names, rows, text=("lease", "term", "at")))
    if declined:
        console.print(f"declined: {', '.join(declined)}", markup=False, highlight=False)


def size_unit(plan: Plan, lease: Any) -> str:
    """What the size of a lease counts: MW, GPUs (nothing is said), or units where a GPU is not one of them."""
    if lease.size_unit == "it_mw":
        return " MW"
    made = rates_with_units(plan.candidates.outlook)
    return "" if (made.loc[made["lease_id"] == lease.lease_id, "units_per_gpu"] == 1.0).all() else " units"


def on_demand(plan: Plan) -> str:
    """What is sold on demand, in words; empty where nothing is."""
    rows = plan.allocation[plan.allocation["use"] == "sell"]
    candidates, levels = plan.candidates, plan.levels
    assert levels is not None
    revenue = plan.statement.line(Line.REVENUE) + plan.statement.line(Line.SERVICES)
    if not (revenue.sum() > 0 and len(rows)):
        return ""
    sold = sum(
        float(candidates.valuation.npv(block, (Line.REVENUE,))[:, 0] @ levels[block.numbers])
        for block in candidates.blocks
        if block.kind == "sell"
    )
    everything = float(revenue @ plan.statement.discount) * (1.0 - plan.case.settings.tax_rate)
    return f"{percent(sold / everything)} of discounted revenue, at most {_peak_on_demand(rows):,.0f} GPUs at once"


def _peak_on_demand(rows: pd.DataFrame) -> float:
    months = sorted({*rows["from"], *rows["to"]})
    return max(float(rows.loc[(rows["from"] <= month) & (rows["to"] >= month), "gpus"].sum()) for month in months)


def _capex(plan: Plan) -> Table:
    services = (Line.SERVICES,) if plan.statement.line(Line.SERVICES).any() else ()
    deposits = (Line.DEPOSITS,) if plan.statement.line(Line.DEPOSITS).any() else ()
    lines = (Line.REVENUE, *services, Line.CAPEX, *deposits, Line.ENERGY, Line.FEES, Line.TAX, Line.RESALE)
    rows = (
        [line.name.lower().replace("_", " "), *(fixed(usd / 1e6) for usd in plan.statement.yearly(line).values())]
        for line in lines
    )
    return table_of("money by year, $M", ("", *plan.statement.yearly(Line.CAPEX)), rows, text={""})


def _print_soon(console: Console, plan: Plan) -> None:
    """What is new and must be decided within two quarters, with the dollars that it commits, on one screen."""
    near = soon(plan.decisions, plan.case.settings.start)
    if near.empty:
        console.print(
            "to be decided within two quarters: nothing new; "
            "what the plan does until then is committed or owned already"
        )
        return
    rows = (
        (row.by, row.decision, row.at, row.how_much, millions(row.commits_usd)) for row in screen_of(near).itertuples()
    )
    text = ("by", "decision", "at", "how much")
    table = table_of("to be decided within two quarters", (*text, "commits"), rows, text=text)
    table.show_footer = True
    table.columns[1].footer, table.columns[4].footer = "in all", millions(float(near["commits_usd"].sum()))
    show(console, table)
    console.print(
        "commits: undiscounted dollars before tax that can no longer be avoided: capex, deposits, charges, fees of the "
        "term or up to its cheapest exit; what is committed already is not listed",
        highlight=False,
    )


def _print_binding(console: Console, plan: Plan) -> None:
    found = plan.binding.head(3)
    if len(found):
        console.print("what binds most (value of one per cent more):")
        for row in found.itertuples():
            console.print(f"  {millions(row.usd_per_percent)}  {row.name}: {row.what}", markup=False, highlight=False)
