"""The money: cash by year and line, the funding trough, and the way from revenue to NPV."""

from __future__ import annotations

from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from planner.reporting.amounts import dollars
from planner.reporting.charts.look import (
    ACCENT,
    GAIN,
    INK,
    LOSS,
    Figure,
    colour,
    dollar_axis,
    in_years,
    labels,
    rows,
    values,
    year_axis,
)
from planner.reporting.findings import Findings

GROUPS = {
    "income": ("revenue", "services", "prepayment", "mining", "tail_rent"),
    "power": ("energy", "fees"),
    "running cost": ("upkeep", "site_opex", "network", "penalties"),
    "capex": ("opening", "capex", "deposits"),
    "resale, credits": ("resale", "credits"),
    "tax": ("tax",),
}
"""Lines of the statement as a picture shows them; every unlevered line stands in one."""
SLIVER = 1e-3
_COLOURS = ("#0077bb", "#e69f00", "#cc79a7", "#d55e00", "#56b4e9", "#666666")


def cash_by_year(found: Findings) -> Figure | None:
    """Bars of cash by calendar year and group of lines, with the net."""
    if not found.has_plan or not found.cash_by_line.to_numpy().any():
        return None
    last = _last_worth_showing(found)
    year = found.periods["period"].str[:4].astype(int).to_numpy()[:last]
    parts = [
        pd.DataFrame(
            {"year": year, "line": name, "usd": found.cash_by_line.loc[list(lines)].sum(axis=0).to_numpy()[:last]}
        ) for name, lines in GROUPS.items()
    ]
    table = pd.concat(parts).groupby(["year", "line"], sort=False)["usd"].sum().reset_index()
    net = pd.DataFrame({"year": year, "usd": found.net_usd[:last]}).groupby("year")["usd"].sum().reset_index()
    table["shown"], net["shown"] = table["usd"].map(dollars), net["usd"].map(dollars)
    horizon = found.month(found.case.settings.months - 1)
    names = [name for name in GROUPS if table.loc[table["line"] == name, "usd"].abs().max() > 0.5]
    across = alt.X("year:O", title=None, axis=alt.Axis(labelAngle=0, labelOverlap=True))
    bars = alt.Chart(rows(table[table["line"].isin(names)].round(0))).mark_bar().encode(
        x=across, y=alt.Y("usd:Q", axis=dollar_axis()), color=colour("line", names, palette=_COLOURS),
        tooltip=[labels("year", "year"), labels("line", "line"), labels("shown", "cash")],
    )
    line = alt.Chart(rows(net.round(0))).mark_line(
        color=INK, strokeWidth=2, point=alt.OverlayMarkDef(color=INK, size=30)
    ).encode(
        x=across, y="usd:Q", tooltip=[labels("year", "year"), labels("shown", "net cash")]
    )
    return Figure(
        "Cash by year",
        f"After tax, undiscounted, before debt; the line is the net. After {horizon} only the tail moves cash.",
        alt.layer(bars, line).properties(height=320),
    )


def cumulative_cash(found: Findings) -> Figure | None:
    """Cumulative after-tax cash with its deepest point and the payback."""
    if not found.has_plan:
        return None
    last = _last_worth_showing(found)
    total, periods = np.cumsum(found.net_usd)[:last], found.periods.iloc[:last]
    table = pd.DataFrame(
        {
            "t": in_years(found, periods["month"] + periods["months"]).round(4), "usd": total.round(0),
            "period": periods["period"],
        }
    )
    table["shown"] = table["usd"].map(dollars)
    deepest = int(total.argmin())
    tips = [labels("period", "through"), labels("shown", "cumulative cash")]
    time = alt.X("t:Q", axis=year_axis(), scale=alt.Scale(nice=False, zero=False))
    source = rows(table)
    area = alt.Chart(source).mark_area(opacity=0.3, color=GAIN, line={"color": GAIN, "strokeWidth": 2}).encode(
        x=time, y=alt.Y("usd:Q", axis=dollar_axis(), scale=alt.Scale(domainMin=1.15 * min(float(total[deepest]), 0.0))),
        tooltip=tips,
    )
    zero = alt.Chart(values([{"usd": 0}])).mark_rule(opacity=0.5).encode(y="usd:Q")
    layers = [area, zero]
    if total[deepest] < 0.0:
        low = table.iloc[[deepest]].assign(
            text=f"deepest {dollars(float(total[deepest]))} in {found.periods['period'].iloc[deepest][:7]}"
        )
        point = alt.Chart(rows(low))
        right = deepest < len(total) // 2
        layers += [
            point.mark_point(filled=True, size=70, color=LOSS, opacity=1).encode(x="t:Q", y="usd:Q", tooltip=tips),
            point.mark_text(
                align="left" if right else "right", dx=10 if right else -10, dy=4, fontSize=12
            ).encode(x="t:Q", y="usd:Q", text="text:N"),
        ]
    return Figure(
        "Cumulative cash",
        "After tax, undiscounted, before debt: how deep the funding must reach, and when it is paid back.",
        alt.layer(*layers).properties(height=260),
    )


def _last_worth_showing(found: Findings) -> int:
    """Periods from the start up to the last in which cash is more than a sliver of that of the busiest; all of the
    horizon."""
    size = found.cash_by_line.abs().max(axis=0).to_numpy()
    busy = np.flatnonzero(size > SLIVER * size.max(initial=0.0))
    return max(int(busy[-1]) + 1 if len(busy) else 0, found.case.settings.months)


def waterfall(found: Findings) -> Figure | None:
    """Discounted cash line by line, from revenue to NPV."""
    if not found.has_plan:
        return None
    value = found.present_value_by_line
    value = value[value.abs() > 0.5]
    if value.empty:
        return None
    ends = value.cumsum()
    table = pd.DataFrame(
        {
            "line": [found.line_words(name) for name in value.index], "usd": value.to_numpy(),
            "start": (ends - value).to_numpy(), "end": ends.to_numpy(),
        }
    )
    table["sign"] = np.where(table["usd"] > 0.0, "adds", "takes")
    npv = float(value.sum())
    table.loc[len(table)] = ["NPV", npv, 0.0, npv, "NPV"]
    return Figure(
        "From revenue to NPV", "Each line discounted to the start of the case, after tax at the end.",
        steps(table, "line"),
    )


def steps(table: pd.DataFrame, label: str, *, least: float = 0.0) -> Any:
    """Horizontal waterfall of rows with usd, start, end and sign (adds, takes, NPV); the axis begins at `least`."""
    table = table.assign(shown=table["usd"].map(dollars), most=table[["start", "end"]].max(axis=1))
    order = table[label].tolist()
    source = rows(table)
    down = alt.Y(f"{label}:N", sort=order, title=None, axis=alt.Axis(ticks=False))
    highest = float(table["most"].max())
    scale = (
        alt.Scale(zero=False, nice=False, domain=[least, highest + 0.35 * (highest - least)]) if least > 0.0
        else alt.Scale(domainMax=1.35 * max(highest, 0.0), nice=False) if highest > 0.0 else alt.Scale()
    )
    bars = alt.Chart(source).mark_bar(height=14, cornerRadius=2, clip=True).encode(
        x=alt.X("start:Q", axis=dollar_axis(), scale=scale), x2="end:Q", y=down,
        color=alt.Color(
            "sign:N", scale=alt.Scale(domain=["adds", "takes", "NPV"], range=[GAIN, LOSS, ACCENT]), legend=None
        ),
        tooltip=[labels(label, "line"), labels("shown", "present value")],
    )
    text = alt.Chart(source).mark_text(align="left", dx=6, fontSize=12).encode(x="most:Q", y=down, text="shown:N")
    return alt.layer(bars, text).properties(height=22 * len(order))


