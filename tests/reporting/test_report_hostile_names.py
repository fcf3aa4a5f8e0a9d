"""Names that are paths, formulas or mark-up: every file stands in its folder, every name is text."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest
from report_cases import renamed

from planner.case.read import read_case
from planner.case.write import write_case
from planner.planning.make_plan import plan
from planner.reporting.findings import findings_of_run
from planner.reporting.page.page import Beside
from planner.reporting.report_folder import write_report
from planner.run_folder import write_run
from planner.solver.options import SolverOptions

NAMES = {
    "river": "../../up", "mesa": "/etc/passwd", "lab_training": "..\\..\\up", "gb300": "con:nul|*?", "lab": "Sheet1!A1",
    "River campus": "../../../../tmp/x",
    "Mesa campus": "{{7*7}}", "A model laboratory": "javascript:alert(1)",
    "example": '=HYPERLINK("file:///etc/passwd")',
}


def files_under(root: Path) -> set[Path]:
    return {path.relative_to(root) for path in root.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, made_script: str) -> Path:
    """A case with such names, its run and its report, three folders deep."""
    root = tmp_path_factory.mktemp("names")
    deep = root / "a" / "b" / "c"
    deep.mkdir(parents=True)
    write_case(renamed({old: new for old, new in NAMES.items() if "*" not in new}, "{{7*7}} ../../case"), deep / "case")
    found = plan(read_case(deep / "case"), prices="none", solver=SolverOptions(gap=0.01))
    write_run(found, deep / "run")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("planner.reporting.page.script._MAKE", made_script)
        write_report(findings_of_run(deep / "run", deep / "case"), Beside(), deep / "report")
    return root


def test_no_file_leaves_its_folder(root: Path) -> None:
    inside = files_under(root)
    assert {path.parts[:3] for path in inside} == {("a", "b", "c")}
    assert {path.parts[3] for path in inside} == {"case", "run", "report"}
    assert all(len(path.parts) == 5 for path in inside), "a name became a folder"


def test_names_are_text_on_the_page(root: Path) -> None:
    page = (root / "a" / "b" / "c" / "report" / "report.html").read_text(encoding="utf-8")
    assert "../../up" in page
    assert "{{7*7}} ../../case" in page
    assert 'href="javascript' not in page
    assert 'src="../../up' not in page


def test_sheets_have_plain_names_and_names_are_no_formulas(root: Path) -> None:
    book = openpyxl.load_workbook(root / "a" / "b" / "c" / "report" / "report.xlsx")
    assert not any(set("[]:*?/\\") & set(name) for name in book.sheetnames)
    for sheet in book:
        for row in sheet.iter_rows():
            for cell in row:
                if isinstance(cell.value, str) and any(name in cell.value for name in NAMES.values()):
                    assert cell.data_type != "f" or not cell.value.startswith("=HYPERLINK"), (
                        f"{sheet.title} {cell.coordinate}"
                    )
        assert not sheet._hyperlinks
