"""Parts and pieces solved beside each other: the same answers as one after another, and none left at work."""

from __future__ import annotations

import threading
from functools import partial
from typing import Any

import pytest
from capacity_tree import capacity_expansion

from planner.solver import side_by_side, solve_tree
from planner.solver.branch_and_bound.search import TreeSearch
from planner.solver.side_by_side import Stop


def test_answers_come_in_order_whatever_ends_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(side_by_side, "usable_cores", lambda: 3)
    second = threading.Event()

    def solve(number: int, stop: Stop) -> int:
        if number == 0:
            assert second.wait(30.0)  # the first ends only after the second has
        second.set()
        return number

    assert side_by_side.side_by_side([partial(solve, number) for number in range(3)]) == [0, 1, 2]


@pytest.mark.parametrize("cores", [1, 2])
def test_a_tree_is_the_same_on_one_thread(cores: int, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = solve_tree(capacity_expansion(4, 6, seed=3), method="paths", gap=1e-3)
    monkeypatch.setattr(side_by_side, "usable_cores", lambda: cores)
    found = solve_tree(capacity_expansion(4, 6, seed=3), method="paths", gap=1e-3)
    assert (found.objective, found.bound) == (expected.objective, expected.bound)
    for one, other in zip(found.levels.values(), expected.levels.values(), strict=True):
        assert one.tobytes() == other.tobytes()


def test_when_one_fails_the_others_are_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(side_by_side, "usable_cores", lambda: 2)
    at_work, ended = threading.Event(), threading.Event()

    def fails(stop: Stop) -> None:
        assert at_work.wait(30.0)
        raise ValueError("no")

    def goes_on(stop: Stop) -> None:
        at_work.set()
        try:
            while True:
                stop()
        except KeyboardInterrupt:
            ended.set()
            raise

    with pytest.raises(ValueError, match="no"):
        side_by_side.side_by_side([fails, goes_on])
    assert ended.is_set()


def test_a_search_in_a_thread_ends_when_it_is_asked_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C reaches the first thread alone: what its searches are told must reach them."""
    monkeypatch.setattr(side_by_side, "usable_cores", lambda: 2)
    steps: list[Any] = []
    step = TreeSearch._step

    def counted(search: TreeSearch, *given: Any) -> Any:
        steps.append(search)
        search.options.progress.set()  # type: ignore[union-attr]
        return step(search, *given)

    monkeypatch.setattr(TreeSearch, "_step", counted)
    with pytest.raises(KeyboardInterrupt):
        solve_tree(capacity_expansion(5, 8, seed=1), method="paths", gap=1e-6)
    assert len(steps) <= 3  # each search of two at a time ends at its next step
