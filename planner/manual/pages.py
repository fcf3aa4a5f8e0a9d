"""The pages of the manual: their order, their titles, and their text with what is made from declarations."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from planner.did_you_mean import remedy_for
from planner.errors import PlannerError
from planner.manual.tables_made import MADE

FOLDER = Path(__file__).parent

PAGES: dict[str, str] = {
    "first-plan": "set up, plan, and read what is printed",
    "your-own-case": "write your own case, check it, change it, decide things yourself",
    "megawatt": "what a MW is worth, and everything else that is scarce",
    "lease-floor": "the lowest rate at which to sign a lease; where a GPU breaks even",
    "what-if": "one number or two varied, named stresses, plans nearly as good as the best",
    "when-it-cannot-be-done": "why there is no plan, the cheapest repair, why something is in or out",
    "futures-and-scores": "how portfolios fare over many futures",
    "plans-that-weigh-risk": "plans for mean and tail, the frontier, pools of bundles",
    "decide-now-decide-later": "what to sign now, what to leave open, and at which sign to act",
    "workbook": "the page, the workbook that calculates, figures in a notebook",
    "python": "the same verbs as functions, and a notebook of them",
    "past-one-machine": "scores, pools and sweeps on many workers, and going on after a stop",
    "when-things-go-wrong": "exit codes, messages, and what happens with spoilt files, solvers and memory",
    "case-columns": "every setting, table and column of a case",
    "files-of-a-run": "what a run writes, and whether it adds up",
    "rules-of-the-arithmetic": "time, assets, power, leases, the market and the tail",
    "power-contracts": "what a contract of power may say, exits by age, deposits",
    "leases-and-customers": "what a contract may say, tranches, offers, customers and how much one of them may bring",
    "firm-and-curtailable-power": "power that may be curtailed, who may stand on it, and what the hours cost",
    "rules-of-money-and-futures": "capital, debt, defaults, delays, and what a unit does in a future",
    "glossary": "each word with its unit and meaning, and every column of the files",
    "architecture": "how the code is laid out, and who may import whom",
    "algorithms": "how plans, prices, floors, scores and proofs are computed",
    "speed": "what was measured, and how to measure it",
    "limits": "what is left out, and what was not tried",
}
"""Pages in the order in which they are read, each with what it holds."""

_MARK = re.compile(r"<!-- made of: (?P<what>[a-z ]+) -->")


def source(name: str) -> str:
    """A page as it is stored; raises PlannerError where there is none of that name."""
    if name not in PAGES:
        raise PlannerError(f"the manual has no page {name!r}; {remedy_for(name, PAGES)}")
    return (FOLDER / f"{name}.md").read_text(encoding="utf-8")


def text(name: str) -> str:
    """A page as it is read: with what is made from declarations filled in."""

    def made(match: re.Match[str]) -> str:
        maker: Callable[[], str] = MADE[match["what"]]
        return maker().rstrip("\n")

    return _MARK.sub(made, source(name))


def is_made(name: str) -> bool:
    """Whether a part of the page is made from declarations."""
    return _MARK.search(source(name)) is not None


def title(name: str) -> str:
    """The first heading of a page."""
    return source(name).splitlines()[0].removeprefix("# ")
