"""Answers of a whole tree from what its parts would do: the decisions of a part are fixed, the rest is solved again.

A part decides as if it knew which of the tree's paths come; what it does at the root is a decision that all parts can
take. With these fixed, the tree falls apart into the trees below the children of the root, which are solved one by one.
(mpi-sppy's spoke "xhatshuffle" tries the first stage of scenarios in turn; Danna, Rothberg, Le Pape, Mathematical
Programming 102 (2005), 71-90, fix what an answer and the relaxation share.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from planner.arrays import Floats
from planner.solver.model_arrays import ModelArrays
from planner.solver.scenario_tree.ascent import Pass
from planner.solver.scenario_tree.components import solved_in_pieces
from planner.solver.scenario_tree.engine import Clock, dived, solved
from planner.solver.scenario_tree.extensive import Extensive
from planner.solver.scenario_tree.parts import Parts
from planner.solver.scenario_tree.tree import ROOT, Tree
from planner.solver.solution import TOLERANCE, cleaned, verify

MOST_ROOTS = 4
"""Distinct first decisions tried after one pass, those of the most probable parts first."""
INTEGRALITY = 1e-6
"""How far apart two levels of an integer may be and still be the same."""


@dataclass
class Answers:
    """The best answer of a tree so far, believed only after a check of every limit.

    value: in the sense of the model; levels (columns,). values: those of the answers in the order in which they became
    the best.
    """

    extensive: Extensive
    value: float | None = None
    levels: Floats | None = None
    values: list[float] = field(default_factory=list)

    def offer(self, levels: Floats | None) -> bool:
        """Keep some levels if they keep every limit and are better than the best; says whether they are."""
        if levels is None:
            return False
        arrays = self.extensive.arrays
        clean = cleaned(arrays, levels)
        if not verify(arrays, clean).within(TOLERANCE):
            return False
        value = float(arrays.cost @ clean)
        if self.value is not None and (value <= self.value if arrays.maximise else value >= self.value):
            return False
        self.value, self.levels = value, clean
        self.values.append(value)
        return True


def completed(extensive: Extensive, given: Mapping[int, Floats], *, gap: float, clock: Clock) -> Floats | None:
    """Levels (columns,) with the integers of some nodes fixed at given levels, rounded; None if none in time."""
    arrays = extensive.arrays
    lower, upper = arrays.col_lower.copy(), arrays.col_upper.copy()
    for number, levels in given.items():
        own = extensive.of_node(number)
        integer = np.flatnonzero(arrays.integer[own])
        at = own.start + integer
        lower[at] = upper[at] = np.clip(np.round(levels[integer]), lower[at], upper[at])
    return solved_in_pieces(replace(arrays, col_lower=lower, col_upper=upper), gap=gap, clock=clock).levels


@dataclass
class Policies:
    """The answers tried for one tree. relaxed: levels of its relaxation; tried: first decisions, as bytes."""

    parts: Parts
    extensive: Extensive
    relaxed: Floats
    answers: Answers
    gap: float
    tried: set[bytes] = field(default_factory=set)
    _looked_near: float | None = None

    @property
    def tree(self) -> Tree:
        """The tree."""
        return self.parts.tree

    def begin(self, clock: Clock) -> None:
        """Where there is no answer yet, the one of a dive: something for the parts to start from."""
        if self.answers.value is None and self.extensive.arrays.is_mip:
            self.answers.offer(dived(self.extensive.arrays, clock.left()).values)

    def look(self, last: Pass, clock: Clock, enough: Callable[[], bool]) -> None:
        """Offer the answers that the parts of a pass suggest, until the time is out or the best is good enough."""
        if last.complete:
            self._vote(last, clock)
        for root in self._roots(last):
            if clock.out() or enough():
                return
            self._from_root(root, Clock.of(clock.share(0.4)))
        if self.answers.value != self._looked_near and not clock.out() and not enough():
            self._near(last, clock)
            self._looked_near = self.answers.value

    def _vote(self, last: Pass, clock: Clock) -> None:
        """Every node does what the part with the greatest share of it would do; the rest is a linear programme."""
        chosen: dict[int, tuple[float, Floats]] = {}
        for part, levels in zip(self.parts.parts, last.levels, strict=True):
            for number, own in levels.items():
                if number not in chosen or part.share[number] > chosen[number][0]:
                    chosen[number] = (part.share[number], own)
        levels = {number: own for number, (_, own) in chosen.items()}
        self.answers.offer(completed(self.extensive, levels, gap=self.gap, clock=clock))

    def _roots(self, last: Pass) -> Iterator[Floats]:
        """Levels at which to fix the root: of each integer the mean of the parts that take it, most probable first.

        The first pass begins with what the relaxation does, its integers rounded.
        """
        node = self.tree.nodes[ROOT]
        weight: dict[bytes, float] = {}
        total: dict[bytes, Floats] = {}
        for part, levels in zip(self.parts.parts, last.levels, strict=True):
            if levels:
                integers = np.round(levels[ROOT][node.integer]) + 0.0
                key = integers.tobytes()
                weight[key] = weight.get(key, 0.0) + max(part.share[ROOT], INTEGRALITY)
                total[key] = total.get(key, np.zeros(node.columns)) + max(part.share[ROOT], INTEGRALITY) * levels[ROOT]
        found = [total[key] / weight[key] for key in sorted(weight, key=lambda key: -weight[key])]
        if not self.tried:
            found.insert(0, self.relaxed[self.extensive.of_node(ROOT)])
        for root in found[:MOST_ROOTS]:
            root = np.where(node.integer, np.round(root), root)
            if root.tobytes() not in self.tried:
                self.tried.add(root.tobytes())
                yield root

    def _from_root(self, root: Floats, clock: Clock) -> None:
        """Fix the root and solve the trees below it; where that leaves no answer, fix only those of its
        integers that are integral."""
        fixed = self._fixed({ROOT: root})
        found = solved_in_pieces(fixed, gap=self.gap, clock=Clock.of(clock.share(0.6)))
        if found.levels is None:
            found = replace(found, levels=completed(self.extensive, {ROOT: root}, gap=self.gap, clock=clock))
        if found.levels is not None:
            # what is continuous at the root fits the decisions below it only now
            self.answers.offer(completed(self.extensive, self.extensive.split(found.levels), gap=self.gap, clock=clock))

    def _fixed(self, levels: Mapping[int, Floats]) -> ModelArrays:
        """The whole model with all columns of some nodes fixed."""
        arrays = self.extensive.arrays
        lower, upper = arrays.col_lower.copy(), arrays.col_upper.copy()
        for number, own in levels.items():
            at = self.extensive.of_node(number)
            lower[at] = upper[at] = np.clip(own, lower[at], upper[at])
        return replace(arrays, col_lower=lower, col_upper=upper)

    def _near(self, last: Pass, clock: Clock) -> None:
        """A better answer among those that share with the best one what it shares with relaxation and parts."""
        best = self.answers.levels
        if best is None:
            return
        arrays = self.extensive.arrays
        agreed = arrays.integer & (np.abs(best - self.relaxed) <= INTEGRALITY)
        for levels in last.levels:
            for number, own in levels.items():
                at = self.extensive.of_node(number)
                agreed[at] &= np.abs(best[at] - own) <= INTEGRALITY
        if agreed.sum() == arrays.integer.sum():
            return
        lower = np.where(agreed, best, arrays.col_lower)
        upper = np.where(agreed, best, arrays.col_upper)
        near = replace(arrays, col_lower=lower, col_upper=upper)
        self.answers.offer(solved(near, gap=self.gap, seconds=clock.left(), start=best).values)
