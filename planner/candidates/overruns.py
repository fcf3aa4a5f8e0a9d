"""Capex over budget: what is paid beyond the plan of an asset class, and its write-off, where a factor moves it.

The share over budget is 0 in the base case and drawn once for a future. It is paid when the capex is, and written off on the
schedule of its class to the end of its asset, given up early or not; loans are drawn on the capex planned, and nothing is resold for it.
"""

from __future__ import annotations

import numpy as np

from kernels.lines import Line
from kernels.terms import Term, WindowTerm
from planner.arrays import Floats, Ints
from planner.candidates.books import NO_WAIT
from planner.candidates.columns import codes_of
from planner.candidates.outlook import Outlook
from planner.candidates.workshop import Workshop
from planner.candidates.write_offs import Starts, by_month, phase_service, written_off


def overrun_terms(
    shop: Workshop, asset_class: str, capex: Floats, month: Ints, lead: Ints, waits: Ints, end: Ints
) -> list[Term]:
    """Capex beyond the plan, paid over the lead before `month` (in it without one), and its write-off from service on.

    capex: planned, dollars per unit. waits: what service waits for. end: month in which the asset ends. None where no factor
    moves the class.
    """
    if not shop.outlook.overruns(asset_class) or not np.any(capex):
        return []
    ends = np.broadcast_to(end, len(month))
    codes, first = codes_of([month, waits, ends])
    keys = zip(month[first].tolist(), waits[first].tolist(), ends[first].tolist(), strict=True)
    paths = [_write_off(shop, asset_class, (at, wait), _service(shop, at, wait), last) for at, wait, last in keys]
    return [_paid(shop, asset_class, capex, month, lead), _written_off(shop, capex, np.array(paths, dtype=np.int64)[codes])]


def phase_overrun_terms(shop: Workshop, phases: Ints, capex: Floats, credit: Floats, month: Ints, lead: Ints) -> list[Term]:
    """The same for phases of power, in service when they are energised, with the tax credit on what is paid beyond the plan."""
    outlook = shop.outlook
    if not outlook.overruns("power") or not np.any(capex):
        return []
    starts = [phase_service(outlook, at) for at in phases.tolist()]
    rows = zip(phases.tolist(), outlook.power_end[phases].tolist(), starts, strict=True)
    paths = [_write_off(shop, "power", ("phase", at), service, end) for at, end, service in rows]
    terms: list[Term] = [_paid(shop, "power", capex, month, lead), _written_off(shop, capex, np.array(paths, dtype=np.int64))]
    if np.any(credit):
        once = [_once(shop, ("phase", at), service) for at, service in zip(phases.tolist(), starts, strict=True)]
        none = shop.events.at(np.zeros(len(phases), dtype=np.int64))
        terms.append(WindowTerm(Line.CREDITS, credit, np.array(once, dtype=np.int64), none, _end(shop, len(phases))))
    return terms


def _service(shop: Workshop, month: int, wait: int) -> Starts:
    return lambda outlook: np.maximum(shop.events.wait_end(wait, outlook), month) if wait != NO_WAIT else np.array([month])


def _paid(shop: Workshop, asset_class: str, capex: Floats, month: Ints, lead: Ints) -> Term:
    share = shop.paths.number(("overrun", asset_class), lambda outlook: by_month(outlook, outlook.overrun(asset_class)[:, None] * np.ones(outlook.months)))
    planned = shop.spread(Line.CAPEX, -capex, month, lead)
    return WindowTerm(planned.line, planned.amount, np.full(len(capex), share), planned.start, planned.end)


def _written_off(shop: Workshop, capex: Floats, paths: Ints) -> Term:
    none = np.zeros(len(capex), dtype=np.int64)
    return WindowTerm(Line.DEPRECIATION, capex, paths, shop.events.at(none), _end(shop, len(capex)))


def _end(shop: Workshop, count: int) -> Ints:
    return shop.events.at(np.full(count, shop.outlook.months))


def _write_off(shop: Workshop, asset_class: str, key: tuple[object, ...], starts: Starts, end: int) -> int:
    """Path of the write-off of what is paid beyond $1 of capex, from service to the end of the asset."""
    written = written_off(shop.written_off(asset_class), starts, end)
    return shop.paths.number(
        ("overrun written off", asset_class, *key, end), lambda outlook: _over_budget(outlook, asset_class, written(outlook))
    )


def _once(shop: Workshop, key: tuple[object, ...], starts: Starts) -> int:
    """Path of what is paid beyond $1 of capex of power, in the month of service."""
    paid = written_off(np.eye(1, shop.outlook.months)[0], starts, shop.outlook.months)
    return shop.paths.number(("overrun at service", *key), lambda outlook: _over_budget(outlook, "power", paid(outlook)))


def _over_budget(outlook: Outlook, asset_class: str, shares: Floats) -> Floats:
    return by_month(outlook, shares * outlook.overrun(asset_class)[:, None])
