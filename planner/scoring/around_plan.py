"""`planner.portfolios`: portfolios around a plan, to be scored beside it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from planner.arrays import Floats
from planner.candidates.build import CandidateSet
from planner.candidates.packages import site_packages
from planner.did_you_mean import remedy_for
from planner.errors import PlannerError
from planner.planning.plan import Plan
from planner.scoring.files import PackageSource, write_packages
from planner.scoring.neighbours import neighbours as near
from planner.scoring.random_vertices import random_portfolios
from planner.scoring.subsets import Subsets

SUBSETS_OF = ("sites",)


@dataclass(frozen=True, eq=False)
class AroundPlan:
    """Portfolios around a plan, over the plan's own candidates; `source` makes them piece by piece."""

    plan: Plan
    source: PackageSource

    def __len__(self) -> int:
        return self.source.count

    def __repr__(self) -> str:
        return f"<{len(self):,} portfolios of {len(self.source.items):,} packages around {self.plan!r}>"

    def write(self, path: str | Path) -> None:
        """Write them as Parquet, as `planner portfolios` does; they appear whole or not at all."""
        options = self.plan.options
        origin = {"plan": self.plan.case.settings.name, "fixes": options.fixes, "excludes": options.excludes}
        write_packages(Path(path), self.source, self.plan.candidates, origin)


def portfolios(
    plan: Plan, *, subsets: str | None = None, neighbours: int | None = None, random: int | None = None,
    seed: int | None = None
) -> AroundPlan:
    """Portfolios around a plan, of one kind: `planner.score` takes them.

    subsets: "sites", all subsets of what the plan puts on each site. neighbours: the plan and so many portfolios that
    differ from it by one change. random: so many that keep all limits, drawn under `seed` (None: the case's).
    Raises PlannerError unless one kind is asked for, and where there is no plan.

    >>> import planner
    >>> found = planner.plan("fixtures/tiny", prices="none")
    >>> len(planner.portfolios(found, subsets="sites"))
    2
    """
    if not isinstance(plan, Plan):
        raise PlannerError(f"{type(plan).__name__} is no plan; planner.plan(case) makes one")
    if plan.levels is None:
        raise PlannerError(f"there is no plan to start from: {plan.status}")
    if sum(kind is not None for kind in (subsets, neighbours, random)) != 1:
        raise PlannerError("give one of subsets='sites', neighbours=N, random=N")
    if seed is not None and random is None:
        raise PlannerError("a seed is for random=N alone; leave it out")
    return AroundPlan(plan, source_around(plan.candidates, plan.levels, subsets, neighbours, random, seed))


def source_around(
    candidates: CandidateSet, levels: Floats, subsets: str | None, neighbours: int | None, random: int | None,
    seed: int | None
) -> PackageSource:
    """Subsets of what levels put on each site, their neighbours, or random feasible portfolios: the one that is not
    None.

    levels: of every candidate, shape (candidates,).
    """
    if random is not None:
        return random_portfolios(
            candidates, levels, random, seed=candidates.outlook.case.settings.seed if seed is None else seed
        )
    if neighbours is not None:
        return near(candidates, levels, neighbours)
    if subsets not in SUBSETS_OF:
        raise PlannerError(f"subsets {subsets!r} are not known; {remedy_for(str(subsets), SUBSETS_OF)}")
    return Subsets(site_packages(candidates, levels))
