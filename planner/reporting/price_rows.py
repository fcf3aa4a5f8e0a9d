"""The rows of prices.csv by the question that each answers."""

from __future__ import annotations

import pandas as pd

from planner.reporting.findings import Findings

TERM, YEAR, QUARTER, BLOCK, WHOLE = "whole term", "within a year", "one quarter", "block", "whole or not"


def asked(found: Findings, question: str, resource: str) -> pd.DataFrame:
    """The rows that answer a question about a resource (phase, delivery, capital, lease, ...)."""
    prices = found.tables["prices"]
    return prices[(prices["question"] == question) & (prices["resource"] == resource)]


def ends(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with low_usd and high_usd per unit: gain and loss, or the one of them that exists; without rows worth
    nothing."""
    low = rows["gain_usd"].fillna(rows["loss_usd"])
    high = rows["loss_usd"].fillna(rows["gain_usd"])
    found = rows.assign(low_usd=low, high_usd=high)
    return found[(found[["low_usd", "high_usd"]] > 0.005).any(axis=1)]


def most_valuable(found: Findings) -> pd.DataFrame:
    """The phases of which one MW more for its whole term brings most."""
    rows = asked(found, TERM, "phase")
    return rows[rows["gain_usd"] > 0.0].nlargest(10, "gain_usd")
