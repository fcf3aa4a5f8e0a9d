"""A tree of nodes as it is solved: plain arrays, which never change."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from planner.arrays import Flags, Floats

ROOT = 0
NOBODY = -1
"""The parent of the root."""


@dataclass(frozen=True, eq=False)
class NodeData:
    """One node: cost, lower, upper, integer (columns,); row_lower, row_upper (rows,).

    probability: given the parent. blocks: (number of a node on the path, rows x columns of that node), one a node.
    """

    parent: int
    probability: float
    cost: Floats
    lower: Floats
    upper: Floats
    integer: Flags
    blocks: tuple[tuple[int, sparse.csr_array], ...]
    row_lower: Floats
    row_upper: Floats

    @property
    def columns(self) -> int:
        """How many columns are its own."""
        return len(self.cost)

    @property
    def rows(self) -> int:
        """How many rows are its own."""
        return len(self.row_lower)


@dataclass(frozen=True, eq=False)
class Tree:
    """Nodes in an order in which every parent comes before its children; the root is the first."""

    nodes: tuple[NodeData, ...]
    maximise: bool

    @cached_property
    def children(self) -> tuple[tuple[int, ...], ...]:
        """The children of each node, in order."""
        found: list[list[int]] = [[] for _ in self.nodes]
        for number, node in enumerate(self.nodes):
            if node.parent != NOBODY:
                found[node.parent].append(number)
        return tuple(map(tuple, found))

    @cached_property
    def leaves(self) -> tuple[int, ...]:
        """Nodes without children; each ends one path."""
        return tuple(number for number, children in enumerate(self.children) if not children)

    @cached_property
    def probability(self) -> Floats:
        """Probability that a path passes through each node, (nodes,)."""
        found = np.ones(len(self.nodes))
        for number, node in enumerate(self.nodes):
            found[number] = node.probability * (1.0 if node.parent == NOBODY else found[node.parent])
        return found

    @cached_property
    def paths(self) -> tuple[tuple[int, ...], ...]:
        """For each node, the nodes from the root to it."""
        found: list[tuple[int, ...]] = []
        for number, node in enumerate(self.nodes):
            found.append((number,) if node.parent == NOBODY else (*found[node.parent], number))
        return tuple(found)

    @cached_property
    def leaves_under(self) -> tuple[tuple[int, ...], ...]:
        """For each node, the leaves below it (a leaf: itself)."""
        found: list[tuple[int, ...]] = [()] * len(self.nodes)
        for number in reversed(range(len(self.nodes))):
            below = tuple(leaf for child in self.children[number] for leaf in found[child])
            found[number] = below or (number,)
        return tuple(found)

    def outcomes(self, levels: tuple[Floats, ...]) -> Floats:
        """The outcome of each path, the sum of the costs of its nodes at their levels, (leaves,)."""
        spent = self.spent(levels)
        return np.array([spent[list(self.paths[leaf])].sum() for leaf in self.leaves])

    def spent(self, levels: tuple[Floats, ...]) -> Floats:
        """The cost of each node at its levels, (nodes,)."""
        return np.array([float(node.cost @ own) for node, own in zip(self.nodes, levels, strict=True)])

    def expected(self, levels: tuple[Floats, ...]) -> Floats:
        """Expected cost of a node and all below it, given that the path reaches it, (nodes,)."""
        found = self.spent(levels).copy()
        for number in reversed(range(1, len(self.nodes))):
            node = self.nodes[number]
            found[node.parent] += node.probability * found[number]
        return found
