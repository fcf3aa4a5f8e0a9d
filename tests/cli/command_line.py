"""What a command line leaves behind, for the tests of every verb."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class Ended(NamedTuple):
    """Exit code, and what went to standard output and standard error."""

    code: int
    out: str
    err: str


Run = Callable[..., Ended]
