"""In which months of the base case a candidate is at work: an on-demand GPU that does not earn idles, and draws
nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kernels.lines import Line
from kernels.terms import WindowTerm
from planner.arrays import Floats, Ints
from planner.candidates.build import CandidateSet
from planner.candidates.kinds import Kind

ALWAYS = 0


@dataclass(frozen=True)
class AtWork:
    """How each candidate works: `how` (candidates,) names a row of `flags` (ways, months), 1 while at work and 0 while
    idle.

    Row `ALWAYS` is that of everything but `sell`.
    """

    how: Ints
    flags: Floats

    def within(self, by_month: Floats, candidate: Ints, start: Ints, end: Ints) -> Floats:
        """Sum of a path by month over [start, end), in the months in which each candidate is at work, use by use."""
        last = len(by_month)
        total = np.concatenate([np.zeros((len(self.flags), 1)), np.cumsum(self.flags * by_month, axis=1)], axis=1)
        way = self.how[candidate]
        found: Floats = total[way, np.minimum(end, last)] - total[way, np.minimum(start, last)]
        return found


def at_work(candidates: CandidateSet) -> AtWork:
    """On-demand GPUs work in the months in which they earn; leases, hosted halls and mining whenever they are held."""
    how = np.zeros(len(candidates), dtype=np.int64)
    flags = [np.ones(candidates.outlook.months)]
    for block in candidates.blocks:
        income = [term for term in block.terms if isinstance(term, WindowTerm) and term.line is Line.REVENUE]
        if block.kind != Kind.SELL or not income:
            continue
        paths, which = np.unique(np.asarray(income[0].path), return_inverse=True)
        how[block.numbers] = len(flags) + which.reshape(-1)
        flags += [(candidates.cash_tables.paths.row(int(path)) > 0.0).astype(np.float64) for path in paths]
    return AtWork(how, np.stack(flags))
