"""Critical IT at work by calendar year on each path of a policy, and how it spreads over the paths."""

from __future__ import annotations

import numpy as np
import pandas as pd

from planner.arrays import Floats
from planner.reporting.findings import Findings
from planner.reporting.policies import Decided
from planner.reporting.usage import standing

QUARTER = 0.25
"""Probability below and above the band of the middle half."""


def work_by_year(found: Findings, allocation: pd.DataFrame) -> pd.Series:
    """MW of critical IT of GPUs and tenants at work by calendar year, without mining: the mean over the months of the
    year that lie in the horizon. Index: the year."""
    months = found.case.settings.months
    work = np.zeros(months)
    for row in standing(found, found.dated(allocation)).itertuples():
        if row.use != "mine":
            work[max(row.from_month, 0) : max(row.to_month, 0)] += row.it_mw
    year = (found.calendar.start_number + np.arange(months)) // 12
    return pd.Series(work).groupby(year).mean()


def capacity_by_year(found: Findings, decided: Decided) -> pd.DataFrame:
    """One row for each calendar year of the horizon: year, lowest_mw, lower_quarter_mw, mean_mw, upper_quarter_mw and
    highest_mw over the leaves of a policy, weighted with their probabilities, and base_plan_mw of the run.

    A quarter is the least figure that at least so much of the probability does not exceed.
    """
    leaves = decided.leaves
    allocation = decided.allocation
    paths = np.stack([
        work_by_year(found, allocation[allocation["node"] == leaf].drop(columns="node")).to_numpy()
        for leaf in leaves["node"]
    ])
    chance = leaves["probability"].to_numpy(np.float64)
    base = work_by_year(found, found.tables["allocation"])
    return pd.DataFrame({
        "year": base.index.to_numpy(), "lowest_mw": paths.min(axis=0),
        "lower_quarter_mw": _up_to(paths, chance, QUARTER), "mean_mw": chance @ paths / chance.sum(),
        "upper_quarter_mw": _up_to(paths, chance, 1.0 - QUARTER), "highest_mw": paths.max(axis=0),
        "base_plan_mw": base.to_numpy(),
    })


def _up_to(paths: Floats, chance: Floats, share: float) -> Floats:
    """The least figure of each year that a share of the probability does not exceed; paths: (leaves, years)."""
    order = np.argsort(paths, axis=0, kind="stable")
    reached = np.cumsum(chance[order], axis=0) >= share * chance.sum() - 1e-12
    return np.take_along_axis(np.take_along_axis(paths, order, axis=0), reached.argmax(axis=0)[None], axis=0)[0]
