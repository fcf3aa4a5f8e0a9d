"""The size of the model of a case, and the memory that it takes, from counts of its candidates.

Rows, columns and non-zeros are those that the solver is given (see `formulation.formulation`): on-demand windows
pooled, stocks carried from row to row. They are sums over kinds of what one of each adds, counted on the fixtures and
on made-up cases, and hold within `WITHIN`. Bytes are what making the candidates and the model takes at its peak, and
the first relaxation by HiGHS.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from planner.candidates.kinds import Kind
from planner.candidates.money_limits import CAPITAL_KINDS, budgeted
from planner.candidates.outlook import Outlook
from planner.candidates.reach.counts import Counts, count_candidates
from planner.candidates.reach.sample import COUNTED

WITHIN = 2.0
"""Factor within which candidates, rows, columns and non-zeros are those of the model that is made (tested on the
fixtures and on made-up cases)."""
BYTES_OF_A_CASE = 20 << 20
BYTES_OF_A_CANDIDATE = 2_200
"""Its row in the table, its terms and its uses while they are merged."""
BYTES_OF_A_NONZERO = 200
"""In PuLP, in arrays, and in the solver."""
CASH_LINES = 4
"""Lines whose cash is formed by month for all candidates of a kind at once, where new capital is limited."""
ALL_LINES = 16
"""The same where a floor holds cash."""
NUMBERS_OF_A_MONTH, NUMBERS_OF_A_ROW = 60.0, 60.0
"""Numbers kept for each month: of the case, and of each row that has paths of its own or a share of the statement."""
PROFILES_OF_AN_ENDING = 4.0
_HELD = (Kind.OWN, Kind.RETIRE, Kind.SHELL, Kind.CLOSE)


@dataclass(frozen=True)
class Size:
    """How large the model of a case becomes, about; bytes at the peak."""

    candidates: float
    rows: float
    columns: float
    nonzeros: float
    bytes: float

    def record(self) -> dict[str, int]:
        """For machines."""
        return {name: round(getattr(self, name)) for name in ("candidates", "rows", "columns", "nonzeros", "bytes")}


def estimate(outlook: Outlook, counted: Mapping[str, int] = COUNTED) -> Size:
    """The size of the model of an outlook, without making any of it; counted: see `sample`."""
    counts = count_candidates(outlook, counted)
    tables = outlook.tables
    number = {kind: counts.kinds.get(kind, 0.0) for kind in Kind}
    pooled = sum(counts.pools)
    carried = counts.gpu_stocks + counts.hall_rows + counts.phase_rows
    leases, phases, sites = (float(len(tables[name])) for name in ("leases", "power", "sites"))
    stated = (
        counts.fleet_rows + counts.hall_rows + counts.phase_rows + number[Kind.RENEW] + 2.0 * number[Kind.BLOCK]
        + number[Kind.SHORT]
    )
    supplies = len(tables["gpu_supply"])
    once = 3.0 * leases + 2.0 * phases + 2.0 * sites + counts.pools[1] + supplies + 0.8 * number[Kind.SHELL]
    rows = stated + once + carried + 0.3 * counts.pools[0]
    columns = 0.9 * (counts.candidates - number[Kind.SELL]) + pooled + carried
    cohorts = 0.9 * sum(number[kind] for kind in _HELD)
    each = 2.5 + (supplies > 0) + budgeted(outlook)
    nonzeros = (
        counts.served_rows + 5.0 * (number[Kind.SERVE] + number[Kind.HOST]) + 12.0 * number[Kind.RENEW]
        + 3.0 * pooled + 4.0 * carried + each * cohorts
        + 3.0 * (number[Kind.MINE] + number[Kind.SHORT] + number[Kind.BLOCK] + number[Kind.EXIT])
    )
    return Size(counts.candidates, rows, columns, nonzeros, _bytes(outlook, counts, nonzeros))


def bytes_of_months(outlook: Outlook) -> float:
    """What prices, incomes, profiles and the statement take by month, up to the end of the last contract."""
    rows = sum(len(outlook.case.tables[name]) for name in ("sites", "power", "gpus", "leases", "market"))
    # Whatever is written off has a profile for each month in which it may be given up.
    return 8.0 * outlook.months * (
        NUMBERS_OF_A_MONTH + NUMBERS_OF_A_ROW * rows + PROFILES_OF_AN_ENDING * len(outlook.endings)
    )


def _bytes(outlook: Outlook, counts: Counts, nonzeros: float) -> float:
    floored = bool(outlook.tables["budget"].given("cash_floor_usd").any())
    # Where only capital is limited, cash is formed of the kinds that draw it alone.
    kinds = [number for kind, number in counts.kinds.items() if floored or kind in CAPITAL_KINDS]
    lines = ALL_LINES if floored else CASH_LINES if budgeted(outlook) else 0
    cash = 8.0 * lines * outlook.months * max(kinds, default=0.0)
    return (
        BYTES_OF_A_CASE + bytes_of_months(outlook) + cash + BYTES_OF_A_CANDIDATE * counts.candidates
        + BYTES_OF_A_NONZERO * nonzeros
    )
