"""Why the NPV changed between two runs."""

from __future__ import annotations

import numpy as np
import pandas as pd

from planner.reporting.amounts import line_words
from planner.reporting.charts.look import Figure
from planner.reporting.charts.money import steps
from planner.reporting.compare import Differences


def change_of_npv(found: Differences) -> Figure | None:
    """From the NPV before to the NPV after, line by line."""
    lines = found.lines[found.lines["change_usd"].abs() > 0.5]
    if lines.empty:
        return None
    before, after = float(found.lines["before_usd"].sum()), float(found.lines["after_usd"].sum())
    ends = before + lines["change_usd"].cumsum()
    table = pd.DataFrame(
        {
            "line": [
                "NPV before", *(line_words(row.line, (row.before_usd, row.after_usd)) for row in lines.itertuples()),
                "NPV after",
            ]
        }
    )
    table["usd"] = [before, *lines["change_usd"], after]
    table["start"] = [0.0, *(ends - lines["change_usd"]), 0.0]
    table["end"] = [before, *ends, after]
    table["sign"] = ["NPV", *np.where(lines["change_usd"] > 0.0, "adds", "takes"), "NPV"]
    lowest, highest = float(min(before, *ends)), float(max(before, *ends))
    # Small changes of a large NPV are seen only on an axis that does not begin at nothing.
    least = lowest - 0.4 * (highest - lowest) if lowest > 2.0 * (highest - lowest) else 0.0
    cut = " The axis does not begin at zero." if least > 0.0 else ""
    return Figure(
        "Why the NPV changed", f"Discounted cash after less before, line by line.{cut}",
        steps(table, "line", least=least),
    )
