"""Alternatives against enumeration: MW ranges, what the best plan without a site loses, and what is always in."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from at_length import few
from oracle.enumerated import greatest
from oracle.tiny_case import cluster, grid, rate, site, tiny_case
from solver.test_brute_force import random_case

import planner
from planner.candidates.build import CandidateSet
from planner.candidates.phases import phase_table, unit_mw
from planner.case.case import Case
from planner.case.edits import apply_edits
from planner.errors import PlannerError
from planner.formulation.allocate import worst_row
from planner.near_optimal.alternatives import Alternatives, AlternativesOptions, alternatives
from planner.near_optimal.folder import write_alternatives
from planner.solver.options import SolverOptions

EXACT = SolverOptions(gap=1e-9)
SEEDS = few((1, 3, 2), 2)
WITHIN = 0.05


@cache
def found(seed: int, within: float = WITHIN) -> Alternatives:
    return alternatives(random_case(seed), within=within, effort=2000, leases=True, solver=EXACT)


def mw_of(candidates: CandidateSet, site_id: str) -> np.ndarray:
    """Contracted MW of a site per unit of each candidate."""
    power = phase_table(candidates.outlook)
    weights = np.zeros(len(candidates))
    at = np.flatnonzero(candidates.table["kind"].to_numpy() == "power")
    weights[at] = np.where((power["site_id"] == site_id).to_numpy(), unit_mw(candidates.outlook), 0.0)
    return weights


@pytest.mark.parametrize("seed", SEEDS)
def test_ranges_are_those_of_all_combinations(seed: int) -> None:
    answer = found(seed)
    candidates = answer.plan.candidates
    best = greatest(candidates, candidates.npv_usd)
    assert best is not None
    assert answer.plan.objective_usd == pytest.approx(best, rel=1e-6)
    floor = best - WITHIN * abs(best)
    assert answer.least_usd == pytest.approx(floor, rel=1e-6)
    assert len(answer.sites)
    for row in answer.sites.to_dict("records"):
        weights = mw_of(candidates, row["site_id"])
        most, least = greatest(candidates, weights, npv_at_least=floor), greatest(
            candidates, -weights, npv_at_least=floor
        )
        assert most is not None
        assert least is not None
        assert row["range_proven"]
        assert row["most_mw"] == pytest.approx(most, rel=2e-3, abs=1e-4)
        assert row["least_mw"] == pytest.approx(-least, rel=2e-3, abs=1e-4)
        assert row["least_bound_mw"] <= -least + 1e-6
        assert row["most_bound_mw"] >= most - 1e-6


@pytest.mark.parametrize("seed", SEEDS)
def test_membership_and_loss_are_those_of_all_combinations(seed: int) -> None:
    answer = found(seed)
    candidates = answer.plan.candidates
    best = greatest(candidates, candidates.npv_usd)
    assert best is not None
    floor = best - WITHIN * abs(best)
    table = candidates.table
    things = [("site", row, mw_of(candidates, row["site_id"]), "best_mw") for row in answer.sites.to_dict("records")]
    for row in answer.leases.to_dict("records"):
        serves = table["kind"].isin(["serve", "host"]) & (table["lease_id"] == row["lease_id"])
        things.append(("lease", row, serves.to_numpy().astype(np.float64), "best_size"))
    for kind, row, weights, size in things:
        shut = np.flatnonzero(weights > 0.0)
        without = greatest(candidates, candidates.npv_usd, shut=shut)
        possible = without is not None and without >= floor
        most = greatest(candidates, weights, npv_at_least=floor)
        assert most is not None
        expected = "always in" if not possible else "in some" if most > 0.05 else "never in"
        assert row["membership"] == expected, (kind, row)
        assert row["proven"]
        if row[size] > 0.05 and possible:
            assert row["loss_without_usd"] == pytest.approx(best - without, rel=1e-4, abs=2.0)
        elif row[size] > 0.05 and without is not None:
            assert row["loss_without_usd"] is None or np.isnan(row["loss_without_usd"])
            assert row["loss_without_at_least_usd"] <= best - without + 2.0


def test_the_seeds_show_every_kind_of_membership() -> None:
    kinds = {
        name for seed in SEEDS for table in (found(seed).sites, found(seed).leases) for name in table["membership"]
    }
    assert {"always in", "in some", "never in"} <= kinds


@pytest.mark.parametrize("seed", SEEDS)
def test_every_alternative_is_a_plan_within_the_loss(seed: int) -> None:
    answer = found(seed)
    candidates = answer.plan.candidates
    number = {name: at for at, name in enumerate(candidates.table["candidate_id"])}
    for at, plan in answer.plans.iterrows():
        held = answer.portfolios[answer.portfolios["plan"] == plan["plan"]]
        levels = np.zeros(len(candidates))
        levels[[number[name] for name in held["candidate_id"]]] = held["level"]
        whole = candidates.table["integral"].to_numpy(bool)
        assert np.array_equal(levels[whole], np.round(levels[whole]))
        assert worst_row(candidates, levels) < 1e-6
        npv = float(candidates.npv_usd @ levels)
        assert npv == pytest.approx(plan["npv_usd"], rel=1e-6, abs=1.0)
        assert npv >= answer.least_usd - 1e-6 * abs(answer.least_usd) - 1.0
        assert (plan["distance"] == 0.0) == (at == 0)


def twins() -> Case:
    """Two sites that are the same but for the fee of power, and a lease that fills one of them."""
    return tiny_case(
        sites=[site("a", mw=1.0), site("b", mw=1.0)],
        power=[grid("a", mw=1.25, fee_usd_per_kw_month=5), grid("b", mw=1.25, fee_usd_per_kw_month=5.5)],
        leases=[cluster(size=500, all_or_nothing=True, single_fabric=True)], lease_rates=[rate(usd=2.0)],
    )


def test_twin_sites_can_be_swapped() -> None:
    answer = alternatives(twins(), within=0.01, leases=True, solver=EXACT)
    sites, leases = answer.sites.set_index("site_id"), answer.leases.set_index("lease_id")
    assert sites["membership"].tolist() == ["in some", "in some"]
    assert sites.loc["a", "best_mw"] == pytest.approx(1.25)
    assert sites.loc["a", "swappable_with"] == "b +1.2 MW"
    # Half a dollar more a kW-month for 1,250 kW, after tax and discounting, by hand.
    settings = twins().settings
    months = np.arange(settings.months)
    fee = 0.5 * 1250.0 * float(
        ((1.0 + settings.discount_rate) ** (-(months + 0.5) / 12.0)).sum()
    ) * (1.0 - settings.tax_rate)
    assert sites.loc["a", "loss_without_usd"] == pytest.approx(fee, rel=1e-6)
    assert leases.loc["lease", "membership"] == "always in"
    assert leases["proven"].all()
    assert answer.plans["goes_out"].tolist()[1] == "a"


def printed(answer: Alternatives) -> str:
    """What the command line prints of alternatives, on a wide page."""
    from rich.console import Console

    from planner.cli import alternatives as verb

    console = Console(width=300, record=True, file=io.StringIO())
    console.print(verb._sites(answer))
    said: list[str] = []
    verb._print_leases(answer, said.append)
    return "\n".join([console.export_text(), *said])


def test_a_loss_beyond_what_is_looked_at_is_not_given_a_size_that_it_has_not() -> None:
    """Without site a everything is lost, far more than the 2 % looked at: that share is no figure of the loss."""
    alone = tiny_case(sites=[site("a")], power=[grid("a")], leases=[cluster(size=400)], lease_rates=[rate(usd=2.0)])
    answer = alternatives(alone, within=0.02, solver=EXACT)
    row = answer.sites.iloc[0]
    assert row["membership"] == "always in"
    assert not row["cannot_be_left_out"]
    shown = printed(answer)
    if pd.isna(row["loss_without_usd"]):
        assert "more than the 2 % looked at" in shown
        assert "at least $0.1M" not in shown
    committed = alternatives(apply_edits(alone, ["power.committed_mw[a_grid]=1"]), within=0.02, solver=EXACT)
    assert committed.sites.iloc[0]["cannot_be_left_out"]
    assert "cannot be left out" in printed(committed)


@pytest.mark.parametrize("settle", [False, True])
def test_every_lease_stands_in_one_list(settle: bool) -> None:
    """Also one that nothing can serve, and one that is too large for any site."""
    case = tiny_case(
        sites=[site("a", mw=1.0)], power=[grid("a", mw=1.25)],
        leases=[
            cluster("good", size=300), cluster("lost", regions="moon"), cluster("huge", size=9000, all_or_nothing=True),
            cluster("poor", size=500, all_or_nothing=True),
        ],
        lease_rates=[rate("good", 2.4), rate("lost"), rate("huge"), rate("poor", 0.3)],
    )
    answer = alternatives(case, within=0.02, leases=settle, solver=EXACT)
    assert answer.leases["lease_id"].tolist() == ["good", "lost", "huge", "poor"]
    lists = [line for line in printed(answer).splitlines() if line.startswith("leases ")]
    for name in answer.leases["lease_id"]:
        assert sum(name in line.partition(": ")[2].split(", ") for line in lists) == 1, lists
    assert answer.leases.set_index("lease_id").loc["lost", ["membership", "proven"]].tolist() == ["never in", True]


def test_little_effort_stays_honest() -> None:
    """With one relaxation a question, what is said to be proven still is, and bounds still hold."""
    for seed in SEEDS:
        exact, rough = found(seed).sites, alternatives(random_case(seed), within=WITHIN, effort=1, solver=EXACT).sites
        for one, other in zip(exact.to_dict("records"), rough.to_dict("records"), strict=True):
            if other["proven"]:
                assert one["membership"] == other["membership"]
            assert other["least_bound_mw"] <= one["least_mw"] + 1e-3
            assert other["most_bound_mw"] >= one["most_mw"] - 1e-3


def test_without_time_it_ends_and_stays_honest() -> None:
    """No search finds or proves anything in no time: what is known is the best plan, and bounds hold."""
    made = planner.plan(random_case(1), solver=EXACT)
    hurried = replace(made, options=replace(made.options, solver=replace(EXACT, time_limit_s=0.0)))
    exact, answer = found(1).sites, alternatives(hurried, within=WITHIN)
    for one, other in zip(exact.to_dict("records"), answer.sites.to_dict("records"), strict=True):
        if other["proven"]:
            assert one["membership"] == other["membership"]
        assert other["least_bound_mw"] <= one["least_mw"] + 1e-3
        assert other["most_bound_mw"] >= one["most_mw"] - 1e-3


def test_a_committed_site_is_always_in() -> None:
    case = apply_edits(twins(), ["power.committed_mw[a_grid]=1"])
    answer = alternatives(case, within=0.3, solver=EXACT)
    row = answer.sites.set_index("site_id").loc["a"]
    assert row["membership"] == "always in"
    assert row["proven"]
    assert row["least_mw"] == pytest.approx(1.0, abs=1e-6)


def test_ctrl_c_keeps_what_was_found() -> None:
    asked: list[str] = []

    def stop(what: str) -> None:
        asked.append(what)
        if len(asked) == 3:
            raise KeyboardInterrupt

    answer = alternatives(random_case(1), within=WITHIN, solver=EXACT, progress=stop)
    assert answer.interrupted
    assert len(answer.plans) == 1
    assert len(answer.sites)


def test_options_are_checked() -> None:
    with pytest.raises(PlannerError, match="not a share"):
        AlternativesOptions(within=1.5)
    with pytest.raises(PlannerError, match="no option 'witin'"):
        alternatives(twins(), witin=0.1)
    infeasible = apply_edits(twins(), ["leases.committed=yes", "power.guaranteed_mw=0.1"])
    with pytest.raises(PlannerError, match="no plan to find alternatives to") as error:
        alternatives(infeasible)
    assert error.value.exit_code == 3


def test_the_folder_is_whole(tmp_path: Path) -> None:
    answer = alternatives(twins(), within=0.01, solver=EXACT)
    target = write_alternatives(answer, tmp_path / "run")
    assert {path.name for path in target.iterdir()} == {
        "sites.csv", "leases.csv", "plans.csv", "where.csv", "portfolios.parquet", "alternatives.json"
    }
    record = json.loads((target / "alternatives.json").read_text())
    assert record["proven"]["sites"] == record["proven"]["of"] == 2
    with pytest.raises(PlannerError, match="exists already"):
        write_alternatives(answer, target)
    write_alternatives(answer, target, force=True)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "x").write_text("")
    with pytest.raises(PlannerError, match="is not a set of alternatives"):
        write_alternatives(answer, tmp_path / "other", force=True)


def test_a_plan_brings_its_own_options() -> None:
    plan = planner.plan(twins(), solver=EXACT)
    assert alternatives(plan, within=0.01).plan is plan
    with pytest.raises(PlannerError, match="brings its own options"):
        alternatives(plan, within=0.01, tail="none")
