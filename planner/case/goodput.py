"""What a lease credits for goodput that falls short of what is promised, and what of it the base case expects.

Goodput is the share of GPU-hours that do useful work for the customer. Of a month's fee

    min(1, goodput_credit x max(0, goodput_promised - delivered))

is credited. Delivered is what the case expects, or what a factor draws; the credit is bent at the promise, so that its
mean is that over the draws and not the credit at their mean.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from planner.arrays import Floats
from planner.case.factor_names import DISCRETE, GOODPUT, shares_of, target_of
from planner.case.table_arrays import CaseArrays


def credited(lease: Mapping[str, Any], delivered: Floats) -> Floats:
    """Share of the fee of a lease (its row) that is credited at each goodput delivered, of its shape; nothing where
    nothing is promised."""
    if math.isnan(lease["goodput_promised"]):
        return np.zeros(np.shape(delivered))
    short = np.maximum(lease["goodput_promised"] - delivered, 0.0)
    return np.asarray(np.minimum(lease["goodput_credit"] * short, 1.0))


def expected_credits(tables: CaseArrays) -> dict[str, float]:
    """Mean share of the fee of each lease that is credited: over what a factor draws, or at what the case expects."""
    drawn = {
        target.name: row for row in tables["factors"].records
        if (target := target_of(row["drives"])) is not None and target.word == GOODPUT
    }
    found = {}
    for lease in tables["leases"].records:
        factor = drawn.get(lease["lease_id"])
        if factor is None:
            found[lease["lease_id"]] = float(credited(lease, np.array(lease["goodput_expected"])))
        elif factor["model"] == DISCRETE:
            shares, chances = shares_of(factor["outcomes"])
            found[lease["lease_id"]] = float(credited(lease, np.array(shares)) @ np.array(chances))
        else:
            found[lease["lease_id"]] = _over_triangle(lease, *(float(factor[at]) for at in ("low", "mode", "high")))
    return found


def _over_triangle(lease: Mapping[str, Any], low: float, mode: float, high: float) -> float:
    """The mean credit over a triangle: a call spread on what is delivered, from the promise to where all is
    credited."""
    promised, credit = lease["goodput_promised"], lease["goodput_credit"]
    if math.isnan(promised) or credit == 0.0:
        return 0.0
    short = [_mean_short(at, low, mode, high) for at in (promised, promised - 1.0 / credit)]
    return float(credit * (short[0] - short[1]))


def _mean_short(promised: float, low: float, mode: float, high: float) -> float:
    """E[max(0, promised - X)] of a triangular X: the integral of its distribution function up to the promise."""
    if promised >= high:
        return promised - (low + mode + high) / 3.0
    if promised <= low:
        return 0.0
    if promised <= mode:
        return (promised - low) ** 3 / (3.0 * (high - low) * (mode - low))
    rising = (mode - low) ** 2 / (3.0 * (high - low))
    falling = ((high - mode) ** 3 - (high - promised) ** 3) / (3.0 * (high - low) * (high - mode))
    return rising + (promised - mode) - falling
