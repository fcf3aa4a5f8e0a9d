"""What a sweep can vary, and how it is written."""

from __future__ import annotations

import pytest

import planner
from planner.case.edits import apply_edits
from planner.case.starting import starting_case
from planner.errors import PlannerError
from planner.sweeping.axes import parse_axis, parse_values, points_of, stress_axis
from planner.sweeping.factors import Meaning, sweep_factors

FIXTURE = "fixtures/neocloud"


def test_ranges_and_lists() -> None:
    assert parse_values("0.4:2.4:9", "x") == ("0.4", "0.65", "0.9", "1.15", "1.4", "1.65", "1.9", "2.15", "2.4")
    assert parse_values(" 120, 180,240", "x") == ("120", "180", "240")
    assert parse_values("2027-01,2027-07", "x") == ("2027-01", "2027-07")


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("gpu_price=2:1:3", "2 is not below 1"),
        ("gpu_price=1:2:1", "1 is not a number of values"),
        ("gpu_price=1:2:2.5", "2.5 is not a number of values"),
        ("gpu_price=1,1", "twice"),
        ("gpu_price=1,,2", "missing"),
        ("gpu_price=dear", "takes numbers"),
        ("gpu_prise=1,2", "gpu_price"),
        ("gpu_price", "not an edit"),
    ],
)
def test_what_is_not_an_axis_is_refused(written: str, why: str) -> None:
    with pytest.raises(PlannerError, match=why):
        parse_axis(starting_case(), written)


def test_one_thing_or_two() -> None:
    case = starting_case()
    one, two, three = (
        parse_axis(case, written) for written in ("gpu_price=1,2", "discount_rate=0.08,0.1,0.12", "tax_rate=0.2,0.3")
    )
    assert [point.values for point in points_of([one, two])] == [(a, b) for a in one.values for b in two.values]
    with pytest.raises(PlannerError, match="one thing or two, not 3"):
        points_of([one, two, three])
    with pytest.raises(PlannerError, match="varied twice"):
        points_of([one, one])


def test_a_multiplier_moves_numbers_and_curves_alike() -> None:
    """Every on-demand price by month is the base's times the factor, whether it is a number or a curve."""
    case = planner.read(FIXTURE)
    dearer = apply_edits(case, list(parse_axis(case, "gpu_price=1.5").edits[0]))
    from planner.candidates.outlook import make_outlook

    before, after = make_outlook(case).market_price, make_outlook(dearer).market_price
    assert before
    for tier, price in before.items():
        assert after[tier] == pytest.approx(1.5 * price, rel=1e-12)


def test_signed_leases_keep_their_rate() -> None:
    case = planner.read(FIXTURE)
    leases = case.tables["leases"]
    signed = set(leases["lease_id"][leases["signed"]])
    assert signed
    higher = apply_edits(case, list(parse_axis(case, "lease_rate=1.1").edits[0]))
    for table, column in (("lease_rates", "usd_per_gpu_hour"), ("leases", "usd_per_kw_month")):
        before, after = case.tables[table], higher.tables[table]
        for lease, old, new in zip(before["lease_id"], before[column], after[column], strict=True):
            if old == old:
                assert new == pytest.approx(old * (1.0 if lease in signed else 1.1), rel=1e-12)


def test_every_listed_factor_changes_the_case() -> None:
    """What is listed can be set: each factor gives edits that the case accepts and that change a table or a setting."""
    case = planner.read(FIXTURE)
    numbers = {"discount_rate": 0.12, "tax_rate": 0.3}
    factors = sweep_factors(case)
    assert len({factor.name for factor in factors}) == len(factors) > 20
    assert {"gas", "gpu_prices", "gpu_price", "fuel_cell_term", "grid_late"} <= {factor.name for factor in factors}
    for factor in factors:
        number = numbers.get(
            factor.name, {Meaning.MULTIPLIER: 0.9, Meaning.VALUE: 144.0, Meaning.ADDED_MONTHS: 6.0}[factor.meaning]
        )
        changed = apply_edits(case, list(factor.edits_at(case, number)))
        assert changed.source_hash != case.source_hash, factor.name
        if factor.meaning is Meaning.MULTIPLIER:
            assert factor.edits_at(case, 1.0) == ()


def test_utilisation_goes_to_full_use_at_most() -> None:
    case = planner.read(FIXTURE)
    full = apply_edits(case, list(parse_axis(case, "utilisation=3").edits[0]))
    assert (full.tables["market"]["utilisation"] == 1.0).all()


def test_cells_and_columns() -> None:
    case = planner.read(FIXTURE)
    axis = parse_axis(case, "power.energised[kind=grid]+=0,6")
    assert axis.edits == (("power.energised[kind=grid]+=0",), ("power.energised[kind=grid]+=6",))
    assert axis.number == (0.0, 6.0)
    assert parse_axis(case, "sites.ready_month[kestrel]=2027-01,2028-01").number is None


def test_stresses_are_an_axis() -> None:
    case = planner.read(FIXTURE)
    axis = stress_axis(case)
    assert list(axis.values) == list(dict.fromkeys(case.tables["stresses"]["stress"]))
    assert [point.stress for point in points_of([axis])] == list(axis.values)
    with pytest.raises(PlannerError, match="no table of stresses"):
        stress_axis(case.with_table("stresses", case.tables["stresses"].iloc[:0]))
