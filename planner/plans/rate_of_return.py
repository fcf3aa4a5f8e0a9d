"""The rate of return of a plan's cash: one function for whoever asks, so that the same flow has the same answer
everywhere."""

from __future__ import annotations

from typing import Any

import numpy as np

from kernels.irr import Irr, irr
from planner.arrays import Floats

DUST = 1e-12
"""Share of the greatest amount of a flow below which an amount is what sums over many units leave of nothing."""


def rates_of_return(cash: Floats, horizon: int) -> Irr:
    """Yearly internal rates of return of monthly after-tax cash, (..., months) from the start of the case.

    As in the NPV, a year after the horizon counts at its middle, which lies between its sixth and its seventh month.
    """
    flows = _tail_at_middles(cash, horizon)
    greatest = np.abs(flows).max(axis=-1, keepdims=True, initial=0.0)
    return irr(np.where(np.abs(flows) <= DUST * greatest, 0.0, flows))


def _tail_at_middles(cash: Floats, horizon: int) -> Floats:
    months = cash.shape[-1]
    starts = np.arange(horizon, months, 12)
    if not len(starts):
        return cash
    flows: Any = np.zeros((*cash.shape[:-1], int(starts[-1]) + 12))
    flows[..., :horizon] = cash[..., :horizon]
    yearly = np.add.reduceat(cash, starts, axis=-1)
    for month in (5, 6):
        flows[..., starts + month] = yearly / 2.0
    found: Floats = flows
    return found
