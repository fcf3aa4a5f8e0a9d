"""What changes as a number or a named stress changes: the plan held as it is, and the plan redone."""

from __future__ import annotations

import altair as alt
import pandas as pd

from planner.reporting.amounts import dollars, words
from planner.reporting.beside_files import Swept
from planner.reporting.charts.look import ACCENT, GAIN, Figure, dollar_axis, labels, rows

HELD, REDONE = "the plan held", "planned again, knowing it"
STRESS = "stress"


def sweep_chart(swept: Swept) -> Figure | None:
    """NPV along what was varied; for named stresses a tornado against the base plan."""
    points, axes = swept.points, swept.axes
    if points.empty or not points[["held_npv_usd", "redone_npv_usd"]].notna().any().any():
        return None
    long = points.melt(
        axes, ["held_npv_usd", "redone_npv_usd"], var_name="plan", value_name="npv"
    ).dropna(subset=["npv"])
    long["plan"] = long["plan"].map({"held_npv_usd": HELD, "redone_npv_usd": REDONE})
    long["shown"] = long["npv"].map(dollars)
    if axes == [STRESS] or not pd.api.types.is_numeric_dtype(points[axes[0]]):
        return _tornado(long, axes[0], float(swept.record["base"]["npv_usd"]))
    return _lines(long, axes)


def _colours() -> alt.Color:
    return alt.Color("plan:N", title=None, scale=alt.Scale(domain=[HELD, REDONE], range=[ACCENT, GAIN]))


def _tornado(long: pd.DataFrame, axis: str, base: float) -> Figure:
    table = long.assign(change=long["npv"] - base, name=long[axis].astype(str))
    table["moved"] = table["change"].map(dollars)
    order = table.assign(
        size=table["change"].abs()
    ).groupby("name")["size"].max().sort_values(ascending=False).index.tolist()
    chart = alt.Chart(rows(table[["name", "plan", "change", "moved", "shown"]])).mark_bar(height={"band": 0.9}).encode(
        x=alt.X("change:Q", axis=dollar_axis("change of NPV"), stack=None),
        y=alt.Y("name:N", sort=order, title=None, axis=alt.Axis(ticks=False)),
        yOffset=alt.YOffset("plan:N", sort=[HELD, REDONE]),
        color=_colours(),
        tooltip=[
            labels("name", axis), labels("plan", "plan"), labels("moved", "change of NPV"), labels("shown", "NPV")
        ],
    )
    return Figure(
        "Stresses, the plan held and planned again",
        "Change against the base plan. Between the two bars lies what foresight of the stress would be worth.",
        chart.properties(height=30 * len(order)),
    )


def _lines(long: pd.DataFrame, axes: list[str]) -> Figure:
    along, *other = axes
    table = long.rename(columns={along: "x", **({other[0]: "other"} if other else {})})
    tips = [
        alt.Tooltip("x:Q", title=along), *([labels("other", other[0])] if other else []), labels("plan", "plan"),
        labels("shown", "NPV"),
    ]
    encoded = alt.Chart(
        rows(table[["x", *(["other"] if other else []), "plan", "npv", "shown"]])
    ).mark_line(point=True).encode(
        x=alt.X("x:Q", title=words(along), scale=alt.Scale(zero=False)),
        y=alt.Y("npv:Q", axis=dollar_axis("NPV"), scale=alt.Scale(zero=False)), color=_colours(), tooltip=tips,
    )
    chart = encoded.encode(
        detail="other:N", opacity=alt.Opacity("other:Q", title=words(other[0]))
    ) if other else encoded
    return Figure(
        f"NPV as {words(along)} changes",
        "The plan held as it is, and planned again knowing the change from the start.", chart.properties(height=260),
    )
