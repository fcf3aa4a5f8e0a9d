"""How large a case becomes is told before it is made: near what is made, and with what would make it fit."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from planner.candidates.build import build_candidates
from planner.candidates.kinds import Kind
from planner.candidates.outlook import Outlook, make_outlook
from planner.candidates.reach import sample, within
from planner.candidates.reach.counts import count_candidates
from planner.candidates.reach.size import WITHIN, estimate
from planner.candidates.reach.within import BeyondReach, refuse_beyond_reach
from planner.case.case import Case
from planner.case.edits import changed_case
from planner.case.generate import generate_case
from planner.case.read import read_case
from planner.formulation.formulation import make_formulation
from planner.formulation.model import make_model
from planner.runtime.memory import LEAST, VARIABLE
from planner.solver.model_arrays import model_arrays

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
CASES = ("tiny", "deals", "4 x 6 x 36", "3 x 20 x 72", "9 x 3 x 24", "neocloud")


def outlook_of(name: str, **choices: object) -> Outlook:
    if " x " in name:
        sites, leases, months = map(int, name.split(" x "))
        return make_outlook(generate_case(sites=sites, leases=leases, months=months, seed=3))
    return make_outlook(read_case(FIXTURES / name), **choices)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", [*CASES[:-1], pytest.param("neocloud", marks=pytest.mark.slow)])
def test_sizes_are_near_those_of_the_model_that_is_made(name: str) -> None:
    outlook = outlook_of(name)
    size = estimate(outlook)
    candidates = build_candidates(outlook)
    model = make_model(make_formulation(candidates))
    arrays = model_arrays(model.problem, variables=model.variables)
    assert size.candidates == len(candidates)
    for told, made in ((size.rows, arrays.rows), (size.columns, arrays.columns), (size.nonzeros, len(arrays.value))):
        assert made / WITHIN <= told <= WITHIN * made


@pytest.mark.parametrize(
    "choices", [{"tail": "none"}, {"tail": "rented"}, {"base": "announced"}, {"monthly_windows": True}]
)
def test_candidates_are_counted_under_every_outlook(choices: dict[str, object]) -> None:
    case = generate_case(sites=4, leases=8, months=48, seed=5)
    outlook = make_outlook(case, **choices)  # type: ignore[arg-type]
    made = build_candidates(outlook)
    counted = count_candidates(outlook).kinds
    assert counted == {kind: len(made.of_kind(kind)) for kind in Kind if len(made.of_kind(kind))}


def test_a_sample_of_a_large_case_stands_for_all_of_it() -> None:
    outlook = make_outlook(generate_case(sites=40, leases=90, months=48, seed=4))
    whole, part = estimate(outlook), estimate(outlook, {"sites": 20, "leases": 45})
    for name in ("candidates", "rows", "columns", "nonzeros", "bytes"):
        assert 0.7 < getattr(part, name) / getattr(whole, name) < 1.4


def test_leases_that_may_begin_at_many_dates_are_counted_on_fewer_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    case = changed_case(generate_case(sites=20, leases=45, months=48, seed=4), ["leases.late_grace_months=48"], None)
    whole = estimate(make_outlook(case))
    monkeypatch.setattr(sample, "PAIRS", 10_000)
    part = estimate(make_outlook(case))
    assert whole != part
    for name in ("candidates", "rows", "columns", "nonzeros", "bytes"):
        assert 0.7 < getattr(part, name) / getattr(whole, name) < 1.4


@pytest.mark.parametrize("name", CASES)
def test_what_is_passed_over_uncounted_is_surely_small_enough(name: str) -> None:
    outlook = outlook_of(name)
    assert within._at_most(outlook) > estimate(outlook).bytes


@pytest.fixture(scope="module")
def huge() -> Case:
    return generate_case(sites=300, leases=600, months=240, seed=1)


def test_a_huge_case_is_refused_before_any_work(huge: Case) -> None:
    began = time.process_time()
    with pytest.raises(BeyondReach) as refused:
        refuse_beyond_reach(make_outlook(huge), 12 << 30)
    assert time.process_time() - began < 3.0  # about one on a machine of its own
    said = str(refused.value)
    assert refused.value.exit_code == 2
    for word in (
        "candidates", "rows", "columns", "non-zeros", "GB at the peak", "case.months=", "SKUs instead of 6",
        "sites instead of 300", "leases instead of 600", "--memory ",
    ):
        assert word in said
    assert refused.value.size.candidates > 1e6


def test_what_is_offered_makes_it_fit(huge: Case) -> None:
    most = 12 << 30
    with pytest.raises(BeyondReach) as refused:
        refuse_beyond_reach(make_outlook(huge), most)
    months = int(str(refused.value).split("case.months=")[1].split(")")[0])
    shorter = make_outlook(changed_case(huge, [f"case.months={months}"], None))
    prompt = make_outlook(changed_case(huge, ["leases.late_grace_months=0"], None))
    assert estimate(shorter).bytes < 1.15 * most
    assert estimate(prompt).bytes < estimate(make_outlook(huge)).bytes


def test_one_that_fits_is_offered_nothing(huge: Case) -> None:
    refuse_beyond_reach(make_outlook(huge), 1 << 40)


def test_making_candidates_asks_first(monkeypatch: pytest.MonkeyPatch) -> None:
    outlook = make_outlook(generate_case(sites=8, leases=20, months=60, seed=1))
    monkeypatch.setenv(VARIABLE, "64M")
    assert estimate(outlook).bytes > LEAST
    began = time.process_time()
    with pytest.raises(BeyondReach, match="PLANNER_MEMORY=1G"):
        build_candidates(outlook)
    assert time.process_time() - began < 1.0
    monkeypatch.setenv(VARIABLE, "2G")
    build_candidates(outlook)


PEAK = """
import sys
from pathlib import Path
from planner.formulation.formulation import make_formulation
from planner.solver.model_arrays import model_arrays
from planner.formulation.model import make_model
from planner.candidates.build import build_candidates
from planner.candidates.outlook import make_outlook
from planner.candidates.reach.size import estimate
from planner.case.generate import generate_case

def status(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) * 1024

build_candidates(make_outlook(generate_case(sites=2, leases=2, months=24)))  # libraries and their pools
outlook = make_outlook(generate_case(sites=20, leases=40, months=60, seed=1))
told, before = estimate(outlook).bytes, status("VmRSS")
model = make_model(make_formulation(build_candidates(outlook)))
model_arrays(model.problem, variables=model.variables)
print(told, status("VmHWM") - before)
"""


@pytest.mark.slow
def test_the_bytes_told_are_near_those_taken() -> None:
    found = subprocess.run(
        [sys.executable, "-c", PEAK], capture_output=True, text=True, check=True, cwd=FIXTURES.parent
    )
    told, taken = map(float, found.stdout.split())
    assert taken / WITHIN <= told <= WITHIN * taken


def test_a_case_without_leases_or_power_has_a_size() -> None:
    case = read_case(FIXTURES / "tiny")
    bare = replace(
        case,
        tables={
            name: table.iloc[:0] if name in ("leases", "lease_rates", "power") else table
            for name, table in case.tables.items()
        },
    )
    assert estimate(make_outlook(bare)).candidates > 0
