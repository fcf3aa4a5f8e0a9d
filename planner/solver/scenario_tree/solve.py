"""A tree solved to a gap: as one model where it is small, else by its paths, then as one model if a gap is left."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from planner.arrays import Floats
from planner.errors import PlannerError
from planner.solver.scenario_tree.answer import Found, told
from planner.solver.scenario_tree.ascent import Pass, bound_pass
from planner.solver.scenario_tree.blocks import Vector
from planner.solver.scenario_tree.bundle import Bundle
from planner.solver.scenario_tree.engine import FEW_INTEGERS, Clock, relaxed, solved
from planner.solver.scenario_tree.extensive import Extensive, extensive
from planner.solver.scenario_tree.measure import MeanCvar, with_tail
from planner.solver.scenario_tree.parts import Parts, Prices
from planner.solver.scenario_tree.policies import INTEGRALITY, Answers, Policies, completed
from planner.solver.scenario_tree.solution import Method, Pieces, Seconds, TreeSolution, closed
from planner.solver.scenario_tree.tree import Tree
from planner.solver.scenario_tree.tree_model import TreeModel, TreeNode
from planner.solver.status import Status

MOST_PASSES = 12
"""Passes of dual ascent at most."""
LEAST_S = 1.0
"""Seconds that looking for answers after a pass may take at least; otherwise no more than the pass."""
FEWEST_PASSES = 3
"""Passes after which each has to close a part of the gap for another to follow."""
SMALL = 100
"""Integers up to which a tree is solved as one model: from some hundred on its parts are proven sooner."""
IN_A_PART = FEW_INTEGERS
"""Integers up to which the paths below a node stay in one part, whose bound is the better the larger it is."""
SETTLED = (Status.INFEASIBLE, Status.UNBOUNDED)


def solve_tree(
    model: TreeModel,
    *,
    gap: float = 1e-6,
    measure: MeanCvar | None = None,
    time_limit_s: float | None = None,
    method: str = Method.AUTO,
    start: Mapping[TreeNode, Vector] | None = None,
) -> TreeSolution:
    """The best expected cost over the tree, or the best measure of the outcomes of its paths, proven to a relative gap.

    measure: None for the mean; see `MeanCvar` for the signs. time_limit_s: for everything together. method: see
    `Method`.
    start: levels of some nodes, each (columns,), as of an earlier solution (`found.levels`): their integers are
    held and the rest solved; what comes of it is the first answer, and is passed over where no limit-keeping one comes
    of it.
    A tree that is infeasible, unbounded or stopped by the time is an answer with that status, not an exception.
    Raises PlannerError for a malformed model or option.
    """
    chosen = _checked(gap, time_limit_s, method)
    tree = model.tree()
    work = _Work.of(with_tail(tree, measure), gap, Clock.of(time_limit_s))
    if start is not None:
        work.begin_from(model.levels(start))
    if chosen is Method.AUTO:
        few = work.extensive.arrays.integer.sum() <= SMALL
        chosen = Method.EXTENSIVE if len(tree.leaves) == 1 or few else Method.PATHS
    if chosen is Method.PATHS:
        work.by_paths()
    if chosen is Method.EXTENSIVE or not work.ended(only_answered=method == Method.PATHS):
        work.as_one_model()
    return told(model, tree, measure, work.found(), gap=gap, method=chosen)


@dataclass
class _Work:
    """What is known of a tree while it is solved. bound: the best; settled: what was proven instead of an answer."""

    tree: Tree
    extensive: Extensive
    gap: float
    clock: Clock
    answers: Answers
    bound: float | None = None
    settled: Status | None = None
    message: str = ""
    relaxation: float | None = None
    parts: int = 0
    passes: list[float | None] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    @staticmethod
    def of(tree: Tree, gap: float, clock: Clock) -> _Work:
        model = extensive(tree)
        return _Work(tree, model, gap, clock, Answers(model))

    def begin_from(self, start: Mapping[int, Vector]) -> None:
        """The answer that a start leads to."""
        with self._timed("policy"):
            clock = Clock.of(self.clock.share(0.3))
            if not self.answers.offer(completed(self.extensive, start, gap=self.gap, clock=clock)):
                self.message = "the start leads to no answer that keeps every limit"

    def by_paths(self) -> None:
        """Relaxation, then passes: the bound of the parts, and the answers that they suggest."""
        with self._timed("relaxation"):
            found, duals = relaxed(self.extensive.relaxed(), self.clock.left())
        if found.status is Status.INFEASIBLE:
            self.settled = Status.INFEASIBLE
        if found.values is None:
            return
        self.relaxation = found.bound
        self._prove(found.bound)
        if self._integral(found.values):
            self.answers.offer(found.values)
        if self.ended():
            return
        parts = Parts.of(self.tree, IN_A_PART)
        self.parts = len(parts.parts)
        policies = Policies(parts, self.extensive, found.values, self.answers, max(self.gap / 2.0, 1e-9))
        self._raise(parts, policies, parts.no_prices() if duals is None else parts.prices(self.extensive, duals))

    def _raise(self, parts: Parts, policies: Policies, prices: Prices) -> None:
        """Passes while each closes its share of the gap that is open."""
        bundle = Bundle(parts)
        best: Pass | None = None
        with self._timed("policy"):
            policies.begin(Clock.of(self.clock.share(0.5)))
        starts: Sequence[Mapping[int, Floats]] | None = None
        if self.answers.levels is not None:
            starts = parts.split(self.extensive.split(self.answers.levels))
        while len(self.passes) < MOST_PASSES:
            clock = Clock.of(None)
            with self._timed("bound"):
                within = Clock.of(self.clock.share(0.5))
                last = bound_pass(parts, prices, starts, gap=max(self.gap / 4.0, 1e-9), clock=within)
            if last.infeasible:
                self.settled = Status.INFEASIBLE
                return
            open_before = self._open_gap()
            self.passes.append(last.bound)
            better = self._prove(last.bound)
            with self._timed("policy"):
                most = Clock.of(_least(self.clock.share(0.5), max(clock.spent(), LEAST_S)))
                policies.look(last, most, self.ended)
            spent = clock.spent()
            if best is not None and not better:
                bundle.reach /= 2.0
            if better or best is None:
                best, starts = last, last.levels
            if self.ended() or self._fruitless(last, best, spent, open_before):
                return
            bundle.learn(last.levels)
            following = bundle.prices(best.prices, best.bound or 0.0, self.answers.value or 0.0)
            if following is None:
                return
            prices = following

    def _integral(self, levels: Floats) -> bool:
        """Whether the integers are integral."""
        part = levels[self.extensive.arrays.integer]
        return bool((np.abs(part - np.round(part)) <= INTEGRALITY).all())

    def _open_gap(self) -> float:
        """How far the best bound is from the best answer; infinite where one is missing."""
        if self.bound is None or self.answers.value is None:
            return math.inf
        return abs(self.bound - self.answers.value)

    def _fruitless(self, last: Pass, best: Pass, spent: float, before: float) -> bool:
        """Whether another pass would bring little.

        There is no answer to aim at, or the parts leave the gap open themselves, or there is no time for another like
        it, or a third pass or a later one closed less than a tenth of the gap.
        """
        if self.answers.value is None or last.value is None or last.bound is None or best.bound is None:
            return True
        left = self.clock.left()
        late = len(self.passes) >= FEWEST_PASSES and self._open_gap() > 0.9 * before
        return late or abs(last.value - last.bound) > 0.3 * self._open_gap() or (left is not None and left < spent)

    def as_one_model(self) -> None:
        """The whole tree, from the best answer so far."""
        with self._timed("extensive"):
            start = self.answers.levels if self.extensive.arrays.is_mip else None
            found = solved(self.extensive.arrays, gap=self.gap, seconds=self.clock.left(), start=start)
        if found.status in SETTLED:
            self.settled = found.status
        self.message = found.message or self.message
        self.answers.offer(found.values)
        self._prove(found.bound)
        if found.status is Status.ERROR and self.answers.value is None:
            self.settled = Status.ERROR

    def ended(self, *, only_answered: bool = False) -> bool:
        """Whether nothing is left to do: settled, proven, out of time, or, where that is enough, answered."""
        answered = only_answered and self.answers.value is not None
        proven = closed(self.answers.value, self.bound, self.gap)
        return self.settled is not None or answered or proven or self.clock.out()

    def found(self) -> Found:
        """What was found, for the caller."""
        levels = None if self.answers.levels is None else self.extensive.split(self.answers.levels)
        seconds = Seconds(**self.seconds)
        pieces = Pieces(self.relaxation, self.parts, tuple(self.passes), tuple(self.answers.values), seconds)
        return Found(self.settled, levels, self.bound, self.message, pieces)

    def _prove(self, bound: float | None) -> bool:
        """Keep a bound if it is better than the one so far; says whether it is."""
        if bound is None or not math.isfinite(bound):
            return False
        if self.bound is not None and (bound >= self.bound if self.tree.maximise else bound <= self.bound):
            return False
        self.bound = bound
        return True

    @contextmanager
    def _timed(self, piece: str) -> Iterator[None]:
        began = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[piece] = self.seconds.get(piece, 0.0) + time.perf_counter() - began


def _least(limit: float | None, seconds: float) -> float:
    return seconds if limit is None else min(limit, seconds)


def _checked(gap: float, time_limit_s: float | None, method: str) -> Method:
    if not 0.0 <= gap < math.inf:
        raise PlannerError(f"gap = {gap!r} is not a share: give 0 or more, for example 1e-6")
    if time_limit_s is not None and not 0.0 <= time_limit_s < math.inf:
        raise PlannerError(f"time_limit_s = {time_limit_s!r}: give seconds, 0 or more, or None for no limit")
    try:
        return Method(method)
    except ValueError as error:
        known = ", ".join(repr(each.value) for each in Method)
        raise PlannerError(f"method = {method!r} is unknown; give {known}") from error
