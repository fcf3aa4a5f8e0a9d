"""Prices on the terminal: sentences a planner can read aloud, and tables only where something was asked."""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path

from rich.console import Console

from planner.case.read import read_case
from planner.cli.price_summary import print_prices, sentence
from planner.cli.summary import millions
from planner.planning.make_plan import plan
from planner.planning.plan import Plan
from planner.pricing.price_table import price_frame

TINY = Path(__file__).parents[2] / "fixtures" / "tiny"


@cache
def planned(prices: str) -> Plan:
    return plan(read_case(TINY), prices=prices)


def printed(prices: str) -> str:
    console = Console(file=io.StringIO(), width=200)
    print_prices(console, planned(prices), millions)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def said(**cells: object) -> str:
    """The sentence about a phase with some cells changed."""
    row = {
        "question": "whole term", "resource": "phase", "name": "grid:p1", "to": "2042-12", "unit": "MW", "step": 1.0,
        "gain_usd": 3.7e6,
        "gain_holds_to": 34.0, "gain_of_step_usd": 3.7e6, "loss_of_step_usd": 3.9e6, "pay_up_to": 57.76, "fee": 64.0,
    }
    prices = price_frame(
        [row | cells, {"question": "from a year on", "name": "grid:p1", "from": "2028-01", "gain_of_step_usd": 2.2e6}]
    )
    return sentence(next(prices.itertuples()), prices, millions)


def test_a_sentence_says_worth_fee_range_and_years() -> None:
    assert said() == (
        "one more MW at grid:p1 for its term to 2042-12 is worth $3.7M (you could pay $57.76/kW-month; its fee is "
        "$64.00), up to +34 MW, "
        "one less costs $3.9M; from 2028 on $2.2M"
    )


def test_a_price_that_holds_for_less_than_a_megawatt_says_so() -> None:
    assert ", the first 0.25 MW at $4.0M a MW, one less" in said(gain_holds_to=0.25, gain_usd=4.0e6)


def test_what_is_not_known_is_not_said() -> None:
    text = said(gain_holds_to=1.0, loss_of_step_usd=float("nan"), fee=0.0)
    assert "up to" not in text
    assert "one less" not in text
    assert "it has no fee" in text


def test_small_amounts_are_in_dollars() -> None:
    assert "is worth $41,145 (" in said(gain_of_step_usd=41_145.0)
    assert "one less costs nothing;" in said(loss_of_step_usd=0.0)


def test_a_range_that_was_not_followed_further_is_a_least() -> None:
    assert "up to +100 MW at least" in said(gain_holds_to=100.0)


def test_the_headline_has_no_tables() -> None:
    text = printed("headline")
    assert "one more MW at cells:p1" in text
    assert "planned again" not in text


def test_full_has_a_table_for_each_kind_of_question() -> None:
    text = printed("full")
    for title in (
        "leases:", "halls:", "energised months earlier", "blocks of MW, planned again", "taken or left, planned again"
    ):
        assert title in text


def test_none_prints_nothing() -> None:
    assert printed("none") == ""
