"""Progress of a solve on a terminal: value, bound and gap as they improve. Elsewhere nothing is printed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from planner.allocator.options import Progress

if TYPE_CHECKING:
    from planner.risk.generation import Round


@contextmanager
def solving(name: str, *, quiet: bool, mip: bool) -> Iterator[Progress | None]:
    """Show that a case is being solved; yields what the solver should call, None where it cannot report."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.markup import escape

    console = Console(stderr=True)
    title = escape(f"planning {name}")
    with console.status(title) as status:

        def show(seconds: float, incumbent: float | None, bound: float | None, gap: float | None) -> None:
            best = "none yet" if incumbent is None else f"${incumbent:,.0f}M"
            limit = "" if bound is None else f", no plan can beat ${bound:,.0f}M"
            close = "" if gap is None else f", gap {gap:.2%}"
            status.update(f"{title}: {seconds:.0f} s, best {best}{limit}{close}")

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


def rounds_on(progress: Progress) -> Callable[[Round], None]:
    """The same line for the rounds of a relaxation."""

    def show(entry: Round) -> None:
        progress(entry.seconds, entry.value, entry.bound, entry.gap)

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
