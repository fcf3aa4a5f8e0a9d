"""The cheapest repair: it makes room, and nothing cheaper does. Against enumeration in plain Python and prices worked
by hand."""

from __future__ import annotations

import itertools
import random
import shlex
from collections.abc import Callable, Sequence
from functools import partial

import pytest
from at_length import few
from explaining.conflicted_case import SHORT_OF, committed, one_site
from oracle.tiny_case import cluster, grid, rate, site, sku

from planner.candidates.options import CandidateOptions
from planner.candidates.outlook import make_outlook
from planner.case.case import Case
from planner.case.edits import apply_edits
from planner.explaining.infeasible import explain_infeasible, repaired
from planner.explaining.limits import Kind
from planner.explaining.repair import Repair
from planner.explaining.sentences import lines_of
from planner.planning.make_plan import solved
from planner.planning.options import PlanOptions
from planner.solver.status import Status


def feasible(case: Case, fixes: Sequence[str] = (), excludes: Sequence[str] = ()) -> bool:
    """Whether a case has a plan, by the allocator."""
    found = solved(case, PlanOptions(fixes=tuple(fixes), excludes=tuple(excludes)))
    assert found.status in (Status.OPTIMAL, Status.INFEASIBLE), found.allocation_result.message
    return found.status is Status.OPTIMAL


def cheapest(case: Case) -> Repair:
    found = explain_infeasible(case, CandidateOptions())
    assert found.repair is not None
    assert found.checked
    return found.repair


@pytest.mark.parametrize("name", SHORT_OF)
def test_a_repair_makes_a_case_feasible(name: str) -> None:
    repair = cheapest(SHORT_OF[name])
    assert repair.usd > 0.0
    case, _ = repaired(SHORT_OF[name], CandidateOptions(), repair)
    assert feasible(case)


def typed(lines: list[str]) -> tuple[list[str], list[str]]:
    """What a planner would type after a repair: values of --set, and options of the command that are left out."""
    edits, dropped = [], []
    for line in lines:
        words = shlex.split(line[line.index("--") :]) if "--" in line else []
        edits += [words[at + 1] for at, word in enumerate(words) if word == "--set"]
        dropped += [words[at + 1] for at, word in enumerate(words) if word in ("--fix", "--exclude")]
    return edits, dropped


IDLE_FLEET = {"site_id": "a", "gpu_id": "gpu", "gpus": 200, "bought": "2026-06", "lease_id": "lab"}
NO_PLAN: dict[str, Callable[[], tuple[Case, CandidateOptions]]] = {
    **{name: partial(lambda name: (SHORT_OF[name], CandidateOptions()), name) for name in SHORT_OF},
    "fleet at work without power": lambda: (
        one_site(power=[grid(mw=0.1)], leases=[cluster("lab")], fleet=[IDLE_FLEET]), CandidateOptions()
    ),
    "fleet bought twice": lambda: (
        one_site(
            power=[grid(mw=0.1)], leases=[cluster("lab")],
            fleet=[IDLE_FLEET, IDLE_FLEET | {"bought": "2026-07", "gpus": 50}],
        ),
        CandidateOptions(),
    ),
    "plant behind its guarantee": lambda: (one_site(power=[grid(mw=0.7, installed_mw=0.8)]), CandidateOptions()),
    "a whole phase contracted already": lambda: (
        one_site(
            sites=[site(site_group="line")], site_groups=[{"site_group": "line", "max_contracted_mw": 5}],
            power=[grid(mw=10, lumpy=True, committed_mw=10, fee_usd_per_kw_month=1)], leases=[cluster("lab")],
        ),
        CandidateOptions(),
    ),
    "names that a shell would split": lambda: (
        one_site(
            sites=[site("o'hare north", mw=0.5)], power=[grid("o'hare north", mw=0.7)], leases=[committed("bob's lab")],
            lease_rates=[rate("bob's lab")],
        ),
        CandidateOptions(),
    ),
    "an exclusion": lambda: (one_site(), CandidateOptions(excludes=("power[a_grid:1]",))),
    "two decisions": lambda: (
        one_site(leases=[cluster("lab")]),
        CandidateOptions(fixes=("leases.size[lab]=300", "power.contracted_mw[a_grid:1]=0.5"))
    ),
    "nowhere: racks": lambda: (one_site(sites=[site(max_rack_kw=40)], gpus=[sku(rack_kw=132)]), CandidateOptions()),
    "nowhere: region": lambda: (one_site(leases=[committed(regions="moon")]), CandidateOptions()),
    "nowhere: after a short contract": lambda: (one_site(power=[grid(term_months=20)]), CandidateOptions()),
}


@pytest.mark.parametrize("name", NO_PLAN)
def test_every_repair_that_is_printed_is_understood_and_makes_a_plan(name: str) -> None:
    case, asked = NO_PLAN[name]()
    assert not feasible(case, asked.fixes, asked.excludes)
    found = explain_infeasible(case, asked)
    said = lines_of(found)
    assert not any(word in line for word in ("PLACED", "LEAST_VOLUME", "VOLUME", "FIXED") for line in said), said
    repairs = [line for line in said if line.startswith("  - ") and ("--set" in line or "leave out" in line)]
    edits, dropped = typed(repairs)
    assert edits or dropped, said
    assert found.checked, said
    kept = [[each for each in given if each not in dropped] for given in (asked.fixes, asked.excludes)]
    assert feasible(apply_edits(case, edits), *kept), said


@pytest.mark.parametrize("name", [name for name in NO_PLAN if name.startswith("nowhere")])
def test_what_would_let_a_lease_stand_that_nothing_can_serve_is_printed_too(name: str) -> None:
    case, asked = NO_PLAN[name]()
    said = lines_of(explain_infeasible(case, asked))
    assert "and no site can serve it" in said[0]
    (way,) = [line for line in said if line.startswith("  to let it stand")]
    assert feasible(apply_edits(case, typed([way])[0])), said


def test_the_fleet_at_work_is_named_as_a_user_knows_it() -> None:
    case, asked = NO_PLAN["fleet at work without power"]()
    said = "\n".join(lines_of(explain_infeasible(case, asked)))
    assert "200 GPUs of gpu at a, owned at the start, go on serving lease lab" in said
    assert "free the gpu at a for lease lab" in said or "more at a_grid:1" in said


def value_of_a_gpu(case: Case, lease_id: str) -> float:
    """Discounted after-tax income of a GPU of a lease that an AAA customer pays in every month of its term, in plain
    Python."""
    lease = case.tables["leases"].set_index("lease_id").loc[lease_id]
    usd = float(case.tables["lease_rates"].set_index("lease_id").loc[lease_id, "usd_per_gpu_hour"])
    outlook = make_outlook(case)
    first = outlook.calendar.index(lease["start"])
    total = 0.0
    for month in range(first, first + int(lease["term_months"])):
        total += usd * float(outlook.hours[month]) * (1.0 + case.settings.discount_rate) ** (-(month + 0.5) / 12.0)
    return total * (1.0 - case.settings.tax_rate)


@pytest.mark.parametrize("seed", few(range(5), 2))
def test_leases_released_are_those_whose_income_is_least(seed: int) -> None:
    """All-or-nothing leases in a hall that is not for sale: a knapsack, tried in every combination."""
    draw = random.Random(seed)
    sizes = [draw.choice([100, 150, 200, 250]) for _ in range(4)]
    names = [f"lease{number}" for number in range(4)]
    case = one_site(
        sites=[site(mw=0.8)],
        leases=[
            cluster(name, size=size, committed=True, all_or_nothing=True)
            for name, size in zip(names, sizes, strict=True)
        ],
        lease_rates=[rate(name, draw.choice([1.5, 2.0, 2.5])) for name in names],
    )
    worth = [size * value_of_a_gpu(case, name) for name, size in zip(names, sizes, strict=True)]
    costs = {
        released: sum(worth[number] for number in released)
        for count in range(5) for released in itertools.combinations(range(4), count)
        if sum(size for number, size in enumerate(sizes) if number not in released) <= 400
    }
    least = min(costs.values())
    if least == 0.0:
        assert feasible(case)
        return
    repair = cheapest(case)
    assert repair.usd == pytest.approx(least, rel=1e-9)
    released = tuple(sorted(names.index(change.limit.name) for change in repair.changes))
    assert costs[released] == pytest.approx(least, rel=1e-9)


@pytest.mark.parametrize("fee", [20.0, 400.0, 2000.0])
def test_power_is_bought_where_its_fee_is_less_than_the_income_given_up(fee: float) -> None:
    """0.05 MW too few for 20 GPUs: the MW at its fee for the whole term, or the income of the GPUs."""
    case = one_site(power=[grid(mw=0.7, fee_usd_per_kw_month=fee, term_months=36)])
    outlook = make_outlook(case)
    months = range(24)
    discounted = sum(float(outlook.discount[month]) for month in months)
    buy = 0.05 * 1000.0 * fee * discounted * (1.0 - case.settings.tax_rate)
    give_up = 20.0 * value_of_a_gpu(case, "lab")
    repair = cheapest(case)
    assert repair.usd == pytest.approx(min(buy, give_up), rel=1e-6)
    assert [change.limit.kind for change in repair.changes] == [Kind.POWER if buy < give_up else Kind.COMMITMENT]


def test_capital_is_raised_by_what_is_missing_or_the_lease_is_made_smaller() -> None:
    """A GPU costs 20,000 and its income is worth more: 300 GPUs need $6M, $1M is there."""
    case = SHORT_OF["capital"]
    assert value_of_a_gpu(case, "lab") > 20_000.0
    repair = cheapest(case)
    assert repair.usd == pytest.approx(5e6, rel=1e-9)
    assert repair.edits == ("budget.new_capital_usd[2027-Q1]+=5000000",)
    poor = one_site(budget=[{"quarter": "2027-Q1", "new_capital_usd": 1_000_000}], lease_rates=[rate("lab", 1.0)])
    assert value_of_a_gpu(poor, "lab") < 20_000.0
    repair = cheapest(poor)
    assert repair.usd == pytest.approx(250.0 * value_of_a_gpu(poor, "lab"), rel=1e-9)


def test_a_late_start_costs_the_months_lost() -> None:
    case = SHORT_OF["date of power"]
    repair = cheapest(case)
    assert repair.edits == ("leases.late_grace_months[lab]=5",)
    outlook = make_outlook(case)
    lost = sum(
        2.0 * float(outlook.hours[month]) * float(outlook.discount[month]) for month in range(5)
    ) * (1.0 - case.settings.tax_rate)
    assert repair.usd == pytest.approx(300.0 * lost, rel=1e-6)


def test_what_has_no_price_is_not_sold() -> None:
    """MW contracted already beyond what a substation gives, at no fee: there is no price for either."""
    case = one_site(
        sites=[site(site_group="line")], site_groups=[{"site_group": "line", "max_contracted_mw": 0.5}],
        power=[grid(committed_mw=1.0)], leases=[cluster("lab")],
    )
    found = explain_infeasible(case, CandidateOptions())
    assert found.repair is None
    assert {member.limit.kind for member in found.infeasible_sets[0].members} == {Kind.COMMITTED_MW, Kind.GROUP}
    assert [member.short_by for member in found.infeasible_sets[0].members] == pytest.approx([0.5, 0.5])
