"""Portfolios under a named stress: NPV of what stands, and the limits that the stress changes and a portfolio then
breaks."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import scipy.sparse as sp

from planner.arrays import Floats, Ints
from planner.scenarios.stressed import Stressed
from planner.scoring.items import Bunch, Items
from planner.scoring.limits import Limits, limits_over

KEY = ["family", "name", "from_month", "to_month"]
SAME = 1e-9
"""Relative difference up to which a use or a limit counts as unchanged."""


@dataclass(frozen=True, eq=False)
class StressLimits:
    """For each stress under which candidates are restated: the limits that it changes, over some items; None where it
    changes none."""

    by_stress: dict[str, Limits | None]

    def columns(self, bunch: Bunch, *, threads: int, budget_bytes: int) -> dict[str, np.ndarray]:
        """`limits_broken_<stress>`: of the limits that a stress changes, how many each portfolio then breaks."""
        found = {}
        for name, limits in self.by_stress.items():
            found[f"limits_broken_{name}"] = np.zeros(len(bunch), dtype=np.int64)
            if limits is None:
                continue
            broken = limits.broken(bunch, threads=threads, budget_bytes=budget_bytes)
            found[f"limits_broken_{name}"] = np.bincount(broken.portfolio, minlength=len(bunch))
        return found


def stress_limits(base: Limits, stresses: dict[str, Stressed]) -> StressLimits:
    """The limits that each stress changes by restating candidates, over the items of `base`."""
    restated = {name: stressed.restated for name, stressed in stresses.items() if stressed.restated is not None}
    return StressLimits({name: _changed(base, limits_over(found, base.items)) for name, found in restated.items()})


def _changed(base: Limits, stressed: Limits) -> Limits | None:
    """The limits of a stressed case that are new, or differ in use or size from those of the base case."""
    count = stressed.use.shape[1]
    rows = base.use.shape[1]
    where = pd.MultiIndex.from_frame(base.table[KEY].iloc[:rows]).get_indexer(
        pd.MultiIndex.from_frame(stressed.table[KEY].iloc[:count])
    )
    known = where >= 0
    before, after = base.table["limit"].to_numpy(np.float64), stressed.table["limit"].to_numpy(np.float64)[:count]
    moved = ~known
    moved[known] = np.abs(after[known] - before[where[known]]) > SAME * np.maximum(np.abs(after[known]), 1.0)
    difference = abs(sp.csc_array(stressed.use)[:, known] - sp.csc_array(base.use)[:, where[known]])
    scale = np.maximum(_greatest(abs(sp.csc_array(stressed.use)[:, known])), 1.0)
    moved[np.flatnonzero(known)[_greatest(difference) > SAME * scale]] = True
    chosen = np.flatnonzero(moved)
    if not len(chosen):
        return None
    table = stressed.table.iloc[chosen].reset_index(drop=True)
    none: Ints = np.zeros(0, dtype=np.int64)
    return replace(
        stressed, use=sp.csr_array(stressed.use[:, chosen]), size=sp.csr_array(stressed.size[:, chosen]), table=table,
        whole=none,
    )


def _greatest(matrix: sp.csc_array) -> Floats:
    """Greatest entry of each column, 0 for an empty one."""
    return (
        np.asarray(matrix.max(axis=0).todense(), dtype=np.float64).reshape(-1) if min(matrix.shape)
        else np.zeros(matrix.shape[1])
    )


def gone_items(stressed: Stressed, items: Items) -> Ints:
    """Items that hold a candidate which the stressed case cannot have."""
    gone = stressed.restated.gone if stressed.restated is not None else {}
    if not gone:
        return np.zeros(0, dtype=np.int64)
    lost = np.isin(items.held, np.array(list(gone), dtype=np.int64))
    return np.flatnonzero(abs(items.levels) @ lost.astype(np.float64))


def blank_under(name: str, stressed: Stressed, items: Items) -> dict[str, str]:
    """Why NPV under a stress is blank for portfolios of some items, by the name of the stress; nothing where none
    is."""
    found = gone_items(stressed, items)
    if stressed.restated is None or not len(found):
        return {}
    held = np.unique(items.levels[found].indices)
    broken = [int(number) for number in items.held[held] if int(number) in stressed.restated.gone]
    return {name: f"for some portfolios: {stressed.restated.refusal(broken)}"}
