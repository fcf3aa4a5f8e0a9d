"""What a misspelt name was probably meant to be."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from heapq import nlargest

_SHOWN = 12
_COMPARED = 300
"""Names that are compared letter by letter: of more, those that share the most words."""
_PARTS = re.compile(r"[^0-9a-z]+")
_LONGEST = 200
"""Characters of a name that can be a misspelt one; comparing takes time with its length."""


def closest(written: str, known: Iterable[str]) -> str | None:
    """The known name nearest to `written`, first without regard to capitals; None when nothing is near."""
    if len(written) > _LONGEST:
        return None
    names = list(dict.fromkeys(known))
    folded = {name.casefold(): name for name in names}
    same = folded.get(written.casefold())
    if same is not None:
        return same
    if len(folded) > _COMPARED:
        parts = set(_PARTS.split(written.casefold()))
        likely = nlargest(_COMPARED, folded, key=lambda name: len(parts.intersection(_PARTS.split(name))))
        folded = {name: folded[name] for name in likely}
    near = get_close_matches(written.casefold(), list(folded), n=1, cutoff=0.6)
    return folded[near[0]] if near else None


def remedy_for(written: str, known: Iterable[str], *, none_known: str = "there is none to choose from") -> str:
    """'did you mean "x"?' when a known name is near, else the list of what is known."""
    names = list(dict.fromkeys(known))
    if not names:
        return none_known
    near = closest(written, names)
    if near is not None:
        return f'did you mean "{near}"?'
    shown = ", ".join(names[:_SHOWN])
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"use one of: {shown}{more}"
