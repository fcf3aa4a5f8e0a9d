"""Capex over budget: what is paid beyond the plan of an asset class, and its write-off, where a factor moves it.

The share over budget is 0 in the base case and drawn once for a future. It is paid when the capex is, and written off on the
schedule of its class, given up early or not; loans are drawn on the capex planned, and nothing is resold for it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from kernels.lines import Line
from kernels.terms import Term, WindowTerm
from planner.candidates.books import NO_WAIT, Recipe
from planner.candidates.outlook import Floats, Ints, Outlook
from planner.candidates.workshop import Workshop


def overrun_terms(shop: Workshop, asset_class: str, capex: Floats, month: Ints, lead: Ints, waits: Ints) -> list[Term]:
    """Capex beyond the plan, paid over the lead before `month` (in it without one), and its write-off from service on.

    capex: planned, dollars per unit. waits: what service waits for. None where no factor moves the class.
    """
    if not shop.outlook.overruns(asset_class) or not np.any(capex):
        return []
    keys = [(int(at), int(wait)) for at, wait in zip(month, waits, strict=True)]
    paths = np.array([_write_off(shop, asset_class, (at, wait), _service(shop, at, wait)) for at, wait in keys], dtype=np.int64)
    return [_paid(shop, asset_class, capex, month, lead), _written_off(shop, capex, paths)]


def phase_overrun_terms(shop: Workshop, power: pd.DataFrame, capex: Floats, credit: Floats, month: Ints, lead: Ints) -> list[Term]:
    """The same for phases of power, in service when they are energised, with the tax credit on what is paid beyond the plan."""
    if not shop.outlook.overruns("power") or not np.any(capex):
        return []
    number = power["phase_number"].to_numpy(np.int64)
    # As the capex itself: not before the start, nor before the month promised.
    promised = np.maximum(shop.outlook.promised, 0)
    paths = np.array([_write_off(shop, "power", ("phase", at), _energised(at, int(promised[at]))) for at in number.tolist()], dtype=np.int64)
    once = [_once(shop, ("phase", at), _energised(at, int(promised[at]))) for at in number.tolist()]
    terms: list[Term] = [_paid(shop, "power", capex, month, lead), _written_off(shop, capex, paths)]
    if np.any(credit):
        none = np.zeros(len(number), dtype=np.int64)
        terms.append(WindowTerm(Line.CREDITS, credit, np.array(once, dtype=np.int64), shop.events.at(none), _end(shop, len(number))))
    return terms


Starts = Callable[[Outlook], Ints]
"""Month of service in each scenario of an outlook, shape (S,)."""


def _service(shop: Workshop, month: int, wait: int) -> Starts:
    return lambda outlook: np.maximum(shop.events.wait_ends(outlook)[wait], month) if wait != NO_WAIT else np.array([month])


def _energised(phase: int, promised: int) -> Starts:
    return lambda outlook: np.maximum(outlook.energised_by_scenario[phase], promised)


def _paid(shop: Workshop, asset_class: str, capex: Floats, month: Ints, lead: Ints) -> Term:
    share = shop.paths.number(("overrun", asset_class), lambda outlook: _by_month(outlook, outlook.overrun(asset_class)[:, None] * np.ones(outlook.months)))
    planned = shop.spread(Line.CAPEX, -capex, month, lead)
    return WindowTerm(planned.line, planned.amount, np.full(len(capex), share), planned.start, planned.end)


def _written_off(shop: Workshop, capex: Floats, paths: Ints) -> Term:
    none = np.zeros(len(capex), dtype=np.int64)
    return WindowTerm(Line.DEPRECIATION, capex, paths, shop.events.at(none), _end(shop, len(capex)))


def _end(shop: Workshop, count: int) -> Ints:
    return shop.events.at(np.full(count, shop.outlook.months))


def _write_off(shop: Workshop, asset_class: str, key: tuple[object, ...], starts: Starts) -> int:
    """Path of the write-off of what is paid beyond $1 of capex, from service on."""
    profile = shop.written_off(asset_class)
    return shop.paths.number(("overrun written off", asset_class, *key), _from_service(asset_class, profile, starts))


def _once(shop: Workshop, key: tuple[object, ...], starts: Starts) -> int:
    """Path of what is paid beyond $1 of capex of power, in the month of service."""
    return shop.paths.number(("overrun at service", *key), _from_service("power", np.eye(1, shop.outlook.months)[0], starts))


def _from_service(asset_class: str, profile: Floats, starts: Starts) -> Recipe:
    def recipe(outlook: Outlook) -> Floats:
        age = np.arange(outlook.months) - starts(outlook)[:, None]
        inside = (age >= 0) & (age < len(profile))
        share = np.where(inside, profile[np.where(inside, age, 0)], 0.0)
        return _by_month(outlook, share * outlook.overrun(asset_class)[:, None])

    return recipe


def _by_month(outlook: Outlook, values: Floats) -> Floats:
    """Shape (M,) in a base case, (S, M) in scenarios."""
    return values if outlook.scenarios > 1 or len(values) > 1 else values[0]
