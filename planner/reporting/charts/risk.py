"""Risk: how NPV spreads over the futures, what drives it, stresses, and the portfolios against each other."""

from __future__ import annotations

from typing import Any, Literal

import altair as alt
import numpy as np
import pandas as pd

from kernels.reference.measures import npv_measures
from planner.reporting.amounts import dollars, share
from planner.reporting.charts.look import (
    ACCENT,
    COLOURS,
    GAIN,
    INK,
    LOSS,
    PLAIN,
    Figure,
    dollar_axis,
    labels,
    rows,
    values,
)
from planner.reporting.findings import Findings
from planner.reporting.scored import Scored, distribution, drivers
from planner.wording import counted, tail_text

BINS = 40
TAIL, BODY = "the worst futures", "other futures"


def npv_spread(found: Findings, scored: Scored) -> Figure | None:
    """NPV over the futures as bars, the tail apart, with mean, base case and VaR as lines."""
    spread = distribution(scored)
    if spread is None:
        return None
    npv, weight = spread
    measured = npv_measures(npv, weight, alpha=scored.alpha)
    var = float(-measured.var)
    edges = np.histogram_bin_edges(npv, bins=BINS)
    tail = npv <= var
    parts = []
    for name, chosen in ((TAIL, tail), (BODY, ~tail)):
        held, _ = np.histogram(npv[chosen], bins=edges, weights=weight[chosen])
        parts.append(pd.DataFrame({"low": edges[:-1], "high": edges[1:], "held": held, "part": name}))
    bars = pd.concat(parts)
    bars = bars[bars["held"] > 0.0].copy()
    bars["range"] = [f"{dollars(low)} to {dollars(high)}" for low, high in zip(bars["low"], bars["high"], strict=True)]
    bars["chance"] = bars["held"].map(share)
    histogram = alt.Chart(rows(bars)).mark_bar(stroke=None, binSpacing=0.5).encode(
        x=alt.X("low:Q", bin="binned", axis=dollar_axis("NPV")), x2="high:Q",
        y=alt.Y(
            "held:Q", title="share of the futures",
            axis=alt.Axis(labelExpr="datum.value > 1.0001 ? '' : format(datum.value, '.0%')"), stack="zero",
            scale=alt.Scale(domainMax=1.32 * float(np.histogram(npv, bins=edges, weights=weight)[0].max())),
        ),
        color=alt.Color("part:N", title=None, scale=alt.Scale(domain=[TAIL, BODY], range=[LOSS, GAIN])),
        tooltip=[labels("range", "NPV"), labels("chance", "share"), labels("part", "part")],
    )
    marks = pd.DataFrame({"usd": [float(measured.mean), var], "what": ["mean", f"{tail_text(scored.alpha)} quantile"]})
    base = found.summary.get("npv_usd")
    if scored.subject == scored.plan and base is not None:
        marks.loc[len(marks)] = [base, "base case"]
    marks["text"] = [f"{what} {dollars(usd)}" for usd, what in zip(marks["usd"], marks["what"], strict=True)]
    marks = marks.sort_values("usd").reset_index(drop=True)
    marks["row"] = marks.index
    lines = alt.Chart(rows(marks)).mark_rule(strokeWidth=1.6, color=INK).encode(
        x="usd:Q", tooltip=[labels("text", "line")], strokeDash=alt.StrokeDash("what:N", legend=None)
    )
    layers = [histogram, lines]
    middle = (edges[0] + edges[-1]) / 2.0
    for row in marks.itertuples():
        left = row.usd > middle
        layers.append(
            alt.Chart(rows(marks.iloc[[row.Index]])).mark_text(
                align="right" if left else "left", dx=-5 if left else 5, y=12 + 17 * row.row, fontSize=12
            ).encode(x="usd:Q", text="text:N")
        )
    reading = (
        f"{counted(len(npv), 'future')}. Mean {dollars(float(measured.mean))} with a standard error of "
        f"{dollars(float(measured.standard_error))}; "
        f"chance of a loss {share(float(measured.loss_probability))}; mean of the worst {tail_text(scored.alpha)}: "
        f"{dollars(-float(measured.cvar))}."
    )
    return Figure("NPV over many futures", reading, alt.layer(*layers).properties(height=300))


def stress_tornado(scored: Scored) -> Figure | None:
    """What each named stress does to the base-case NPV of the plan."""
    row = _subject_row(scored)
    if row is None or not scored.stresses:
        return None
    base = float(row["base_npv_usd"])
    table = pd.DataFrame(
        {"stress": list(scored.stresses), "npv": [float(row[column]) for column in scored.stresses.values()]}
    )
    table["change"] = table["npv"] - base
    return Figure(
        "Named stresses",
        "Change of the base-case NPV with the plan held as it is; a new plan under the stress would lose less.",
        _sides(table.assign(key=table["change"].abs()).nlargest(20, "key"), "stress")
    )


def _sides(table: pd.DataFrame, label: str) -> Any:
    table = table.assign(
        shown=table["change"].map(dollars), after=table["npv"].map(dollars),
        side=np.where(table["change"] < 0.0, "loses", "gains"),
    )
    source = rows(table[[label, "change", "shown", "after", "side"]])
    down = alt.Y(f"{label}:N", sort=table[label].tolist(), title=None, axis=alt.Axis(ticks=False))
    across = alt.X("change:Q", axis=dollar_axis("change of NPV"), scale=alt.Scale(padding=70))
    bars = alt.Chart(source).mark_bar(height=13, cornerRadius=2).encode(
        x=across, y=down,
        color=alt.Color("side:N", legend=None, scale=alt.Scale(domain=["gains", "loses"], range=[GAIN, LOSS])),
        tooltip=[labels(label, label), labels("shown", "change of NPV"), labels("after", "NPV")],
    )
    layers = [bars]
    beside: tuple[tuple[str, Literal["left", "right"], int], ...] = (("gains", "left", 5), ("loses", "right", -5))
    for side, align, dx in beside:
        layers.append(
            alt.Chart(source).transform_filter(f"datum.side == '{side}'").mark_text(
                align=align, dx=dx, fontSize=11
            ).encode(x=across, y=down, text="shown:N")
        )
    return alt.layer(*layers).properties(height=21 * len(table))


def driver_tornado(scored: Scored) -> Figure | None:
    """Mean NPV where each driver is lowest and highest, by how much it matters."""
    table = drivers(scored)
    if table.empty:
        return None
    long = table.melt(["factor", "correlation"], ["low_usd", "high_usd"], var_name="side", value_name="change")
    long["side"] = long["side"].map({"low_usd": "lowest fifth", "high_usd": "highest fifth"})
    long["shown"], long["r"] = long["change"].map(dollars), long["correlation"].map("{:+.2f}".format)
    order = table["factor"].tolist()
    bars = alt.Chart(rows(long)).mark_bar(height=13, cornerRadius=2).encode(
        x=alt.X("change:Q", axis=dollar_axis("change of mean NPV"), stack=None),
        y=alt.Y("factor:N", sort=order, title=None, axis=alt.Axis(ticks=False)),
        color=alt.Color(
            "side:N", title=None, scale=alt.Scale(domain=["lowest fifth", "highest fifth"], range=[ACCENT, "#7a5ccc"])
        ),
        opacity=alt.value(0.9),
        tooltip=[
            labels("factor", "driver"), labels("side", "where it is"), labels("shown", "mean NPV less that of all"),
            labels("r", "correlation with NPV"),
        ],
    )
    return Figure(
        "What drives the risk",
        "Mean NPV in the futures where a driver is lowest and where it is highest; those that chance alone explains "
        "are left out.",
        bars.properties(height=21 * len(table)),
    )


def scatter(scored: Scored) -> Figure | None:
    """All portfolios shown by mean NPV and mean of the worst futures; those with a site can be picked out."""
    table = scored.table
    if len(table) < 2:
        return None
    frame = pd.DataFrame(
        {
            "portfolio": table["portfolio"].astype(str), "x": -table["cvar_usd"].astype(float),
            "y": table["mean_npv_usd"].astype(float),
        }
    )
    frame["state"] = np.where(table["limits_broken"] > 0, "breaks a limit", "within all limits")
    frame["mean"], frame["tail"] = frame["y"].map(dollars), frame["x"].map(dollars)
    frame["loss"], frame["capex"] = table["loss_probability"].map(share), table["capex_usd"].map(dollars)
    frame["broken"] = table["limits_broken"].astype(int)
    sites = sorted(set(scored.members["site_id"]))
    bit = {site: at for at, site in enumerate(sites)}
    held = (
        scored.members.groupby("portfolio")["site_id"].agg(lambda names: sorted(bit[name] for name in names)) if sites
        else {}
    )
    frame["sites"] = [held.get(name, []) for name in frame["portfolio"]]
    points = [{**row, "x": round(row["x"]), "y": round(row["y"])} for row in frame.to_dict("records")]
    base = alt.Chart(values(points))
    extra = []
    opacity: Any = alt.value(0.55)
    if 1 < len(sites) <= 400:
        chosen = alt.param(
            name="with_site", value=None,
            bind=alt.binding_select(
                options=[None, *range(len(sites))], labels=["all portfolios", *sites], name="with site "
            ),
        )
        opacity = alt.condition(
            "with_site == null || indexof(datum.sites, with_site) >= 0", alt.value(0.7), alt.value(0.05)
        )
        extra = [chosen]
    tips = [
        labels("portfolio", "portfolio"), labels("mean", "mean NPV"), labels("tail", "mean of the worst futures"),
        labels("loss", "chance of a loss"), labels("capex", "capex"),
        alt.Tooltip("broken:Q", title="limits broken"),
    ]
    dots = base.mark_circle(size=34).encode(
        x=alt.X(
            "x:Q", axis=dollar_axis(f"mean NPV of the worst {tail_text(scored.alpha)} of futures"),
            scale=alt.Scale(zero=False),
        ),
        y=alt.Y("y:Q", axis=dollar_axis("mean NPV"), scale=alt.Scale(zero=False)),
        color=alt.Color(
            "state:N", title=None, scale=alt.Scale(domain=["within all limits", "breaks a limit"], range=[GAIN, PLAIN])
        ),
        opacity=opacity, tooltip=tips,
    )
    layers = [dots]
    if scored.plan is not None:
        mine = [point for point in points if point["portfolio"] == scored.plan]
        star = alt.Chart(values(mine))
        layers += [
            star.mark_point(
                shape="diamond", filled=True, size=160, color=COLOURS[1], stroke=INK, opacity=1
            ).encode(x="x:Q", y="y:Q", tooltip=tips),
            star.mark_text(align="right", dx=-12, fontSize=12).encode(x="x:Q", y="y:Q", text=alt.value("the plan")),
        ]
    shown = (
        "" if scored.of == len(table)
        else f" {len(table):,} of {scored.of:,} are shown: the best, those not beaten, and others evenly."
    )
    chart = alt.layer(*layers).properties(height=360)
    return Figure(
        "Portfolios against each other",
        f"Up: more on average. Right: better when it goes badly. {scored.within:,} of {scored.of:,} keep every "
        f"limit.{shown}",
        chart.add_params(*extra) if extra else chart
    )


def frontier_chart(frontier: pd.DataFrame) -> Figure | None:
    """Plans from the most on average to the safest: expected NPV against CVaR."""
    if not {"expected_npv_usd", "cvar_usd"} <= set(frontier.columns) or frontier.empty:
        return None
    table = frontier.dropna(subset=["expected_npv_usd", "cvar_usd"]).assign(
        x=lambda rows_: -rows_["cvar_usd"].astype(float), y=lambda rows_: rows_["expected_npv_usd"].astype(float)
    )
    table = table.sort_values("x")
    table["mean"], table["tail"] = table["y"].map(dollars), table["x"].map(dollars)
    table["weight"] = table["risk_weight"].map("{:.3g}".format) if "risk_weight" in table else ""
    source = rows(table[["x", "y", "mean", "tail", "weight"]])
    tips = [
        labels("weight", "risk weight"), labels("mean", "expected NPV"), labels("tail", "mean of the worst futures")
    ]
    chart = alt.Chart(source).mark_line(point=alt.OverlayMarkDef(size=60, filled=True, color=GAIN), color=GAIN).encode(
        x=alt.X("x:Q", axis=dollar_axis("mean NPV of the worst futures"), scale=alt.Scale(zero=False)),
        y=alt.Y("y:Q", axis=dollar_axis("expected NPV"), scale=alt.Scale(zero=False)), order="x:Q", tooltip=tips,
    )
    return Figure(
        "The frontier",
        "Each point is a plan of its own: how much of the average must be given up for how much safety.",
        chart.properties(height=300),
    )


def _subject_row(scored: Scored) -> pd.Series | None:
    name = scored.plan if scored.plan is not None else scored.subject
    rows_ = scored.table[scored.table["portfolio"].astype(str) == name]
    return None if rows_.empty else rows_.iloc[0]


