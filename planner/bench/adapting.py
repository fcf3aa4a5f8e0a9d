"""Bench of a policy: relaxation, bound, policy and replay apart, and how they grow with nodes and with futures."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from kernels.bench.contest import Figure
from planner.adapting.adapt import adapted
from planner.adapting.options import AdaptOptions
from planner.adapting.policy import Policy
from planner.adapting.policy_folder import write_policy
from planner.adapting.replay import ReplayOptions, replay
from planner.bench.measure import peak_mb
from planner.case.calendar import Calendar
from planner.case.case import Case
from planner.case.write import write_case
from planner.planning.options import PlanOptions
from planner.solver.options import SolverOptions
from planner.solver.scenario_tree.solution import Method
from planner.solver.scenario_tree.solve import solve_tree

REVIEW = 12
"""Month of the one review of trees of two stages; trees of three have the usual two."""


@dataclass(frozen=True)
class Tree:
    """A tree that is measured: its groups at each review, and its futures."""

    branches: tuple[int, ...]
    scenarios: int

    @property
    def name(self) -> str:
        """As 1-3-9, 500 futures."""
        sizes, last = ["1"], 1
        for count in self.branches:
            last *= count
            sizes.append(str(last))
        return f"{'-'.join(sizes)}, {self.scenarios:,} futures"


TREES = (
    Tree((2,), 500), Tree((4,), 500), Tree((2, 2), 500), Tree((3, 3), 500), Tree((4, 4), 500), Tree((4,), 100),
    Tree((4,), 2000),
)
"""3, 5, 7, 13 and 21 nodes on 500 futures, and 5 nodes on 100 and 2,000."""


def policy_figures(
    case: Case, *, gap: float, time_limit_s: float, trees: Sequence[Tree] = TREES
) -> Iterator[Figure]:
    """Each tree with the seconds of its parts; of the first of one review and four groups the extensive form handed
    whole to HiGHS for as long, and replays."""
    whole = next((tree for tree in trees if tree.branches == (4,)), None)
    for tree in trees:
        began = time.perf_counter()
        policy = _policy(case, tree, gap, time_limit_s)
        yield from _pieces(tree.name, policy, time.perf_counter() - began)
        if tree is whole:
            yield from _whole(tree.name, policy, gap)
            yield from _replayed(tree.name, policy)


def _policy(case: Case, tree: Tree, gap: float, time_limit_s: float) -> Policy:
    reviews = (_written(case, REVIEW),) if len(tree.branches) == 1 else None
    return adapted(
        case, PlanOptions(prices="none", solver=SolverOptions(gap=gap, time_limit_s=time_limit_s)),
        AdaptOptions(
            reviews=reviews, branches=tree.branches, scenarios=tree.scenarios, information=0, worth=False
        ),
    )


def _written(case: Case, month: int) -> str:
    return Calendar(case.settings.start, case.settings.months).written(month)


def _pieces(job: str, policy: Policy, wall: float) -> Iterator[Figure]:
    columns = sum(len(policy.problem.columns[node.stage]) for node in policy.tree.nodes)
    size = f"{len(policy.tree.nodes)} nodes, {columns:,} columns"
    seconds = policy.pieces.seconds
    gap = "none" if policy.gap is None else f"{policy.gap:.2%}"
    yield Figure(job, "values of candidates", policy.seconds.get("values", 0.0), "s")
    yield Figure(job, "relaxation", seconds.relaxation, "s", note=size)
    yield Figure(job, "bound", seconds.bound, "s", note=f"{policy.pieces.parts} parts")
    yield Figure(job, "policy", seconds.policy + seconds.extensive, "s", note=f"gap {gap}")
    yield Figure(job, "in all", wall, "s")
    if policy.value_of_adapting_usd is not None:
        yield Figure(job, "value of adapting", policy.value_of_adapting_usd / 1e6, "$M")
    yield Figure(job, "peak memory so far", peak_mb(), "MB")


def _whole(job: str, policy: Policy, gap: float) -> Iterator[Figure]:
    """The extensive form as one model for as long as the policy took."""
    spent = policy.pieces.seconds.total
    found = solve_tree(policy.problem.model, gap=gap, time_limit_s=spent, method=Method.EXTENSIVE)
    reached = "no answer" if found.gap is None else f"gap {found.gap:.2%}"
    yield Figure(job, "extensive form whole to HiGHS", found.seconds.total, "s", note=reached)


def _replayed(job: str, policy: Policy) -> Iterator[Figure]:
    """A thousand futures by the rule, and a few by planning again."""
    with tempfile.TemporaryDirectory() as folder:
        write_case(policy.case, Path(folder) / "case")  # that of a made-up case stands nowhere
        where = write_policy(policy, Path(folder) / "policy")
        for what, options in (
            ("1,000 futures by the rule", ReplayOptions(futures=1000, rule=True)),
            ("replayed, each future", ReplayOptions(futures=8, workers=1)),
        ):
            found = replay(where, options, case=Path(folder) / "case")
            each = 1 if options.rule else len(found.walked)
            yield Figure(job, what, found.seconds / each, "s")
