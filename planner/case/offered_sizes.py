"""How much of a lease is really offered: the share that factors draw, and its mean, which the base case expects."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pandas as pd

from planner.case.factor_names import DISCRETE, OFFERED_SIZE, Target, shares_of, target_of
from planner.case.table_arrays import CaseArrays


def open_leases(leases: pd.DataFrame) -> list[str]:
    """The leases of which less may be offered: all but those that are signed or committed, which are certain."""
    certain = leases["signed"].to_numpy(bool) | leases["committed"].to_numpy(bool)
    return [str(lease_id) for lease_id in leases["lease_id"][~certain]]


def size_names(tables: Mapping[str, pd.DataFrame]) -> list[str]:
    """offered_size[LEASE] of the open leases that no factor of the case drives: futures from elsewhere may give it."""
    driven = {str(target_of(drives)) for drives in tables["factors"]["drives"]}
    names = [str(Target(OFFERED_SIZE, lease_id)) for lease_id in open_leases(tables["leases"])]
    return [name for name in names if name not in driven]


def mean_sizes(tables: CaseArrays) -> dict[str, float]:
    """Mean share offered of each lease whose share a factor draws; several factors on one lease multiply."""
    found: dict[str, float] = {}
    for row in tables["factors"].records:
        target = target_of(row["drives"])
        if target is not None and target.word == OFFERED_SIZE:
            found[target.name] = found.get(target.name, 1.0) * _mean(row)
    return found


def _mean(row: Mapping[str, object]) -> float:
    if row["model"] == DISCRETE:
        return math.fsum(share * chance for share, chance in zip(*shares_of(str(row["outcomes"])), strict=True))
    return math.fsum(float(str(row[corner])) for corner in ("low", "mode", "high")) / 3.0
