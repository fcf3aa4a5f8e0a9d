"""Progress on standard error: a line that changes on a terminal, elsewhere a line every ten seconds at most."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from planner.wording import dollars

if TYPE_CHECKING:
    from planner.solver.column_generation.pricing_rounds import Round

EVERY = 10.0
"""Seconds between two lines where standard error is no terminal; the first comes after as many."""

Say = Callable[[str], None]


class Shown(Protocol):
    """What a solve calls (see `options.Progress`), with more to say where there is more."""

    def __call__(
        self, seconds: float, incumbent: float | None, bound: float | None, gap: float | None, /, more: str = ""
    ) -> None: ...


@contextmanager
def saying(title: str, *, quiet: bool, every: float = EVERY) -> Iterator[Say | None]:
    """Say on standard error what is being done; yields what to call with more of it, None where that is nothing.

    every: seconds between two lines where standard error is no terminal; 0 for few long stages, each told as it begins.
    """
    if quiet:
        yield None
        return
    begun = time.monotonic()

    def line(what: str) -> str:
        return f"{title}: {what} ({time.monotonic() - begun:.0f} s)"

    if not sys.stderr.isatty():
        yield _now_and_then(line, begun, every)
        return
    from rich.console import Console
    from rich.markup import escape

    with Console(stderr=True).status(escape(title)) as status:
        yield lambda what: status.update(escape(line(what)))


def _now_and_then(line: Callable[[str], str], begun: float, every: float) -> Say:
    """A line on standard error whenever `every` seconds have passed since the last, or since the beginning."""
    last = begun

    def say(what: str) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= every:
            last = now
            print(line(what), file=sys.stderr, flush=True)

    return say


@contextmanager
def solving(name: str, *, quiet: bool, mip: bool) -> Iterator[Shown | None]:
    """Show that a case is being solved; yields what the solver should call, None where it cannot report."""
    with saying(f"planning {name}", quiet=quiet) as say:

        def show(
            seconds: float, incumbent: float | None, bound: float | None, gap: float | None, /, more: str = ""
        ) -> None:
            best = "none yet" if incumbent is None else f"{dollars(incumbent, 0)}M"
            limit = "" if bound is None else f", no plan can beat {dollars(bound, 0)}M"
            close = "" if gap is None else f", gap {gap:.2%}"
            if say is not None:
                say(f"best {best}{limit}{close}{more}")

        yield show if mip and say is not None else None


@contextmanager
def pricing(name: str, *, quiet: bool) -> Iterator[Callable[[str, int], None] | None]:
    """Show what is being priced and how many answers there are; None where nothing is to be shown."""
    with saying(f"pricing {name}", quiet=quiet) as say:
        yield None if say is None else lambda what, answers: say(f"{what}, {answers:,} answers")


def rounds_on(progress: Shown) -> Callable[[Round], None]:
    """The same line for the rounds of a relaxation, with what stands in its model so far."""

    def show(entry: Round) -> None:
        bundles = f", {entry.pool_columns:,} bundles" if entry.pool_columns else ""
        known = math.isfinite(entry.value)  # no plan keeps every limit yet
        progress(
            entry.seconds,
            entry.value if known else None,
            entry.bound,
            entry.gap if known else None,
            f"{bundles}, {entry.scenarios:,} futures in the relaxation",
        )

    return show
