"""The sheets that calculate: cash by site and line, its discounting to the NPV, years, and dollars per GPU-hour."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from xlsxwriter.utility import xl_col_to_name, xl_range_abs, xl_rowcol_to_cell  # type: ignore[import-untyped]

from kernels.lines import UNLEVERED, Line
from planner.case.calendar import Calendar
from planner.reporting.findings import Findings
from planner.reporting.usage import standing
from planner.reporting.workbook.sheets import PREFIX, Sheets

FIRST = 3
"""First column of periods on both sheets: before it stand names and totals."""
COSTS = (
    Line.ENERGY, Line.FEES, Line.UPKEEP, Line.SITE_OPEX, Line.NETWORK, Line.PENALTIES, Line.OPENING, Line.CAPEX,
    Line.DEPOSITS, Line.RESALE, Line.CREDITS,
)
"""What GPU-hours must pay for: all costs before tax, less resale and credits."""


@dataclass(frozen=True)
class Live:
    """A figure that result_npv calculates: a formula that refers to it, and its value."""

    formula: str
    value: float | str


@dataclass(frozen=True)
class Cells:
    """What other sheets use of result_npv: its figures, and the row (from 1) of each line."""

    npv: Live
    peak_funding: Live
    capex: Live
    income_per_gpu_hour: Live
    cost_per_gpu_hour: Live
    rows: dict[str, int]


def cashflow_sheet(sheets: Sheets, found: Findings) -> pd.DataFrame:
    """`result_cashflow`: a row per site and line, a column per period, undiscounted dollars; the total is a formula."""
    periods = found.periods["period"].tolist()
    cash = found.tables["cashflow"]
    wide = cash.pivot_table(
        index=["site_id", "line"], columns="period", values="usd", aggfunc="sum", sort=False
    ).reindex(columns=periods).fillna(0.0).reset_index()
    order = {line.name.lower(): int(line) for line in Line}
    wide = wide.sort_values(
        "line", key=lambda names: names.map(order), kind="stable"
    ).sort_values("site_id", kind="stable").reset_index(drop=True)
    sheet = sheets.sheet("cashflow")
    for place, name in enumerate(["site_id", "line", "total_usd", *periods]):
        sheet.write_string(0, place, name, sheets.head)
    usd = sheets.numbers["usd"]
    for row, entry in enumerate(wide.itertuples(index=False), start=1):
        site, line, *amounts = entry
        sheet.write_string(row, 0, site, sheets.text)
        sheet.write_string(row, 1, line, sheets.text)
        sheet.write_formula(
            row, 2, f"=SUM({xl_rowcol_to_cell(row, FIRST)}:{xl_rowcol_to_cell(row, FIRST + len(periods) - 1)})", usd,
            float(np.sum(amounts)),
        )
        for place, amount in enumerate(amounts, start=FIRST):
            if amount != 0.0:
                sheet.write_number(row, place, amount, usd)
    sheet.set_column(0, 1, 16)
    sheet.set_column(2, FIRST + len(periods) - 1, 15)
    sheet.freeze_panes(1, FIRST)
    sheet.autofilter(0, 0, max(len(wide), 1), FIRST + len(periods) - 1)
    return wide


def work_sheet(sheets: Sheets, found: Findings) -> pd.DataFrame:
    """`result_work`: GPUs and MW at work, a row per window at the size that stands, months as indices from the start of
    the case."""
    table = standing(found)[
        ["site_id", "power_path", "gpu_id", "use", "lease_id", "gpus", "it_mw", "from_month", "to_month"]
    ].reset_index(drop=True)
    notes = {
        "from_month": "index of its first month; 0 is the start of the case",
        "to_month": "index of the month after its last",
        "gpus": "at the size that stands: a lease that ramps up has a row per step",
    }
    sheets.table("work", table, notes)
    return table


def npv_sheet(sheets: Sheets, found: Findings, cash_rows: int, work: pd.DataFrame, allocation_rows: int) -> Cells:
    """`result_npv`: lines by period as sums over result_cashflow, their discounting, and figures per GPU-hour, all
    live."""
    return _NpvSheet(sheets, found, cash_rows, work, allocation_rows).write()


class _NpvSheet:
    """Rows in order: periods, their months and hours, discount factors, lines, net, discounted, cumulative,
    GPU-hours."""

    def __init__(
        self, sheets: Sheets, found: Findings, cash_rows: int, work: pd.DataFrame, allocation_rows: int
    ) -> None:
        self.sheets, self.found, self.work = sheets, found, work
        self.cash_rows, self.allocation_rows = max(cash_rows, 1), max(allocation_rows, 1)
        self.periods = found.periods
        self.last = FIRST + len(self.periods) - 1
        self.sheet = sheets.sheet("npv")
        self.rate = xl_rowcol_to_cell(1, 1, row_abs=True, col_abs=True)
        self.at: dict[str, int] = {}

    def write(self) -> Cells:
        sheet, sheets = self.sheet, self.sheets
        sheet.set_column(0, 0, 38)
        sheet.set_column(1, 2, 18)
        sheet.set_column(FIRST, self.last, 15)
        sheet.write_string(
            0, 0, "NPV by discounting result_cashflow: every figure with a formula is live", sheets.title
        )
        sheet.write_string(1, 0, "discount rate per year, of the plan")
        sheet.write_number(1, 1, self.found.case.settings.discount_rate, sheets.numbers["share"])
        head = 8
        self._periods(head)
        first_line = self._lines(head + 5)
        net, cumulative = self._totals(first_line)
        hours = self._gpu_hours(cumulative + 2)
        return self._figures(net, cumulative, hours)

    def _across(self, row: int) -> str:
        return str(xl_range_abs(row, FIRST, row, self.last))

    def _label(self, row: int, name: str, unit: str) -> None:
        self.sheet.write_string(row, 0, name, self.sheets.bold)
        self.sheet.write_string(row, 1, unit)

    def _periods(self, head: int) -> None:
        """Period, index of its first month, months, hours, discount factor."""
        numbers, sheet = self.sheets.numbers, self.sheet
        for row, (name, unit) in enumerate(
            (
                ("period", "month, or 12 months from it"), ("first month", "index"), ("months", "months"),
                ("hours", "hours"), ("discount factor", "at mid-month or mid-year"),
            ),
            start=head,
        ):
            self._label(row, name, unit)
        sheet.write_string(head, 2, "total", self.sheets.head)
        hours = _hours(self.found)
        for place, period in enumerate(self.periods.itertuples(), start=FIRST):
            sheet.write_string(head, place, period.period, self.sheets.head)
            sheet.write_number(head + 1, place, period.month, numbers["plain"])
            sheet.write_number(head + 2, place, period.months, numbers["plain"])
            sheet.write_number(head + 3, place, float(hours[place - FIRST]), numbers["count"])
            first, length = xl_rowcol_to_cell(head + 1, place), xl_rowcol_to_cell(head + 2, place)
            sheet.write_formula(
                head + 4, place, f"=(1+{self.rate})^-(({first}+{length}/2)/12)", numbers["factor"],
                float(period.discount),
            )
        self.head = head
        sheet.freeze_panes(head + 1, FIRST)

    def _lines(self, row: int) -> int:
        """A row per unlevered line: SUMIF over the sheet of cash by site."""
        usd = self.sheets.numbers["usd"]
        names = f"{PREFIX}cashflow!$B$2:$B${self.cash_rows + 1}"
        for offset, line in enumerate(UNLEVERED):
            name = line.name.lower()
            self.at[name] = at = row + offset
            self._label(at, self.found.line_words(name), "$, undiscounted")
            amounts = self.found.cash_by_line.loc[name].to_numpy()
            self.sheet.write_formula(
                at, 2, f"=SUM({xl_rowcol_to_cell(at, FIRST)}:{xl_rowcol_to_cell(at, self.last)})", usd,
                float(amounts.sum()),
            )
            for place in range(FIRST, self.last + 1):
                column = xl_col_to_name(place)
                self.sheet.write_formula(
                    at, place, f'=SUMIF({names},"{name}",{PREFIX}cashflow!{column}$2:{column}${self.cash_rows + 1})',
                    usd, float(amounts[place - FIRST]),
                )
        return row

    def _totals(self, first_line: int) -> tuple[int, int]:
        last_line = first_line + len(UNLEVERED) - 1
        net, discounted, cumulative = last_line + 1, last_line + 2, last_line + 3
        strong, usd = self.sheets.strong["usd"], self.sheets.numbers["usd"]
        for row, name, unit in (
            (net, "net, after tax", "$, undiscounted"), (discounted, "discounted", "$ at the start of the case"),
            (cumulative, "cumulative", "$, undiscounted"),
        ):
            self._label(row, name, unit)
        flow, factor = self.found.net_usd, self.periods["discount"].to_numpy()
        total = np.cumsum(flow)
        for place in range(FIRST, self.last + 1):
            at = place - FIRST
            self.sheet.write_formula(
                net, place, f"=SUM({xl_rowcol_to_cell(first_line, place)}:{xl_rowcol_to_cell(last_line, place)})",
                strong, float(flow[at]),
            )
            self.sheet.write_formula(
                discounted, place, f"={xl_rowcol_to_cell(net, place)}*{xl_rowcol_to_cell(self.head + 4, place)}", usd,
                float(flow[at] * factor[at]),
            )
            before = f"{xl_rowcol_to_cell(cumulative, place - 1)}+" if place > FIRST else ""
            self.sheet.write_formula(
                cumulative, place, f"={before}{xl_rowcol_to_cell(net, place)}", usd, float(total[at])
            )
        for row, value in ((net, flow.sum()), (discounted, flow @ factor)):
            self.sheet.write_formula(
                row, 2, f"=SUM({xl_rowcol_to_cell(row, FIRST)}:{xl_rowcol_to_cell(row, self.last)})", strong,
                float(value),
            )
        return net, cumulative

    def _gpu_hours(self, row: int) -> int:
        """Hours of GPUs at work by period, from the windows of result_work."""
        self._label(row, "GPU-hours at work", "GPU-hours")
        count = max(len(self.work), 1) + 1
        gpus, first, after = (f"{PREFIX}work!${column}$2:${column}${count}" for column in ("F", "H", "I"))
        amounts = gpu_hours(self.found, self.work)
        for place in range(FIRST, self.last + 1):
            start = xl_rowcol_to_cell(self.head + 1, place, row_abs=True)
            length, hours = (xl_rowcol_to_cell(self.head + offset, place, row_abs=True) for offset in (2, 3))
            # Months that a window and a period share: max(0, min(ends) - max(starts)), written so that it works on
            # whole columns.
            ends = f"({after}+{start}+{length}-ABS({after}-{start}-{length}))/2"
            starts = f"({first}+{start}+ABS({first}-{start}))/2"
            shared = f"({ends}-{starts}+ABS({ends}-{starts}))/2"
            self.sheet.write_formula(
                row, place, f"=SUMPRODUCT({gpus}*{shared})*{hours}/{length}", self.sheets.numbers["count"],
                float(amounts[place - FIRST]),
            )
        self.sheet.write_formula(
            row, 2, f"=SUM({xl_rowcol_to_cell(row, FIRST)}:{xl_rowcol_to_cell(row, self.last)})",
            self.sheets.strong["count"], float(amounts.sum()),
        )
        return row

    def _figures(self, net: int, cumulative: int, hours: int) -> Cells:
        """The figures that a reader checks, at the top."""
        sheet, numbers, found = self.sheet, self.sheets.numbers, self.found
        factors = self._across(self.head + 4)
        npv = float(found.net_usd @ self.periods["discount"])
        sheet.write_string(2, 0, "NPV", self.sheets.bold)
        sheet.write_formula(2, 1, f"=SUMPRODUCT({self._across(net)},{factors})", self.sheets.strong["usd"], npv)
        sheet.write_string(
            2, FIRST, f"the plan's NPV is ${found.summary['npv_usd']:,.2f}" if found.has_plan else "there is no plan"
        )
        deepest = float(max(-np.cumsum(found.net_usd).min(initial=0.0), 0.0))
        sheet.write_string(3, 0, "peak funding", self.sheets.bold)
        sheet.write_formula(3, 1, f"=MAX(0,-MIN({self._across(cumulative)}))", numbers["usd"], deepest)
        spent = -float(found.cash_by_line.loc[["capex", "opening"]].to_numpy().sum())
        sheet.write_string(4, 0, "capex and opening costs", self.sheets.bold)
        sheet.write_formula(
            4, 1, f"=-SUM({self._across(self.at['capex'])})-SUM({self._across(self.at['opening'])})", numbers["usd"],
            spent,
        )
        values = (npv, deepest, spent, *self._per_gpu_hour(factors, hours))
        npv_cell, deepest_cell, spent_cell, earned, needed = (
            Live(f"={PREFIX}npv!$B${row}", value) for row, value in enumerate(values, start=3)
        )
        return Cells(
            npv_cell, deepest_cell, spent_cell, earned, needed, {name: row + 1 for name, row in self.at.items()}
        )

    def _per_gpu_hour(self, factors: str, hours: int) -> list[float | str]:
        """Discounted income of GPUs, and all costs that other income leaves, over discounted GPU-hours."""
        sheet, rate = self.sheet, self.sheets.numbers["rate"]
        gpus, income = (f"{PREFIX}allocation!${column}$2:${column}${self.allocation_rows + 1}" for column in ("J", "P"))
        others = f"SUMPRODUCT(({gpus}=0)*{income})"
        own = f"SUMPRODUCT(({gpus}>0)*{income})"
        worked = f"SUMPRODUCT({self._across(hours)},{factors})"
        cost = "+".join(f"SUMPRODUCT({self._across(self.at[line.name.lower()])},{factors})" for line in COSTS)
        shown: list[float | str] = [
            "no GPU-hours" if np.isnan(value) else value for value in per_gpu_hour(self.found, self.work)
        ]
        for row, name, formula, value in (
            (5, "income per GPU-hour, before tax", own, shown[0]),
            (6, "cost per GPU-hour, before tax", f"(-({cost})-{others})", shown[1]),
        ):
            sheet.write_string(row, 0, name, self.sheets.bold)
            sheet.write_formula(row, 1, f'=IF({worked}>0,{formula}/{worked},"no GPU-hours")', rate, value)
        sheet.write_string(5, FIRST, "discounted income of GPUs over discounted GPU-hours at work")
        sheet.write_string(
            6, FIRST,
            "all discounted costs less resale, credits and the income of hosting, mining and tail rents, over "
            "discounted GPU-hours: the rate at which GPUs would pay for everything before tax",
        )
        return shown


def _hours(found: Findings) -> np.ndarray:
    """Real hours of each period."""
    last = found.periods.iloc[-1]
    calendar = Calendar(found.case.settings.start, int(last["month"] + last["months"]))
    total = np.concatenate([[0.0], np.cumsum(calendar.hours)])
    first = found.periods["month"].to_numpy(np.int64)
    return np.asarray(total[first + found.periods["months"].to_numpy(np.int64)] - total[first])


def gpu_hours(found: Findings, work: pd.DataFrame) -> np.ndarray:
    """GPU-hours at work in each period, those of a year of the tail spread evenly over its months."""
    first = found.periods["month"].to_numpy(np.float64)[:, None]
    months = found.periods["months"].to_numpy(np.float64)[:, None]
    shared = np.minimum(
        work["to_month"].to_numpy(np.float64), first + months
    ) - np.maximum(work["from_month"].to_numpy(np.float64), first)
    return np.asarray(np.maximum(shared, 0.0) @ work["gpus"].to_numpy(np.float64) * _hours(found) / months[:, 0])


def per_gpu_hour(found: Findings, work: pd.DataFrame) -> tuple[float, float]:
    """Income and cost per GPU-hour as the sheet computes them; NaN without GPU-hours."""
    worked = float(gpu_hours(found, work) @ found.periods["discount"])
    if worked <= 0.0:
        return float("nan"), float("nan")
    allocation, value = found.tables["allocation"], found.present_value_by_line
    on_gpus = allocation["gpus"] > 0.0
    own, others = (float(allocation.loc[rows, "income_pv_usd"].sum()) for rows in (on_gpus, ~on_gpus))
    return own / worked, (-float(value[[line.name.lower() for line in COSTS]].sum()) - others) / worked
