"""What a sweep varies: a cell, a column, a setting or a named factor over a range, or the named stresses of the
case."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from planner.case.case import Case
from planner.case.edit_grammar import Operation, parse_edit
from planner.did_you_mean import remedy_for
from planner.errors import PlannerError
from planner.sweeping.factors import Factor, sweep_factors

FORMS = (
    "write NAME=low:high:count or NAME=value,value,..., where NAME is a factor (`planner sweep CASE --list`) or "
    "table.column[id]"
)
MOST_AXES = 2
MOST_POINTS = 1000
STRESS = "stress"
_NAMED = re.compile(r"\s*(?P<name>\w+)\s*=(?P<values>[^=].*)", re.DOTALL)
_SIGNS = {Operation.SET: "=", Operation.MULTIPLY: "*=", Operation.ADD: "+="}


@dataclass(frozen=True)
class Axis:
    """One thing that is varied: its name, its values as written, and for each value the edits of the case that make it.

    number: the values as numbers, None where they are not (months of the calendar, words, stresses).
    """

    name: str
    values: tuple[str, ...]
    edits: tuple[tuple[str, ...], ...]
    number: tuple[float, ...] | None
    stressed: bool = False


@dataclass(frozen=True)
class Point:
    """One point of a sweep: its number, a value on each axis, and the changes of the case that make it."""

    number: int
    values: tuple[str, ...]
    edits: tuple[str, ...]
    stress: str | None = None


def parse_axis(case: Case, written: str) -> Axis:
    """The axis that is written: `NAME=low:high:count` or `NAME=value,value,...`; raises PlannerError for anything else.

    NAME is a factor, or `table.column[id]`, `table.column[column=value]`, `case.setting`; the sign `*=` multiplies what
    stands there and `+=` adds to it, as for edits.
    """
    match = _NAMED.fullmatch(written)
    if match is not None:
        factor = _factor(case, match["name"], written)
        values = parse_values(match["values"], written)
        numbers = numbers_of(values)
        if numbers is None:
            raise PlannerError(f"--set {written!r}: {match['name']} takes numbers; {FORMS}")
        return Axis(factor.name, values, tuple(factor.edits_at(case, number) for number in numbers), numbers)
    edit = parse_edit(written)
    target = f"{edit.table}.{edit.column}" + ("" if edit.select is None else f"[{edit.select}]")
    values = parse_values(edit.value, written)
    sign = _SIGNS[edit.operation]
    name = target if edit.operation is Operation.SET else f"{target} {sign}"
    return Axis(name, values, tuple((f"{target}{sign}{value}",) for value in values), numbers_of(values))


def stress_axis(case: Case) -> Axis:
    """The named stresses of the case, one a point."""
    names = tuple(str(name) for name in dict.fromkeys(case.tables["stresses"]["stress"]))
    if not names:
        raise PlannerError("the case has no table of stresses; add one, or sweep a number with --set")
    return Axis(STRESS, names, tuple(() for _ in names), None, stressed=True)


def parse_values(written: str, whole: str) -> tuple[str, ...]:
    """The values of `low:high:count` or `value,value,...`, as text; raises PlannerError when there are none or one
    repeats."""
    parts = [part.strip() for part in written.split(":")]
    if len(parts) == 3 and numbers_of(tuple(parts)) is not None:
        values = _range(*parts, whole=whole)
    else:
        values = tuple(part.strip() for part in written.split(","))
    if not all(values):
        raise PlannerError(f"--set {whole!r}: a value is missing; {FORMS}")
    if len(set(values)) < len(values):
        raise PlannerError(f"--set {whole!r}: a value stands there twice; give each once")
    return values


def _range(low: str, high: str, count: str, *, whole: str) -> tuple[str, ...]:
    first, last, many = float(low), float(high), float(count)
    if many != int(many) or not 2 <= many <= MOST_POINTS:
        raise PlannerError(f"--set {whole!r}: {count} is not a number of values; give 2 to {MOST_POINTS}")
    if not first < last:
        raise PlannerError(f"--set {whole!r}: {low} is not below {high}; write low:high:count")
    steps = int(many) - 1
    return tuple(f"{first + (last - first) * step / steps:.10g}" for step in range(steps + 1))


def numbers_of(values: Sequence[str]) -> tuple[float, ...] | None:
    """The values of an axis as numbers; None where one of them is none."""
    try:
        numbers = tuple(float(value) for value in values)
    except ValueError:
        return None
    return numbers if all(math.isfinite(number) for number in numbers) else None


def _factor(case: Case, name: str, written: str) -> Factor:
    known = {factor.name: factor for factor in sweep_factors(case)}
    if name not in known:
        raise PlannerError(
            f"--set {written!r}: nothing that can be set is called {name!r}; {remedy_for(name, known)}, or {FORMS}"
        )
    return known[name]


def points_of(axes: Sequence[Axis]) -> tuple[Point, ...]:
    """All combinations of the values of the axes, the last axis fastest."""
    if not 1 <= len(axes) <= MOST_AXES:
        raise PlannerError(f"a sweep varies one thing or two, not {len(axes)}; give --set once or twice, or --stresses")
    if len({axis.name for axis in axes}) < len(axes):
        raise PlannerError(f"{axes[0].name} is varied twice; name two different things")
    found = []
    for number, at in enumerate(product(*(range(len(axis.values)) for axis in axes))):
        chosen = list(zip(axes, at, strict=True))
        values = tuple(axis.values[place] for axis, place in chosen)
        stress = next((axis.values[place] for axis, place in chosen if axis.stressed), None)
        found.append(Point(number, values, tuple(edit for axis, place in chosen for edit in axis.edits[place]), stress))
    if len(found) > MOST_POINTS:
        raise PlannerError(f"{len(found)} points are too many; give ranges of at most {MOST_POINTS} in all")
    return tuple(found)
