"""Portfolios that no other beats in both mean NPV and tail."""

from __future__ import annotations

import numpy as np
import pandas as pd


def pareto(scores: pd.DataFrame) -> pd.DataFrame:
    """Rows that no other row beats in one of mean_npv_usd (higher) and cvar_usd (lower) without losing in the other, best mean first."""
    ordered = scores.sort_values(["mean_npv_usd", "cvar_usd"], ascending=[False, True], kind="stable")
    least = np.minimum.accumulate(np.concatenate([[np.inf], ordered["cvar_usd"].to_numpy()]))[:-1]
    return ordered[ordered["cvar_usd"].to_numpy() < least]
