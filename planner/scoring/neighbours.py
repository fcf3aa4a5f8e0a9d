"""Neighbours of a plan: portfolios that differ from it by one change that a planner would think of."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from kernels.reference.portfolio import Portfolios
from planner.arrays import Floats
from planner.candidates.build import CandidateSet
from planner.candidates.kinds import Kind
from planner.candidates.packages import Package
from planner.errors import PlannerError
from planner.scoring.items import Bunch, items_of
from planner.scoring.providers import pay_minimum_take

PLAN = "plan"
WORK = ("serve", "renew", "host", "sell", "mine")
POWER = ("power", "exit", "short", "take", "back")


def neighbours(candidates: CandidateSet, levels: Floats, most: int) -> Bunch:
    """The plan and the `most` best of its neighbours by base-case NPV, best first; each is the plan and one change.

    A change gives up one lease, one site, half of a site, one power phase with the work on it, the GPUs of one SKU on a
    site with their work, or one on-demand SKU of a site. What exists or is committed stays at its least level, and its
    site open; minimum take that is no longer drawn is paid. Whole decisions are halved upwards. Nothing else is planned
    again, so
    a neighbour may break limits: its score says which.
    """
    if most < 1:
        raise PlannerError(f"--neighbours {most}: ask for at least 1")
    lower = candidates.table["lower"].to_numpy(np.float64)
    changes: dict[bytes, tuple[str, Floats]] = {}
    for name, after in _changed(candidates, levels):
        change = _kept_whole(candidates, np.maximum(after, np.minimum(lower, levels)), levels) - levels
        if change.any():
            changes.setdefault(change.tobytes(), (name, change))  # two names for one change: the first
    found = sorted(changes.values(), key=lambda pair: -float(candidates.npv_usd @ pair[1]))[:most]
    held = np.flatnonzero(levels)
    packages = [Package(PLAN, held, levels[held])]
    for name, change in found:
        touched = np.flatnonzero(change)
        packages.append(Package(name, touched, change[touched]))
    # Portfolio 0 is the plan; portfolio k the plan and change k.
    starts = np.concatenate([[0], 1 + 2 * np.arange(len(packages))]).astype(np.int64)
    item = np.concatenate([[0], np.stack([np.zeros(len(found)), 1 + np.arange(len(found))], axis=1).reshape(-1)])
    portfolios = Portfolios(starts, item.astype(np.int32), np.ones(len(item)))
    return Bunch(items_of(packages), tuple(package.name for package in packages), portfolios)


def _kept_whole(candidates: CandidateSet, after: Floats, before: Floats) -> Floats:
    """The levels after a change with what they still need: open sites, and minimum take paid."""
    table = candidates.table
    stands = set(table.loc[table["kind"].isin([Kind.POWER, Kind.SHELL]) & (after > 0.0), "site_id"])
    opened = ((table["kind"] == Kind.OPEN) & table["site_id"].isin(stands)).to_numpy()
    kept = np.where(opened, before, after)
    pay_minimum_take(candidates, kept)
    return kept


def _changed(candidates: CandidateSet, levels: Floats) -> Iterator[tuple[str, Floats]]:
    """Levels after each change, least levels not yet minded."""
    table = candidates.table.reset_index(drop=True)
    held = table[levels != 0.0]
    whole = table["integral"].to_numpy(bool)
    halved = np.where(whole, np.ceil(levels / 2.0), levels / 2.0)

    def names(column: str) -> list[str]:
        return [str(name) for name in dict.fromkeys(held[column]) if name]

    kind, site, gpu = (table[column].to_numpy(dtype=object) for column in ("kind", "site_id", "gpu_id"))
    for name in names("lease_id"):
        yield f"without lease {name}", np.where(table["lease_id"].to_numpy(dtype=object) == name, 0.0, levels)
    for name in names("site_id"):
        yield f"without site {name}", np.where(site == name, 0.0, levels)
        yield f"half of site {name}", np.where(site == name, halved, levels)
    for name in names("phase"):
        fed = (table["phase"] == name).to_numpy() | (table["then_phase"] == name).to_numpy()
        yield f"without power {name}", np.where(fed & np.isin(kind, [*WORK, *POWER]), 0.0, levels)
    places = held.loc[held["gpu_id"] != "", ["site_id", "gpu_id"]].drop_duplicates()
    for place in places.itertuples():
        here = (site == place.site_id) & (gpu == place.gpu_id)
        yield f"without {place.gpu_id} at {place.site_id}", np.where(here, 0.0, levels)
        yield f"no {place.gpu_id} on demand at {place.site_id}", np.where(here & (kind == Kind.SELL), 0.0, levels)
