"""The best integer plan out of a pool, by branch and price: a tree over the integers, every node of it priced over
the whole pool.

Integers (a site opened, a lease taken or not, a block, a link, a whole phase) stand in the master; bundles are
divisible. A search over the columns of the last master alone would bound nothing, since a column left out may be worth
little on average and much once a decision is made. So each node of the tree is a master of its own: the pool is priced
at its prices, columns that could help come in, and the node is closed only when prices prove over all columns that none
of its plans beats the best one by more than the gap, or that it holds no plan [1]. All nodes share one programme, whose
columns and scenarios hold everywhere.

[1] Barnhart, Johnson, Nemhauser, Savelsbergh, Vance, Branch-and-price: column generation for solving huge integer
programs, Operations Research 46 (1998), 316-329.
"""

from __future__ import annotations

import heapq
import math
import time
from dataclasses import dataclass, field, replace

import numpy as np
import scipy.sparse as sp

from planner.arrays import Floats, Ints
from planner.solver.branch_and_bound.branching import LEAST_LOSS, SETTLED, PseudoCosts
from planner.solver.branch_and_bound.idle import settled
from planner.solver.branch_and_bound.node_lp import INTEGRALITY
from planner.solver.column_generation.certificate import bound_of
from planner.solver.column_generation.columns import FixedPart, Pool
from planner.solver.column_generation.mean_cvar import MeanCvar
from planner.solver.column_generation.node_proof import Node
from planner.solver.column_generation.pricing_rounds import WITHIN
from planner.solver.column_generation.restricted_master import Answer, Master, Prices
from planner.solver.growing_lp import NoVertex
from planner.solver.options import SolverOptions
from planner.solver.status import Status

MOST_NODES = 3000
"""Parts after which the tree is left as it is, with the gap that it has reached."""
CLOSE = 1e-4
"""Gap of a node at which it is branched on; what is left of it only loosens the bounds of its children."""
CLOSED = 1e-6
"""Gap at which a node whose integers are integral is done."""
ROUNDS = 60
"""Rounds of pricing in one node at most."""
MOST = 4
"""Columns of each group that come in a round."""
PATIENCE = 100
"""Solves without being held after which a column leaves."""
TRIALS, TRIAL_ITERATIONS = 8, 60
"""Decisions without history that are tried at a node, and dual simplex iterations of a trial."""


@dataclass(frozen=True, eq=False)
class BranchAndPrice:
    """What the tree proved. integers: those of the best plan, (k,), None where none beat the one given; value, bound:
    $M.

    nodes cover all integer choices, see `node_proof`. columns, scenarios: those that stood in the programme at the end.
    stopped: what
    ended it before it was through: "time", "nodes", "solver" (a relaxation that it did not settle), "Ctrl-C", or "".
    """

    integers: Floats | None
    value: float
    bound: float
    nodes: tuple[Node, ...]
    columns: Ints
    scenarios: Ints
    stopped: str

    @property
    def infeasible(self) -> bool:
        """Whether there is no integer plan at all."""
        return all(node.infeasible for node in self.nodes)


def branch_and_price(
    fixed: FixedPart, pool: Pool, measure: MeanCvar, options: SolverOptions | None = None, *,
    cvar_limit: float | None = None, bound: float = math.inf, value: float = -math.inf, columns: Ints | None = None,
    scenarios: Ints | None = None,
    most_nodes: int | None = None,
) -> BranchAndPrice:
    """Prove the best integer plan out of a pool.

    bound: of the relaxation; value: of an integer plan that is known, $M. columns, scenarios: those of the pool to
    begin with. Of the options count the gap, the time limit and the progress. A tree that is stopped is an answer
    with the bound that it has reached.
    """
    chosen = options or SolverOptions()
    tree = _Tree(fixed, pool, measure, chosen, cvar_limit, value, MOST_NODES if most_nodes is None else most_nodes)
    if columns is not None:
        tree.master.add_pool(columns)
    if scenarios is not None and tree.master.risky:
        tree.master.add_scenarios(scenarios)
    return tree.run(bound)


@dataclass
class _Tree:
    """The programme, the best plan so far, nodes that are closed and nodes that are open."""

    fixed: FixedPart
    pool: Pool
    measure: MeanCvar
    options: SolverOptions
    cvar_limit: float | None
    value: float
    most: int
    master: Master = field(init=False)
    integers: Floats | None = None
    done: list[Node] = field(default_factory=list)
    open: list[tuple[float, int, Node]] = field(default_factory=list)
    _at: Ints = field(init=False)
    _losses: PseudoCosts = field(init=False)
    _columns: sp.csc_array = field(init=False)
    """The rows by column."""
    _free: np.ndarray = field(init=False)
    """Which of them cost nothing by themselves."""
    _number: int = 0
    _began: float = field(default_factory=time.perf_counter)

    def __post_init__(self) -> None:
        self.master = Master(self.fixed, self.pool, self.measure, self.cvar_limit, self.options.time_limit_s)
        self._at = np.flatnonzero(self.fixed.arrays.integer)
        self._losses = PseudoCosts.of(len(self._at))
        self._columns = sp.csc_array(self.fixed.arrays.matrix)
        self._free = (self.fixed.values.mean[self._at] == 0.0) & ~np.isin(self._at, self.fixed.values.varying)

    def run(self, bound: float) -> BranchAndPrice:
        """Close nodes, best bound first and deep before wide, until nothing open could be better by more than the
        gap."""
        arrays = self.fixed.arrays
        lower, upper = arrays.col_lower[self._at], arrays.col_upper[self._at]
        self._push(Node(np.ceil(lower - INTEGRALITY), np.floor(upper + INTEGRALITY), bound))
        stopped = ""
        try:
            stopped = self._search()
        except NoVertex as ended:
            stopped = "time" if ended.status is Status.TIME_LIMIT else "solver"
        except KeyboardInterrupt:
            stopped = "Ctrl-C"
        nodes = (*self.done, *(entry[2] for entry in self.open))
        best = max([self.value, *(node.bound for node in nodes)])
        return BranchAndPrice(
            self.integers, self.value, best, nodes, self.master.pool_held, self.master.scenarios, stopped
        )

    def _search(self) -> str:
        while self.open and -self.open[0][0] > self._cutoff():
            node: Node | None = self.open[0][2]
            while node is not None:
                if len(self.done) + len(self.open) >= self.most:
                    return "nodes"
                if (
                    self.options.time_limit_s is not None
                    and time.perf_counter() - self._began > self.options.time_limit_s
                ):
                    return "time"
                children = self._settle(node)
                # A node stays open until its children are, so that the bound holds whenever the time runs out.
                for child in children:
                    self._push(child)
                self.open = [entry for entry in self.open if entry[2] is not node]
                heapq.heapify(self.open)
                node = children[0] if children else None
                self._report()
        return ""

    def _push(self, node: Node) -> None:
        self._number += 1
        heapq.heappush(self.open, (-node.bound, self._number, node))

    def _cutoff(self) -> float:
        """Bound at which a node need not be looked into any further."""
        return self.value if math.isinf(self.value) else self.value + 0.9 * self.options.gap * abs(self.value)

    # --- one node ----------------------------------------------------------------------------------------------

    def _settle(self, node: Node) -> list[Node]:
        """Relax a node over the whole pool; the two nodes it is branched into, the more promising first, or none where
        it is closed.

        Invariant: a node's bound is at least the value of each of its plans over *all* columns and scenarios, since it
        comes from `bound_of`, which prices the whole pool; what the master happens to hold only says when to stop. A
        node is closed where (1) its bound is within the gap of the best plan, (2) prices of the limits alone prove that
        it holds no plan, or (3) its answer is integral, keeps all limits, and no column or scenario is missing.
        The textbook [1] prices a node until no column comes; here it is left at CLOSE while it is fractional, because
        what is left of its gap only loosens the bounds of its children, and they are priced anyway.
        """
        master = self.master
        if node.bound <= self._cutoff():  # a better plan has come since it was made
            self.done.append(node)
            return []
        master.hold(self._at, node.lower, node.upper)
        pricing = _Pricing(self, node)
        levels: Floats | None = None
        asked = False
        for _ in range(ROUNDS):
            answer = master.solve()
            came = pricing.round(answer.prices)
            if pricing.closes():
                self.done.append(pricing.node)
                return []
            levels = None if answer.broken else self._moved(answer)
            integral = levels is not None and not len(self._loose(levels))
            value, missed = self.measure.value(answer.npv), answer.missed
            if levels is not None and integral and self._keeps_limit(answer):
                self._keep(value, levels)
            close = pricing.value - value <= (CLOSED if integral else CLOSE) * max(abs(value), 1e-9)
            if close and not answer.broken and not (integral and len(missed)):
                break
            if came == 0 and not len(missed):
                if not answer.broken or asked:
                    break
                asked = True
                infeasible = self._without_plan(node)
                if infeasible is not None:
                    self.done.append(infeasible)
                    return []
            master.add_scenarios(missed)
        node = pricing.settled()
        master.drop_idle(PATIENCE)
        chosen = answer.levels if levels is None else levels
        loose = self._loose(chosen)
        if not len(loose) and (answer.broken or len(answer.missed)):
            # rounds ran out, or rounding keeps a limit from being kept: take it apart
            loose = np.flatnonzero(node.upper > node.lower)
        if node.bound <= self._cutoff() or not len(loose):
            self.done.append(node)
            return []
        return self._branched(node, chosen, loose)

    def _without_plan(self, node: Node) -> Node | None:
        """The node as one that holds no plan, where prices of the limits alone prove that; columns that help to keep
        them come in."""
        fixed = node.within(self.fixed)
        with self.master.limits_alone():
            for _ in range(ROUNDS):
                answer, capped = self.master.solve(), self.master.capped
                found = bound_of(fixed, self.pool, answer.prices, cvar_limit=self.cvar_limit, capped=capped, most=MOST)
                if found.value < -INTEGRALITY:
                    return replace(node, bound=-math.inf, prices=answer.prices, capped=capped, infeasible=True)
                came = (
                    0 if found.priced is None else self.master.add_pool(found.priced.column[found.priced.column >= 0])
                )
                if came == 0 and not len(answer.missed):
                    return None
                self.master.add_scenarios(answer.missed)
        return None

    def _keeps_limit(self, answer: Answer) -> bool:
        limit = self.cvar_limit
        return limit is None or self.measure.cvar(answer.npv) <= limit + WITHIN * max(abs(limit), 1.0)

    def _keep(self, value: float, levels: Floats) -> None:
        if value > self.value:
            self.value, self.integers = value, np.round(levels[self._at])

    def _loose(self, levels: Floats) -> Ints:
        """Which integers are not integral."""
        chosen = levels[self._at]
        return np.flatnonzero(np.abs(chosen - np.round(chosen)) > INTEGRALITY)

    def _moved(self, answer: Answer) -> Floats:
        """The levels with integers that cost nothing moved to an integral level where no row objects."""
        arrays, loose = self.fixed.arrays, self._loose(answer.levels)
        return settled(
            answer.levels, answer.activity, self._at[loose[self._free[loose]]], self._columns, arrays.row_lower,
            arrays.row_upper,
        )

    # --- branching -----------------------------------------------------------------------------------------------

    def _branched(self, node: Node, levels: Floats, loose: Ints) -> list[Node]:
        """The node in two, at the decision that loses most both ways: the product of both losses by pseudo-costs, those
        without history tried first (strong branching on the first TRIALS of them). A split lies between two integral
        levels, so the two halves together hold every integer choice of the node, and share none."""
        chosen = levels[self._at]
        losses = {q: self._losses.losses(q, float(chosen[q] % 1.0)) for q in loose.tolist()}
        now = self.master.solve().value
        ranked = sorted(losses, key=lambda q: (-losses[q][0] * losses[q][1], q))
        for q in [q for q in ranked if not self._losses.known(q)][:TRIALS]:
            losses[q] = self._tried(node, q, float(chosen[q]), now)
        best = max(ranked, key=lambda q: (losses[q][0] * losses[q][1], -q))
        split = min(float(np.floor(chosen[best])), float(node.upper[best]) - 1.0)
        below, above = node.upper.copy(), node.lower.copy()
        below[best], above[best] = split, split + 1.0
        children = [replace(node, upper=below), replace(node, lower=above)]
        return children if losses[best][0] < losses[best][1] else children[::-1]

    def _tried(self, node: Node, q: int, level: float, now: float) -> tuple[float, float]:
        """Losses of rounding a decision down and up, as a few iterations tell."""
        given = (float(node.lower[q]), float(node.upper[q]))
        found = []
        for way, edge in ((0, math.floor(level)), (1, math.ceil(level))):
            bounds = (given[0], min(float(edge), given[1])) if way == 0 else (max(float(edge), given[0]), given[1])
            value = self.master.lp.tried(int(self._at[q]), bounds, given, TRIAL_ITERATIONS)
            if value is not None:
                self._losses.note(q, way, max(now - value, 0.0), abs(edge - level))
            found.append(SETTLED if value is None else max(now - value, LEAST_LOSS))
        return found[0], found[1]

    def _report(self) -> None:
        if self.options.progress is None:
            return
        bound = max([self.value, *(node.bound for node in self.done), *(-entry[0] for entry in self.open)])
        known = None if math.isinf(self.value) else self.value
        gap = None if known is None else (bound - known) / max(abs(known), 1e-9)
        self.options.progress(time.perf_counter() - self._began, known, bound, gap)


@dataclass
class _Pricing:
    """The pool priced for one node, round by round. value: the best bound so far, fast or proven."""

    tree: _Tree
    node: Node
    value: float = field(init=False)
    _within: FixedPart = field(init=False)
    _at: tuple[Prices, Ints | None] | None = None

    def __post_init__(self) -> None:
        self.value, self._within = self.node.bound, self.node.within(self.tree.fixed)

    def round(self, prices: Prices) -> int:
        """Price the pool; returns how many columns came."""
        tree, capped = self.tree, self.tree.master.capped
        found = bound_of(
            self._within, tree.pool, prices, cvar_limit=tree.cvar_limit, capped=capped, most=MOST, exact=False
        )
        if found.value < self.value:
            self.value, self._at = found.value, (prices, capped)
        return 0 if found.priced is None else tree.master.add_pool(found.priced.column[found.priced.column >= 0])

    def closes(self) -> bool:
        """Whether nothing in the node can be better than the best plan by more than the gap, proven in float64."""
        return self.value <= self.tree._cutoff() and self.settled().bound <= self.tree._cutoff()

    def settled(self) -> Node:
        """The node with its best bound, recomputed in float64."""
        if self._at is not None:
            prices, capped = self._at
            exact = bound_of(self._within, self.tree.pool, prices, cvar_limit=self.tree.cvar_limit, capped=capped).value
            if exact < self.node.bound:
                self.node = replace(self.node, bound=exact, prices=prices, capped=capped)
            self.value, self._at = self.node.bound, None
        return self.node
