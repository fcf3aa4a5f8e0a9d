"""Names hold spaces, strokes and words: what is joined for people is taken apart again as it was."""

from __future__ import annotations

import pytest

from planner.candidates.power_paths import legs_of

PHASES = ("a:1", "b:1", "a until b:1", "cells until grid:1", "b:1 x:2")


@pytest.mark.parametrize(
    ("written", "legs"),
    [
        ("a:1", ("a:1", "")),
        ("a:1 until b:1", ("a:1", "b:1")),
        ("a until b:1", ("a until b:1", "")),
        ("cells until grid:1 until a until b:1", ("cells until grid:1", "a until b:1")),
        ("a until b:1 until a:1", ("a until b:1", "a:1")),
        ("nowhere:1", ("nowhere:1", "")),
    ],
)
def test_a_power_path_is_read_as_it_was_written(written: str, legs: tuple[str, str]) -> None:
    assert legs_of(written, PHASES) == legs
