"""Profiles by age in months: depreciation, level and straight debt service, and what is left when an asset is sold."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Profile = npt.NDArray[np.float64]

MACRS_5 = (0.20, 0.32, 0.192, 0.1152, 0.1152, 0.0576)
"""Yearly shares of the five-year class, half-year convention (IRS Publication 946, table A-1)."""


ROUNDING = 1e-12
"""Share of a basis or a loan below which nothing is left of it."""


def straight_line(years: float, ages: int) -> Profile:
    """Equal monthly shares over `years`, at once under half a month, shape (ages,); what falls beyond `ages` months is
    cut."""
    months = max(round(years * 12), 1)
    profile = np.zeros(ages)
    profile[: min(months, ages)] = 1.0 / months
    return profile


def macrs_5(ages: int) -> Profile:
    """The five-year class by month of age, each year's share spread evenly over its months, shape (ages,)."""
    monthly = np.repeat(np.asarray(MACRS_5) / 12.0, 12)
    profile = np.zeros(ages)
    profile[: min(len(monthly), ages)] = monthly[:ages]
    return profile


def with_bonus(profile: Profile, bonus_share: float) -> Profile:
    """`bonus_share` of the basis written off in the first month, the rest by `profile`."""
    written = (1.0 - bonus_share) * profile
    written[0] += bonus_share
    return written


def balance(principal_shares: Profile) -> Profile:
    """What is outstanding at the beginning of each month of age, given the share repaid (or written off) in each."""
    left = 1.0 - np.concatenate([[0.0], np.cumsum(principal_shares)[:-1]])
    return np.where(left > ROUNDING, left, 0.0)


def until(profile: Profile, age: int) -> Profile:
    """The profile of what ends at an age of at least 1: what is left then falls due in the last month before it, shape
    (ages,).

    An age beyond the profile changes nothing. The profile is one that comes to 1 in full: a write-off, or repayments.
    """
    cut = profile.copy()
    if age <= len(profile):
        cut[age:] = 0.0
        cut[age - 1] += _left(profile, age)
    return cut


def _left(profile: Profile, age: int) -> float:
    """What of 1 is left after `age` months; nothing where only rounding is."""
    left = 1.0 - float(profile[:age].sum())
    return left if left > ROUNDING else 0.0


def ended(profile: Profile, age: int, *, settled: bool) -> Profile:
    """What ending at `age` adds, by months since the last month before it: the rest of the profile is cancelled.

    With `settled` the rest falls due at once in that last month (a tax basis written off, a loan repaid).
    """
    change = np.zeros_like(profile)
    rest = profile[age:]
    change[1 : 1 + len(rest)] = -rest[: len(change) - 1]
    if settled:
        change[0] += _left(profile, age)
    return change


def level_repayment(rate_per_year: float, tenor_months: int, grace_months: int, ages: int) -> Profile:
    """Principal repaid by months since the draw under equal instalments after the grace, as shares of the loan, shape
    (ages,).

    The first instalment is paid a month after the draw (and the grace), the last after `tenor_months`.
    """
    months = tenor_months - grace_months
    rate = rate_per_year / 12.0
    age = np.arange(months)
    # The k-th instalment repays instalment x (1 + rate)^(k - months - ...): closed form of the annuity.
    if rate == 0.0:
        return straight_repayment(tenor_months, grace_months, ages)
    shares: Profile = np.asarray(rate * (1 + rate) ** age / ((1 + rate) ** months - 1), dtype=np.float64)
    return _after_grace(shares, grace_months, ages)


def straight_repayment(tenor_months: int, grace_months: int, ages: int) -> Profile:
    """Principal repaid by months since the draw in equal parts after the grace, as shares of the loan, shape
    (ages,)."""
    months = tenor_months - grace_months
    return _after_grace(np.full(months, 1.0 / months), grace_months, ages)


def interest(principal_shares: Profile, rate_per_year: float) -> Profile:
    """Interest by months since the draw, on the balance before the repayment of the month; none in the month of the
    draw."""
    due = balance(principal_shares) * (rate_per_year / 12.0)
    due[0] = 0.0
    return due


def _after_grace(shares: Profile, grace_months: int, ages: int) -> Profile:
    profile = np.zeros(ages)
    first = grace_months + 1
    stop = min(first + len(shares), ages)
    profile[first:stop] = shares[: max(stop - first, 0)]
    return profile
