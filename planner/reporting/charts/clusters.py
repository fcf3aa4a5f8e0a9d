"""Which cluster serves which lease where and when, and how many GPUs work for leases and on demand."""

from __future__ import annotations

import altair as alt
import pandas as pd

from planner.reporting.amounts import count, dollars, megawatts, rate, words
from planner.reporting.charts.look import Figure, colour, in_years, labels, rows, year_axis
from planner.reporting.findings import Findings
from planner.reporting.usage import gpus_by_month

BARS = 60
"""Rows of the timeline, the most valuable first; all stand in the table."""
HOSTED = "hosted hall"
USES = {"serve": "leases", "renew": "next terms, if renewed", "sell": "on demand"}


def timeline(found: Findings) -> Figure | None:
    """A bar per cluster or hosted hall of a lease: from when to when, where, on what, at which rate."""
    windows = found.windows[found.windows["use"].isin(["serve", "host", "renew"])].copy()
    if windows.empty:
        return None
    windows["lease"] = windows["lease_id"].where(windows["lease_id"] != "", "(tail rent)")
    windows["row"] = windows["lease"] + " · " + windows["site_id"]
    value = windows.groupby("row")["npv_usd"].sum().abs()
    shown = set(value.nlargest(BARS).index)
    left_out = len(value) - len(shown)
    windows = windows[windows["row"].isin(shown)]
    windows["what"] = windows["gpu_id"].where(windows["gpu_id"] != "", HOSTED)
    windows["start"], windows["end"] = in_years(
        found, windows["from_month"]
    ).round(4), in_years(found, windows["to_month"]).round(4)
    windows["size"] = [
        f"{count(row.gpus)} GPUs" if row.gpus > 0 else f"{megawatts(row.it_mw)} MW" for row in windows.itertuples()
    ]
    windows["paid"] = [
        rate(row.rate) + ("/kW-month" if row.rate_unit == "usd_per_kw_month" else "/GPU-hour")
        for row in windows.itertuples()
    ]
    windows["worth"] = windows["npv_usd"].map(dollars)
    windows["term"] = windows["use"].map({"renew": "next term, if renewed"}).fillna("first term")
    first = windows.groupby("row")["start"].min()
    order = sorted(first.index, key=lambda row: (first[row], row))
    kinds = sorted(set(windows["what"]) - {HOSTED}) + ([HOSTED] if HOSTED in set(windows["what"]) else [])
    columns = [
        "row", "lease", "site_id", "what", "start", "end", "size", "paid", "worth", "term", "from", "to", "power_path",
        "customer_id",
    ]
    down = alt.Y("row:N", sort=order, title=None, axis=alt.Axis(grid=True, ticks=False))
    begin, end = float(windows["start"].min()), float(windows["end"].max())
    scale = alt.Scale(nice=False, zero=False, domain=[begin, end + 0.16 * (end - begin)])
    bars = (
        alt.Chart(rows(windows[columns]))
        .mark_bar(height=11, cornerRadius=2)
        .encode(
            x=alt.X("start:Q", axis=year_axis(), scale=scale), x2="end:Q", y=down, color=colour("what", kinds),
            opacity=alt.condition("datum.term == 'first term'", alt.value(0.95), alt.value(0.4)),
            tooltip=[
                labels("lease", "lease"), labels("customer_id", "customer"), labels("site_id", "site"),
                labels("power_path", "power"), labels("what", "on"),
                labels("size", "size"), labels("paid", "first rate"), labels("from", "from"), labels("to", "to"),
                labels("term", "term"), labels("worth", "NPV"),
            ],
        )
    )
    paid = alt.Chart(rows(_rates(windows))).mark_text(align="left", dx=4, fontSize=10.5).encode(
        x="end:Q", y=down, text="rates:N"
    )
    chart = alt.layer(bars, paid).properties(height=17 * len(order))
    more = f" {left_out} smaller ones are in the table." if left_out else ""
    return Figure(
        "Which cluster serves which lease",
        "A row is a lease on a site; after each its first rate, $ per GPU-hour or kW-month. Pale bars are next terms, "
        f"which come only if they are renewed.{more}",
        chart,
    )


def _rates(windows: pd.DataFrame) -> pd.DataFrame:
    """The rates of the first terms of each row, written where its last bar ends."""
    found = windows.groupby("row").agg(end=("end", "max")).reset_index()
    firsts = windows[windows["term"] == "first term"].groupby("row")["rate"]
    low, high = found["row"].map(firsts.min()), found["row"].map(firsts.max())
    found["rates"] = [
        "" if a != a else rate(a) if a == b else f"{rate(a)}–{b:,.2f}" for a, b in zip(low, high, strict=True)
    ]
    return found


def gpus_at_work(found: Findings) -> Figure | None:
    """GPUs at work by use over time."""
    gpus = gpus_by_month(found)
    if gpus.empty:
        return None
    gpus["t"], gpus["month"] = in_years(found, gpus["month"]).round(4), gpus["month"].map(found.month)
    gpus["for"] = gpus["use"].map(USES).fillna(gpus["use"].map(words))
    gpus["shown"] = gpus["gpus"].map(count)
    chart = (
        alt.Chart(rows(gpus[["t", "month", "for", "gpus", "shown"]].round({"gpus": 1})))
        .mark_area(interpolate="step-after", opacity=0.85)
        .encode(
            x=alt.X("t:Q", axis=year_axis(), scale=alt.Scale(nice=False, zero=False)),
            y=alt.Y("gpus:Q", title="GPUs at work", axis=alt.Axis(format="~s")),
            color=colour("for", [name for name in USES.values() if name in set(gpus["for"])]),
            tooltip=[labels("month", "month"), labels("for", "for"), labels("shown", "GPUs")],
        )
        .properties(height=240)
    )
    return Figure("GPUs at work", "What the fleet earns by, month by month; idle GPUs are not shown.", chart)
