"""What other programs put into a CSV file that is no row of a table: their encodings, hints and comments, by name."""

from __future__ import annotations

import re
from collections.abc import Sequence

from planner.case.reading.cells import EXCEL_ERRORS

Reason = tuple[str, str]
"""Why it is refused, and what to do."""

_HINT = re.compile(r'\s*"?sep=.?"?\s*', re.IGNORECASE)
_COMMENTS = ("#", "//")
_SAMPLE = 4096


def encoding_without_mark(data: bytes) -> Reason | None:
    """UTF-16 or UTF-32 without a byte-order mark, which shows by its zero bytes; None for a file without any."""
    if b"\x00" not in data:
        return None
    sample = data[:_SAMPLE]
    first, second = (sample[at::2].count(0) / max(len(sample[at::2]), 1) for at in (0, 1))
    if first + second > 1.2:
        return "the file is UTF-32 without a byte-order mark", "save it as UTF-8"
    if max(first, second) > 0.5 > 2.0 * min(first, second):
        return "the file is UTF-16 without a byte-order mark", "save it as UTF-8 (in Excel: 'CSV UTF-8')"
    return "zero bytes within the text", "save the file anew as UTF-8"


def separator_hint(first: Sequence[str]) -> Reason | None:
    """The line `sep=,` with which spreadsheet programs begin a file: it tells them the separator, and is no header."""
    written = ",".join(first).rstrip(",") or ""
    if not _HINT.fullmatch(written) and not (len(first) == 2 and _HINT.fullmatch(first[0]) and not first[1].strip()):
        return None
    return (
        "a hint for a spreadsheet program, not the header",
        "remove this line, and keep commas between columns and a point for decimals"
    )


def comment(cells: Sequence[str], columns: int | None = None) -> Reason | None:
    """A line that begins with # or // and is no row: it is alone, or has not as many cells as the table has columns."""
    begins = cells[0].strip() if cells else ""
    if not begins.startswith(_COMMENTS) or begins in EXCEL_ERRORS:
        return None
    if columns is not None and len(cells) == columns and any(cell.strip() for cell in cells[1:]):
        return None
    return (
        "a comment line",
        "remove it: a table holds its header and its rows alone; notes go into the column source, or into a .md file "
        "beside it"
    )
