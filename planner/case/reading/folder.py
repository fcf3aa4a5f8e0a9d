"""The files of a case folder: `case.toml` and a CSV file for each table, strictly UTF-8 and strictly rectangular."""

from __future__ import annotations

import csv
import io
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from planner.case.reading.foreign import comment, encoding_without_mark, separator_hint
from planner.case.reading.raw import RawCase, RawSetting, RawTable
from planner.case.reading.sizes import (
    SETTINGS_BYTES,
    TABLE_BYTES,
    FileRefused,
    first_faults,
    refuse_many_cells,
    regular_bytes,
)
from planner.case.tables import TABLES
from planner.did_you_mean import remedy_for
from planner.errors import CaseError, Fault

SETTINGS_FILE = "case.toml"
_NOTES = {".md", ".txt"}
_OTHER_ENCODINGS = ((b"\xff\xfe", "UTF-16"), (b"\xfe\xff", "UTF-16"), (b"\x00\x00\xfe\xff", "UTF-32"))
_BOM = b"\xef\xbb\xbf"
_DEEP_NAME = re.compile(r"""(?<![\w"'-])(?:[\w"'-]+[ \t]*\.[ \t]*){16}""")
"""A dotted name of more parts than any setting; what a TOML reader makes of it grows with the square of its length."""


def read_folder(folder: Path) -> RawCase:
    """All files of the folder as raw cells; files that cannot be read become faults, none is passed over but notes."""
    faults: list[Fault] = []
    tables: dict[str, RawTable] = {}
    unread: set[str] = set()
    settings: tuple[RawSetting, ...] = ()
    settings_read = False
    known = [SETTINGS_FILE, *(f"{name}.csv" for name in TABLES)]
    present = _present(folder, known)
    strange = [name for name, path in present.items() if name not in known and path.suffix.lower() not in _NOTES]
    faults += first_faults(
        (
            Fault(
                name, None, None, "", "not a file of a case",
                f"{remedy_for(name, known)} Otherwise move it out of the folder",
            )
            for name in strange
        ),
        0,
    )
    if SETTINGS_FILE in present:
        try:
            settings, settings_read = _settings(present[SETTINGS_FILE]), True
        except FileRefused as refusal:
            faults.append(refusal.fault)
    else:
        faults.append(
            Fault(
                SETTINGS_FILE, None, None, "", "the folder holds no case.toml",
                "add one with at least name, start and months; `planner new` writes an example",
            )
        )
    for name in TABLES:
        path = folder / f"{name}.csv"
        if path.name in present:
            try:
                tables[name] = _table(name, path)
            except FileRefused as refusal:
                faults.append(refusal.fault)
                unread.add(name)
    return RawCase(str(folder), SETTINGS_FILE, settings, tables, tuple(faults), settings_read, frozenset(unread))


def _present(folder: Path, known: list[str]) -> dict[str, Path]:
    try:
        return {
            entry.name: entry
            for entry in sorted(folder.iterdir())
            if not entry.name.startswith((".", "~$")) and (entry.is_file() or entry.name in known)
        }
    except OSError as error:
        raise CaseError(
            [
                Fault(
                    str(folder), None, None, "", f"the folder cannot be read ({error.strerror})",
                    "check that you may read it",
                )
            ]
        ) from None


def read_table(name: str, path: Path) -> RawTable:
    """One CSV file as raw cells, as strictly as the files of a case; raises CaseError when it cannot be read."""
    try:
        return _table(name, path)
    except FileRefused as refusal:
        raise CaseError([refusal.fault]) from None


def _text(path: Path, most: int) -> str:
    """The file as text; a plain UTF-8 byte-order mark is dropped, any other encoding refused."""
    data = regular_bytes(path, most)
    for mark, encoding in _OTHER_ENCODINGS:
        if data.startswith(mark):
            raise FileRefused(Fault(path.name, None, None, "", f"the file is {encoding}", "save it as UTF-8"))
    if unmarked := encoding_without_mark(data):
        raise FileRefused(Fault(path.name, None, None, "", *unmarked))
    data = data.removeprefix(_BOM)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        row = data[: error.start].count(b"\n") + 1
        shown = data[error.start : error.start + 1].hex()
        raise FileRefused(
            Fault(
                path.name, row, None, f"byte 0x{shown}", "the file is not UTF-8",
                "save it as UTF-8 (in Excel: 'CSV UTF-8')",
            )
        ) from None


def _settings(path: Path) -> tuple[RawSetting, ...]:
    written = _text(path, SETTINGS_BYTES)
    if deep := _DEEP_NAME.search(written):
        row = written.count("\n", 0, deep.start()) + 1
        raise FileRefused(
            Fault(
                path.name, row, None, deep[0][:40], "a name of many parts",
                "write settings as key = value, under [depreciation.gpu] and its like",
            )
        )
    try:
        parsed = tomllib.loads(written)
    except RecursionError:
        raise FileRefused(
            Fault(
                path.name, None, None, "", "brackets within brackets without end",
                'write one key = value per line, text and months in "quotes"',
            )
        ) from None
    except ValueError as error:  # bad TOML, and numbers of thousands of digits
        found = re.search(r"line (\d+)", str(error))
        row_found = int(found[1]) if found else None
        raise FileRefused(
            Fault(
                path.name, row_found, None, "", f"not valid TOML: {error}",
                'write one key = value per line, text and months in "quotes"',
            )
        ) from None
    lines = _lines_of(written)
    return tuple(RawSetting(key, value, lines.get(key)) for key, value in _flat(parsed, ""))


def _flat(table: dict[str, object], prefix: str) -> list[tuple[str, object]]:
    pairs: list[tuple[str, object]] = []
    for key, value in table.items():
        if isinstance(value, dict):
            pairs += _flat(value, f"{prefix}{key}.") or [(f"{prefix}{key}", value)]
        else:
            pairs.append((f"{prefix}{key}", value))
    return pairs


def _lines_of(written: str) -> dict[str, int]:
    """The first line on which each key is set, by its whole name or by its last part under its heading."""
    found: dict[str, int] = {}
    heading = ""
    for number, line in enumerate(written.splitlines(), start=1):
        bare = line.strip()
        if bare.startswith("["):
            heading = bare.strip("[] \t").split("#")[0].strip(" ]")
        name = bare.split("=")[0].strip().strip("\"'")
        if "=" in bare:
            found.setdefault(name, number)
            found.setdefault(f"{heading}.{name}" if heading else name, number)
    return found


def _table(name: str, path: Path) -> RawTable:
    lines = _csv_lines(path)
    first = next((cells for _, cells in lines), [])
    refuse_many_cells(path.name, 0, len(first))
    if reason := separator_hint(first) or comment(first):
        raise FileRefused(Fault(path.name, 1, None, ",".join(first)[:60], *reason))
    header = tuple(cell.strip() for cell in first)
    if any(header):
        _refuse_other_separators(path, header, first)
    rows: list[tuple[str, ...]] = []
    blank: int | None = None
    for row, cells in lines:
        if not any(cell.strip() for cell in cells):
            blank = blank or row
            continue
        if blank is not None:
            raise FileRefused(Fault(path.name, blank, None, "", "an empty row between rows", "remove it"))
        if reason := comment(cells, len(header)):
            raise FileRefused(Fault(path.name, row, None, ",".join(cells)[:60], *reason))
        _refuse_misfits(path, row, header, cells)
        rows.append(tuple(cells))
        refuse_many_cells(path.name, len(rows), len(header))
    if not any(header) and not rows:
        raise FileRefused(
            Fault(path.name, None, None, "", "the file is empty", "write the header row, or remove the file")
        )
    return RawTable(name, path.name, header, tuple(rows))


def _csv_lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The rows with their numbers, one after another, so that a file of another kind is refused at its first row."""
    reader = csv.reader(io.StringIO(_text(path, TABLE_BYTES), newline=""), strict=True)
    try:
        yield from enumerate(reader, start=1)
    except csv.Error as error:
        raise FileRefused(
            Fault(
                path.name, reader.line_num, None, "", f"not valid CSV: {error}",
                'check the quotes; a quote within quoted text is written ""',
            )
        ) from None


def _refuse_misfits(path: Path, row: int, header: tuple[str, ...], cells: list[str]) -> None:
    if len(cells) != len(header):
        why = f"{len(cells)} cells under {len(header)} columns"
        raise FileRefused(
            Fault(
                path.name, row, None, ",".join(cells)[:60], why,
                "give every row as many cells as the header; put quotes around text that holds a comma",
            )
        )
    for column, cell in zip(header, cells, strict=True):
        if cell[:1].isspace() and cell.lstrip().startswith('"'):
            raise FileRefused(
                Fault(
                    path.name, row, column, cell[:60], "a space before the opening quote",
                    "put the quote right after the comma",
                )
            )


def _refuse_other_separators(path: Path, header: tuple[str, ...], cells: list[str]) -> None:
    if len(header) == 1:
        for separator, called in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
            if separator in cells[0]:
                raise FileRefused(
                    Fault(
                        path.name, 1, None, cells[0][:60], f"columns separated by {called}",
                        "save the file with commas between columns and a point for decimals",
                    )
                )
