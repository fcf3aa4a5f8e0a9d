"""What a sweep varies and what it found."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import pandas as pd

from planner.case.case import Case
from planner.errors import PlannerError
from planner.planning.options import PlanOptions
from planner.sweeping.axes import Axis, Point
from planner.sweeping.base_plan import BasePlan
from planner.sweeping.point import Outcome
from planner.sweeping.points import Refused
from planner.sweeping.tables import Found, broken_table, flips_table, points_table, portfolios_table, where_table


@dataclass(frozen=True)
class SweepOptions:
    """What to vary, and how.

    vary: one or two of `NAME=low:high:count` or `NAME=value,value,...`; NAME is a factor or `table.column[id]`.
    stresses: the named stresses of the case instead, or as one of the two. workers: processes, None for the cores.
    scheduler: address of a Dask scheduler whose workers find the points in their place.
    cold: begin every plan from nothing, to see what warm starts save. plan: options of every plan.
    """

    vary: tuple[str, ...] = ()
    stresses: bool = False
    workers: int | None = None
    cold: bool = False
    plan: PlanOptions = field(default_factory=PlanOptions)
    scheduler: str | None = None

    def __post_init__(self) -> None:
        if self.workers is not None and self.scheduler is not None:
            raise PlannerError("workers are processes here, a scheduler has workers of its own; give one of the two")
        if self.workers is not None and self.workers < 1:
            raise PlannerError(f"workers = {self.workers}: give 1 or more, or leave it out for one a core")


@dataclass(frozen=True, eq=False, repr=False)
class Sweep:
    """What a sweep found. `found` holds the points that are done, by number; `interrupted`: Ctrl-C came before the
    rest.

    seconds: wall time of this call. workers: processes used.
    """

    case: Case
    options: SweepOptions
    axes: tuple[Axis, ...]
    points: tuple[Point, ...]
    base: BasePlan
    found: Found
    interrupted: bool
    workers: int
    seconds: float

    def __repr__(self) -> str:
        asked = " and ".join(axis.name for axis in self.axes)
        return f"<Sweep of {self.case.settings.name!r} over {asked}: {len(self.found)} of {len(self.points)} points>"

    @cached_property
    def table(self) -> pd.DataFrame:
        """A row a point: values, held plan, plan redone, what redoing is worth, what comes in and goes out."""
        return points_table(self.axes, self.points, self.found, self.base)

    @cached_property
    def sites(self) -> pd.DataFrame:
        """Contracted MW of every site at every point, held and redone."""
        return where_table(self.axes, self.points, self.found, self.base, "site")

    @cached_property
    def leases(self) -> pd.DataFrame:
        """What is won of every lease at every point, held and redone: GPUs, or MW of critical IT."""
        return where_table(self.axes, self.points, self.found, self.base, "lease")

    @cached_property
    def flips(self) -> pd.DataFrame:
        """Between which values sites and leases come in or go out."""
        return flips_table(self.axes, self.points, self.found)

    @cached_property
    def broken(self) -> pd.DataFrame:
        """Limits that the held plan breaks."""
        return broken_table(self.axes, self.points, self.found)

    @cached_property
    def portfolios(self) -> pd.DataFrame:
        """The plans redone, as portfolios by candidate."""
        return portfolios_table(self.points, self.found)

    @property
    def outcomes(self) -> list[Outcome]:
        """Points that were planned, in order."""
        return [one for point in self.points if isinstance(one := self.found.get(point.number), Outcome)]

    @property
    def solver_seconds(self) -> float:
        """Seconds of the solver over all points, without the base plan."""
        return sum(one.solver_seconds for one in self.outcomes)

    @property
    def exit_code(self) -> int:
        """0 where every point is done and has a plan or is proven to have none; 4 when stopped; else the worst code of
        a point."""
        codes = [one.exit_code for one in self.outcomes if one.exit_code != 3]
        refused = any(isinstance(one, Refused) for one in self.found.values())
        return max([4 if self.interrupted else 0, 2 if refused else 0, *codes])
