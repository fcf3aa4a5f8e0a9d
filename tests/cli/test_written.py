"""Shares, months and money as they are written on the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from command_line import Run

from planner.cli.written import money, month, rate, share, shares, yearly

TINY = Path(__file__).parents[2] / "fixtures" / "tiny"


@pytest.mark.parametrize(
    ("parser", "written", "meant"),
    [
        (share, "20%", 0.2), (share, "0.2", 0.2), (share, " 7 % ", 0.07), (share, "0.01%", 1e-4), (share, "1e-4", 1e-4),
        (share, "1e1%", 0.1), (share, 0.95, 0.95), (share, "0", 0.0),
        (yearly, "-3%", -0.03), (yearly, "0.03", 0.03),
        (month, "2027-10", "2027-10"), (month, "2027-Q4", "2027-10"), (month, "2027-q1", "2027-01"),
        (money, "1.2B", 1.2e9), (money, "300M", 3e8), (money, "$5k", 5e3), (money, "-$300M", -3e8),
        (money, "$-300M", -3e8), (money, "-2.5e6", -2.5e6), (money, "1,200,000", 1.2e6),
        (money, "1_000", 1e3), (money, ".5b", 5e8), (money, "5.", 5.0), (money, "$ 7", 7.0), (money, 12.5, 12.5),
        (rate, "$2.35", 2.35), (rate, "2.35", 2.35),
    ],
)
def test_it_is_read_as_meant(parser: Callable[[object], object], written: object, meant: object) -> None:
    assert parser(written) == meant


@pytest.mark.parametrize(
    ("parser", "written", "remedy"),
    [
        (share, "much", "write 20% or 0.2"), (share, "%", "write 20% or 0.2"), (share, "", "write 20% or 0.2"),
        (share, "nan", "write 20% or 0.2"), (share, "-1", "is below 0"),
        (yearly, "inf", "write 3% or 0.03"),
        (month, "2027-13", "write 2027-10, or 2027-Q4"), (month, "2027-Q5", "2027-Q4"),
        (month, "2026-1", "not a month"), (month, "", "not a month"),
        (money, "5x", "write 300M, 1.2B"), (money, "", "amount of dollars"), (money, "--5", "amount of dollars"),
        (money, "-$-5", "amount of dollars"), (money, "nan", "amount of dollars"), (money, "$", "amount of dollars"),
        (money, "1.2.3", "amount of dollars"), (money, ",", "amount of dollars"), (rate, "-1", "is below 0"),
    ],
)
def test_what_cannot_be_read_says_how_it_is_written(
    parser: Callable[[object], object], written: str, remedy: str
) -> None:
    with pytest.raises(typer.BadParameter, match=remedy.replace("$", r"\$")) as refused:
        parser(written)
    assert repr(written) in str(refused.value.message)


def test_shares_are_parted_by_commas() -> None:
    assert shares("0, 25%,0.5", "--weights") == [0.0, 0.25, 0.5]
    with pytest.raises(typer.BadParameter) as refused:
        shares("0,half", "--weights")
    assert refused.value.param_hint == "--weights"


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        (("plan", TINY, "--alpha", "most"), "'--alpha': 'most' is not a share; write 20% or 0.2"),
        (("plan", TINY, "--max-cvar", "5x"), "'--max-cvar': '5x' is not an amount of dollars"),
        (("quote", TINY, "--start", "soon"), "'--start': 'soon' is not a month"),
        (("quote", TINY, "--prepay", "half"), "'--prepay': 'half' is not a share"),
        (("breakeven", TINY, "--hurdle", "high"), "'--hurdle': 'high' is not a yearly rate"),
        (("breakeven", TINY, "--rate", "-2"), "'--rate': '-2' is below 0"),
        (("alternatives", TINY, "--within", "little"), "'--within': 'little' is not a share"),
        (("frontier", TINY, "--weights", "0,half"), "--weights: 'half' is not a share"),
    ],
)
def test_a_wrong_value_ends_with_2_and_says_what_was_meant(run: Run, words: tuple[object, ...], remedy: str) -> None:
    ended = run(*words)
    assert ended.code == 2
    assert remedy in ended.err
    assert ended.out == ""


def test_both_spellings_ask_the_same(run: Run) -> None:
    asked = ("quote", TINY, "--gpu", "g1", "--gpus", "100", "--term", "12", "--json")
    plain = run(*asked, "--start", "2025-07", "--prepay", "0.2", "--escalator", "0.03")
    spelt = run(*asked, "--start", "2025-Q3", "--prepay", "20%", "--escalator", "3%")
    assert (plain.code, spelt.code) == (0, 0)

    def floor(said: str) -> object:
        return json.loads(said)["floor"]

    assert floor(plain.out) == floor(spelt.out)
