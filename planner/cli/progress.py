"""Progress of a solve on a terminal: value, bound and gap as they improve. Elsewhere nothing is printed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from planner.allocator.options import Progress


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
