"""What must hold for every plan: its money adds up, no limit is broken, nothing is sold twice, and the optimum reacts
as it must."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest
from at_length import few

from kernels.lines import UNLEVERED, Line
from planner.candidates.build import CandidateSet
from planner.case.case import Case
from planner.case.edits import apply_edits, changed_case
from planner.case.generate import generate_case
from planner.case.starting import starting_case
from planner.errors import PlannerError
from planner.planning.make_plan import plan
from planner.planning.options import PlanOptions
from planner.planning.plan import Plan
from planner.run_folder import plan_summary
from planner.solver.highs import HighsSolver
from planner.solver.options import SolverOptions
from planner.solver.solution import verify_duals
from planner.solver.status import Status

NAMES = ("starting", "made 1")
EXACT = SolverOptions(gap=1e-9)


def case_called(name: str) -> Case:
    """The starting case, or a made-up one of two sites with the seed in its name."""
    if name == "starting":
        return starting_case()
    return generate_case(sites=2, leases=3, skus=3, months=36, seed=int(name.split()[1]))


@cache
def planned(name: str) -> Plan:
    found = plan(case_called(name), solver=EXACT)
    assert found.status is Status.OPTIMAL
    return found


def month_shares(case: Case, lease_id: str, due: int, start: int, months: int) -> np.ndarray:
    """Share of a lease's size that stands in each month, from its ramp alone, shape (months,)."""
    shares = np.ones(months)
    ramp = case.tables["lease_ramp"]
    term_start = due if due < 0 else start
    for row in ramp[ramp["lease_id"] == lease_id].itertuples():
        month = term_start + row.month_of_term
        if 0 <= month < months:
            shares[month] = row.size_share
    return shares


def gpus_by_month(found: Plan) -> tuple[dict[tuple[str, str], np.ndarray], dict[tuple[str, str], np.ndarray]]:
    """GPUs owned (less those sold early) and GPUs at work, by site and SKU and month, from the portfolio's own
    windows."""
    case, outlook = found.case, found.candidates.outlook
    owned: dict[tuple[str, str], np.ndarray] = {}
    working: dict[tuple[str, str], np.ndarray] = {}
    assert found.levels is not None
    table = found.candidates.table.assign(level=found.levels)
    due = {row.lease_id: outlook.calendar.index(row.start) for row in case.tables["leases"].itertuples()}
    for row in table[(table["level"] > 0) & (table["gpu_id"] != "")].itertuples():
        key, window = (row.site_id, row.gpu_id), slice(row.from_month, row.to_month)
        units = np.zeros(outlook.months)
        units[window] = row.level
        if row.kind in ("own", "base"):
            owned[key] = owned.get(key, np.zeros(outlook.months)) + units
        elif row.kind == "retire":
            owned[key] = owned.get(key, np.zeros(outlook.months)) - units
        elif row.kind in ("serve", "renew", "sell"):
            if row.kind == "serve":
                units *= month_shares(case, row.lease_id, due[row.lease_id], row.from_month, outlook.months)
            working[key] = working.get(key, np.zeros(outlook.months)) + units
    return owned, working


# --- money -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_objective_of_the_levels_is_the_npv_of_the_statement(name: str) -> None:
    found = planned(name)
    assert found.levels is not None
    assert float(found.candidates.npv_usd @ found.levels) == pytest.approx(found.statement.npv_usd, rel=1e-9)
    assert found.objective_usd == pytest.approx(found.statement.npv_usd, rel=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_figure_of_the_solver_agrees(name: str) -> None:
    found = planned(name)
    assert found.allocation_result.solver_usd == pytest.approx(found.npv_usd, rel=1e-6)
    assert found.allocation_result.bound_usd >= found.objective_usd * (1 - 1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_tables_carry_the_same_money(name: str) -> None:
    """The portfolio adds up to the NPV, and so does the cash-flow table in plain sums."""
    found = planned(name)
    assert found.portfolio["npv_usd"].sum() == pytest.approx(found.npv_usd, rel=1e-9)
    rate, horizon = found.case.settings.discount_rate, found.case.settings.months
    unlevered = {line.name.lower() for line in UNLEVERED}
    total = 0.0
    for row in found.cashflow.itertuples():
        years = (row.month + 0.5) / 12 if row.month < horizon else row.month / 12 + 0.5
        total += row.usd * (1 + rate) ** -years if row.line in unlevered else 0.0
    assert total == pytest.approx(found.npv_usd, rel=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_tax_of_the_statement_follows_from_its_other_lines(name: str) -> None:
    statement = planned(name).statement
    taxed = [
        Line.REVENUE, Line.SERVICES, Line.MINING, Line.TAIL_RENT, Line.ENERGY, Line.FEES, Line.UPKEEP, Line.SITE_OPEX,
        Line.NETWORK,
    ]
    taxed += [Line.PENALTIES, Line.OPENING, Line.RESALE]
    income = sum(statement.line(line) for line in taxed) - statement.line(Line.DEPRECIATION)
    np.testing.assert_allclose(statement.line(Line.TAX), -statement.tax_rate * income, rtol=1e-9, atol=1e-3)


# --- limits ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_no_resource_is_used_beyond_its_limit(name: str) -> None:
    found = planned(name)
    rows = found.candidates.rows
    used, limit = rows.use @ found.levels, rows.table["limit"].to_numpy(float)
    size = np.maximum(np.maximum(abs(rows.use) @ np.abs(found.levels), np.abs(limit)), 1.0)
    assert float(((used - limit) / size).max()) <= 1e-9
    table = found.candidates.table
    assert (found.levels >= table["lower"].to_numpy()).all()
    assert (found.levels <= table["upper"].to_numpy()).all()
    whole = found.levels[table["integral"].to_numpy(bool)]
    assert (whole == np.round(whole)).all()


@pytest.mark.parametrize("name", NAMES)
def test_gpus_at_work_are_owned_and_none_is_sold_twice(name: str) -> None:
    """In each month GPUs at work <= GPUs bought and not sold yet, less spares; no cohort is sold beyond its size."""
    found = planned(name)
    owned, working = gpus_by_month(found)
    spare = dict(zip(found.case.tables["gpus"]["gpu_id"], found.case.tables["gpus"]["spare_fraction"], strict=True))
    assert working
    for key, units in working.items():
        assert (units <= owned[key] * (1 - spare[key[1]]) + 1e-6 * max(units.max(), 1.0)).all(), key
    table = found.candidates.table.assign(level=found.levels)
    sold = table[table["kind"] == "retire"].groupby("parent")["level"].sum()
    assert (sold <= table["level"].reindex(sold.index) * (1 + 1e-9) + 1e-6).all()


def test_some_plans_sell_gpus_early() -> None:
    """Without sales the ledger above would say nothing about them."""
    sold = [planned(name).candidates.table["kind"].eq("retire").to_numpy() @ planned(name).levels for name in NAMES]
    assert sum(gpus > 1.0 for gpus in sold) >= 1


@pytest.mark.parametrize("name", NAMES)
def test_power_in_use_stays_within_what_is_contracted(name: str) -> None:
    """From the two tables a planner reads: MW of clusters and halls by month and phase <= contracted MW of the
    phase."""
    found = planned(name)
    calendar, power = found.candidates.outlook.calendar, found.case.tables["power"]
    names = power["source_id"] + ":" + power["phase"]
    per_it = dict(zip(names, power["mw_per_it_mw"], strict=True))
    energised = dict(zip(found.power["phase"], found.power["energised"].map(calendar.index), strict=True))
    use: dict[str, np.ndarray] = {phase: np.zeros(found.candidates.outlook.months) for phase in names}
    ramped = set(found.case.tables["lease_ramp"]["lease_id"])
    placed = found.allocation.rename(columns={"from": "first"})
    for row in placed[~placed["lease_id"].isin(ramped)].itertuples():
        for month in range(calendar.index(row.first), calendar.index(row.to) + 1):
            head, _, then = row.power_path.partition(" until ")
            phase = then if then and month >= energised[then] else head
            use[phase][month] += row.it_mw * per_it[phase]
    for row in found.power.itertuples():
        assert use[row.phase].max() <= row.contracted_mw + 1e-6
        assert row.contracted_mw <= row.guaranteed_mw + 1e-9


def test_a_committed_lease_is_served_although_it_loses_money() -> None:
    cheap = apply_edits(starting_case(), ["lease_rates.usd_per_gpu_hour[lab_training]=0.3"])
    free = plan(cheap)
    bound = plan(apply_edits(cheap, ["leases.committed[lab_training]=yes"]))

    def units(found: Plan) -> float:
        rows = found.allocation[(found.allocation["use"] == "serve") & (found.allocation["lease_id"] == "lab_training")]
        performance = dict(
            zip(found.case.tables["gpus"]["gpu_id"], found.case.tables["gpus"]["performance"], strict=True)
        )
        return float(sum(row.gpus * performance[row.gpu_id] for row in rows.itertuples()))

    assert units(free) == 0.0
    assert units(bound) >= 4000 - 1e-6
    assert bound.npv_usd < free.npv_usd


@pytest.mark.parametrize("name", NAMES)
def test_duals_of_the_relaxation_prove_it(name: str) -> None:
    relaxed = plan(case_called(name), solver=SolverOptions(relax=True))
    lp = relaxed.allocation_result.lp
    assert lp is not None
    residuals = verify_duals(lp.arrays, lp)
    assert residuals.within(1e-6), residuals
    assert residuals.dual_objective == pytest.approx(lp.objective, rel=1e-8)
    assert relaxed.npv_usd >= planned(name).npv_usd * (1 - 1e-9)


# --- the horizon ---------------------------------------------------------------------------------------------------

ALL_WRITTEN_OFF = ("case.depreciation.power.bonus_share=1", "case.depreciation.shell.bonus_share=1")
HALLS_STAND = "sites.existing_it_mw[river]=40"
"""So that a hall let on its terms is worth having."""
NO_MARKET = ("market.utilisation=0",)
ENDS_WITHIN = (
    "power.term_months=58", "power.fee_usd_per_kw_month=5", "leases.max_size[lab_training]=5000",
    "leases.start[cloud_hall]=2027-07", "leases.term_months[cloud_hall]=30", "leases.usd_per_kw_month[cloud_hall]=300",
    "leases.min_size[cloud_hall]=1", "leases.min_block[cloud_hall]=1",
)


def test_a_longer_horizon_changes_nothing_once_all_contracts_have_ended() -> None:
    short = apply_edits(starting_case(), [*ALL_WRITTEN_OFF, *NO_MARKET, *ENDS_WITHIN, HALLS_STAND])
    long = apply_edits(short, ["case.months+=24"])
    first, second = plan(short, solver=EXACT), plan(long, solver=EXACT)
    assert first.npv_usd > 1e7
    assert {"serve", "host"} <= set(first.allocation["use"])
    assert first.statement.tail_usd == pytest.approx(0.0, abs=1e-3)
    assert second.npv_usd == pytest.approx(first.npv_usd, rel=1e-9)


def test_a_longer_horizon_moves_contracts_across_it_by_little() -> None:
    """The halls let for ten years cross the horizon: the tail counts them by years, a longer horizon by months."""
    short = apply_edits(starting_case(), [*ALL_WRITTEN_OFF, *NO_MARKET, HALLS_STAND])
    long = apply_edits(short, ["case.months+=24"])
    first, second = plan(short, solver=EXACT), plan(long, solver=EXACT)
    assert "host" in set(first.allocation["use"])
    assert first.statement.tail_usd > 1e7
    assert abs(second.npv_usd - first.npv_usd) < 0.01 * first.statement.tail_usd


def test_without_a_tail_nothing_runs_on_after_the_horizon() -> None:
    """Only what is sold at the end, its tax, and the year in which that falls are left."""
    found = plan(starting_case(), tail="none")
    after = found.cashflow[found.cashflow["month"] >= found.case.settings.months]
    assert set(after["line"]) <= {"resale", "tax", "depreciation"}
    assert set(after["month"]) <= {found.case.settings.months}


def test_a_rent_after_the_horizon_never_lowers_the_npv() -> None:
    case = apply_edits(starting_case(), ["case.tail_rent_usd_per_kw_month=150"])
    contracted, rented = plan(case, tail="contracted"), plan(case, tail="rented")
    assert rented.npv_usd > contracted.npv_usd + 1.0
    assert rented.statement.line(Line.TAIL_RENT).sum() > 0.0
    assert contracted.statement.line(Line.TAIL_RENT).sum() == 0.0


# --- how the optimum reacts ----------------------------------------------------------------------------------------


def money_times(case: Case, factor: float) -> Case:
    """The case with every amount in dollars multiplied."""
    settings = {"tail_rent_usd_per_kw_month": case.settings.tail_rent_usd_per_kw_month * factor}
    changed = Case(type(case.settings)(**{**vars(case.settings), **settings}), dict(case.tables))
    for name, table in case.tables.items():
        columns = [column for column in table if "usd" in column and pd.api.types.is_numeric_dtype(table[column])]
        changed = changed.with_table(name, table.assign(**{column: table[column] * factor for column in columns}))
    curves = case.tables["curves"]
    money = curves["unit"].str.startswith("$")
    return changed.with_table("curves", curves.assign(value=curves["value"].where(~money, curves["value"] * factor)))


@pytest.mark.parametrize("name", ["starting", pytest.param("made 1", marks=pytest.mark.slow)])
def test_all_money_times_four_gives_four_times_the_npv_at_the_same_levels(name: str) -> None:
    found = planned(name)
    assert found.case.tables["curves"]["unit"].str.startswith("$").all()
    scaled = plan(money_times(found.case, 4.0), solver=EXACT)
    assert scaled.npv_usd == pytest.approx(4.0 * found.npv_usd, rel=1e-8)
    np.testing.assert_allclose(scaled.candidates.npv_usd, 4.0 * found.candidates.npv_usd, rtol=1e-9, atol=1e-6)
    # Plans that are equally good may differ; the levels must be as good in the case as it was.
    assert float(found.candidates.npv_usd @ scaled.levels) == pytest.approx(found.npv_usd, rel=1e-8)


@pytest.mark.parametrize("name", ["starting", pytest.param("made 1", marks=pytest.mark.slow)])
def test_order_of_rows_does_not_matter(name: str) -> None:
    found = planned(name)
    dice = np.random.default_rng(7)
    shuffled = found.case
    for table, frame in found.case.tables.items():
        shuffled = shuffled.with_table(table, frame.iloc[dice.permutation(len(frame))].reset_index(drop=True))
    again = plan(shuffled, solver=EXACT)
    assert again.npv_usd == pytest.approx(found.npv_usd, rel=1e-8)
    values = [
        dict(zip(one.table["candidate_id"], one.npv_usd, strict=True)) for one in (found.candidates, again.candidates)
    ]
    assert values[0].keys() == values[1].keys()
    for candidate, usd in values[0].items():
        assert values[1][candidate] == pytest.approx(usd, rel=1e-9, abs=1e-6), candidate


def test_candidates_have_names_of_their_own() -> None:
    for name in NAMES:
        assert planned(name).candidates.table["candidate_id"].is_unique


def test_announced_is_never_worse_where_only_defaults_differ() -> None:
    """Phases stand already, so the same plans are possible; each earns at least as much when nobody defaults."""
    case = apply_edits(
        starting_case(), ["power.energised=2026-06", "power.status=energised", "customers.default_rate_per_year=0.1"]
    )
    expected, announced = plan(case, base="expected", solver=EXACT), plan(case, base="announced", solver=EXACT)
    assert (announced.candidates.npv_usd >= expected.candidates.npv_usd - 1e-9).all()
    assert announced.npv_usd > expected.npv_usd + 1.0


@pytest.mark.slow
def test_announced_is_never_worse_where_only_delays_differ() -> None:
    """Phases without fees, minimum take or an end within sight: an earlier one can be left unused until its mean
    date."""
    case = apply_edits(
        starting_case(),
        [
            "power.fee_usd_per_kw_month=0", "power.min_take=0", "power.term_months=480",
            "power.guaranteed_mw[river_grid:1]=8", "customers.default_rate_per_year=0",
        ],
    )
    expected, announced = plan(case, base="expected", solver=EXACT), plan(case, base="announced", solver=EXACT)
    assert (announced.candidates.outlook.energised <= expected.candidates.outlook.energised).all()
    assert announced.npv_usd > expected.npv_usd + 1.0


@pytest.mark.slow
def test_without_delays_and_defaults_the_two_bases_are_one() -> None:
    case = apply_edits(
        starting_case(), ["power.energised=2026-06", "power.status=energised", "customers.default_rate_per_year=0"]
    )
    assert plan(case, base="announced").npv_usd == pytest.approx(plan(case, base="expected").npv_usd, rel=1e-9)


@pytest.mark.parametrize(
    ("edit", "better"),
    [
        pytest.param("power.guaranteed_mw[river_grid:1]*=1.2", True, marks=pytest.mark.slow),
        ("market.usd_per_gpu_hour*=1.1", True),
        pytest.param("market.depth_gpus*=0.5", False, marks=pytest.mark.slow),
        ("gpus.capex_usd*=1.1", False),
    ],
)
def test_more_of_a_good_thing_never_hurts(edit: str, better: bool) -> None:
    change = plan(case_called("starting"), edits=[edit]).npv_usd - planned("starting").npv_usd
    assert change >= -1.0 if better else change <= 1.0


# --- the call ------------------------------------------------------------------------------------------------------


def test_a_stress_is_applied_before_edits() -> None:
    changed = changed_case(starting_case(), ["market.usd_per_gpu_hour[gb300:1]*=3"], "market at half")
    market = changed.tables["market"].set_index(["gpu_id", "tier"])["usd_per_gpu_hour"]
    assert market["gb300", 1] == pytest.approx(4.5 * 1.5)
    assert market["b300", 2] == pytest.approx(1.5)


def test_single_choices_are_fields_of_the_options() -> None:
    by_choices = plan(starting_case(), base="announced", excludes="gpus[b300]")
    assert by_choices.options == PlanOptions(base="announced", excludes=("gpus[b300]",))
    assert by_choices.candidates.outlook.base == "announced"
    assert "b300" not in set(by_choices.allocation["gpu_id"])


def test_options_and_choices_together_are_refused() -> None:
    with pytest.raises(PlannerError, match="not both"):
        plan(starting_case(), PlanOptions(), base="announced")


@pytest.mark.parametrize(
    ("choice", "meant"),
    [({"base": "anounced"}, 'did you mean "announced"'), ({"tail": "rentd"}, 'did you mean "rented"')],
)
def test_misspelt_rules_are_refused_with_what_was_meant(choice: dict[str, str], meant: str) -> None:
    with pytest.raises(PlannerError, match=meant):
        plan(starting_case(), **choice)


def test_an_infeasible_case_is_a_plan_with_that_status_and_empty_tables() -> None:
    found = plan(starting_case(), fixes=["leases.size[lab_training]=100"])
    assert found.status is Status.INFEASIBLE
    assert found.levels is None
    assert found.npv_usd is None
    for table in (found.allocation, found.portfolio, found.cashflow, found.binding):
        assert table.empty
    assert found.power["contracted_mw"].eq(0.0).all()
    with pytest.raises(PlannerError, match="there is no plan: infeasible"):
        _ = found.statement


def test_the_plan_of_an_empty_market_does_nothing() -> None:
    """No income in sight: nothing is bought and the NPV is what existing halls cost, or nothing."""
    found = plan(
        starting_case(), edits=["market.utilisation=0"], excludes=["leases[lab_training]", "leases[cloud_hall]"]
    )
    assert found.allocation.empty
    assert found.candidates.table["kind"].eq("own").to_numpy() @ found.levels == 0.0
    assert found.npv_usd <= 0.0


@pytest.mark.slow
@pytest.mark.parametrize("seed", few(range(5, 11), 2))
def test_money_and_limits_hold_on_more_made_up_cases(seed: int) -> None:
    found = plan(
        generate_case(sites=3, leases=6, skus=3, months=60, seed=seed), solver=SolverOptions(gap=1e-3, time_limit_s=60)
    )
    assert found.status in (Status.OPTIMAL, Status.FEASIBLE)
    candidates: CandidateSet = found.candidates
    assert float(candidates.npv_usd @ found.levels) == pytest.approx(found.statement.npv_usd, rel=1e-9)
    assert found.allocation_result.worst_row <= 1e-9
    owned, working = gpus_by_month(found)
    for key, units in working.items():
        assert (units <= owned[key] + 1e-6 * max(units.max(), 1.0)).all(), key


@pytest.mark.parametrize("changes", [{}, {"edits": ("leases.committed[lab_training]=yes", "power.guaranteed_mw*=0.1")}])
def test_looking_at_a_plan_solves_nothing(monkeypatch: pytest.MonkeyPatch, changes: dict[str, tuple[str, ...]]) -> None:
    found = plan(starting_case(), why=("river",), **changes)

    def refused(*_: object, **__: object) -> None:
        raise AssertionError("a solver was asked")

    for name in ("solve_arrays", "resolve"):
        monkeypatch.setattr(HighsSolver, name, refused)
    for name in (
        "prices", "priced", "reasons", "conflict", "unbounded_ray", "allocation", "power", "decisions", "portfolio",
        "cashflow", "binding", "npv_usd", "gap",
    ):
        getattr(found, name)
    assert (found.conflict is None) == (found.levels is not None)
    assert len(found.reasons) == (found.levels is not None)
    assert plan_summary(found)["status"] == found.status.label
