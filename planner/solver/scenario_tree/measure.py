"""Mean and CVaR of the outcome of a path, and how they become columns and rows of the tree itself.

    min  (1 - w) mean(Z) + w CVaR_alpha(Z)        max  (1 - w) mean(Z) - w CVaR_alpha(-Z)
    Z: the sum of the costs along a path
    CVaR_alpha(L) = min over eta of eta + E[max(L - eta, 0)] / (1 - alpha)

eta becomes a column of the root, the excess max(L - eta, 0) one of each leaf, and the outcome so far one of each node
between: a tree with a measure is a tree without one. Rockafellar and Uryasev, Optimization of conditional
value-at-risk, Journal of Risk 2 (2000), 21-41.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from planner.arrays import Floats
from planner.solver.column_generation import mean_cvar
from planner.solver.model_arrays import SMALLEST_COEFFICIENT
from planner.solver.scenario_tree.tree import NOBODY, ROOT, NodeData, Tree


@dataclass(frozen=True)
class MeanCvar:
    """(1 - weight) x mean and weight x CVaR at level alpha of the outcome of a path, the sum of its nodes' costs.

    For `min` (1 - weight) mean + weight CVaR_alpha of the outcome is minimised, for `max` (1 - weight) mean - weight
    CVaR_alpha of the loss (minus the outcome) maximised. weight: 0 to 1. alpha: level of confidence inside (0, 1), as
    0.95: CVaR is the mean of the worst 1 - alpha share of the probability, the atom at VaR split (as in
    `kernels.reference.measures`). Tools that give the share of the tail instead (JuDGE.jl's Risk) mean 1 - alpha.

    This is CVaR of the whole outcome, seen from the root (terminal). It is not time-consistent: solved again from a
    later node with the same measure, the rest of the tree may be decided otherwise. Raises PlannerError for a weight
    or level outside.
    """

    weight: float
    alpha: float

    def __post_init__(self) -> None:
        self.over(np.ones(1))

    def over(self, probability: Floats) -> mean_cvar.MeanCvar:
        """The same measure over outcomes of given probabilities, (outcomes,)."""
        return mean_cvar.MeanCvar(self.weight, self.alpha, probability / probability.sum())

    def value(self, tree: Tree, outcomes: Floats) -> float:
        """The objective of outcomes of the paths of a tree, (leaves,), in the tree's sense."""
        sign = 1.0 if tree.maximise else -1.0
        return sign * self.over(tree.probability[list(tree.leaves)]).value(sign * outcomes)


def with_tail(tree: Tree, measure: MeanCvar | None) -> Tree:
    """A tree of which the expected cost is the measure of the given one; each node's own columns come first in it."""
    if measure is None or measure.weight == 0.0:
        return tree
    widths = [node.columns + (2 if number == ROOT else 1) for number, node in enumerate(tree.nodes)]
    return replace(tree, nodes=tuple(_extended(tree, number, widths, measure) for number in range(len(tree.nodes))))


def _extended(tree: Tree, number: int, widths: list[int], measure: MeanCvar) -> NodeData:
    """A node with eta (at the root) and then its loss so far or (at a leaf) its excess as columns, and one row more.

    Row of an inner node: (loss so far) - (loss so far of the parent) - loss x cost @ x = 0.
    Row of a leaf:        excess + eta - (loss so far of the parent) - loss x cost @ x >= 0.
    """
    node, width, leaf = tree.nodes[number], widths[number], not tree.children[number]
    loss = -1.0 if tree.maximise else 1.0
    last = {number: np.zeros(width)}
    last[number][: node.columns] = -loss * node.cost
    last[number][-1] = 1.0
    if node.parent != NOBODY:
        last.setdefault(node.parent, np.zeros(widths[node.parent]))[-1] = -1.0
    if leaf:
        last.setdefault(ROOT, np.zeros(widths[ROOT]))[tree.nodes[ROOT].columns] = 1.0
    added = np.zeros(width - node.columns)
    if number == ROOT:
        added[0] = loss * measure.weight
    if leaf:
        added[-1] = loss * measure.weight / (1.0 - measure.alpha)
    low = np.full(len(added), -np.inf)
    if leaf:
        low[-1] = 0.0
    before = dict(node.blocks)
    rows = {m: _with_row(before.get(m), node.rows, widths[m], last.get(m)) for m in sorted({*before, *last})}
    return NodeData(
        parent=node.parent,
        probability=node.probability,
        cost=np.concatenate([(1.0 - measure.weight) * node.cost, added]),
        lower=np.concatenate([node.lower, low]),
        upper=np.concatenate([node.upper, np.full(len(added), np.inf)]),
        integer=np.concatenate([node.integer, np.zeros(len(added), dtype=np.bool_)]),
        blocks=tuple(rows.items()),
        row_lower=np.concatenate([node.row_lower, [0.0]]),
        row_upper=np.concatenate([node.row_upper, [np.inf if leaf else 0.0]]),
    )


def _with_row(rows: sparse.csr_array | None, count: int, width: int, last: Floats | None) -> sparse.csr_array:
    """A block of `count` rows (None: of zeros) made `width` columns wide, with one row below it (None: of zeros)."""
    cells = sparse.coo_array((count, 0)) if rows is None else rows.tocoo()
    below = np.zeros(width) if last is None else last
    columns = np.flatnonzero(np.abs(below) > SMALLEST_COEFFICIENT)  # the solver would read what is left out as zero
    place = (np.r_[cells.coords[0], np.full(len(columns), count)], np.r_[cells.coords[1], columns])
    return sparse.csr_array((np.r_[cells.data, below[columns]], place), shape=(count + 1, width))
