"""A model as arrays: one pass over the problem, then NumPy only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from operator import attrgetter
from typing import Any

import numpy as np
import pulp
from numpy.typing import NDArray
from scipy.sparse import csr_array

from planner.errors import PlannerError

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int32]

SMALLEST_COEFFICIENT = 1e-9  # HiGHS reads anything at or below it as zero, without a word
LARGEST_COEFFICIENT = 1e15  # HiGHS refuses the model above it
INFINITE = 1e20  # HiGHS reads bounds and costs at or above it as infinite


@dataclass(frozen=True, eq=False)
class ModelArrays:
    """Optimise cost @ x + offset subject to row_lower <= A x <= row_upper, col_lower <= x <= col_upper.

    cost, col_lower, col_upper, integer: (columns,); row_lower, row_upper: (rows,); start (rows + 1,), index and
    value (non-zeros,) hold A row by row. `variables` are the problem's own variables in column order, `row_names`
    the names of its constraints. Columns are told apart by identity, so two variables of one name stay two columns.
    """

    cost: FloatArray
    offset: float
    start: IntArray
    index: IntArray
    value: FloatArray
    row_lower: FloatArray
    row_upper: FloatArray
    col_lower: FloatArray
    col_upper: FloatArray
    integer: NDArray[np.bool_]
    maximise: bool
    variables: tuple[Any, ...]
    row_names: tuple[str, ...]

    @property
    def columns(self) -> int:
        """Number of columns."""
        return len(self.cost)

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.row_lower)

    @property
    def is_mip(self) -> bool:
        """Whether any column is an integer."""
        return bool(self.integer.any())

    @cached_property
    def matrix(self) -> Any:
        """A as a SciPy CSR array, (rows, columns)."""
        return csr_array((self.value, self.index, self.start), shape=(self.rows, self.columns))

    @cached_property
    def _column_of_id(self) -> dict[int, int]:
        return {id(variable): j for j, variable in enumerate(self.variables)}

    @cached_property
    def _columns_of_name(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for j, variable in enumerate(self.variables):
            found.setdefault(variable.name, []).append(j)
        return found

    def column_of(self, key: Any) -> int:
        """The column of a variable or of a name; an unknown or ambiguous one is refused."""
        if not isinstance(key, str):
            if id(key) not in self._column_of_id:
                raise PlannerError(f"variable {key} is not in this model; take it from the problem that was solved")
            return self._column_of_id[id(key)]
        columns = self._columns_of_name.get(key, [])
        if len(columns) != 1:
            why = "is not in this model" if not columns else f"is the name of {len(columns)} variables"
            raise PlannerError(f"{key!r} {why}; ask for the variable itself, or give every variable a name of its own")
        return columns[0]

    def name_of_row(self, i: int) -> str:
        """A row in words, for messages."""
        return f"row {self.row_names[i]!r}"

    def name_of_column(self, j: int) -> str:
        """A column in words, for messages."""
        return f"variable {self.variables[j].name!r}"

    def points(self, start: Mapping[Any, float] | FloatArray) -> tuple[IntArray, FloatArray]:
        """Columns and levels of a start, (k,) each; a wrong length, an unknown name or NaN is refused."""
        if isinstance(start, Mapping):
            columns = np.fromiter((self.column_of(key) for key in start), np.int32, len(start))
            levels = np.fromiter(start.values(), np.float64, len(start))
        else:
            levels = np.asarray(start, dtype=np.float64)
            columns = np.arange(self.columns, dtype=np.int32)
            if levels.shape != (self.columns,):
                raise PlannerError(f"the start has shape {levels.shape}, the model has {self.columns} columns")
        bad = np.flatnonzero(~np.isfinite(levels))
        if bad.size:
            raise PlannerError(f"the start gives {levels[bad[0]]} to {self.name_of_column(int(columns[bad[0]]))}")
        return columns, levels

    def with_integers_fixed(self, levels: FloatArray) -> ModelArrays:
        """The LP that is left when every integer column is fixed at its (rounded) level."""
        fixed = np.round(levels[self.integer])
        lower, upper = self.col_lower.copy(), self.col_upper.copy()
        lower[self.integer] = fixed
        upper[self.integer] = fixed
        return replace(self, col_lower=lower, col_upper=upper, integer=np.zeros_like(self.integer))

    def without_objective(self) -> ModelArrays:
        """The same limits with nothing to optimise: what decides between infeasible and unbounded."""
        return replace(self, cost=np.zeros_like(self.cost), offset=0.0)


def model_arrays(problem: Any, *, variables: Sequence[Any] | None = None, relax: bool = False) -> ModelArrays:
    """The arrays of a `pulp.LpProblem`, without sorting and with one pass over variables and constraints.

    Columns come in the order of `variables`, which may hold variables that stand in no row; without it in order of
    first appearance in the objective, then in the constraints. `relax` drops integrality.
    Raises PlannerError, naming row and variable, for what a solver would change without a word: NaN, coefficients
    that are too small or too large, finite bounds that read as infinite, special ordered sets.
    """
    if problem.sos1 or problem.sos2:
        raise PlannerError("special ordered sets are not passed to the solver; state them with 0/1 variables")
    constraints = problem._constraints  # the public mapping warns on every use and copies on most
    expressions = [constraint.expr for constraint in constraints.values()]
    objective = _objective(problem)
    columns = _columns(problem, objective, expressions, variables)
    column_of = {id(variable): j for j, variable in enumerate(columns)}
    lengths = np.fromiter(map(len, expressions), np.int64, len(expressions))
    count = int(lengths.sum())
    try:
        index = _indices(column_of, chain.from_iterable(expressions), count)
        cost_index = _indices(column_of, objective, len(objective))
    except KeyError:
        missing = next(v for v in chain(objective, *expressions) if id(v) not in column_of)
        raise PlannerError(f"variable {missing.name!r} is used but not among `variables`; add it there") from None
    value = np.fromiter(chain.from_iterable(map(dict.values, expressions)), np.float64, count)
    cost = np.zeros(len(columns))
    cost[cost_index] = np.fromiter(objective.values(), np.float64, len(objective))
    col_lower, col_upper, integer = _bounds(columns)
    row_lower, row_upper = _row_bounds(constraints)
    start = np.zeros(len(expressions) + 1, dtype=np.int64)
    np.cumsum(lengths, out=start[1:])
    if not value.all():
        start, index, value = _without_zeros(start, index, value)
    arrays = ModelArrays(
        cost=cost,
        offset=0.0 if problem.objective is None else float(problem.objective.constant),
        start=start.astype(np.int32),
        index=index,
        value=value,
        row_lower=row_lower,
        row_upper=row_upper,
        col_lower=col_lower,
        col_upper=col_upper,
        integer=np.zeros_like(integer) if relax else integer,
        maximise=problem.sense == pulp.LpMaximize,
        variables=tuple(columns),
        row_names=tuple(constraints),
    )
    _refuse_what_solvers_change(arrays)
    return arrays


def as_arrays(problem: Any) -> ModelArrays:
    """`problem` itself if it is arrays already, else the arrays of the `pulp.LpProblem`."""
    return problem if isinstance(problem, ModelArrays) else model_arrays(problem)


def plain_problem(arrays: ModelArrays) -> tuple[Any, list[Any]]:
    """A fresh `pulp.LpProblem` of the same model whose names are indices, and its variables in column order.

    For solvers that work through names or files: names cannot collide, and every column stands in the objective
    (with coefficient 0 if need be), so none is left without a level.
    """
    problem = pulp.LpProblem("model", pulp.LpMaximize if arrays.maximise else pulp.LpMinimize)
    finite = [[None if np.isinf(b) else b for b in bounds.tolist()] for bounds in (arrays.col_lower, arrays.col_upper)]
    kinds = [pulp.LpInteger if integer else pulp.LpContinuous for integer in arrays.integer.tolist()]
    variables = [
        problem.add_variable(f"X{j:07d}", low, up, kind)
        for j, (low, up, kind) in enumerate(zip(*finite, kinds, strict=True))
    ]
    problem.objective = pulp.LpAffineExpression(zip(variables, arrays.cost.tolist(), strict=True))
    starts, indices, values = arrays.start.tolist(), arrays.index.tolist(), arrays.value.tolist()
    for i, (low, up) in enumerate(zip(arrays.row_lower.tolist(), arrays.row_upper.tolist(), strict=True)):
        row = slice(starts[i], starts[i + 1])
        expression = pulp.LpAffineExpression(
            zip((variables[j] for j in indices[row]), values[row], strict=True)
        )
        problem.addConstraint(pulp.LpConstraint(expression, *_sense(arrays, i, low, up)))
    return problem, variables


def linear_expression(variables: Sequence[Any], coefficients: Iterable[float]) -> Any:
    """The `pulp.LpAffineExpression` sum of coefficient x variable, where repeats of a variable are added up.

    Built from pairs, which is 16 times faster than `lpSum`; from pairs alone PuLP keeps only the last of two
    coefficients of one variable.
    """
    weights = [float(c) for c in coefficients]
    expression = pulp.LpAffineExpression(zip(variables, weights, strict=True))
    if len(expression) == len(weights):
        return expression
    summed: dict[Any, float] = {}
    for variable, weight in zip(variables, weights, strict=True):
        summed[variable] = summed.get(variable, 0.0) + weight
    return pulp.LpAffineExpression(summed)


def _objective(problem: Any) -> dict[Any, float]:
    if problem.objective is None:
        return {}
    terms: dict[Any, float] = problem.objective
    if problem.dummyVar is None:
        return terms
    # PuLP puts a dummy variable into an empty objective while it solves, and leaves it there with coefficient 0
    return {variable: cost for variable, cost in terms.items() if variable is not problem.dummyVar}


def _columns(
    problem: Any, objective: Any, expressions: list[Any], variables: Sequence[Any] | None
) -> list[Any]:
    if variables is not None:
        distinct = {id(variable): variable for variable in variables}
        if len(distinct) != len(variables):
            raise PlannerError("`variables` holds the same variable twice; each stands for one column")
        return list(variables)
    seen: dict[int, Any] = {}
    for expression in (objective, *expressions):
        seen.update(zip(map(id, expression), expression, strict=True))
    for variable in problem._variables:
        seen.setdefault(id(variable), variable)
    seen.pop(id(problem.dummyVar), None)
    return list(seen.values())


def _indices(column_of: dict[int, int], variables: Iterable[Any], count: int) -> IntArray:
    return np.fromiter(map(column_of.__getitem__, map(id, variables)), np.int32, count)


def _bounds(columns: list[Any]) -> tuple[FloatArray, FloatArray, NDArray[np.bool_]]:
    n = len(columns)
    lows, ups = map(attrgetter("lowBound"), columns), map(attrgetter("upBound"), columns)
    lower = np.fromiter((-np.inf if b is None else b for b in lows), np.float64, n)
    upper = np.fromiter((np.inf if b is None else b for b in ups), np.float64, n)
    kinds = list(map(attrgetter("cat"), columns))
    binary = np.fromiter((kind == pulp.LpBinary for kind in kinds), np.bool_, n)
    integer = np.fromiter((kind == pulp.LpInteger for kind in kinds), np.bool_, n) | binary
    lower[binary] = np.maximum(lower[binary], 0.0)
    upper[binary] = np.minimum(upper[binary], 1.0)
    return lower, upper, integer


def _row_bounds(constraints: Mapping[str, Any]) -> tuple[FloatArray, FloatArray]:
    m = len(constraints)
    limit = -np.fromiter(map(attrgetter("constant"), constraints.values()), np.float64, m)
    sense = np.fromiter(map(attrgetter("sense"), constraints.values()), np.int8, m)
    if not np.isfinite(limit).all():
        i = int(np.flatnonzero(~np.isfinite(limit))[0])
        raise PlannerError(f"row {list(constraints)[i]!r} has the limit {limit[i]}; leave a row without limit out")
    lower = np.where(sense == pulp.LpConstraintLE, -np.inf, limit)
    upper = np.where(sense == pulp.LpConstraintGE, np.inf, limit)
    return lower + 0.0, upper + 0.0  # + 0.0 turns -0.0 into 0.0


def _without_zeros(
    start: NDArray[np.int64], index: IntArray, value: FloatArray
) -> tuple[NDArray[np.int64], IntArray, FloatArray]:
    keep = value != 0.0
    kept_before = np.concatenate([[0], np.cumsum(keep)])
    return kept_before[start], index[keep], value[keep]


def _sense(arrays: ModelArrays, i: int, low: float, up: float) -> tuple[int, None, float]:
    if low == up:
        return pulp.LpConstraintEQ, None, up
    if np.isinf(low) and np.isfinite(up):
        return pulp.LpConstraintLE, None, up
    if np.isinf(up) and np.isfinite(low):
        return pulp.LpConstraintGE, None, low
    raise PlannerError(f"{arrays.name_of_row(i)} lies between {low} and {up}; state it as two rows for this solver")


def _refuse_what_solvers_change(arrays: ModelArrays) -> None:
    size = np.abs(arrays.value)
    for wrong, why in (
        (~np.isfinite(size), "is not a number"),
        (size <= SMALLEST_COEFFICIENT, f"is at or below {SMALLEST_COEFFICIENT:g}, which the solver reads as zero"),
        (size > LARGEST_COEFFICIENT, f"is above {LARGEST_COEFFICIENT:g}, which the solver refuses"),
    ):
        if wrong.any():
            k = int(np.argmax(wrong))
            row = arrays.name_of_row(int(np.searchsorted(arrays.start, k, side="right")) - 1)
            column = arrays.name_of_column(int(arrays.index[k]))
            raise PlannerError(f"{row}, {column}: coefficient {arrays.value[k]:g} {why}; choose other units")
    for what, numbers, column_wise in (
        ("cost", arrays.cost, True),
        ("lower bound", arrays.col_lower, True),
        ("upper bound", arrays.col_upper, True),
        ("limit", np.where(np.isinf(arrays.row_lower), arrays.row_upper, arrays.row_lower), False),
    ):
        bounded = what.endswith("bound")
        wrong = np.isnan(numbers) | (np.abs(numbers) >= INFINITE)
        if bounded:
            wrong &= ~np.isinf(numbers)
        if wrong.any():
            k = int(np.argmax(wrong))
            place = arrays.name_of_column(k) if column_wise else arrays.name_of_row(k)
            raise PlannerError(f"{place}: {what} {numbers[k]:g} is no number below {INFINITE:g}; choose other units")
    if not np.isfinite(arrays.offset):
        raise PlannerError(f"the objective has the constant {arrays.offset}; it must be a number")
    if (arrays.col_lower == np.inf).any() or (arrays.col_upper == -np.inf).any():
        raise PlannerError("a variable has a lower bound of +infinity or an upper bound of -infinity; correct it")
