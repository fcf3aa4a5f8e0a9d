"""How every chart looks: colours that the colour-blind tell apart on light and dark ground, axes in a meeting's
units."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import pandas as pd

from planner.reporting.findings import Findings

COLOURS = ("#0077bb", "#e69f00", "#00a878", "#cc79a7", "#56b4e9", "#d55e00", "#666666", "#a08c00", "#7a5ccc", "#b35a4a")
"""Okabe and Ito's set (jfly.uni-koeln.de/color), its black and yellow replaced by tones that stand on white and on
black, its green a little lighter."""
GAIN, LOSS, PLAIN, ACCENT = "#0077bb", "#d55e00", "#666666", "#e69f00"
WIDTH = 720
INK = "currentColor"
"""The colour of the text around a chart: that of the page, light or dark; black in a picture."""
CONFIG: dict[str, Any] = {
    "background": "transparent",
    "font": "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif",
    "view": {"stroke": None},
    "axis": {
        "labelColor": INK, "titleColor": INK, "tickColor": INK, "domainColor": INK, "gridColor": INK,
        "gridOpacity": 0.12, "domainOpacity": 0.4,
        "tickOpacity": 0.4, "labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal", "labelLimit": 320,
        "labelSeparation": 8,
    },
    "legend": {
        "labelColor": INK, "titleColor": INK, "labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal",
        "orient": "top", "direction": "horizontal",
        "symbolType": "square", "labelLimit": 220, "columns": 4, "offset": 6,
    },
    "text": {"color": INK, "fontSize": 12},
    "rule": {"color": INK},
}
DOLLARS = "replace(replace(format(datum.value, '$.3~s'), 'G', 'B'), '−', '-')"
"""Axis labels in dollars: $2.5B, not $2.5G."""


@dataclass(frozen=True)
class Figure:
    """A chart with its title and the sentence that says how to read it."""

    title: str
    reading: str
    chart: Any

    def spec(self, *, width: int | str = "container") -> dict[str, Any]:
        """The chart as Vega-Lite without a look of its own: the page gives all charts the same."""
        found: dict[str, Any] = _opened(self.chart.properties(width=width).to_dict(validate=False))
        found.pop("config", None)
        found["autosize"] = {"type": "fit-x", "contains": "padding"}
        return found


def looked(figure: Figure) -> Any:
    """The chart with title and look, for a notebook or a picture."""
    titled = figure.chart.properties(
        width=WIDTH, title=alt.TitleParams(figure.title, anchor="start", fontSize=15, color=INK, offset=12)
    )
    return titled.configure(**{**CONFIG, "background": "white"})


def rows(table: pd.DataFrame) -> Any:
    """A table as inline data: plain numbers and text, blanks as null."""
    return values([{str(key): _plain(value) for key, value in row.items()} for row in table.to_dict("records")])


def values(records: Sequence[Mapping[str, Any]]) -> Any:
    """Records as inline data. They stand as JSON text while a chart is made: Altair checks and copies lists record by
    record."""
    return alt.InlineData(
        values=json.dumps(records, separators=(",", ":"), allow_nan=False), format=alt.JsonDataFormat(type="json")
    )


def _opened(spec: dict[str, Any]) -> dict[str, Any]:
    """The same with its data as lists: Altair keeps them by name under `datasets`, once for all layers that share
    them."""
    kept = {name: json.loads(text) for name, text in spec.pop("datasets", {}).items()}
    unlabelled: dict[str, Any] = _without_format(spec)
    return {**unlabelled, "datasets": kept}


def _without_format(spec: Any) -> Any:
    if isinstance(spec, list):
        return [_without_format(entry) for entry in spec]
    if not isinstance(spec, dict):
        return spec
    if "name" in spec and set(spec) == {"name", "format"}:
        return {"name": spec["name"]}
    return {key: _without_format(entry) for key, entry in spec.items()}


def _plain(value: Any) -> Any:
    if value is None or value is pd.NA or (isinstance(value, float) and value != value):
        return None
    if hasattr(value, "item"):
        value = value.item()
        return None if isinstance(value, float) and value != value else value
    if isinstance(value, float) and abs(value) == float("inf"):
        return None
    return value


def colour(field: str, names: Sequence[str], palette: Sequence[str] = COLOURS) -> alt.Color:
    """A colour for each name, in a fixed order; the palette begins again after its last."""
    chosen = [palette[at % len(palette)] for at in range(len(names))]
    return alt.Color(
        f"{field}:N", title=None, scale=alt.Scale(domain=list(names), range=chosen),
        legend=alt.Legend() if len(names) > 1 else None,
    )


def dollar_axis(title: str | None = None) -> alt.Axis:
    """An axis of dollars."""
    return alt.Axis(labelExpr=DOLLARS, title=title, tickCount=6)


def year_axis() -> alt.Axis:
    """An axis of time whose values are years, as in `in_years`."""
    return alt.Axis(
        format="d", title=None, tickMinStep=1, tickCount=12, grid=False, labelFlush=False, labelOverlap=True
    )


def in_years(found: Findings, months: Any) -> Any:
    """Indices of months as years with fractions: 2027.25 is the start of April 2027."""
    return (found.calendar.start_number + months) / 12.0


def labels(column: str, title: str) -> alt.Tooltip:
    """A line of a tooltip, of text already written as it is shown."""
    return alt.Tooltip(f"{column}:N", title=title)
