"""The fast twin of `kernels.reference.unit_cash` on the CPU: net cash of mixes of units, window by window.

The specification forms every month of every unit; here only the months of a window are touched, and they are added
to the mixes at once, unit by unit in the order of the terms, so the sums do not depend on pieces or threads.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import sparse

from kernels.lines import after_tax_weight
from kernels.terms import ScheduleTerm, Term, WindowTerm

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def mix_net_cash(
    terms: Sequence[Term], mixes: sparse.csc_array, paths: Floats, events: Ints, profiles: Floats, total: Floats, /, *,
    tax_rate: float, equity: bool = False
) -> None:
    """Add the after-tax cash of N units, at the levels of K mixes (K, N), to `total` (K, S, M), which is the result.

    paths (P, S, M), events (E, S), profiles (Q, A) as in `unit_cash.unit_net_cash`, of which this is the sum over
    units.
    """
    for term in terms:
        weight = after_tax_weight(term.line, tax_rate, equity=equity)
        if weight == 0.0:
            continue
        amounts = weight * np.asarray(term.amount)
        for unit in np.flatnonzero(amounts).tolist():
            holders = slice(mixes.indptr[unit], mixes.indptr[unit + 1])
            found = (
                _window(term, unit, paths, events) if isinstance(term, WindowTerm)
                else _schedule(term, unit, events, profiles, paths.shape[2])
            )
            if found is None:
                continue
            first, cash = found
            for mix, level in zip(mixes.indices[holders], mixes.data[holders], strict=True):
                total[mix, :, first : first + cash.shape[1]] += (level * amounts[unit]) * cash


def _window(term: WindowTerm, unit: int, paths: Floats, events: Ints) -> tuple[int, Floats] | None:
    """First month and cash per dollar of amount of one unit's window, (S, months); None when it is empty."""
    start, end = events[term.start[unit]], events[term.end[unit]]
    first, last = int(start.min()), int(end.max())
    if first >= last:
        return None
    cash: Floats = paths[term.path[unit], :, first:last]
    if int(start.max()) > first or int(end.min()) < last:
        month = np.arange(first, last)
        cash = np.where((month >= start[:, None]) & (month < end[:, None]), cash, 0.0)
    return first, cash


def _schedule(term: ScheduleTerm, unit: int, events: Ints, profiles: Floats, months: int) -> tuple[int, Floats] | None:
    """First month and cash per dollar of amount of one unit's schedule, (S or 1, months); None when it is empty."""
    start = events[term.start[unit]]
    first = int(start.min())
    if first >= months:
        return None
    profile = profiles[term.profile[unit]]
    if int(start.max()) == first:
        return first, profile[None, : months - first]
    age = np.arange(first, months)[None, :] - start[:, None]
    inside = (age >= 0) & (age < len(profile))
    return first, np.where(inside, profile[np.where(inside, age, 0)], 0.0)
