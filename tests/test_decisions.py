"""Decisions of the user: what is excluded stays at zero, what is fixed is met, and neither ever raises the NPV."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from planner.candidates.build import CandidateSet, build_candidates
from planner.candidates.decisions import apply_decisions
from planner.candidates.outlook import make_outlook
from planner.case.case import Case
from planner.case.edits import apply_edits
from planner.case.generate import generate_case
from planner.case.starting import starting_case
from planner.errors import PlannerError
from planner.formulation.allocate import allocate
from planner.planning.make_plan import plan
from planner.planning.options import PlanOptions
from planner.planning.plan import Plan
from planner.solver.options import SolverOptions
from planner.solver.status import Status

EXACT = SolverOptions(gap=1e-9)


@cache
def candidates() -> CandidateSet:
    return build_candidates(make_outlook(starting_case()))


@cache
def made_up() -> CandidateSet:
    """A made-up case in which nothing is committed, so that everything may be left out."""
    made = generate_case(sites=2, leases=3, skus=3, months=36, seed=1)
    return build_candidates(make_outlook(apply_edits(made, ["power.committed_mw=0"])))


def decided(*, fixes: tuple[str, ...] = (), excludes: tuple[str, ...] = (), case: Case | None = None) -> Plan:
    """The plan of a case, the starting one unless another is given, under decisions."""
    if case is not None:
        return plan(case, fixes=fixes, excludes=excludes, solver=EXACT)
    changed = apply_decisions(candidates(), fixes, excludes)
    return Plan(
        candidates().outlook.case, PlanOptions(fixes=fixes, excludes=excludes), changed, allocate(changed, EXACT), {}
    )


@cache
def free() -> Plan:
    return decided()


def units_served(found: Plan, lease_id: str) -> float:
    """Units of a lease that are served, from the allocation: MW of a hall, or GPUs over the GPUs that make a unit."""
    rows = found.allocation[
        found.allocation["use"].isin(["serve", "host"]) & (found.allocation["lease_id"] == lease_id)
    ]
    rates = found.case.tables["lease_rates"]
    per_unit = {(row.lease_id, row.gpu_id): row.gpus_per_unit for row in rates.itertuples()}
    return float(
        sum(row.it_mw if row.use == "host" else row.gpus / per_unit[lease_id, row.gpu_id] for row in rows.itertuples())
    )


@pytest.mark.parametrize(
    ("exclude", "column", "value", "kinds"),
    [
        ("sites[river]", "site_id", "river", {"open", "shell", "power", "own", "serve", "host", "sell"}),
        ("leases[lab_training]", "lease_id", "lab_training", {"serve", "renew"}),
        ("leases[ cloud_hall ]", "lease_id", "cloud_hall", {"host"}),
        ("gpus[gb300]", "gpu_id", "gb300", {"own", "serve", "sell"}),
        ("power[river_grid:1]", "phase", "river_grid:1", {"power", "serve", "host", "sell"}),
    ],
)
def test_what_is_excluded_is_not_in_the_plan_and_the_npv_does_not_rise(
    exclude: str, column: str, value: str, kinds: set[str]
) -> None:
    found = decided(excludes=(exclude,))
    table = found.candidates.table
    here = (table[column] == value) & table["kind"].isin(kinds)
    assert here.any()
    assert not found.levels[here.to_numpy()].any()
    assert found.npv_usd <= free().npv_usd * (1 + 1e-9)


@pytest.mark.parametrize("exclude", ["sites[S002]", "gpus[h200]", "leases[L002]", "power[S002_grid:2]"])
def test_excluding_never_raises_the_npv_of_a_made_up_case(exclude: str) -> None:
    best, found = (allocate(apply_decisions(made_up(), [], excluded), SolverOptions()) for excluded in ([], [exclude]))
    assert found.status is Status.OPTIMAL
    assert found.objective_usd <= best.bound_usd * (1 + 1e-9)


@pytest.mark.parametrize("exclude", ["power[mesa_cells:1]", "sites[mesa]"])
def test_a_contract_signed_already_cannot_be_wished_away(exclude: str) -> None:
    """Committed MW are paid whatever happens: leaving them out would make the plan look better than it can be."""
    case = apply_edits(starting_case(), ["power.committed_mw[mesa_cells:1]=20"])
    with pytest.raises(PlannerError, match="committed"):
        decided(case=case, excludes=(exclude,))


def test_a_contract_signed_already_cannot_be_fixed_lower() -> None:
    case = apply_edits(starting_case(), ["power.committed_mw[mesa_cells:1]=20"])
    with pytest.raises(PlannerError, match="committed"):
        decided(case=case, fixes=("power.contracted_mw[mesa_cells:1]=5",))


@pytest.mark.parametrize(
    ("lease", "size"), [("lab_training", 6000.0), ("lab_training", 0.0), ("cloud_hall", 12.5)]
)
def test_a_lease_fixed_at_a_size_is_served_at_that_size(lease: str, size: float) -> None:
    found = decided(fixes=(f"leases.size[{lease}]={size:g}",))
    assert units_served(found, lease) == pytest.approx(size, rel=1e-9, abs=1e-6)
    assert found.npv_usd <= free().npv_usd * (1 + 1e-9)


@pytest.mark.parametrize("mw", [0.0, 10.0])
def test_power_fixed_at_an_amount_is_contracted_at_that_amount(mw: float) -> None:
    found = decided(fixes=(f"power.contracted_mw[river_grid:1]={mw:g}",))
    assert found.power.set_index("phase")["contracted_mw"]["river_grid:1"] == pytest.approx(mw)
    assert found.npv_usd <= free().npv_usd * (1 + 1e-9)


def test_a_site_fixed_open_costs_its_opening() -> None:
    """The free plan leaves mesa alone; opening it for nothing costs its after-tax opening cost."""
    found = decided(fixes=("sites.open[mesa]=1",))
    held = found.portfolio[found.portfolio["candidate_id"].str.startswith("open:mesa@")]
    assert held["level"].tolist() == [1.0]
    opening = float(held["npv_usd"].iloc[0])
    assert found.npv_usd == pytest.approx(free().npv_usd + opening, rel=1e-9)


def test_a_site_fixed_shut_is_a_site_excluded() -> None:
    shut, excluded = decided(fixes=("sites.open[river]=0",)), decided(excludes=("sites[river]",))
    assert shut.npv_usd == pytest.approx(excluded.npv_usd, abs=1e-3)
    np.testing.assert_array_equal(shut.candidates.table["upper"], excluded.candidates.table["upper"])


def test_plan_takes_decisions_as_they_are_written() -> None:
    found = plan(
        starting_case(), fixes="power.contracted_mw[river_grid:1]=10", excludes=["gpus[b300]", "sites[mesa]"],
        solver=EXACT,
    )
    apart = decided(fixes=("power.contracted_mw[river_grid:1]=10",), excludes=("gpus[b300]", "sites[mesa]"))
    assert found.npv_usd == apart.npv_usd


def test_what_the_free_plan_does_anyway_changes_nothing() -> None:
    found = decided(
        fixes=("power.contracted_mw[river_grid:1]=30", "sites.open[river]=1", "power.contracted_mw[river_grid:2]=0"),
        excludes=("leases[cloud_hall]",),
    )
    assert found.npv_usd == pytest.approx(free().npv_usd, rel=1e-9)


@pytest.mark.parametrize(
    ("fixes", "excludes"),
    [
        (("leases.size[lab_training]=4000",), ("leases[lab_training]",)),
        (("leases.size[cloud_hall]=12",), ("sites[river]", "sites[mesa]")),
        (("sites.open[mesa]=1",), ("sites[mesa]",)),
        (("leases.size[lab_training]=100",), ()),
    ],
)
def test_decisions_that_contradict_each_other_are_infeasible(fixes: tuple[str, ...], excludes: tuple[str, ...]) -> None:
    assert decided(fixes=fixes, excludes=excludes).status is Status.INFEASIBLE


def test_a_lease_may_be_fixed_while_one_of_its_sites_is_excluded() -> None:
    found = decided(fixes=("leases.size[cloud_hall]=12",), excludes=("sites[mesa]",))
    assert units_served(found, "cloud_hall") == pytest.approx(12.0)
    assert set(found.allocation["site_id"]) == {"river"}


def test_a_lease_fixed_twice_is_refused_or_infeasible() -> None:
    with pytest.raises(PlannerError, match="lab_training"):
        decided(fixes=("leases.size[lab_training]=4000", "leases.size[lab_training]=5000"))


def test_the_set_given_is_left_as_it_was() -> None:
    before = candidates().table.copy(), len(candidates().book.family)
    apply_decisions(candidates(), ["leases.size[lab_training]=5000"], ["sites[mesa]"])
    assert candidates().table.equals(before[0])
    assert len(candidates().book.family) == before[1]


def test_without_decisions_the_set_is_the_same() -> None:
    assert apply_decisions(candidates()) is candidates()


@pytest.mark.parametrize(
    "written", ["sites", "site[river]", "sites[]", "market[gb300]", "sites[river]=0", "sites.open[river]"]
)
def test_an_exclusion_that_is_none_is_refused_with_the_forms(written: str) -> None:
    with pytest.raises(PlannerError, match=r"write sites\[id\], leases\[id\]"):
        apply_decisions(candidates(), [], [written])


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("sites[rivr]", "river"), ("leases[lab_trainin]", "lab_training"), ("power[river_grid]", "river_grid:"),
        ("gpus[GB300]", "gb300"),
    ],
)
def test_a_misspelt_name_is_refused_with_what_was_meant(written: str, meant: str) -> None:
    with pytest.raises(PlannerError, match=f'did you mean "{meant}'):
        apply_decisions(candidates(), [], [written])


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("leases.size[lab_training]*=2", "is not understood"),
        ("leases.size=5", "is not understood"),
        ("leases.rate[lab_training]=5", "is not understood"),
        ("leases.size[lab_training]=many", "is not a number"),
        ("leases.size[lab_training]=-1", "0 or more"),
        ("leases.size[lab_training]=nan", "0 or more"),
        ("leases.size[lab_training]=8001", "at most 8000"),
        ("leases.size[lab_trianing]=1", 'did you mean "lab_training"'),
        ("power.contracted_mw[river_grid:1]=31", "0 to 30 MW"),
        ("power.contracted_mw[river_grid:7]=1", 'did you mean "river_grid:'),
        ("sites.open[mesa]=0.5", r"open \(1\) or not \(0\)"),
        ("sites.open[messa]=1", 'did you mean "mesa"'),
        ("nonsense", "not an edit"),
    ],
)
def test_a_fix_that_cannot_be_met_as_written_is_refused_with_its_reason(written: str, why: str) -> None:
    with pytest.raises(PlannerError, match=why):
        apply_decisions(candidates(), [written])


def test_a_phase_in_steps_takes_whole_steps_alone() -> None:
    case = apply_edits(starting_case(), ["power.step_mw[river_grid:1]=7"])
    with pytest.raises(PlannerError, match="in steps of 7 MW"):
        decided(case=case, fixes=("power.contracted_mw[river_grid:1]=10",))
    found = decided(case=case, fixes=("power.contracted_mw[river_grid:1]=14",))
    assert found.power.set_index("phase")["contracted_mw"]["river_grid:1"] == pytest.approx(14.0)


def test_a_lumpy_phase_is_taken_whole_or_not() -> None:
    case = apply_edits(starting_case(), ["power.lumpy[river_grid:1]=yes"])
    with pytest.raises(PlannerError, match="at 0 or 30 MW"):
        decided(case=case, fixes=("power.contracted_mw[river_grid:1]=15",))
    found = decided(case=case, fixes=("power.contracted_mw[river_grid:1]=30",))
    assert found.power.set_index("phase")["contracted_mw"]["river_grid:1"] == pytest.approx(30.0)


def test_a_site_without_opening_cost_cannot_be_fixed_open() -> None:
    case = apply_edits(starting_case(), ["sites.opening_cost_usd[river]=0"])
    with pytest.raises(PlannerError, match="nothing to decide"):
        decided(case=case, fixes=("sites.open[river]=1",))
