"""The plan on one screen: its worth, what it builds, what to decide soon and what is scarce; tables where asked for."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.table import Table

from planner.cli.plan_tables import on_demand, print_details, size_unit
from planner.cli.price_summary import dearest, print_prices, short_sentence, told_incomplete
from planner.cli.terminal import output, say_written
from planner.explaining.sentences import lines_of
from planner.explaining.unbounded import unbounded_ray_lines
from planner.explaining.why_lines import lines_of_reason
from planner.planning.plan import Plan
from planner.plans.binding import scarce_by_sort
from planner.plans.commitments import screen_of, soon
from planner.plans.over_futures import better_by
from planner.scenarios.still import no_price_moves
from planner.wording import counted, irr_text, listed, millions, payback_text, percent, tail_words

LINES = 9
"""Lines of decisions on the screen."""
NAMED = 3
"""Sites, SKUs and leases that a line of the screen names before it counts them."""
SCARCE = 3
"""Limits, and phases, that the screen names."""
HOURS, KILOWATTS = 730.0, 1000.0
"""Hours of a month and kW of a MW: leases on the screen stand by their revenue in a month times their months."""


def print_summary(plan: Plan, out: Path | None, *, details: bool = False) -> None:
    """Print the status and the plan on one screen, or with all of its tables; where there is none, why."""
    console = output()
    _print_status(console, plan)
    if plan.levels is None:
        _print_no_plan(console, plan)
    elif plan.options.why:
        _print_rows(console, _money(plan))
        _print_reasons(console, plan)
    else:
        _print_rows(console, [*_money(plan), *_futures(plan), *_built(plan)])
        if details:
            print_details(console, plan)
        else:
            _print_soon(console, plan)
            _print_scarce(console, plan)
    if out is not None:
        say_written(console, out)


def print_more(plan: Plan, out: Path | None) -> None:
    """Say how to see more than the screen of a plan shows."""
    if plan.levels is not None and not plan.options.why:
        kept = "--out keeps their figures as files" if out is None else "the folder has their figures as files"
        output().print(f"more: --details prints the tables, {kept}", highlight=False)


def _print_status(console: Console, plan: Plan) -> None:
    allocation = plan.allocation_result
    gap = "" if plan.gap is None else f", gap {percent(plan.gap, 4)}"
    seconds = sum(plan.seconds.values())
    console.print(
        f"[bold]{_plain(plan.case.settings.name)}[/]: {plan.status.label}{gap}, {allocation.solver}, {seconds:.1f} s"
    )
    if plan.levels is not None and plan.options.solver.relax:
        console.print("relaxed: 0/1 decisions are continuous, so this is a bound on plans, not a plan")


def _print_no_plan(console: Console, plan: Plan) -> None:
    """Why there is no plan, and what would make one possible."""
    known = plan.conflict is not None and bool(plan.conflict.infeasible_sets)
    console.print(str(plan.status).partition(" Usual causes")[0] if known else str(plan.status), markup=False)
    if plan.allocation_result.message:
        console.print(plan.allocation_result.message, markup=False)
    for line in [*([] if plan.conflict is None else lines_of(plan.conflict)), *unbounded_ray_lines(plan.unbounded_ray)]:
        console.print(line, markup=False, highlight=False)


def _print_reasons(console: Console, plan: Plan) -> None:
    """Why each thing asked about is in or out, in place of what the plan builds."""
    for reason in plan.reasons:
        for line in lines_of_reason(reason):
            console.print(line, markup=False, highlight=False)


def _print_rows(console: Console, rows: list[tuple[str, str]]) -> None:
    """Lines with what they are about before them."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    for about, said in rows:
        grid.add_row(about, said)
    console.print(grid)


def _money(plan: Plan) -> list[tuple[str, str]]:
    """NPV and what it rests on."""
    statement, settings = plan.statement, plan.case.settings
    npv, carried = statement.npv_usd, statement.npv_losses_carried_usd
    rate, status = statement.irr_per_year
    outlook = plan.candidates.outlook
    end = outlook.calendar.written(outlook.horizon - 1)
    warning = " [bold red](the sign differs)[/]" if carried * npv < 0 else ""
    tail = percent(statement.tail_usd / npv) if npv else percent(0.0)
    returns = "no money is put in: no IRR, no payback"
    if statement.peak_funding_usd:
        back = payback_text(settings.start, statement.payback_month)
        funding = millions(statement.peak_funding_usd)
        returns = f"IRR {irr_text(rate, status.name)}, payback {back}, peak funding {funding}"
    return [
        (
            "NPV",
            f"[bold]{millions(npv)}[/] after tax at {percent(settings.discount_rate)}; "
            f"{tail} of it after {end} (tail: {outlook.tail})",
        ),
        (
            "",
            f"{millions(statement.equity_npv_usd)} to equity; "
            f"{millions(carried)} with losses carried forward{warning}; cash counts at mid-month",
        ),
        ("", returns),
    ]


def _futures(plan: Plan) -> list[tuple[str, str]]:
    """How the plan fares over many futures, and that another is better on average, where one was found. A plan after
    risk says so itself."""
    over = plan.over_futures
    if over is None or over.made_for:
        return []
    of = f" of {_plain(Path(over.imported).name)}" if over.imported else ""
    worth = "mean to equity" if plan.options.equity else "mean"
    rows = [
        (
            "futures",
            f"{worth} [bold]{millions(over.mean_usd)}[/] over {counted(len(over), 'future')}{of}, "
            f"P(loss) {percent(over.loss_probability)}, {tail_words(over.alpha, over.cvar_usd)} "
            f"(CVaR {millions(over.cvar_usd)})",
        )
    ]
    gain = better_by(over.mean_usd, over.better_mean_usd)
    if gain is not None and over.better_mean_usd is not None:
        rows.append(
            (
                "",
                f"made for all of them, a plan has a mean of at least {millions(over.better_mean_usd)} "
                f"({percent(gain)} more): --risk-weight 0",
            )
        )
    still = no_price_moves(plan.case, imported=over.imported is not None)
    return rows if still is None else [*rows, ("", still)]


def _built(plan: Plan) -> list[tuple[str, str]]:
    """MW, GPUs and leases, the largest of each by name."""
    power = plan.power[plan.power["contracted_mw"] > 1e-6]
    levels, held = plan.levels, plan.candidates.table
    assert levels is not None
    by_kind = power.groupby("kind", sort=False)["contracted_mw"].sum()
    by_site = power.groupby("site_id")["contracted_mw"].sum().sort_values(ascending=False, kind="stable")
    halls = float(levels[(held["kind"] == "shell").to_numpy()].sum())
    kinds = ", ".join(f"{_amount(mw)} {kind.replace('_', ' ')}" for kind, mw in by_kind.items())
    sites = listed([f"{site_id} {_amount(mw)} MW" for site_id, mw in by_site.items()], NAMED)
    rows = [
        (
            "MW",
            f"{_amount(float(by_kind.sum()))} contracted{f' ({kinds})' if kinds else ''}, {_amount(halls)} of halls",
        ),
        ("sites", _plain(f"{len(by_site):,}: {sites}") if len(by_site) else "none"),
    ]
    owned = (held["kind"].isin(["own", "base"]) & (held["gpu_id"] != "")).to_numpy()
    by_sku = (
        held[owned]
        .assign(level=levels[owned])
        .groupby("gpu_id", sort=False)["level"]
        .sum()
        .sort_values(ascending=False, kind="stable")
    )
    by_sku = by_sku[by_sku > 0.5]
    skus = listed([f"{count:,.0f} {gpu_id}" for gpu_id, count in by_sku.items()], NAMED)
    rows.append(
        ("GPUs", _plain(f"{by_sku.sum():,.0f} bought or owned: {skus}") if len(by_sku) else "none")
    )
    rows += _leases(plan)
    demand = on_demand(plan)
    return [*rows, ("on demand", demand)] if demand else rows


def _leases(plan: Plan) -> list[tuple[str, str]]:
    """Leases won, those that bring most first, and those declined."""
    served = plan.allocation[plan.allocation["use"].isin(["serve", "host"])]
    won: list[tuple[float, str]] = []
    declined: list[str] = []
    for row in plan.case.tables["leases"].itertuples():
        mine = served[served["lease_id"] == row.lease_id]
        if mine.empty:
            declined.append(str(row.lease_id))
            continue
        hosting = row.kind == "hosting"
        size = mine["it_mw"] if hosting else mine["gpus"]
        asked = size_unit(plan, row).strip() or "GPUs"
        part = "" if asked == "units" or size.sum() >= row.max_size - 0.5 else f" of {row.max_size:,.0f}"
        brings = float((size * mine["rate"]).sum()) * (KILOWATTS if hosting else HOURS) * row.term_months
        won.append((brings, f"{row.lease_id} {size.sum():,.0f}{part} {'MW' if hosting else 'GPUs'}"))
    names = [name for _, name in sorted(won, key=lambda each: -each[0])]
    count = len(won) + len(declined)
    if not count:
        return [("leases", "none in the case")]
    rows = [("leases", _plain(f"{len(won):,} of {count:,} won{': ' if won else ''}{listed(names, NAMED)}"))]
    return [*rows, ("", _plain(f"declined: {listed(declined, NAMED)}"))] if declined else rows


def _print_soon(console: Console, plan: Plan) -> None:
    """What is new and must be decided within two quarters, with the dollars that it commits."""
    near = soon(plan.decisions, plan.case.settings.start)
    if near.empty:
        console.print(
            "\nto be decided within two quarters: nothing new; "
            "what the plan does until then is committed or owned already"
        )
        return
    console.print(
        f"\nto be decided within two quarters: [bold]{millions(float(near['commits_usd'].sum()))}[/] in all, "
        "undiscounted and before tax"
    )
    grid = Table.grid(padding=(0, 2, 0, 0))
    for name in ("by", "decision", "at", "how much", "commits"):
        grid.add_column(
            justify="right" if name == "commits" else "left", overflow="fold", no_wrap=name in ("by", "commits")
        )
    for row in screen_of(near, LINES).itertuples():
        grid.add_row(f"  {row.by}", row.decision, _plain(row.at), _plain(row.how_much), millions(row.commits_usd))
    console.print(grid)


def _print_scarce(console: Console, plan: Plan) -> None:
    """What is scarce and what more of it is worth; all that was asked of prices, where all was asked."""
    found = plan.binding.head(SCARCE)
    if len(found):
        sorts = ", ".join(f"{sort} {millions(usd)}" for sort, usd in scarce_by_sort(plan.binding).items())
        console.print(f"\nscarce here, per cent for per cent: {sorts}", highlight=False)
        _print_amounts(console, [(row.usd_per_percent, f"{row.name}: {row.what}") for row in found.itertuples()])
    if plan.options.prices == "full":
        print_prices(console, plan, millions)
        return
    phases = dearest(plan.priced.table, SCARCE)
    for line in told_incomplete(plan.priced):
        console.print(line, markup=False, highlight=False)
    if phases:
        console.print("what a MW more of a phase is worth, whole decisions held")
        _print_amounts(console, [(row.gain_of_step_usd, short_sentence(row)) for row in phases])
    elif (plan.priced.table["resource"] == "phase").any():
        console.print("a MW more of any phase is worth nothing, whole decisions held")


def _print_amounts(console: Console, rows: list[tuple[float, str]]) -> None:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(justify="right", no_wrap=True)
    for usd, said in rows:
        grid.add_row(f"  {millions(usd)}", _plain(said))
    console.print(grid)


def _amount(mw: float) -> str:
    """MW in whole ones, a few with two digits."""
    return f"{mw:,.0f}" if mw >= 10.0 else f"{mw:.2g}"


def _plain(text: object) -> str:
    """Text in which brackets are no markup."""
    from rich.markup import escape

    return escape(str(text))
