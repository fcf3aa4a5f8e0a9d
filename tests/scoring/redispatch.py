"""The best that a plan could do with what it has built once a future shows, month by month: an LP written for tests
alone.

What is built, bought and contracted stays, and comes when the future says. In every month GPUs at work stay within
those delivered, their MW within halls in service and phases energised, contracts within what the plan gave each unit,
units on
demand within the depth of their tier. Nothing else binds: no unit has to start late as a whole.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from scipy.optimize import linprog

from kernels.lines import Line
from planner.candidates.build import CandidateSet
from planner.candidates.resources import Family
from planner.scenarios.futures import make_futures
from planner.scenarios.imported import Imported
from planner.scenarios.outlook import ScenarioOutlook, scenario_outlook

CONTRACTS = ("serve", "host", "renew")
FAMILIES = (Family.FLEET, Family.HALL, Family.PHASE)


def future_of(candidates: CandidateSet, once: dict[str, float], paths: dict[str, float]) -> ScenarioOutlook:
    """One future: phases as late as the base case expects unless `once` says otherwise; `paths` multiply prices in all
    months."""
    base = candidates.outlook
    power = base.case.tables["power"]
    expected = dict(
        zip(
            [f"delay[{row.source_id}:{row.phase}]" for row in power.itertuples()],
            (base.energised - base.promised).astype(float), strict=True,
        )
    )
    never = {f"default[{name}]": float(base.months) for name in base.case.tables["customers"]["customer_id"]}
    renewed = {f"renewal[{name}]": 1.0 for name in base.case.tables["leases"]["lease_id"]}
    values = {name: np.array([value]) for name, value in {**never, **renewed, **expected, **once}.items()}
    moving = {name: np.full((1, base.months), value) for name, value in paths.items()}
    imported = Imported(("one",), np.ones(1), moving, values)
    return scenario_outlook(base, make_futures(base.case, base.calendar, imported=imported))


def net_by_month(candidates: CandidateSet, outlook: ScenarioOutlook) -> np.ndarray:
    """Discounted after-tax cash of a unit of each candidate by month in the one future, shape (N, M)."""
    valuation = candidates.cash_tables.under(outlook)
    lines = tuple(
        line for line in Line if line not in (Line.DEPRECIATION, Line.DEBT_DRAW, Line.INTEREST, Line.REPAYMENT)
    )
    cash = np.concatenate(
        [valuation.cash(block, np.arange(len(block)), lines).sum(axis=0) for block in candidates.blocks]
    )
    return np.asarray(cash * outlook.discount)


@dataclass(frozen=True)
class Dispatch:
    """NPV of a plan in a future, by the rules and with its work dispatched anew, dollars."""

    by_rule: float
    best: float


def dispatch(
    candidates: CandidateSet, levels: np.ndarray, *, once: dict[str, float], paths: dict[str, float] | None = None
) -> Dispatch:
    """Both NPVs of the plan in a future where `once` comes late and `paths` multiply prices."""
    late, in_time = future_of(candidates, once, paths or {}), future_of(
        candidates, _on_time(candidates, once), paths or {}
    )
    ruled = net_by_month(candidates, late)
    kind = candidates.table["kind"].to_numpy()
    working = np.isin(kind, (*CONTRACTS, "sell"))
    by_rule = float(levels @ ruled.sum(axis=1))
    best = float(levels[~working] @ ruled[~working].sum(axis=1)) + _best_work(
        candidates, levels, net_by_month(candidates, in_time), late
    )
    return Dispatch(by_rule, best)


def _on_time(candidates: CandidateSet, once: dict[str, float]) -> dict[str, float]:
    return {name: 0.0 for name in once if not name.startswith("delay[")}


def _best_work(candidates: CandidateSet, levels: np.ndarray, value: np.ndarray, late: ScenarioOutlook) -> float:
    table, months = candidates.table, candidates.outlook.months
    held = np.flatnonzero((table["kind"].isin(CONTRACTS) & (levels > 0.0)).to_numpy())
    sells = np.flatnonzero((table["kind"] == "sell").to_numpy())
    first, last = (table[name].to_numpy(np.int64) for name in ("from_month", "to_month"))
    unit = np.concatenate([np.repeat(number, last[number] - first[number]) for number in (*held, *sells)])
    month = np.concatenate([np.arange(first[number], last[number]) for number in (*held, *sells)])
    variable = {(int(number), int(at)): column for column, (number, at) in enumerate(zip(unit, month, strict=True))}
    rows: dict[tuple[int, int], list[tuple[int, float]]] = {}
    capacity = _capacity(candidates, levels, late)
    uses = candidates.book.uses.frame()
    chosen = np.array([family in FAMILIES for family in candidates.book.family])[uses["resource"].to_numpy()]
    phases = candidates.outlook.case.tables["power"]
    names = list(phases["source_id"] + ":" + phases["phase"])
    ratio = dict(zip(names, phases["mw_per_it_mw"], strict=True))
    for use in uses[chosen & uses["candidate"].isin([*held, *sells]).to_numpy()].itertuples():
        resource, coefficient = use.resource, use.coefficient
        head, then = (str(table[column].iat[use.candidate]) for column in ("phase", "then_phase"))
        second = (
            then != "" and candidates.book.family[resource] is Family.PHASE and candidates.book.name[resource] == then
        )
        for at in range(use.start, use.end):
            # the first phase feeds until the second is there
            if second and at < late.energised_by_scenario[names.index(then), 0]:
                first_phase = candidates.book.find(Family.PHASE, head)
                assert first_phase is not None
                rows.setdefault((first_phase, at), []).append(
                    (variable[use.candidate, at], coefficient * ratio[head] / ratio[then])
                )
            else:
                rows.setdefault((resource, at), []).append((variable[use.candidate, at], coefficient))
    for (number, at), column in variable.items():  # GPUs at work stand in a hall
        gpu = table["gpu_id"].iat[number]
        if gpu:
            hall = candidates.book.find(Family.HALL, str(table["site_id"].iat[number]))
            it_mw = float(candidates.outlook.case.tables["gpus"].set_index("gpu_id")["it_kw"][gpu]) / 1000.0
            assert hall is not None
            rows.setdefault((hall, at), []).append((column, it_mw))
    depth = candidates.outlook.case.tables["market"].set_index(["gpu_id", "tier"])["depth_gpus"]
    keys = list(rows)
    limits = [capacity.get(key[0], np.zeros(months))[key[1]] for key in keys]
    tiers: dict[tuple[str, int, int], list[int]] = {}
    for (number, at), column in variable.items():
        if table["kind"].iat[number] == "sell":
            tiers.setdefault((str(table["gpu_id"].iat[number]), int(table["tier"].iat[number]), at), []).append(column)
    entries = [(row, column, amount) for row, key in enumerate(keys) for column, amount in rows[key]]
    for (gpu, tier, _), columns in tiers.items():
        if not np.isnan(float(depth[gpu, tier])):
            entries += [(len(limits), column, 1.0) for column in columns]
            limits.append(float(depth[gpu, tier]))
    row, column, amount = zip(*entries, strict=True)
    matrix = sp.csr_array((amount, (row, column)), shape=(len(limits), len(unit)))
    upper = np.where(np.isin(unit, held), levels[unit], np.inf)
    solved = linprog(
        -value[unit, month], A_ub=matrix, b_ub=limits, bounds=np.stack([np.zeros(len(unit)), upper], axis=1),
        method="highs",
    )
    assert solved.status == 0, solved.message
    return -float(solved.fun)


def _capacity(candidates: CandidateSet, levels: np.ndarray, late: ScenarioOutlook) -> dict[int, np.ndarray]:
    """What the plan provides of each resource by month, each provider from when it comes."""
    table, book, months = candidates.table, candidates.book, candidates.outlook.months
    found: dict[int, np.ndarray] = {}
    provided = {
        stock: [(resource, -amount) for one, resource, amount in book.per_stock if one == stock and amount < 0.0]
        for stock in {one for one, _, _ in book.per_stock}
    }
    phases = candidates.outlook.case.tables["power"]
    energised = dict(zip(phases["source_id"] + ":" + phases["phase"], late.energised_by_scenario[:, 0], strict=True))
    for use in book.stock_uses.frame().itertuples():
        kind, name = table["kind"].iat[use.candidate], table["candidate_id"].iat[use.candidate]
        start = int(use.start)
        if kind == "own":
            start += max(int(late.slip_months("delivery", str(table["gpu_id"].iat[use.candidate]))[0]), 0)
        elif kind == "shell" and ":existing@" not in name:
            start += max(int(late.slip_months("construction", str(table["site_id"].iat[use.candidate]))[0]), 0)
        elif kind == "power":
            start = max(start, int(energised[table["phase"].iat[use.candidate]]))
        for resource, amount in provided.get(use.resource, []):
            by_month = found.setdefault(resource, np.zeros(months))
            by_month[start : use.end] += amount * use.coefficient * levels[use.candidate]
    return {resource: np.maximum(by_month, 0.0) * (1.0 + 1e-9) + 1e-7 for resource, by_month in found.items()}
