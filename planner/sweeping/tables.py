"""The tables of a sweep: a row a point, where each plan stands, whom it serves, and where that flips."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from planner.plans.footprint import LEASE_IN
from planner.sweeping.axes import Axis, Point
from planner.sweeping.base_plan import BasePlan
from planner.sweeping.point import Outcome
from planner.sweeping.points import Refused

Found = Mapping[int, Outcome | Refused]

RESIZED = 1e-3
"""Change of a lease's size, as a share of it, up to which it counts as the same."""
FLIP_COLUMNS = (
    "axis", "other", "kind", "name", "from_value", "to_value", "becomes", "size_before", "size_after",
    "worth_the_same_at",
)
"""Columns of flips.csv: where along `axis` (with the other axis at `other`) a site or lease comes in or goes out."""


def points_table(axes: Sequence[Axis], points: Sequence[Point], found: Found, base: BasePlan) -> pd.DataFrame:
    """A row for each point that is done: values, the held plan, the plan redone with foresight, and what redoing is
    worth.

    Names in a cell are separated by ;. leases_larger, leases_smaller: those in both plans of another size, with the
    change.
    held_leases_lost: of the held plan, those of which nothing is left; held_leases_cut: with the months of contract
    that they lose.
    """
    rows = [_row(axes, point, found[point.number], base) for point in points if point.number in found]
    names = [axis.name for axis in axes]
    columns = [
        "point", *names, "held_npv_usd", "held_limits_broken", "held_note", "redone_status", "redone_npv_usd",
        "redone_bound_usd", "redone_gap",
        "worth_of_redoing_usd", "held_less_base_usd", "redone_less_base_usd", "sites_in", "sites_out", "leases_in",
        "leases_out",
        "leases_larger", "leases_smaller", "held_leases_lost", "held_leases_cut", "contracted_mw",
    ]
    return pd.DataFrame(rows, columns=columns)


def _row(axes: Sequence[Axis], point: Point, outcome: Outcome | Refused, base: BasePlan) -> dict[str, object]:
    row: dict[str, object] = {
        "point": point.number + 1, **{axis.name: value for axis, value in zip(axes, point.values, strict=True)}
    }
    if isinstance(outcome, Refused):
        return {**row, "held_note": outcome.why, "redone_status": "refused"}
    held, redone = outcome.held.npv_usd, outcome.objective_usd
    # Without a plan nothing is in it, so nothing flips either.
    now, before = outcome.footprint, base.footprint
    planned = redone is not None
    return {
        **row,
        "held_npv_usd": held,
        "held_limits_broken": len(outcome.held.broken),
        "held_note": outcome.held.why_not,
        "redone_status": outcome.status,
        "redone_npv_usd": redone,
        "redone_bound_usd": outcome.bound_usd,
        "redone_gap": gap_of(outcome),
        "worth_of_redoing_usd": _less(redone, held),
        "held_less_base_usd": _less(held, base.objective_usd),
        "redone_less_base_usd": _less(redone, base.objective_usd),
        "sites_in": _names(now.sites_in - before.sites_in) if planned else "",
        "sites_out": _names(before.sites_in - now.sites_in) if planned else "",
        "leases_in": _names(now.leases_in - before.leases_in) if planned else "",
        "leases_out": _names(before.leases_in - now.leases_in) if planned else "",
        "leases_larger": _resized(before.lease_size, now.lease_size, 1.0) if planned else "",
        "leases_smaller": _resized(before.lease_size, now.lease_size, -1.0) if planned else "",
        "held_leases_lost": ";".join(sorted(outcome.held.lost)),
        "held_leases_cut": ";".join(f"{name} {months:.3g}" for name, months in sorted(outcome.held.cut)),
        "contracted_mw": sum(now.site_mw.values()) if planned else None,
    }


def gap_of(outcome: Outcome) -> float | None:
    """How far a better plan could be, relative to the plan redone."""
    if outcome.objective_usd is None or outcome.bound_usd is None:
        return None
    return max(outcome.bound_usd - outcome.objective_usd, 0.0) / max(abs(outcome.objective_usd), 1.0)


def _less(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other


def _names(names: frozenset[str]) -> str:
    return ";".join(sorted(names))


def _resized(before: Mapping[str, float], now: Mapping[str, float], sign: float) -> str:
    """Leases in both plans that are larger (sign 1) or smaller (-1) by more than dust, the most first, with the
    change."""
    changed = {
        name: now.get(name, 0.0) - size for name, size in before.items()
        if size > LEASE_IN and now.get(name, 0.0) > LEASE_IN
    }
    told = [
        (name, change) for name, change in changed.items() if sign * change > RESIZED * max(before[name], now[name])
    ]
    return ";".join(
        f"{name} {change:+,.{0 if abs(change) >= 10.0 else 2}f}"
        for name, change in sorted(told, key=lambda pair: (-abs(pair[1]), pair[0]))
    )


def where_table(axes: Sequence[Axis], points: Sequence[Point], found: Found, base: BasePlan, kind: str) -> pd.DataFrame:
    """Contracted MW by site ("site"), or size won by lease ("lease"), of the held plan and of the plan redone at each
    point."""
    name, unit = ("site_id", "contracted_mw") if kind == "site" else ("lease_id", "won")
    rows = []
    for point in points:
        outcome = found.get(point.number)
        if isinstance(outcome, Outcome) and outcome.objective_usd is not None:
            held, redone = _sizes(base, kind), _sizes(outcome, kind)
            values = {axis.name: value for axis, value in zip(axes, point.values, strict=True)}
            rows += [
                {
                    "point": point.number + 1, **values, name: thing, f"held_{unit}": held.get(thing, 0.0),
                    f"redone_{unit}": redone[thing],
                }
                for thing in redone
            ]
    return pd.DataFrame(rows, columns=["point", *(axis.name for axis in axes), name, f"held_{unit}", f"redone_{unit}"])


def broken_table(axes: Sequence[Axis], points: Sequence[Point], found: Found) -> pd.DataFrame:
    """The limits that the held plan breaks at each point, window by window as `score` counts them, the worst first."""
    rows = []
    for point in points:
        outcome = found.get(point.number)
        if isinstance(outcome, Outcome):
            values = {axis.name: value for axis, value in zip(axes, point.values, strict=True)}
            rows += [
                {
                    "point": point.number + 1, **values, "family": one.family, "name": one.name, "month": one.month,
                    "used": one.used, "limit": one.limit,
                }
                for one in outcome.held.broken
            ]
    return pd.DataFrame(
        rows, columns=["point", *(axis.name for axis in axes), "family", "name", "month", "used", "limit"]
    )


def portfolios_table(points: Sequence[Point], found: Found) -> pd.DataFrame:
    """The plans redone as portfolios: point, candidate_id, level."""
    pieces = []
    for point in points:
        outcome = found.get(point.number)
        if isinstance(outcome, Outcome):
            at = np.flatnonzero(outcome.levels)
            pieces.append(
                pd.DataFrame(
                    {
                        "point": point.number + 1, "candidate_id": np.array(outcome.ids, dtype=object)[at],
                        "level": outcome.levels[at],
                    }
                )
            )
    return pd.concat(pieces, ignore_index=True) if pieces else pd.DataFrame(columns=["point", "candidate_id", "level"])


def flips_table(axes: Sequence[Axis], points: Sequence[Point], found: Found) -> pd.DataFrame:
    """Between which neighbouring values a site or a lease comes into the plan redone, or goes out; see FLIP_COLUMNS.

    `worth_the_same_at`: on a numeric axis, the value at which the two neighbouring plans are worth the same, by
    straight lines between the two points; blank where the candidates differ. Stresses have no neighbours, so no flips.
    """
    rows = [row for at, axis in enumerate(axes) if not axis.stressed for row in _flips_along(axes, at, points, found)]
    return pd.DataFrame(rows, columns=list(FLIP_COLUMNS))


def _flips_along(axes: Sequence[Axis], at: int, points: Sequence[Point], found: Found) -> Iterator[dict[str, object]]:
    axis = axes[at]
    by_values = {point.values: point for point in points}
    for before in points:
        place = axis.values.index(before.values[at])
        if place + 1 == len(axis.values):
            continue
        after = by_values[tuple(axis.values[place + 1] if k == at else value for k, value in enumerate(before.values))]
        one, two = found.get(before.number), found.get(after.number)
        if (
            not isinstance(one, Outcome) or not isinstance(two, Outcome) or one.objective_usd is None
            or two.objective_usd is None
        ):
            continue
        others = "; ".join(f"{axes[k].name}={value}" for k, value in enumerate(before.values) if k != at)
        same = _worth_the_same(axis, place, one, two)
        for kind in ("site", "lease"):
            was, now = _in(one, kind), _in(two, kind)
            for name in sorted(was ^ now):
                yield {
                    "axis": axis.name, "other": others, "kind": kind, "name": name, "from_value": axis.values[place],
                    "to_value": axis.values[place + 1], "becomes": "in" if name in now else "out",
                    "size_before": _sizes(one, kind)[name], "size_after": _sizes(two, kind)[name],
                    "worth_the_same_at": same,
                }


def _worth_the_same(axis: Axis, place: int, one: Outcome, two: Outcome) -> float | None:
    """Where the plans of two neighbours are worth the same, by straight lines between their values at both ends."""
    if axis.number is None or one.ids != two.ids:
        return None
    left = float(one.unit_npv @ one.levels - one.unit_npv @ two.levels)
    right = float(two.unit_npv @ one.levels - two.unit_npv @ two.levels)
    if not left > 0.0 > right:
        return None
    low, high = axis.number[place], axis.number[place + 1]
    return low + (high - low) * left / (left - right)


def _sizes(plan: BasePlan | Outcome, kind: str) -> dict[str, float]:
    return plan.footprint.site_mw if kind == "site" else plan.footprint.lease_size


def _in(plan: BasePlan | Outcome, kind: str) -> frozenset[str]:
    return plan.footprint.sites_in if kind == "site" else plan.footprint.leases_in
