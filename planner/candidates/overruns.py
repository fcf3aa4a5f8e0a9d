"""Capex over budget: what is paid beyond the plan of an asset class, and its write-off, where a factor moves it.

The share over budget is 0 in the base case and drawn once for a future. It is paid when the capex is, and written off
on the schedule of its class to the end of its asset, given up early or not; loans are drawn on the capex planned, and
nothing is resold for it.
"""

from __future__ import annotations

import numpy as np

from kernels.lines import Line
from kernels.terms import Term, WindowTerm
from planner.arrays import Floats, Ints
from planner.candidates.builder import CandidateBuilder
from planner.candidates.cash_tables import NO_WAIT
from planner.candidates.columns import codes_of
from planner.candidates.outlook import Outlook
from planner.candidates.write_offs import Starts, by_month, phase_service, written_off


def overrun_terms(
    builder: CandidateBuilder, asset_class: str, capex: Floats, month: Ints, lead: Ints, waits: Ints, end: Ints
) -> list[Term]:
    """Capex beyond the plan, paid over the lead before `month` (in it without one), and its write-off from service on.

    capex: planned, dollars per unit. waits: what service waits for. end: month in which the asset ends. None where no
    factor moves the class.
    """
    if not builder.outlook.overruns(asset_class) or not np.any(capex):
        return []
    ends = np.broadcast_to(end, len(month))
    codes, first = codes_of([month, waits, ends])
    keys = zip(month[first].tolist(), waits[first].tolist(), ends[first].tolist(), strict=True)
    paths = [_write_off(builder, asset_class, (at, wait), _service(builder, at, wait), last) for at, wait, last in keys]
    return [
        _paid(builder, asset_class, capex, month, lead),
        _written_off(builder, capex, np.array(paths, dtype=np.int64)[codes]),
    ]


def phase_overrun_terms(
    builder: CandidateBuilder, phases: Ints, capex: Floats, credit: Floats, month: Ints, lead: Ints
) -> list[Term]:
    """The same for phases of power, in service when they are energised, with the tax credit on what is paid beyond the
    plan."""
    outlook = builder.outlook
    if not outlook.overruns("power") or not np.any(capex):
        return []
    starts = [phase_service(outlook, at) for at in phases.tolist()]
    rows = zip(phases.tolist(), outlook.power_end[phases].tolist(), starts, strict=True)
    paths = [_write_off(builder, "power", ("phase", at), service, end) for at, end, service in rows]
    terms: list[Term] = [
        _paid(builder, "power", capex, month, lead), _written_off(builder, capex, np.array(paths, dtype=np.int64))
    ]
    if np.any(credit):
        once = [_once(builder, ("phase", at), service) for at, service in zip(phases.tolist(), starts, strict=True)]
        none = builder.events.at(np.zeros(len(phases), dtype=np.int64))
        terms.append(WindowTerm(Line.CREDITS, credit, np.array(once, dtype=np.int64), none, _end(builder, len(phases))))
    return terms


def _service(builder: CandidateBuilder, month: int, wait: int) -> Starts:
    return lambda outlook: np.maximum(
        builder.events.wait_end(wait, outlook), month
    ) if wait != NO_WAIT else np.array([month])


def _paid(builder: CandidateBuilder, asset_class: str, capex: Floats, month: Ints, lead: Ints) -> Term:
    share = builder.paths.number(
        ("overrun", asset_class),
        lambda outlook: by_month(outlook, outlook.overrun(asset_class)[:, None] * np.ones(outlook.months)),
    )
    planned = builder.spread(Line.CAPEX, -capex, month, lead)
    return WindowTerm(planned.line, planned.amount, np.full(len(capex), share), planned.start, planned.end)


def _written_off(builder: CandidateBuilder, capex: Floats, paths: Ints) -> Term:
    none = np.zeros(len(capex), dtype=np.int64)
    return WindowTerm(Line.DEPRECIATION, capex, paths, builder.events.at(none), _end(builder, len(capex)))


def _end(builder: CandidateBuilder, count: int) -> Ints:
    return builder.events.at(np.full(count, builder.outlook.months))


def _write_off(builder: CandidateBuilder, asset_class: str, key: tuple[object, ...], starts: Starts, end: int) -> int:
    """Path of the write-off of what is paid beyond $1 of capex, from service to the end of the asset."""
    written = written_off(builder.written_off(asset_class), starts, end)
    return builder.paths.number(
        ("overrun written off", asset_class, *key, end),
        lambda outlook: _over_budget(outlook, asset_class, written(outlook))
    )


def _once(builder: CandidateBuilder, key: tuple[object, ...], starts: Starts) -> int:
    """Path of what is paid beyond $1 of capex of power, in the month of service."""
    paid = written_off(np.eye(1, builder.outlook.months)[0], starts, builder.outlook.months)
    return builder.paths.number(
        ("overrun at service", *key), lambda outlook: _over_budget(outlook, "power", paid(outlook))
    )


def _over_budget(outlook: Outlook, asset_class: str, shares: Floats) -> Floats:
    return by_month(outlook, shares * outlook.overrun(asset_class)[:, None])
