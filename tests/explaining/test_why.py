"""Why something is in or out: worth against plans without it and with it, and the answer really turns where it is said
to."""

from __future__ import annotations

from functools import cache

import pytest
from oracle.tiny_case import cluster, grid, rate, site, sku, tiny_case

from planner.case.case import Case
from planner.case.edits import apply_edits
from planner.errors import PlannerError
from planner.explaining.target import Sort, Target, targets_of
from planner.explaining.why import Reason, Turn
from planner.explaining.why_lines import lines_of_reason, record_of_reason
from planner.planning.make_plan import plan
from planner.planning.plan import Plan
from planner.solver.options import SolverOptions

EXACT = SolverOptions(gap=1e-9)


def contested(**changes: float) -> Case:
    """Two all-or-nothing leases for one hall of 500 GPUs, and a dear phase of power that the hall does not need."""
    return tiny_case(
        sites=[site(mw=1.0)],
        power=[grid(mw=1.25), grid(mw=1.0) | {"source_id": "cells", "fee_usd_per_kw_month": changes.get("fee", 50.0)}],
        leases=[cluster("good", size=300, all_or_nothing=True), cluster("poor", size=400, all_or_nothing=True)],
        lease_rates=[rate("good", changes.get("good", 2.4)), rate("poor", changes.get("poor", 1.4))],
        market=[{"gpu_id": "gpu", "usd_per_gpu_hour": 1.9, "utilisation": 0.8, "depth_gpus": 50}],
    )


@cache
def asked(*targets: str) -> Plan:
    return plan(contested(), why=targets, solver=EXACT)


def reason(target: str) -> Reason:
    return asked(target).reasons[0]


def test_what_is_in_is_worth_what_the_plan_loses_without_it() -> None:
    found = reason("good")
    without = plan(contested(), excludes=["leases[good]"], solver=EXACT)
    assert found.inside
    assert found.amount == pytest.approx(300.0)
    assert found.worth_usd is not None
    assert found.worth_usd[0] == pytest.approx(asked("good").objective_usd - without.objective_usd, rel=1e-9)
    assert found.worth_usd[1] <= found.worth_usd[0] <= found.worth_usd[2]


def test_what_is_out_costs_what_the_plan_loses_with_it() -> None:
    found = reason("poor")
    with_it = plan(contested(), fixes=["leases.size[poor]=400"], solver=EXACT)
    assert not found.inside
    assert found.worth_usd is not None
    assert found.worth_usd[0] == pytest.approx(with_it.objective_usd - asked("poor").objective_usd, rel=1e-9)
    assert found.worth_usd[0] < 0.0


@pytest.mark.parametrize(("lease", "now"), [("good", 2.4), ("poor", 1.4)])
def test_the_answer_for_a_lease_turns_at_the_rate_that_is_named(lease: str, now: float) -> None:
    turn = reason(lease).turn
    assert turn is not None
    assert turn.solved
    assert turn.now == now
    assert turn.low <= turn.at <= turn.high
    for rate_usd, served in ((turn.at - 1e-3, False), (turn.at + 1e-3, True)):
        found = plan(contested(**{lease: rate_usd}), solver=EXACT)
        assert (lease in set(found.allocation["lease_id"])) == served


def test_the_answer_for_a_phase_turns_at_the_fee_that_is_named() -> None:
    """The grid at as many MW as it has now, against the best plan without it."""
    found = reason("a_grid:1")
    assert found.inside
    assert found.turn is not None
    assert found.turn.solved
    without = plan(contested(), excludes=["power[a_grid:1]"], solver=EXACT).objective_usd
    for fee, better in ((found.turn.at - 0.05, True), (found.turn.at + 0.05, False)):
        held = plan(
            contested(), edits=[f"power.fee_usd_per_kw_month[a_grid:1]={fee}"],
            fixes=[f"power.contracted_mw[a_grid:1]={found.amount}"], solver=EXACT,
        )
        assert (held.objective_usd > without) == better


def test_power_that_is_out_is_tried_at_parts_of_it() -> None:
    found = reason("cells:1")
    assert not found.inside
    assert found.worth_usd is not None
    assert found.amount == pytest.approx(0.25)
    fee = 0.25 * 1000.0 * 50.0 * sum(
        float(factor) for factor in asked("cells:1").candidates.outlook.discount[:24]
    ) * 0.75
    assert -found.worth_usd[0] <= fee * (1 + 1e-9), "standing idle it costs its fee, and it can always stand idle"


@pytest.mark.parametrize(
    ("fee", "said"),
    [(0.0, "it has none that could fall"), (10.0, "at none at all the best plan with it is still worth")],
)
def test_power_that_loses_without_a_fee_says_that_no_fee_turns_it(fee: float, said: str) -> None:
    """A connection that must be kept up is a loss where its MW are not needed, whatever its fee."""
    dear = apply_edits(contested(fee=fee), ["power.fixed_om_usd_per_kw_month[cells:1]=20"])
    (found,) = plan(dear, why=("cells:1",), solver=EXACT).reasons
    assert not found.inside
    assert found.turn is None
    assert said in found.note
    free = apply_edits(dear, ["power.fee_usd_per_kw_month[cells:1]=0"])
    held = plan(free, fixes=[f"power.contracted_mw[cells:1]={found.amount}"], solver=EXACT).objective_usd
    without = plan(free, excludes=["power[cells:1]"], solver=EXACT).objective_usd
    assert held < without
    if fee:
        assert f"${(without - held) / 1e6:,.2f}M less" in found.note


def test_a_sku_and_a_site_are_worth_the_plan_where_there_is_no_other() -> None:
    for target in ("gpu", "sites[a]"):
        found = reason(target)
        assert found.inside
        assert found.worth_usd is not None
        assert found.worth_usd[0] == pytest.approx(asked(target).objective_usd, rel=1e-6)


def test_a_committed_lease_is_released_to_see_what_it_costs() -> None:
    poor = contested()
    case = poor.with_table(
        "leases", poor.tables["leases"].assign(committed=poor.tables["leases"]["lease_id"] == "poor")
    )
    found = plan(case, why="poor", solver=EXACT)
    assert found.reasons[0].worth_usd is not None
    assert found.reasons[0].worth_usd[0] == pytest.approx(
        found.objective_usd - plan(poor, solver=EXACT).objective_usd, rel=1e-9
    )


def test_a_lease_that_nothing_can_serve_says_so() -> None:
    case = tiny_case(
        sites=[site()], power=[grid()], gpus=[sku(), sku("other")], leases=[cluster("lost", regions="moon")],
        lease_rates=[rate("lost")],
    )
    found = plan(case, why=["lost"]).reasons[0]
    assert found.worth_usd is None
    assert "nothing in the case can serve it" in "\n".join(lines_of_reason(found))


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (
            {"sites": [site(max_rack_kw=40)], "gpus": [sku(rack_kw=132)]},
            "at a a rack may take 40 kW, gpu needs 132 kW; to let it stand at a: --set 'sites.max_rack_kw[a]=132'",
        ),
        (
            {"sites": [site(liquid_cooled_it_mw=0)], "gpus": [sku(cooling="liquid")]},
            "at a there is no liquid cooling, which gpu needs",
        ),
        (
            {"leases": [cluster("lost", size=400, all_or_nothing=True)], "sites": [site(mw=0.5)]},
            "no plan can serve 400 GPUs of it: at a there are 0.5 MW of halls and no price for new ones, it needs 0.8 "
            "MW",
        ),
        (
            {
                "leases": [cluster("lost", size=400, all_or_nothing=True, single_fabric=True)],
                "sites": [site(max_cluster_gpus=300)],
            },
            "the largest cluster on one fabric is 300 GPUs, it needs 400 GPUs",
        ),
        (
            {"leases": [cluster("lost", start="2030-01")]},
            "it begins in 2030-01, after the horizon, which ends in 2028-12",
        ),
        (
            {
                "leases": [
                    cluster("lost", size=400, all_or_nothing=True),
                    cluster("kept", size=300, committed=True, all_or_nothing=True),
                ],
                "sites": [site(mw=1.0)],
            },
            "no plan with it keeps every limit: too little: halls",
        ),
    ],
)  # fmt: skip
def test_a_lease_that_no_plan_can_have_names_what_stops_it(rows: dict[str, list[dict[str, object]]], said: str) -> None:
    given = {
        "sites": [site()], "power": [grid()], "gpus": [sku()], "leases": [cluster("lost")],
        "lease_rates": [rate("lost"), rate("kept")], **rows,
    }
    named = {str(lease["lease_id"]) for lease in given["leases"]}
    given["lease_rates"] = [row for row in given["lease_rates"] if row["lease_id"] in named]
    found = plan(tiny_case(**given), why=["lost"]).reasons[0]
    assert found.worth_usd is None
    assert said in found.note


@pytest.mark.parametrize(
    ("rows", "target", "said"),
    [
        (
            {"gpus": [sku(), sku("other", rack_kw=132)], "sites": [site(max_rack_kw=40)]}, "other",
            "it fits on no site: at 1 site a rack may take 40 kW at most, it needs 132",
        ),
        (
            {"gpus": [sku(), sku("other", order_lead_months=30)]}, "other",
            "ordered at the start it comes after 30 months, in 2029-07, too late for the horizon",
        ),
        (
            {
                "gpus": [sku(), sku("other")],
                "gpu_supply": [
                    {"gpu_id": "other", "quarter": f"{year}-Q{quarter}", "max_gpus": 0} for year in (2027, 2028)
                    for quarter in (1, 2, 3, 4)
                ],
            },
            "other", "gpu_supply has none of it",
        ),
        ({"sites": [site(), site("b")]}, "b", "no phase of power feeds it"),
    ],
)  # fmt: skip
def test_what_can_be_in_no_plan_names_what_stops_it(
    rows: dict[str, list[dict[str, object]]], target: str, said: str
) -> None:
    given = {
        "sites": [site()], "power": [grid()], "gpus": [sku()], "leases": [cluster("lab")], "lease_rates": [rate("lab")],
        **rows,
    }
    assert said in plan(tiny_case(**given), why=[target]).reasons[0].note


def test_prices_explain_what_a_lease_uses() -> None:
    """Divisible, and paying less than the market: at the plan's prices a GPU of it is worth less than what it uses."""
    case = tiny_case(
        sites=[site(mw=1.0)], power=[grid()], leases=[cluster("cheap")], lease_rates=[rate("cheap", 1.5)],
        market=[{"gpu_id": "gpu", "usd_per_gpu_hour": 2.5, "utilisation": 0.8, "depth_gpus": 9000}],
    )
    found = plan(case, why="cheap", solver=EXACT).reasons[0]
    assert found.prices is not None
    assert found.prices.reduced_usd < 0.0
    assert sum(use.usd for use in found.prices.uses) == pytest.approx(
        found.prices.npv_usd - found.prices.reduced_usd, rel=1e-6
    )
    assert "less than what it uses" in "\n".join(lines_of_reason(found))
    assert found.worth_usd is not None
    assert found.worth_usd[0] <= 400.0 * found.prices.reduced_usd * (1 - 1e-9), (
        "NPV is concave: 400 GPUs lose at least 400 times the first"
    )


def test_what_would_pay_by_the_gpu_but_comes_whole_says_so() -> None:
    said = "\n".join(lines_of_reason(reason("poor")))
    assert "more than what it uses" in said
    assert "comes whole" in said


def test_a_record_for_files_has_no_number_that_json_does_not_know() -> None:
    import json

    for target in ("good", "poor", "gpu", "cells:1"):
        assert json.loads(json.dumps(record_of_reason(reason(target)), allow_nan=False))["id"] == target


def test_names_are_understood_in_both_forms_and_misspelt_ones_refused_before_the_solve() -> None:
    case = contested()
    assert [
        target.sort for target in targets_of(case, ["a", "good", "cells:1", "gpu", "leases[poor]"])
    ] == [Sort.SITE, Sort.LEASE, Sort.PHASE, Sort.SKU, Sort.LEASE]
    with pytest.raises(PlannerError, match='did you mean "good"'):
        plan(case, why=["goood"])
    twice = case.with_table("leases", case.tables["leases"].replace({"good": "a"}))
    with pytest.raises(PlannerError, match=r"sites\[a\] or leases\[a\]"):
        targets_of(twice, ["a"])


LEASE, PHASE = Target(Sort.LEASE, "lab"), Target(Sort.PHASE, "grid:1")


@pytest.mark.parametrize(
    ("inside", "worth", "said"),
    [
        (True, (5e6, 3e6, 8e6), "without it is worth $5.00M less ($3.00M to $8.00M by the gaps)"),
        (True, (5e6, -1e6, 8e6), "without it is worth $5.00M less (-$1.00M to $8.00M by the gaps)"),
        (False, (-5e6, -8e6, -3e6), "with 400 GPUs of it is worth $5.00M less ($3.00M to $8.00M by the gaps)"),
        (False, (-5e6, -8e6, 1e6), "with 400 GPUs of it is worth $5.00M less (-$1.00M to $8.00M by the gaps)"),
    ],
)
def test_ranges_are_printed_from_low_to_high(inside: bool, worth: tuple[float, float, float], said: str) -> None:
    assert said in "\n".join(lines_of_reason(Reason(LEASE, inside, 400.0, "GPUs", worth, None, None, "")))


@pytest.mark.parametrize(
    ("target", "inside", "turn", "said"),
    [
        (
            LEASE, True, Turn("GPU-hour", 3.0, 2.5, 2.4, 2.6, 0.0, 0.0, True),
            "a rate of $2.5000/GPU-hour (now $3.00), between $2.4000 and $2.6000 by the gaps, for 400 GPUs: below it "
            "is out",
        ),
        (
            LEASE, False, Turn("GPU-hour", 2.0, 2.5, 2.5, 2.5, 0.0, 0.0, True),
            "a rate of $2.5000/GPU-hour (now $2.00) for 400 GPUs: above it is in",
        ),
        (
            LEASE, False, Turn("GPU-hour", 2.45, 2.5, 2.4, 2.6, 0.0, 0.0, True),
            "the gaps leave open on which side it is now",
        ),
        (
            LEASE, False, Turn("GPU-hour", float("nan"), 0.5, 0.4, 0.6, 0.0, 0.0, True),
            "rates $0.5000/GPU-hour higher than now (+0.4000 to +0.6000 by the gaps) for 400 GPUs: above it is in",
        ),
        (
            PHASE, True, Turn("kW-month", 5.0, 35.0, 35.0, 35.0, 0.0, 0.0, True),
            "a fee of $35.00/kW-month (now $5.00) for 400 GPUs: above it is out",
        ),
        (
            PHASE, False, Turn("kW-month", 50.0, 35.0, -10.0, 45.0, 0.0, 0.0, True),
            "between $0.00 and $45.00 by the gaps, for 400 GPUs: below it is in",
        ),
        (
            PHASE, False, Turn("kW-month", 50.0, 0.0, 0.0, 0.0, 0.0, 0.0, True),
            "for nothing at all it is worth as much as not to have it, never more",
        ),
    ],
)
def test_a_turn_says_what_holds_on_its_other_side(target: Target, inside: bool, turn: Turn, said: str) -> None:
    assert said in "\n".join(lines_of_reason(Reason(target, inside, 400.0, "GPUs", None, None, turn, "")))


def test_a_sku_that_is_bought_costs_what_one_more_is_worth() -> None:
    """350 of it stand in the plan and more could be bought: the price of the last is what it earns."""
    prices = reason("gpu").prices
    assert prices is not None
    assert prices.candidate_id == "own:a:gpu@2027-01"
    assert prices.reduced_usd == pytest.approx(0.0, abs=1e-3)
    assert "over its life, and one more would be worth $" in "\n".join(lines_of_reason(reason("gpu")))
