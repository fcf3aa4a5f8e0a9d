"""Bundles of a case on a fine grid: site x power path x SKU x leases and market x delivery x retirement.

A bundle is the whole path of one GPU: delivered in a month, at work for one lease or two one after another (with or
without their next terms) on their power paths, on demand on a power path of its own before, between and after them, and
sold in a month or kept to its end of life. Halls and
power are not in it: they stand in the master.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from planner.candidates.build import CandidateSet
from planner.candidates.kinds import Kind
from planner.candidates.phases import phase_table
from planner.errors import PlannerError
from planner.risk.firm_power import refuse_curtailable

COLUMNS = ("own", "retire", "serve", "renew", "then_serve", "then_renew", "tier", "head", "then")
"""Numbers of candidates (-1 for none), the market tier between leases (0: idle), and the phases that feed it."""
KEPT = -1


@dataclass(frozen=True)
class Grid:
    """How fine: months by which a GPU may come before its first lease, months between two leases, dates of sale after
    the last use.

    most: bundles at most, an even choice of all where there are more.
    """

    early_months: int = 12
    between_months: int = 24
    sales: int = 4
    most: int = 1_000_000

    def __post_init__(self) -> None:
        if min(self.early_months, self.between_months, self.sales) < 0 or self.most < 1:
            raise PlannerError(f"{self} is no grid; give months and sales of 0 or more and at least one bundle")


def bundle_grid(
    candidates: CandidateSet, grid: Grid | None = None, *, without: frozenset[tuple[str, str]] = frozenset()
) -> pd.DataFrame:
    """All bundles of the grid, columns COLUMNS; places (site, SKU) in `without` are passed over."""
    refuse_curtailable(candidates)
    fine = grid or Grid()
    own = _own(candidates, without)
    jobs = _jobs(candidates)
    chains = pd.concat([_alone(jobs), _pairs(jobs, fine.between_months)], ignore_index=True)
    at_work = chains.merge(own, on=["site_id", "gpu_id"])
    early = at_work["first"] - at_work["from_month"]
    at_work = at_work[(early >= 0) & (early <= fine.early_months) & (at_work["last"] <= at_work["to_month"])]
    paths = _paths(candidates)
    on_demand = own.merge(paths, on="site_id").assign(serve=-1, renew=-1, then_serve=-1, then_renew=-1)
    on_demand = on_demand[on_demand["from_month"] >= on_demand["from_head"] - fine.early_months]
    on_demand = on_demand.assign(last=on_demand["from_month"])
    both = pd.concat([at_work, on_demand], ignore_index=True)
    sold = _sales(candidates, both, fine.sales)
    tiers = _tiers(candidates)
    found = sold.merge(tiers, on="gpu_id")
    # Without a lease and without the market there is nothing to do; on demand, a GPU that has a lease may be fed by any
    # path of its site.
    idle, market = found[(found["serve"] >= 0) & (found["tier"] == 0)], found[found["tier"] > 0]
    other = market[market["serve"] >= 0].drop(columns=["head", "then", "from_head"]).merge(paths, on="site_id")
    found = pd.concat([idle, market[market["serve"] < 0], other], ignore_index=True)
    found = found.sort_values(
        ["own", "serve", "then_serve", "renew", "then_renew", "tier", "retire", "head", "then"], kind="stable"
    )[list(COLUMNS)]
    if len(found) > fine.most:
        found = found.iloc[np.linspace(0, len(found) - 1, fine.most).astype(np.int64)]
    return found.reset_index(drop=True)


def _own(candidates: CandidateSet, without: frozenset[tuple[str, str]]) -> pd.DataFrame:
    table = candidates.table
    own = table[(table["kind"] == Kind.OWN).to_numpy() & ~candidates.left_out.mask]
    kept = [place not in without for place in zip(own["site_id"], own["gpu_id"], strict=True)]
    own = own[np.array(kept, dtype=bool)]
    return own.assign(own=own.index)[["own", "site_id", "gpu_id", "from_month", "to_month"]]


def _jobs(candidates: CandidateSet) -> pd.DataFrame:
    """Leases to serve, with and without their next term: serve, renew, site_id, gpu_id, first, last, head, then."""
    table = candidates.table
    serve = table[(table["kind"] == Kind.SERVE).to_numpy() & ~candidates.left_out.mask]
    serve = serve.assign(
        serve=serve.index, renew=-1, first=serve["from_month"], last=serve["to_month"], head=serve["phase"],
        then=serve["then_phase"],
    )
    renew = table[(table["kind"] == Kind.RENEW).to_numpy() & ~candidates.left_out.mask]
    again = renew.assign(renew=renew.index, last=renew["to_month"])[["parent", "renew", "last"]]
    longer = serve.drop(columns=["renew", "last"]).merge(again, left_on="serve", right_on="parent", suffixes=("", "_"))
    columns = ["serve", "renew", "site_id", "gpu_id", "first", "last", "head", "then"]
    return pd.concat([serve[columns], longer[columns]], ignore_index=True)


def _alone(jobs: pd.DataFrame) -> pd.DataFrame:
    return jobs.assign(then_serve=-1, then_renew=-1)


def _pairs(jobs: pd.DataFrame, between: int) -> pd.DataFrame:
    """One lease after another on one site."""
    second = jobs.rename(columns={"serve": "then_serve", "renew": "then_renew", "first": "again", "last": "end"})
    pairs = jobs.merge(second.drop(columns=["head", "then"]), on=["site_id", "gpu_id"])
    gap = pairs["again"] - pairs["last"]
    pairs = pairs[(gap >= 0) & (gap <= between)]
    return pairs.assign(last=pairs["end"]).drop(columns=["again", "end"])


def _paths(candidates: CandidateSet) -> pd.DataFrame:
    """Power paths: site_id, head, then ("" for none), from_head."""
    phases = phase_table(candidates.outlook)[["site_id", "phase_name", "energised_month", "end_month"]]
    heads = phases.rename(columns={"phase_name": "head", "energised_month": "from_head", "end_month": "end_head"})
    thens = phases.rename(columns={"phase_name": "then", "energised_month": "from_then"}).drop(columns="end_month")
    bridges = heads.merge(thens, on="site_id")
    bridges = bridges[(bridges["from_then"] > bridges["from_head"]) & (bridges["end_head"] >= bridges["from_then"])]
    return pd.concat([heads.assign(then=""), bridges], ignore_index=True)[["site_id", "head", "then", "from_head"]]


def _sales(candidates: CandidateSet, bundles: pd.DataFrame, most: int) -> pd.DataFrame:
    """Each bundle kept to its end of life, and sold at each of the first dates after its last use."""
    table = candidates.table
    retire = table[table["kind"] == Kind.RETIRE]
    dates = retire.assign(
        retire=retire.index, own=retire["parent"], sold=retire["from_month"]
    )[["own", "retire", "sold"]]
    numbered = bundles.assign(bundle=np.arange(len(bundles)))
    pairs = numbered[["bundle", "own", "last"]].merge(dates, on="own")
    pairs = pairs[pairs["sold"] >= pairs["last"]].sort_values(["bundle", "sold"], kind="stable")
    pairs = pairs[pairs.groupby("bundle").cumcount() < most][["bundle", "retire"]]
    kept = pd.DataFrame({"bundle": numbered["bundle"], "retire": KEPT})
    return numbered.merge(pd.concat([kept, pairs], ignore_index=True), on="bundle").drop(columns="bundle")


def _tiers(candidates: CandidateSet) -> pd.DataFrame:
    market = candidates.outlook.case.tables["market"][["gpu_id", "tier"]]
    idle = candidates.outlook.case.tables["gpus"][["gpu_id"]].assign(tier=0)
    return pd.concat([idle, market], ignore_index=True).astype({"tier": np.int64})
