"""Figures in sentences: plurals, per cent, and what rounds to nothing."""

from __future__ import annotations

import math

import pytest

from planner.cli.summary import millions
from planner.reporting.amounts import rate, share
from planner.wording import counted, fixed, irr_text, payback_text, percent, plural, tail_text


def test_one_is_singular_and_everything_else_plural() -> None:
    assert [counted(number, "portfolio") for number in (0, 1, 2, 1000)] == [
        "0 portfolios", "1 portfolio", "2 portfolios", "1,000 portfolios"
    ]
    assert (plural("inquiry", 1), plural("inquiry", 2)) == ("inquiry", "inquiries")
    assert (plural("MW", 2.0), plural("GPU", 1.0), plural("GPU", 0.5)) == ("MW", "GPU", "GPUs")


@pytest.mark.parametrize("value", [-0.0, -0.0004, -1e-12, 0.0, 0.0004])
def test_what_rounds_to_nothing_has_no_sign(value: float) -> None:
    assert percent(value) == share(value) == irr_text(value, "one_root") == "0.0%"
    assert fixed(value) == "0"
    assert rate(value) == "$0.00"
    assert millions(value) == "$0"


def test_signs_that_count_stay() -> None:
    assert (
        percent(-0.0006), fixed(-1234.5, 1), rate(-0.02), millions(-60_000.0), millions(-1234.4)
    ) == ("-0.1%", "-1,234.5", "-$0.02", "-$0.1M", "-$1,234")


def test_a_rate_that_does_not_exist_is_a_word() -> None:
    assert irr_text(None, "SEVERAL") == irr_text(float("nan"), "several") == "several"
    assert irr_text(None, "all_one_sign") == "all one sign"


@pytest.mark.parametrize(
    ("months", "said"), [(0, "2027-03"), (10, "2028-01"), (10.0, "2028-01"), (None, "never"), (math.inf, "never")]
)
def test_payback_is_a_month_or_never(months: float | None, said: str) -> None:
    assert payback_text("2027-03", months) == said


def test_a_tail_is_never_called_none_of_the_futures() -> None:
    assert [tail_text(alpha) for alpha in (0.95, 0.9, 0.995, 0.999)] == ["5%", "10%", "0.5%", "0.1%"]
