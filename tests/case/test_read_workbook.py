"""Reading a workbook: native cells as a person sees them, or a refusal."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont
from openpyxl.styles import Font
from openpyxl.workbook import Workbook

from planner.case.read import read_case
from planner.case.write import write_case
from planner.errors import CaseError


@pytest.fixture(scope="module")
def small(small_files: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small case as a workbook, which nobody changes."""
    folder = tmp_path_factory.mktemp("small")
    for name, text in small_files.items():
        (folder / name).write_text(text, encoding="utf-8", newline="")
    write_case(read_case(folder), folder / "small.xlsx")
    book = openpyxl.load_workbook(folder / "small.xlsx")
    for sheet in book:
        for cell in sheet[1]:
            cell.comment = None  # what a column means: openpyxl takes long over it, and nobody here reads it
    book.save(folder / "small.xlsx")
    return folder / "small.xlsx"


@pytest.fixture
def workbook(small: Path, tmp_path: Path) -> Callable[[Callable[[Workbook], None]], Path]:
    """A function that writes the small case as a workbook after a change made by openpyxl."""

    def write(change: Callable[[Workbook], None]) -> Path:
        path = tmp_path / "small.xlsx"
        book = openpyxl.load_workbook(small)
        change(book)
        book.save(path)
        return path

    return write


def put(
    sheet: str, column: str, row: int, value: object, number_format: str | None = None
) -> Callable[[Workbook], None]:
    def change(book: Workbook) -> None:
        header = [cell.value for cell in book[sheet][1]]
        cell = book[sheet].cell(row=row, column=header.index(column) + 1)
        cell.value = value
        if number_format is not None:
            cell.number_format = number_format

    return change


@pytest.mark.parametrize(
    ("sheet", "column", "row", "value", "expected"),
    [
        ("leases", "start", 2, dt.datetime(2027, 7, 1), "2027-07"),
        ("leases", "start", 2, "2027-07", "2027-07"),
        ("leases", "billing_hours", 2, 730, "730"),
        ("leases", "term_months", 2, 36.0, 36),
        ("leases", "signed", 2, True, True),
        ("leases", "signed", 2, "Yes", True),
        ("power", "phase", 2, 1, "1"),
        ("stresses", "value", 2, 3.5, "3.5"),
    ],
)
def test_reads_native_cells(workbook, sheet, column, row, value, expected):
    case = read_case(workbook(put(sheet, column, row, value)))
    assert case.tables[sheet][column].iloc[row - 2] == expected


@pytest.mark.parametrize(
    ("number_format", "value"), [("#,##0", 72000), ("0.00", 1.23456), ("0%", 0.15), ("$#,##0.00", 72000)]
)
def test_usual_number_formats_do_not_matter(workbook, number_format, value):
    assert read_case(workbook(put("gpus", "capex_usd", 2, value, number_format))).gpus.capex_usd.iloc[0] == value


def test_notes_results_and_formatted_empty_cells_are_passed_over(workbook):
    def change(book: Workbook) -> None:
        book.create_sheet("notes").append(["anything"])
        book.create_sheet("result_allocation").append(["site", "MW"])
        book["gpus"].cell(row=40, column=40).value = "   "

    assert read_case(workbook(change)).gpus.gpu_id.tolist() == ["gb300", "b200"]


def _merge(book: Workbook) -> None:
    book["gpus"].merge_cells("A2:A3")


def _settings_header(book: Workbook) -> None:
    book["case"]["A1"] = "name"


def _gap(book: Workbook) -> None:
    book["gpus"].insert_rows(3)


def _second_start(book: Workbook) -> None:
    book["case"].append(["start", "2028-01"])


def _wrong_setting(book: Workbook) -> None:
    book["case"].append(["disount_rate", 0.1])


def _no_settings(book: Workbook) -> None:
    del book["case"]


def _extra(book: Workbook) -> None:
    book.create_sheet("power_totals").append(["sum"])


def _header(book: Workbook) -> None:
    book["gpus"]["A1"] = "gpu"


def _total(book: Workbook) -> None:
    book["gpus"].append(["Total", 3.9])


def _hidden_row(book: Workbook) -> None:
    book["gpus"].row_dimensions[3].hidden = True


def _hidden_columns(book: Workbook) -> None:
    """The second and the third column as one hidden range, as spreadsheet programs write it."""
    found = book["gpus"].column_dimensions["B"]
    found.min, found.max, found.hidden = 2, 3, True


def _struck(book: Workbook) -> None:
    for cell in book["gpus"][3]:
        cell.font = Font(strike=True)


def _struck_in_part(book: Workbook) -> None:
    book["gpus"]["A3"] = CellRichText("gb", TextBlock(InlineFont(strike=True), "300"))


def _hidden_sheet(book: Workbook) -> None:
    book["gpus"].sheet_state = "hidden"


def _no_rows_at_all(book: Workbook) -> None:
    del book["gpus"]
    book.create_sheet("gpus")


BROKEN = [
    (put("gpus", "it_kw", 2, "2"), "gpus", 2, "it_kw", "kept as text", "number format"),
    (put("gpus", "it_kw", 2, "two"), "gpus", 2, "it_kw", "text where a number", "12.5"),
    (put("gpus", "it_kw", 2, "2,1"), "gpus", 2, "it_kw", "decimal comma", "2.1"),
    (put("gpus", "it_kw", 2, True), "gpus", 2, "it_kw", "yes/no", "number"),
    (put("gpus", "it_kw", 2, dt.datetime(2027, 1, 1)), "gpus", 2, "it_kw", "a date", "number"),
    (put("gpus", "it_kw", 2, -2), "gpus", 2, "it_kw", "above 0", "kW"),
    (put("gpus", "it_kw", 2, None), "gpus", 2, "it_kw", "blank, but required", "give"),
    (put("gpus", "it_kw", 2, "#DIV/0!"), "gpus", 2, "it_kw", "error of the spreadsheet", "formula"),
    (put("gpus", "it_kw", 2, "=1+1"), "gpus", 2, "it_kw", "without a computed value", "spreadsheet program"),
    (put("gpus", "gpu_id", 2, 7, "000"), "gpus", 2, "gpu_id", "shown in the format 000", "as text"),
    (put("gpus", "capex_usd", 2, 72000, "0.0,"), "gpus", 2, "capex_usd", "shown in the format 0.0,", "General"),
    (_hidden_row, "gpus", 3, None, "hidden row", "clear the filter"),
    (_hidden_columns, "gpus", None, "it_kw", "hidden column", "show it"),
    (_struck, "gpus", 3, "gpu_id", "struck through", "remove it"),
    (_struck_in_part, "gpus", 3, "gpu_id", "struck through", "remove it"),
    (_hidden_sheet, "gpus", None, None, "hidden sheet", "show it"),
    (put("gpus", "gpu_id", 2, dt.datetime(2027, 1, 1)), "gpus", 2, "gpu_id", "a date where text", "as text"),
    (put("leases", "start", 2, dt.datetime(2027, 7, 15)), "leases", 2, "start", "a day, not a month", "YYYY-MM"),
    (put("leases", "start", 2, 202707), "leases", 2, "start", "a number where a month", "YYYY-MM"),
    (put("leases", "term_months", 2, 36.5), "leases", 2, "term_months", "not a whole number", "36 or 37"),
    (put("leases", "signed", 2, 1), "leases", 2, "signed", "a number where yes or no", "yes or no"),
    (
        put("leases", "customer_id", 2, "acmee"), "leases", 2, "customer_id", "no customer_id 'acmee'",
        'did you mean "acme"',
    ),
    (put("case", "value", 4, "60"), "case", 4, "months", "kept as text", "number"),
    (_second_start, "case", 21, "start", "stands twice", "remove one"),
    (_wrong_setting, "case", None, "disount_rate", "no such setting", 'did you mean "discount_rate"'),
    (_settings_header, "case", 1, None, "setting and value", "name the two"),
    (_merge, "gpus", 2, None, "merged cells", "unmerge"),
    (_gap, "gpus", 3, None, "empty row", "remove"),
    (_extra, "power_totals", None, None, "not a sheet of a case", "remove"),
    (_header, "gpus", 1, "gpu", "no such column", 'did you mean "gpu_id"'),
    (_total, "gpus", 4, None, "totals", "remove"),
    (_no_rows_at_all, "gpus", None, None, "sheet is empty", "header row"),
]


@pytest.mark.parametrize(
    ("change", "sheet", "row", "column", "why", "remedy"), BROKEN, ids=[f"{case[1]}: {case[4]}" for case in BROKEN]
)
def test_broken_sheets_are_refused_where_they_stand(workbook, change, sheet, row, column, why, remedy):
    with pytest.raises(CaseError) as caught:
        read_case(workbook(change))
    matching = [
        fault for fault in caught.value.faults if fault.file == f"small.xlsx sheet {sheet}" and why in fault.why
    ]
    assert matching, str(caught.value)
    if row is not None:
        assert matching[0].row == row
    assert matching[0].column == column
    assert remedy in matching[0].remedy


def test_a_workbook_without_settings_is_refused(workbook):
    with pytest.raises(CaseError, match="no sheet 'case'"):
        read_case(workbook(_no_settings))


@pytest.mark.parametrize("content", [b"", b"site_id,mw\n", b"PK\x03\x04 broken"])
def test_a_file_that_is_no_workbook_is_refused(tmp_path, content):
    path = tmp_path / "x.xlsx"
    path.write_bytes(content)
    with pytest.raises(CaseError, match=r"not a readable \.xlsx workbook"):
        read_case(path)


def test_formulas_give_their_computed_value(tmp_path, case_folder):
    """XlsxWriter can store a formula with its last value, as a spreadsheet program does."""
    import xlsxwriter

    path = tmp_path / "f.xlsx"
    book = xlsxwriter.Workbook(str(path))
    settings = book.add_worksheet("case")
    for row, pair in enumerate([("setting", "value"), ("name", "f"), ("start", "2027-01"), ("months", 12)]):
        settings.write_row(row, 0, pair)
    gpus = book.add_worksheet("gpus")
    gpus.write_row(0, 0, ["gpu_id", "it_kw", "capex_usd"])
    gpus.write_string(1, 0, "b200")
    gpus.write_formula(1, 1, "=1.9*1", None, 1.9)
    gpus.write_number(1, 2, 55000)
    book.close()
    assert read_case(path).gpus.it_kw.tolist() == [1.9]
