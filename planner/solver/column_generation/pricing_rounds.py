"""Column generation: the best plan after risk out of a pool of any size, to a proven gap.

Each round solves the master warm, prices the whole pool in one pass, and brings in the best columns of each group and
the scenarios that its answer puts into the tail. Prices are not smoothed towards those of the best bound [1]: on pools
of bundles (100,000 x 128) that took as many rounds or more (12 without, 15 at a share of 0.3, 38 at 0.6), as several
columns of each group already keep prices from jumping.

[1] Wentges, Weighted Dantzig-Wolfe decomposition for linear mixed-integer programming, International Transactions in
Operational Research 4 (1997), 151-162; Pessoa, Sadykov, Uchoa, Vanderbeck, Automation and combination of
linear-programming based stabilization techniques in column generation, INFORMS Journal on Computing 30 (2018), 339-360.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from planner.arrays import Floats, Ints
from planner.solver.column_generation.certificate import Certificate, bound_of, certify
from planner.solver.column_generation.columns import FixedPart, Pool
from planner.solver.column_generation.mean_cvar import MeanCvar, in_words
from planner.solver.column_generation.restricted_master import Answer, Master, Prices
from planner.solver.growing_lp import NoVertex
from planner.solver.status import Status

RoundReport = Callable[["Round"], None]

WITHIN = 1e-6
"""How far beyond its limit CVaR may lie, relative to the limit (or to $1M)."""
WIDEN = 1e-4
"""Gap below which the pool is priced in float64 whatever the dtype of its values: rounding must not decide what is
left."""


@dataclass(frozen=True)
class Round:
    """One round: seconds since the start, value of its plan and best bound so far ($M), columns and scenarios in the
    master."""

    seconds: float
    value: float
    bound: float
    pool_columns: int
    scenarios: int
    came: int
    went: int

    @property
    def gap(self) -> float:
        """How far a better plan could be, relative to this one."""
        return max(self.bound - self.value, 0.0) / max(abs(self.value), 1e-9)


@dataclass(frozen=True)
class GenerationOptions:
    """How to generate columns.

    gap: relative gap at which the relaxation counts as solved. most: columns per group and round. patience: rounds
    without being held after which a column leaves. rounds: most rounds. seconds: limit of the solver's time.
    report: called after each round.
    """

    gap: float = 1e-6
    most: int = 4
    patience: int = 12
    rounds: int = 500
    seconds: float | None = None
    report: RoundReport | None = None


@dataclass(frozen=True, eq=False)
class Generated:
    """The relaxation solved: levels of the fixed columns (n,), pool columns held with their levels, NPV by scenario
    (S,), prices, proof.

    scenarios: those with a row in the master. proven: whether the gap asked for was reached.
    """

    levels: Floats
    pool_columns: Ints
    pool_levels: Floats
    npv: Floats
    prices: Prices
    certificate: Certificate
    scenarios: Ints
    rounds: tuple[Round, ...]
    proven: bool
    in_master: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    """Pool columns that stood in the last master."""


def generate(
    fixed: FixedPart, pool: Pool | None, measure: MeanCvar, options: GenerationOptions | None = None, *,
    cvar_limit: float | None = None, start: Ints | None = None, scenarios: Ints | None = None,
) -> Generated:
    """Solve the relaxation over the fixed part and the whole pool.

    cvar_limit: greatest CVaR of the loss, $M. start, scenarios: pool columns and scenarios that stand in the first
    master, as those of a neighbouring problem. Raises NoVertex where the first master is infeasible or unbounded, or no
    plan keeps the
    limit on CVaR: then the least that can be reached is named.
    """
    chosen = options or GenerationOptions()
    if cvar_limit is not None:
        # A master without the right columns could not keep the limit at first: the least CVaR shows whether any can,
        # and which do.
        least = _within(fixed, pool, measure, chosen, cvar_limit, start, scenarios)
        start, scenarios = least.in_master, least.scenarios
    master = Master(fixed, pool, measure, cvar_limit, chosen.seconds)
    if pool is not None and start is not None:
        master.add_pool(start)
    if scenarios is not None and master.risky:
        master.add_scenarios(scenarios)
    return _Rounds(master, chosen).run()


def _within(
    fixed: FixedPart, pool: Pool | None, measure: MeanCvar, options: GenerationOptions, limit: float,
    start: Ints | None, scenarios: Ints | None
) -> Generated:
    """A plan whose CVaR keeps the limit, found on the way to the one with the least."""
    master = Master(fixed, pool, replace(measure, weight=1.0), None, options.seconds)
    if pool is not None and start is not None:
        master.add_pool(start)
    if scenarios is not None:
        master.add_scenarios(scenarios)
    found = _Rounds(master, options, enough=-limit).run()
    if found.certificate.value < -limit - WITHIN * max(abs(limit), 1.0):
        least, money = -found.certificate.value, fixed.values.money
        raise NoVertex(
            Status.INFEASIBLE,
            f"no plan has a CVaR of the loss of {in_words(limit * money)}; the least is {in_words(least * money)}, so "
            "allow at least that",
        )
    return found


@dataclass
class _Rounds:
    """The rounds of one generation; `enough` is a value at which it may end."""

    master: Master
    options: GenerationOptions
    enough: float = np.inf
    _began: float = field(default_factory=time.perf_counter)
    _bound: float = np.inf
    _best_prices: Prices | None = None
    _capped: Ints | None = None
    _broken: tuple[str, ...] = ()
    _best: Answer | None = None
    _best_value: float = -np.inf
    _log: list[Round] = field(default_factory=list)

    def run(self) -> Generated:
        """Rounds until the gap is closed, nothing can be added, or a limit is reached.

        Invariants: the master is a restriction (fewer columns) and, in its scenarios, a relaxation (fewer rows of the
        tail), so its own objective bounds nothing; the value of a round is recomputed over all scenarios, its bound
        over all columns, and the best of each is kept. Both only ever improve. It ends: a round either moves one of
        them, or adds a column or a scenario and drops none.
        """
        for _ in range(self.options.rounds):
            before = (self._best_value, self._bound)
            answer = self.master.solve()
            self._note(answer)
            came = self._priced(answer.prices)
            # A round that moved neither keeps its columns: else the same ones could come and go for ever.
            moved = self._best_value > before[0] or self._bound < before[1]
            missed = answer.missed
            closed = self._closed()
            went = 0
            if not closed:
                self.master.add_scenarios(missed)
                went = self.master.drop_idle(self.options.patience) if moved else 0
            self._report(came, went)
            if closed or (came == 0 and not len(missed)):
                break
        return self._answer()

    def _note(self, answer: Answer) -> None:
        limit = self.master.cvar_limit
        within = limit is None or self.master.measure.cvar(answer.npv) <= limit + WITHIN * max(abs(limit), 1.0)
        within = within and not answer.broken
        self._broken = answer.broken
        value = self.master.measure.value(answer.npv)
        if within and (value > self._best_value or self._best is None):
            self._best, self._best_value = answer, value

    def _priced(self, prices: Prices) -> int:
        """Price the pool; returns how many columns came."""
        master = self.master
        capped = master.capped
        exact = bool(self._gap() < WIDEN)
        found = bound_of(
            master.fixed, master.pool, prices, cvar_limit=master.cvar_limit, capped=capped, most=self.options.most,
            exact=exact,
        )
        if found.value < self._bound:
            self._bound, self._best_prices, self._capped = found.value, prices, capped
        if found.priced is None or self._closed():
            return 0
        return master.add_pool(found.priced.column[found.priced.column >= 0])

    def _gap(self) -> float:
        return (self._bound - self._best_value) / max(abs(self._best_value), 1e-9)

    def _closed(self) -> bool:
        return self._best is not None and (self._gap() <= self.options.gap or self._best_value >= self.enough)

    def _report(self, came: int, went: int) -> None:
        value = self._best_value if self._best is not None else -np.inf
        entry = Round(
            time.perf_counter() - self._began, value, self._bound, len(self.master.pool_held),
            len(self.master.scenarios), came, went,
        )
        self._log.append(entry)
        if self.options.report is not None:
            self.options.report(entry)

    def _answer(self) -> Generated:
        master, best, prices = self.master, self._best, self._best_prices
        if best is None or prices is None:
            raise NoVertex(
                Status.INFEASIBLE,
                f"no mix of the pool's columns keeps {', '.join(self._broken[:3]) or 'the limit on CVaR'}; add columns "
                "that serve what must be served"
            )
        proof = certify(
            master.fixed, master.pool, master.measure, prices, best.npv, cvar_limit=master.cvar_limit,
            capped=self._capped,
        )
        held = best.pool_levels > 0.0
        return Generated(
            best.levels, best.pool_columns[held], best.pool_levels[held], best.npv, prices, proof, master.scenarios,
            tuple(self._log), proof.gap <= self.options.gap, master.pool_held,
        )
