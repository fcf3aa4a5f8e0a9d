"""The model by stages copied over the nodes of a tree: x[column, n] for each node n of the column's stage.

    maximise    (1 - w) mean - w CVaR of the loss, over the futures, of what the path of each is worth in it
    subject to  every row of the model, at each node of its stage

Of the mean, a copy is worth the probability of its node times the column's mean value over the node's futures. CVaR is
that of Rockafellar and Uryasev, the excess of each leaf over the loss t given by cuts, one for a set of its futures:

    CVaR = min over t of t + sum over leaves l of P(l) u_l / (1 - alpha)
    u_l >= sum over s in the set of P(s | l) (loss in s - t)        for every set of futures of l; most never bind

so a programme with some of the cuts is a relaxation, and one with those that its answer breaks is a tighter one. Those
of all futures of each leaf bound it: without them a t without end would cost nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import scipy.sparse as sp

from planner.adapting.nodes import NOBODY, NodeTree, shares
from planner.adapting.staged_model import StagedModel
from planner.arrays import Floats, Ints
from planner.solver.column_generation.mean_cvar import MeanCvar
from planner.solver.model_arrays import SMALLEST_COEFFICIENT
from planner.solver.scenario_tree.tree_model import TreeModel, TreeNode


@dataclass(frozen=True)
class TailCut:
    """Some futures of a leaf, (futures,), whose loss beyond t is counted."""

    leaf: int
    futures: Ints


@dataclass(frozen=True, eq=False)
class PolicyTree:
    """A staged model on a tree of nodes.

    values: of a unit of each column in each future, (columns, S), in the model's money. lower, upper: bounds of the
    columns by node where they are not those of the model. cuts: see above; none without a weight.
    """

    staged: StagedModel
    tree: NodeTree
    values: Floats
    measure: MeanCvar
    bounds: Mapping[int, tuple[Floats, Floats]] | None = None
    cuts: tuple[TailCut, ...] = ()

    @cached_property
    def columns(self) -> tuple[Ints, ...]:
        """The columns of each stage."""
        return tuple(np.flatnonzero(self.staged.column_stage == stage) for stage in range(self.staged.stages))

    @cached_property
    def rows(self) -> tuple[Ints, ...]:
        """The rows of each stage."""
        return tuple(np.flatnonzero(self.staged.row_stage == stage) for stage in range(self.staged.stages))

    @cached_property
    def blocks(self) -> dict[tuple[int, int], sp.csr_array]:
        """Coefficients of the rows of a stage in the columns of each stage up to it, where there are any."""
        matrix = sp.csr_array(self.staged.arrays.matrix)
        found = {}
        for stage, rows in enumerate(self.rows):
            own = sp.csc_array(matrix[rows])
            for other in range(stage + 1):
                block = sp.csr_array(own[:, self.columns[other]])
                if block.nnz or other == stage:
                    found[stage, other] = block
        return found

    @property
    def risky(self) -> bool:
        """Whether the tail counts."""
        return self.measure.weight > 0.0

    def with_bounds(self, bounds: Mapping[int, tuple[Floats, Floats]]) -> PolicyTree:
        """The same with other bounds (lower, upper) of the columns of some nodes."""
        return replace(self, bounds={**(self.bounds or {}), **bounds})

    def bounds_of(self, number: int) -> tuple[Floats, Floats]:
        """Bounds of the columns of a node."""
        if self.bounds and number in self.bounds:
            return self.bounds[number]
        arrays, columns = self.staged.arrays, self.columns[self.tree.nodes[number].stage]
        return arrays.col_lower[columns], arrays.col_upper[columns]

    def node_values(self, number: int) -> Floats:
        """Mean value of a unit of each column of a node's stage over the node's futures, (its columns,)."""
        node = self.tree.nodes[number]
        return np.asarray(self.values[np.ix_(self.columns[node.stage], node.futures)] @ self._share(number))

    def _share(self, number: int) -> Floats:
        """Probability of each future of a node, given the node."""
        return shares(self.tree.weights[self.tree.nodes[number].futures])

    @cached_property
    def model(self) -> TreeModel:
        """The model as a tree of blocks; its nodes are those of the tree, in their order.

        With a weight the root has t as its last column but its own, a leaf its excess u as its last.
        """
        arrays, weight = self.staged.arrays, self.measure.weight
        model = TreeModel(sense="max")
        handles: list[TreeNode] = []
        leaves = set(self.tree.leaves)
        for number, node in enumerate(self.tree.nodes):
            columns, rows = self.columns[node.stage], self.rows[node.stage]
            own = self._own(number, leaves)
            lower, upper = self.bounds_of(number)
            cost = [(1.0 - weight) * self.node_values(number)]
            low, up = [lower], [upper]
            if self.risky and number == 0:
                cost, low, up = [*cost, np.array([-weight])], [*low, np.array([-np.inf])], [*up, np.array([np.inf])]
            if self.risky and number in leaves:
                cost.append(np.array([-weight / (1.0 - self.measure.alpha)]))
                low, up = [*low, np.zeros(1)], [*up, np.array([np.inf])]
            cuts = [cut for cut in self.cuts if cut.leaf == number]
            blocks: dict[TreeNode | None, sp.csr_array] = {}
            path = self.tree.path(number)
            cut_rows = self.cut_rows(cuts, path, leaves) if cuts else {}
            for ancestor in path:
                block = self.blocks.get((node.stage, self.tree.nodes[ancestor].stage))
                width = self._own(ancestor, leaves)
                if block is None and ancestor not in cut_rows:
                    continue
                wide = _widened(block, len(rows), width)
                if ancestor in cut_rows:
                    wide = sp.vstack([wide, cut_rows[ancestor]], format="csr")
                elif cuts:
                    wide = sp.csr_array((wide.data, wide.indices, np.concatenate(
                        [wide.indptr, np.full(len(cuts), wide.indptr[-1])]
                    )), shape=(len(rows) + len(cuts), width))
                blocks[None if ancestor == number else handles[ancestor]] = wide
            above = None if node.parent == NOBODY else node.parent
            handles.append(
                model.node(
                    None if above is None else handles[above],
                    1.0 if above is None else _given(node.probability, self.tree.nodes[above].probability),
                    cost=np.concatenate(cost), lower=np.concatenate(low), upper=np.concatenate(up),
                    integer=np.concatenate([arrays.integer[columns], np.zeros(own - len(columns), dtype=bool)]),
                    rows=blocks, row_lower=np.concatenate([arrays.row_lower[rows], np.zeros(len(cuts))]),
                    row_upper=np.concatenate([arrays.row_upper[rows], np.full(len(cuts), np.inf)]),
                )
            )
        return model

    def _own(self, number: int, leaves: set[int]) -> int:
        """Columns of a node, t and u among them."""
        more = int(number == 0) + int(number in leaves) if self.risky else 0
        return len(self.columns[self.tree.nodes[number].stage]) + more

    def cut_rows(
        self, cuts: Sequence[TailCut], path: Sequence[int], leaves: set[int]
    ) -> dict[int, sp.csr_array]:
        """Rows u + mass x t + sum of P(s | leaf) value in s >= 0 of some cuts of one leaf, by node of its path."""
        leaf = path[-1]
        share = np.zeros(self.values.shape[1])
        share[self.tree.nodes[leaf].futures] = self._share(leaf)
        weighed = np.column_stack([self.values[:, cut.futures] @ share[cut.futures] for cut in cuts]).T
        mass = np.array([share[cut.futures].sum() for cut in cuts])
        found = {}
        for number in path:
            own = weighed[:, self.columns[self.tree.nodes[number].stage]]
            own = np.where(np.abs(own) > 10.0 * SMALLEST_COEFFICIENT, own, 0.0)
            more = []
            if number == 0:
                more.append(mass[:, None])
            if number in leaves:
                more.append(np.ones((len(cuts), 1)))
            found[number] = sp.csr_array(np.hstack([own, *more]))
        return found

    # --- levels ----------------------------------------------------------------------------------------------

    def path_columns(self, levels: Sequence[Floats], leaf: int) -> Floats:
        """All columns of the staged model on the path to a leaf, (columns,), from the levels of each node."""
        found = np.zeros(len(self.staged.column_stage))
        for number in self.tree.path(leaf):
            found[self.columns[self.tree.nodes[number].stage]] = levels[number]
        return found

    def npv(self, levels: Sequence[Floats]) -> Floats:
        """NPV in each future, in the model's money, (S,)."""
        found = np.zeros(self.values.shape[1])
        for leaf in self.tree.leaves:
            members = self.tree.nodes[leaf].futures
            found[members] = self.path_columns(levels, leaf) @ self.values[:, members]
        return found

    def split(self, columns: Floats) -> list[Floats]:
        """One plan's columns (columns,) as the levels of every node: the plan that does the same in all of them."""
        return [columns[self.columns[node.stage]] for node in self.tree.nodes]

    def start(self, levels: Sequence[Floats]) -> dict[TreeNode, Floats]:
        """Levels of each node as the solver takes them, with t and the excess that they leave."""
        handles = self.model.nodes
        if not self.risky:
            return dict(zip(handles, levels, strict=True))
        npv, found, leaves = self.npv(levels), {}, set(self.tree.leaves)
        at_risk = value_at_risk(npv, self.measure)
        for number, (handle, own) in enumerate(zip(handles, levels, strict=True)):
            more = [at_risk] if number == 0 else []
            if number in leaves:
                beyond = np.maximum(-npv[self.tree.nodes[number].futures] - at_risk, 0.0)
                more.append(float(self._share(number) @ beyond))
            found[handle] = np.concatenate([own, more])
        return found

    def by_node(self, found: Mapping[TreeNode, Floats]) -> list[Floats]:
        """Levels of each node, in the order of the tree, without t and excess."""
        return [
            found[handle][: len(self.columns[node.stage])]
            for handle, node in zip(self.model.nodes, self.tree.nodes, strict=True)
        ]

    def broken_cuts(self, levels: Sequence[Floats], at_risk: float) -> tuple[TailCut, ...]:
        """The cuts of some levels at a loss t: of each leaf its futures that lose more."""
        npv = self.npv(levels)
        found = []
        for leaf in self.tree.leaves:
            members = self.tree.nodes[leaf].futures
            beyond = members[-npv[members] > at_risk]
            if len(beyond):
                found.append(TailCut(leaf, beyond))
        return tuple(found)


def value_at_risk(npv: Floats, measure: MeanCvar) -> float:
    """The loss at the edge of the tail, which the t of CVaR takes at its best."""
    order = np.argsort(-npv, kind="stable")
    reached = np.searchsorted(np.cumsum(measure.probability[order]), measure.alpha - 1e-9)
    return -float(npv[order[min(int(reached), len(order) - 1)]])


def _widened(block: sp.csr_array | None, rows: int, width: int) -> sp.csr_array:
    if block is None:
        return sp.csr_array((rows, width))
    return sp.csr_array((block.data, block.indices, block.indptr), shape=(rows, width))


def _given(probability: float, parent: float) -> float:
    return min(probability / parent, 1.0) if parent > 0.0 else 0.0
