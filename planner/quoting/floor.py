"""The floor of an inquiry: the lowest rate r at which V(r), the best NPV with it forced in, reaches V0, the best
without it.

Without whole decisions V is one linear programme and the root is exact (see `exact_floors`). With whole decisions V and
V0 are known between an answer and a bound each, L <= V <= U and L0 <= V0 <= U0, so the floor is known within an
interval:

    upper end   the rate at which the plan found, its whole decisions held, reaches U0: there signing is surely worth it
    lower end   r - (U - L0) / least slope: below it even the bound of V stays under L0, so declining is surely right

A first estimate holds the whole decisions of the plan without the inquiry, at once; the search then begins from that
plan as the answer to beat. V0 is also at least what the plan with the inquiry is worth once the inquiry is taken out of
it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from enum import Enum

import numpy as np

from planner.quoting.inquiry_model import InquiryProblem, RatePiece
from planner.quoting.rate_line import Point, RateLine, held, lowest_root
from planner.solver.highs import HighsSolver
from planner.solver.model_arrays import FloatArray
from planner.solver.options import SolverOptions
from planner.solver.solution import Solution
from planner.solver.solvers import mip_solver
from planner.solver.status import Status

WIDTH = 0.01
"""Width of the interval, as a share of the rate, that a search aims at: half of what is asked of it."""
LOOSEST = 3e-3
"""Widest relative gap of one search, however small the inquiry's share of the plan."""
MOST_SEARCHES = 3
"""Searches with whole decisions free for one floor."""
FAR = 1e4
"""Multiple of the first rate tried at which any prepayment pays for what it needs."""


class Answer(Enum):
    """What became of a quote; the value is said to the planner."""

    FLOOR = "floor found"
    NEVER = "cannot be served at any rate"
    ALWAYS = "worth taking at any rate"
    STOPPED = "stopped before any plan with the inquiry was found"


@dataclass(frozen=True)
class Base:
    """The best plan without the inquiry: answer and bound in $M, levels of all columns, and a basis of its linear
    programme."""

    value: float
    bound: float
    levels: FloatArray
    basis: object


@dataclass(frozen=True)
class Floor:
    """The floor of an inquiry at one size, in its rate's unit; blank (NaN) where the answer is not FLOOR.

    rate: where the best plan found meets the plan without the inquiry. low, high: the floor lies between them (proven:
    the searches ended by themselves). held_rate: with the whole decisions of the plan without it (NaN where they leave
    no room).
    levels: of all columns at the floor; estimate: at held_rate. basis: of the programme solved last. value: V at the
    floor, $M. slope: $M that a dollar of rate brings. without: what a plan without the inquiry is worth at least, $M.
    """

    answer: Answer
    size: float
    rate: float
    low: float
    high: float
    held_rate: float
    proven: bool
    levels: FloatArray | None
    estimate: FloatArray | None
    basis: object
    value: float
    slope: float
    without: float
    searches: int
    seconds: float


def find_floor(problem: InquiryProblem, base: Base, size: float, start: float, options: SolverOptions) -> Floor:
    """The floor at a size; start: a first rate to try."""
    return _Search(problem, base, size, start, options).found()


class _Search:
    def __init__(
        self, problem: InquiryProblem, base: Base, size: float, start: float, options: SolverOptions
    ) -> None:
        self.problem = problem
        self.base, self.size, self.start, self.options = base, size, start, options
        self.without = base.value
        """What a plan without the inquiry is worth at least, $M."""
        self.searches, self.seconds = 0, 0.0

        if problem.served_anywhere:
            self.forced = self.problem.forced(size)

    def found(self) -> Floor:
        if not self.problem.served_anywhere:
            return self._none(Answer.NEVER)
        return self._between()

    def _between(self) -> Floor:
        """The interval of the floor, by few searches with the whole decisions free, each at the rate found last.

        Newton's method on V(r) - V0: with the whole decisions of an answer fixed V is convex and piecewise linear in r,
        its slope the hours that a dollar is paid for, so the root of that line is an upper estimate that falls with
        each search. Invariants: `best` is the least rate at which some plan that is known serves the inquiry and loses
        nothing; `low` and `high` hold whatever the searches' gaps are, since `low` rests on bounds of V alone and
        `high` on the bound of V0. The floor lies between them as long as no limit grows tighter with the rate.
        """
        estimate = self._held_root(self.base.levels, keep_own=False)
        rate, begin, best = (self.start, None, None) if estimate is None else (estimate.rate, estimate.levels, estimate)
        low, high, proven = 0.0, np.inf, True
        far = FAR * (self.start if self.start > 0.0 else 1.0)
        spared, earlier = self._earlier(rate)
        if earlier is not None:
            rate, begin, best = earlier.rate, earlier.levels, earlier
        while self.searches < MOST_SEARCHES:
            piece = self._piece_at(rate)
            solution = self._searched(piece, rate, begin)
            if solution.status is Status.INFEASIBLE and best is None and self._funded(piece) and rate < far:
                rate = far  # a prepayment may only pay for what it needs at a higher rate
                continue
            if solution.values is None:
                break
            proven = proven and solution.status is Status.OPTIMAL and not self._tightens(piece)
            self._take_out(solution.values)
            point = self._held_root(solution.values)
            high = min(high, self._upper_end())
            if point is not None and (best is None or point.rate < best.rate):
                best = point
            if best is None:
                break
            low = max(low, self._lower_end(piece, rate, solution))
            # A search below the floor tells little of its lower end, one at a plan known to be best there tells no
            # more.
            if high - low <= 2.0 * WIDTH * best.rate or solution.interrupted or abs(best.rate - rate) <= 1e-9 * rate:
                break
            rate, begin = best.rate, best.levels
        if best is None:
            return self._none(
                Answer.NEVER if solution.status is Status.INFEASIBLE or solution.status is Status.OPTIMAL
                else Answer.STOPPED
            )
        return self._floor(best, estimate, min(low, spared), high, proven=proven and np.isfinite(high))

    def _held_root(self, levels: FloatArray, *, keep_own: bool = True) -> Point | None:
        """The floor with whole decisions held at some levels; the inquiry's own are settled first unless they are
        kept."""
        if not keep_own:
            settled = self._own_settled(levels)
            if settled is None:
                return None
            levels = settled
        line = self._line = RateLine(self.problem, self.forced.with_integers_fixed(levels), basis=self.base.basis)
        return lowest_root(line, self.without, self.start)

    def _own_settled(self, levels: FloatArray) -> FloatArray | None:
        """The levels with the inquiry's own decisions made at the first rate, all others held; None where they leave no
        room."""
        own = np.zeros(self.forced.columns, dtype=bool)
        own[self.problem.own] = True
        if not (self.forced.integer & own).any():
            return levels
        rated = self.problem.rated(held(self.forced, levels, own), self._piece_at(self.start), self.start)
        return mip_solver(self._limited(self.options.gap)).solve_arrays(rated).values

    def _searched(
        self, piece: RatePiece, rate: float, begin: FloatArray | None, *, at_least: float = -np.inf
    ) -> Solution:
        """The plan with the inquiry forced in at a rate, begun from a plan that is known, to the gap that the width
        asks for."""
        began = time.perf_counter()
        self.searches += 1
        least, _ = self.problem.slopes(piece)
        room = WIDTH * rate * least * self.size - (self.base.bound - self.base.value)
        gap = min(max(room / max(abs(self.base.value), 1e-6), self.options.gap), max(LOOSEST, self.options.gap))
        rated = self.problem.rated(self.forced, piece, rate)
        options = self._limited(gap)
        if self.options.solver == "highs":  # no other takes a start
            options = replace(options, start=begin)
        solution = mip_solver(options, at_least=at_least).solve_arrays(rated)
        self.seconds += time.perf_counter() - began
        return solution

    def _limited(self, gap: float) -> SolverOptions:
        # Searches may run beside each other, and HiGHS has one pool of threads.
        return replace(self.options, gap=gap, progress=None, log=None, threads=None)

    def _earlier(self, rate: float) -> tuple[float, Point | None]:
        """Rates below the piece of an estimate, where notice comes later: the floor if it lies there, and how far down
        it could."""
        spared = np.inf
        for piece in self.problem.pieces:
            if rate <= piece.high:
                break
            solution = self._searched(piece, piece.high, None, at_least=self.without)
            self.searches -= 1
            if solution.values is not None:
                point = self._held_root(solution.values)
                if point is not None and point.rate <= piece.high:
                    return spared, point
            if solution.bound is not None and solution.bound > self.without:
                spared = min(spared, self._lower_end(piece, piece.high, solution))
        return spared, None

    def _take_out(self, levels: FloatArray) -> None:
        """A plan with the inquiry, less the inquiry, is a plan without it."""
        alone = self.problem.shut.with_integers_fixed(levels)
        for column in self.problem.own[self.problem.shut.integer[self.problem.own]]:
            alone.col_lower[column] = alone.col_upper[column] = 0.0
        found = HighsSolver(SolverOptions()).solve_arrays(alone, basis=self.base.basis)
        if found.objective is not None and found.status.has_values:
            self.without = min(max(self.without, found.objective), self.base.bound)

    def _lower_end(self, piece: RatePiece, rate: float, solution: Solution) -> float:
        """Below this rate even the bound of V stays under what a plan without the inquiry is worth."""
        if solution.bound is None:
            return piece.low
        least, most = (slope * self.size for slope in self.problem.slopes(piece))
        over = solution.bound - self.without
        if over < 0.0:
            return rate if self._funded(piece) or not most > 0.0 else min(rate - over / most, piece.high)
        return piece.low if not least > 0.0 else max(rate - over / least, piece.low)

    def _upper_end(self) -> float:
        """The rate at which the plan held last reaches the bound of any plan without the inquiry."""
        point = lowest_root(self._line, self.base.bound, self.start)
        return np.inf if point is None else point.rate

    def _piece_at(self, rate: float) -> RatePiece:
        return next(piece for piece in self.problem.pieces if rate <= piece.high)

    def _funded(self, piece: RatePiece) -> bool:
        return piece.matrix_slope is not None

    def _tightens(self, piece: RatePiece) -> bool:
        """Whether a limit grows tighter with the rate (the largest share of the customer): V may then fall as the rate
        grows."""
        if piece.matrix_slope is None:
            return False
        below = np.isinf(self.forced.row_lower) & np.isfinite(self.forced.row_upper)
        rising = np.asarray(piece.matrix_slope.max(axis=1).toarray()).reshape(-1) > 1e-12
        return bool((rising & below).any())

    def _floor(self, point: Point, estimate: Point | None, low: float, high: float, *, proven: bool) -> Floor:
        answer = Answer.ALWAYS if point.rate <= 0.0 else Answer.FLOOR
        held_rate = np.nan if estimate is None else estimate.rate
        return Floor(
            answer, self.size, point.rate, min(low, point.rate), max(high, point.rate), held_rate, proven, point.levels,
            None if estimate is None else estimate.levels, self._line.basis_now(), point.value, point.slope,
            self.without, self.searches, self.seconds,
        )

    def _none(self, answer: Answer) -> Floor:
        blank = np.nan
        return Floor(
            answer, self.size, blank, blank, blank, blank, answer is Answer.NEVER, None, None, self.base.basis, blank,
            blank, self.without, self.searches, self.seconds,
        )
