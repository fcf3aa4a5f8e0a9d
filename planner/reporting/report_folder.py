"""The folder of a report: the page, the workbook, and pictures where they are asked for; whole or not at all."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path

from planner.did_you_mean import remedy_for
from planner.errors import PlannerError
from planner.reporting.charts.look import Figure
from planner.reporting.findings import Findings
from planner.reporting.page.blocks import Drawn
from planner.reporting.page.page import Beside, page, page_sections
from planner.reporting.page.script import Script
from planner.reporting.pictures import KINDS, write_picture
from planner.reporting.workbook.book import write_report_workbook
from planner.storage.folders import folder_in_place_of, refuse_other_folders

PAGE, WORKBOOK = "report.html", "report.xlsx"


def refuse_other_reports(target: Path, *, force: bool) -> None:
    """Raise PlannerError unless the folder is free, empty, or a report that may be replaced."""
    refuse_other_folders(target, force=force, what="report", record=PAGE)


def write_report(
    found: Findings, beside: Beside, target: Path, *, pictures: str | None = None, force: bool = False,
    made: dt.datetime | None = None, script: Script | None = None
) -> dict[str, int]:
    """Write the page and the workbook of a run into a folder, and its figures as `pictures` (png or svg); bytes by
    file.

    Raises PlannerError when the folder stands already and `force` is not set, or when it holds something else.
    """
    if pictures is not None and pictures not in KINDS:
        raise PlannerError(f"pictures as {pictures!r} are not known; {remedy_for(pictures, KINDS)}")
    made = dt.datetime.now().astimezone() if made is None else made
    with folder_in_place_of(target, force=force, what="report", record=PAGE) as scratch:
        sections = page_sections(found, beside, made)
        (scratch / PAGE).write_text(page(found, sections, script=script), encoding="utf-8")
        write_report_workbook(found, scratch / WORKBOOK, beside, made=made)
        if pictures is not None:
            figures: Mapping[str, Figure] = {
                block.name: block.figure for section in sections for block in section.blocks if isinstance(block, Drawn)
            }
            for name, figure in figures.items():
                write_picture(figure, scratch / f"{name}.{pictures}")
        return {path.name: path.stat().st_size for path in sorted(scratch.iterdir())}
