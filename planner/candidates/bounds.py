"""Limits of the case that stand as the bound of a candidate too: the size of a lease on everything that serves it, the
MW on offer on a contract.

A limit that is moved has to be moved wherever it stands. Rows of resources hold it once for all candidates; these are
its copies on single ones.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from planner.arrays import Floats
from planner.candidates.build import CandidateSet
from planner.candidates.hall_cohorts import CONVERSION, EXISTING
from planner.candidates.kinds import Kind
from planner.candidates.phases import phase_table, unit_mw
from planner.candidates.resources import Family
from planner.candidates.tranches import part_shares

POWER = "POWER"
"""Stands for the family of what a phase has on offer, which is a bound and no row."""
COLUMNS = ("candidate", "family", "name", "per_unit", "limit")
_OF_ROW = (
    (("serve", "host"), Family.VOLUME), (("sell",), Family.DEPTH), (("shell",), Family.SITE), (("mine",), Family.MINING)
)
"""Kinds whose bound is the limit of a row in which they stand."""


def copied_bounds(candidates: CandidateSet) -> pd.DataFrame:
    """Bounds that copy a limit, by candidate: family and name of the limit (see `Family`, POWER), what the bound moves
    for each unit of it, and the limit itself. Columns COLUMNS; what the user has fixed or left out copies nothing."""
    table = candidates.table
    lower, upper = (table[name].to_numpy(np.float64) for name in ("lower", "upper"))
    free = (lower < upper) & np.isfinite(upper)
    found = pd.concat(
        [_of_rows(candidates, free), _of_site_rents(candidates, free), _of_power(candidates, free)], ignore_index=True
    )
    return found.sort_values("candidate", kind="stable").reset_index(drop=True)[list(COLUMNS)]


def _of_rows(candidates: CandidateSet, free: np.ndarray) -> pd.DataFrame:
    """Candidates bounded by the limit of a row: size of a lease, depth of a tier, critical IT of a site, load of a
    mine."""
    table, book = candidates.table, candidates.book
    uses = book.uses.frame()
    family = np.array([member.name for member in book.family], dtype=object)
    named = uses.assign(family=family[uses["resource"].to_numpy(np.int64)])
    parts = []
    for kinds, member in _OF_ROW:
        bounded = np.flatnonzero(free & table["kind"].isin(kinds).to_numpy())
        rows = named[(named["family"] == member.name) & named["candidate"].isin(bounded)].drop_duplicates("candidate")
        number, resource = rows["candidate"].to_numpy(np.int64), rows["resource"].to_numpy(np.int64)
        each = rows["coefficient"].to_numpy(np.float64)
        names = [book.name[at] for at in resource]
        # A tranche brings its share of the lease whose size is the limit.
        share = part_shares(candidates.outlook.tables, candidates.columns["tranche"][number])
        limit = table["upper"].to_numpy(np.float64)[number] * each / share
        parts.append(_made(number, member.name, names, share / each, limit))
    return _halls_by_site(candidates, pd.concat(parts, ignore_index=True))


def _halls_by_site(candidates: CandidateSet, found: pd.DataFrame) -> pd.DataFrame:
    """Of halls, new ones fill a site up; what stands already is no more if the site is larger, and a conversion may be
    held by its mine."""
    table = candidates.table
    sites = candidates.outlook.case.tables["sites"].set_index("site_id")["critical_it_mw"].astype("float64")
    rows = table.iloc[found["candidate"].to_numpy(np.int64)]
    of_site = (found["family"] == Family.SITE.name).to_numpy()
    way = candidates.columns["way"][found["candidate"].to_numpy(np.int64)]
    critical = rows["site_id"].map(sites).to_numpy(np.float64)
    by_mine = (way == CONVERSION) & (rows["upper"].to_numpy(np.float64) < critical)
    moved = found.assign(
        family=np.where(of_site & by_mine, Family.CONVERTIBLE.name, found["family"]),
        limit=np.where(of_site & ~by_mine, critical, found["limit"])
    )
    return moved[~(of_site & (way == EXISTING))]


def _of_site_rents(candidates: CandidateSet, free: np.ndarray) -> pd.DataFrame:
    """Halls rented out after the horizon, at most the critical IT of their site."""
    table = candidates.table
    number = np.flatnonzero(free & (table["kind"] == Kind.HOST).to_numpy() & (table["lease_id"] == "").to_numpy())
    return _made(
        number, Family.SITE.name, table["site_id"].to_numpy()[number], np.ones(len(number)),
        table["upper"].to_numpy(np.float64)[number],
    )


def _of_power(candidates: CandidateSet, free: np.ndarray) -> pd.DataFrame:
    """Contracts, ends of contracts and minimum takes not used, at most what a phase has on offer."""
    power, table = phase_table(candidates.outlook), candidates.table
    by_phase = power.assign(unit_mw=unit_mw(candidates.outlook)).set_index("phase_name")
    number = np.flatnonzero(
        (free | _committed(candidates, by_phase)) & table["kind"].isin([Kind.POWER, Kind.EXIT, Kind.SHORT]).to_numpy()
    )
    kind, phase = table["kind"].to_numpy()[number], table["phase"].to_numpy()[number]
    own = by_phase.loc[phase]
    per_unit = np.select(
        [kind == Kind.POWER, kind == Kind.SHORT],
        [1.0 / own["unit_mw"].to_numpy(np.float64), own["min_take"].to_numpy(np.float64)], 1.0,
    )
    return _made(number, POWER, phase, per_unit, own["guaranteed_mw"].to_numpy(np.float64))


def _committed(candidates: CandidateSet, by_phase: pd.DataFrame) -> np.ndarray:
    """Contracts that the case, and not the user, holds at all that is on offer."""
    table = candidates.table
    power = table["kind"].eq(Kind.POWER).to_numpy()
    own = by_phase.reindex(table["phase"])
    unit = own["unit_mw"].to_numpy(np.float64)
    found: np.ndarray = power & ~table["integral"].to_numpy(bool)
    for bound, size in (("lower", "committed_mw"), ("upper", "guaranteed_mw")):
        found &= np.isclose(
            table[bound].to_numpy(np.float64), own[size].to_numpy(np.float64) / unit, rtol=1e-12, atol=0.0
        )
    return found


def _made(number: np.ndarray, family: str, names: object, per_unit: Floats, limit: Floats) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "candidate": number, "family": family, "name": pd.Series(names, dtype=object), "per_unit": per_unit,
            "limit": limit,
        }
    )
