"""The table of prices: each row a stated question with its answer in two directions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd

from planner.candidates.outlook import Outlook
from planner.pricing.linear_piece import Price

COLUMNS = (
    "question", "resource", "site_id", "name", "kind", "from", "to", "unit", "step", "in_plan", "limit",
    "gain_usd", "gain_holds_to", "gain_of_step_usd", "loss_usd", "loss_holds_to", "loss_of_step_usd",
    "net_gain_usd", "net_gain_holds_to", "net_loss_usd", "net_loss_holds_to", "dual_usd",
    "pay_up_to", "fee", "pay_unit", "gain_return_per_year", "loss_return_per_year",
    "decisions", "gain_at_most_usd", "loss_at_least_usd",
)
"""Columns of prices.csv. Dollars are NPV after tax, for one unit; blank where a direction does not exist.

question: what is asked, see `QUESTIONS`. step: units asked about. in_plan, limit: units that the plan uses, and that
there are.
gain_usd: what each of the first units more brings, up to gain_holds_to units; gain_of_step_usd: the mean over the step.
loss_usd, loss_holds_to, loss_of_step_usd: the same for units less. gain and loss are those of units given free or taken
away while they are paid for; net: with their own cost, offered or given back. dual_usd: the dual, between gain and
loss.
pay_up_to: what the gain of the step is in the unit of the contract (pay_unit), beside its fee. return_per_year: for
capital.
decisions: held, or free: then gain and loss (or net) are those of the plan that was found, and no plan gains more than
gain_at_most_usd or loses less than loss_at_least_usd.
"""

QUESTIONS = {
    "whole term": "one more of it for its whole term",
    "from a year on": "one more of it from the first month named to the end of its term",
    "within a year": "one more of it in the months named alone",
    "one quarter": "one more of it in that quarter",
    "from a quarter on": "one more of it from that quarter on",
    "for one year": "one more of it from that quarter, given back a year later",
    "block": "so many more of it at once for its whole term, all decisions free",
    "whole or not": "the whole of it, or one step, taken or left, all decisions free",
    "months earlier": "energised so many months earlier (gain) or later (loss), its contract ending when it did",
    "dual of months": "no answer: the dual of these months alone, which depends on the solver",
}
"""The questions that rows answer, in words."""


@dataclass(frozen=True)
class Thing:
    """What a price is of: columns resource, site_id, name, kind, unit, in_plan and limit of the table."""

    resource: str
    name: str
    unit: str
    site_id: str = ""
    kind: str = ""
    in_plan: float = np.nan
    limit: float = np.nan


Row = dict[str, object]


def row(outlook: Outlook, question: str, thing: Thing, start: int, end: int, **cells: object) -> Row:
    """A row about a thing in the months [start, end); cells not given stay blank."""
    assert question in QUESTIONS
    return {
        "question": question,
        **vars(thing),
        "from": outlook.calendar.written(start),
        "to": outlook.calendar.written(max(end - 1, start)),
        "decisions": "held",
        **cells,
    }


def gain_cells(price: Price | None) -> Row:
    """Cells of what units more bring."""
    if price is None:
        return {}
    return {"gain_usd": price.per_unit, "gain_holds_to": price.holds_to, "gain_of_step_usd": price.over_step}


def loss_cells(price: Price | None) -> Row:
    """Cells of what units less cost."""
    if price is None:
        return {}
    return {
        "loss_usd": -price.per_unit + 0.0, "loss_holds_to": price.holds_to, "loss_of_step_usd": -price.over_step + 0.0
    }


def net_cells(more: Price | None, less: Price | None) -> Row:
    """Cells of what units bring and cost with their own fee."""
    cells: Row = {}
    if more is not None:
        cells |= {"net_gain_usd": more.per_unit, "net_gain_holds_to": more.holds_to}
    if less is not None:
        cells |= {"net_loss_usd": -less.per_unit + 0.0, "net_loss_holds_to": less.holds_to}
    return cells


_TEXTS = ("question", "resource", "site_id", "name", "kind", "from", "to", "unit", "pay_unit", "decisions")


def price_frame(rows: Sequence[Row]) -> pd.DataFrame:
    """The rows as a table with all COLUMNS."""
    return _frame(rows) if rows else _no_rows(str(pd.get_option("mode.string_storage"))).copy()


@cache
def _no_rows(text_kept_in: str) -> pd.DataFrame:
    """Once for each way in which pandas was told to keep text, which is a part of the type of a column."""
    return _frame(())


def _frame(rows: Sequence[Row]) -> pd.DataFrame:
    found = pd.DataFrame(list(rows), columns=list(COLUMNS))
    kinds = {name: "float64" for name in COLUMNS if name not in _TEXTS}
    texts = {name: found[name].astype(object).fillna("").astype(str) for name in _TEXTS}
    return found.astype(kinds).assign(**texts)
