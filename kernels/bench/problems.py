"""Made-up problems of the sizes that the figures are quoted for, and small ones to try the bench itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kernels.lines import Line
from kernels.reference.portfolio import Portfolios
from kernels.reference.unit_npv import discounted_prefix, schedule_values
from kernels.terms import ScheduleTerm, Term, WindowTerm

Floats = npt.NDArray[Any]
ALPHA = 0.95
TAX_RATE = 0.25


@dataclass(frozen=True)
class Sizes:
    """How large the problems are."""

    portfolios: int
    path_portfolios: int
    loop_portfolios: int
    """Of the ways that take a millisecond or more for each."""
    scenarios: int
    candidates: int
    members: int
    path_months: int
    units: int
    pool_scenarios: int
    pool_months: int
    cash_units: int
    device_portfolios: int
    """Of one piece on a GPU."""
    device_total: int
    """Of all pieces on a GPU."""
    copied_bytes: int
    product_rows: int
    compiled_loops: bool
    """False: the numba loops run as plain Python, which needs no numba and no half a minute of compilation."""


FULL = Sizes(20_000, 2_000, 20, 1_000, 400, 12, 60, 50_000, 256, 96, 100, 10_000_000, 100_000_000, 1 << 28, 2_048, True)
SMOKE = Sizes(40, 12, 3, 50, 30, 6, 12, 10, 20, 24, 4, 64, 128, 1 << 20, 64, False)


@dataclass(frozen=True)
class RiskProblem:
    """NPVs of candidates by scenario, and portfolios of a fixed number of them."""

    portfolios: Portfolios
    unit: Floats
    """(candidates, scenarios), float32."""
    weights: Floats

    @property
    def members(self) -> int:
        """Candidates in each portfolio."""
        return len(self.portfolios.levels) // len(self.portfolios)


def risk_problem(sizes: Sizes, *, seed: int = 1) -> RiskProblem:
    """`members` of the candidates in each portfolio, at levels between 0.5 and 2."""
    rng = np.random.default_rng(seed)
    unit = rng.normal(1.0, 4.0, (sizes.candidates, sizes.scenarios)).astype(np.float32)
    return RiskProblem(
        random_portfolios(sizes, sizes.portfolios, rng), unit, np.full(sizes.scenarios, 1 / sizes.scenarios)
    )


def random_portfolios(sizes: Sizes, count: int, rng: np.random.Generator) -> Portfolios:
    """Portfolios of `members` different candidates each."""
    chosen = np.argpartition(
        rng.random((count, sizes.candidates), dtype=np.float32), sizes.members, axis=1
    )[:, : sizes.members]
    levels = rng.uniform(0.5, 2.0, count * sizes.members).astype(np.float32)
    return Portfolios(np.arange(count + 1, dtype=np.int64) * sizes.members, chosen.reshape(-1).astype(np.int32), levels)


@dataclass(frozen=True)
class PathProblem:
    """Monthly cash of candidates by scenario, and portfolios."""

    portfolios: Portfolios
    cash: Floats
    """(candidates, scenarios, months), float32: an outlay over half a year, then income."""
    weights: Floats


def path_problem(sizes: Sizes, *, seed: int = 2) -> PathProblem:
    """Most portfolios pay back within the horizon in most scenarios, some never."""
    rng = np.random.default_rng(seed)
    cash = rng.normal(1.0, 1.0, (sizes.candidates, sizes.scenarios, sizes.path_months)).astype(np.float32)
    outlay = min(6, sizes.path_months // 2)
    cash[:, :, :outlay] -= 0.6 * sizes.path_months / outlay
    cash *= rng.lognormal(0.0, 0.5, (1, sizes.scenarios, 1)).astype(np.float32)
    return PathProblem(
        random_portfolios(sizes, sizes.path_portfolios, rng), cash, np.full(sizes.scenarios, 1 / sizes.scenarios)
    )


@dataclass(frozen=True)
class PoolProblem:
    """A pool of units: income and energy over a window, and capex written off over five years."""

    terms: list[Term]
    paths: Floats
    """(paths, scenarios, months)."""
    profiles: Floats
    events: npt.NDArray[np.int32]
    discount: Floats

    @property
    def prefix(self) -> Floats:
        """Sums of the discounted paths up to each month, as the kernel takes them."""
        return np.asarray(discounted_prefix(self.paths, self.discount))

    @property
    def values(self) -> Floats:
        """Present values of the profiles by the month in which they begin."""
        return np.asarray(schedule_values(self.profiles, self.discount))

    @property
    def units(self) -> int:
        """Units that are valued."""
        return int(self.terms[0].amount.shape[0])


def pool_problem(sizes: Sizes, *, units: int, seed: int = 3) -> PoolProblem:
    """Windows begin in the first third of the horizon, later in bad scenarios, and end in the last third."""
    rng = np.random.default_rng(seed)
    scenarios, months, paths, delays = sizes.pool_scenarios, sizes.pool_months, 20, 30
    tables = rng.lognormal(0.0, 0.2, (paths, scenarios, months))
    begin = rng.integers(0, months // 3, (delays, scenarios))
    end = rng.integers(2 * months // 3, months + 1, (delays, scenarios))
    events = np.concatenate((begin, end)).astype(np.int32)
    profiles = np.full((1, 60), 1 / 60)
    start, stop, path, cost = rng.integers(0, delays, units), delays + rng.integers(0, delays, units), rng.integers(
        0, paths // 2, units
    ), rng.random(units)
    terms: list[Term] = [
        WindowTerm(Line.REVENUE, 1.0 + rng.random(units), path, start, stop),
        WindowTerm(Line.ENERGY, -0.3 * rng.random(units), paths // 2 + path, start, stop),
        ScheduleTerm(Line.DEPRECIATION, 20.0 * cost, np.zeros(units, dtype=np.int64), start),
    ]
    return PoolProblem(terms, tables, profiles, events, 1.1 ** -((np.arange(months) + 0.5) / 12.0))
