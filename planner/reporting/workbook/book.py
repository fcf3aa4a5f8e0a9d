"""The workbook of a run: results that calculate in front, the case that can be edited and planned again behind them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
from xlsxwriter.utility import xl_col_to_name, xl_rowcol_to_cell  # type: ignore[import-untyped]
from xlsxwriter.worksheet import Worksheet  # type: ignore[import-untyped]

from planner.case.writing.workbook import new_workbook, write_case_sheets
from planner.reporting.beside_files import floors_of
from planner.reporting.capacity import capacity_by_year
from planner.reporting.charts.look import COLOURS
from planner.reporting.charts.money import GROUPS
from planner.reporting.findings import Findings
from planner.reporting.leases import lease_table
from planner.reporting.page.answer import answer_section
from planner.reporting.page.blocks import Note, Table
from planner.reporting.page.page import Beside
from planner.reporting.page.provenance import run_facts
from planner.reporting.policies import values_table
from planner.reporting.usage import site_table
from planner.reporting.workbook.cash_sheets import FIRST, Cells, cashflow_sheet, npv_sheet, work_sheet
from planner.reporting.workbook.sheets import PREFIX, Sheets, write_cell

AGAIN = (
    "Sheets whose names begin with result_ are results; the others are the case. Edit them, save, and plan again: "
    "planner plan report.xlsx"
)


def write_report_workbook(
    found: Findings, path: Path, beside: Beside | None = None, *, made: dt.datetime | None = None
) -> None:
    """Write the workbook of a run; see `planner manual workbook` for its sheets."""
    beside = Beside() if beside is None else beside
    book = new_workbook(found.case, path)
    sheets = Sheets(book)
    # The summary stands first, but refers to what comes after it: its cells are written last.
    summary = sheets.sheet("summary")
    if found.has_plan:
        years = sheets.sheet("years")
        wide = cashflow_sheet(sheets, found)
        allocation = sheets.table("allocation", found.tables["allocation"])
        allocation.set_column(0, 1, 22)
        work = work_sheet(sheets, found)
        cells = npv_sheet(sheets, found, len(wide), work, len(found.tables["allocation"]))
        _years(sheets, years, found, cells)
        _summary(sheets, summary, found, cells)
        _tables(sheets, found, beside)
    else:
        _summary(sheets, summary, found, None)
        for table in (block for block in answer_section(found).blocks if isinstance(block, Table)):
            sheets.table(
                table.name,
                pd.DataFrame(
                    [[cell.shown for cell in row] for row in table.rows],
                    columns=[heading for heading, _ in table.headings],
                ),
            )
    _policy(sheets, found, beside)
    facts = pd.DataFrame(
        list(run_facts(found, dt.datetime.now().astimezone() if made is None else made)), columns=["what", "is"]
    )
    sheets.table("provenance", facts)
    write_case_sheets(book, found.case)
    summary.activate()
    book.close()


def _tables(sheets: Sheets, found: Findings, beside: Beside) -> None:
    sheets.table("sites", site_table(found).drop(columns=["latitude", "longitude"]))
    sheets.table("leases", lease_table(found, floors_of(beside.quotes)))
    for name in ("decisions", "power", "prices", "binding", "portfolio"):
        sheets.table(name, found.tables[name])
    if beside.quotes is not None:
        sheets.table("quotes", beside.quotes)
    if beside.scored is not None:
        sheets.table("scores", beside.scored.table)
    if beside.frontier is not None:
        sheets.table("frontier", beside.frontier)
    if beside.moved is not None:
        sheets.table("change_of_cash", beside.moved.lines)
        sheets.table("change_of_sites", beside.moved.sites)
        sheets.table("change_of_leases", beside.moved.leases)
        sheets.table("change_of_case", beside.moved.cases)


def _policy(sheets: Sheets, found: Findings, beside: Beside) -> None:
    """A policy: what it is worth, what it signs now and decides, its nodes, capacity by year; and its replay."""
    decided, replayed = beside.decided, beside.replayed
    if decided is not None:
        sheets.table("policy", values_table(decided))
        sheets.table("policy_sign_now", decided.signed)
        sheets.table("policy_decisions", decided.decisions, endless="everything")
        sheets.table("policy_nodes", decided.nodes)
        sheets.table("policy_amounts", decided.amounts)
        sheets.table("policy_capacity", capacity_by_year(found, decided))
    if replayed is not None:
        sheets.table("replay_ways", replayed.ways, endless="not known")
        sheets.table("replay_signs", replayed.signs)


def _summary(sheets: Sheets, sheet: Worksheet, found: Findings, cells: Cells | None) -> None:
    """Headline figures with what they rest on; those that the workbook can compute are formulas."""
    sheet.set_column(0, 0, 32)
    sheet.set_column(1, 1, 22)
    sheet.set_column(2, 2, 90)
    sheet.write_string(0, 0, found.case.settings.name, sheets.title)
    sheet.write_string(1, 0, AGAIN)
    for place, name in enumerate(("figure", "value", "rests on")):
        sheet.write_string(3, place, name, sheets.head)
    live = {} if cells is None else {"NPV": cells.npv, "Peak funding": cells.peak_funding, "Capex": cells.capex}
    answers = answer_section(found)
    row = 4
    for answer in answers.answers:
        sheet.write_string(row, 0, answer.name)
        if answer.name in live:
            sheet.write_formula(row, 1, live[answer.name].formula, sheets.numbers["usd"], live[answer.name].value)
        elif isinstance(answer.exact, float):
            kind = (
                "usd" if answer.key.endswith("_usd") else "share" if answer.key.endswith(("per_year", "probability"))
                else "mw" if answer.key.endswith("_mw") else "count"
            )
            write_cell(sheet, row, 1, answer.exact, sheets.numbers[kind])
        else:
            sheet.write_string(row, 1, answer.shown)
        sheet.write_string(row, 2, answer.rests_on, sheets.wrapped)
        row += 1
    if cells is not None:
        for name, figure in (
            ("income per GPU-hour, before tax", cells.income_per_gpu_hour),
            ("cost per GPU-hour, before tax", cells.cost_per_gpu_hour),
        ):
            sheet.write_string(row, 0, name)
            sheet.write_formula(row, 1, figure.formula, sheets.numbers["rate"], figure.value)
            sheet.write_string(row, 2, "see result_npv", sheets.wrapped)
            row += 1
    for note in (block for block in answers.blocks if isinstance(block, Note)):
        row += 1
        sheet.write_string(row, 0, note.text)
    sheet.freeze_panes(4, 0)


def _years(sheets: Sheets, sheet: Worksheet, found: Findings, cells: Cells) -> None:
    """`result_years`: groups of lines by calendar year as sums over result_npv, with native charts."""
    periods = found.periods["period"].tolist()
    years = sorted({period[:4] for period in periods})
    for place, name in enumerate(["year", *GROUPS, "net", "cumulative"]):
        sheet.write_string(0, place, name, sheets.head)
    sheet.set_column(0, 0, 8)
    sheet.set_column(1, len(GROUPS) + 2, 16)
    usd = sheets.numbers["usd"]
    of_year = np.array([period[:4] for period in periods])
    total = 0.0
    for row, year in enumerate(years, start=1):
        sheet.write_number(row, 0, int(year), sheets.numbers["plain"])
        columns = np.flatnonzero(of_year == year)
        begin, end = (xl_col_to_name(FIRST + int(at)) for at in (columns[0], columns[-1]))
        net = 0.0
        for place, lines in enumerate(GROUPS.values(), start=1):
            rows = [cells.rows[name] for name in lines]
            value = float(found.cash_by_line.loc[list(lines)].to_numpy()[:, columns].sum())
            sheet.write_formula(
                row, place, "=" + "+".join(f"SUM({PREFIX}npv!{begin}{at}:{end}{at})" for at in rows), usd, value
            )
            net += value
        total += net
        place = len(GROUPS) + 1
        sheet.write_formula(
            row, place, f"=SUM({xl_rowcol_to_cell(row, 1)}:{xl_rowcol_to_cell(row, place - 1)})", sheets.strong["usd"],
            net,
        )
        before = f"{xl_rowcol_to_cell(row - 1, place + 1)}+" if row > 1 else ""
        sheet.write_formula(row, place + 1, f"={before}{xl_rowcol_to_cell(row, place)}", usd, total)
    sheet.freeze_panes(1, 1)
    sheet.autofilter(0, 0, len(years), len(GROUPS) + 2)
    _year_charts(sheets, sheet, len(years))


def _year_charts(sheets: Sheets, sheet: Worksheet, years: int) -> None:
    name = sheet.get_name()
    bars = sheets.book.add_chart({"type": "column", "subtype": "stacked"})
    for place in range(1, len(GROUPS) + 1):
        bars.add_series(
            {
                "name": [name, 0, place], "categories": [name, 1, 0, years, 0],
                "values": [name, 1, place, years, place], "fill": {"color": COLOURS[(place - 1) % len(COLOURS)]},
                "gap": 40,
            }
        )
    bars.set_title({"name": "Cash by year, $B", "name_font": {"size": 12}})
    line = sheets.book.add_chart({"type": "line"})
    for place in (len(GROUPS) + 1, len(GROUPS) + 2):
        line.add_series(
            {
                "name": [name, 0, place], "categories": [name, 1, 0, years, 0],
                "values": [name, 1, place, years, place],
                "line": {"width": 2, "color": COLOURS[0 if place == len(GROUPS) + 1 else 5]},
            }
        )
    line.set_title({"name": "Net and cumulative cash, $B", "name_font": {"size": 12}})
    for chart, row in ((bars, years + 2), (line, years + 25)):
        chart.set_y_axis(
            {"num_format": '$#,##0.0,,,"B"', "major_gridlines": {"visible": True, "line": {"color": "#DDDDDD"}}}
        )
        chart.set_x_axis({"label_position": "low"})
        chart.set_legend({"position": "bottom"})
        chart.set_size({"width": 860, "height": 420})
        sheet.insert_chart(row, 0, chart)

