"""The value of a MW of a phase: what it is measured in, what it is compared with, and what has no price."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest

from planner.case.edits import apply_edits
from planner.case.generate import generate_case
from planner.case.starting import starting_case
from planner.errors import PlannerError
from planner.planning.make_plan import plan, with_prices
from planner.planning.plan import Plan
from planner.pricing.price_table import COLUMNS, QUESTIONS
from planner.pricing.prices import PriceTask, price_plan
from planner.solver.options import SolverOptions

RELAXED = SolverOptions(relax=True)


@cache
def planned() -> Plan:
    return plan(generate_case(sites=4, leases=8, skus=3, months=48, seed=2), solver=RELAXED)


def test_the_headline_has_a_row_for_each_phase_and_nothing_else() -> None:
    found = planned()
    assert list(found.prices["name"]) == list(found.power["phase"])
    assert set(found.prices["question"]) == {"whole term"} <= set(QUESTIONS)
    assert list(found.prices.columns) == list(COLUMNS)
    assert found.priced.complete
    assert 0 < found.priced.solves < 20 * len(found.prices)


def test_a_free_megawatt_is_worth_its_lease() -> None:
    """On a phase without fee or capex, what a MW brings given free is what it brings on offer."""
    found = plan(
        apply_edits(
            starting_case(), ["power.fee_usd_per_kw_month=0", "power.upfront_usd_per_kw=0", "sites.opening_cost_usd=0"]
        ),
        solver=RELAXED,
    )
    power = found.case.tables["power"]
    names = power["source_id"] + ":" + power["phase"]
    free = set(
        names[
            (power["capex_usd_per_kw"].fillna(0) == 0) & (power["fixed_om_usd_per_kw_month"] == 0)
            & (power["min_take"] == 0)
        ]
    )
    rows = found.prices[found.prices["name"].isin(free) & (found.prices["in_plan"] >= found.prices["limit"])]
    assert len(rows)
    np.testing.assert_allclose(rows["gain_usd"], rows["net_gain_usd"], rtol=1e-6, atol=1.0)


def test_pay_up_to_is_the_fee_that_would_leave_nothing() -> None:
    """A MW at that fee brings as much as it costs: gain = (1 - tax) x 1,000 kW x fee x discount factors of the term."""
    found = planned()
    outlook = found.candidates.outlook
    tax = found.case.settings.tax_rate
    rows = found.prices[(found.prices["gain_usd"] > 0.0) & (found.prices["to"] == found.power["to"])]
    power = found.case.tables["power"]
    level = power[(power["fee_escalator"] == 0.0) & (power["fee_from"] != "contract")]
    names = set(level["source_id"] + ":" + level["phase"])
    checked = rows[rows["name"].isin(names)]
    assert len(checked)
    for row in checked.to_dict("records"):
        start, end = outlook.calendar.index(row["from"]), outlook.calendar.index(row["to"]) + 1
        factor = (1.0 - tax) * float(outlook.discount[start:end].sum())
        assert row["pay_up_to"] * 1000.0 * factor == pytest.approx(row["gain_of_step_usd"], rel=1e-9)


def test_a_plan_without_levels_has_no_prices() -> None:
    case = starting_case()
    lease = case.tables["leases"]["lease_id"].iloc[0]
    found = plan(
        case, fixes=[f"leases.size[{lease}]={case.tables['leases']['max_size'].iloc[0]:g}"],
        excludes=[f"leases[{lease}]"],
    )
    assert found.levels is None
    assert list(found.prices.columns) == list(COLUMNS)
    assert isinstance(found.prices, pd.DataFrame)
    assert found.prices.empty


def test_no_prices_on_request() -> None:
    found = plan(starting_case(), prices="none")
    assert found.prices.empty
    assert found.priced.complete


def test_an_unknown_detail_is_refused() -> None:
    with pytest.raises(PlannerError, match='did you mean "full"'):
        plan(starting_case(), prices="fulll")


def test_what_the_time_does_not_suffice_for_is_left_out_and_said() -> None:
    found = planned()
    task = PriceTask(
        found.candidates, found.allocation_result, lambda case: found.candidates, SolverOptions(), seconds=0.0
    )
    stopped = price_plan(task, "full")
    assert not stopped.complete
    assert stopped.table.empty


def test_what_was_answered_in_time_stays() -> None:
    """The clock runs out while the first answers are shown: those stand, and nothing is begun after them."""
    found = planned()

    def slow(what: str, answers: int) -> None:
        time.sleep(0.25)

    task = PriceTask(
        found.candidates, found.allocation_result, lambda case: found.candidates, SolverOptions(), progress=slow
    )
    began = time.perf_counter()
    stopped = price_plan(replace(task, seconds=1.0), "full")
    assert time.perf_counter() - began < 30.0
    assert not stopped.complete
    assert len(stopped.table) <= 6
    whole = found.prices.head(len(stopped.table))
    np.testing.assert_allclose(stopped.table["gain_usd"], whole["gain_usd"], rtol=1e-6, atol=1.0)


def test_progress_counts_the_answers() -> None:
    seen: list[tuple[str, int]] = []
    found = with_prices(planned(), lambda what, answers: seen.append((what, answers)))
    assert [answers for _, answers in seen] == list(range(1, len(found.prices) + 1))
    assert seen[0][0] == "phases"


def test_an_offer_that_is_not_taken_is_worth_no_more_for_being_larger() -> None:
    """75 MW or at least 20 of them, none taken: with integers fixed a MW more on offer changes nothing, as planning the
    larger offer shows."""
    found = plan(generate_case(sites=3, leases=5, skus=2, months=36, seed=1792), prices="headline")
    row = found.prices.set_index("name").loc["S002_grid:2"]
    assert row["in_plan"] == 0.0
    assert row["gain_usd"] > 100_000.0
    assert row["net_gain_usd"] == 0.0
    larger = plan(apply_edits(found.case, ["power.guaranteed_mw[S002_grid:2]+=1"]), prices="none")
    assert larger.npv_usd == pytest.approx(found.npv_usd, rel=1e-9)
