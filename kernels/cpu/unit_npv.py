"""The fast twin of `kernels.reference.unit_npv` on the CPU: every distinct window valued once, then a sparse product.

Units are many, but the windows they earn in are few: two clusters on one phase for one lease share theirs, whatever
they pay. So the value of each distinct (path, start, end) and (profile, start) is looked up once by scenario, and the
NPV of a unit is the sum of amount x value, in the order of its terms: a product of a sparse matrix with few non-zeros
a row. The look-ups, which wait on memory, are shared by all units of a window.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from kernels.lines import Line, after_tax_weight
from kernels.terms import Term, WindowTerm

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.integer[Any]]


def discounted_prefix(paths: Floats, discount: Floats) -> Floats:
    """As `kernels.reference.unit_npv.discounted_prefix`, (P, S, M + 1), in the one array that it gives back: half the
    time, which memory takes."""
    count, scenarios, months = paths.shape
    sums = np.empty((count, scenarios, months + 1), dtype=np.result_type(paths, discount))
    sums[:, :, 0] = 0.0
    np.multiply(paths, discount, out=sums[:, :, 1:])
    np.add.accumulate(sums[:, :, 1:], axis=2, out=sums[:, :, 1:])
    return sums


def unit_npv(
    terms: Sequence[Term],
    prefix: Floats,
    events: Ints,
    values: Floats,
    *,
    tax_rate: float,
    lines: Sequence[Line] = tuple(Line),
    equity: bool = False,
) -> Floats:
    """As `kernels.reference.unit_npv.unit_npv`: after-tax NPV of N units by scenario, (N, S); prefix (P, S, M + 1),
    values (Q, M + 1).

    Raises ValueError when there is no term.
    """
    if not terms:
        raise ValueError("a block of units needs at least one term")
    count, scenarios = len(terms[0].amount), prefix.shape[1]
    counted = [(term, after_tax_weight(term.line, tax_rate, equity=equity)) for term in terms if term.line in lines]
    counted = [(term, weight) for term, weight in counted if weight != 0.0]
    if not counted or not count:
        return np.zeros((count, scenarios), dtype=prefix.dtype)
    codes = np.stack([_codes(term, len(events)) for term, _ in counted], axis=1)
    amounts = np.stack([weight * np.asarray(term.amount) for term, weight in counted], axis=1)
    unique, place = np.unique(codes, return_inverse=True)
    starts = np.arange(0, count * len(counted) + 1, len(counted))
    shares = sparse.csr_array(
        (amounts.reshape(-1).astype(prefix.dtype), place.reshape(-1), starts), shape=(count, len(unique))
    )
    return np.asarray(shares @ _window_values(unique, prefix, events, values))


def _codes(term: Term, events: int) -> Ints:
    """One whole number for each distinct window (not negative) or schedule (negative)."""
    if isinstance(term, WindowTerm):
        return (np.asarray(term.path, dtype=np.int64) * events + term.start) * events + term.end
    return -1 - (np.asarray(term.profile, dtype=np.int64) * events + term.start)


def _window_values(codes: Ints, prefix: Floats, events: Ints, values: Floats) -> Floats:
    """Present value of $1 of each distinct window and schedule by scenario, (codes, S)."""
    count = len(events)
    found = np.empty((len(codes), prefix.shape[1]), dtype=prefix.dtype)
    cut = int(np.searchsorted(codes, 0))  # codes come sorted: schedules first
    profile, begins = np.divmod(-1 - codes[:cut], count)
    found[:cut] = values[profile[:, None], events[begins]]
    path, rest = np.divmod(codes[cut:], count * count)
    first, last = np.divmod(rest, count)
    np.subtract(_looked_up(prefix, events, path, last), _looked_up(prefix, events, path, first), out=found[cut:])
    # Where a window ends before it begins in some scenario, it is worth nothing there.
    late = np.flatnonzero((events[last] < events[first]).any(axis=1))
    found[cut + late] *= events[last[late]] >= events[first[late]]
    return found


def _looked_up(prefix: Floats, events: Ints, path: Ints, event: Ints) -> Floats:
    """prefix[path[n], s, events[event[n], s]], each distinct pair of path and event looked up once; (n, S)."""
    pairs, place = np.unique(path * len(events) + event, return_inverse=True)
    row, at = np.divmod(pairs, len(events))
    _, scenarios, columns = prefix.shape
    flat = (row[:, None] * scenarios + np.arange(scenarios)) * columns + events[at]
    return np.take(prefix.reshape(-1), flat)[place.reshape(-1)]
