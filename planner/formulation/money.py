"""The unit in which a model counts money: dollars, thousands, millions, as the case is large.

A solver's tolerances are absolute: what is a cent to a plan of billions is the whole of a plan of dollars. So the unit
follows what a unit of a typical candidate is worth, and the coefficients of every model lie about between 1 and 1,000
units of money.
"""

from __future__ import annotations

import numpy as np

from planner.arrays import Floats

MILLION = 1e6
_STEP = 3
"""Units are a thousand times one another, so that figures of a model read as dollars, thousands, millions."""


def money_unit(worth_usd: Floats) -> float:
    """Dollars of one unit of money in a model; worth_usd: NPV of one unit of each column that may move, in dollars,
    (columns,).

    The middle of those that are worth something, so that neither a single huge decision nor crumbs set the unit; a
    million where none is.
    """
    size = np.abs(worth_usd[worth_usd != 0.0])
    if not len(size):
        return MILLION
    # The lower of the two in the middle, so that one of the case's own numbers decides.
    middle = float(np.sort(size)[(len(size) - 1) // 2])
    return float(10.0 ** (_STEP * int(np.floor(np.log10(middle) / _STEP))))
