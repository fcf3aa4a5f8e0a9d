"""A conflict names what is short, cannot be made smaller, and says by how much: against edits of the case and
enumeration."""

from __future__ import annotations

import itertools
import math
import random
from functools import cache

import numpy as np
import pytest
from at_length import few
from explaining.conflicted_case import ON_TIME, SHORT_OF, committed, one_site
from oracle.tiny_case import cluster, grid, rate, site, tiny_case
from scipy.optimize import Bounds, LinearConstraint, milp

from planner.candidates.options import CandidateOptions
from planner.case.case import Case
from planner.case.edits import apply_edits
from planner.explaining.conflict import find_conflicts
from planner.explaining.decided_limits import decided_limits
from planner.explaining.elastic_model import ElasticModel
from planner.explaining.infeasible import Infeasible, InfeasibleSet, Member, explain_infeasible
from planner.explaining.limits import Kind
from planner.explaining.sentences import headline, lines_of
from planner.explaining.stated_limits import StatedLimits
from planner.formulation.allocate import allocate
from planner.planning.make_plan import solved
from planner.planning.options import PlanOptions
from planner.solver.options import SolverOptions
from planner.solver.status import Status


def feasible(case: Case, asked: CandidateOptions | None = None) -> bool:
    """Whether a case has a plan, by the allocator."""
    decided = {} if asked is None else {"fixes": asked.fixes, "excludes": asked.excludes}
    found = solved(case, PlanOptions(**decided))
    assert found.status in (Status.OPTIMAL, Status.INFEASIBLE), found.allocation_result.message
    return found.status is Status.OPTIMAL


@cache
def explained(name: str) -> Infeasible:
    return explain_infeasible(SHORT_OF[name], CandidateOptions())


def kinds(infeasible_set: InfeasibleSet) -> set[Kind]:
    return {member.limit.kind for member in infeasible_set.members}


def loosened(case: Case, member: Member, *, enough: bool) -> Case:
    """The case with one limit of a conflict loosened by what it is short by, or by a little less than that."""
    limit, short = member.limit, member.short_by
    assert short is not None
    by = short * (1.0 + 1e-6 if enough else 0.9)
    if limit.unit in ("GPUs", "units") or limit.kind.is_date:
        by = math.ceil(short - 1e-6) - (0 if enough else 1)
    if limit.kind is Kind.START:
        edits = [f"leases.late_grace_months[{limit.name}]={by}"]
    else:
        edits = [edit.format(more=f"{by:.9g}", value=f"{limit.value - by:.9g}") for edit in limit.edits]
    return apply_edits(case, edits)


EXPECTED = {
    "power": ({Kind.COMMITMENT, Kind.POWER}, "power"),
    "halls": ({Kind.COMMITMENT, Kind.HALLS}, "halls"),
    "GPUs": ({Kind.COMMITMENT, Kind.SUPPLY}, "GPUs"),
    "capital": ({Kind.COMMITMENT, Kind.CAPITAL}, "capital"),
    "cash": ({Kind.COMMITMENT, Kind.CASH_FLOOR}, "capital"),
    "fabric": ({Kind.COMMITMENT, Kind.CLUSTER, Kind.FABRIC}, "fabric"),
    "date of power": ({Kind.COMMITMENT, Kind.START, Kind.POWER_DATE}, "dates"),
    "date of GPUs": ({Kind.COMMITMENT, Kind.START, Kind.GPU_DATE}, "dates"),
    "date of halls": ({Kind.COMMITMENT, Kind.START, Kind.HALL_DATE}, "dates"),
    "whole leases": ({Kind.COMMITMENT, Kind.HALLS, Kind.FABRIC}, "halls and fabric"),
    "blocks": ({Kind.COMMITMENT, Kind.HALLS, Kind.WHOLE}, "halls"),
    "steps of power": ({Kind.COMMITMENT, Kind.WHOLE, Kind.POWER}, "power"),
    "fleet": ({Kind.COMMITMENT, Kind.HALLS}, "halls"),
    "group": ({Kind.COMMITMENT, Kind.GROUP}, "power"),
    "pace": ({Kind.COMMITMENT, Kind.PACE}, "halls"),
    "liquid": ({Kind.COMMITMENT, Kind.LIQUID}, "halls"),
    "tier": ({Kind.COMMITMENT, Kind.TIER}, "leases"),
    "share of a customer": ({Kind.COMMITMENT, Kind.SHARE}, "leases"),
    "share of a customer in a year": ({Kind.COMMITMENT, Kind.SHARE}, "leases"),
}


@pytest.mark.parametrize("name", SHORT_OF)
def test_each_kind_of_shortage_is_named(name: str) -> None:
    assert not feasible(SHORT_OF[name])
    infeasible_set = explained(name).infeasible_sets[0]
    expected, scarce = EXPECTED[name]
    assert kinds(infeasible_set) == expected
    assert infeasible_set.scarce == scarce
    assert infeasible_set.smallest


@pytest.mark.parametrize("name", SHORT_OF)
def test_a_conflict_says_when_and_whose_it_is(name: str) -> None:
    said = "\n".join(lines_of(explained(name)))
    assert "lab" in said
    for member in explained(name).infeasible_sets[0].members:
        assert member.limit.words in said


@pytest.mark.parametrize("name", SHORT_OF)
def test_loosening_any_limit_by_what_it_is_short_by_is_enough_and_less_is_not(name: str) -> None:
    case = SHORT_OF[name]
    infeasible_set = explained(name).infeasible_sets[0]
    assert len(explained(name).infeasible_sets) == 1, (
        "the edits of one conflict could not make a case with two feasible"
    )
    tried = 0
    for member in infeasible_set.members:
        if member.short_by is None or member.limit.kind in (Kind.SHARE, Kind.OWNED):
            continue
        assert member.short_by > 0.0
        assert feasible(loosened(case, member, enough=True)), member
        assert not feasible(loosened(case, member, enough=False)), member
        tried += 1
    assert tried >= 1


@pytest.mark.parametrize(
    "name", [name for name in SHORT_OF if any(kind in EXPECTED[name][0] for kind in (Kind.WHOLE, Kind.FABRIC))]
)
def test_without_the_whole_decision_there_is_a_plan(name: str) -> None:
    infeasible_set = explained(name).infeasible_sets[0]
    assert infeasible_set.whole
    whole = [member.limit for member in infeasible_set.members if member.limit.kind in (Kind.WHOLE, Kind.FABRIC)]
    for limit in whole:
        assert feasible(apply_edits(SHORT_OF[name], [limit.edit])), limit


def test_the_sentence_of_a_shortage_of_power() -> None:
    said = headline(explained("power").infeasible_sets[0])
    assert said == (
        "too little: power, 2027-01 to 2028-12: lease lab is committed at 300 GPUs from 2027-01 (20 GPUs too many), "
        "but "
        "a_grid:1 at a offers 0.7 MW from the start (short by 0.05 MW)"
    )


def test_months_of_a_conflict_are_those_in_which_it_stands() -> None:
    """Two leases that overlap for six months alone."""
    case = one_site(
        sites=[site(mw=0.5)],
        leases=[
            committed("lab", least=200, term_months=12), committed("cloud", least=200, start="2027-07", term_months=12)
        ],
        lease_rates=[rate("lab"), rate("cloud")],
    )
    infeasible_set = explain_infeasible(case, CandidateOptions()).infeasible_sets[0]
    assert (infeasible_set.first, infeasible_set.last) == ("2027-07", "2027-12")
    assert {member.limit.name for member in infeasible_set.members} == {"lab", "cloud", "a"}


def test_a_committed_lease_that_nothing_can_serve_is_not_passed_over() -> None:
    """Without any way to serve it there was no row to break, so the plan was empty and called optimal."""
    late = one_site(power=[grid(energised="2028-06", status="approved", **ON_TIME)])
    assert not feasible(late)
    assert feasible(apply_edits(late, ["leases.committed[lab]=no"]))


@pytest.mark.parametrize("rule", [{"regions": "moon"}, {"sites": "b"}, {"max_co2_kg_per_mwh": 10}])
def test_a_rule_that_leaves_no_way_to_serve_a_lease_is_named(rule: dict[str, object]) -> None:
    sites = [site("a", region="earth"), site("b", mw=0.0, region="moon") | {"critical_it_mw": 1}]
    case = one_site(sites=sites, power=[grid(co2_kg_per_mwh=400)], leases=[committed(**rule)])
    infeasible_set = explain_infeasible(case, CandidateOptions()).infeasible_sets[0]
    assert kinds(infeasible_set) == {Kind.COMMITMENT, Kind.RULE}
    assert "allowed nowhere" in headline(infeasible_set)
    column = next(iter(rule))
    assert feasible(apply_edits(case, [f"leases.{column}[lab]="]))


def test_decisions_that_contradict_each_other_are_named_as_decisions() -> None:
    case = one_site(leases=[cluster("lab", min_size=300)])
    for asked, names in (
        (
            CandidateOptions(fixes=("leases.size[lab]=300",), excludes=("leases[lab]",)),
            {"leases.size[lab]=300", "leases[lab]"},
        ),
        (CandidateOptions(fixes=("leases.size[lab]=100",)), {"leases.size[lab]=100", "lab"}),
        (
            CandidateOptions(fixes=("leases.size[lab]=300", "power.contracted_mw[a_grid:1]=0.5")),
            {"leases.size[lab]=300", "power.contracted_mw[a_grid:1]=0.5"},
        ),
    ):
        found = explain_infeasible(case, asked)
        assert {member.limit.name for member in found.infeasible_sets[0].members} == names
        assert not feasible(case, asked)
        assert found.repair is not None
        assert found.repair.usd == 0.0
        assert found.checked


def test_conflicts_beyond_the_first_are_named_too() -> None:
    """Halls and power are each too few: what makes one good leaves the other."""
    case = one_site(sites=[site(mw=0.5)], power=[grid(mw=0.5)])
    found = explain_infeasible(case, CandidateOptions()).infeasible_sets
    assert {frozenset(kinds(infeasible_set)) for infeasible_set in found} == {
        frozenset({Kind.COMMITMENT, Kind.HALLS}), frozenset({Kind.COMMITMENT, Kind.POWER})
    }


def test_no_time_finds_no_conflict_and_says_so() -> None:
    found = explain_infeasible(SHORT_OF["power"], CandidateOptions(), seconds=0.0)
    assert found.infeasible_sets == ()
    assert "time" in "\n".join(lines_of(found))


# --- against enumeration -----------------------------------------------------------------------------------------


def kept_together(stated: StatedLimits, enforced: frozenset[int], *, whole: bool) -> bool:
    """Whether limits can be kept together, from the rows as they are and by another code: a limit dropped is a row
    dropped."""
    table, rows = stated.candidates.table, stated.rows
    dropped = set(range(len(stated.limits))) - enforced
    gone = {row for number, row, _ in stated.raised if number in dropped}
    keep = np.array([row not in gone for row in range(rows.use.shape[0])])
    lower, upper = stated.lower.copy(), stated.upper.copy()
    for number, candidate, size, bound in stated.bounds:
        if number not in dropped:
            if size > 0:
                upper[candidate] = min(upper[candidate], bound / size)
            else:
                lower[candidate] = max(lower[candidate], bound / size)
    for number, candidate in stated.closed:
        if number not in dropped:
            upper[candidate] = 0.0
    integral = table["integral"].to_numpy(bool).copy() if whole else np.zeros(len(table), dtype=bool)
    for number, candidate in stated.whole:
        if number in dropped:
            integral[candidate] = False
    limits = rows.table["limit"].to_numpy(np.float64)
    answer = milp(
        np.zeros(len(table)), constraints=LinearConstraint(rows.use[keep], ub=limits[keep]),
        bounds=Bounds(lower, upper), integrality=integral.astype(int)
    )
    assert answer.status in (0, 2), answer.message
    return bool(answer.status == 0)


def random_case(seed: int) -> Case:
    """One or two sites and two or three committed leases, each thing drawn so that it may be short."""
    draw = random.Random(seed)
    names = ["a", "b"][: draw.randint(1, 2)]
    leases = [
        cluster(
            f"lease{number}", size=draw.choice([200, 300, 400]), committed=True, all_or_nothing=draw.random() < 0.5,
            min_size=draw.choice([100, 150]),
            start=draw.choice(["2027-01", "2027-04"]), term_months=draw.choice([12, 18]),
            single_fabric=draw.random() < 0.3,
        )
        for number in range(draw.randint(2, 3))
    ]
    extra = {}
    if draw.random() < 0.5:
        extra["gpu_supply"] = [{"gpu_id": "gpu", "quarter": "2027-Q1", "max_gpus": draw.choice([150, 300])}]
    if draw.random() < 0.5:
        extra["budget"] = [{"quarter": "2027-Q1", "new_capital_usd": draw.choice([2e6, 6e6])}]
    return tiny_case(
        sites=[site(name, mw=draw.choice([0.3, 0.5, 0.7])) for name in names],
        power=[
            grid(name, mw=draw.choice([0.4, 0.6, 0.9]), **({"lumpy": True} if draw.random() < 0.3 else {}))
            for name in names
        ],
        leases=leases, lease_rates=[rate(lease["lease_id"]) for lease in leases], **extra,
    )


@pytest.mark.parametrize("seed", few(range(8), 4))
def test_a_conflict_is_irreducible_and_none_is_smaller(seed: int) -> None:
    stated = decided_limits(random_case(seed), CandidateOptions())
    model = ElasticModel.of(stated)
    assert kept_together(stated, model.everything, whole=True) == model.feasible(model.everything)
    conflicts = find_conflicts(model, model.everything)
    assert bool(conflicts) != model.feasible(model.everything)
    for conflict in conflicts[:1]:
        limits = frozenset(conflict.limits)
        assert conflict.smallest
        assert not kept_together(stated, limits, whole=conflict.whole)
        for number in limits:
            assert kept_together(stated, limits - {number}, whole=conflict.whole)
        soft = sorted(model.everything if conflict.whole else model.everything - model.whole_limits)
        for fewer in itertools.combinations(soft, min(len(limits) - 1, 2)):
            assert kept_together(stated, frozenset(fewer), whole=conflict.whole), fewer


def test_the_random_cases_are_conflicts_of_several_sorts() -> None:
    answers = [
        allocate(decided_limits(random_case(seed), CandidateOptions()).candidates, SolverOptions()).status
        for seed in range(8)
    ]
    assert answers.count(Status.INFEASIBLE) >= 5
