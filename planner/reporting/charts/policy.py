"""A policy as pictures: the tree of what may be known, and capacity by year over its paths."""

from __future__ import annotations

import json
import re
import textwrap
from typing import Any, Literal

import altair as alt
import pandas as pd

from planner.reporting.amounts import dollars, megawatts, share
from planner.reporting.capacity import capacity_by_year
from planner.reporting.charts.look import GAIN, INK, LOSS, PLAIN, WIDTH, Figure, labels, rows
from planner.reporting.charts.sites import NARROW
from planner.reporting.findings import Findings
from planner.reporting.policies import Decided, largest, signed_in_words

BOX = 0.82
"""Width of a node as a share of its column; the rest is for the lines between."""
LETTER, LINE, MARGIN = 7.0, 16, 8
"""Pixels: the mean width of a letter, the height of a line, the margin within a node."""
MOST_WORDS, MOST_AMOUNTS = 2, 3
"""Lines of what is known and of what is signed in a node."""
PHONE = 3
"""Lines of a node on a phone: its name, its probability, its mean NPV."""
CROWD = 16
"""Leaves beyond which each node has only its brief lines; what is known there stands in the table."""
NAMED = 4
"""Things of a sort that the tooltip of a node names."""
FORWARD = re.compile(r" at (\S+) of its forward value")


def policy_tree(decided: Decided) -> Figure:
    """Nodes from left to right by review, with probability, mean NPV, what is known and what is signed there."""
    nodes = _placed(decided)
    stages, leaves = int(nodes["stage"].max()) + 1, int(nodes["top"].max()) + 1
    columns = stages - 1 + BOX
    _write(nodes, decided, int((WIDTH * BOX / columns - 2 * MARGIN) / LETTER), brief=leaves > CROWD)
    most = int(nodes["text"].str.count("\n").max()) + 2
    mean = nodes["mean_npv_usd"]
    lines = nodes[nodes["parent"] != ""].merge(
        nodes[["node", "right", "middle"]], left_on="parent", right_on="node", suffixes=("", "_of_parent")
    )
    across = alt.Scale(domain=[0.0, columns], nice=False)
    down = alt.Scale(domain=[leaves, 0.0], nice=False)
    reviews = nodes.groupby("stage")["review"].first()
    heads = json.dumps([f"now, {reviews[0]}", *(f"review {month}" for month in reviews[1:])])
    brief_heads = json.dumps(["now", *reviews[1:]])
    axis = alt.Axis(
        orient="top", values=[at + BOX / 2.0 for at in range(stages)], grid=False, ticks=False, domain=False,
        labelExpr=f"({NARROW} ? {brief_heads} : {heads})[floor(datum.value)]", title=None, labelPadding=4,
        labelFontWeight="bold", labelOverlap=False,
    )
    x, y = alt.X("left:Q", scale=across, axis=axis), alt.Y("upper:Q", scale=down, axis=None)
    edges = alt.Chart(rows(lines[["right_of_parent", "middle_of_parent", "left", "middle", "probability"]])).mark_rule(
        opacity=0.45, color=INK
    ).encode(
        x=alt.X("right_of_parent:Q", scale=across, axis=axis), y=alt.Y("middle_of_parent:Q", scale=down, axis=None),
        x2="left:Q", y2="middle:Q",
        strokeWidth=alt.StrokeWidth("probability:Q", scale=alt.Scale(domain=[0.0, 1.0], range=[1.0, 9.0]), legend=None),
    )
    shown = [
        "node", "left", "right", "upper", "lower", "head", "text", "chance", "mean", "known", "signed", "review",
        "mean_npv_usd",
    ]
    source = rows(nodes[shown])
    low, middle, high = float(mean.min()), float(mean.iloc[0]), float(mean.max())
    scale = alt.Scale(domain=[low, middle, high], range=[LOSS, PLAIN, GAIN]) if low < middle < high else alt.Scale(
        domain=[middle - 1.0, middle + 1.0], range=[PLAIN, PLAIN]
    )
    base = alt.Chart(source).encode(x=x, y=y)
    boxes = base.mark_rect(fillOpacity=0.22, strokeWidth=1.4, cornerRadius=4).encode(
        x2="right:Q", y2="lower:Q", fill=alt.Fill("mean_npv_usd:Q", scale=scale, legend=None),
        stroke=alt.Stroke("mean_npv_usd:Q", scale=scale, legend=None),
        tooltip=[
            labels("node", "node"), labels("review", "decided in"), labels("chance", "probability"),
            labels("mean", "mean NPV"), labels("known", "known"), labels("signed", "signed there"),
        ],
    )
    limit = alt.expr(f"width * {BOX / columns:.4f} - {2 * MARGIN - 4}")
    where: tuple[tuple[str, int, Literal["bold", "normal"]], ...] = (
        (f"{NARROW} ? datum.node : datum.head", MARGIN, "bold"),
        (f"{NARROW} ? datum.chance + '\\n' + datum.mean : datum.text", MARGIN + LINE, "normal"),
    )
    texts = [
        base.transform_calculate(told=told).mark_text(
            align="left", baseline="top", dx=MARGIN, dy=below, fontWeight=weight, lineHeight=LINE, lineBreak="\n",
            limit=limit,
        ).encode(text="told:N")
        for told, below, weight in where
    ]
    height = leaves * (most * LINE + 2 * MARGIN + 8)
    chart = alt.layer(edges, boxes, *texts).properties(
        height=height, usermeta={"narrowHeight": leaves * (PHONE * LINE + 2 * MARGIN + 8)}
    ).add_params(alt.param(name=NARROW, value=False))
    return Figure(
        "The tree: what may be known, and what is signed there",
        "From left to right by review; lines are as wide as a path is likely. In each node its probability and mean "
        "NPV, what tells it from its sisters (×0.75: of its forward value), and what is signed there in all. Blue: "
        "worth more than the mean of all futures; orange: less.",
        chart,
    )


def _placed(decided: Decided) -> pd.DataFrame:
    """Nodes with their stage, the place of their first and last leaf from above, and the corners of their boxes."""
    nodes = decided.nodes.copy()
    parent = dict(zip(nodes["node"], nodes["parent"], strict=True))
    below: dict[str, list[int]] = {node: [] for node in nodes["node"]}
    stage: dict[str, int] = {}
    for node in nodes["node"]:
        stage[node] = 0 if parent[node] == "" else stage[parent[node]] + 1
    for place, leaf in enumerate(decided.leaves["node"]):
        while leaf != "":
            below[leaf].append(place)
            leaf = parent[leaf]
    nodes["stage"] = nodes["node"].map(stage)
    nodes["top"] = nodes["node"].map(lambda node: max(below[node]))
    nodes["middle"] = nodes["node"].map(lambda node: (min(below[node]) + max(below[node]) + 1) / 2.0)
    nodes["upper"], nodes["lower"] = nodes["middle"] - 0.46, nodes["middle"] + 0.46
    nodes["left"] = nodes["stage"].astype(float)
    nodes["right"] = nodes["left"] + BOX
    return nodes


def _write(nodes: pd.DataFrame, decided: Decided, letters: int, *, brief: bool) -> None:
    """Put the words of each node into columns: head, text, chance, mean, signed.

    letters: of a line; brief: no more than name, probability and mean NPV.
    """
    nodes["chance"], nodes["mean"] = nodes["probability"].map(share), nodes["mean_npv_usd"].map(dollars)
    own = {node: decided.amounts[decided.amounts["node"] == node] for node in nodes["node"]}
    nodes["head"] = nodes["node"] + " · " + nodes["chance"] + ("" if brief else " · " + nodes["mean"])
    nodes["signed"] = ["; ".join(largest(own[node], NAMED)) or "nothing" for node in nodes["node"]]
    texts = []
    for row in nodes.itertuples():
        signed = ", ".join(each.replace(" ", "\u00a0") for each in signed_in_words(own[row.node])) or "nothing"
        texts.append("\n".join([
            *_wrapped(short(row.known), letters, MOST_WORDS), *_wrapped(f"signs {signed}", letters, MOST_AMOUNTS),
        ]))
    nodes["text"] = nodes["mean"] if brief else texts


def _wrapped(text: str, letters: int, most: int) -> list[str]:
    return textwrap.wrap(text, letters, max_lines=most, placeholder=" …", break_on_hyphens=False)


def short(known: str) -> str:
    """What is known in a node in fewer words: on-demand gb300 ×0.72 in place of "at 0.72 of its forward value"."""
    return FORWARD.sub(r" ×\1", known).replace("the mean of ", "mean ")


def policy_capacity(found: Findings, decided: Decided) -> Figure | None:
    """MW of critical IT at work by calendar year over the leaves: lowest to highest, the middle half, the mean."""
    table = capacity_by_year(found, decided)
    if not table[["highest_mw", "base_plan_mw"]].to_numpy().any():
        return None
    for name in ("lowest", "lower_quarter", "mean", "upper_quarter", "highest", "base_plan"):
        table[name] = table[f"{name}_mw"].map(megawatts)
    source = rows(table.round(2))
    tips = [
        alt.Tooltip("year:O", title="year"), labels("highest", "highest, MW"), labels("upper_quarter", "upper quarter"),
        labels("mean", "mean"), labels("lower_quarter", "lower quarter"), labels("lowest", "lowest"),
        labels("base_plan", "this run"),
    ]
    base = alt.Chart(source).encode(x=alt.X("year:O", title=None, axis=alt.Axis(labelAngle=0, labelOverlap=True)))
    title = "MW of critical IT at work"
    layers: list[Any] = [
        base.mark_area(color=GAIN, opacity=opacity).encode(y=alt.Y(f"{low}_mw:Q", title=title), y2=f"{high}_mw:Q")
        for low, high, opacity in (("lowest", "highest", 0.22), ("lower_quarter", "upper_quarter", 0.35))
    ]
    layers += [
        base.mark_line(color=INK, strokeWidth=1.3, strokeDash=[5, 4], opacity=0.7).encode(y="base_plan_mw:Q"),
        base.mark_line(color=GAIN, strokeWidth=2, point=alt.OverlayMarkDef(color=GAIN, size=40)).encode(
            y="mean_mw:Q", tooltip=tips
        ),
    ]
    return Figure(
        "Critical IT at work over the paths of the policy",
        "By calendar year, the mean over its months within the horizon: GPUs and tenants at work, without mining. "
        "Pale: lowest to highest path; darker: the middle half of the probability; line: mean over the paths; dashed: "
        "this run.",
        alt.layer(*layers).properties(height=260),
    )
