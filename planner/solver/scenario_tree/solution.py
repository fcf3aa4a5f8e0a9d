"""What became of a tree: levels by node, the proof, and how long each piece of the work took."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from planner.arrays import Floats
from planner.solver.scenario_tree.tree_model import TreeNode
from planner.solver.status import Status

SMALLEST = 1e-10
"""Least size of an objective that a gap is relative to."""
ABSOLUTE_GAP = 1e-6
"""A bound this near proves an answer whatever the relative gap, as for every MIP here."""


class Method(StrEnum):
    """How a tree is solved."""

    AUTO = "auto"
    """As one model where it is small, else by paths, and as one model from that answer where the gap stays open."""
    EXTENSIVE = "extensive"
    """The extensive form as one model."""
    PATHS = "paths"
    """The Lagrangian bound of its paths, and policies from what they would do; ends with the gap that these leave."""


@dataclass(frozen=True)
class Seconds:
    """Seconds of wall clock by piece of the work; what was not done took none."""

    relaxation: float = 0.0
    bound: float = 0.0
    """Models of the parts, over all passes."""
    policy: float = 0.0
    """Answers from what the parts would do."""
    extensive: float = 0.0
    """The extensive form as one model."""

    @property
    def total(self) -> float:
        """All pieces."""
        return self.relaxation + self.bound + self.policy + self.extensive


@dataclass(frozen=True)
class Pieces:
    """What each piece of the work proved or found, in the user's sense."""

    relaxation: float | None = None
    """Value of the relaxation of the whole tree, a bound; None where it was not solved."""
    parts: int = 0
    """Into how many parts the tree was cut; 0 where it was solved as one model."""
    passes: tuple[float | None, ...] = ()
    """Bound of the parts after each pass of dual ascent; None where a part gave none."""
    policies: tuple[float, ...] = ()
    """Values of the answers in the order in which they became the best one."""
    seconds: Seconds = field(default_factory=Seconds)


@dataclass(frozen=True, eq=False)
class TreeSolution:
    """The answer of `solve_tree`, its levels checked against every limit.

    status: OPTIMAL means proven to the gap that was asked for; FEASIBLE an answer without that proof; TIME_LIMIT no
    answer yet.
    objective: the value of `levels`, with a measure that of the measure, in the sense of the model (never negated).
    bound: no answer can be better: above the objective for `max`, below it for `min`. gap: |bound - objective| /
    |objective|. Each is None where there is none.
    levels: by node, (columns,), integral where they must be. Empty without an answer.
    node_value: by node n, the expected cost of n and of all nodes below it, given that the path has reached n:
        node_value[n] = cost_n @ levels[n] + sum over children c of probability_c x node_value[c]
    What was spent above n is not in it, and a measure does not change it: node_value[root] is the mean of `outcome`.
    outcome: by leaf, the sum of the costs of the nodes on the path to it: what a measure is taken of.
    Levels of nodes that count for nothing (probability 0, or outside the tail with a weight of 1) keep every limit, no
    more.
    method: "extensive" or "paths", what the answer came from.
    """

    status: Status
    objective: float | None
    bound: float | None
    gap: float | None
    levels: Mapping[TreeNode, Floats]
    node_value: Mapping[TreeNode, float]
    outcome: Mapping[TreeNode, float]
    method: Method
    message: str
    pieces: Pieces

    @property
    def seconds(self) -> Seconds:
        """Seconds by piece of the work."""
        return self.pieces.seconds


def gap_of(objective: float, bound: float) -> float:
    """|bound - objective| / |objective|."""
    return abs(bound - objective) / max(abs(objective), SMALLEST)


def closed(objective: float | None, bound: float | None, gap: float) -> bool:
    """Whether a bound proves an answer to a gap."""
    if objective is None or bound is None:
        return False
    return gap_of(objective, bound) <= gap or abs(bound - objective) <= ABSOLUTE_GAP
