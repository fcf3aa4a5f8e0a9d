"""What a MW is worth: most that could be paid beside the fee, both directions, year by year, and what else is
scarce."""

from __future__ import annotations

from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from planner.reporting.amounts import dollars, rate
from planner.reporting.charts.look import ACCENT, GAIN, INK, LOSS, PLAIN, Figure, colour, dollar_axis, labels, rows
from planner.reporting.findings import Findings
from planner.reporting.price_rows import QUARTER, TERM, YEAR, asked, ends

PHASES, LIMITS, SKUS = 25, 15, 10
BINDING = {
    "CAPITAL": "new capital", "TIER": "leases at a rate", "VOLUME": "size of leases", "DEPTH": "depth on demand",
    "POWER": "power", "SUPPLY": "GPU deliveries",
    "MINING": "mining load", "CONVERTIBLE": "conversion", "SITE": "halls", "BUILD": "building rate",
    "CASH_FLOOR": "cash floor", "REVENUE_SHARE": "share of a customer", "YEARLY_SHARE": "share of a customer in a year",
}
"""Families of limits in words; others stand as they are called."""


def paid_and_fee(found: Findings) -> Figure | None:
    """Most that one MW more is worth in $/kW-month beside the fee that it costs, phase by phase."""
    table = asked(found, TERM, "phase")
    table = table[table["pay_up_to"] > 0.005].nlargest(PHASES, "pay_up_to").copy()
    if table.empty:
        return None
    table["fee"] = table["fee"].fillna(0.0)
    table["could"], table["costs"] = table["pay_up_to"].map(rate), table["fee"].map(rate)
    worth, below = "worth its fee", "worth less than its fee"
    table["worth"] = np.where(table["pay_up_to"] >= table["fee"], worth, below)
    source = rows(table[["site_id", "name", "pay_up_to", "fee", "could", "costs", "worth"]])
    down = alt.Y("name:N", sort=table["name"].tolist(), title=None, axis=alt.Axis(ticks=False))
    tips = [
        labels("site_id", "site"), labels("name", "phase"), labels("could", "could pay, $/kW-month"),
        labels("costs", "fee, $/kW-month"),
    ]
    bars = alt.Chart(source).mark_bar(height=11, cornerRadius=2).encode(
        x=alt.X("pay_up_to:Q", title="$ per kW-month", axis=alt.Axis(format="$~f", tickCount=8)), y=down, tooltip=tips,
        color=alt.Color("worth:N", title=None, scale=alt.Scale(domain=[worth, below], range=[GAIN, PLAIN])),
    )
    ticks = alt.Chart(source).transform_filter("datum.fee > 0").mark_tick(
        thickness=3, size=16, color=LOSS
    ).encode(x="fee:Q", y=down, tooltip=tips)
    return Figure(
        "What one MW more could cost",
        "Bars: the most that one MW more is worth for its whole term, in the unit of the contract. Red ticks: its "
        "fee, where it has one.",
        alt.layer(bars, ticks).properties(height=18 * len(table)),
    )


def both_ways(found: Findings) -> Figure | None:
    """Gain from one MW more and loss from one less of each phase, as an interval, greatest first."""
    table = ends(asked(found, TERM, "phase"))
    if table.empty:
        return None
    table = table.assign(most=table[["low_usd", "high_usd"]].max(axis=1)).nlargest(PHASES, "most")
    down = alt.Y("name:N", sort=table["name"].tolist(), title=None, axis=alt.Axis(grid=True, ticks=False))
    chart = _interval(table, "name", down, horizontal=True).properties(height=19 * len(table))
    return Figure(
        "A MW more and a MW less",
        "NPV after tax of a MW for a phase's whole term, whole decisions held. Blue: one more brings. Red: one less "
        "costs. Between them the price is open.",
        chart,
    )


def by_year(found: Findings) -> Figure | None:
    """The value of a MW within each year alone, as an interval, phase by phase."""
    table = ends(asked(found, YEAR, "phase"))
    if table.empty:
        return None
    dearest = table.groupby("name")["high_usd"].max().nlargest(PHASES).index.tolist()
    table = table[table["name"].isin(dearest)].assign(year=table["from"].str[:4])
    years = sorted(table["year"].unique())
    phase = alt.param(name="phase", value=dearest[0], bind=alt.binding_select(options=dearest, name="phase "))
    across = alt.X(
        "year:O", title=None, sort=years, scale=alt.Scale(domain=years), axis=alt.Axis(labelAngle=0, labelOverlap=True)
    )
    chart = _interval(
        table, "name", across, horizontal=False, only="datum.name == phase"
    ).properties(height=240).add_params(phase)
    return Figure(
        "Value of a MW year by year",
        "NPV after tax of one MW more (blue) or less (red) within one year alone: small beside the whole term, since "
        "most leases need the MW in every year.",
        chart
    )


def _interval(
    table: pd.DataFrame, name: str, place: alt.X | alt.Y, *, horizontal: bool, only: str | None = None
) -> Any:
    table = table.assign(
        more=table["gain_usd"].map(dollars), less=table["loss_usd"].map(dollars),
        months=table["from"] + " to " + table["to"],
    )
    kept = [
        name, "low_usd", "high_usd", "gain_usd", "loss_usd", "more", "less", "months",
        *(["year"] if "year" in table else []),
    ]
    base = alt.Chart(rows(table[kept]))
    base = base.transform_filter(only) if only else base
    tips = [
        labels(name, "of"), labels("months", "months"), labels("more", "one MW more brings"),
        labels("less", "one MW less costs"),
    ]
    axis = dollar_axis("NPV per MW, after tax")
    here = {"y": place} if horizontal else {"x": place}

    def value(field: str) -> dict[str, alt.X | alt.Y]:
        return {"x": alt.X(f"{field}:Q", axis=axis)} if horizontal else {"y": alt.Y(f"{field}:Q", axis=axis)}

    other = {"x2": "high_usd:Q"} if horizontal else {"y2": "high_usd:Q"}
    shapes = ("triangle-right", "triangle-left") if horizontal else ("triangle-up", "triangle-down")
    between = base.mark_rule(strokeWidth=3, opacity=0.5, color=INK).encode(
        **here, **value("low_usd"), **other, tooltip=tips
    )
    more = base.mark_point(
        filled=True, size=75, opacity=1, shape=shapes[0], color=GAIN
    ).encode(**here, **value("gain_usd"), tooltip=tips)
    less = base.mark_point(
        filled=True, size=75, opacity=1, shape=shapes[1], color=LOSS
    ).encode(**here, **value("loss_usd"), tooltip=tips)
    return alt.layer(between, more, less)


def delivery_slots(found: Findings) -> Figure | None:
    """What one GPU more in a quarter brings, by SKU: the worth of a delivery slot."""
    table = asked(found, QUARTER, "delivery")
    table = table[table["gain_usd"] > 0.005].copy()
    if table.empty:
        return None
    best = table.groupby("kind")["gain_usd"].max().nlargest(SKUS).index
    table = table[table["kind"].isin(best)]
    table["quarter"] = table["from"].str[:4] + " Q" + ((table["from"].str[5:7].astype(int) - 1) // 3 + 1).astype(str)
    table["shown"], table["holds"] = table["gain_usd"].map(dollars), table["gain_holds_to"].map(
        lambda value: "" if pd.isna(value) else f"up to {value:,.0f} GPUs"
    )
    kinds = sorted(table["kind"].unique())
    quarters = sorted(table["quarter"].unique())
    chart = (
        alt.Chart(rows(table[["kind", "quarter", "gain_usd", "shown", "holds"]]))
        .mark_bar()
        .encode(
            x=alt.X("quarter:O", title=None, sort=quarters, axis=alt.Axis(labelAngle=-45, labelOverlap=True)),
            y=alt.Y("gain_usd:Q", axis=dollar_axis("NPV per GPU"), stack=None),
            xOffset=alt.XOffset("kind:N", sort=kinds), color=colour("kind", kinds),
            tooltip=[
                labels("kind", "SKU"), labels("quarter", "delivered"), labels("shown", "one GPU more brings"),
                labels("holds", "that holds"),
            ],
        )
        .properties(height=240)
    )
    return Figure(
        "Delivery slots",
        "What one GPU more delivered in a quarter would bring beyond its price; quarters that are not short show "
        "nothing.",
        chart,
    )


def what_binds(found: Findings) -> Figure | None:
    """The limits by what one per cent more of each is worth: capital, delivery slots, leases, power."""
    binding = found.tables["binding"]
    if binding.empty:
        return None
    table = binding.nlargest(LIMITS, "usd_per_percent").copy()
    kind = table["family"].map(BINDING).fillna(table["family"].str.lower().str.replace("_", " "))
    table["row"] = (kind + ": " + table["name"]).where(table["name"].str.lower() != "capital", kind)
    table["shown"] = table["usd_per_percent"].map(dollars)
    source = rows(table[["row", "what", "usd_per_percent", "shown"]])
    down = alt.Y("row:N", sort=table["row"].tolist(), title=None, axis=alt.Axis(ticks=False))
    across = alt.X(
        "usd_per_percent:Q", axis=dollar_axis("NPV for one per cent more"),
        scale=alt.Scale(domainMax=1.35 * float(table["usd_per_percent"].max())),
    )
    bars = alt.Chart(source).mark_bar(height=11, cornerRadius=2, color=ACCENT).encode(
        x=across, y=down,
        tooltip=[labels("row", "limit"), labels("what", "rule"), labels("shown", "one per cent more is worth")]
    )
    text = alt.Chart(source).mark_text(align="left", dx=5, fontSize=11).encode(x=across, y=down, text="shown:N")
    return Figure(
        "What holds the plan back",
        "Limits by what one per cent more of each is worth: capital, delivery slots, leases, market and power on one "
        "scale.",
        alt.layer(bars, text).properties(height=18 * len(table)),
    )
