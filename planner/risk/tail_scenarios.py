"""Which futures a plan fears: the scenario weights of its risk, and what the factors do in those futures."""

from __future__ import annotations

import numpy as np
import pandas as pd

from planner.arrays import Floats
from planner.scenarios.futures import Futures

PIECE = 100
"""Futures drawn at once."""


def factor_values(futures: Futures) -> pd.DataFrame:
    """One figure per factor and future, a row per future.

    A path: its mean multiplier over the horizon. A slip, and delay[...]: months late. An overrun: what is paid of the
    planned. An offered size: the share of the lease. default[...]: 1 where the customer defaults within the horizon.
    renewal[...], offer[...]: 1 where the lease is renewed, or offered.
    """
    horizon = futures.calendar.horizon
    parts = []
    for piece in futures.pieces(PIECE):
        values = piece.values
        columns: dict[str, Floats] = {name: path[:, :horizon].mean(axis=1) for name, path in values.multipliers.items()}
        columns |= {name: late.astype(np.float64) for name, late in values.late_months.items()}
        columns |= {name: slip.astype(np.float64) for name, slip in values.slips.items()}
        columns |= {**values.overruns, **values.sizes}
        columns |= {name: (month < horizon).astype(np.float64) for name, month in values.default_month.items()}
        columns |= {
            name: happens.astype(np.float64) for name, happens in (values.renewed | values.offered).items()
        }
        parts.append(pd.DataFrame(columns, index=pd.Index(piece.names, name="future")))
    return pd.concat(parts)


def feared_futures(
    factors: pd.DataFrame, futures: Futures, npv_usd: Floats, weights: Floats, tail: Floats
) -> pd.DataFrame:
    """The futures in the tail of a plan, worst first: future, npv_usd, probability, tail_weight, weight, then a column
    per factor.

    weights: of all futures in the objective, (S,); tail: those of the tail alone, (S,), which add to 1.
    """
    chosen = np.flatnonzero(tail > 0.0)
    chosen = chosen[np.argsort(npv_usd[chosen], kind="stable")]
    head = pd.DataFrame(
        {
            "future": [futures.names[at] for at in chosen],
            "npv_usd": npv_usd[chosen],
            "probability": futures.weights[chosen],
            "tail_weight": tail[chosen],
            "weight": weights[chosen],
        }
    )
    return pd.concat([head, factors.iloc[chosen].reset_index(drop=True)], axis=1)


def factor_shifts(factors: pd.DataFrame, probability: Floats, tail: Floats, npv_usd: Floats) -> pd.DataFrame:
    """Each factor in all futures and in those of the tail: factor, mean, mean_feared, shift, correlation, most telling
    first.

    shift: of the mean, in standard deviations. correlation: of the factor with the plan's NPV over all futures; what a
    plan does not depend on has none beyond chance, however it falls in the few futures of the tail. Factors that never
    differ are left out.
    """
    values = factors.to_numpy(np.float64)
    mean, feared = probability @ values, tail @ values
    deviation = np.sqrt(np.maximum(probability @ (values - mean) ** 2, 0.0))
    moves = deviation > 1e-12
    unit = np.where(moves, deviation, 1.0)
    away = npv_usd - probability @ npv_usd
    spread = float(np.sqrt(probability @ away**2)) or 1.0
    table = pd.DataFrame(
        {
            "factor": factors.columns, "mean": mean, "mean_feared": feared, "shift": (feared - mean) / unit,
            "correlation": (probability * away) @ (values - mean) / (unit * spread),
        }
    )[moves]
    order = np.argsort(-np.abs(table["correlation"].to_numpy()), kind="stable")
    return table.iloc[order].reset_index(drop=True)
