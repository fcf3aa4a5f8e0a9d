"""The list of the slow tier names tests that are there."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from slow_tier import KEPT, SLOW, is_slow

TESTS = Path(__file__).parent


@pytest.mark.parametrize("beginning", [*SLOW, *KEPT])
def test_every_line_names_a_test(beginning: str) -> None:
    file, _, name = beginning.partition("::")
    tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
    names = [node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")]
    assert any(each.startswith(name.partition("[")[0]) for each in names)


def test_what_is_kept_is_an_exception() -> None:
    assert all(kept.startswith(tuple(SLOW)) for kept in KEPT)
    assert not any(map(is_slow, KEPT))
    assert not is_slow("test_slow_tier.py::test_what_is_kept_is_an_exception")
