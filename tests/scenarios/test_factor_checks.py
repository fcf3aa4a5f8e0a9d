"""Factors and correlations that mean nothing, or too much, are refused where they stand."""

from __future__ import annotations

import pytest
from oracle.written_case import Row
from scenarios.random_case import FACTORS, GAS, HASH, MARKET, NEW, power, random_case

from planner.case.edits import apply_edits
from planner.case.factor_names import factors_called, outcomes_of
from planner.errors import CaseError


def with_(row: Row, **other: object) -> Row:
    return {**row, **other}


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (
            with_(GAS, reversion_per_year=None),
            r"row 2, column reversion_per_year: blank, but a factor mean_reverting needs it",
        ),
        (with_(HASH, volatility_per_year=None), "column volatility_per_year: blank, but a factor gbm needs it"),
        (with_(MARKET, stay_glut_months=None), "column stay_glut_months: blank"),
        (with_(MARKET, stay_glut_months=0.5), "column stay_glut_months: '0.5': less than 1"),
        (with_(HASH, reversion_per_year=1), "column reversion_per_year: '1': a factor gbm has no such parameter"),
        (with_(HASH, outcomes="0:1"), "column outcomes: '0:1': a factor gbm has no such parameter"),
        (with_(HASH, starts_in_shortage=True), "only two_regimes knows shortage"),
        (with_(HASH, model="gmb"), 'column model: \'gmb\': not one of the choices; did you mean "gbm"'),
        (with_(HASH, drives="market[neu]"), 'column drives: .*the market has no such SKU; did you mean "new"'),
        (with_(HASH, drives="curves[hubb]"), 'no such curve; did you mean "hub"'),
        (with_(HASH, drives="curves"), "not a target; write market"),
        (with_(HASH, drives="hashprice[pit]"), "not a target"),
        (with_(HASH, drives="rates"), "not a target"),
        (with_(HASH, drives="market[]"), "not a target"),
        (with_(HASH, drives="curves[price]"), "agreed when they are ordered"),
        (with_(HASH, drives="delay[line:1]"), "a gbm cannot drive it"),
        (
            {"factor_id": "d", "model": "discrete_delay", "drives": "market", "outcomes": "0:1"},
            "a discrete_delay cannot drive it",
        ),
        (
            {"factor_id": "d", "model": "discrete_delay", "drives": "delay[line:3]", "outcomes": "0:1"},
            'power has no such phase; did you mean "delay',
        ),
        (
            {"factor_id": "d", "model": "discrete_delay", "drives": "delay[line:1]", "outcomes": "0:0.5;6:0.4"},
            "probabilities add to 0.9, not 1",
        ),
        (
            {"factor_id": "d", "model": "discrete_delay", "drives": "delay[line:1]", "outcomes": "6:0.5;0:0.5"},
            "months do not rise",
        ),
        (
            {"factor_id": "d", "model": "discrete_delay", "drives": "delay[line:1]", "outcomes": "soon"},
            "'soon' is not MONTHS:PROBABILITY",
        ),
        (
            {"factor_id": "d", "model": "discrete_delay", "drives": "delay[line:1]", "outcomes": "0:0.5;7:0.5"},
            "rounded up, is 4 months, while the base case expects 15",
        ),
        ({"factor_id": "d", "model": "discrete_delay", "drives": "delay[line:1]"}, "column outcomes: blank"),
        (with_(HASH, factor_id="a[b]"), "a name may not hold"),
    ],
)
def test_factors_that_mean_nothing_are_refused(row: Row, said: str) -> None:
    with pytest.raises(CaseError, match=said):
        random_case(factors=(row,))


def test_a_discrete_delay_agrees_with_the_base_case() -> None:
    rows = power(delay_low_months=4, delay_mode_months=4, delay_high_months=4)
    delay = {"factor_id": "d", "model": "discrete_delay", "drives": "delay[line:1]", "outcomes": "0:0.5;7:0.5"}
    case = random_case(factors=(delay,), power=rows)
    assert factors_called(case.tables, "d") == ["delay[line:1]"]
    with pytest.raises(CaseError, match=r"delay\[line:1\] is driven by row 2 already"):
        random_case(factors=(delay, with_(delay, factor_id="e")), power=rows)


def test_a_curve_that_nothing_uses_is_refused() -> None:
    curves = [
        {"curve_id": name, "month": "2027-01", "value": 3, "unit": "$"} for name in ("hub", "spot", "price", "idle")
    ]
    with pytest.raises(CaseError, match="no price is taken from this curve"):
        random_case(factors=(with_(HASH, drives="curves[idle]"),), curves=curves)


def test_targets_need_their_table() -> None:
    with pytest.raises(CaseError, match="the case has no mining for it to drive"):
        random_case(factors=(HASH,), mining=[])
    for drives in ("market", "utilisation"):
        with pytest.raises(CaseError, match="the case has no market"):
            random_case(factors=(with_(NEW, drives=drives),), market=[])


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (
            [("gas", "hasch", 0.1)],
            'row 2, column factor_b: \'hasch\': no factor is called \'hasch\'; did you mean "hash"',
        ),
        ([("gas", "delay[kind=wind]", 0.1)], "no factor is called"),
        ([("gas", "delay[colour=red]", 0.1)], "no factor is called"),
        ([("gas", "default[nobody]", 0.1)], "no factor is called"),
        ([("gas", "gas", 1)], "a factor with itself"),
        ([("gas", "hash", 1.5)], "column correlation: '1.5': more than 1"),
        (
            [("gas", "hash", 0.1), ("hash", "gas", 0.2)],
            "row 3, column correlation: '0.2': gas and hash have 0.1 by row 2",
        ),
        (
            [("gas", "delay[kind=grid]", 0.1), ("gas", "delay[line:2]", 0.2)],
            r"row 3, column correlation: '0.2': delay\[line:2\] and gas have 0.1 by row 2",
        ),
        (
            [("gpus", "new price", 0.3)],
            "both drive the price of new tier 1; their product would not keep the forward curve",
        ),
    ],
)
def test_correlations_that_mean_nothing_are_refused(rows: list[tuple[str, str, float]], said: str) -> None:
    with pytest.raises(CaseError, match=said):
        random_case(correlations=[{"factor_a": a, "factor_b": b, "correlation": value} for a, b, value in rows])


def test_a_curve_and_its_market_drive_one_price() -> None:
    curve = {"factor_id": "spot", "model": "gbm", "drives": "curves[spot]", "volatility_per_year": 0.3}
    for other, refused in (("gpus", True), ("new price", True), ("use", False), ("gas", False)):
        row = {"factor_a": "spot", "factor_b": other, "correlation": 0.3}
        if refused:
            with pytest.raises(CaseError, match="both drive the price of new tier 1"):
                random_case(factors=(*FACTORS, curve), correlations=[row])
        else:
            random_case(factors=(*FACTORS, curve), correlations=[row])


def test_the_same_correlation_twice_is_harmless() -> None:
    rows = [
        {"factor_a": "gas", "factor_b": "delay[kind=grid]", "correlation": 0.2},
        {"factor_a": "delay[line:1]", "factor_b": "gas", "correlation": 0.2},
    ]
    random_case(correlations=rows)


def test_factors_can_be_edited_like_any_table() -> None:
    case = apply_edits(random_case(), ["factors.volatility_per_year[gas]*=2"])
    assert case.tables["factors"].volatility_per_year.iloc[0] == 1.2


def test_outcomes_are_read() -> None:
    assert outcomes_of("0:0.5; 6:0.3;18:.2") == ([0, 6, 18], [0.5, 0.3, 0.2])
