"""Branch and bound over warm relaxations: few, weighty 0/1 decisions over a large linear programme.

The models here have some hundred decisions (a lease taken, a block on a site, a site opened) over ten thousands of
levels, and their relaxation changes little from one decision to the next: a re-solve from the last basis takes a
hundred iterations where the first takes ten thousand. General MIP solvers spend their time on cuts, sub-MIPs and
strong branching that gain little on such a model; a plain tree over warm re-solves proves the same gap in a quarter of
the time.

Branching is by pseudo-costs, each begun with one short trial [1]; nodes are taken depth first to the better child,
then by best bound. A tree that does not close soon looks for a better answer near the one it has: what answer and
relaxation agree on is fixed, and the rest is a small tree of its own [2]. A large one gets the cutting planes of HiGHS,
begins again from the relaxation with them, and takes its nodes by best bound alone, since by then it has a good answer.
A tree that grows beyond `MOST_RELAXATIONS` is handed to HiGHS with the best answer as its start.

The two halves of a node are solved at the same time on two threads, and cuts are made while answers are looked for;
what is solved on which solver is fixed, so the tree is the same on one core.

[1] Achterberg, Koch, Martin, Branching rules revisited, Operations Research Letters 33 (2005), 42-54.
[2] Danna, Rothberg, Le Pape, Exploring relaxation induced neighborhoods, Mathematical Programming 102 (2005), 71-90.
"""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from kernels.pieces import usable_cores
from planner.solver.branch_and_bound.branching import Branching, Node, PseudoCosts
from planner.solver.branch_and_bound.node_lp import INTEGRALITY, NodeLp, Relaxed, Unsettled, seconds_left, with_cuts
from planner.solver.branch_and_bound.root_cuts import Cuts, root_cuts
from planner.solver.branch_and_bound.tightening import tightened
from planner.solver.fresh_highs import fresh_highs
from planner.solver.highs import HighsSolver
from planner.solver.model_arrays import FloatArray, ModelArrays
from planner.solver.options import SolverOptions
from planner.solver.solution import TOLERANCE, Claim, Solution, checked, cleaned, verify
from planner.solver.status import Status

MOST_RELAXATIONS = 3000
LOOK_AFTER = 120
"""Relaxations after which the neighbourhood of the best answer is searched, and again at three times as many."""
CUT_AFTER = 1.5e8
"""Iterations times rows after which a tree gets cutting planes: some ten seconds, in which an easy one is done."""
DIVE_EVERY = 150
"""Relaxations in a tree with cuts after which it dives from its best node: by best bound alone it would find no
answers."""
LOOK_AGAIN = 3
"""Factor on the relaxations after which it is searched again."""
MOST_NEARBY = 100
"""Relaxations spent on one such neighbourhood."""
MANY_ROWS = 2000
"""Rows above which interior point with crossover is the faster way to a vertex of an LP."""
SEARCH_SHARE = 0.9
"""Share of a time limit after which the search ends; the rest is for the LP with its integers fixed, and its prices."""

ROUNDING = (
    "no part of the tree is open: what is left of the gap is the tolerance of its relaxations, not a better answer"
)


@dataclass
class TreeSearch:
    """A solver (see `solvers.Solver`) for models with few integers; what it does not settle goes to HiGHS whole.

    A start over all columns that keeps every limit (`options.start`) is the answer to beat; any other goes to HiGHS,
    which completes it.
    most: relaxations after which it gives up, None for `MOST_RELAXATIONS`. at_least: value that an answer has to beat
    (greater is better, whatever the sense of the model).
    hint: levels over all columns, of which the integers are tried after the first dive; with one the time goes
    into the proof.
    priced: whether the answer is solved once more as the LP that prices come from.
    fixed: after a solve, the model with its integers fixed at the answer, solved to a vertex; fixed_basis: that vertex.
    Of a time limit the search takes SEARCH_SHARE, so that there is time left to fix its answer.
    """

    options: SolverOptions
    most: int | None = None
    at_least: float = -np.inf
    hint: FloatArray | None = None
    priced: bool = True
    _began: float = field(default=0.0, init=False)
    _best: tuple[float, FloatArray] | None = field(default=None, init=False)
    _open: list[tuple[float, int, Node]] = field(default_factory=list, init=False)
    _nodes: int = field(default=0, init=False)
    _maximise: bool = field(default=True, init=False)
    _proven: float | None = field(default=None, init=False)
    _shown: float = field(default=-np.inf, init=False)
    _given: tuple[float, FloatArray] | None = field(default=None, init=False)
    _hinted: bool = field(default=False, init=False)
    fixed: Solution | None = field(default=None, init=False)
    fixed_basis: Any = field(default=None, init=False)

    def solve_arrays(self, arrays: ModelArrays) -> Solution:
        """Solve to the gap asked for; an LP, and a model that presolve settles, is solved by HiGHS directly."""
        self._start(arrays)
        if not arrays.is_mip and not self.options.extra and arrays.rows > MANY_ROWS:
            return HighsSolver(replace(self.options, extra={"solver": "ipx"})).solve_arrays(arrays)
        if not arrays.is_mip or self.options.extra:
            return HighsSolver(self.options).solve_arrays(arrays)
        if self.options.start is not None:
            self._given = given_answer(arrays, self.options.start)
            if self._given is None:
                return HighsSolver(self.options).solve_arrays(arrays)  # HiGHS completes a start
        lp: NodeLp | None = None
        closed = False
        try:
            lp = NodeLp.presolved(tightened(arrays), self.options, named=self.hint is not None)
            bound = self._search(lp)
            closed = not self._open
        except TimeoutError:
            bound = self._bound()
        except KeyboardInterrupt:
            if self._best is None:
                raise
            return self._answer(arrays, lp, self._bound(), message="stopped by Ctrl-C", interrupted=True)
        except Unsettled:
            return self._handed_over(arrays, lp)
        if lp is not None and closed and self._known() == self.at_least == -np.inf:
            return self._nothing_left(arrays, lp)
        found = self._answer(arrays, lp, bound, message=ROUNDING if closed else "")
        if found.values is None and self._best is not None:  # integral within a tolerance that its rows do not forgive
            return self._handed_over(arrays, lp, begin=False)
        return found

    def _start(self, arrays: ModelArrays) -> None:
        self._began, self._best, self._open, self._nodes = time.perf_counter(), None, [], 0
        self._proven, self._shown, self._hinted = None, -np.inf, False
        self._maximise, self.fixed, self.fixed_basis, self._given = arrays.maximise, None, None, None

    def _left(self) -> float | None:
        """Seconds left for the search, None without a limit."""
        left = seconds_left(self._began, self.options)
        return (
            None if left is None or self.options.time_limit_s is None
            else left - (1.0 - SEARCH_SHARE) * self.options.time_limit_s
        )

    def _search(self, lp: NodeLp) -> float | None:
        """Search the whole tree; returns the bound.

        Invariant: every integral answer lies under an open node, or has been kept as the best one, or is worth no more
        than `_shown` (halves that were dropped) or `_proven` (the tree before cuts). `_bound` is the greatest of these,
        so it holds at any moment in which the search is stopped.
        Order: dive for an answer, take the hint, then split nodes; a heap gives the best bound, and between two looks
        at the heap the better half is followed down as long as it can still beat the best answer.
        """
        root = lp.solve(lp.lower, lp.upper, None, self._left())
        if root is None:
            raise Unsettled  # HiGHS says why it is infeasible
        first = Node.of(lp, lp.lower, lp.upper, root)
        self._push(first)
        self._dive(lp, first)
        if self.hint is not None:
            self._take(lp, root, self.hint)
        # With an answer given the time goes into the proof: looking near it and cutting cost more than they bring.
        patient = self.most is None and not self._hinted
        look_at, dive_at = LOOK_AFTER, DIVE_EVERY
        with two_threads(self.options) as threads:
            branching = Branching(lp, lp.twin(self.options), PseudoCosts.of(len(lp.integer)), threads, self._left)
            while self._open and -self._open[0][0] > self._cutoff() and not self._ended():
                # Cuts come once, and only into a tree that has cost more than they do.
                if patient and self._proven is None and branching.iterations * len(lp.row_lower) > CUT_AFTER:
                    root = self._cut(branching, root)
                    dive_at = branching.count + DIVE_EVERY
                    continue
                node: Node | None = self._open[0][2]
                if self._proven is not None and branching.count >= dive_at:
                    self._dive(lp, self._open[0][2])
                    dive_at = branching.count + DIVE_EVERY
                    continue
                while node is not None and not self._ended():
                    node = self._step(branching, node)
                    self._report()
                    if self._open and branching.count > (MOST_RELAXATIONS if self.most is None else self.most):
                        raise Unsettled  # HiGHS goes on, from the best answer
                    if patient and self._proven is None and branching.count > look_at:
                        look_at *= LOOK_AGAIN
                        self._look_nearby(lp, root, beside=self.options.beside)
        return self._bound()

    def _step(self, branching: Branching, node: Node) -> Node | None:
        """Split an open node; returns the half to go on with, None to go on with the best open node.

        Halves that cannot beat the best answer by the gap are dropped in a tree with cuts, which is long, and in one
        that was given an answer; a short tree gains little by it and shows a tighter bound without.
        """
        dropping = self._drops() and self._cutoff() > -np.inf
        if dropping:
            self._shown = max(self._shown, self._cutoff())
        children = branching.halves(node, self._cutoff() if dropping else -np.inf)
        # A node stays open until its children are, so that the bound holds whenever time runs out.
        for child in children:
            self._push(child)
        self._open = [entry for entry in self._open if entry[2] is not node]
        heapq.heapify(self._open)
        # Depth first finds answers, best first the bound: once there is a good answer, it is the bound that lags.
        deeper = [child for child in children if child.answer is None and child.value > self._cutoff()]
        return deeper[0] if deeper and not (dropping and self._known() > -np.inf) else None

    def _drops(self) -> bool:
        """Whether halves that cannot beat the best answer are given up on the way."""
        return self._proven is not None or self._given is not None or self._hinted

    def _ended(self) -> bool:
        """Whether the search may end before its bound is as near as asked."""
        return False

    def _take(self, lp: NodeLp, root: Relaxed, hint: FloatArray) -> None:
        """The answer with the integers of a hint, as far as presolve has left them open; one that is worse than
        the answer at hand shows soon, as the dual simplex comes down from the relaxation."""
        lower, upper = lp.lower.copy(), lp.upper.copy()
        known = lp.original_integer >= 0
        lower[known] = upper[known] = np.clip(np.round(hint[lp.original_integer[known]]), lower[known], upper[known])
        relaxed = lp.solve(lower, upper, root.basis, self._left(), self._known())
        if relaxed is not None:
            self._dive(lp, Node.of(lp, lower, upper, relaxed))
        self._hinted = self._best is not None

    def _dive(self, lp: NodeLp, node: Node) -> None:
        """An answer under a node: fix the integers nearest to integral, a quarter of them at a time, and solve again;
        ends early where no better answer than the one at hand is left."""
        at_least = -np.inf if self._best is None else self._best[0]
        while node.answer is None:
            fraction = np.abs(node.part - np.round(node.part))
            loose = np.flatnonzero(fraction > INTEGRALITY)
            nearest = loose[np.argsort(fraction[loose], kind="stable")]
            rounded = np.round(node.part)
            other = np.floor(node.part) + np.ceil(node.part) - rounded
            for few, at in (
                (nearest[: max(len(nearest) // 4, 1)], rounded), (nearest[:1], rounded), (nearest[:1], other)
            ):
                lower, upper = node.lower.copy(), node.upper.copy()
                lower[few] = upper[few] = at[few]
                relaxed = lp.solve(lower, upper, node.basis, self._left(), at_least)
                if relaxed is not None:
                    break
            if relaxed is None:
                return
            node = Node.of(lp, lower, upper, relaxed)
            self._report()
        self._keep(node.value, node.answer)

    def _look_nearby(self, lp: NodeLp, root: Relaxed, *, beside: bool) -> None:
        """A better answer among those that share with the best one whatever it has in common with the relaxation.

        Relaxation induced neighbourhood search [2], with two differences: the relaxation is that of the root, since
        ours changes little from node to node, and the small model is searched by this very tree, cut off at
        MOST_NEARBY relaxations. It finds answers and proves nothing, so it touches neither `_open` nor the bound.
        """
        if self._best is None:
            return
        best = np.round(self._best[1][lp.integer])
        agreed = np.abs(best - root.levels[lp.integer]) <= INTEGRALITY
        left = self._left()
        options = replace(
            self.options, progress=None, log=None, beside=beside,
            time_limit_s=None if left is None else max(left, 0.0) / 2.0,
        )
        near = TreeSearch(options, most=MOST_NEARBY, at_least=self._best[0])
        found = near._levels(
            lp.with_integers_between(np.where(agreed, best, lp.lower), np.where(agreed, best, lp.upper))
        )
        if found is not None:
            integers = np.round(found[lp.integer])
            relaxed = lp.solve(integers, integers, root.basis, self._left())
            if relaxed is not None:
                self._keep(relaxed.value, relaxed.levels)
        self._report()

    def _cut(self, branching: Branching, root: Relaxed) -> Relaxed:
        """Cutting planes for a tree that does not close soon; it begins again from the relaxation with them, which is
        returned.

        While HiGHS separates, which takes it long, a better answer is looked for near the one at hand.
        """
        lp = branching.up
        # What the tree so far has shown stays shown. The cuts may cut off answers that are no better than the best one
        # HiGHS knew; that one is kept below, so no better answer is lost.
        self._proven = self._bound()
        left = self._left()
        model = lp.with_integers_between(lp.lower, lp.upper)
        stop = threading.Event()

        def separated() -> Cuts | None:
            return root_cuts(model, self.options, None if left is None else left / 2.0, stop)

        if branching.threads is None:
            cuts = separated()
            self._look_nearby(lp, root, beside=True)
        else:
            beside = branching.threads.submit(separated)
            try:
                self._look_nearby(lp, root, beside=True)
                cuts = beside.result()
            finally:
                stop.set()
                wait([beside])
        if cuts is None:
            return root
        if cuts.answer is not None:
            self._keep(lp.value(cuts.answer), cuts.answer)
        branching.add(cuts)
        cut = lp.solve(lp.lower, lp.upper, with_cuts(root.basis, cuts), self._left())
        self._open = []
        if cut is None:  # no answer is better than the best one
            return root
        self._push(Node.of(lp, lp.lower, lp.upper, cut))
        self._report()
        return cut

    def _levels(self, arrays: ModelArrays) -> FloatArray | None:
        """The best levels found within the limits, None without any; nothing is proven about them."""
        self._start(arrays)
        lp: NodeLp | None = None
        try:
            lp = NodeLp.presolved(arrays, self.options)
            self._search(lp)
        except (TimeoutError, Unsettled):
            pass
        return None if lp is None or self._best is None else lp.original(self._best[1])

    def _keep(self, value: float, levels: FloatArray) -> None:
        if self._best is None or value > self._best[0]:
            self._best = (value, levels)

    def _push(self, node: Node) -> None:
        """A node that is integral is an answer, any other is open."""
        self._nodes += 1
        if node.answer is not None:
            self._keep(node.value, node.answer)
        else:
            heapq.heappush(self._open, (-node.value, self._nodes, node))

    def _bound(self) -> float | None:
        """No answer can be better: the greatest of what is open, what is known and what was dropped; and what the tree
        had shown before it began again with cuts, if that is less. None before the root is relaxed, whatever answer was
        given."""
        if not self._nodes:
            return None
        values = [-entry[0] for entry in self._open] + [
            known[0] for known in (self._best, self._given) if known is not None
        ]
        if not values:
            return None
        values.append(self._shown)
        return max(values) if self._proven is None else min(max(values), self._proven)

    def _known(self) -> float:
        """What the best answer at hand is worth, minus infinity without one."""
        return max((known[0] for known in (self._best, self._given) if known is not None), default=-np.inf)

    def _cutoff(self) -> float:
        """Value that a node has to promise to be looked into: nine tenths of the gap above the best answer, so that
        the bound that is left stays within the gap also after rounding."""
        best = max(self.at_least, self._known())
        return best if best == -np.inf else best + self.options.gap * abs(best) * 0.9

    def _report(self) -> None:
        if self.options.progress is None and self.options.log is None:
            return
        bound = self._bound()
        best = None if self._best is None else self._best[0]
        gap = None if best is None or bound is None else max(bound - best, 0.0) / max(abs(best), 1e-10)
        seconds = time.perf_counter() - self._began
        if self.options.progress is not None:
            self.options.progress(seconds, self._said(best), self._said(bound), gap)
        if self.options.log is not None:
            self.options.log(
                f"tree: {self._nodes} nodes, best {self._said(best)}, bound {self._said(bound)}, {seconds:.1f} s"
            )

    def _said(self, value: float | None) -> float | None:
        return value if value is None or self._maximise else -value

    def _answer(
        self, arrays: ModelArrays, lp: NodeLp | None, bound: float | None, *, message: str = "",
        interrupted: bool = False,
    ) -> Solution:
        """The best answer at hand; message: what to say of it where the bound does not prove it."""
        sense = 1.0 if arrays.maximise else -1.0
        values: FloatArray | None = None
        if self._given is not None and (self._best is None or self._given[0] >= self._best[0]):
            values = self._given[1]  # checked when it was given
        elif lp is not None and self._best is not None:
            values = lp.original(self._best[1])
            if self.priced:
                values = self._before_presolve(
                    arrays, values, None if interrupted else seconds_left(self._began, self.options)
                )
        # `checked` makes it OPTIMAL where the bound proves it.
        status = Status.TIME_LIMIT if values is None else Status.FEASIBLE
        claim = Claim(
            status=status,
            solver=f"tree search over HiGHS {_version()}",
            seconds=time.perf_counter() - self._began,
            message=message,
            values=values,
            bound=None if bound is None else sense * bound,
            iterations=0 if lp is None else lp.iterations,
            nodes=self._nodes,
            interrupted=interrupted,
        )
        found = checked(arrays, claim, gap=self.options.gap)
        return replace(found, message="") if message == ROUNDING and found.status is Status.OPTIMAL else found

    def _nothing_left(self, arrays: ModelArrays, lp: NodeLp) -> Solution:
        """What a tree says that is closed without an answer, though nothing was asked of one but to keep the limits:
        there is none."""
        claim = Claim(
            Status.INFEASIBLE, f"tree search over HiGHS {_version()}", time.perf_counter() - self._began,
            iterations=lp.iterations, nodes=self._nodes,
        )
        return checked(arrays, claim, gap=self.options.gap)

    def _before_presolve(self, arrays: ModelArrays, values: FloatArray, seconds: float | None) -> FloatArray:
        """Levels taken from the model as it was before presolve, with the integers of an answer fixed."""
        solver = HighsSolver(SolverOptions(time_limit_s=seconds))
        fixed = solver.solve_arrays(arrays.with_integers_fixed(values))
        # the time ran out, and the search's levels are better
        if fixed.status is not Status.OPTIMAL or fixed.values is None:
            return values
        self.fixed, self.fixed_basis = fixed, solver.basis() if fixed.basic else None
        return fixed.values

    def _handed_over(self, arrays: ModelArrays, lp: NodeLp | None, *, begin: bool = True) -> Solution:
        """HiGHS from here, with the best answer found as its start; without one if it is not to begin from it."""
        left = self._left()
        start = None if lp is None or self._best is None or not begin else lp.original(self._best[1])
        if self._given is not None and (self._best is None or self._given[0] >= self._best[0]):
            start = self._given[1]
        options = replace(self.options, start=start, time_limit_s=None if left is None else max(left, 0.0))
        return HighsSolver(options).solve_arrays(arrays)


def given_answer(arrays: ModelArrays, start: object) -> tuple[float, FloatArray] | None:
    """A start over all columns that keeps every limit: its value (greater is better) and its levels; None for any other
    start."""
    if not isinstance(start, np.ndarray) or start.shape != (arrays.columns,):
        return None
    levels = cleaned(arrays, start)
    if not verify(arrays, levels).within(TOLERANCE):
        return None
    value = float(arrays.cost @ levels) + arrays.offset
    return (value if arrays.maximise else -value), levels


@contextmanager
def two_threads(options: SolverOptions) -> Iterator[ThreadPoolExecutor | None]:
    """A second thread for half of the work; none where the cores are shared: told so, or in a thread of several."""
    shared = options.beside or threading.current_thread() is not threading.main_thread()
    if options.threads == 1 or shared or usable_cores() < 2:
        yield None
        return
    with ThreadPoolExecutor(1) as threads:
        yield threads


def _version() -> str:
    return str(fresh_highs().version())
