"""What happens once in a future: how late each phase is, when each customer defaults, which leases are offered and
renewed."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from kernels.factor_models import discrete, month_of_event, triangular
from planner.candidates.outlook import YEARLY_DEFAULT_RATE
from planner.case.case import Case
from planner.case.delays import delay_triangle
from planner.case.factor_names import drives_a_phase, once_names, outcomes_of, target_of

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


def delay_draws(case: Case, uniforms: Mapping[str, Floats]) -> dict[str, Ints]:
    """Months by which each phase comes later than promised, by delay[SOURCE:PHASE], shape (S,).

    By the outcomes of the discrete delay that drives it, else by the triangle of its row of `power`, rounded to the
    nearest whole month. Greater uniforms come later.
    """
    factors = case.tables["factors"]
    outcomes = {
        str(target_of(drives)): outcomes_of(written)
        for model, drives, written in zip(factors.model, factors.drives, factors.outcomes, strict=True)
        if drives_a_phase(model, drives)
    }
    found = {}
    for name, (_, phase) in zip(once_names(case.tables, "delay"), case.tables["power"].iterrows(), strict=True):
        if name in outcomes:
            months, chances = outcomes[name]
            late = discrete(uniforms[name], values=months, probabilities=chances)
        else:
            low, mode, high = delay_triangle(phase)
            late = triangular(uniforms[name], low=low, mode=mode, high=high)
        found[name] = np.rint(late).astype(np.int64)
    return found


def default_draws(case: Case, uniforms: Mapping[str, Floats], *, months: int) -> dict[str, Ints]:
    """First month whose income a customer's own default touches, by default[CUSTOMER], shape (S,); `months` for none.

    Cash moves at mid-month, so a month is lost when the default comes before its middle: the chance of income in month
    t is exp(-hazard (t + 0.5) / 12), as in the base case. Greater uniforms come later.
    """
    found = {}
    for name, (_, customer) in zip(
        once_names(case.tables, "default"), case.tables["customers"].iterrows(), strict=True
    ):
        # Half months: one at half the yearly hazard is as likely as half a month at all of it.
        half = month_of_event(uniforms[name], hazard_per_year=hazard_per_year(customer) / 2.0, months=2 * months)
        found[name] = np.asarray((half + 1) // 2, dtype=np.int64)
    return found


def hazard_per_year(customer: pd.Series) -> float:
    """The constant hazard behind a customer's yearly default rate: -log(1 - rate)."""
    rate = customer["default_rate_per_year"]
    rate = YEARLY_DEFAULT_RATE[str(customer["rating"])] if pd.isna(rate) else float(rate)
    return -math.log(max(1.0 - rate, 1e-12))


def renewal_draws(case: Case, uniforms: Mapping[str, Floats]) -> dict[str, Bools]:
    """Whether each lease is renewed, by renewal[LEASE], shape (S,); greater uniforms are renewed."""
    chances = case.tables["leases"]["renewal_probability"].to_numpy(np.float64)
    names = once_names(case.tables, "renewal")
    return {name: uniforms[name] >= 1.0 - chance for name, chance in zip(names, chances, strict=True)}


def offer_draws(case: Case, uniforms: Mapping[str, Floats]) -> dict[str, Bools]:
    """Whether each lease that is not certain is offered, by offer[LEASE], shape (S,); greater uniforms are offered."""
    chances = case.tables["leases"]["offer_probability"].to_numpy(np.float64)
    names = once_names(case.tables, "offer")
    return {name: uniforms[name] >= 1.0 - chance for name, chance in zip(names, chances[chances < 1.0], strict=True)}
