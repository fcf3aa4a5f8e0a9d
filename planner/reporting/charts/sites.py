"""Where the sites are, and how much power each has at work under its limits."""

from __future__ import annotations

from typing import Any, Literal

import altair as alt
import numpy as np
import pandas as pd

from planner.reporting.amounts import count, dollars, megawatts, words
from planner.reporting.charts.look import INK, PLAIN, Figure, colour, in_years, labels, rows, values, year_axis
from planner.reporting.findings import Findings
from planner.reporting.outline import outline_around
from planner.reporting.usage import DUST, halls_by_month, power_by_month, site_table

CHOSEN_FROM = 40
"""Sites that can be chosen one by one, those with most contracted power first; more would make the page heavy."""
LABELLED, CROWD = 18, 60
"""Names on the map at most, and sites beyond which its circles are small."""
NARROW = "narrow"
"""Parameter that the page sets where it is as narrow as a phone."""


def map_of_sites(found: Findings) -> Figure | None:
    """The sites on an outline of the land; None where no site has coordinates."""
    sites = site_table(found)
    placed = sites[sites["latitude"].notna() & sites["longitude"].notna()].copy()
    if placed.empty:
        return None
    placed["state"] = np.where(placed["contracted_mw"] > DUST, "built", "not built")
    placed["mw"], placed["value"] = placed["contracted_mw"].map(megawatts), placed["npv_usd"].map(dollars)
    placed["count"] = placed["gpus"].map(count)
    placed["size"] = placed["contracted_mw"]
    outline = outline_around(placed["longitude"].to_numpy(), placed["latitude"].to_numpy())
    placed["longitude"] *= outline.squeeze
    placed["label"], placed["side"] = _labels(placed, outline.width, letter=0.01, line=0.024)
    placed["brief"], placed["brief_side"] = _labels(placed, outline.width, letter=0.021, line=0.055)
    land = alt.Chart(values(outline.features)).mark_geoshape(
        fill=PLAIN, fillOpacity=0.14, stroke=PLAIN, strokeOpacity=0.5, strokeWidth=0.6
    )
    base = alt.Chart(
        rows(placed.drop(columns=["gpus", "capex_usd", "peak_use_mw", "hall_mw"]))
    ).encode(longitude="longitude:Q", latitude="latitude:Q")
    dots = base.mark_circle(opacity=0.85, stroke=INK, strokeWidth=0.6).encode(
        size=alt.Size("size:Q", scale=alt.Scale(range=[30, 450] if len(placed) <= CROWD else [12, 110]), legend=None),
        color=alt.Color(
            "state:N", scale=alt.Scale(domain=["built", "not built"], range=["#0077bb", "#666666"]), title=None
        ),
        tooltip=[
            labels("site_id", "site"), labels("region", "region"), labels("kinds", "contracted MW"),
            labels("count", "GPUs owned"), labels("value", "NPV"),
        ],
    )
    layers = [land, dots]
    beside: tuple[tuple[str, Literal["left", "right"], int], ...] = (("right", "left", 14), ("left", "right", -14))
    for side, align, dx in beside:
        layers.append(
            base.transform_filter(
                f"{NARROW} ? datum.brief && datum.brief_side == '{side}' : datum.label && datum.side == '{side}'"
            ).mark_text(align=align, dx=dx, fontSize=11).encode(text="label:N")
        )
    chart = alt.layer(*layers).project("identity", reflectY=True).properties(height=380).add_params(
        alt.param(name=NARROW, value=False)
    )
    return Figure("Where the sites are", "A circle is as large as the contracted MW.", chart)


def _labels(placed: pd.DataFrame, spread: float, *, letter: float, line: float) -> tuple[list[str], list[str]]:
    """Names beside their dots, to the side that is free; names that would cover another are left to the tooltip.

    letter, line: width and height of text as shares of the frame's width, `spread`.
    """
    wide, high = spread * letter, spread * line
    taken: list[tuple[float, float, float]] = [
        (lon - 0.01 * spread, lon + 0.01 * spread, lat)
        for lon, lat in zip(placed["longitude"], placed["latitude"], strict=True)
    ]
    texts, sides = {}, {}
    for row in placed.sort_values("contracted_mw", ascending=False).itertuples():
        texts[row.Index], sides[row.Index] = "", "right"
        if len([text for text in texts.values() if text]) >= LABELLED:
            continue
        length = wide * len(row.site_id) + 0.02 * spread
        for side, left in (
            ("right", row.longitude + 0.012 * spread), ("left", row.longitude - length - 0.012 * spread)
        ):
            box = (left, left + length, row.latitude)
            if all(box[1] < other[0] or other[1] < box[0] or abs(box[2] - other[2]) > high for other in taken):
                taken.append(box)
                texts[row.Index], sides[row.Index] = row.site_id, side
                break
    return [texts[at] for at in placed.index], [sides[at] for at in placed.index]


def power_over_time(found: Findings) -> Figure | None:
    """MW at work by kind of power against what is contracted and what could be, for all sites or one."""
    power = power_by_month(found)
    if not len(power.phases) or not power.contracted.any():
        return None
    months = np.arange(found.case.settings.months)
    size = pd.Series(power.contracted.max(axis=1), index=power.phases["site_id"]).groupby(level=0).sum()
    chosen = size[size > DUST].nlargest(CHOSEN_FROM).index.tolist()
    single = len(size[size > DUST]) <= CHOSEN_FROM
    kinds = [
        kind for kind in dict.fromkeys(power.phases["kind"])
        if power.contracted[(power.phases["kind"] == kind).to_numpy()].any()
    ]
    group = power.phases["site_id"].where(power.phases["site_id"].isin(chosen), "(other sites)")
    parts = []
    for (site, kind), at in power.phases.assign(group=group).groupby(["group", "kind"], sort=False).indices.items():
        offer, contracted, in_use = (
            values[at].sum(axis=0) for values in (power.on_offer, power.contracted, power.in_use)
        )
        parts.append(
            pd.DataFrame(
                {"site": site, "kind": words(kind), "m": months, "offer": offer, "held": contracted, "use": in_use}
            )
        )
    table = pd.concat(parts, ignore_index=True)
    table["t"] = in_years(found, table["m"]).round(4)
    table["month"] = table["m"].map(found.month)
    table = table.drop(columns="m").round({"offer": 2, "held": 2, "use": 2})
    chart = _stacked(table, chosen if single or len(chosen) > 1 else [], [words(kind) for kind in kinds])
    return Figure(
        "Power at work under its limits",
        "Areas: contracted power in use, MW. Solid line: contracted. Dashed line: what the phases could give, "
        "energised at their mean delay.",
        chart
    )


def _stacked(table: pd.DataFrame, sites: list[str], kinds: list[str]) -> Any:
    source = rows(table)
    base = alt.Chart(source)
    if len(sites) > 1:
        site = alt.param(
            name="site", value=None,
            bind=alt.binding_select(options=[None, *sites], labels=["all sites", *sites], name="site "),
        )
        base = base.transform_filter("site == null || datum.site == site")
    time = alt.X("t:Q", axis=year_axis(), scale=alt.Scale(nice=False, zero=False))
    used = base.mark_area(interpolate="step-after", opacity=0.85).encode(
        x=time, y=alt.Y("sum(use):Q", title="MW of contracted power", stack="zero"), color=colour("kind", kinds),
        tooltip=[
            labels("month", "month"), labels("kind", "power"),
            alt.Tooltip("sum(use):Q", title="MW in use", format=",.0f"),
            alt.Tooltip("sum(held):Q", title="MW contracted", format=",.0f"),
        ],
    )
    held = base.mark_line(interpolate="step-after", strokeWidth=2, color=INK).encode(x=time, y="sum(held):Q")
    offer = base.mark_line(
        interpolate="step-after", strokeWidth=1.3, strokeDash=[5, 4], color=INK, opacity=0.7
    ).encode(x=time, y="sum(offer):Q")
    chart = alt.layer(used, held, offer).properties(height=300)
    return chart.add_params(site) if len(sites) > 1 else chart


def halls_over_time(found: Findings) -> Figure | None:
    """MW of critical IT in halls and at work in them, all sites together."""
    halls = halls_by_month(found)
    if halls.empty or not halls["hall_mw"].any():
        return None
    total = halls.groupby("month")[["hall_mw", "work_mw"]].sum().reset_index()
    total["t"] = in_years(found, total["month"]).round(4)
    total["written"] = total["month"].map(found.month)
    limit = float(found.case.tables["sites"]["critical_it_mw"].sum())
    source = rows(total.round(2))
    time = alt.X("t:Q", axis=year_axis(), scale=alt.Scale(nice=False, zero=False))
    tips = [
        labels("written", "month"), alt.Tooltip("work_mw:Q", title="MW at work", format=",.0f"),
        alt.Tooltip("hall_mw:Q", title="MW in halls", format=",.0f"),
    ]
    work = alt.Chart(source).mark_area(interpolate="step-after", opacity=0.7, color="#00a878").encode(
        x=time, y=alt.Y("work_mw:Q", title="MW of critical IT"), tooltip=tips
    )
    hall = alt.Chart(source).mark_line(interpolate="step-after", strokeWidth=2, color=INK).encode(x=time, y="hall_mw:Q")
    return Figure(
        "Halls and what works in them",
        "Area: critical IT of GPUs and tenants at work. Line: halls in service. The sites of the case could hold "
        f"{limit:,.0f} MW.",
        alt.layer(work, hall).properties(height=220),
    )
