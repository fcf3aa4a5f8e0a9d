"""How many examples a test draws: few each time, many on demand.

Every invariant is asked each time; what `TESTS_AT_LENGTH=1` adds is more cases of the same, and larger ones.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any, TypeVar

AT_LENGTH = bool(os.environ.get("TESTS_AT_LENGTH"))
Example = TypeVar("Example")


def many(each_time: int, at_length: int) -> int:
    """The one number, or the other where much is asked for."""
    return at_length if AT_LENGTH else each_time


def few(examples: Iterable[Example], each_time: int) -> list[Example]:
    """The first so many of examples of one kind, or all of them where much is asked for."""
    found = list(examples)
    assert each_time < len(found), "nothing is left for the long series"
    return found if AT_LENGTH else found[:each_time]


def in_tiers(examples: Iterable[Example], by_default: int) -> list[Any]:
    """The first so many of examples of one kind for the default tests, the others for the slow tier."""
    found = list(examples)
    assert by_default < len(found), "nothing is left for the slow tier"
    return [*found[:by_default], *(_slow(example) for example in found[by_default:])]


def _slow(example: object) -> Any:
    import pytest

    values = example if isinstance(example, tuple) else (example,)
    return pytest.param(*values, marks=pytest.mark.slow)
