"""Progress of a solve on a terminal: value, bound and gap as they improve. Elsewhere nothing is printed."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from planner.solver.column_generation.pricing_rounds import Round


class Shown(Protocol):
    """What a solve calls (see `options.Progress`), with more to say where there is more."""

    def __call__(self, seconds: float, incumbent: float | None, bound: float | None, gap: float | None, /, more: str = "") -> None: ...


@contextmanager
def solving(name: str, *, quiet: bool, mip: bool) -> Iterator[Shown | None]:
    """Show that a case is being solved; yields what the solver should call, None where it cannot report."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.markup import escape

    console = Console(stderr=True)
    title = escape(f"planning {name}")
    with console.status(title) as status:

        def show(seconds: float, incumbent: float | None, bound: float | None, gap: float | None, /, more: str = "") -> None:
            best = "none yet" if incumbent is None else f"${incumbent:,.0f}M"
            limit = "" if bound is None else f", no plan can beat ${bound:,.0f}M"
            close = "" if gap is None else f", gap {gap:.2%}"
            status.update(f"{title}: {seconds:.0f} s, best {best}{limit}{close}{more}")

        yield show if mip else None


@contextmanager
def pricing(name: str, *, quiet: bool) -> Iterator[Callable[[str, int], None] | None]:
    """Show what is being priced and how many answers there are; None where nothing is to be shown."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.markup import escape

    with Console(stderr=True).status(f"pricing {escape(name)}") as status:
        yield lambda what, answers: status.update(f"pricing {escape(name)}: {what}, {answers:,} answers")


def rounds_on(progress: Shown) -> Callable[[Round], None]:
    """The same line for the rounds of a relaxation, with what stands in its model so far."""

    def show(entry: Round) -> None:
        bundles = f", {entry.pool_columns:,} bundles" if entry.pool_columns else ""
        known = math.isfinite(entry.value)  # no plan keeps every limit yet
        progress(
            entry.seconds, entry.value if known else None, entry.bound, entry.gap if known else None,
            f"{bundles}, {entry.scenarios:,} futures in the relaxation",
        )

    return show


@contextmanager
def saying(title: str, *, quiet: bool) -> Iterator[Callable[[str], None] | None]:
    """One line on a terminal that says what is being done; yields what to call with it, None elsewhere."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.markup import escape

    with Console(stderr=True).status(escape(title)) as status:
        yield lambda what: status.update(escape(f"{title}: {what}"))
