"""Solvers by name, all asked in one way: the same options, the same status, the same checks."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Protocol

from planner.errors import PlannerError
from planner.solver.branch_and_bound.search import TreeSearch
from planner.solver.cbc import CbcSolver
from planner.solver.cuopt import CuoptSolver
from planner.solver.highs import HighsSolver
from planner.solver.model_arrays import FloatArray, ModelArrays, model_arrays
from planner.solver.options import Feature, SolverOptions
from planner.solver.own_process import OwnProcessSolver
from planner.solver.solution import Solution
from planner.solver.write_back import write_back


class Solver(Protocol):
    """What every solver can do: solve a model given as arrays."""

    def solve_arrays(self, arrays: ModelArrays) -> Solution:
        """The solution of a model given as arrays; its status says when there is none."""
        ...


@dataclass(frozen=True)
class _Known:
    make: Callable[[SolverOptions], Solver]
    features: frozenset[Feature]


_SOLVERS = {
    "highs": _Known(HighsSolver, frozenset(Feature)),
    "cbc": _Known(CbcSolver, frozenset({Feature.THREADS})),
    "cuopt": _Known(CuoptSolver, frozenset()),
}


def solver_names() -> tuple[str, ...]:
    """The names that `SolverOptions.solver` may take."""
    return tuple(_SOLVERS)


def supports(solver: str, feature: Feature) -> bool:
    """Whether a solver can be asked for a feature; an unknown solver is refused."""
    return feature in _named(solver).features


def make_solver(options: SolverOptions) -> Solver:
    """The solver that the options name; what that solver cannot honour is refused."""
    solver = _named(options.solver)
    refused = sorted(feature.value for feature in options.asked() - solver.features)
    if refused:
        raise PlannerError(
            f"solver {options.solver!r} cannot take {', '.join(refused)}; leave that out, or use solver 'highs'"
        )
    if options.confirm_infeasible is not None:
        _named(options.confirm_infeasible)
    return solver.make(options) if options.deadline_s is None else OwnProcessSolver(options)


def mip_solver(
    options: SolverOptions, *, at_least: float = -math.inf, hint: FloatArray | None = None, priced: bool = True
) -> Solver:
    """The solver for a model with few, weighty integers: with HiGHS the tree of warm relaxations, else as
    `make_solver`.

    at_least: a value that an answer has to beat; hint: integers to try; priced: see `TreeSearch`. Other
    solvers look for the best answer whatever it is worth, and take no hint.
    """
    if options.solver == "highs" and options.deadline_s is None:
        return TreeSearch(options, at_least=at_least, hint=hint, priced=priced)
    return make_solver(options)


def solve(problem: Any, options: SolverOptions | None = None, *, variables: Sequence[Any] | None = None) -> Solution:
    """Solve a `pulp.LpProblem` and return the checked answer, also written into the problem's variables.

    variables: the columns in the order wanted for `Solution.values`, including any that stand in no row.
    A failed, infeasible or stopped solve is an answer with that status, not an exception; see `Solution.usable`.
    """
    chosen = options or SolverOptions()
    solver = make_solver(chosen)
    solution = solver.solve_arrays(model_arrays(problem, variables=variables, relax=chosen.relax))
    if isinstance(solver, HighsSolver):
        problem.solverModel = solver.highs
    write_back(problem, solution)
    return solution


def _named(name: str) -> _Known:
    if name not in _SOLVERS:
        close = get_close_matches(name.lower(), _SOLVERS, n=1, cutoff=0.4)
        meant = f"did you mean {close[0]!r}? " if close else ""
        raise PlannerError(f"unknown solver {name!r}; {meant}Known: {', '.join(_SOLVERS)}")
    return _SOLVERS[name]
