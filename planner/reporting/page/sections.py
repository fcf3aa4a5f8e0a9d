"""The sections of the page after the answer: sites, clusters, money, prices, risk, differences, provenance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from kernels.lines import UNLEVERED
from planner.plans.commitments import screen_of, soon
from planner.reporting.amounts import count, dollars, line_words, megawatts, number, rate, share, words
from planner.reporting.beside_files import floors_of
from planner.reporting.charts.clusters import USES
from planner.reporting.charts.look import Figure
from planner.reporting.compare import Differences
from planner.reporting.figures import SWEEP
from planner.reporting.findings import Findings
from planner.reporting.leases import lease_table
from planner.reporting.page import blocks
from planner.reporting.page.blocks import Drawn, Note, Section, Shown, Table, present, table_of
from planner.reporting.price_rows import BLOCK, QUARTER, TERM, WHOLE, most_valuable
from planner.reporting.scored import Scored
from planner.reporting.usage import DUST, site_table
from planner.scenarios.still import no_price_moves
from planner.wording import counted, payback_text

Figures = Mapping[str, Figure]
DECISIONS = "decisions"


def drawn(figures: Figures, *names: str) -> list[Drawn]:
    """The figures of some names that there are."""
    return [Drawn(name, figures[name]) for name in names if name in figures]


def sites_section(found: Findings, figures: Figures) -> Section:
    """Where, with how much power against which limit, and a table of sites and of phases."""
    sites = site_table(found).sort_values(["contracted_mw", "npv_usd"], ascending=False)
    columns = [
        Shown("site_id", "site"), *([Shown("name", "name")] if (sites["name"] != "").any() else []),
        Shown("region", "region"), Shown("kinds", "contracted MW by power"),
        blocks.number("contracted_mw", "contracted MW", megawatts),
        blocks.number("peak_use_mw", "most in use, MW", megawatts),
        blocks.number("hall_mw", "halls, MW of IT", megawatts), blocks.number("gpus", "GPUs owned", count),
        blocks.number("capex_usd", "capex", dollars), blocks.number("npv_usd", "NPV", dollars),
    ]
    power = found.tables["power"]
    held = power[power["contracted_mw"] > DUST] if len(power) else power
    phases = [
        Shown("site_id", "site"), Shown("phase", "phase"), Shown("kind", "power", words),
        blocks.number("contracted_mw", "contracted MW", megawatts),
        blocks.number("guaranteed_mw", "of MW", megawatts), blocks.number("peak_use_mw", "most in use", megawatts),
        Shown("promised", "promised"), Shown("energised", "counted from"),
        Shown("to", "to"), blocks.number("fee_usd_per_kw_month", "fee, $/kW-month", rate),
        Shown("decide_by", "decide by"),
    ]
    return Section(
        "sites", "Sites and power",
        present(
            [
                *drawn(figures, "map", "power", "halls"), table_of("sites", "Sites", sites, columns),
                table_of("phases", "Power contracted", held, phases),
            ]
        ),
    )


def decisions_section(found: Findings) -> Section:
    """What must be decided within two quarters, with the dollars that it commits; what is committed already is not in
    it."""
    near = soon(found.tables["decisions"], found.case.settings.start)
    if near.empty:
        return Section(
            DECISIONS, "To be decided within two quarters", (),
            "Nothing new: all that the plan does until then is committed or owned already.",
        )
    lead = (
        f"{counted(len(near), 'decision')} that {'commits' if len(near) == 1 else 'commit'} "
        f"{dollars(float(near['commits_usd'].sum()))}: undiscounted dollars before tax that can no longer "
        "be avoided once decided (opening, capex with deposits, charges, and fees for the term or up to the cheapest "
        "exit). What is committed or owned already is not among them."
    )
    table = decisions_shown(DECISIONS, "Decisions", near, "All decisions of the plan stand in decisions.csv.")
    return Section(DECISIONS, "To be decided within two quarters", (table,), lead)


def decisions_shown(name: str, title: str, decisions: pd.DataFrame, note: str) -> Table:
    """Decisions as a screen shows them, with what they commit in all; decisions: as decisions.csv of a plan."""
    columns = [
        Shown("by", "by"), Shown("decision", "decision"), Shown("at", "at"), Shown("how_much", "how much"),
        blocks.number("commits_usd", "commits", dollars),
    ]
    whole = float(decisions["commits_usd"].sum())
    total = {"by": "", "decision": "in all", "at": "", "how_much": "", "commits_usd": whole}
    lines = pd.concat([screen_of(decisions), pd.DataFrame([total])], ignore_index=True)
    return table_of(name, title, lines, columns, note)


def clusters_section(found: Findings, figures: Figures, quotes: pd.DataFrame | None) -> Section:
    """Which cluster serves what, leases won and lost with floor and rate, quotes, and every window of the plan."""
    floors = {name: floor for name, floor in floors_of(quotes).items() if name in set(found.leases["lease_id"])}
    leases = lease_table(found, floors)
    leases["amount"] = [
        (
            f"{_size(row.size, row.unit)} of {_size(row.asked, row.unit)} {row.unit}" if row.size > 0
            else f"{_size(row.asked, row.unit)} {row.unit}"
        )
        for row in leases.itertuples()
    ]
    leases["rates"] = [_rates(row.rate_low, row.rate_high, row.rate_unit) for row in leases.itertuples()]
    columns = [
        Shown("lease_id", "lease"), Shown("customer_id", "customer"), Shown("outcome", "outcome"),
        Shown("from", "from"), Shown("to", "to"), Shown("amount", "size"), Shown("rates", "rate"),
        *([blocks.number("floor", "floor", rate)] if floors else []), Shown("sites", "at"),
        blocks.number("npv_usd", "NPV of its GPUs' work", dollars),
    ]
    windows = found.tables["allocation"].sort_values(
        "npv_usd", ascending=False, key=lambda usd: usd.abs(), kind="stable"
    )
    windows = windows.assign(
        what=windows["use"].map({**USES, "serve": "lease", "renew": "next term", "host": "hosting", "mine": "mining"}),
        size=[count(row.gpus) if row.gpus > 0 else "" for row in windows.itertuples()]
    )
    every = [
        Shown("site_id", "site"), Shown("power_path", "power"), Shown("gpu_id", "SKU"), Shown("what", "for"),
        Shown("lease_id", "lease"), blocks.number("rate", "rate", rate), Shown("rate_unit", "unit", _unit),
        blocks.number("gpus", "GPUs", count), blocks.number("it_mw", "MW of IT", megawatts), Shown("from", "from"),
        Shown("to", "to"), Shown("decide_by", "decide by"),
        blocks.number("income_pv_usd", "income, discounted", dollars), blocks.number("npv_usd", "NPV", dollars),
    ]
    floor_note = (
        "Floor: the lowest rate at which the lease would be worth signing." if floors
        else "A floor stands beside a lease when a quote of its name is given (--quotes)."
    )
    return Section(
        "clusters", "Clusters and leases",
        present([
            *drawn(figures, "timeline", "gpus"),
            table_of(
                "leases", "Leases won and lost", leases, columns,
                f"The NPV is that of the work alone, before GPUs, halls and power. {floor_note}",
            ),
            _quotes(quotes), table_of("windows", "Every cluster, hall and window", windows, every, most=600),
        ]),
    )


def _quotes(quotes: pd.DataFrame | None) -> Table | None:
    if quotes is None:
        return None
    table = quotes.assign(
        unit_of_rate=quotes["rate_unit"].map(_unit), answer=quotes["answer"].map(words),
        sites=quotes["sites"].fillna("").str.replace(";", ", "),
    )
    columns = [
        Shown("name", "inquiry"), Shown("answer", "answer"), blocks.number("size", "size", count),
        Shown("unit", "unit"), blocks.number("floor", "floor", rate), blocks.number("low", "from", rate),
        blocks.number("high", "to", rate), Shown("unit_of_rate", "rate"),
        blocks.number("standalone_rate", "alone", rate), blocks.number("floor_keeping_leases", "no lease cut", rate),
        Shown("sites", "stands at"),
    ]
    return table_of(
        "quotes", "Quotes", table, columns,
        "Floor: the lowest rate at which to sign, with the interval in which it lies; alone: what it costs by itself.",
    )


def _size(value: float, unit: str) -> str:
    return megawatts(value) if unit == "MW" else count(value)


def _rates(low: float, high: float, unit: str) -> str:
    shown = rate(low) if low == high else f"{rate(low)} to {rate(high)}"
    return f"{shown}{_unit(unit)}"


def _unit(unit: str) -> str:
    return {"usd_per_kw_month": "/kW-month", "usd_per_gpu_hour": "/GPU-hour", "usd_per_mwh": "/MWh"}.get(unit, unit)


def money_section(found: Findings, figures: Figures) -> Section:
    """Cash by year and line, cumulative cash, and from revenue to NPV."""
    years = found.periods["period"].str[:4].to_numpy()
    lines = found.cash_by_line.loc[[line.name.lower() for line in UNLEVERED]]
    yearly = lines.T.groupby(years).sum().T
    yearly.loc["net, after tax"] = yearly.sum(axis=0)
    yearly["all years"] = yearly.sum(axis=1)
    yearly["discounted"] = [*found.present_value_by_line, found.present_value_by_line.sum()]
    yearly = yearly[(yearly.abs() > 0.5).any(axis=1)].reset_index(names="line")
    yearly["line"] = yearly["line"].map(found.line_words)
    columns = [
        Shown("line", "line"), *(blocks.number(name, name, dollars) for name in yearly.columns if name != "line")
    ]
    return Section(
        "money", "Money",
        present(
            [
                *drawn(figures, "cash_by_year", "cumulative_cash", "waterfall"),
                table_of("cash", "Cash by year and line", yearly, columns, "The discounted column adds to the NPV."),
            ]
        ),
    )


def prices_section(found: Findings, figures: Figures) -> Section:
    """What a MW is worth in two directions beside its fee, and what else is scarce."""
    best = most_valuable(found)
    sorts = found.summary.get("scarce_usd_per_percent") or {}
    scarce = ", ".join(f"{sort} {dollars(usd)}" for sort, usd in sorts.items())
    top = [
        Shown("site_id", "site"), Shown("name", "phase"), Shown("kind", "power", words),
        blocks.number("in_plan", "contracted MW", megawatts), blocks.number("gain_usd", "one MW more brings", dollars),
        blocks.number("gain_holds_to", "holds to, MW", megawatts),
        blocks.number("loss_usd", "one MW less costs", dollars),
        blocks.number("net_gain_usd", "after its fee", dollars),
        blocks.number("pay_up_to", "could pay, $/kW-month", rate), blocks.number("fee", "fee, $/kW-month", rate),
    ]
    return Section(
        "prices", "What a MW is worth",
        present([
            *drawn(figures, "could_pay", "mw_both_ways", "mw_by_year", "delivery_slots", "binding"),
            table_of("dearest", "The ten most valuable MW", best, top),
            _blocks(found), _capital(found), _others(found),
        ]),
        (f"Scarce here, per cent for per cent: {scarce}. " if scarce else "")
        + "A price answers a stated question in two directions, by solving the plan again with one unit more or less; "
        "duals of single months are left to the file.",
    )


def _blocks(found: Findings) -> Table:
    rows = found.tables["prices"]
    rows = rows[rows["question"].isin([BLOCK, WHOLE])]
    total = rows["gain_of_step_usd"].fillna(rows["gain_usd"]) * rows["step"].fillna(1.0)
    columns = [
        Shown("site_id", "site"), Shown("name", "phase"), Shown("question", "asked"),
        blocks.number("step", "MW", megawatts), blocks.number("total", "brings at least", dollars),
        blocks.number("gain_at_most_usd", "at most, per MW", dollars),
    ]
    return table_of(
        "blocks", "Many MW at once", rows.assign(total=total), columns,
        "All decisions free: planned again with so many MW more.",
    )


def _capital(found: Findings) -> Table:
    rows = found.tables["prices"]
    rows = rows[
        rows["resource"].isin(["capital", "cash floor"])
        & ((rows["gain_usd"].abs() > 1e-4) | (rows["loss_usd"].abs() > 1e-4))
    ]
    columns = [
        Shown("resource", "what"), Shown("question", "asked"), Shown("from", "from"), Shown("to", "to"),
        blocks.number("gain_usd", "$1 more brings", rate), blocks.number("loss_usd", "$1 less costs", rate),
        blocks.number("gain_return_per_year", "return per year", share),
    ]
    return table_of("capital", "Capital by quarter", rows, columns)


def _others(found: Findings) -> Table:
    rows = found.tables["prices"]
    rows = rows[
        (rows["question"].isin([TERM, QUARTER]) | (rows["resource"] == "customer share"))
        & ~rows["resource"].isin(["phase", "capital", "cash floor"]) & (rows["gain_usd"] > 0.005)
    ].nlargest(100, "gain_usd")
    columns = [
        Shown("resource", "what"), Shown("name", "which"), Shown("from", "from"), Shown("to", "to"),
        Shown("unit", "unit"), blocks.number("gain_usd", "one more brings", dollars),
        blocks.number("gain_holds_to", "holds to", number), blocks.number("loss_usd", "one less costs", dollars),
    ]
    return table_of(
        "scarce", "What else is scarce", rows, columns,
        "Deliveries, leases, halls, market and shares of customers, each for one unit more.",
    )


def risk_section(found: Findings, figures: Figures, scored: Scored | None) -> Section:
    """How the plan fares over many futures, sweeps and stresses, and the portfolios beside it."""
    extra = drawn(figures, *(name for name in figures if name.startswith(SWEEP)), "frontier")
    if scored is None:
        missing = Note(
            "No scores were given: make them with planner portfolios and planner score, and give their folder as "
            "--scores."
        )
        return Section("risk", "Risk", (missing, *extra))
    options = scored.record["options"]
    lead = (
        f"{counted(scored.of, 'portfolio')} over {counted(scored.record['futures'], 'future')} (seed "
        f"{scored.record['seed']}, {options['draws']} draws). "
    )
    lead += (
        "Shown future by future: the plan." if scored.subject == scored.plan
        else f"The plan itself is not among them; shown future by future: portfolio {scored.subject}."
    )
    notes = [] if "npv_spread" in figures else [
        Note(
            "These scores hold no figures future by future: score again with this version to see the spread of NPV and "
            "what drives it."
        )
    ]
    still = no_price_moves(found.case, imported=bool(options.get("imported")))
    notes += [Note(f"{still[0].upper()}{still[1:]}.")] if still is not None else []
    left = [
        Note(
            "Stresses that cannot be scored on a plan that stands: " + ", ".join(scored.record["stresses_left_out"])
            + ". Plan under them with planner plan --stress."
        )
    ] if scored.record.get("stresses_left_out") else []
    best = scored.table.assign(kept=scored.table["limits_broken"] == 0).sort_values(
        ["kept", "mean_npv_usd"], ascending=False
    ).head(200)
    columns = [
        Shown("portfolio", "portfolio"), blocks.number("mean_npv_usd", "mean NPV", dollars),
        blocks.number("base_npv_usd", "base case", dollars),
        blocks.number("standard_deviation_usd", "deviation", dollars),
        blocks.number("loss_probability", "chance of a loss", share),
        blocks.number("cvar_usd", "CVaR of loss", dollars),
        *(
            [
                blocks.number("peak_funding_mean_usd", "peak funding", dollars),
                blocks.number(
                    "payback_median_months", "payback", lambda months: payback_text(found.case.settings.start, months)
                ),
            ]
            if "peak_funding_mean_usd" in best else []
        ),
        blocks.number("capex_usd", "capex", dollars),
        blocks.number("levelised_usd_per_gpu_hour", "cost, $/GPU-hour", rate),
        blocks.number("limits_broken", "limits broken", count),
    ]
    shown = [
        *drawn(figures, "npv_spread", "drivers", "stresses"), *left, *extra, *drawn(figures, "portfolios"),
        table_of("portfolios", "Portfolios, best first", best, columns),
    ]
    return Section("risk", "Risk", present([*notes, *shown]), lead)


def differences_section(moved: Differences, before: str, figures: Figures) -> Section:
    """What moved since another run, and why the NPV changed."""
    named = moved.lines.assign(
        line=[line_words(row.line, (row.before_usd, row.after_usd)) for row in moved.lines.itertuples()]
    )
    lines = [
        Shown("line", "line"), *(blocks.number(f"{name}_usd", name, dollars) for name in ("before", "after", "change"))
    ]
    sites = [
        Shown("site_id", "site"),
        *(
            blocks.number(f"{name}_{side}", f"{heading} {side}", write)
            for name, heading, write in (
                ("contracted_mw", "MW", megawatts), ("gpus", "GPUs", count), ("npv_usd", "NPV", dollars)
            )
            for side in ("before", "after")
        ),
    ]
    leases = [
        Shown("lease_id", "lease"), Shown("outcome_before", "before"), Shown("outcome_after", "after"),
        blocks.number("size_before", "size before", count), blocks.number("size_after", "size after", count),
        Shown("unit", "unit"), Shown("sites_before", "at, before"), Shown("sites_after", "at, after"),
    ]
    cells = [Shown(name, name) for name in ("table", "what", "before", "after")]
    options = [Shown(name, name) for name in ("option", "before", "after")]
    changed = named if (named["change_usd"].abs() > 0.5).any() else named.iloc[:0]
    found = [
        *drawn(figures, "change_of_npv"), table_of("changed_lines", "Discounted cash by line", changed, lines),
        table_of("changed_sites", "Sites that moved", moved.sites, sites),
        table_of("changed_leases", "Leases that moved", moved.leases, leases),
        table_of("changed_options", "Options that differ", moved.options, options),
        table_of("changed_case", "What differs in the case", moved.cases, cells, most=300),
    ]
    shown = present(found)
    lead = f"Before: {before}. After: this run." if len(shown) else f"Nothing differs from {before}."
    return Section("differences", "What moved", shown, lead)


def names_of(sections: Sequence[Section]) -> list[tuple[str, str]]:
    """Anchors and titles, for the way through the page."""
    return [(section.name, section.title) for section in sections]
