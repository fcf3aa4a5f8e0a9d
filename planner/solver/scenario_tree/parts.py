"""A tree cut into parts, each some of its paths with columns of its own, and the prices that hold the copies together.

Let x_n be copied into each part that passes through node n, with the part's share of P(n). The copies must be equal;
lifting that at prices lambda, which add to zero over the parts of each node, leaves a model for each part,

    optimise sum over its nodes n of (share_n P(n) cost_n + lambda_n) @ x_n   subject to the rows of its nodes,

and the sum of their bounds is a bound of the tree for any such lambda. Carøe and Schultz, Dual decomposition in
stochastic integer programming, Operations Research Letters 24 (1999), 37-45. The first prices come from the relaxation
of the tree: its row prices split by share leave reduced costs r on the copies, of which lambda_n = share_n (sum of r)
- r makes every part's relaxation optimal where the tree's is. So the bound is at least that of the relaxation, and
better where integers matter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from planner.arrays import Floats
from planner.solver.model_arrays import ModelArrays
from planner.solver.scenario_tree.extensive import Extensive, extensive
from planner.solver.scenario_tree.tree import ROOT, Tree

Prices = tuple[dict[int, Floats], ...]
"""By part, by node that it shares with others: lambda (columns,), to be added to the costs of the copies."""


@dataclass(frozen=True, eq=False)
class Part:
    """Some leaves and all nodes on the paths to them.

    share: by node, the part's share of its probability; of a node that cannot be reached, of its leaves.
    weight: probability of the part (1 if 0), by which its costs are divided where it is solved.
    """

    leaves: tuple[int, ...]
    share: dict[int, float]
    weight: float
    model: Extensive

    def priced(self, prices: dict[int, Floats]) -> ModelArrays:
        """The part's model at some prices; its objective is that of the part over `weight`."""
        cost = self.model.arrays.cost.copy()
        for number, price in prices.items():
            cost[self.model.of_node(number)] += price
        return replace(self.model.arrays, cost=cost / self.weight)


@dataclass(frozen=True, eq=False)
class Parts:
    """All parts of a tree. shared: nodes that stand in more than one."""

    tree: Tree
    parts: tuple[Part, ...]
    shared: tuple[int, ...]

    @staticmethod
    def of(tree: Tree, most_integers: int = 0) -> Parts:
        """The tree cut where more than some integers stand on the path to a node and below it; 0: path by path."""
        groups = _groups(tree, most_integers)
        parts = tuple(_part(tree, leaves) for leaves in groups)
        count = np.zeros(len(tree.nodes), dtype=np.int64)
        for part in parts:
            count[list(part.share)] += 1
        return Parts(tree, parts, tuple(np.flatnonzero(count > 1).tolist()))

    def no_prices(self) -> Prices:
        """Prices of zero."""
        nodes = self.tree.nodes
        return tuple({n: np.zeros(nodes[n].columns) for n in self.shared if n in part.share} for part in self.parts)

    def prices(self, extensive: Extensive, duals: Floats) -> Prices:
        """First prices, from the row prices (rows,) of the relaxation of the whole tree."""
        of_node = {n: duals[extensive.row[at] : extensive.row[at + 1]] for at, n in enumerate(extensive.numbers)}
        reduced = []
        for part in self.parts:
            arrays = part.model.arrays
            split = np.concatenate([part.share[n] * of_node[n] for n in part.model.numbers])
            reduced.append(part.model.split(arrays.cost - arrays.matrix.T @ split))
        total = {n: np.sum([own[n] for own in reduced if n in own], axis=0) for n in self.shared}
        return tuple(
            {n: part.share[n] * total[n] - own[n] for n in self.shared if n in part.share}
            for part, own in zip(self.parts, reduced, strict=True)
        )

    def split(self, levels: Mapping[int, Floats]) -> list[dict[int, Floats]]:
        """Levels of the whole tree, by node, as what each part does."""
        return [{n: levels[n] for n in part.model.numbers} for part in self.parts]

    def mean(self, levels: Sequence[dict[int, Floats]]) -> dict[int, Floats]:
        """Of each shared node, the mean of its copies by share."""
        found = {n: np.zeros(self.tree.nodes[n].columns) for n in self.shared}
        for part, own in zip(self.parts, levels, strict=True):
            for n in found.keys() & own.keys():
                found[n] += part.share[n] * own[n]
        return found


def _groups(tree: Tree, most: int) -> list[tuple[int, ...]]:
    """Leaves by part. The root is never a part of its own while it has two children: that would be the whole tree."""
    integers = [int(node.integer.sum()) for node in tree.nodes]
    below = list(integers)
    for number in reversed(range(1, len(tree.nodes))):
        below[tree.nodes[number].parent] += below[number]
    found: list[tuple[int, ...]] = []
    open_nodes = [ROOT]
    branched = False
    while open_nodes:
        number = open_nodes.pop(0)
        size = below[number] + sum(integers[n] for n in tree.paths[number][:-1])
        if not tree.children[number] or (branched and size <= most):
            found.append(tree.leaves_under[number])
            continue
        branched = branched or len(tree.children[number]) > 1
        open_nodes.extend(tree.children[number])
    return found


def _part(tree: Tree, leaves: tuple[int, ...]) -> Part:
    numbers = sorted({n for leaf in leaves for n in tree.paths[leaf]})
    own = set(leaves)
    share = {}
    for n in numbers:
        under = tree.leaves_under[n]
        chance = tree.probability[list(under)]
        if not chance.any():
            chance = np.ones(len(under))
        share[n] = float(chance[[leaf in own for leaf in under]].sum() / chance.sum())
    cost = {n: share[n] * tree.probability[n] * tree.nodes[n].cost for n in numbers}
    weight = float(sum(tree.probability[leaf] for leaf in leaves)) or 1.0
    return Part(leaves, share, weight, extensive(tree, numbers, cost))
