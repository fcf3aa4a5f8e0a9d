"""A plan that stands, restated in another version of its case, against candidates made anew from that version."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from oracle.rich_case import rich_case

from planner.arrays import Floats
from planner.candidates.build import CandidateSet, build_candidates
from planner.candidates.decisions import apply_decisions
from planner.candidates.outlook import make_outlook
from planner.candidates.restated import restate
from planner.case.case import Case
from planner.case.edits import apply_edits
from planner.case.made_up.frame import declared_frame
from planner.case.tables import TABLES
from planner.errors import PlannerError
from planner.plans.statement import make_statement

CASH = {
    "rates": [
        "lease_rates.usd_per_gpu_hour*=1.3", "leases.usd_per_kw_month*=0.8", "leases.escalator[hall]=0.02",
        "leases.prepay_fraction[train]=0.25",
        "lease_ramp.rate_share[train]*=0.9", "leases.renewal_rate_share[train]=0.6",
    ],
    "contracts": [
        "leases.take_or_pay[train]=0.95", "leases.late_penalty[infer]=0.5", "leases.sla_credit[train]=0.3",
        "leases.notice_margin[train]=0.6",
        "leases.notice_months[train]=6", "leases.energy_by[infer]=tenant", "leases.billing_hours[train]=730",
        "leases.renewal_probability[train]=0.15",
    ],
    "customers": ["customers.default_rate_per_year*=2", "customers.recovery[cloud]=0.05"],
    "network": ["links.network_usd_per_gpu_hour*=3", "links.fibre_capex_usd*=2"],
    "fees": [
        "power.fee_usd_per_kw_month*=1.4", "power.fee_escalator[river_cells]=0.05",
        "power.take_or_pay[river_cells]=0.45", "power.fee_from[mesa_atom]=contract",
        "power.exit_fee_usd_per_kw*=3", "power.demand_charge_usd_per_kw_month*=1.5",
        "power.delay_damages_usd_per_kw_month*=2",
    ],
    "plants": [
        "power.upfront_usd_per_kw*=1.5", "power.capex_usd_per_kw*=1.2", "power.fixed_om_usd_per_kw_month*=2",
        "power.variable_om_usd_per_mwh*=2",
        "power.tax_credit[mesa_engine]=0.35", "power.availability[river_cells]=0.93",
    ],
    "energy": [
        "power.heat_rate_mmbtu_per_mwh*=1.1", "power.fuel_adder_usd_per_mmbtu[river_cells]=0.9",
        "power.energy_usd_per_mwh[mesa_atom]*=1.5", "curves.value[hub]*=1.3",
        "power.min_take[river_cells]=0.25", "power.mw_per_it_mw[river_cells]=1.5",
    ],
    "gpus": [
        "gpus.upkeep_usd_per_month*=1.5", "gpus.deposit_fraction[new]=0.5", "gpus.deposit_lead_months[new]=4",
        "gpus.capex_usd[old]*=1.2", "gpus.it_kw[old]*=1.05",
        "curves.value[new_price]*=1.15", "resale.value_share*=0.8", "fleet.tax_basis_usd_per_gpu*=1.5",
    ],
    "market": [
        "curves.value[new_spot]*=0.7", "market.usd_per_gpu_hour[new:2]*=1.2", "market.utilisation*=0.9",
        "case.relet_fraction=0.3",
    ],
    "mining": [
        "mining.joules_per_th*=1.2", "mining.opex_usd_per_mwh*=2", "mining.uptime*=0.9", "mining.resale_usd_per_kw*=2",
        "curves.value[hash]*=1.5",
    ],
    "halls": [
        "sites.shell_capex_usd_per_kw*=1.2", "sites.shell_rent_usd_per_kw_month*=1.2",
        "sites.conversion_capex_usd_per_kw*=1.3", "sites.shell_residual[river]=0.1",
        "sites.opex_usd_per_kw_month*=1.3", "sites.opening_cost_usd*=2", "sites.pue*=1.05", "sites.load_factor*=0.9",
    ],
    "money": ["case.discount_rate=0.13", "case.tax_rate=0.28"],
    "limits": [
        "budget.new_capital_usd*=0.5", "market.depth_gpus*=0.5", "case.budget_carries_over=no", "debt.interest_rate*=2",
        "leases.max_size[infer]=900",
    ],
}
"""Edits by what they change; each is made alone in the slow tests, with its neighbours in the default ones."""
TOGETHER = [
    ("rates", "contracts", "customers", "network"), ("fees", "plants", "energy"), ("gpus", "market", "mining"),
    ("halls", "money"), ("limits",),
]
LATE = "power.energised[river_cells]+=4"
DEBT = [{"asset_class": "gpu", "advance_rate": 0.6, "interest_rate": 0.09, "tenor_months": 30}]


@cache
def case() -> Case:
    return rich_case(3, limited=True).with_table("debt", declared_frame(TABLES["debt"], DEBT))


@cache
def candidates() -> CandidateSet:
    return build_candidates(make_outlook(case()))


@cache
def levels() -> Floats:
    """Some of everything."""
    return np.random.default_rng(5).uniform(0.5, 2.0, len(candidates()))


def npv_anew(changed: Case) -> float:
    """Statement of the same levels of candidates made from the changed case, by id."""
    anew = build_candidates(make_outlook(changed))
    level = dict(zip(candidates().table["candidate_id"], levels(), strict=True))
    assert set(anew.table["candidate_id"]) == set(level)
    return make_statement(anew, anew.table["candidate_id"].map(level).to_numpy(np.float64)).npv_usd


def agrees(edits: list[str]) -> float:
    """NPV of the plan after the edits, the same restated and made anew."""
    changed = apply_edits(case(), edits)
    restated = restate(candidates(), changed, levels=levels())
    npv = make_statement(restated, levels()).npv_usd
    assert npv == pytest.approx(npv_anew(changed), rel=1e-9)
    assert npv == pytest.approx(float(restated.npv_usd @ levels()), rel=1e-9)
    return npv


@cache
def base_npv() -> float:
    return make_statement(candidates(), levels()).npv_usd


@pytest.mark.parametrize("whats", TOGETHER, ids=" ".join)
def test_a_change_of_cash_values_the_plan_as_candidates_made_anew(whats: tuple[str, ...]) -> None:
    npv = agrees([edit for what in whats for edit in CASH[what]])
    assert (abs(npv - base_npv()) > 1.0) == (whats != ("limits",))


def test_every_edit_is_tried() -> None:
    assert sorted(what for whats in TOGETHER for what in whats) == sorted(CASH)


@pytest.mark.slow
@pytest.mark.parametrize("edit", [edit for what, edits in CASH.items() if what != "limits" for edit in edits])
def test_each_change_of_cash_alone(edit: str) -> None:
    assert abs(agrees([edit]) - base_npv()) > 1.0


def test_every_kind_of_candidate_is_there() -> None:
    assert set(candidates().table["kind"]) == {
        "open", "shell", "close", "power", "take", "short", "exit", "own", "retire", "base", "serve", "host", "renew",
        "sell", "mine", "fabric", "accept", "block", "back",
    }


def test_rows_are_those_of_the_base_with_the_use_and_limits_of_the_change() -> None:
    changed = apply_edits(
        case(),
        [
            "budget.new_capital_usd*=0.5", "curves.value[new_price]*=1.15", "leases.max_size[infer]=900",
            "power.mw_per_it_mw[river_cells]=1.5",
        ],
    )
    restated, anew = restate(candidates(), changed), build_candidates(make_outlook(changed))
    keys = ["resource", "family", "name", "start", "end"]
    assert restated.rows.table[keys].equals(candidates().rows.table[keys])
    by_name = anew.rows.table.reset_index().merge(
        restated.rows.table.reset_index(), on=["family", "name", "start", "end"], suffixes=("", "_restated")
    )
    assert len(by_name) == len(anew.rows.table) == len(restated.rows.table)
    order = [candidates().table["candidate_id"].tolist().index(name) for name in anew.table["candidate_id"]]
    np.testing.assert_allclose(by_name["limit"], by_name["limit_restated"])
    difference = anew.rows.use[by_name["index"].to_numpy()] - restated.rows.use[
        by_name["index_restated"].to_numpy()
    ][:, order]
    assert abs(difference).max() <= 1e-9 * abs(anew.rows.use).max()


def test_equity_is_restated_as_equity() -> None:
    changed = apply_edits(case(), ["debt.interest_rate*=2"])
    anew = build_candidates(make_outlook(changed), equity=True)
    np.testing.assert_allclose(restate(candidates(), changed, equity=True).npv_usd, anew.npv_usd, rtol=1e-12, atol=1e-9)


def test_late_power_is_waited_for_and_no_dates_move() -> None:
    late = restate(candidates(), apply_edits(case(), [LATE]), levels=levels())
    assert late.gone == {}
    columns = ["candidate_id", "from_month", "to_month", "lower", "upper"]
    assert late.table[columns].equals(candidates().table[columns])
    serving = late.table["kind"].isin(["serve", "sell"]) & late.table["phase"].str.startswith("river_cells") & (
        late.table["then_phase"] == ""
    )
    begins = int(candidates().outlook.energised[1])
    # A prepayment is used up, or kept from a customer in default, on the planned dates.
    prepaid = case().tables["leases"].set_index("lease_id")["prepay_fraction"] > 0
    serving &= ~late.table["lease_id"].map(prepaid).fillna(False).astype(bool)
    waits = serving & (late.table["from_month"] < begins + 4)
    revenue = late.cash(np.ones(len(late)))[1][0]
    assert waits.any()
    assert (serving & ~waits).any()
    assert not revenue[waits.to_numpy(), : begins + 4].any()
    np.testing.assert_array_equal(
        revenue[(serving & ~waits).to_numpy()],
        candidates().cash(np.ones(len(late)))[1][0][(serving & ~waits).to_numpy()],
    )


def test_changed_cash_and_changed_dates_together() -> None:
    """In one step, or the cash built anew and the dates restated from there."""
    cash = ["lease_rates.usd_per_gpu_hour*=1.3", "power.fee_usd_per_kw_month*=1.4", "case.discount_rate=0.13"]
    both = apply_edits(case(), [*cash, LATE])
    once = restate(candidates(), both, levels=levels())
    step = restate(build_candidates(make_outlook(apply_edits(case(), cash))), both)
    np.testing.assert_allclose(once.npv_usd, step.npv_usd, rtol=1e-12, atol=1e-9)
    assert abs(
        make_statement(once, levels()).npv_usd
        - make_statement(restate(candidates(), apply_edits(case(), cash)), levels()).npv_usd
    ) > 1.0


def test_a_next_term_out_of_the_question_costs_its_income_and_stays_a_candidate() -> None:
    never = restate(candidates(), apply_edits(case(), ["leases.renewal_probability[colo]=0"]), levels=levels())
    renewed = ((never.table["kind"] == "renew") & (never.table["lease_id"] == "colo")).to_numpy()
    assert renewed.any()
    np.testing.assert_array_equal(never.npv_usd[renewed], 0.0)


def test_a_longer_or_shorter_contract_ends_as_in_the_changed_case() -> None:
    longer = restate(candidates(), apply_edits(case(), ["power.term_months[river_grid:1]+=24"]))
    power = (longer.table["candidate_id"] == "power:river_grid:1").to_numpy()
    assert longer.table["to_month"][power].item() == candidates().table["to_month"][power].item() + 24
    shorter = restate(candidates(), apply_edits(case(), ["power.term_months[river_cells]=24"]))
    gone = shorter.table.iloc[list(shorter.gone)]
    assert len(gone)
    assert set(gone["kind"]) <= {"serve", "sell", "host", "renew"}
    # Contracts cannot be ended, nor minimum take be short, after they have ended: nothing is missed there.
    missing = set(candidates().table["candidate_id"]) - set(
        build_candidates(make_outlook(apply_edits(case(), ["power.term_months[river_cells]=24"]))).table["candidate_id"]
    )
    assert {name.split(":")[0] for name in missing} > {"exit", "short"}
    cash = shorter.cash(np.ones(len(shorter)))[1]
    np.testing.assert_array_equal(cash[:, list(shorter.gone)], 0.0)
    with pytest.raises(PlannerError, match=r"the contract of river_cells:1 ends before .*plan the changed case anew"):
        restate(candidates(), shorter.outlook.case, levels=levels())
    held = levels().copy()
    held[list(shorter.gone)] = 0.0
    shorter.require(np.flatnonzero(held))


def test_what_has_another_date_is_refused_if_it_is_held() -> None:
    changed = apply_edits(case(), ["leases.start[train]+=1"])
    with pytest.raises(PlannerError, match=r"serve:train:.*no longer allow it"):
        restate(candidates(), changed, levels=levels())


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        ("case.months=48", "case.months is 48 instead of 36"),
        ("case.tail=none", "case.tail is none instead of contracted"), ("case.start=2026-12", "case.start"),
    ],
)
def test_another_calendar_is_refused(edit: str, said: str) -> None:
    from dataclasses import replace

    name, value = edit.removeprefix("case.").split("=")
    settings = replace(case().settings, **{name: int(value) if name == "months" else value})
    with pytest.raises(PlannerError, match=said):
        restate(candidates(), replace(case(), settings=settings))


def test_a_cost_that_falls_due_without_a_decision_is_refused() -> None:
    free = build_candidates(make_outlook(apply_edits(case(), ["sites.opening_cost_usd[mesa]=0"])))
    with pytest.raises(PlannerError, match="asks for open:mesa, which the plan never weighed"):
        restate(free, case())


def test_decisions_of_the_user_stay() -> None:
    decided = apply_decisions(
        candidates(), ["leases.size[infer]=500", "power.contracted_mw[river_cells:1]=7"], ["gpus[old]"]
    )
    restated = restate(decided, apply_edits(case(), ["lease_rates.usd_per_gpu_hour*=1.3", "leases.max_size[hall]=7"]))
    fixed = restated.rows.table["family"] == "FIXED"
    assert fixed.sum() == 2
    np.testing.assert_array_equal(
        (restated.rows.use[fixed.to_numpy()] @ levels()),
        decided.rows.use[(decided.rows.table["family"] == "FIXED").to_numpy()] @ levels(),
    )
    same = ["lower", "upper"]
    kept = restated.table["kind"].isin(["own", "power"])
    assert restated.table.loc[kept, same].equals(decided.table.loc[kept, same])
    hall = (restated.table["lease_id"] == "hall") & (restated.table["kind"] == "host")
    np.testing.assert_allclose(restated.table["upper"][hall], 7.0)


def test_what_the_base_case_left_out_stays_left_out() -> None:
    tight = apply_edits(case(), ["leases.min_block[train]=100000", "leases.max_size[train]=200000"])
    base = build_candidates(make_outlook(tight))
    assert base.left_out.mask.any()
    loose = restate(base, case())
    np.testing.assert_array_equal(loose.left_out.mask, base.left_out.mask)
    assert not candidates().left_out.mask.all()
