"""Branch and bound over warm relaxations: few, weighty 0/1 decisions over a large linear programme.

The models here have some hundred decisions (a lease taken, a block on a site, a site opened) over ten thousands of
levels, and their relaxation changes little from one decision to the next: a re-solve from the last basis takes a
hundred iterations where the first takes ten thousand. General MIP solvers spend their time on cuts, sub-MIPs and
strong branching that gain little on such a model; a plain tree over warm re-solves proves the same gap in a quarter of the time.

Branching is by pseudo-costs, each begun with one short trial [1]; nodes are taken depth first to the better child,
then by best bound. A tree that does not close soon looks for a better answer near the one it has: what answer and
relaxation agree on is held, and the rest is a small tree of its own [2]. A tree that grows beyond `MOST_RELAXATIONS` is
handed to HiGHS with the best answer as its start.

[1] Achterberg, Koch, Martin, Branching rules revisited, Operations Research Letters 33 (2005), 42-54.
[2] Danna, Rothberg, Le Pape, Exploring relaxation induced neighborhoods, Mathematical Programming 102 (2005), 71-90.
"""

from __future__ import annotations

import heapq
import time
from dataclasses import dataclass, field, replace
from typing import Any

import highspy
import numpy as np

from planner.allocator.highs import HighsDoor
from planner.allocator.matrix import FloatArray, ModelArrays
from planner.allocator.node_lp import WHOLE, NodeLp, Relaxed, Unsettled, seconds_left
from planner.allocator.options import SolverOptions
from planner.allocator.root_cuts import root_cuts
from planner.allocator.solution import TOLERANCE, Claim, Solution, checked, cleaned, verify
from planner.allocator.status import Status
from planner.allocator.tightening import tightened

MOST_RELAXATIONS = 3000
LOOK_AFTER = 120
"""Relaxations after which the neighbourhood of the best answer is searched, and again at three times as many."""
CUT_AFTER = 1.5e8
"""Iterations times rows after which a tree gets cutting planes: some ten seconds, in which an easy one is done."""
MOST_NEARBY = 100
"""Relaxations spent on one such neighbourhood."""
MANY_ROWS = 2000
"""Rows above which interior point with crossover is the faster way to a vertex of an LP."""
TRIALS = 10
"""Candidates without history that are tried at a node."""
TRIAL_ITERATIONS = 100
"""Iterations of such a trial: enough to tell candidates apart, a quarter of what a relaxation takes."""
_SETTLED = 1e9
SEARCH_SHARE = 0.9
"""Share of a time limit after which the search ends; the rest is for the LP with its decisions held, and its prices."""
_LEAST = 1e-3


@dataclass(frozen=True)
class Node:
    """A part of the tree: bounds of the integers and its relaxation."""

    lower: FloatArray
    upper: FloatArray
    relaxed: Relaxed


@dataclass
class _PseudoCosts:
    """Loss of value per unit of rounding up (1) and down (0), by integer."""

    total: FloatArray
    trials: FloatArray

    def note(self, q: int, way: int, loss: float, distance: float) -> None:
        self.total[way, q] += loss / distance
        self.trials[way, q] += 1.0

    def known(self, q: int) -> bool:
        return bool(self.trials[:, q].min() >= 1.0)

    def score(self, q: int, fraction: float) -> float:
        mean = self.total.sum(axis=1) / np.maximum(self.trials.sum(axis=1), 1.0)
        each = np.where(self.trials[:, q] > 0.0, self.total[:, q] / np.maximum(self.trials[:, q], 1.0), mean)
        return max(float(each[1]) * (1.0 - fraction), _LEAST) * max(float(each[0]) * fraction, _LEAST)


@dataclass
class TreeSearch:
    """A door (see `solvers.Door`) for models with few integers; what it does not settle goes to HiGHS whole.

    A start over all columns that keeps every limit (`options.start`) is the answer to beat; any other goes to HiGHS, which completes it.
    most: relaxations after which it gives up, None for `MOST_RELAXATIONS`. at_least: value that an answer has to beat
    (greater is better, whatever the sense of the model).
    held: after a solve, the model with its integers held at the answer, solved to a vertex; held_basis: that vertex.
    Of a time limit the search takes SEARCH_SHARE, so that there is time left to hold its answer.
    """

    options: SolverOptions
    most: int | None = None
    at_least: float = -np.inf
    _began: float = field(default=0.0, init=False)
    _best: tuple[float, FloatArray] | None = field(default=None, init=False)
    _open: list[tuple[float, int, Node]] = field(default_factory=list, init=False)
    _nodes: int = field(default=0, init=False)
    _maximise: bool = field(default=True, init=False)
    _proven: float | None = field(default=None, init=False)
    _given: tuple[float, FloatArray] | None = field(default=None, init=False)
    held: Solution | None = field(default=None, init=False)
    held_basis: Any = field(default=None, init=False)

    def solve_arrays(self, arrays: ModelArrays) -> Solution:
        """Solve to the gap asked for; an LP, and a model that presolve settles, is solved by HiGHS directly."""
        self._start(arrays)
        if not arrays.is_mip and not self.options.extra and arrays.rows > MANY_ROWS:
            return HighsDoor(replace(self.options, extra={"solver": "ipm"})).solve_arrays(arrays)
        if not arrays.is_mip or self.options.extra:
            return HighsDoor(self.options).solve_arrays(arrays)
        if self.options.start is not None:
            self._given = given_answer(arrays, self.options.start)
            if self._given is None:
                return HighsDoor(self.options).solve_arrays(arrays)  # HiGHS completes a start
        lp: NodeLp | None = None
        try:
            lp = NodeLp.presolved(tightened(arrays), self.options)
            bound = self._search(lp)
        except TimeoutError:
            bound = self._bound()
        except KeyboardInterrupt:
            if self._best is None:
                raise
            return self._answer(arrays, lp, self._bound(), interrupted=True)
        except Unsettled:
            return self._handed_over(arrays, lp)
        return self._answer(arrays, lp, bound)

    def _start(self, arrays: ModelArrays) -> None:
        self._began, self._best, self._open, self._nodes = time.perf_counter(), None, [], 0
        self._proven = None
        self._maximise, self.held, self.held_basis, self._given = arrays.maximise, None, None, None

    def _left(self) -> float | None:
        """Seconds left for the search, None without a limit."""
        left = seconds_left(self._began, self.options)
        return None if left is None or self.options.time_limit_s is None else left - (1.0 - SEARCH_SHARE) * self.options.time_limit_s

    def _search(self, lp: NodeLp) -> float | None:
        """Search the whole tree; returns the bound."""
        root = lp.solve(lp.lower, lp.upper, None, self._left())
        if root is None:
            raise Unsettled  # HiGHS says why it is infeasible
        costs = _PseudoCosts(np.zeros((2, len(lp.integer))), np.zeros((2, len(lp.integer))))
        self._push(Node(lp.lower, lp.upper, root))
        self._dive(lp, self._open[0][2])
        look_at = LOOK_AFTER
        while self._open and -self._open[0][0] > self._cutoff():
            node: Node | None = self._open[0][2]
            while node is not None:
                children = self._step(lp, costs, node)
                # A node stays open until its children are, so that the bound holds whenever time runs out.
                for child in children:
                    self._push(child)
                self._open = [entry for entry in self._open if entry[2] is not node]
                heapq.heapify(self._open)
                node = children[0] if children and children[0].relaxed.value > self._cutoff() else None
                self._report()
                if lp.count > (MOST_RELAXATIONS if self.most is None else self.most):
                    raise Unsettled
                if self.most is None and self._proven is None and lp.iterations * len(lp.row_lower) > CUT_AFTER:
                    root, node = self._cut(lp, root), None
                if self.most is None and lp.count > look_at:
                    look_at *= 3
                    self._look_nearby(lp, root)
        return self._bound()

    def _dive(self, lp: NodeLp, node: Node) -> None:
        """A first answer: hold the decisions nearest to whole, a quarter of them at a time, and solve again."""
        lower, upper, relaxed = node.lower.copy(), node.upper.copy(), node.relaxed
        while True:
            levels = lp.settled(relaxed.levels)
            part = levels[lp.integer]
            loose = lp.fractional(levels)
            if not len(loose):
                self._keep(relaxed.value, levels)
                return
            nearest = loose[np.argsort(np.abs(part[loose] - np.round(part[loose])), kind="stable")]
            found = None
            whole = np.round(part)
            other = np.floor(part) + np.ceil(part) - whole
            for held, at in ((nearest[: max(len(nearest) // 4, 1)], whole), (nearest[:1], whole), (nearest[:1], other)):
                low, up = lower.copy(), upper.copy()
                low[held] = up[held] = at[held]
                found = lp.solve(low, up, relaxed.basis, self._left())
                if found is not None:
                    break
            if found is None:
                return
            lower, upper, relaxed = low, up, found
            self._report()

    def _look_nearby(self, lp: NodeLp, root: Relaxed) -> None:
        """A better answer among those that share with the best one whatever it has in common with the relaxation."""
        if self._best is None:
            return
        best = np.round(self._best[1][lp.integer])
        agreed = np.abs(best - root.levels[lp.integer]) <= WHOLE
        left = self._left()
        options = replace(self.options, progress=None, log=None, time_limit_s=None if left is None else max(left, 0.0) / 2.0)
        near = TreeSearch(options, most=MOST_NEARBY, at_least=self._best[0])
        found = near._levels(lp.with_integers_between(np.where(agreed, best, lp.lower), np.where(agreed, best, lp.upper)))
        if found is not None:
            whole = np.round(found[lp.integer])
            relaxed = lp.solve(whole, whole, root.basis, self._left())
            if relaxed is not None:
                self._keep(relaxed.value, relaxed.levels)
        self._report()

    def _cut(self, lp: NodeLp, root: Relaxed) -> Relaxed:
        """Cutting planes for a tree that does not close soon; it begins again from the relaxation with them, which is returned."""
        self._proven = self._bound()  # what the tree so far has shown stays shown
        left = self._left()
        cuts = root_cuts(lp.with_integers_between(lp.lower, lp.upper), self.options, None if left is None else left / 2.0)
        if cuts is None:
            return root
        if cuts.answer is not None:
            self._keep(lp.value(cuts.answer), cuts.answer)
        lp.add(cuts)
        cut = lp.solve(lp.lower, lp.upper, None, self._left())
        if cut is None:  # no answer is better than the best one
            self._open = []
            return root
        self._open = []
        self._push(Node(lp.lower, lp.upper, cut))
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
        self._nodes += 1
        heapq.heappush(self._open, (-node.relaxed.value, self._nodes, node))

    def _bound(self) -> float | None:
        """No answer can be better."""
        values = [-entry[0] for entry in self._open] + [known[0] for known in (self._best, self._given) if known is not None]
        if not values:
            return None
        return max(values) if self._proven is None else min(max(values), self._proven)

    def _cutoff(self) -> float:
        best = max([self.at_least, *(known[0] for known in (self._best, self._given) if known is not None)])
        return best if best == -np.inf else best + self.options.gap * abs(best) * 0.9

    def _step(self, lp: NodeLp, costs: _PseudoCosts, node: Node) -> list[Node]:
        """Children of a node, best first; none when it is whole."""
        levels = lp.settled(node.relaxed.levels)
        loose = lp.fractional(levels)
        if not len(loose):
            self._keep(node.relaxed.value, levels)
            return []
        part = levels[lp.integer]
        fraction = part - np.floor(part)
        ranked = sorted(loose.tolist(), key=lambda q: (-costs.score(q, float(fraction[q])), q))
        chosen, score = -1, -1.0
        tried = 0
        for q in ranked:
            if not costs.known(q) and tried < TRIALS:
                tried += 1
                worth = self._worth(lp, costs, node, q, part[q])
            else:
                worth = costs.score(q, float(fraction[q]))
            if worth > score:
                chosen, score = q, worth
        children = self._children(lp, costs, node, chosen, part[chosen])
        return sorted((child for child in children if child is not None), key=lambda child: -child.relaxed.value)

    def _worth(self, lp: NodeLp, costs: _PseudoCosts, node: Node, q: int, level: float) -> float:
        """Product of the losses of rounding an integer up and down, tried with few iterations; a way that is infeasible settles the decision."""
        worth = 1.0
        for way in (1, 0):
            value = lp.tried(*_rounded(node, q, level, way), node.relaxed.basis, TRIAL_ITERATIONS, self._left())
            if value is None:
                worth *= _SETTLED
                continue
            loss = max(node.relaxed.value - value, 0.0)
            costs.note(q, way, loss, abs((np.ceil(level) if way else np.floor(level)) - level))
            worth *= max(loss, _LEAST)
        return worth

    def _children(self, lp: NodeLp, costs: _PseudoCosts, node: Node, q: int, level: float) -> list[Node | None]:
        """The node with one integer rounded up, and down."""
        found: list[Node | None] = []
        for way in (1, 0):
            lower, upper = _rounded(node, q, level, way)
            relaxed = lp.solve(lower, upper, node.relaxed.basis, self._left())
            if relaxed is not None:
                distance = abs((np.ceil(level) if way else np.floor(level)) - level)
                costs.note(q, way, max(node.relaxed.value - relaxed.value, 0.0), distance)
            found.append(None if relaxed is None else Node(lower, upper, relaxed))
        return found

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
            self.options.log(f"tree: {self._nodes} nodes, best {self._said(best)}, bound {self._said(bound)}, {seconds:.1f} s")

    def _said(self, value: float | None) -> float | None:
        return value if value is None or self._maximise else -value

    def _answer(self, arrays: ModelArrays, lp: NodeLp | None, bound: float | None, *, interrupted: bool = False) -> Solution:
        sense = 1.0 if arrays.maximise else -1.0
        values: FloatArray | None = None
        if self._given is not None and (self._best is None or self._given[0] >= self._best[0]):
            values = self._given[1]  # checked when it was given
        elif lp is not None and self._best is not None:
            values = lp.original(self._best[1])
            # Levels are taken from the model as it was before presolve.
            door = HighsDoor(SolverOptions(time_limit_s=None if interrupted else seconds_left(self._began, self.options)))
            held = door.solve_arrays(arrays.with_integers_held(values))
            if held.status is Status.OPTIMAL and held.values is not None:  # else the time ran out, and the search's levels are better
                self.held, self.held_basis, values = held, door.basis() if held.basic else None, held.values
        # `checked` makes it OPTIMAL where the bound proves it.
        status = Status.TIME_LIMIT if values is None else Status.FEASIBLE
        claim = Claim(
            status=status,
            solver=f"tree search over HiGHS {_version()}",
            seconds=time.perf_counter() - self._began,
            message="stopped by Ctrl-C" if interrupted else "",
            values=values,
            bound=None if bound is None else sense * bound,
            iterations=0 if lp is None else lp.iterations,
            nodes=self._nodes,
            interrupted=interrupted,
        )
        return checked(arrays, claim, gap=self.options.gap)

    def _handed_over(self, arrays: ModelArrays, lp: NodeLp | None) -> Solution:
        """HiGHS from here, with the best answer found as its start."""
        left = self._left()
        start = None if lp is None or self._best is None else lp.original(self._best[1])
        if self._given is not None and (self._best is None or self._given[0] >= self._best[0]):
            start = self._given[1]
        options = replace(self.options, start=start, time_limit_s=None if left is None else max(left, 0.0))
        return HighsDoor(options).solve_arrays(arrays)


def given_answer(arrays: ModelArrays, start: object) -> tuple[float, FloatArray] | None:
    """A start over all columns that keeps every limit: its value (greater is better) and its levels; None for any other start."""
    if not isinstance(start, np.ndarray) or start.shape != (arrays.columns,):
        return None
    levels = cleaned(arrays, start)
    if not verify(arrays, levels).within(TOLERANCE):
        return None
    value = float(arrays.cost @ levels) + arrays.offset
    return (value if arrays.maximise else -value), levels


def _rounded(node: Node, q: int, level: float, way: int) -> tuple[FloatArray, FloatArray]:
    """Bounds of the integers with one of them rounded up (1) or down (0)."""
    lower, upper = node.lower.copy(), node.upper.copy()
    if way:
        lower[q] = np.ceil(level)
    else:
        upper[q] = np.floor(level)
    return lower, upper


def _version() -> str:
    return str(highspy.Highs().version())  # type: ignore[no-untyped-call]
