"""Portfolios under named stresses: NPV and limits of the plan that stands, against the stressed case made anew."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scenarios.random_case import random_case

from planner.candidates.build import CandidateSet, build_candidates
from planner.candidates.outlook import make_outlook
from planner.candidates.packages import Package
from planner.case.edits import apply_stress
from planner.plans.statement import make_statement
from planner.scoring.items import each_an_item
from planner.scoring.score import ScoreOptions, Scoring

OPTIONS = ScoreOptions(scenarios=4, paths=False, float64=True, threads=1, device="cpu")


def stress(name: str, target: str, change: str, value: str) -> dict[str, str]:
    return {"stress": name, "target": target, "change": change, "value": value}


STRESSES = [
    stress("rates", "lease_rates.usd_per_gpu_hour", "multiply", "0.7"),
    stress("rates", "market.usd_per_gpu_hour[old:1]", "multiply", "0.7"),
    stress("fees", "power.fee_usd_per_kw_month", "multiply", "2"),
    stress("capex", "curves.value[price]", "multiply", "1.4"),
    stress("money", "case.discount_rate", "set", "0.14"),
    stress("capital", "budget.new_capital_usd", "multiply", "0.5"),
    stress("volume", "leases.max_size[train]", "multiply", "0.25"),
    stress("cut short", "power.term_months[mine:1]", "set", "30"),
]
BUDGET = [{"quarter": "2027-Q1", "new_capital_usd": 3.6e7}]
SAME_LIST = ["rates", "fees", "capex", "money", "capital", "volume"]


@pytest.fixture(scope="module")
def candidates() -> CandidateSet:
    return build_candidates(make_outlook(random_case(stresses=STRESSES, budget=BUDGET)))


def package(candidates: CandidateSet, name: str, *ids: str, level: float = 100.0) -> Package:
    numbers = np.flatnonzero(candidates.table["candidate_id"].isin(ids).to_numpy())
    assert len(numbers) == len(ids)
    raised = np.flatnonzero((candidates.table["candidate_id"] == "base:capital raised").to_numpy())
    return Package(name, np.append(numbers, raised), np.append(np.full(len(numbers), level), 1.0))


@pytest.fixture(scope="module")
def portfolios(candidates: CandidateSet) -> list[Package]:
    leased = (
        "own:river:new@2027-07", "serve:train:river:new/1:cells:1@2027-07", "power:cells:1",
        "sell:river:old/1:cells:1@2027-10",
    )
    mined = (
        "own:pit:new@2027-01", "serve:train:pit:new/1:mine:1@2027-07", "power:cells:1", "sell:pit:old/1:mine:1@2027-10"
    )
    return [package(candidates, "leased", *leased, level=500.0), package(candidates, "in the pit", *mined)]


@pytest.fixture(scope="module")
def scoring(candidates: CandidateSet, portfolios: list[Package]) -> tuple[Scoring, object]:
    made = Scoring(candidates, OPTIONS)
    (piece,) = list(made.pieces(each_an_item(portfolios)))
    return made, piece.table.set_index("portfolio")


@pytest.mark.parametrize("name", SAME_LIST)
def test_npv_under_a_stress_is_the_statement_of_the_same_levels_in_the_stressed_case(
    name, scoring, candidates, portfolios
) -> None:
    _, table = scoring
    anew = build_candidates(make_outlook(apply_stress(candidates.outlook.case, name)))
    assert list(anew.table["candidate_id"]) == list(candidates.table["candidate_id"])
    for each in portfolios:
        expected = make_statement(anew, each.spread(len(anew))).npv_usd
        assert table.loc[each.name, f"npv_{name}_usd"] == pytest.approx(expected, rel=1e-9)
    if name not in ("capital", "volume"):
        assert (np.abs(table[f"npv_{name}_usd"] - table["base_npv_usd"]) > 1.0).all()


@pytest.mark.parametrize(
    ("name", "portfolio", "count"),
    [("volume", "leased", 2), ("volume", "in the pit", 0), ("capital", "in the pit", 0), ("fees", "leased", 0)],
)
def test_limits_that_a_stress_tightens_are_counted(name, portfolio, count, scoring) -> None:
    """A smaller lease breaks its volume and the greatest level of the way to serve it."""
    _, table = scoring
    assert table.loc[portfolio, f"limits_broken_{name}"] == count


def test_halved_capital_is_broken_by_what_it_no_longer_pays_for(scoring) -> None:
    """The GPUs come in the third quarter: 500 GPUs at $50,000 fit into $36M, not into $18M."""
    _, table = scoring
    assert table.loc["leased", "limits_broken_capital"] > 0
    assert table.loc["leased", "npv_capital_usd"] == pytest.approx(table.loc["leased", "base_npv_usd"], rel=1e-12)


def test_what_the_stressed_case_cannot_have_is_blank_with_the_reason(scoring) -> None:
    made, table = scoring
    assert np.isnan(table.loc["in the pit", "npv_cut short_usd"])
    assert np.isfinite(table.loc["leased", "npv_cut short_usd"])
    assert "the contract of mine:1 ends before" in made.left_out["cut short"]
    assert json.loads(json.dumps(made.left_out, allow_nan=False)) == made.left_out
    assert set(made.left_out) == {"cut short"}
