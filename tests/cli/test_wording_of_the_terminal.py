"""Figures and lists in the sentences of the terminal."""

from __future__ import annotations

from planner.wording import dollars, listed


def test_the_sign_stands_before_the_dollars_and_nothing_has_none() -> None:
    assert [dollars(usd) for usd in (1234.5, -0.51, -0.001, 0.0)] == ["$1,234.50", "-$0.51", "$0.00", "$0.00"]
    assert dollars(-3.29561, 4) == "-$3.2956"
    assert dollars(-0.4, 0) == "$0"


def test_a_long_list_says_how_many_more_there_are() -> None:
    assert listed([], 3) == ""
    assert listed(["a", "b", "c"], 3) == "a, b, c"
    assert listed(["a", "b", "c", "d"], 3) == "a, b, c and 1 more"
    assert listed([str(at) for at in range(2000)], 1) == "0 and 1,999 more"
